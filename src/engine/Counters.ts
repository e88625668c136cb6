/**
 * Counts of what was done, refused and dropped, by reason. Synchronous, because they are counted inside the packet path;
 * each count also reaches Effect's `Metric` registry as `memberlist.<name>` with the reason as an attribute.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"

interface Cell {
  readonly metric: Metric.Counter<number>
  total: number
}

export interface Counters {
  /** Adds `by` (1 if absent) to the counter `name`, split by `reason`. Names and reasons are literals: the set is bounded. */
  readonly count: (name: string, reason?: string, by?: number) => void
  /** All totals so far: `name` or `name:reason` to number. */
  readonly totals: () => ReadonlyMap<string, number>
}

/** Makes counters that report to the metric registry of `context`. */
export const make = (context: Context.Context<never>): Counters => {
  const cells = new Map<string, Cell>()
  const cellOf = (key: string, name: string, reason: string | undefined): Cell => {
    const existing = cells.get(key)
    if (existing !== undefined) return existing
    const base = Metric.counter(`memberlist.${name}`, { incremental: true })
    const cell = { metric: reason === undefined ? base : Metric.withAttributes(base, { reason }), total: 0 }
    cells.set(key, cell)
    return cell
  }
  return {
    count: (name, reason, by = 1) => {
      const cell = cellOf(reason === undefined ? name : `${name}:${reason}`, name, reason)
      cell.total += by
      cell.metric.updateUnsafe(by, context)
    },
    totals: () => new Map(Array.from(cells, ([key, cell]) => [key, cell.total]))
  }
}
