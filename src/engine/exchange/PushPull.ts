/**
 * Anti-entropy: two members exchange everything they know over a stream. It heals what gossip lost, and is how a node
 * joins. SWIM has no such exchange; memberlist: `pushPullNode`, `mergeState`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { PeerAddress } from "../../base/Address.ts"
import * as Address from "../../base/Address.ts"
import * as Limits from "../../base/Limits.ts"
import {
  type ExchangeRejected,
  JoinRejected,
  type MemberlistClosed,
  NameConflict,
  type NodeNameRequired,
  RemoteRefused,
  type TransportError,
  VersionMismatch
} from "../../MemberlistError.ts"
import { nameDefect, type RemoteEntry } from "../../swim/membership/Claim.ts"
import { members } from "../../swim/membership/Membership.ts"
import { merge } from "../../swim/membership/Merge.ts"
import * as Versions from "../../swim/membership/Versions.ts"
import * as Hearsay from "../../swim/recovery/Hearsay.ts"
import { isFromOtherSide } from "../../swim/recovery/Reunion.ts"
import * as Verification from "../../swim/recovery/Verification.ts"
import type { NodeState } from "../../wire/message/Message.ts"
import * as Frame from "../../wire/stream/Frame.ts"
import * as Hooks from "../hooks/Hooks.ts"
import * as Life from "../life/Life.ts"
import { entryOf, envOf, type Node, receivedPort } from "../Node.ts"
import * as Reachability from "../probing/Reachability.ts"
import * as Verifier from "../recovery/Verifier.ts"
import * as Streams from "../sending/Streams.ts"
import * as Step from "../Step.ts"
import { timed } from "../telemetry/Metrics.ts"
import { countInstances } from "../telemetry/Sampler.ts"
import * as Spans from "../telemetry/Spans.ts"
import { isOwnAddress } from "./Ourselves.ts"
import * as Spectators from "./Spectators.ts"

/** What a push/pull can fail with. */
export type ExchangeError =
  | TransportError
  | NodeNameRequired
  | ExchangeRejected
  | RemoteRefused
  | VersionMismatch
  | JoinRejected
  | NameConflict

/** What the other side told us. */
export interface RemoteState {
  readonly nodes: ReadonlyArray<NodeState>
  readonly userState: Uint8Array
}

/** Everything we know, as the pieces of a message. User state beyond what a peer accepts is left out, loudly. */
export const localState = Effect.fnUntraced(function*(
  node: Node,
  join: boolean,
  onlyLive = false
): Effect.fn.Return<ReadonlyArray<Uint8Array>> {
  let userState = yield* Hooks.localState(node, join)
  if (userState.length > Limits.MAX_USER_STATE) {
    node.counters.count("pushpull.user_state", "TooLarge")
    const detail = `${userState.length} bytes of at most ${Limits.MAX_USER_STATE}`
    yield* node.logs.write("UserStateTooLarge", { detail })
    userState = new Uint8Array(0)
  }
  // the hook's own bytes may change while they wait to be read
  return yield* listOf(node, new Uint8Array(userState), join, onlyLive)
})

const listOf = Effect.fnUntraced(function*(
  node: Node,
  userState: Uint8Array,
  join: boolean,
  onlyLive = false
): Effect.fn.Return<ReadonlyArray<Uint8Array>> {
  const { count, pieces } = yield* node.rows.encode(() => {
    const membership = Ref.getUnsafe(node.membership)
    return onlyLive ? { values: () => members(membership) } : membership.entries
  })
  const head = Frame.encodeHeader({ nodes: count, userStateLen: userState.length, join })
  const message = [head, ...pieces, userState]
  countInstances(node)
  node.metrics.localSize(Frame.sizeOf(message))
  return message
})

/** Gives others their turn before the next look at all of a large list. */
const othersFirst = (node: Node, rows: ReadonlyArray<NodeState>): Effect.Effect<void> =>
  rows.length <= Limits.SLICE_ROWS ? Effect.void : node.turns.take(Effect.void)

const noState = new Uint8Array(0)

/** The rows that can be about members, with their ports. One name that cannot be a member's costs only its own row. */
const received = (node: Node, rows: ReadonlyArray<NodeState>): ReadonlyArray<NodeState> => {
  const out: Array<NodeState> = []
  for (const row of rows) {
    const defect = nameDefect(row.name)
    if (defect !== undefined) {
      node.counters.count("claim.ignored", defect)
      node.logs.note("NameRefused", { member: row.name, reason: defect })
      continue
    }
    const port = receivedPort(node, row.port)
    out.push(port === row.port ? row : { ...row, port })
  }
  return out
}

