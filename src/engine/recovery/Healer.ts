/**
 * Finds back what was lost: members that failed, and seeds that are not in the list. Where nothing is lost it sends
 * nothing.
 *
 * A lost member is asked with a ping that carries its name first: at its address may be somebody else today. If it
 * answers, each side tells the other that it holds it for dead, so that both contradict, and an exchange of lists makes
 * one list of two. Where something speaks against it (another label, other keys or versions, our name, the delegate),
 * the peer is not contacted again.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Address from "../../base/Address.ts"
import type { MemberlistClosed } from "../../MemberlistError.ts"
import { isGone } from "../../swim/membership/Entry.ts"
import { members } from "../../swim/membership/Membership.ts"
import type * as LostPeers from "../../swim/recovery/LostPeers.ts"
import * as Recovery from "../../swim/recovery/Recovery.ts"
import * as Tries from "../../swim/recovery/Tries.ts"
import * as Message from "../../wire/message/Message.ts"
import * as Join from "../exchange/Join.ts"
import * as PushPull from "../exchange/PushPull.ts"
import { isOutside } from "../life/Life.ts"
import { type Node, source } from "../Node.ts"
import { withWait } from "../probing/Acks.ts"
import * as Sender from "../sending/Sender.ts"
import * as Step from "../Step.ts"
import * as KnownSeeds from "./KnownSeeds.ts"

/** The longest that one try takes, in healing intervals: what takes longer is given up. */
const PATIENCE = 2

type Outcome =
  | { readonly _tag: "Answered" | "NoAnswer" | "Ourselves" }
  | { readonly _tag: "PutAside"; readonly reason: string }

const noAnswer: Outcome = { _tag: "NoAnswer" }

/** What an exchange that failed says about whoever is there; `isNamed`: it has answered to the lost name. */
const outcomeOf = (error: PushPull.ExchangeError | MemberlistClosed, isNamed: boolean): Outcome => {
  switch (error._tag) {
    case "TransportError":
    case "MemberlistClosed":
      return noAnswer
    case "ExchangeRejected":
      // who answered to its name has the label and a key, and may be too busy to answer or be going down
      if (isNamed) return noAnswer
      break
    default:
  }
  return { _tag: "PutAside", reason: error.message }
}

const ignore = () => {}

const exchange = (node: Node, to: Address.PeerAddress, isNamed: boolean): Effect.Effect<Outcome> =>
  PushPull.join(node, to, ignore, { byItself: true, healing: true }).pipe(
    Effect.map((who): Outcome => ({ _tag: who === "Joined" ? "Answered" : who })),
    Effect.catch((error) => Effect.succeed(outcomeOf(error, isNamed)))
  )

/** Whether the member of this name answers there. No gossip goes along: at its address may be another cluster. */
const isThere = (node: Node, { endpoint, name }: LostPeers.LostPeer): Effect.Effect<boolean> =>
  withWait(
    node,
    (wait) =>
      Effect.suspend(() => {
        const ping = Message.encode({ _tag: "Ping", seqNo: wait.seqNo, node: name, ...source(node) }, node.writer)
        return Sender.packet(node, endpoint, ping, false)
      }).pipe(
        Effect.flatMap(() => wait.until(node.now() + node.settings.rules.probeInterval)),
        Effect.map(Option.isSome),
        Effect.catch(() => Effect.succeed(false))
      )
  )

const tryPeer = (node: Node, peer: LostPeers.LostPeer): Effect.Effect<void> =>
  Effect.gen(function*() {
    node.tries.current++
    // first, because a try that takes too long is given up; if it answers, others of its group have their turn as well
    yield* Step.run(node, (m, env) => Recovery.miss(m, peer.name, env))
    // each side was told by the first that the other holds it for dead, and its contradiction is on its way
    const asking = Effect.flatMap(
      isThere(node, peer),
      (there) => there ? exchange(node, peer.endpoint, true) : Effect.succeed(noAnswer)
    )
    const outcome = yield* Effect.acquireUseRelease(
      Effect.sync(() => void (node.asked.current = peer.endpoint)),
      () => asking,
      () => Effect.sync(() => void (node.asked.current = undefined))
    )
    count(node, outcome)
    if (outcome._tag !== "PutAside") return
    yield* Step.run(node, (m) => Recovery.putAside(m, peer.name))
    tellPutAside(node, peer.name, Address.format(peer.endpoint), outcome.reason)
  })

