/**
 * What this node says about itself: at its start, on its return after a leave, and when its metadata changes.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import { JoinRejected, MetaTooLarge, NotParticipating } from "../../MemberlistError.ts"
import { announce, outbid as outbidRule } from "../../swim/membership/Alive.ts"
import type { Alive } from "../../swim/membership/Claim.ts"
import * as Limits from "../../wire/Limits.ts"
import * as Hooks from "../hooks/Hooks.ts"
import type { Node } from "../Node.ts"
import { entryOf, randomMembers } from "../Peers.ts"
import * as Signal from "../Signal.ts"
import * as Step from "../Step.ts"

const announceWith = (node: Node, meta: Uint8Array | null, waiters: Step.Waiters = {}): Effect.Effect<void> => {
  const own = { ...node.transport.advertised, meta, vsn: node.settings.vsn }
  return Step.run(node, (membership, env) => announce(membership, own, env), waiters)
}

const checked = (meta: Uint8Array): Effect.Effect<Uint8Array | null, MetaTooLarge> =>
  meta.length > Limits.MAX_META
    ? Effect.fail(new MetaTooLarge({ size: meta.length, limit: Limits.MAX_META }))
    // Copied, because the caller may reuse its bytes; absent and empty mean the same, and absent is shorter.
    : Effect.succeed(meta.length === 0 ? null : new Uint8Array(meta))

/** The first announcement. The delegate may refuse even ourselves, which ends the start. */
export const first = Effect.fnUntraced(function*(node: Node): Effect.fn.Return<void, JoinRejected | MetaTooLarge> {
  const meta = yield* checked(node.config.meta)
  const { addr, port } = node.transport.advertised
  const claim: Alive = { _tag: "Alive", incarnation: 1, node: node.name, addr, port, meta, vsn: node.settings.vsn }
  yield* Hooks.admitOurselves(node, claim).pipe(
    Effect.mapError(({ reason }) =>
      new JoinRejected({ reason: `the delegate does not admit this node itself: ${reason}` })
    )
  )
  yield* announceWith(node, meta)
})

/** The announcement of a return, with the metadata we had. */
export const again = (node: Node): Effect.Effect<void> =>
  Effect.suspend(() => announceWith(node, entryOf(node, node.name)?.meta ?? null))

/** An announcement above the incarnation at which another node has our name. */
export const outbid = (node: Node, known: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const meta = entryOf(node, node.name)?.meta ?? null
    const own = { ...node.transport.advertised, meta, vsn: node.settings.vsn }
    return Step.run(node, (membership, env) => outbidRule(membership, own, known, env))
  })

/** Whether anybody is there to hear us. */
export const hasAudience = (node: Node): boolean =>
  randomMembers(node, 1, (entry) => entry.state === "alive" || entry.state === "suspect").length > 0

/**
 * Announces new metadata. With `wait` it also waits until the news has been sent as often as gossip sends any, at most
 * that long; the answer tells whether it was. memberlist: `UpdateNode`.
 */
export const updateMeta = Effect.fnUntraced(function*(
  node: Node,
  meta: Uint8Array,
  wait: Duration.Duration | undefined
): Effect.fn.Return<boolean, MetaTooLarge | NotParticipating> {
  const bytes = yield* checked(meta)
  if (Ref.getUnsafe(node.membership).leaving) return yield* Effect.fail(new NotParticipating({ operation: "update" }))
  const sent = yield* Signal.make
  yield* announceWith(node, bytes, { update: sent.notify })
  if (!hasAudience(node)) return true
  if (wait === undefined) return false
  return Option.isSome(yield* Effect.timeoutOption(sent.wait, wait))
})
