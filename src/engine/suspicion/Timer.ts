/**
 * The end of suspicions: one fiber that sleeps until the table says that one is over, or will be sooner than it did. It
 * remembers nothing, so there is no timer that could be lost, or belong to a suspicion that is over.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import { expire, nextExpiry, ROUNDING } from "../../swim/suspicion/Expiry.ts"
import type { Node } from "../Node.ts"
import * as Step from "../Step.ts"

/** Milliseconds in which sockets are read: one turn of the event loop is enough. */
const TURN = 10

/** Waits for what lies unread, and once more for a moment where the next delay fell into that. */
const readFirst = Effect.fnUntraced(function*(node: Node) {
  const until = node.now() + node.settings.probeTimeout
  yield* Effect.sleep(node.settings.probeTimeout)
  if (node.lateBy(until) > 0) yield* Effect.sleep(TURN)
})

/**
 * Declares dead whoever did not refute in time, forever. Where the timer fired late, what lies unread in the sockets
 * comes first: it may refute.
 */
export const loop = Effect.fnUntraced(function*(node: Node): Effect.fn.Return<never> {
  for (;;) {
    const due = nextExpiry(Ref.getUnsafe(node.membership))
    const left = due - node.now()
    if (left === Infinity) yield* node.sooner.wait
    else if (left >= ROUNDING) {
      const sooner = yield* Effect.timeoutOption(node.sooner.wait, Duration.millis(left))
      if (Option.isNone(sooner) && node.lateBy(due) > 0) yield* readFirst(node)
    } else {
      yield* Step.run(node, expire)
      // more may be over than one step declares dead, and others have something to do as well
      yield* Effect.yieldNow
    }
  }
})