const count = (node: Node, { _tag }: Outcome): void =>
  node.counters.count("heal.tried", _tag === "Ourselves" ? "NoAnswer" : _tag)

/** The most addresses of one seed that are tried at one time. */
const MAX_ADDRESSES = 3

/** Some of the addresses, beginning with any: the first may be those that never answer. */
const some = (addresses: ReadonlyArray<Address.PeerAddress>, random: () => number) => {
  const start = Math.floor(random() * addresses.length)
  return [...addresses.slice(start), ...addresses.slice(0, start)].slice(0, MAX_ADDRESSES)
}

const trySeed = (node: Node, text: string): Effect.Effect<void> =>
  Effect.gen(function*() {
    // a name that is not found keeps the addresses it had
    yield* Effect.ignore(Join.locate(node, text))
    if (!KnownSeeds.outside(node).includes(text)) return
    node.tries.current++
    let outcome: Outcome = noAnswer
    for (const to of some(KnownSeeds.candidates(node, text), node.random)) {
      outcome = yield* exchange(node, to, false)
      if (outcome._tag === "Answered") {
        node.seeds.answered(text)
        break
      }
      if (outcome._tag === "NoAnswer") continue
      node.seeds.putAside(text, to)
      if (outcome._tag === "PutAside") tellPutAside(node, undefined, text, outcome.reason)
    }
    count(node, outcome)
  })

const tellPutAside = (node: Node, name: string | undefined, address: string, reason: string): void => {
  node.recoveries.publish({ _tag: "PutAside", name, address, reason })
  node.logs.note("HealRefused", { member: name, detail: `${address}: ${reason}` })
}

/**
 * The lost members, but for those at whose address another member is: a packet came from there since. They are not
 * forgotten, because names are only claimed, and the other may be gone before they come back.
 */
const wanted = (node: Node): LostPeers.LostPeers => {
  const { entries, lost } = Ref.getUnsafe(node.membership)
  if (lost.peers.length === 0) return lost
  const taken = new Map<string, number>()
  for (const entry of entries.values()) {
    if (!isGone(entry)) taken.set(Address.format(entry.endpoint), node.heard.packetAt(entry.name))
  }
  const peers = lost.peers.filter(({ endpoint, lostAt }) => !((taken.get(Address.format(endpoint)) ?? -1) > lostAt))
  return peers.length === lost.peers.length ? lost : { ...lost, peers }
}

/**
 * Whoever has never known anybody has lost nobody: a first join that failed is the application's to repeat. One that
 * succeeded is not, and yet it leads to nobody where all that answered had left.
 */
const isAnythingLost = (node: Node): boolean => {
  const { othersSince } = Ref.getUnsafe(node.membership)
  if (isOutside(node) || (othersSince === undefined && !node.introductions.wereAnswered())) return false
  return wanted(node).peers.length > 0 || KnownSeeds.outside(node).length > 0
}

/** One try, if it is this node's turn. Seeds and lost members alternate. */
const attempt = (node: Node, count: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const seeds = KnownSeeds.outside(node)
    const lost = wanted(node)
    if (!Tries.tries(members(Ref.getUnsafe(node.membership)).length, node.random)) return Effect.void
    const both = seeds.length > 0 && lost.peers.length > 0
    const takesSeed = both ? count % 2 === 1 : seeds.length > 0
    const peer = Tries.choose(lost, both ? count >>> 1 : count, node.random)
    const seed = seeds[Math.floor(node.random() * seeds.length)]
    if (takesSeed && seed !== undefined) return trySeed(node, seed)
    return peer === undefined ? Effect.void : tryPeer(node, peer)
  })

/** Tries forever, unless recovery is switched off. */
export const loop = Effect.fnUntraced(function*(node: Node): Effect.fn.Return<never> {
  const { healInterval, recovery } = node.settings.rules
  if (!recovery) return yield* Effect.never
  let attempts = 0
  let last = -Infinity
  for (;;) {
    if (!isAnythingLost(node)) {
      yield* Effect.timeoutOption(node.losses.wait, Duration.millis(healInterval))
      continue
    }
    yield* Effect.sleep(Duration.millis(Tries.pause(healInterval, node.now() - last, node.random)))
    last = node.now()
    yield* Step.run(node, Recovery.review)
    if (isOutside(node)) continue
    const done = yield* Effect.timeoutOption(attempt(node, attempts++), Duration.millis(PATIENCE * healInterval))
    if (Option.isNone(done)) count(node, noAnswer)
  }
})
