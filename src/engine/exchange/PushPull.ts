/**
 * Anti-entropy: two members exchange everything they know over a stream. It heals what gossip lost, and is how a node
 * joins. SWIM has no such exchange; memberlist: `pushPullNode`, `mergeState`.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { PeerAddress } from "../../base/Address.ts"
import * as Address from "../../base/Address.ts"
import {
  type ExchangeRejected,
  JoinRejected,
  NameConflict,
  type NodeNameRequired,
  RemoteRefused,
  type TransportError,
  VersionMismatch
} from "../../MemberlistError.ts"
import type { RemoteEntry } from "../../swim/membership/Claim.ts"
import { merge } from "../../swim/membership/Merge.ts"
import * as Versions from "../../swim/membership/Versions.ts"
import { pushPullScale } from "../../swim/Timing.ts"
import type { Connection } from "../../Transport.ts"
import * as Limits from "../../wire/Limits.ts"
import type { NodeState } from "../../wire/message/Message.ts"
import * as Frame from "../../wire/stream/Frame.ts"
import * as Hooks from "../hooks/Hooks.ts"
import * as Announce from "../life/Announce.ts"
import * as Farewell from "../life/Farewell.ts"
import { type Node, receivedPort } from "../Node.ts"
import { entryOf, partners } from "../Peers.ts"
import * as Streams from "../sending/Streams.ts"
import * as Step from "../Step.ts"
import { timed } from "../telemetry/Metrics.ts"
import { countInstances } from "../telemetry/Sampler.ts"
import * as Spans from "../telemetry/Spans.ts"
import * as Refusal from "./Refusal.ts"

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
  join: boolean
): Effect.fn.Return<ReadonlyArray<Uint8Array>> {
  let userState = yield* Hooks.localState(node, join)
  if (userState.length > Limits.MAX_USER_STATE) {
    node.counters.count("pushpull.user_state", "TooLarge")
    const detail = `${userState.length} bytes of at most ${Limits.MAX_USER_STATE}`
    yield* node.logs.write("UserStateTooLarge", { detail })
    userState = new Uint8Array(0)
  }
  const { count, pieces } = yield* node.rows.encode(() => Ref.getUnsafe(node.membership).entries)
  const head = Frame.encodeHeader({ nodes: count, userStateLen: userState.length, join })
  // the hook's own bytes may change while they wait to be read
  const message = [head, ...pieces, new Uint8Array(userState)]
  countInstances(node)
  node.metrics.localSize(Frame.sizeOf(message))
  return message
})

const withPort = (node: Node) => (entry: NodeState): NodeState => {
  const port = receivedPort(node, entry.port)
  return port === entry.port ? entry : { ...entry, port }
}

/** Whether the remote list can be merged at all; nothing is merged when it cannot. */
const check = Effect.fnUntraced(function*(
  node: Node,
  nodes: ReadonlyArray<RemoteEntry>,
  join: boolean
): Effect.fn.Return<void, VersionMismatch | JoinRejected> {
  const mismatch = Versions.verify(Ref.getUnsafe(node.membership).entries.values(), nodes)
  if (mismatch !== undefined) return yield* Effect.fail(new VersionMismatch(mismatch))
  if (join) yield* Hooks.merge(node, nodes)
})

/** Merges what was checked. Whoever `waits` goes on when the user state was handed over as well. */
const mergeChecked = Effect.fnUntraced(function*(
  node: Node,
  remote: RemoteState,
  options: { readonly join: boolean; readonly wait: boolean }
) {
  const nodes = yield* Hooks.admitRows(node, remote.nodes)
  // A large list in several steps, so that probes and acks are not held up: each is published by itself.
  for (let at = 0; at < nodes.length; at += Limits.SLICE_ROWS) {
    const rows = nodes.length <= Limits.SLICE_ROWS ? nodes : nodes.slice(at, at + Limits.SLICE_ROWS)
    const step = Step.run(node, (m, env) => merge(m, rows, env))
    yield* at === 0 ? step : node.turns.take(step)
  }
  yield* Hooks.mergeRemoteState(node, remote.userState, options)
})

/** A live member elsewhere that already has our name, and its incarnation. */
const nameConflict = (node: Node, nodes: ReadonlyArray<NodeState>) => {
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
  return { error, incarnation: other.incarnation }
}

/** Our side of an exchange that we start, timed and traced: as a part of a join, or by itself. */
export const exchange = (node: Node, to: PeerAddress, join: boolean): Effect.Effect<void, ExchangeError> => {
  const span = join ? Spans.asked : Spans.own
  return timed(exchangeOnce(node, to, join), node.now, node.metrics.pushPullTime).pipe(
    span(node, "pushPull", "client", { peer: Address.format(to), member: to.name ?? "", join })
  )
}

