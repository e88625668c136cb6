/**
 * Whether the node takes part in its cluster, for those who work only while it does.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import type { Stage } from "../../swim/life/Stage.ts"
import type { Membership } from "../../swim/membership/Membership.ts"
import * as Signal from "../Signal.ts"

export interface Presence {
  /** The stage of the life is another one. Synchronous, and told inside the atomic step. */
  readonly notify: (stage: Stage) => void
  /** How often this node has gone; a leave and a return may both be over before anybody looks. */
  readonly absences: () => number
  /** A signal of one's own, until the scope closes. */
  readonly subscribe: Effect.Effect<Signal.Signal, never, Scope.Scope>
}

/** Tells nobody yet. */
export const make = (): Presence => {
  const signals = new Set<Signal.Signal>()
  let absences = 0
  return {
    absences: () => absences,
    notify: (stage) => {
      if (stage._tag === "Left") absences++
      for (const { notify } of signals) notify()
    },
    subscribe: Effect.acquireRelease(
      Effect.tap(Signal.make, (signal) => Effect.sync(() => signals.add(signal))),
      (signal) => Effect.sync(() => signals.delete(signal))
    )
  }
}

/** The parts of a node that are asked. */
export interface Living {
  readonly presence: Presence
  readonly membership: Ref.Ref<Membership>
}

/**
 * Runs `work` while this node takes part in its cluster: interrupts it when the node leaves, and begins anew when a
 * join has brought it back.
 */
export const whilePresent = (
  { membership, presence }: Living,
  work: Effect.Effect<void>
): Effect.Effect<never> =>
  Effect.scoped(Effect.gen(function*() {
    const changed = yield* presence.subscribe
    const isPresent = () => Ref.getUnsafe(membership).stage._tag === "Present"
    for (;;) {
      while (!isPresent()) yield* changed.wait
      const since = presence.absences()
      const gone = Effect.gen(function*() {
        while (isPresent() && presence.absences() === since) yield* changed.wait
      })
      yield* Effect.raceFirst(Effect.andThen(work, Effect.never), gone)
    }
  }))
