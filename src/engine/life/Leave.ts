/**
 * Leaving: the goodbye that makes the difference between "left" and "failed". memberlist: `Leave`.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import { leave as leaveRule } from "../../swim/membership/Dead.ts"
import type { Node } from "../Node.ts"
import * as Signal from "../Signal.ts"
import * as Step from "../Step.ts"
import * as Announce from "./Announce.ts"
import * as Farewell from "./Farewell.ts"

/** How a leave ended. */
export interface LeaveReport {
  /**
   * `Sent`: the goodbye was sent as often as gossip sends any news. `TimedOut`: it was queued, and perhaps sent, but
   * not that often in the time given. `Alone`: there was nobody to tell. `AlreadyLeft`: nothing was done.
   */
  readonly outcome: "Sent" | "TimedOut" | "Alone" | "AlreadyLeft"
}

/** Says goodbye and waits for it to be sent, at most `timeout`. The node keeps answering until its layer is released. */
export const leave = Effect.fnUntraced(function*(
  node: Node,
  timeout: Duration.Duration
): Effect.fn.Return<LeaveReport> {
  if (Ref.getUnsafe(node.membership).leaving) return { outcome: "AlreadyLeft" }
  const ended = yield* Signal.make
  const audience = Announce.hasAudience(node)
  const introduced = Farewell.audience(node)
  // what has still to end: gossip, when there are members, and the goodbye to whoever joins introduced us to
  let unsent = (audience ? 1 : 0) + (introduced.length > 0 ? 1 : 0)
  const sent = () => {
    unsent--
    if (unsent === 0) ended.notify()
  }
  yield* Step.run(node, leaveRule, audience ? { leave: sent } : {})
  if (!audience && introduced.length === 0) return { outcome: "Alone" }
  // The timeout is a fiber that notifies, and not one that interrupts: a closing scope runs us where the wait either
  // cannot be interrupted at all, or, when the program was, would be at once.
  const timer = yield* Effect.forkDetach(Effect.andThen(Effect.sleep(timeout), Effect.sync(ended.notify)))
  const farewell = yield* Effect.forkDetach(
    introduced.length === 0 ? Effect.void : Effect.andThen(Farewell.say(node, introduced), Effect.sync(sent)),
    { startImmediately: true }
  )
  yield* Effect.ensuring(ended.wait, Fiber.interruptAll([timer, farewell]))
  if (unsent === 0) return { outcome: "Sent" }
  node.counters.count("leave.timeout")
  return { outcome: "TimedOut" }
})

/** Goes back to having left, without waiting. */
export const silently = (node: Node): Effect.Effect<void> => Step.run(node, leaveRule)
