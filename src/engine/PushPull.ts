/**
 * Anti-entropy: two members exchange everything they know over a stream. It heals what gossip lost, and is how a node
 * joins. SWIM has no such exchange; memberlist: `pushPullNode`, `mergeState`.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Ref from "effect/Ref"
import type { PeerAddress } from "../Address.ts"
import * as Address from "../Address.ts"
import {
  type ExchangeRejected,
  type JoinRejected,
  MessageTooLarge,
  NameConflict,
  type NodeNameRequired,
  RemoteRefused,
  type TransportError,
  VersionMismatch
} from "../MemberlistError.ts"
import type { RemoteEntry } from "../swim/Claim.ts"
import { type Entry, merge } from "../swim/Membership.ts"
import { pushPullScale } from "../swim/Timing.ts"
import * as Versions from "../swim/Versions.ts"
import * as Frame from "../wire/Frame.ts"
import * as Limits from "../wire/Limits.ts"
import type { NodeState } from "../wire/Message.ts"
import * as Directives from "./Directives.ts"
import * as Hooks from "./Hooks.ts"
import { type Node, receivedPort } from "./Node.ts"
import { entryOf, randomMembers } from "./Peers.ts"
import * as Streams from "./Streams.ts"

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

const stateNumber = { alive: 0, suspect: 1, dead: 2, left: 3 } as const

const nodeState = (entry: Entry): NodeState => ({
  name: entry.name,
  addr: entry.addr,
  port: entry.port,
  meta: entry.meta,
  incarnation: entry.incarnation,
  state: stateNumber[entry.state],
  vsn: entry.vsn
})

/** Everything we know, as message bytes. User state beyond what a peer accepts is left out, loudly. */
export const localState = Effect.fnUntraced(function*(node: Node, join: boolean): Effect.fn.Return<Uint8Array> {
  let userState = yield* Hooks.localState(node, join)
  if (userState.length > Limits.MAX_USER_STATE) {
    node.counters.count("pushpull.user_state", "TooLarge")
    yield* Effect.logError(
      new MessageTooLarge({ carrier: "stream", size: userState.length, limit: Limits.MAX_USER_STATE }).message
    )
    userState = new Uint8Array(0)
  }
  const entries = HashMap.values(Ref.getUnsafe(node.membership).entries)
  return Frame.encodePushPull({ join, nodes: Array.from(entries, nodeState), userState })
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
  const mismatch = Versions.verify(HashMap.values(Ref.getUnsafe(node.membership).entries), nodes)
  if (mismatch !== undefined) return yield* Effect.fail(new VersionMismatch(mismatch))
  if (join) yield* Hooks.merge(node, nodes)
})

/** Drops the alive entries that the delegate does not admit. */
const admitted = Effect.fnUntraced(function*(node: Node, nodes: ReadonlyArray<NodeState>) {
  if (node.delegate.admit === undefined) return nodes
  const out: Array<NodeState> = []
  for (const entry of nodes) {
    const verdict = entry.state === 0
      ? Hooks.admit(node, { ...entry, _tag: "Alive", node: entry.name })
      : undefined
    if (verdict === undefined || (yield* verdict)) out.push(entry)
  }
  return out
})

/** Merges what was checked. */
const mergeChecked = Effect.fnUntraced(function*(node: Node, remote: RemoteState, join: boolean) {
  const nodes = yield* admitted(node, remote.nodes)
  yield* Directives.run(node, (m, env) => merge(m, nodes, env))
  yield* Hooks.mergeRemoteState(node, remote.userState, join)
})

/** Whether a live member elsewhere already has our name. */
const nameConflict = (node: Node, nodes: ReadonlyArray<NodeState>): NameConflict | undefined => {
  const own = entryOf(node, node.name)
  const other = nodes.find((entry) => entry.name === node.name && entry.state <= 1)
  if (own === undefined || other === undefined) return undefined
  const theirs = { ip: Address.ipText(other.addr) ?? "", port: other.port }
  if (own.endpoint.ip === theirs.ip && own.endpoint.port === theirs.port) return undefined
  return new NameConflict({ node: node.name, ours: Address.format(own.endpoint), theirs: Address.format(theirs) })
}

/** Our side of an exchange that we start. */
export const exchange = (node: Node, to: PeerAddress, join: boolean): Effect.Effect<void, ExchangeError> =>
  Effect.scoped(Effect.gen(function*() {
    const timeout = node.settings.tcpTimeout
    const connection = yield* Streams.open(node, to, timeout)
    node.counters.count("tcp.connect")
    yield* Streams.write(node, connection, yield* localState(node, join)).pipe(Streams.within(to, "write", timeout))
    const answer = yield* Streams.answer(node, connection).pipe(Streams.within(to, "read", timeout))
    if (answer._tag === "ErrorResponse") {
      return yield* Effect.fail(new RemoteRefused({ address: Address.format(to), remoteMessage: answer.error }))
    }
    if (answer._tag !== "PushPull") {
      return yield* Effect.fail(Streams.rejected(connection, "UnexpectedMessage", `a push/pull, not ${answer._tag}`))
    }
    const remote = { nodes: answer.nodes.map(withPort(node)), userState: answer.userState }
    const conflict = join ? nameConflict(node, remote.nodes) : undefined
    if (conflict !== undefined) return yield* Effect.fail(conflict)
    yield* check(node, remote.nodes, join)
    yield* mergeChecked(node, remote, join)
  }))

/**
 * Our side of an exchange that a peer starts: the answer is prepared before anything is merged. `reply` sends it. A
 * refused list is answered with the reason, which the peer's join then fails with.
 */
export const respond = Effect.fnUntraced(function*<E>(
  node: Node,
  request: RemoteState & { readonly join: boolean },
  reply: (message: Uint8Array) => Effect.Effect<void, E>
): Effect.fn.Return<void, E | VersionMismatch | JoinRejected> {
  const remote = { nodes: request.nodes.map(withPort(node)), userState: request.userState }
  yield* check(node, remote.nodes, request.join)
  yield* reply(yield* localState(node, request.join))
  yield* mergeChecked(node, remote, request.join)
})

/** One exchange with a random live member. */
const synchronise = Effect.fnUntraced(function*(node: Node) {
  const [peer] = randomMembers(node, 1, (entry) => entry.state === "alive")
  if (peer === undefined) return
  yield* Effect.catch(exchange(node, peer.endpoint, false), (error) => {
    node.counters.count("pushpull.failed", error._tag)
    return Effect.logWarning(`could not synchronise with ${peer.name}: ${error.message}`)
  })
})

/** Synchronises for ever, less often in larger clusters; never when the configuration turns it off. */
export const loop = Effect.fnUntraced(function*(node: Node): Effect.fn.Return<never> {
  const interval = node.settings.pushPullInterval
  if (interval === 0) return yield* Effect.never
  yield* Effect.sleep(Duration.millis(node.random() * interval))
  for (;;) {
    yield* Effect.sleep(Duration.millis(pushPullScale(interval, Ref.getUnsafe(node.membership).estimate)))
    yield* synchronise(node)
  }
})
