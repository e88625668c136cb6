/**
 * The node's life: its start, its introduction to peers, its changes, its leave and its end. What each call may do is
 * decided in `swim/life`, inside the atomic step; here is what the calls wait for.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Result from "effect/Result"
import type { PeerAddress } from "../../base/Address.ts"
import * as Address from "../../base/Address.ts"
import * as Limits from "../../base/Limits.ts"
import { JoinRejected, MemberlistClosed, MetaTooLarge, NotParticipating } from "../../MemberlistError.ts"
import * as Announcement from "../../swim/life/Announcement.ts"
import * as Stage from "../../swim/life/Stage.ts"
import type { Alive } from "../../swim/membership/Claim.ts"
import { isGone } from "../../swim/membership/Entry.ts"
import * as Membership from "../../swim/membership/Membership.ts"
import { nextIncarnation } from "../../swim/membership/Refute.ts"
import * as Hooks from "../hooks/Hooks.ts"
import type { Node } from "../Node.ts"
import type { Audience, NewsReport, Receipt } from "../sending/Receipts.ts"
import * as Step from "../Step.ts"
import * as Departure from "./Departure.ts"
import * as Goodbye from "./Goodbye.ts"

const own = (node: Node) => ({ ...node.transport.advertised, vsn: node.settings.vsn })

const tooLarge = (meta: Uint8Array): MetaTooLarge | undefined =>
  meta.length > Limits.MAX_META ? new MetaTooLarge({ size: meta.length, limit: Limits.MAX_META }) : undefined

/** Copied, because the caller may reuse its bytes; absent and empty mean the same, and absent is shorter. */
const announced = (meta: Uint8Array): Uint8Array | null => meta.length === 0 ? null : new Uint8Array(meta)

/** The others that there are to tell. */
const audience = (node: Node) => (): Audience => {
  let members = 0
  const places = new Set<string>()
  for (const entry of Ref.getUnsafe(node.membership).entries.values()) {
    if (entry.name === node.name || isGone(entry)) continue
    members++
    places.add(Address.format(entry.endpoint))
  }
  return { members, places }
}

const nobody = (): Audience => ({ members: 0, places: new Set() })

/** Leaves, and answers the goodbye to what was announced last: a join may announce us again before it is sent. */
const leaving = (node: Node) => (m: Membership.Membership, env: Membership.Env): Membership.Decision<Left> => {
  const [next, directives, refused] = Announcement.leave(m, env)
  return [next, directives, { refused, goodbye: Goodbye.encode(node, Announcement.goodbye(next)) }]
}

interface Left {
  readonly refused: Stage.Refused | undefined
  readonly goodbye: Uint8Array
}

/** Whether this node has left, or was released. */
export const isOutside = (node: Node): boolean => Stage.isOutside(Ref.getUnsafe(node.membership).stage)

/** Announces this node to itself. The delegate may refuse even ourselves, which ends the start. */
export const start = Effect.fnUntraced(function*(node: Node): Effect.fn.Return<void, JoinRejected | MetaTooLarge> {
  const refused = tooLarge(node.config.meta)
  if (refused !== undefined) return yield* refused
  const meta = announced(node.config.meta)
  const { addr, port } = node.transport.advertised
  const floor = yield* node.memory.begin
  const incarnation = nextIncarnation(Membership.make(node.name), floor)
  const claim: Alive = { _tag: "Alive", incarnation, node: node.name, addr, port, meta, vsn: node.settings.vsn }
  yield* Hooks.admitOurselves(node, claim).pipe(
    Effect.mapError(({ reason }) =>
      new JoinRejected({ reason: `the delegate does not admit this node itself: ${reason}` })
    )
  )
  yield* Step.decide(node, (m, env) => Announcement.start(m, { ...own(node), meta }, env, floor))
})

/**
 * Introduces this node to a peer while `exchange` writes our list to it. If we are outside when it ends, because we
 * left meanwhile or because nobody answered our return, the goodbye may have been there before our list: it is said
 * again.
 */
