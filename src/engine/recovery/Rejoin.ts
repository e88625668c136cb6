/**
 * The way back into the cluster after a restart, without seeds: joins through the peers of the snapshot, eight at a
 * time, in the background. While this node is alone it goes on, more and more slowly; in company it tries those that
 * it still misses once, so that nodes that all started together do not end as two clusters.
 *
 * A remembered address may be somebody else's today. Whoever answers there is asked for its list first, and that list
 * has to name the peer at that address; then versions, names and the delegate's `merge` decide as in any join.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Address from "../../base/Address.ts"
import type { KnownPeer } from "../../base/Snapshot.ts"
import type { MemberlistClosed } from "../../MemberlistError.ts"
import * as KnownPeers from "../../swim/life/KnownPeers.ts"
import { alive } from "../../swim/membership/Alive.ts"
import { RemoteState } from "../../swim/membership/Claim.ts"
import { isGone } from "../../swim/membership/Entry.ts"
import type { NodeState } from "../../wire/message/Message.ts"
import * as PushPull from "../exchange/PushPull.ts"
import { entryOf, type Node } from "../Node.ts"
import * as Step from "../Step.ts"
import { othersAppear } from "./AutoJoin.ts"

/** How many peers are tried at one time. */
export const AT_ONCE = 8

/** The pause after a first round without an answer, in milliseconds. Each further one is twice as long. */
export const FIRST_PAUSE = 1_000

/** The longest pause between two rounds, in milliseconds. */
export const LONGEST_PAUSE = 30_000

/** Somebody else is at the address of a peer. */
interface AnotherMember {
  readonly _tag: "AnotherMember"
  readonly message: string
}

/** The peers of the snapshot that are no live members here, while this node takes part and did not leave before. */
const missing = (node: Node, order: ReadonlyArray<KnownPeer>): ReadonlyArray<KnownPeer> => {
  const restored = node.memory.restored()
  if (restored === undefined || restored.left) return []
  const known = new Set(restored.peers)
  return order.filter((peer) => {
    const { ip, name } = peer
    const entry = entryOf(node, name)
    const bytes = Address.ipBytes(ip)
    return known.has(peer) && name !== node.name && (entry === undefined || isGone(entry)) && bytes !== undefined
      && node.settings.addressAllowed(bytes)
  })
}

/** Whether a list has the peer where it is remembered. */
const names = (rows: ReadonlyArray<NodeState>, { ip, name, port }: KnownPeer): boolean =>
  rows.some((row) => row.name === name && row.port === port && Address.ipText(row.addr) === ip)

/** Refuses the list of somebody else, and tells of a live member elsewhere that has our name. */
const check = (node: Node, peer: KnownPeer) => (rows: ReadonlyArray<NodeState>): Effect.Effect<void, AnotherMember> =>
  Effect.suspend(() => {
    if (!names(rows, peer)) {
      const message = `the list of whoever answers at ${Address.format(peer)} does not have it there`
      return Effect.fail<AnotherMember>({ _tag: "AnotherMember", message })
    }
    const other = rows.find(({ name, state }) => name === node.name && state <= RemoteState.suspect)
    return other === undefined
      ? Effect.void
      : Step.run(node, (m, env) => alive(m, { ...other, _tag: "Alive", node: other.name }, env))
  })

/** One attempt; whether the peer has our list, and we merged its own. */
const attempt = (node: Node, peer: KnownPeer): Effect.Effect<boolean, MemberlistClosed> =>
  PushPull.join(node, { ip: peer.ip, port: peer.port, name: peer.name }, () => {}, {
    accept: check(node, peer),
    byItself: true
  }).pipe(
    Effect.map((outcome) => outcome === "Joined"),
    Effect.catchIf(
      (error) => error._tag !== "MemberlistClosed",
      (error) => {
        node.counters.count("rejoin.failed", error._tag)
        if (error._tag === "AnotherMember") node.memory.forget(peer.name)
        const entry = error._tag === "AnotherMember" ? "PeerReplaced" : "PeerUnreached"
        return Effect.as(
          node.logs.write(entry, { peer, member: peer.name, reason: error._tag, detail: error.message }),
          false
        )
      }
    )
  )

/** Whether this node still takes part as it did at its start, and nobody has told yet how far it has come. */
const isTrying = (node: Node): boolean =>
  node.memory.restored() !== undefined && node.readiness.current()._tag === "Trying"

/** Tells those who wait for it when company is there, and that a leave ends the way back. */
const telling = (node: Node): Effect.Effect<void> =>
  Effect.scoped(Effect.gen(function*() {
    const changed = yield* node.presence.subscribe
    const left = Effect.gen(function*() {
      // and not the stage: a join may lead back before this fiber has its turn
      while (node.memory.restored() !== undefined) yield* changed.wait
    })
    const company = Effect.andThen(othersAppear(node), Effect.sync(node.readiness.joined))
    yield* Effect.raceFirst(Effect.andThen(company, Effect.never), left)
    node.readiness.wake()
  }))

const rejoining = Effect.fnUntraced(function*(
  node: Node,
  order: ReadonlyArray<KnownPeer>,
  tells: boolean
): Effect.fn.Return<never> {
  const tried = new Set<string>()
  let pause = FIRST_PAUSE
  for (;;) {
    const alone = KnownPeers.isAlone(Ref.getUnsafe(node.membership))
    const candidates = missing(node, order)
    const untried = candidates.filter(({ name }) => !tried.has(name))
    // alone, everybody is tried again, round by round
    if (alone && untried.length === 0) tried.clear()
    const round = (alone && untried.length === 0 ? candidates : untried).slice(0, AT_ONCE)
    if (round.length === 0) {
      if (tells && alone && isTrying(node)) node.readiness.alone("NoSeeds")
      return yield* Effect.never
    }
    for (const { name } of round) tried.add(name)
    const joined = yield* Effect.forEach(round, (peer) => attempt(node, peer), { concurrency: AT_ONCE }).pipe(
      Effect.map((outcomes) => outcomes.some((outcome) => outcome)),
      // the end of this node, or a leave
      Effect.catchTag("MemberlistClosed", () => Effect.never)
    )
    if (joined) continue
    if (tells && alone && isTrying(node)) {
      node.readiness.failed(`none of ${round.length} peers of the snapshot answered`)
    }
    if (alone) yield* node.logs.write("RejoinWaits", { detail: `${round.length} of ${candidates.length} tried` })
    const sleep = Effect.sleep(Duration.millis(pause * (0.8 + 0.4 * node.random())))
    // a peer may come by itself meanwhile
    yield* tells && alone ? Effect.raceFirst(sleep, othersAppear(node)) : sleep
    pause = Math.min(LONGEST_PAUSE, 2 * pause)
  }
})

/** Rejoins once, and then waits forever, as the other loops do. */
export const loop = Effect.fnUntraced(function*(node: Node): Effect.fn.Return<never> {
  const order = KnownPeers.inOrder(node.memory.restored()?.peers ?? [], node.random)
  // with seeds, the auto-join tells how far it has come
  const tells = node.seedSource === undefined && missing(node, order).length > 0
  if (!tells) return yield* rejoining(node, order, false)
  node.readiness.begin("no peer of the snapshot has answered yet")
  return yield* Effect.raceFirst(rejoining(node, order, true), Effect.andThen(telling(node), Effect.never))
})
