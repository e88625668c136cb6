/**
 * The verdicts of this node: the last ones are kept, and each is made into what users see once, when somebody looks.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import type { Findings } from "../../swim/suspicion/Findings.ts"
import type { Verdict } from "../../Verdict.ts"
import * as Views from "./Views.ts"

/** Verdicts that are kept; the oldest goes. Each has a few hundred bytes, unless names are long. */
export const MAX_VERDICTS = 256

export interface Verdicts {
  /** Keeps a verdict that is reached now. Synchronous: it runs inside the rules' step. */
  readonly keep: (findings: Findings) => void
  /** What users see of it. */
  readonly of: (findings: Findings) => Verdict
  /** Those that are kept, the newest last. */
  readonly all: () => ReadonlyArray<Verdict>
  /** The newest of those that are kept that is about the member. */
  readonly last: (member: string) => Verdict | undefined
  /** How many are kept. */
  readonly size: () => number
}

interface Kept {
  readonly findings: Findings
  /** Milliseconds since the epoch. */
  readonly at: number
  verdict: Verdict | undefined
}

/** Makes the memory of the node `name`. The wall clock is read here, and nowhere in the rules. */
export const make = (name: string, clock: Clock.Clock, now: () => number): Verdicts => {
  let ring: Array<Kept> = []
  // the first of the ring that is kept, so that each does not move all others
  let first = 0
  const known = new WeakMap<Findings, Kept>()

  const remember = (findings: Findings, at: number): Kept => {
    const kept: Kept = { findings, at, verdict: undefined }
    known.set(findings, kept)
    return kept
  }

  const verdictOf = (kept: Kept): Verdict => kept.verdict ??= Views.verdictOf(kept.findings, name, kept.at)

  return {
    keep: (findings) => {
      ring.push(remember(findings, clock.currentTimeMillisUnsafe()))
      if (ring.length - first > MAX_VERDICTS) first++
      if (first < MAX_VERDICTS) return
      ring = ring.slice(first)
      first = 0
    },
    // one that was told later than it was reached, to a subscriber who came later
    of: (findings) =>
      verdictOf(known.get(findings) ?? remember(findings, clock.currentTimeMillisUnsafe() - (now() - findings.at))),
    all: () => ring.slice(first).map(verdictOf),
    last: (member) => {
      for (let i = ring.length - 1; i >= first; i--) {
        const kept = ring[i]
        if (kept?.findings.member === member) return verdictOf(kept)
      }
      return undefined
    },
    size: () => ring.length - first
  }
}