export const introduced = <A, E>(
  node: Node,
  to: PeerAddress,
  { above, byItself }: { readonly above: number | undefined; readonly byItself: boolean },
  exchange: Effect.Effect<A, E>
): Effect.Effect<A, E | MemberlistClosed> =>
  Effect.acquireUseRelease(
    Effect.suspend(() => {
      const join = node.introductions.begin(to)
      if (!byItself) node.departure.current = undefined
      return Effect.flatMap(
        Step.decide(node, (m, env) => Announcement.introduce(m, own(node), { join, above, byItself }, env)),
        (refused) => {
          if (refused === undefined) return Effect.succeed(join)
          node.introductions.end(join, true, node.now())
          return Effect.fail(new MemberlistClosed({ operation: "join" }))
        }
      )
    }),
    () => exchange,
    (join, exit) =>
      Effect.suspend(() => {
        const answered = exit._tag === "Success"
        node.introductions.end(join, answered, node.now())
        const receipt = node.receipts.make(audience(node))
        return Effect.flatMap(
          Step.decide(node, (m, env) => {
            const [next, directives] = Announcement.settle(m, join, answered, env)
            const goodbye = Stage.isOutside(next.stage)
              ? Goodbye.encode(node, Announcement.goodbye(next))
              : undefined
            return [next, directives, goodbye]
          }, receipt),
          (goodbye) => {
            if (goodbye === undefined) return Effect.void
            if (receipt.isQueued()) depart(node, goodbye, receipt)
            return Goodbye.bounded(Goodbye.sendTo(node, goodbye, to))
          }
        )
      })
  )

/** Announces us above the incarnation at which another node has our name, while a join introduces us. */
export const takeName = (node: Node, above: number): Effect.Effect<void> =>
  Step.run(node, (m, env) => Announcement.takeName(m, own(node), above, env))

/** Returns after a leave without anybody to tell. */
export const returnAlone = (node: Node): Effect.Effect<void, MemberlistClosed> =>
  Effect.uninterruptible(Effect.flatMap(
    Step.decide(node, (m, env) => Announcement.introduce(m, own(node), { join: ALONE }, env)),
    (refused) =>
      refused === undefined
        ? Effect.asVoid(Step.decide(node, (m, env) => Announcement.settle(m, ALONE, true, env)))
        : Effect.fail(new MemberlistClosed({ operation: "join" }))
  ))

/** The number of a join that introduces us to nobody; those of the others begin at 1. */
const ALONE = 0

/** What an update makes of the metadata announced last, or why it makes nothing of it. */
export type Change<E> = (current: Uint8Array) => Result.Result<Uint8Array, E>

/** Why an update announced nothing. */
type Unannounced<E> = { readonly refused: Stage.Refused } | { readonly failed: E | MetaTooLarge } | "Unchanged"

/** What an update that replaces whatever there is makes of it: it is announced also where it is the same. */
export const replacing = (meta: Uint8Array): Change<never> => () => Result.succeed(meta)

const noBytes = new Uint8Array(0)

/**
 * Announces what the change makes of our metadata, in the step that reads it. The change is code of the application: it
 * is run only where it can be announced, and where it throws, or has called what changes the table, nothing happens.
 */
const updating = <E>(node: Node, change: Change<E>, always: boolean) =>
(
  m: Membership.Membership,
  env: Membership.Env
): Membership.Decision<Unannounced<E> | undefined> => {
  const { refused } = Stage.decide(m.stage, { _tag: "Update" })
  if (refused !== undefined) return [m, [], { refused }]
  const current = Membership.get(m, node.name)?.meta ?? noBytes
  const changed = change(new Uint8Array(current))
  if (Ref.getUnsafe(node.membership) !== m) {
    throw new TypeError("the function given to updateMeta called the cluster itself; expected one that computes bytes")
  }
  if (Result.isFailure(changed)) return [m, [], { failed: changed.failure }]
  const failed = tooLarge(changed.success)
  if (failed !== undefined) return [m, [], { failed }]
  if (!always && Address.sameBytes(changed.success, current)) return [m, [], "Unchanged"]
  const [next, directives] = Announcement.update(m, { ...own(node), meta: announced(changed.success) }, env)
  return [next, directives, undefined]
}

/**
 * Announces new metadata. With `wait` it also waits until the news has been sent as often as gossip sends any, at most
 * that long. With `always` it announces what is announced already, too. memberlist: `UpdateNode`.
 */
export const update = Effect.fnUntraced(function*<E>(
  node: Node,
  change: Change<E>,
  options: { readonly wait: Duration.Duration | undefined; readonly always: boolean }
): Effect.fn.Return<NewsReport, E | MetaTooLarge | NotParticipating | MemberlistClosed> {
  const receipt = node.receipts.make(audience(node))
  const nothing = yield* Step.decide(node, updating(node, change, options.always), receipt)
  if (nothing === "Unchanged") return { ...receipt.report(), outcome: "Unchanged" }
  if (nothing !== undefined) {
    if ("failed" in nothing) return yield* Effect.fail(nothing.failed)
    return yield* nothing.refused === "Closed"
      ? new MemberlistClosed({ operation: "updateMeta" })
      : new NotParticipating({ operation: "updateMeta" })
  }
  const report = receipt.report()
  if (report.members === 0) return { ...report, outcome: "Alone" }
  if (options.wait !== undefined) yield* Effect.timeoutOption(receipt.wait, options.wait)
  return receipt.report()
})

