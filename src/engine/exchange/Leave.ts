/**
 * Leaving: the goodbye rides on gossip, and a few members get our whole list, in which we are gone, so that it is
 * certain that somebody knows. memberlist: `Leave`, which leaves it to gossip.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { MemberlistClosed } from "../../MemberlistError.ts"
import * as Recipients from "../../swim/gossip/Recipients.ts"
import * as Life from "../life/Life.ts"
import { envOf, type Node } from "../Node.ts"
import type { NewsReport } from "../sending/Receipts.ts"
import * as PushPull from "./PushPull.ts"

/** How many members confirm the goodbye by a push/pull. */
export const WITNESSES = 3

/** The longest that a leave waits for one of them. One that is gone answers nothing. */
const PATIENCE = Duration.seconds(1)

/** Exchanges lists with a few members, those heard from first. */
const confirm = (node: Node): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (!node.settings.rules.recovery) return Effect.void
    const members = Recipients.ofGoodbye(Ref.getUnsafe(node.membership), WITNESSES, envOf(node))
    return Effect.forEach(
      members,
      ({ endpoint }) => Effect.ignore(Effect.timeoutOption(PushPull.synchroniseWith(node, endpoint), PATIENCE)),
      { concurrency: WITNESSES, discard: true }
    )
  })

/** Leaves the cluster, and tells how many members know for certain. */
export const leave = (node: Node, timeout: Duration.Duration): Effect.Effect<NewsReport, MemberlistClosed> =>
  Life.leave(node, timeout, confirm(node))