/**
 * Our list introduces us to `to` while `exchange` runs. If we left meanwhile, our goodbye may have been there before our
 * list, so it is said again.
 */
const introduced = <E>(node: Node, to: PeerAddress, exchange: Effect.Effect<void, E>): Effect.Effect<void, E> =>
  Effect.acquireUseRelease(
    Effect.sync(() => node.introductions.begin(to)),
    () => exchange,
    () => {
      node.introductions.end(to, node.now())
      return Ref.getUnsafe(node.membership).leaving ? Farewell.once(node, to) : Effect.void
    }
  )

const exchangeOnce = (node: Node, to: PeerAddress, join: boolean): Effect.Effect<void, ExchangeError> =>
  Effect.scoped(Effect.gen(function*() {
    yield* node.logs.write("PushPullStarted", { peer: to, member: to.name })
    const connection = yield* Streams.open(node, to, node.settings.tcpTimeout)
    node.counters.count("tcp.connect")
    const swap = swapLists(node, connection, to, join)
    yield* join ? introduced(node, to, swap) : swap
  }))

const swapLists = (
  node: Node,
  connection: Connection,
  to: PeerAddress,
  join: boolean
): Effect.Effect<void, ExchangeError> =>
  Effect.gen(function*() {
    const timeout = node.settings.tcpTimeout
    yield* Streams.writePieces(node, connection, yield* localState(node, join)).pipe(
      Streams.within(to, "write", timeout)
    )
    const answer = yield* Streams.answer(node, connection).pipe(Streams.within(to, "read", timeout))
    node.heard.note(to, node.now())
    if (answer._tag === "ErrorResponse") {
      return yield* Effect.fail(refusal(to, answer.error))
    }
    if (answer._tag !== "PushPull") {
      node.counters.count("stream.rejected", "UnexpectedMessage")
      return yield* Effect.fail(Streams.rejected(connection, "UnexpectedMessage", `a push/pull, not ${answer._tag}`))
    }
    const remote = { nodes: answer.nodes.map(withPort(node)), userState: answer.userState }
    const conflict = join ? nameConflict(node, remote.nodes) : undefined
    const keeps = node.config.nameConflictPolicy === "keep"
    if (conflict !== undefined && keeps) return yield* Effect.fail(conflict.error)
    yield* check(node, remote.nodes, join)
    if (conflict !== undefined) yield* Announce.outbid(node, conflict.incarnation)
    yield* mergeChecked(node, remote, { join, wait: join })
    // a seed may have become a member only now
    node.heard.note(to, node.now())
  })

/** What a peer's error message means. */
const refusal = (from: PeerAddress, message: string): JoinRejected | RemoteRefused => {
  const { text, vetoed } = Refusal.decode(message)
  const address = Address.format(from)
  return vetoed
    ? new JoinRejected({ reason: text, by: address })
    : new RemoteRefused({ address, remoteMessage: text })
}

/**
 * Our side of an exchange that a peer starts: the answer is prepared before anything is merged. `reply` sends it. A
 * refused list is answered with the reason, which the peer's join then fails with.
 */
export const respond = Effect.fnUntraced(function*<E>(
  node: Node,
  request: RemoteState & { readonly join: boolean },
  reply: (message: ReadonlyArray<Uint8Array>) => Effect.Effect<void, E>
): Effect.fn.Return<void, E | VersionMismatch | JoinRejected> {
  const remote = { nodes: request.nodes.map(withPort(node)), userState: request.userState }
  yield* check(node, remote.nodes, request.join)
  yield* reply(yield* localState(node, request.join))
  yield* mergeChecked(node, remote, { join: request.join, wait: false })
})

/** One exchange with a random live member. */
const synchronise = Effect.fnUntraced(function*(node: Node) {
  const [peer] = partners(node, 1, (entry) => entry.state === "alive")
  if (peer === undefined) return
  yield* Effect.catch(exchange(node, peer.endpoint, false), (error) => {
    node.counters.count("pushpull.failed", error._tag)
    return node.logs.write("PushPullFailed", {
      peer: peer.endpoint,
      member: peer.name,
      incarnation: peer.incarnation,
      reason: error._tag,
      detail: error.message
    })
  })
})

/** Synchronises forever, less often in larger clusters; never when the configuration turns it off. */
export const loop = Effect.fnUntraced(function*(node: Node): Effect.fn.Return<never> {
  const interval = node.settings.pushPullInterval
  if (interval === 0) return yield* Effect.never
  yield* Effect.sleep(Duration.millis(node.random() * interval))
  for (;;) {
    yield* Effect.sleep(Duration.millis(pushPullScale(interval, Ref.getUnsafe(node.membership).estimate)))
    yield* synchronise(node)
  }
})