/**
 * Says goodbye and waits for it to be sent, at most `timeout`. The node keeps answering until its layer is released. A
 * leave that is interrupted goes on without its caller. Another one waits for the same goodbye.
 */
export const leave = (
  node: Node,
  timeout: Duration.Duration,
  confirm: Effect.Effect<void> = Effect.void
): Effect.Effect<NewsReport, MemberlistClosed> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const receipt = node.receipts.make(audience(node))
      const { goodbye, refused } = yield* Step.decide(node, leaving(node), receipt)
      if (refused === "Closed") return yield* new MemberlistClosed({ operation: "leave" })
      const departure = refused === undefined
        ? depart(node, goodbye, receipt, confirm)
        : node.departure.current
      if (departure === undefined || (refused !== undefined && departure.isOver())) {
        return { ...receipt.report(), outcome: "AlreadyLeft" }
      }
      // the snapshot as well: a start after this is not to return by itself
      const [ended] = yield* restore(Effect.all([
        Effect.timeoutOption(departure.wait, timeout),
        Effect.timeoutOption(node.memory.settle, timeout)
      ], { concurrency: 2 }))
      if (ended._tag === "None") node.counters.count("leave.timeout")
      return departure.report()
    })
  )

const depart = (
  node: Node,
  goodbye: Uint8Array,
  gossip: Receipt,
  confirm: Effect.Effect<void> = Effect.void
): Departure.Departure => {
  const introductions = Goodbye.introduced(node)
  const straight = node.receipts.make(nobody)
  const repeat = Effect.onExit(
    Effect.all([Goodbye.repeat(node, goodbye, introductions), confirm], { concurrency: 2, discard: true }),
    (exit) => Effect.sync(() => straight.finished(exit._tag === "Success" ? "Sent" : "Superseded"))
  )
  if (!node.work.start("goodbye", repeat)) straight.finished("Superseded")
  return remember(node, Departure.make({ gossip, straight, introduced: introductions.length }))
}

/** Another leave waits for it, unless a join has introduced us again meanwhile. */
const remember = (node: Node, departure: Departure.Departure): Departure.Departure => {
  if (isOutside(node)) node.departure.current = departure
  return departure
}

/** A transport with a defect must not keep the scope from closing. */
const farewell = (node: Node, goodbye: Uint8Array): Effect.Effect<void> =>
  node.work.guard("goodbye", Goodbye.bounded(Goodbye.straight(node, goodbye)), undefined)

/** Leaves without waiting for gossip: the goodbye goes straight to members, at once. For the end of a scope. */
export const leaveAtOnce = (node: Node): Effect.Effect<void> =>
  Effect.uninterruptibleMask((restore) => {
    const gossip = node.receipts.make(audience(node))
    return Effect.flatMap(Step.decide(node, leaving(node), gossip), ({ goodbye, refused }) => {
      if (refused !== undefined) return Effect.void
      const straight = node.receipts.make(nobody)
      remember(node, Departure.make({ gossip, straight, introduced: 0 }))
      // the end of the layer says it again, and does not wait for this one
      return Effect.ensuring(restore(farewell(node, goodbye)), Effect.sync(() => straight.finished("Sent")))
    })
  })

/** Whether nobody can know us: nobody is or was known here, and no join has introduced us lately. */
export const isStranger = (node: Node): boolean =>
  Ref.getUnsafe(node.membership).othersSince === undefined && node.introductions.recent(node.now()).length === 0

/**
 * Undoes a join that failed, of a node that was a stranger before. It stays where another join has been answered, or is
 * under way.
 */
export const undo = (node: Node): Effect.Effect<void> =>
  Effect.suspend(() => {
    const others = node.introductions.recent(node.now()).some(({ answered, over }) => answered || !over)
    return others || audience(node)().members > 0 ? Effect.void : leaveAtOnce(node)
  })

/**
 * Ends the node's life: says goodbye, straight to members, also where a leave has done so already: it may have been
 * lost, and from now on nobody answers the probes of those who missed it. Calls under way end first, and none begins
 * any more.
 */
export const close = (node: Node): Effect.Effect<void> =>
  Effect.gen(function*() {
    const announced = yield* Step.decide(node, Announcement.close)
    yield* node.calls.end
    if (announced !== undefined) yield* farewell(node, Goodbye.encode(node, announced))
    yield* node.memory.settle
  })
