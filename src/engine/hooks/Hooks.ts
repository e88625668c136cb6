/**
 * Calls the application's delegate, always outside the critical section. Hooks that answer are asked where the answer
 * is needed, for a limited time (`HookCalls.ts`); hooks that are told something are told it by fibers of their own,
 * each kind in the order of what caused it (`Notices.ts`).
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { PeerAddress } from "../../base/Address.ts"
import type { Delegate } from "../../Delegate.ts"
import { JoinRejected } from "../../MemberlistError.ts"
import { type Alive, aliveDefect, type RemoteEntry } from "../../swim/membership/Claim.ts"
import type { Conflict } from "../../swim/membership/Directive.ts"
import type { Entry } from "../../swim/membership/Entry.ts"
import { claimed, memberOf, stateOf } from "../application/Views.ts"
import type { Node } from "../Node.ts"
import * as Signal from "../Signal.ts"

const noBytes = new Uint8Array(0)

const noAnswer = (hook: keyof Delegate): JoinRejected =>
  new JoinRejected({ reason: `the delegate's ${hook} hook gave no answer` })

const claimedAlive = (claim: Alive) => claimed(claim, claim.node, "alive")

/** Asks whether an alive message may be considered, for at most `millis`. No answer is a refusal. */
const consent = (node: Node, claim: Alive, millis: number): Effect.Effect<void, JoinRejected> | undefined => {
  const hook = node.delegate.admit
  // A claim that the rules refuse anyway is not shown to the application.
  if (hook === undefined || aliveDefect(claim) !== undefined) return undefined
  return Effect.flatMap(
    node.hooks.judge("admit", millis, () => hook(claimedAlive(claim))),
    (answer) => Option.isSome(answer) ? Effect.void : Effect.fail(noAnswer("admit"))
  )
}

const isAdmitted = (node: Node, claim: Alive, consent: Effect.Effect<void, JoinRejected>): Effect.Effect<boolean> =>
  Effect.match(consent, {
    onSuccess: () => true,
    onFailure: ({ reason }) => {
      node.counters.count("claim.ignored", "NotAdmitted")
      node.logs.note("NotAdmitted", { member: claim.node, incarnation: claim.incarnation, detail: reason })
      return false
    }
  })

/** Asks whether an alive message may be considered. `undefined` when nobody has to be asked. */
export const admit = (node: Node, claim: Alive): Effect.Effect<boolean> | undefined => {
  const asked = consent(node, claim, node.settings.decisionHookTimeout)
  return asked === undefined ? undefined : isAdmitted(node, claim, asked)
}

/** Asks whether this node itself may announce what it is about to. */
export const admitOurselves = (node: Node, claim: Alive): Effect.Effect<void, JoinRejected> =>
  consent(node, claim, node.settings.decisionHookTimeout) ?? Effect.void

/**
 * Drops the alive rows of a peer's list that the delegate does not admit. The whole list has `tcpTimeout`, as the rest
 * of the exchange; what could not be asked about by then is not admitted, and comes again.
 */
export const admitRows = Effect.fnUntraced(function*<Row extends RemoteEntry>(
  node: Node,
  rows: ReadonlyArray<Row>
): Effect.fn.Return<ReadonlyArray<Row>> {
  if (node.delegate.admit === undefined) return rows
  const deadline = node.now() + node.settings.tcpTimeout
  const out: Array<Row> = []
  for (const row of rows) {
    if (stateOf(row.state) !== "alive") {
      out.push(row)
      continue
    }
    const claim: Alive = { ...row, _tag: "Alive", node: row.name }
    const left = deadline - node.now()
    const asked = left > 0
      ? consent(node, claim, Math.min(left, node.settings.decisionHookTimeout))
      : Effect.fail(noAnswer("admit"))
    if (asked === undefined || (yield* isAdmitted(node, claim, asked))) out.push(row)
  }
  return out
})

