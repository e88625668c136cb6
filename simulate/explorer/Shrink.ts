/**
 * Makes a failing plan small: leaves out every fault that is not needed for the same kind of failure (delta debugging).
 */
import { type Plan, type Planned } from "./Plan.ts"
import { type Outcome, run } from "./Run.ts"

/** What to shrink by, and how long to try. */
export interface Options {
  /** Runs a plan. Default: the simulation. */
  readonly execute?: ((plan: Plan) => Outcome) | undefined
  /** The most plans to run, default 200. */
  readonly attempts?: number | undefined
  readonly onProgress?: ((faults: number, attempts: number) => void) | undefined
}

const chunksOf = <A>(items: ReadonlyArray<A>, count: number): ReadonlyArray<ReadonlyArray<A>> => {
  const size = Math.ceil(items.length / count)
  const chunks: Array<ReadonlyArray<A>> = []
  for (let i = 0; i < items.length; i += size) chunks.push(items.slice(i, i + size))
  return chunks
}

/**
 * The smallest failing outcome found, which fails first in the way the given one does. No single fault of it can be left
 * out, unless the attempts ran out.
 */
export const shrink = (failing: Outcome, options: Options = {}): Outcome => {
  const { attempts: most = 200, execute = run, onProgress } = options
  const kind = failing.failures[0]?.kind
  let smallest = failing
  let attempts = 0
  const mayTry = () => attempts < most

  /** Whether the plan fails as well with these faults only; if so it is the new smallest. */
  const fails = (script: ReadonlyArray<Planned>): boolean => {
    attempts++
    const only = script.map(({ id }) => id).sort((a, b) => a - b)
    const outcome = execute({ ...failing.plan, script, options: { ...failing.plan.options, only } })
    const same = outcome.failures[0]?.kind === kind
    if (same) smallest = outcome
    onProgress?.(smallest.plan.script.length, attempts)
    return same
  }

  let count = 2
  while (smallest.plan.script.length > 0 && mayTry()) {
    const { script } = smallest.plan
    const chunks = chunksOf(script, Math.min(count, script.length))
    const reduced = chunks.some((chunk) =>
      attempts < most && fails(script.filter((planned) => !chunk.includes(planned)))
    )
    if (reduced) count = Math.max(2, count - 1)
    else if (count >= script.length) break
    else count = Math.min(script.length, count * 2)
  }
  return smallest
}
