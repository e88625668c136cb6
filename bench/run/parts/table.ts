/** Lists of many members, exchanged by two nodes: time, memory, and how long they can do nothing else. */
import { type Case, cases } from "../../page/Table.ts"
import type { Child } from "../Child.ts"
import { MB, mean, type Measuring, wait, withChildren } from "../Measuring.ts"

export { section } from "../../page/Table.ts"

export const seconds = 60

const KEY = "07".repeat(16)

/** How often the two exchange their lists again when both know all. */
const AGAIN = 5

/** Whoever gave its list still merges the other's when the join is over. */
const AFTER_SECONDS = 0.5

const settings = ({ mode }: Case) => ({
  ...(mode === "plain" ? { compress: false } : {}),
  ...(mode === "sealed" ? { key: KEY } : {})
})

interface Cost {
  readonly cpu: number
  /** The most memory it held, and by how much that was more than before. */
  readonly peak: number
  readonly more: number
  readonly delay: number
  readonly turn: number
}

/** Runs something, and tells what it cost a process. */
const watched = async <A>(
  children: ReadonlyArray<Child>,
  use: () => Promise<A>
): Promise<{ readonly answer: A; readonly costs: ReadonlyArray<Cost> }> => {
  const before = await Promise.all(children.map(async (child) => {
    await child.ask("watch")
    child.forgetPeak()
    return { cpu: await child.cpu(), resident: child.memory.resident }
  }))
  const answer = await use()
  await wait(AFTER_SECONDS)
  const costs = await Promise.all(children.map(async (child, i) => {
    const { delay, turn } = await child.ask("watched")
    const peak = child.peak
    return {
      cpu: (await child.cpu() - (before[i]?.cpu ?? 0)) / 1000,
      peak: peak / MB,
      more: (peak - (before[i]?.resident ?? 0)) / MB,
      delay: Number(delay),
      turn: Number(turn)
    }
  }))
  return { answer, costs }
}

const figures = (key: string, costs: ReadonlyArray<Cost>, isLoop: boolean): Record<string, number> => ({
  [`${key}.cpu`]: mean(costs.map(({ cpu }) => cpu)),
  [`${key}.peak`]: Math.max(...costs.map(({ peak }) => peak)),
  [`${key}.more`]: Math.max(...costs.map(({ more }) => more)),
  ...(isLoop
    ? {
      [`${key}.delay`]: Math.max(...costs.map(({ delay }) => delay)),
      [`${key}.turn`]: Math.max(...costs.map(({ turn }) => turn))
    }
    : {})
})

const measureCase = async (
  of: Case,
  [seed, giver, newcomer]: ReadonlyArray<Child>,
  isLoop: boolean
): Promise<Record<string, number>> => {
  if (seed === undefined || giver === undefined || newcomer === undefined) return {}
  const shared = settings(of)
  const from = await seed.ask("start", { ...shared, rows: of.rows })
  const { address } = await giver.ask("start", { ...shared, names: ["giver"] })
  await giver.ask("exchange", { seeds: [from["address"]] })
  await newcomer.ask("start", { ...shared, names: ["newcomer"] })
  const exchange = async () => Number((await newcomer.ask("exchange", { seeds: [address] }))["millis"])
  const join = await watched([newcomer, giver], exchange)
  const known = await Promise.all([giver, newcomer].map((child) => child.ask("members")))
  // those that nobody answers for are suspects after a while, and then dead
  const least = Math.min(...known.map(({ count }) => Number(count)))
  if (least < of.rows * 0.99) throw new Error(`${of.key}: ${least} of ${of.rows} members are known after the join`)
  const rounds: Array<{ readonly answer: number; readonly costs: ReadonlyArray<Cost> }> = []
  for (let i = 0; i < AGAIN; i++) rounds.push(await watched([newcomer, giver], exchange))
  const pick = (i: number) => rounds.flatMap(({ costs }) => costs[i] ?? [])
  return {
    [`${of.key}.join.millis`]: join.answer,
    ...figures(`${of.key}.newcomer`, join.costs.slice(0, 1), isLoop),
    ...figures(`${of.key}.giver`, join.costs.slice(1), isLoop),
    [`${of.key}.again.millis`]: rounds.map(({ answer }) => answer).toSorted((a, b) => a - b)[AGAIN >> 1] ?? 0,
    ...figures(`${of.key}.asking`, pick(0), isLoop),
    ...figures(`${of.key}.asked`, pick(1), isLoop)
  }
}

export const measure = async (measuring: Measuring): Promise<void> => {
  for (const subject of measuring.turns("ours", "before", "go")) {
    const all: Record<string, number> = {}
    const seed = measuring.command("ours", "seed")
    const node = measuring.command(subject, "table")
    for (const each of cases) {
      measuring.say(`${subject}, ${each.title}`)
      await withChildren([seed, node, node], async (children) => {
        Object.assign(all, await measureCase(each, children, subject !== "go"))
      })
    }
    measuring.record(subject, all)
  }
}
