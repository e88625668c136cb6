/** Lists of many members, exchanged by two nodes: time, memory, and how long they can do nothing else. */
import { table as markdown } from "../../../simulate/drawing/Markdown.ts"
import type { Sample, Subject } from "../../page/Results.ts"
import { atMost, atMostTimes, cell, type Section } from "../../page/Section.ts"
import * as Statistics from "../../page/Statistics.ts"
import type { Child } from "../Child.ts"
import { MB, mean, type Measuring, wait, withChildren } from "../Measuring.ts"

/** One size of the table, and one way to send it. */
export interface Case {
  readonly key: string
  readonly title: string
  readonly rows: number
  /** `lan` is the preset; `plain` does not compress, and `sealed` has a key as well. */
  readonly mode: "plain" | "lan" | "sealed"
}

export const cases: ReadonlyArray<Case> = [
  { key: "plain", title: "10,000, in clear", rows: 10_000, mode: "plain" },
  { key: "lan", title: "10,000, LAN preset", rows: 10_000, mode: "lan" },
  { key: "sealed", title: "10,000, LAN preset with a key", rows: 10_000, mode: "sealed" },
  { key: "large", title: "60,000, LAN preset", rows: 60_000, mode: "lan" }
]

const text =
  `A node is given its table by a program that answers its join with a list; nobody on that list answers. Then a node that
knows nobody joins through it ("join": the newcomer is a fresh process, and so not warm), and joins through it again, five
times, when both know all ("again": the median; memory and delays are the worst of the five), and five times more after ten
that are not measured ("warm"), because most of ours is compiled only then. Names of 12 bytes, 32 bytes of metadata: 108 bytes a row.
Time is the joiner's, until its join is over, which is when both lists are merged on its side; processor time and memory are
each process's, from the start of the join until half a second after its end. Our join asks for the list before it
introduces itself, and so reads it twice, where memberlist's reads it once. The LAN preset compresses: memberlist a list of
any size, ours no list of more than 512 kB, because LZW takes 20 ms a megabyte, in one go. The peak is resident memory, with the program itself; what it is above
the memory before the join stands beside it. The longest delay of the event loop is what a timer of 1 ms feels; on a
machine that is shared others cause delays as well, so beside it stands the most processor time that the loop's thread used
between two such timers. The target is 1.0 of Go's time, and no delay above 50 ms.`

interface Row {
  readonly key: string
  readonly title: string
  readonly millis: string | undefined
}

const rows: ReadonlyArray<Row> = [
  { key: "newcomer", title: "join, newcomer", millis: "join" },
  { key: "giver", title: "join, giver", millis: undefined },
  { key: "asking", title: "again, asking", millis: "again" },
  { key: "asked", title: "again, asked", millis: undefined },
  { key: "warmAsking", title: "warm, asking", millis: "warm" },
  { key: "warmAsked", title: "warm, asked", millis: undefined }
]

const against = (samples: ReadonlyArray<Sample>, key: string, digits: number): ReadonlyArray<string> => [
  cell(Statistics.figure(samples, "ours", key), digits),
  cell(Statistics.figure(samples, "go", key), digits),
  cell(Statistics.ratio(samples, key, ["ours", "go"]), 2, "×")
]

/** Returns the table of all sizes and modes, or nothing where none was measured. */
export const table = (samples: ReadonlyArray<Sample>): string => {
  const ours = (key: string, subject: Subject = "ours") => Statistics.figure(samples, subject, key)
  const body = cases.flatMap((each) =>
    rows.flatMap(({ key, millis, title }) => {
      const of = `${each.key}.${key}`
      if (ours(`${of}.cpu`) === undefined) return []
      return [[
        `${each.title}: ${title}`,
        ...(millis === undefined ? ["", "", ""] : against(samples, `${each.key}.${millis}.millis`, 0)),
        ...against(samples, `${of}.cpu`, 0),
        ...against(samples, `${of}.peak`, 0),
        cell(ours(`${of}.more`), 0),
        cell(ours(`${of}.more`, "go"), 0),
        cell(ours(`${of}.delay`), 0),
        cell(ours(`${of}.turn`), 0)
      ]]
    })
  )
  const three = (title: string) => [`${title}: ours`, "Go", "ours ÷ Go"]
  return markdown(
    [
      "",
      ...three("ms"),
      ...three("CPU ms"),
      ...three("peak, MB"),
      "above before, MB: ours",
      "above before: Go",
      "longest delay, ms",
      "its own, ms"
    ],
    body
  )
}

export const seconds = 60

const KEY = "07".repeat(16)

/** How often the two exchange their lists again when both know all, and then unmeasured, before they do it once more. */
const AGAIN = 5
const WARMING = 10

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
  const several = async (key: string, asking: string, asked: string) => {
    const rounds: Array<{ readonly answer: number; readonly costs: ReadonlyArray<Cost> }> = []
    for (let i = 0; i < AGAIN; i++) rounds.push(await watched([newcomer, giver], exchange))
    const pick = (i: number) => rounds.flatMap(({ costs }) => costs[i] ?? [])
    return {
      [`${of.key}.${key}.millis`]: rounds.map(({ answer }) => answer).toSorted((a, b) => a - b)[AGAIN >> 1] ?? 0,
      ...figures(`${of.key}.${asking}`, pick(0), isLoop),
      ...figures(`${of.key}.${asked}`, pick(1), isLoop)
    }
  }
  const again = await several("again", "asking", "asked")
  for (let i = 0; i < WARMING; i++) await exchange()
  const warm = await several("warm", "warmAsking", "warmAsked")
  return {
    [`${of.key}.join.millis`]: join.answer,
    ...figures(`${of.key}.newcomer`, join.costs.slice(0, 1), isLoop),
    ...figures(`${of.key}.giver`, join.costs.slice(1), isLoop),
    ...again,
    ...warm
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

export const section: Section = {
  title: () => "Tables of many members",
  text: () => text,
  figures: [],
  body: ({ samples }) => table(samples),
  targets: cases.flatMap(({ key, title }) => [
    atMostTimes(1, "go", { work: `join of a newcomer, ${title}`, key: `${key}.join.millis`, digits: 0, unit: "ms" }),
    atMostTimes(1, "go", {
      work: `a list exchanged again, ${title}`,
      key: `${key}.again.millis`,
      digits: 0,
      unit: "ms"
    }),
    atMost(50, {
      work: `longest delay that the newcomer feels, ${title}`,
      key: `${key}.newcomer.delay`,
      digits: 0,
      unit: "ms"
    }),
    atMost(50, {
      work: `longest work without a pause, ${title}`,
      key: `${key}.newcomer.turn`,
      digits: 0,
      unit: "ms"
    })
  ])
}
