/** Processes with planned settings: what the plan says that they cost, beside what they do. */
import { table as markdown } from "../../../simulate/drawing/Markdown.ts"
import type { Amounts, Run, Sample } from "../../page/Results.ts"
import { at, cell, type Section } from "../../page/Section.ts"
import * as Statistics from "../../page/Statistics.ts"
import type { Child } from "../Child.ts"
import { AGREEMENT_SECONDS, cpuOf, mean, type Measuring, names, wait, withChildren } from "../Measuring.ts"

/** Members of a cluster, each a process. */
const PROCESSES = 5

/** A key, so that packets are sealed. */
const KEY = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

/** Times of detection that are planned for, in seconds, in clear and with a key. */
const rows = [2, 3, 5, 10, 30].flatMap((detect) => [{ detect, encrypted: false }, { detect, encrypted: true }])

const keyOf = (key: string, { detect, encrypted }: typeof rows[number]): string =>
  at(encrypted ? `${key}Encrypted` : key, detect)

export const seconds = ({ idleSettleSeconds, idleWindowSeconds }: Amounts): number =>
  rows.length * PROCESSES / 2 + idleSettleSeconds + idleWindowSeconds + 10

/** Starts a cluster with the settings that are planned for a row, and returns the forecast. */
const form = async (
  row: typeof rows[number],
  children: ReadonlyArray<Child>
): Promise<Readonly<Record<string, number>>> => {
  const plan = { members: PROCESSES, ...row, detect: `${row.detect} seconds` }
  const key = row.encrypted ? { key: KEY } : {}
  const seeds: Array<unknown> = []
  let forecast: Readonly<Record<string, number>> = {}
  for (const [i, child] of children.entries()) {
    const started = await child.ask("start", { names: names(1, `p${i}n`), plan, ...key })
    seeds.push(started["address"])
    forecast = started["forecast"] as Readonly<Record<string, number>>
  }
  for (const child of children) await child.ask("join", { seeds: seeds.slice(0, 1) })
  for (const child of children) await child.ask("agree", { expect: PROCESSES, seconds: AGREEMENT_SECONDS })
  return forecast
}

export const measure = (measuring: Measuring): Promise<void> => {
  const { idleSettleSeconds, idleWindowSeconds } = measuring.amounts
  const commands = rows.flatMap(() => Array.from({ length: PROCESSES }, () => measuring.command("ours", "cluster")))
  measuring.say("starting")
  return withChildren(commands, async (children) => {
    const of = <A>(row: number, list: ReadonlyArray<A>) => list.slice(row * PROCESSES, (row + 1) * PROCESSES)
    measuring.say("joining")
    const forecasts: Array<Readonly<Record<string, number>>> = []
    for (const [i, row] of rows.entries()) forecasts.push(await form(row, of(i, children)))
    measuring.say("settling")
    await wait(idleSettleSeconds)
    measuring.say("measuring")
    const began = performance.now()
    const before = await cpuOf(children)
    await wait(idleWindowSeconds)
    const after = await cpuOf(children)
    const window = performance.now() - began
    const used = after.map((micros, i) => (micros - (before[i] ?? Number.NaN)) / window)
    // nobody was thought dead meanwhile: that would have been other work
    for (const child of children) await child.ask("agree", { expect: PROCESSES, seconds: 1 })
    measuring.record(
      "ours",
      Object.fromEntries(rows.flatMap((row, i) => [
        [keyOf("cpu", row), mean(of(i, used))],
        [keyOf("planned", row), forecasts[i]?.["processor"] ?? Number.NaN],
        [keyOf("probe", row), forecasts[i]?.["probeInterval"] ?? Number.NaN]
      ]))
    )
  })
}

const measured = (samples: ReadonlyArray<Sample>, key: string) => Statistics.figure(samples, "ours", key)

export const section: Section = {
  title: () => "Planned settings: processor time",
  text: (amounts) =>
    `What \`MemberlistConfig.plan\` says that a member costs (docs/plan.md), beside clusters of ${PROCESSES} processes with the settings
that it plans, for failures that are known within so many seconds. All clusters run at the same time, settled for ${amounts.idleSettleSeconds} s, and
are measured for ${amounts.idleWindowSeconds} s; the figures are a process's.`,
  figures: [],
  body: ({ samples }: Run) =>
    markdown(
      ["detect, s", "with a key", "`probeInterval`, ms", "planned, CPU ms a second", "measured", "measured ÷ planned"],
      rows.map((row) => {
        const [cpu, planned, probe] = ["cpu", "planned", "probe"].map((key) => measured(samples, keyOf(key, row)))
        return [
          String(row.detect),
          row.encrypted ? "yes" : "no",
          cell(probe, 0),
          cell(planned, 2),
          cell(cpu, 2),
          cpu === undefined || planned === undefined ? "–" : `${(cpu.median / planned.median).toFixed(2)}×`
        ]
      }),
      2
    )
}