/** Whether the versions of the remote list can be merged at all; nothing is merged when they cannot. */
const checkVersions = (node: Node, nodes: ReadonlyArray<RemoteEntry>): Effect.Effect<void, VersionMismatch> =>
  Effect.suspend(() => {
    const mismatch = Versions.verify(Ref.getUnsafe(node.membership).entries, nodes)
    return mismatch === undefined ? Effect.void : Effect.fail(new VersionMismatch(mismatch))
  })

/**
 * Merges what was checked. `from` is who sent the list; what it says about unknown members is verified first. It is
 * left out of an exchange that introduces us, which is believed. Whoever `waits` goes on when the user state was handed
 * over as well.
 */
const mergeChecked = Effect.fnUntraced(function*(
  node: Node,
  remote: RemoteState,
  options: { readonly join: boolean; readonly wait: boolean; readonly from?: Hearsay.Source }
) {
  const { from } = options
  const nodes = yield* Hooks.admitRows(node, remote.nodes)
  // decided for the whole list, and not for each slice
  const otherSide = isFromOtherSide(Ref.getUnsafe(node.membership), nodes, envOf(node))
  yield* othersFirst(node, nodes)
  // A large list in several steps, so that probes and acks are not held up: each is published by itself.
  const portion = nodes.length <= Limits.SLICE_ROWS ? nodes.length : Limits.MERGE_ROWS
  for (let at = 0; at < nodes.length; at += portion) {
    const rows = nodes.length <= portion ? nodes : nodes.slice(at, at + portion)
    const step = from === undefined
      ? Step.run(node, (m, env) => merge(m, rows, env, otherSide))
      : mergeFrom(node, rows, from, otherSide)
    yield* at === 0 ? step : node.turns.take(step)
  }
  yield* Hooks.mergeRemoteState(node, remote.userState, options)
})

/** Merges what is believed of a list, and begins to verify the rest. */
const mergeFrom = (
  node: Node,
  rows: ReadonlyArray<NodeState>,
  from: Hearsay.Source,
  otherSide: boolean
): Effect.Effect<void> =>
  // nothing may be kept without somebody who verifies it
  Effect.uninterruptible(Effect.flatMap(
    Step.decide(node, (m, env) => Verification.mergeFrom(m, rows, from, env, otherSide)),
    ({ confirmed, unverified }) => {
      if (confirmed > 0) node.counters.count("hearsay.confirmed", "SecondSource", confirmed)
      return unverified ? Verifier.begin(node) : Effect.void
    }
  ))

/** The live member elsewhere that has our name, and the error that says so. */
const rival = (node: Node, nodes: ReadonlyArray<NodeState>) => {
  const own = entryOf(node, node.name)
  const other = nodes.find((entry) => entry.name === node.name && entry.state <= 1)
  if (own === undefined || other === undefined) return undefined
  const theirs = { ip: Address.ipText(other.addr) ?? "", port: other.port }
  if (own.endpoint.ip === theirs.ip && own.endpoint.port === theirs.port) return undefined
  const error = new NameConflict({
    node: node.name,
    ours: Address.format(own.endpoint),
    theirs: Address.format(theirs)
  })
  return { incarnation: other.incarnation, error }
}

/**
 * The incarnation at which a live member elsewhere has our name, if one does and the policy lets us take it over; under
 * the policy `keep` that fails.
 */
const nameToTake = (node: Node, nodes: ReadonlyArray<NodeState>): Effect.Effect<number | undefined, NameConflict> =>
  Effect.suspend(() => {
    const found = rival(node, nodes)
    if (found === undefined) return noConflict
    return node.config.nameConflictPolicy === "replace"
      ? Effect.succeed(found.incarnation)
      : Effect.fail(found.error)
  })

/** Fails where a live member elsewhere has our name. */
const noRival = (node: Node, nodes: ReadonlyArray<NodeState>): Effect.Effect<undefined, NameConflict> =>
  Effect.suspend(() => {
    const found = rival(node, nodes)
    return found === undefined ? noConflict : Effect.fail(found.error)
  })

const noConflict = Effect.undefined

