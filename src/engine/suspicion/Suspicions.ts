/**
 * The clocks of suspicion: one sleeping fiber per suspected member. A timer carries the token of the suspicion it is
 * about, so one that fires late no longer matches and changes nothing.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as FiberSet from "effect/FiberSet"
import { delay } from "../../swim/suspicion/Suspicion.ts"
import type { Node } from "../Node.ts"
import { entryOf } from "../Peers.ts"

export interface SuspicionTimer {
  readonly name: string
  readonly token: number
}

/**
 * Makes the member's timer what the table says now: the one of its suspicion, in place of an earlier one, or none. Asking
 * the table, and not the directive, makes the order in which fibers carry out their directives harmless.
 */
export const follow = (
  node: Node,
  name: string,
  expired: (timer: SuspicionTimer) => Effect.Effect<void>
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const suspicion = entryOf(node, name)?.suspicion
    if (suspicion === undefined) return FiberMap.remove(node.suspicions, name)
    return Effect.sleep(Duration.millis(delay(suspicion, node.now()))).pipe(
      // The suspicion may have come with a caller's join, and a caller may have another clock.
      Effect.provideService(Clock.Clock, node.clock),
      // In a fiber of its own: this one may be interrupted by what follows from its expiry.
      Effect.andThen(FiberSet.run(node.tasks, expired({ name, token: suspicion.token }))),
      FiberMap.run(node.suspicions, name),
      Effect.asVoid
    )
  })
