/** What was measured of topics, as the tables and the plot of docs/topic.md. */
import { table } from "../drawing/Markdown.ts"
import type { Chart } from "../drawing/Plot.ts"
import { mean } from "../measuring/Statistics.ts"
import { type Job, type Result, type Way, ways } from "./measure.ts"

export interface Measured {
  readonly job: Job
  readonly outcome: Result
}

/** JSON has no infinity: what never happened was written as null. */
const average = (values: ReadonlyArray<number | null>): number => mean(values.map((value) => value ?? Infinity))

const number = (value: number, digits = 2): string => Number.isFinite(value) ? value.toFixed(digits) : "–"
const distinct = <A>(values: ReadonlyArray<A>): ReadonlyArray<A> => [...new Set(values)]
const ordered = Object.keys(ways) as ReadonlyArray<Way>

const networkOf = ({ churn, loss }: Job): string =>
  churn ? "members come and go" : loss === 0 ? "calm, nothing lost" : `${100 * loss} % lost`

const row = (way: Way, results: ReadonlyArray<Result>): ReadonlyArray<string> => {
  const of = (read: (result: Result) => number | null) => average(results.map(read))
  const messages = results.reduce((sum, result) => sum + result.messages, 0)
  const complete = results.reduce((sum, result) => sum + result.complete, 0)
  return [
    ways[way],
    `${complete} of ${messages}`,
    `${number(100 * of(({ coverage }) => coverage))} %`,
    number(of(({ copies }) => copies)),
    number(of(({ half }) => half)),
    number(of(({ last }) => last)),
    number(Math.max(...results.map(({ slowest }) => slowest)))
  ]
}

/** A table for each size and network. */
export const tables = (measured: ReadonlyArray<Measured>): string => {
  const sizes = distinct(measured.map(({ job }) => job.members)).toSorted((a, b) => a - b)
  return sizes.flatMap((members) => {
    const sized = measured.filter(({ job }) => job.members === members)
    return distinct(sized.map(({ job }) => networkOf(job))).map((network) => {
      const own = sized.filter(({ job }) => networkOf(job) === network)
      const runs = Math.max(...ordered.map((way) => own.filter(({ job }) => job.way === way).length))
      const rows = ordered.flatMap((way) => {
        const results = own.flatMap(({ job, outcome }) => job.way === way ? [outcome] : [])
        return results.length === 0 ? [] : [row(way, results)]
      })
      const head = ["", "reached everybody", "coverage", "copies", "half, s", "last, s", "slowest, s"]
      return `${members} members, ${network}, ${runs === 1 ? "1 run" : `${runs} runs`}:\n\n${table(head, rows)}`
    })
  }).join("\n\n")
}

/** Seconds until the last member, over the size of the cluster. */
export const chart = (measured: ReadonlyArray<Measured>): Chart => {
  const calm = measured.filter(({ job }) => !job.churn)
  const losses = distinct(calm.map(({ job }) => job.loss)).toSorted((a, b) => a - b)
  const compared: ReadonlyArray<Way> = ["topic", "repeated"]
  return {
    title: "Seconds until the last member has a message",
    x: "members",
    y: "seconds",
    logX: true,
    series: compared.flatMap((way, colour) =>
      losses.map((loss) => {
        const own = calm.filter(({ job }) => job.way === way && job.loss === loss)
        const sizes = distinct(own.map(({ job }) => job.members)).toSorted((a, b) => a - b)
        return {
          name: `${way === "topic" ? "topic" : "repeated gossip"}, ${100 * loss} % lost`,
          colour: colour * losses.length + losses.indexOf(loss),
          points: sizes.map((x) => ({
            x,
            y: mean(own.flatMap(({ job, outcome }) => job.members === x ? [outcome.last] : []))
          }))
        }
      })
    )
  }
}