/** Our side of an exchange that we start, timed and traced: as a part of a join, or by itself. */
const observed = <A, E>(
  node: Node,
  to: PeerAddress,
  join: boolean,
  exchange: Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  timed(Spectators.told(node, { peer: to, by: "us", join }, exchange), node.now, node.metrics.pushPullTime).pipe(
    (join ? Spans.asked : Spans.own)(node, "pushPull", "client", {
      peer: Address.format(to),
      member: to.name ?? "",
      join
    })
  )

/** Sends a list and reads the peer's; `known` is what it was a moment ago. */
export const swap = (
  node: Node,
  to: PeerAddress,
  list: Effect.Effect<ReadonlyArray<Uint8Array>>,
  known?: ReadonlyArray<NodeState>
): Effect.Effect<RemoteState, ExchangeError> =>
  Effect.scoped(Effect.gen(function*() {
    const timeout = node.settings.tcpTimeout
    yield* node.logs.write("PushPullStarted", { peer: to, member: to.name })
    const connection = yield* Streams.open(node, to, timeout)
    node.counters.count("tcp.connect")
    yield* Streams.writePieces(node, connection, yield* list).pipe(Streams.within(to, "write", timeout))
    const answer = yield* Streams.answer(node, connection, known).pipe(Streams.within(to, "read", timeout))
    Reachability.answeredOnStream(node, to)
    if (answer._tag === "ErrorResponse") {
      return yield* Effect.fail(refusal(to, answer.error))
    }
    if (answer._tag !== "PushPull") {
      node.counters.count("stream.rejected", "UnexpectedMessage")
      return yield* Effect.fail(Streams.rejected(connection, "UnexpectedMessage", `a push/pull, not ${answer._tag}`))
    }
    yield* othersFirst(node, answer.nodes)
    return { nodes: received(node, answer.nodes), userState: answer.userState }
  }))

/** A list without rows. A peer answers it in full, merges nothing, and asks none of its hooks. */
export const noList = Effect.sync(() => [Frame.encodeHeader({ nodes: 0, userStateLen: 0, join: false })])

/**
 * Synchronises with a member: each side gets the other's list, and merges it. Answers whether the member listed us
 * before that.
 */
export const synchroniseWith = (node: Node, to: PeerAddress): Effect.Effect<boolean, ExchangeError> =>
  observed(
    node,
    to,
    false,
    Effect.gen(function*() {
      const confirm = node.receipts.exchanging(to)
      const remote = yield* swap(node, to, localState(node, false))
      confirm()
      yield* othersFirst(node, remote.nodes)
      yield* checkVersions(node, remote.nodes)
      const from = Hearsay.sourceOf(remote.nodes, to.ip, to.port)
      yield* mergeChecked(node, remote, { join: false, wait: false, from })
      return lists(node, remote.nodes)
    })
  )

/** Whether a list has this node on it, in whatever state. */
export const lists = (node: Node, rows: ReadonlyArray<NodeState>): boolean =>
  rows.some(({ name }) => name === node.name)

/** What a join that nobody asked for asks for beside the rest. */
export interface Terms<E> {
  /** Looks at the peer's list first, before anything is sent that introduces us. */
  readonly accept?: ((rows: ReadonlyArray<NodeState>) => Effect.Effect<void, E>) | undefined
  /** It is no way back: it fails with `MemberlistClosed` where we have left by then. */
  readonly byItself?: boolean | undefined
  /**
   * It finds a side of a split back: it takes over no name, and tells only of live members, because the other side
   * knows better who of those that we hold for dead is alive.
   */
  readonly healing?: boolean | undefined
}

const anybody = () => Effect.void

/**
 * Joins through a peer: asks for its list first, and sends ours only when nothing speaks against it, because our list
 * introduces us to its whole cluster; `introducing` is told before that. Answers whether it was this node itself that
 * answered.
 */
export const join = <E = never>(
  node: Node,
  to: PeerAddress,
  introducing: () => void,
  { accept = anybody, byItself = false, healing = false }: Terms<E> = {}
): Effect.Effect<"Joined" | "Ourselves", ExchangeError | MemberlistClosed | E> =>
  observed(
    node,
    to,
    true,
    Effect.gen(function*() {
      if (isOwnAddress(node.transport, to)) return "Ourselves"
      const { nodes } = yield* swap(node, to, noList)
      yield* othersFirst(node, nodes)
      if (isOwnList(node, nodes)) return "Ourselves"
      yield* accept(nodes)
      const above = yield* healing ? noRival(node, nodes) : nameToTake(node, nodes)
      yield* checkVersions(node, nodes)
      yield* Hooks.merge(node, nodes)
      yield* Life.introduced(
        node,
        to,
        { above, byItself },
        Effect.suspend(() => {
          introducing()
          return introduce(node, to, nodes, healing)
        })
      )
      return "Joined"
    })
  )

/** Exchanges lists with a peer that was asked for its own before, which was `asked`. */
const introduce = (
  node: Node,
  to: PeerAddress,
  asked: ReadonlyArray<NodeState>,
  healing: boolean
): Effect.Effect<void, ExchangeError> =>
  Effect.gen(function*() {
    const remote = yield* swap(node, to, localState(node, true, healing), asked)
    // the cluster may have changed since it was asked
    const above = yield* healing ? noRival(node, remote.nodes) : nameToTake(node, remote.nodes)
    yield* othersFirst(node, remote.nodes)
    yield* checkVersions(node, remote.nodes)
    if (above !== undefined) yield* Life.takeName(node, above)
    yield* othersFirst(node, remote.nodes)
    if (hasNews(asked, remote.nodes)) yield* Hooks.merge(node, remote.nodes)
    yield* mergeChecked(node, remote, { join: true, wait: true })
    // a seed may have become a member only now
    Reachability.answeredOnStream(node, to)
  })

/** Whether a list names anybody that an earlier one did not, or not as this. What changes by itself does not count. */
const hasNews = (earlier: ReadonlyArray<NodeState>, later: ReadonlyArray<NodeState>): boolean => {
  let known: Map<string, NodeState> | undefined
  return later.some((row, i) => {
    // two lists of one peer have nearly always the same order
    let before = earlier[i]
    if (before?.name !== row.name) {
      known ??= new Map(earlier.map((row) => [row.name, row]))
      before = known.get(row.name)
    }
    if (before === row) return false
    return before === undefined || before.port !== row.port || !Address.sameBytes(before.addr, row.addr) ||
      !Address.sameBytes(before.meta, row.meta)
  })
}

/** Whether a list is our own: whoever answers is on its list itself, and here nobody but us is. */
const isOwnList = (node: Node, nodes: ReadonlyArray<NodeState>): boolean => {
  const own = entryOf(node, node.name)?.endpoint
  return nodes.length > 0 &&
    nodes.every(({ addr, name, port }) => name === node.name && port === own?.port && Address.ipText(addr) === own.ip)
}

/**
 * How a vetoed list is refused on the wire. The protocol has one error message, a text; ours begins in a way that our
 * side recognises, so that a join fails with the reason as a value. A Go joiner shows the whole text, after `remote
 * error: `.
 */
const VETO = "join rejected: "

/** The longest text sent and taken over, in UTF-16 units; the rest is cut off. */
const MAX_REFUSAL = 1024

/** Well-formed text: half a pair would be taken for bytes that are no text. */
const cut = (text: string): string =>
  text.length <= MAX_REFUSAL
    ? text.toWellFormed()
    : `${text.slice(0, MAX_REFUSAL).replace(/[\ud800-\udbff]$/, "").toWellFormed()}…`

/** The error message for a veto. */
export const veto = (reason: string): string => VETO + cut(reason)

/** What an error message says: the reason of a veto, or anything else. */
const readRefusal = (text: string): { readonly vetoed: boolean; readonly text: string } =>
  text.startsWith(VETO)
    ? { vetoed: true, text: cut(text.slice(VETO.length)) }
    : { vetoed: false, text: cut(text) }

/** What a peer's error message means. */
const refusal = (from: PeerAddress, message: string): JoinRejected | RemoteRefused => {
  const { text, vetoed } = readRefusal(message)
  const address = Address.format(from)
  return vetoed
    ? new JoinRejected({ reason: text, by: address })
    : new RemoteRefused({ address, remoteMessage: text })
}

/**
 * Our side of an exchange that a `peer` starts: the answer is prepared before anything is merged. `reply` sends it. A
 * refused list is answered with the reason, which the peer's join then fails with.
 */
export const respond = <E>(
  node: Node,
  peer: PeerAddress,
  request: RemoteState & { readonly join: boolean },
  reply: (message: ReadonlyArray<Uint8Array>) => Effect.Effect<void, E>
): Effect.Effect<void, E | VersionMismatch | JoinRejected> =>
  Effect.suspend(() => {
    const { join, userState } = request
    // somebody who asks before it joins: there is nothing to merge, and nobody to ask
    if (request.nodes.length === 0 && userState.length === 0 && !join) {
      return Effect.flatMap(listOf(node, noState, false), reply)
    }
    const remote = { nodes: received(node, request.nodes), userState, join }
    const from = Hearsay.sourceOf(remote.nodes, peer.ip)
    const exchange = { peer, by: "peer", join, name: from.own?.name } as const
    return Spectators.told(node, exchange, answer(node, remote, from, reply))
  })

/** Our list for a peer's, which is merged then. */
const answer = Effect.fnUntraced(function*<E>(
  node: Node,
  remote: RemoteState & { readonly join: boolean },
  from: Hearsay.Source,
  reply: (message: ReadonlyArray<Uint8Array>) => Effect.Effect<void, E>
): Effect.fn.Return<void, E | VersionMismatch | JoinRejected> {
  yield* othersFirst(node, remote.nodes)
  yield* checkVersions(node, remote.nodes)
  if (remote.join) yield* Hooks.merge(node, remote.nodes)
  yield* reply(yield* localState(node, remote.join))
  yield* mergeChecked(node, remote, { join: remote.join, wait: false, from })
})
