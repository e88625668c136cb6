/** What was measured of the hard cases, as the tables and the plot of docs/hard-cases.md. */
import { table } from "../drawing/Markdown.ts"
import { mean, quantile } from "../measuring/Statistics.ts"
import { badOf, type Case, cases, type Job, type Profile, profiles, type Result } from "./measure.ts"

export interface Measured {
  readonly job: Job
  readonly outcome: Result
}

/**
 * What the paper says of memberlist and of Rapid with 1,000 processes, 10 of them bad. Sizes are read off its plots.
 * It does not tell suspicions, nor whose lists differ.
 */
const paper: Readonly<Partial<Record<Case, Readonly<Record<string, readonly [memberlist: string, rapid: string]>>>>> = {
  flipflop: {
    removed: ["never all", "all 10"],
    returns: ["\"oscillates\"", "none"],
    failed: ["–", "none"],
    least: ["990", "990"]
  },
  outgoing: {
    removed: ["not \"conclusively\"", "all 10"],
    returns: ["it does", "none"],
    failed: ["–", "none"],
    least: ["992", "990"]
  }
}

const PAPER_SIZE = 1000

const number = (value: number): string =>
  Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en-GB") : String(Number(value.toFixed(1)))

/** The mean of some runs, and what the best and the worst had. */
const spread = (results: ReadonlyArray<Result>, of: (result: Result) => number): string => {
  const values = results.map(of)
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return low === high ? number(low) : `${number(mean(values))} (${number(low)} ‥ ${number(high)})`
}

/** The rows of a table: a name for what the paper says of it, what it is called, and how it is read from some runs. */
const rows = (bad: number): ReadonlyArray<
  readonly [key: string, what: string, read: (results: ReadonlyArray<Result>) => string]
> => [
  ["suspected", "good members ever suspected", (all) => spread(all, ({ suspected }) => suspected)],
  ["suspicions", "… counted at each good observer", (all) => spread(all, ({ suspicions }) => suspicions)],
  ["failed", "good members ever declared failed", (all) => spread(all, ({ failed }) => failed)],
  ["failures", "… counted at each good observer", (all) => spread(all, ({ failures }) => failures)],
  ["verdicts", "… by the verdict of a good member", (all) => spread(all, ({ verdicts }) => verdicts)],
  [
    "verdictsAtBad",
    "verdicts of bad members about good ones",
    (all) => spread(all, ({ verdictsAtBad }) => verdictsAtBad)
  ],
  ["removed", `bad members declared failed, of ${bad}`, (all) => spread(all, ({ removed }) => removed.length)],
  ["first", "… after, middle (s)", (all) => {
    const times = all.flatMap(({ removed }) => removed)
    return times.length === 0 ? "–" : number(quantile(times, 0.5))
  }],
  ["returns", "returns of bad members, at the average observer", (all) => spread(all, ({ returns }) => returns)],
  ["least", "shortest list of anybody", (all) => spread(all, ({ least }) => least)],
  ["average", "average list", (all) => spread(all, ({ average }) => average)],
  ["split", "time in which lists differ (%)", (all) => spread(all, ({ split }) => 100 * split)],
  ["lists", "different lists at the end", (all) => spread(all, ({ lists }) => lists)],
  ["badListed", "bad members listed at the end", (all) => spread(all, ({ badListed }) => badListed)],
  ["segmentsLost", "segments of streams lost by chance", (all) => spread(all, ({ segmentsLost }) => segmentsLost)]
]

const titles: Readonly<Record<Case, string>> = {
  flipflop: "A one-way cut that comes and goes",
  outgoing: "80 % of outgoing packets lost",
  incoming: "80 % of incoming packets lost"
}

const isCase = (text: string): text is Case => Object.hasOwn(cases, text)
const isProfile = (text: string): text is Profile => Object.hasOwn(profiles, text)
const known = { cases: Object.keys(cases).filter(isCase), profiles: Object.keys(profiles).filter(isProfile) }

const distinct = (values: ReadonlyArray<number>): ReadonlyArray<number> => [...new Set(values)].sort((a, b) => a - b)

const one = (measured: ReadonlyArray<Measured>, hard: Case, members: number, seconds: number): string => {
  const bad = badOf(members)
  const columns = known.profiles.flatMap((profile) => {
    const results = measured.filter(({ job }) => job.profile === profile).map(({ outcome }) => outcome)
    return results.length === 0 ? [] : [{ profile, results }]
  })
  const said = members === PAPER_SIZE ? paper[hard] : undefined
  const runs = distinct(columns.map(({ results }) => results.length))
  const lines = rows(bad).map(([key, what, read]) => [
    what,
    ...columns.map(({ results }) => read(results)),
    ...(said === undefined ? [] : said[key] ?? ["–", "–"])
  ])
  const head = ["", ...columns.map(({ profile }) => profiles[profile])]
  return `${number(members)} members, ${bad} bad, ${seconds} s, ${runs.join(" to ")} ${
    runs.at(-1) === 1 ? "run" : "runs"
  }:\n\n${table(said === undefined ? head : [...head, "memberlist, paper", "Rapid, paper"], lines)}`
}

/** A section for each case, with a table for each size. */
export const tables = (measured: ReadonlyArray<Measured>): string =>
  known.cases.flatMap((hard) => {
    const own = measured.filter(({ job }) => job.hard === hard)
    if (own.length === 0) return []
    const parts = distinct(own.map(({ job }) => job.members)).flatMap((members) =>
      distinct(own.flatMap(({ job }) => job.members === members ? [job.seconds] : [])).map((seconds) =>
        one(own.filter(({ job }) => job.members === members && job.seconds === seconds), hard, members, seconds)
      )
    )
    return [`### ${titles[hard]}\n\nCase \`${hard}\`: ${cases[hard]}.\n\n${parts.join("\n\n")}`]
  }).join("\n\n")
