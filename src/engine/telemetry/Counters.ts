/**
 * Counts of what was done, refused and dropped, by reason. Synchronous, because they are counted inside the packet path;
 * each count also reaches Effect's `Metric` registry as `memberlist.<name>`, with the reason and the configured labels
 * as attributes. The attributes of a series are put together once, not for each packet.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import { type CounterKey, type CounterName, descriptions, type ReasonOf } from "./CounterNames.ts"

/** Attributes of every metric, from the configuration. */
export type Labels = Readonly<Record<string, string>>

interface Cell {
  readonly key: CounterKey
  readonly metric: Metric.Counter<number>
  total: number
}

/** The series of one counter: the plain one, or one for each reason met. */
interface Series {
  plain: Cell | undefined
  readonly byReason: Map<string, Cell>
}

export interface Counters {
  /** Adds `by` (1 if absent) to a counter, under the reason if it has reasons. */
  readonly count: <N extends CounterName>(
    name: N,
    ...how: [ReasonOf<N>] extends [never] ? [reason?: undefined, by?: number] : [reason: ReasonOf<N>, by?: number]
  ) => void
  /** All totals so far. */
  readonly totals: () => ReadonlyMap<CounterKey, number>
}

/** Makes counters that report to the metric registry of `context`. */
export const make = (context: Context.Context<never>, labels: Labels): Counters => {
  const all = new Map<CounterName, Series>()
  const cells: Array<Cell> = []

  const cell = (name: CounterName, reason: string | undefined): Cell => {
    const attributes = reason === undefined ? labels : { ...labels, reason }
    const made: Cell = {
      key: (reason === undefined ? name : `${name}:${reason}`) as CounterKey,
      metric: Metric.counter(`memberlist.${name}`, {
        description: descriptions[name],
        attributes,
        incremental: true
      }),
      total: 0
    }
    cells.push(made)
    return made
  }

  const seriesOf = (name: CounterName): Series => {
    let series = all.get(name)
    if (series === undefined) all.set(name, series = { plain: undefined, byReason: new Map() })
    return series
  }

  const cellOf = (name: CounterName, reason: string | undefined): Cell => {
    const series = seriesOf(name)
    if (reason === undefined) return series.plain ??= cell(name, undefined)
    let found = series.byReason.get(reason)
    if (found === undefined) series.byReason.set(reason, found = cell(name, reason))
    return found
  }

  return {
    count: (name, ...[reason, by = 1]) => {
      const cell = cellOf(name, reason)
      cell.total += by
      cell.metric.updateUnsafe(by, context)
    },
    totals: () => new Map(cells.map(({ key, total }) => [key, total]))
  }
}