/** Asks whether a joining push/pull may be merged. No answer is a veto. */
export const merge = (node: Node, remote: ReadonlyArray<RemoteEntry>): Effect.Effect<void, JoinRejected> => {
  const hook = node.delegate.merge
  if (hook === undefined) return Effect.void
  const members = remote.flatMap((row) => {
    const state = stateOf(row.state)
    return state === undefined ? [] : [claimed(row, row.name, state)]
  })
  return Effect.flatMap(
    node.hooks.judge("merge", node.settings.decisionHookTimeout, () => hook(members)),
    (answer) => Option.isSome(answer) ? Effect.void : Effect.fail(noAnswer("merge"))
  )
}

/** What to send with an ack; `null` for nothing. */
export const ackPayload = (node: Node): Effect.Effect<Uint8Array | null> => {
  const hook = node.delegate.ackPayload
  return hook === undefined
    ? Effect.succeed(null)
    : Effect.map(node.hooks.ask("ackPayload", node.settings.packetHookTimeout, () => hook), Option.getOrNull)
}

/** Whether hooks are asked before a ping is answered. */
export const asksForAcks = ({ delegate }: Node): boolean =>
  delegate.ackPayload !== undefined || delegate.broadcasts !== undefined

/**
 * Answers a ping where hooks are asked: with `full`, beside the current fiber, so that one ack never waits for the
 * hooks of another; with `bare`, which asks none, when too many acks are waiting.
 */
export const answering = (
  node: Node,
  peer: PeerAddress,
  full: Effect.Effect<void>,
  bare: Effect.Effect<void>
): Effect.Effect<void> => Effect.suspend(() => node.work.start("ack", full, { peer }) ? Effect.void : bare)

/** What the delegate adds to a packet with room for `limit` bytes. */
export const broadcasts = (node: Node, overhead: number, limit: number): Effect.Effect<ReadonlyArray<Uint8Array>> => {
  const hook = node.delegate.broadcasts
  return hook === undefined
    ? Effect.succeed([])
    : Effect.map(
      node.hooks.ask("broadcasts", node.settings.packetHookTimeout, () => hook(overhead, limit)),
      Option.getOrElse((): ReadonlyArray<Uint8Array> => [])
    )
}

/** Our user state for a push/pull; empty when there is none. */
export const localState = (node: Node, join: boolean): Effect.Effect<Uint8Array> => {
  const hook = node.delegate.localState
  return hook === undefined
    ? Effect.succeed(noBytes)
    : Effect.map(
      node.hooks.ask("localState", node.settings.decisionHookTimeout, () => hook(join)),
      Option.getOrElse(() => noBytes)
    )
}

const ignore = () => {}

/** Tells of a name conflict. Synchronous: it is called inside the rules' step, so that conflicts are told in order. */
export const conflict = (node: Node, { existing, other }: Conflict): void => {
  const hook = node.delegate.conflict
  if (hook === undefined) return
  const call = () => hook(memberOf(existing), claimedAlive(other))
  node.notices.conflict.offer({ call, size: 0, over: ignore })
}

/** Tells of a probe that was answered in time. */
export const pingComplete = (
  node: Node,
  entry: Entry,
  roundTripMillis: number,
  payload: Uint8Array | null
): void => {
  const hook = node.delegate.pingComplete
  if (hook === undefined) return
  // The payload is a view of the whole packet, which must not be kept for its sake.
  const bytes = payload === null ? noBytes : new Uint8Array(payload)
  const roundTrip = Duration.millis(Math.max(0, roundTripMillis))
  node.notices.pingComplete.offer({
    call: () => hook(memberOf(entry), roundTrip, bytes),
    size: bytes.length,
    over: ignore
  })
}

/**
 * Hands over a peer's user state. With `wait` it also waits until the hook has taken it, for as long as a decision may
 * take: the hook may itself be waiting for whoever waits here.
 */
export const mergeRemoteState = Effect.fnUntraced(function*(
  node: Node,
  state: Uint8Array,
  options: { readonly join: boolean; readonly wait: boolean }
) {
  const hook = node.delegate.mergeRemoteState
  if (hook === undefined || state.length === 0) return
  const taken = options.wait ? yield* Signal.make : undefined
  node.notices.mergeRemoteState.offer({
    call: () => hook(state, options.join),
    size: state.length,
    over: taken?.notify ?? ignore
  })
  if (taken !== undefined) yield* Effect.timeoutOption(taken.wait, Duration.millis(node.settings.decisionHookTimeout))
})
