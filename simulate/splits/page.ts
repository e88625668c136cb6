/** The measured splits as the tables and the plot of docs/recovery.md. */
import { plot } from "../drawing/Plot.ts"
import { isStandard, type Job, nameOf, type Standard } from "./jobs.ts"
import type { Result, Split } from "./measure.ts"

/** What is kept of one run. */
export interface Run {
  readonly job: Job
  readonly outcome: Result
}

interface Measured {
  readonly split: Split
  readonly results: ReadonlyArray<Result>
}

/** A cut's time, for people. */
const duration = (seconds: number): string =>
  seconds < 120 ? `${seconds} s` : seconds < 3600 ? `${seconds / 60} min` : `${seconds / 3600} h`

const middle = (sorted: ReadonlyArray<number>): number => sorted[Math.floor(sorted.length / 2)] ?? 0

/** How many runs ended whole, and after how long: the middle one, and the slowest. */
const cell = (results: ReadonlyArray<Result> | undefined): string => {
  if (results === undefined || results.length === 0) return ""
  const times = results.flatMap(({ wholeAfter }) => wholeAfter ?? []).sort((a, b) => a - b)
  const share = `${times.length} of ${results.length}`
  return times.length === 0 ? share : `${share}, ${middle(times)} s (${times.at(-1)} s)`
}

const key = ({ cutOff, kind, members, preset, recovery }: Split) => `${cutOff}|${members}|${kind}|${recovery}|${preset}`

/** The cut, for people. */
const whatOf = ({ cutOff, kind, members }: Split): string =>
  kind === "alone" ? `each of ${members}, alone` : `${cutOff} of ${members}${kind === "oneway" ? ", one way" : ""}`

/** One row for each split and way, one column for each time of the cut. */
const table = (measured: ReadonlyArray<Measured>): string => {
  const seconds = [...new Set(measured.map(({ split }) => split.seconds))].sort((a, b) => a - b)
  const rows = new Map(measured.map(({ split }) => [key(split), split]))
  const head = ["cut off", "recovery", ...seconds.map(duration)]
  const lines = Array.from(rows.entries(), ([name, split]) => {
    const { preset, recovery } = split
    const cells = seconds.map((time) =>
      cell(measured.find(({ split }) => key(split) === name && split.seconds === time)?.results)
    )
    const where = preset === "lan" ? "" : `, ${preset === "wan" ? "WAN" : preset}`
    const what = `${whatOf(split)}${where}`
    return `| ${[what, recovery ? "on" : "off", ...cells].join(" | ")} |`
  })
  return [`| ${head.join(" | ")} |`, `| ${head.map(() => "---").join(" | ")} |`, ...lines].join("\n")
}

/** What the return costs those who are well: sums over the runs with recovery. */
const costs = (measured: ReadonlyArray<Measured>): string => {
  const counted = measured.filter(({ results, split }) => split.recovery && split.kind === "both" && results.length > 0)
  const lines = counted.map(({ results, split }) => {
    const sum = (of: (result: Result) => number) => results.reduce((total, result) => total + of(result), 0)
    const health = Math.max(...results.map(({ healthRise }) => healthRise))
    return `| ${split.cutOff} of ${split.members} | ${duration(split.seconds)} | ${results.length} | ${
      sum(({ suspected }) => suspected)
    } | ${sum(({ failed }) => failed)} | ${health} |`
  })
  return [
    "| cut off | for | runs | suspicions begun | failures told | highest rise of local health |",
    "| --- | --- | --- | --- | --- | --- |",
    ...lines
  ].join("\n")
}

/** The runs of each of some splits. */
const among = (runs: ReadonlyArray<Run>, splits: ReadonlyArray<Split>): ReadonlyArray<Measured> =>
  splits.map((split) => {
    const name = nameOf(split)
    return { split, results: runs.flatMap(({ job, outcome }) => nameOf(job.split) === name ? [outcome] : []) }
  })

/** One split, and what the return cost. */
export const one = (runs: ReadonlyArray<Run>, split: Split): string => {
  const measured = among(runs, [split])
  return `${table(measured)}\n\n${costs(measured)}`
}

/** Of some runs, those of splits that are in no table by themselves. */
export const unusual = (runs: ReadonlyArray<Run>): ReadonlyArray<Run> =>
  runs.filter(({ job }) => !isStandard(job.split))

/** The tables of some runs; the splits that they do not expect follow the others in the first one. */
export const tables = (runs: ReadonlyArray<Run>, { alone, lan, others }: Standard): string => {
  const more = new Map(unusual(runs).map(({ job: { split } }) => [nameOf(split), split]))
  const cost = "What the return cost those who were well, in all runs with recovery, counted at every observer:"
  const rows = "The same in the other presets, packets being under way for 40 to 80 ms in WAN and up to 1 ms in local:"
  return [
    table(among(runs, [...lan, ...alone, ...more.values()])),
    cost,
    costs(among(runs, lan)),
    rows,
    table(among(runs, others))
  ].join("\n\n")
}

/** Seconds until whole, by the time of the cut. */
export const picture = (runs: ReadonlyArray<Run>, { lan }: Standard): string => {
  const shown = among(runs, lan).filter(({ split }) => split.recovery && split.kind === "both")
  const names = [...new Set(shown.map(({ split }) => `${split.cutOff} of ${split.members}`))]
  return plot({
    title: "Time until everybody lists everybody again",
    x: "the network was cut for (s)",
    y: "s after its return: the middle run, the fastest and the slowest",
    logX: true,
    series: names.map((name) => ({
      name,
      points: shown.filter(({ split }) => `${split.cutOff} of ${split.members}` === name).flatMap(
        ({ results, split }) => {
          const times = results.flatMap(({ wholeAfter }) => wholeAfter ?? []).sort((a, b) => a - b)
          const [low] = times
          return low === undefined ? [] : [{ x: split.seconds, y: middle(times), low, high: times.at(-1) }]
        }
      )
    }))
  })
}
