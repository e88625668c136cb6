/**
 * What was lost is found back, and nobody else is: whole nodes, and peers made of bytes, in virtual time.
 */
import { assert, describe } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { JoinRejected } from "../../../src/MemberlistError.ts"
import type { RecoveryEvent } from "../../../src/RecoveryEvent.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import type { Connection } from "../../../src/Transport.ts"
import * as Frame from "../../../src/wire/stream/Frame.ts"
import {
  clusterTest,
  joinAt,
  type NodeOptions,
  passing,
  start,
  startMany,
  stateOf,
  type TestNode,
  view
} from "../../support/Cluster.ts"
import { asked, type FakePeer, fakePeer, introduce, plainly } from "../../support/FakePeer.ts"

/** What an event says, in a line. */
const line = (event: RecoveryEvent): string => {
  switch (event._tag) {
    case "SplitSuspected":
      return `lost ${[...event.lost].sort().join(" ")}, present ${[...event.present].sort().join(" ")}`
    case "Healed":
      return `${event.member.name} is back, missing ${[...event.missing].sort().join(" ")}`
    case "PutAside":
      return `${event.name ?? "a seed"} at ${event.address} put aside`
  }
}

/** Keeps what a node tells of recovery. */
const followed = Effect.fnUntraced(function*(node: TestNode) {
  const told: Array<RecoveryEvent> = []
  yield* node.cluster.recovery.pipe(
    Stream.runForEach((event) => Effect.sync(() => void told.push(event))),
    Effect.forkScoped({ startImmediately: true })
  )
  return told
})

const count = (node: TestNode, key: string) =>
  Effect.map(node.cluster.counters, (counters) => counters.get(key as never) ?? 0)

/** Lost members and seeds that a node has contacted so far. */
const tries = (node: TestNode) =>
  Effect.map(
    node.cluster.counters,
    (counters) => [...counters].reduce((sum, [key, n]) => key.startsWith("heal.tried") ? sum + n : sum, 0)
  )

const isWhole = Effect.fnUntraced(function*(nodes: ReadonlyArray<TestNode>) {
  for (const node of nodes) if ((yield* view(node)).length !== nodes.length) return false
  return true
})

/** Waits until every node lists every other; answers how many seconds that took, or none. */
const whole = Effect.fnUntraced(function*(
  nodes: ReadonlyArray<TestNode>,
  seconds: number,
  each: Effect.Effect<void> = Effect.void
) {
  for (let second = 0; second <= seconds; second++) {
    if (yield* isWhole(nodes)) return second
    yield* TestClock.adjust("1 second")
    yield* each
  }
  return undefined
})

/** Takes the last `lonely` nodes off the others for so long. */
const cut = Effect.fnUntraced(function*(
  nodes: ReadonlyArray<TestNode>,
  lonely: number,
  duration: Duration.Input
) {
  const network = yield* SimulatedNetwork
  const ips = nodes.map(({ ip }) => ip)
  yield* network.partition([ips.slice(0, -lonely), ips.slice(-lonely)])
  yield* TestClock.adjust(duration)
  yield* network.heal()
})

/** A peer of bytes whose name may change, as that of an address which another program takes over. */
const named = Effect.fnUntraced(function*(name: string, ip: string) {
  const is = { name: name as string | undefined, accepted: 0 }
  // it reads, and says nothing
  let onStream = (connection: Connection): Effect.Effect<void> => Effect.ignore(Effect.forever(connection.pull))
  const peer: FakePeer = yield* fakePeer(name, ip, {
    onMessage: (peer, message, from) =>
      message._tag === "Ping" && is.name !== undefined && (message.node === "" || message.node === is.name)
        ? peer.send(from, { _tag: "Ack", seqNo: message.seqNo, payload: null })
        : Effect.void,
    onStream: (connection) =>
      Effect.suspend(() => {
        is.accepted++
        return onStream(connection)
      })
  })
  const serve = (next: (connection: Connection) => Effect.Effect<void>) => {
    onStream = next
  }
  return { peer, is, serve }
})

const quiet = { gossipInterval: "1 second", pushPullInterval: 0 } as const

/** Tells a node that peers are dead, in the name of somebody else, and waits until their entries are forgotten. */
const bury = Effect.fnUntraced(function*(node: TestNode, ...peers: ReadonlyArray<FakePeer>) {
  const other = yield* fakePeer("gravedigger", "10.0.9.9")
  for (const { name } of peers) {
    yield* other.send(node, { _tag: "Dead", incarnation: 1, node: name, from: "gravedigger" })
  }
  yield* TestClock.adjust("10 millis")
})

/** A node that lost peers which it knew first-hand, and that nobody else knows. */
const bereft = Effect.fnUntraced(function*(peers: ReadonlyArray<FakePeer>, options: NodeOptions = {}) {
  const node = yield* start("a", "10.0.0.1", { ...options, config: { ...quiet, ...options.config } })
  yield* introduce(node, ...peers)
  yield* TestClock.adjust("5 seconds")
  const told = yield* followed(node)
  yield* bury(node, ...peers)
  return { node, told }
})

const pings = (peer: FakePeer) => peer.all("Ping")

describe("where nothing is lost", () => {
  for (const recovery of [true, false]) {
    clusterTest(
      `nothing is sent for an hour, with recovery ${recovery ? "on" : "off"}`,
      Effect.gen(function*() {
        const network = yield* SimulatedNetwork
        const nodes = yield* startMany(3, { config: { ...quiet, recovery, probeInterval: 0 } })
        yield* TestClock.adjust("1 minute")
        const before = yield* network.stats
        const traffic = yield* Effect.forEach(nodes, ({ ip }) => network.traffic(ip))
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* network.stats, before)
        assert.deepStrictEqual(yield* Effect.forEach(nodes, ({ ip }) => network.traffic(ip)), traffic)
      })
    )
  }

  clusterTest(
    "nobody is contacted: neither a member that said goodbye, nor the node itself as its only seed",
    Effect.gen(function*() {
      const nodes = yield* startMany(3)
      const [a, b, c] = nodes as [TestNode, TestNode, TestNode]
      yield* joinAt(a, a.address)
      yield* passing(c.cluster.leave())
      yield* TestClock.adjust("5 minutes")
      for (const node of [a, b]) assert.strictEqual(yield* tries(node), 0)
    })
  )

  clusterTest(
    "a seed through which others are reached, and which is no member's address, is not contacted again and again",
    Effect.gen(function*() {
      // a service address, behind which is a member
      const a = yield* start("a", "10.0.0.1", { config: quiet })
      const service = yield* named("service", "10.0.0.99")
      const b = yield* start("b", "10.0.0.2", { config: quiet })
      const row = yield* a.cluster.localMember
      service.serve(
        asked(() => ({
          ...service.peer,
          row: () => service.peer.row({ name: "a", addr: Uint8Array.of(10, 0, 0, 1) })
        }), (connection) =>
          Effect.ignore(connection.write(Frame.frame(
            Frame.encodePushPull({
              join: false,
              nodes: [service.peer.row({ name: "a", addr: Uint8Array.of(10, 0, 0, 1), incarnation: row.incarnation })],
              userState: new Uint8Array()
            }),
            plainly
          ))))
      )
      yield* joinAt(b, "10.0.0.99", a.address)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* view(b), ["a alive", "b alive"])
      const before = service.is.accepted
      yield* TestClock.adjust("30 minutes")
      assert.isAtMost(service.is.accepted - before, 2)
    })
  )
})

describe("one of three that is cut off", () => {
  for (const duration of ["15 seconds", "60 seconds", "1 hour"] as const) {
    for (const run of duration === "1 hour" ? [1] : [1, 2, 3]) {
      clusterTest(
        `for ${duration} is back within two minutes, and no live member is suspected (${run})`,
        Effect.gen(function*() {
          const nodes = yield* startMany(3)
          yield* TestClock.adjust("1 minute")
          const [a, , c] = nodes as [TestNode, TestNode, TestNode]
          const told = [yield* followed(a), yield* followed(c)] as const
          yield* cut(nodes, 1, duration)
          assert.deepStrictEqual([yield* view(a), yield* view(c)], [["a alive", "b alive"], ["c alive"]])
          const since = nodes.map(({ seen }) => seen.length)
          const health = yield* Effect.forEach(nodes, ({ cluster }) => cluster.health)
          const took = yield* whole(nodes, 120)
          assert.isDefined(took, "it is not back")
          yield* TestClock.adjust("2 minutes")
          for (const [i, { name, seen }] of nodes.entries()) {
            const after = seen.slice(since[i]).filter((event) => /Suspected|Failed/.test(event))
            assert.deepStrictEqual(after, [], name)
          }
          for (const [i, { cluster, name }] of nodes.entries()) {
            assert.isAtMost(yield* cluster.health, health[i] ?? 0, name)
          }
          if (duration === "15 seconds") return
          assert.deepStrictEqual(told[1].map(line).slice(0, 1), ["lost a b, present c"])
          assert.deepStrictEqual(told[1].map(({ _tag }) => _tag), ["SplitSuspected", "Healed", "Healed"])
          assert.match(told[1].map(line).at(-1) ?? "", /^[ab] is back, missing $/)
        })
      )
    }
  }

  for (const run of [1, 2, 3, 4, 5, 6]) {
    clusterTest(
      `until each side holds the other for dead costs nobody a point of health (${run})`,
      Effect.gen(function*() {
        const nodes = yield* startMany(5)
        yield* TestClock.adjust("1 minute")
        const network = yield* SimulatedNetwork
        const ips = nodes.map(({ ip }) => ip)
        yield* network.partition([ips.slice(0, 3), ips.slice(3)])
        const views = Effect.forEach(nodes, view)
        while (JSON.stringify((yield* views).map(({ length }) => length)) !== "[3,3,3,2,2]") {
          yield* TestClock.adjust("100 millis")
        }
        // until the last obituary was spread: as a rumour it would be believed on the other side, too
        yield* TestClock.adjust("3 seconds")
        yield* network.heal()
        const most = yield* Effect.forEach(nodes, ({ cluster }) => cluster.health)
        const since = nodes.map(({ seen }) => seen.length)
        const watch = Effect.gen(function*() {
          for (const [i, { cluster, name }] of nodes.entries()) {
            const health = yield* cluster.health
            assert.isAtMost(health, most[i] ?? 0, `the health of ${name}`)
            most[i] = health
          }
        })
        const took = yield* whole(nodes, 120, watch)
        assert.isDefined(took, "it is not whole")
        for (let i = 0; i < 120; i++) {
          yield* TestClock.adjust("1 second")
          yield* watch
        }
        for (const [i, { name, seen }] of nodes.entries()) {
          const after = seen.slice(since[i]).filter((event) => /Suspected|Failed/.test(event))
          assert.deepStrictEqual(after, [], name)
        }
      })
    )
  }

  clusterTest(
    "stays away without recovery, where nothing of it happens",
    Effect.gen(function*() {
      const nodes = yield* startMany(3, { config: { recovery: false } })
      const told = yield* Effect.forEach(nodes, followed)
      yield* cut(nodes, 1, "60 seconds")
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(yield* view(nodes[2]!), ["c alive"])
      assert.deepStrictEqual(told, [[], [], []])
      for (const node of nodes) assert.strictEqual(yield* tries(node), 0)
    })
  )
})

describe("an obituary", () => {
  /** A node that holds a peer for dead, and spreads no rumour any more. */
  const holding = Effect.fnUntraced(function*(recovery: boolean, first: boolean) {
    const config = { ...quiet, probeInterval: 0, recovery, gossipToTheDeadTime: "1 hour" } as const
    const node = yield* start("a", "10.0.0.1", { config })
    const { is, peer } = yield* named("p", "10.0.0.9")
    const other = yield* fakePeer("q", "10.0.0.8")
    // an address is heard from first-hand when something comes from it while it is a member's
    if (first) yield* introduce(node, peer)
    yield* other.send(node, peer.alive())
    yield* TestClock.adjust("1 second")
    if (first) yield* peer.send(node, peer.ping(1))
    yield* TestClock.adjust("1 second")
    yield* other.send(node, { _tag: "Dead", incarnation: 1, node: "p", from: "q" })
    yield* TestClock.adjust("30 seconds")
    assert.strictEqual(yield* stateOf(node, "p"), "dead")
    is.name = undefined
    peer.forget()
    return { node, peer }
  })

  const obituaries = (peer: FakePeer) => peer.all("Dead").filter(({ node }) => node === "p")

  for (const first of [true, false]) {
    clusterTest(
      `is told to whoever a packet comes from, at most once a second, ${
        first ? "as before its death" : "also for the first time"
      }`,
      Effect.gen(function*() {
        const { node, peer } = yield* holding(true, first)
        for (let i = 0; i < 40; i++) {
          yield* peer.send(node, peer.ping(100 + i))
          yield* TestClock.adjust("100 millis")
        }
        const told = obituaries(peer)
        assert.isAtLeast(told.length, 4)
        assert.isAtMost(told.length, 5)
        assert.isTrue(told.every(({ incarnation }) => incarnation === 1))
        peer.forget()
        yield* TestClock.adjust("2 seconds")
        yield* peer.send(node, { _tag: "Ack", seqNo: 9_999, payload: null })
        yield* TestClock.adjust("1 second")
        assert.strictEqual(obituaries(peer).length, 1, "an ack is heard as well")
        yield* peer.send(node, peer.alive({ incarnation: 2 }))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* stateOf(node, "p"), "alive")
      })
    )
  }

  clusterTest(
    "is told to nobody without recovery",
    Effect.gen(function*() {
      const { node, peer } = yield* holding(false, true)
      for (let i = 0; i < 40; i++) {
        yield* peer.send(node, peer.ping(100 + i), peer.alive())
        yield* TestClock.adjust("100 millis")
      }
      assert.deepStrictEqual(obituaries(peer), [])
    })
  )
})

describe("a lost member", () => {
  clusterTest(
    "is asked with a ping that carries its name, about six times a minute, and with nothing else",
    Effect.gen(function*() {
      const { is, peer } = yield* named("p", "10.0.0.9")
      const { node } = yield* bereft([peer])
      yield* TestClock.adjust("2 minutes")
      // the address is another's now
      is.name = "another"
      is.accepted = 0
      peer.forget()
      // news that has to be told
      yield* passing(Effect.orDie(node.cluster.updateMeta(Uint8Array.of(1))))
      yield* TestClock.adjust("10 minutes")
      assert.isAtLeast(pings(peer).length, 55)
      assert.isAtMost(pings(peer).length, 65)
      assert.isTrue(pings(peer).every((ping) => ping.node === "p"))
      assert.strictEqual(is.accepted, 0, "streams")
      assert.deepStrictEqual(peer.heard.filter(({ message }) => message._tag !== "Ping"), [], "gossip to a stranger")
      assert.strictEqual(yield* count(node, "heal.tried:PutAside"), 0)
    })
  )

  clusterTest(
    "is not asked for while another member is at its address, and is again when that one is gone",
    Effect.gen(function*() {
      const { is, peer } = yield* named("p", "10.0.0.9")
      const { node } = yield* bereft([peer])
      // the host runs another program now, under another name
      is.name = "q"
      yield* peer.send(node, peer.alive({ node: "q" }))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* stateOf(node, "q"), "alive")
      peer.forget()
      const before = yield* tries(node)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(pings(peer).filter((ping) => ping.node === "p").length, 0)
      assert.strictEqual(yield* tries(node), before)
      is.name = undefined
      yield* TestClock.adjust("1 minute")
      is.name = "p"
      yield* TestClock.adjust("1 minute")
      assert.isAbove(pings(peer).filter((ping) => ping.node === "p").length, 0)
    })
  )

  clusterTest(
    "is asked for although somebody claims that another member is at its address",
    Effect.gen(function*() {
      const { is, peer } = yield* named("p", "10.0.0.9")
      const { node } = yield* bereft([peer])
      is.name = undefined
      const liar = yield* fakePeer("liar", "10.0.9.8")
      for (let incarnation = 1; incarnation <= 120; incarnation++) {
        yield* liar.send(node, peer.alive({ node: "q", incarnation }))
        yield* TestClock.adjust("1 second")
      }
      assert.isAtLeast(pings(peer).filter((ping) => ping.node === "p").length, 3)
    })
  )

  clusterTest(
    "that answers is connected to, and is a member again",
    Effect.gen(function*() {
      const { is, peer, serve } = yield* named("p", "10.0.0.9")
      const { node, told } = yield* bereft([peer])
      yield* TestClock.adjust("2 minutes")
      serve(asked(() => peer, (connection) =>
        Effect.ignore(connection.write(Frame.frame(
          Frame.encodePushPull({ join: false, nodes: [peer.row()], userState: new Uint8Array() }),
          plainly
        )))))
      yield* TestClock.adjust("1 minute")
      assert.isAbove(is.accepted, 0)
      assert.strictEqual(yield* stateOf(node, "p"), "alive")
      assert.deepStrictEqual(told.map(line), ["lost p, present a", "p is back, missing "])
      const before = yield* tries(node)
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(yield* tries(node), before)
    })
  )

  for (const healInterval of ["1 second", "10 seconds"] as const) {
    clusterTest(
      `that accepts streams and says nothing does not keep others from their turn, every ${healInterval}`,
      Effect.gen(function*() {
        const mute = yield* named("m", "10.0.0.7")
        const gone = yield* Effect.forEach(["p", "q"], (name, i) => named(name, `10.0.0.${8 + i}`))
        const { node } = yield* bereft([mute.peer, ...gone.map(({ peer }) => peer)], { config: { healInterval } })
        for (const { is } of gone) is.name = undefined
        yield* TestClock.adjust("1 minute")
        for (const { peer } of gone) peer.forget()
        yield* TestClock.adjust("20 minutes")
        assert.isAbove(mute.is.accepted, 1)
        for (const { peer } of gone) assert.isAbove(pings(peer).length, 3, peer.name)
        assert.isAbove(yield* count(node, "heal.tried:NoAnswer"), 10)
        const { streamsOpen } = yield* (yield* SimulatedNetwork).stats
        assert.isAtMost(streamsOpen, 1)
      })
    )
  }

  clusterTest(
    "that closes its streams is not put aside: it answers to its name, and may be busy",
    Effect.gen(function*() {
      const { is, peer, serve } = yield* named("p", "10.0.0.9")
      serve(() => Effect.void)
      const { told } = yield* bereft([peer])
      yield* TestClock.adjust("5 minutes")
      assert.isAbove(is.accepted, 10)
      assert.deepStrictEqual(told.filter(({ _tag }) => _tag === "PutAside"), [])
    })
  )

  clusterTest(
    "that is heard to have said goodbye on the other side is not contacted any more",
    Effect.gen(function*() {
      const nodes = yield* startMany(4, { config: { gossipToTheDeadTime: "10 minutes" } })
      yield* TestClock.adjust("1 minute")
      const network = yield* SimulatedNetwork
      yield* network.partition([["10.0.0.1", "10.0.0.2"], ["10.0.0.3", "10.0.0.4"]])
      yield* TestClock.adjust("20 seconds")
      yield* passing(nodes[3]!.cluster.leave())
      yield* network.heal()
      const three = nodes.slice(0, 3)
      assert.isDefined(yield* whole(three, 120))
      yield* TestClock.adjust("1 minute")
      const before = yield* Effect.forEach(three, tries)
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(yield* Effect.forEach(three, tries), before)
    })
  )

  clusterTest(
    "is contacted neither after a leave nor after the release, and again after the next join",
    Effect.gen(function*() {
      const { is, peer } = yield* named("p", "10.0.0.9")
      const { node } = yield* bereft([peer])
      const b = yield* start("b", "10.0.0.2", { config: quiet })
      is.name = undefined
      yield* TestClock.adjust("1 minute")
      yield* passing(node.cluster.leave())
      yield* TestClock.adjust("1 second")
      peer.forget()
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(pings(peer), [])
      yield* joinAt(node, b.address)
      yield* TestClock.adjust("10 minutes")
      assert.isAbove(pings(peer).length, 5)
      yield* passing(node.stop)
      peer.forget()
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(pings(peer), [])
      assert.strictEqual((yield* (yield* SimulatedNetwork).stats).afterClose, 0)
    })
  )

  clusterTest(
    "that answers while the node leaves ends no leave that others wait for",
    Effect.gen(function*() {
      const { peer, serve } = yield* named("p", "10.0.0.9")
      const { node } = yield* bereft([peer])
      yield* introduce(node, yield* fakePeer("b", "10.0.0.2"))
      const asks: Array<number> = []
      serve((connection) =>
        Effect.gen(function*() {
          asks.push(1)
          yield* Effect.sleep("500 millis")
          yield* asked(() => peer, () => Effect.void)(connection)
        })
      )
      while (asks.length === 0) yield* TestClock.adjust("50 millis")
      const first = yield* Effect.forkChild(node.cluster.leave(), { startImmediately: true })
      yield* TestClock.adjust("600 millis")
      assert.isUndefined(first.pollUnsafe(), "the leave goes on")
      const report = yield* passing(node.cluster.leave())
      assert.notStrictEqual(report.outcome, "AlreadyLeft")
      assert.strictEqual(asks.length, 1, "and nobody is introduced")
    })
  )

  for (const step of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) {
    clusterTest(
      `that is being tried when the layer is released leaves nothing behind (${step})`,
      Effect.gen(function*() {
        const network = yield* SimulatedNetwork
        const nodes = yield* startMany(2)
        yield* TestClock.adjust("30 seconds")
        yield* cut(nodes, 1, "90 seconds")
        const [a, b] = nodes as [TestNode, TestNode]
        // one millisecond further into the first try after the cut, each time
        const sent = (yield* network.traffic(a.ip)).packetsSent
        while ((yield* network.traffic(a.ip)).packetsSent === sent) yield* TestClock.adjust("1 millis")
        yield* TestClock.adjust(Duration.millis(3 * step))
        yield* passing(a.stop)
        yield* TestClock.adjust("5 seconds")
        const { afterClose, streamsOpen } = yield* network.stats
        assert.deepStrictEqual({ afterClose, streamsOpen }, { afterClose: 0, streamsOpen: 0 })
        yield* TestClock.adjust("2 minutes")
        assert.deepStrictEqual(yield* view(b), ["b alive"])
      })
    )
  }
})

describe("a seed", () => {
  clusterTest(
    "of a join that succeeded is tried when it leaves the list",
    Effect.gen(function*() {
      const { is, peer, serve } = yield* named("s", "10.0.0.9")
      serve(asked(() => peer, (connection) =>
        Effect.ignore(connection.write(Frame.frame(
          Frame.encodePushPull({ join: false, nodes: [peer.row()], userState: new Uint8Array() }),
          plainly
        )))))
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      yield* joinAt(node, "10.0.0.9")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* view(node), ["a alive", "s alive"])
      assert.strictEqual(yield* tries(node), 0)
      is.name = undefined
      serve(() => Effect.never)
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* view(node), ["a alive"])
      const before = is.accepted
      yield* TestClock.adjust("5 minutes")
      assert.isAbove(is.accepted, before)
    })
  )

  clusterTest(
    "of a first join that failed is not tried",
    Effect.gen(function*() {
      const { is } = yield* named("s", "10.0.0.9")
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      yield* passing(Effect.flip(node.cluster.join(["10.0.0.9", "nowhere.example"])))
      const before = is.accepted
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* tries(node), 0)
      assert.strictEqual(is.accepted, before)
    })
  )

  clusterTest(
    "that a join did not reach is tried, also where all that answered had left",
    Effect.gen(function*() {
      const left = yield* start("a", "10.0.0.1", { config: quiet })
      yield* passing(left.cluster.leave())
      const late = "10.0.0.3"
      const node = yield* start("b", "10.0.0.2", { config: quiet })
      const { contacted, failed } = yield* joinAt(node, left.address, late)
      assert.deepStrictEqual([contacted.length, failed.length], [1, 1])
      assert.deepStrictEqual(yield* view(node), ["b alive"])
      yield* start("c", late, { config: quiet })
      yield* TestClock.adjust("3 minutes")
      assert.deepStrictEqual(yield* view(node), ["b alive", "c alive"])
    })
  )

  for (const [order, ips] of [["first", ["10.0.0.1", "10.0.0.9"]], ["last", ["10.0.0.9", "10.0.0.1"]]] as const) {
    clusterTest(
      `whose name stands for ourselves ${order}, and for another, is tried at the other's address`,
      Effect.gen(function*() {
        const { is } = yield* named("s", "10.0.0.9")
        const a = yield* start("a", "10.0.0.1", { config: quiet })
        const b = yield* start("b", "10.0.0.2", { config: quiet })
        yield* joinAt(a, b.address, "all.example")
        const before = is.accepted
        yield* TestClock.adjust("10 minutes")
        assert.isAbove(is.accepted, before)
        assert.strictEqual(yield* count(a, "heal.tried:Answered"), 0)
      }),
      { hosts: { "all.example": ips } }
    )
  }

  clusterTest(
    "with many addresses that do not answer is found at the last of them",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: quiet })
      const b = yield* start("b", "10.0.0.2", { config: quiet })
      yield* joinAt(a, b.address)
      yield* Effect.forkScoped(Effect.ignore(a.cluster.join(["all.example", b.address])))
      yield* TestClock.adjust("3 minutes")
      yield* start("c", "10.0.0.9", { config: quiet })
      yield* TestClock.adjust("30 minutes")
      assert.deepStrictEqual(yield* view(a), ["a alive", "b alive", "c alive"])
    }),
    { hosts: { "all.example": ["10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.4", "10.0.1.5", "10.0.0.9"] } }
  )
})

describe("another cluster at the address of a seed", () => {
  const secret = (byte: number) => Redacted.make(new Uint8Array(16).fill(byte))
  const refuses: NodeOptions = {
    delegate: {
      merge: (members) =>
        members.some(({ name }) => name === "x") ? Effect.fail(new JoinRejected({ reason: "not them" })) : Effect.void
    }
  }
  const others: ReadonlyArray<readonly [what: string, ours: NodeOptions, theirs: NodeOptions, name: string]> = [
    ["label", { config: { label: "ours" } }, { config: { label: "theirs" } }, "x"],
    ["key", { config: { secretKey: secret(1) } }, { config: { secretKey: secret(2) } }, "x"],
    ["name that is ours", {}, {}, "a"],
    ["delegate of ours that refuses it", refuses, {}, "x"],
    ["delegate of its own that refuses us", {}, {
      delegate: { merge: () => Effect.fail(new JoinRejected({ reason: "not you" })) }
    }, "x"]
  ]
  for (const [what, ours, theirs, name] of others) {
    clusterTest(
      `with another ${what} is put aside once, and not contacted again`,
      Effect.gen(function*() {
        const network = yield* SimulatedNetwork
        const options = { ...ours, config: { ...quiet, ...ours.config } }
        const a = yield* start("a", "10.0.0.1", options)
        const b = yield* start("b", "10.0.0.2", { ...options, delegate: {} })
        const x = yield* start(name, "10.0.0.9", { ...theirs, config: { ...quiet, ...theirs.config } })
        const told = yield* followed(a)
        const report = yield* joinAt(a, b.address, x.address)
        assert.deepStrictEqual(report.failed.map(({ seed }) => seed), [x.address])
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual(told.map(line), ["a seed at 10.0.0.9:7946 put aside"])
        const before = (yield* network.traffic(x.ip)).streamsAccepted
        yield* TestClock.adjust("20 minutes")
        assert.strictEqual((yield* network.traffic(x.ip)).streamsAccepted, before)
        assert.deepStrictEqual(told.length, 1)
        assert.deepStrictEqual([yield* view(a), yield* view(b), yield* view(x)], [
          ["a alive", "b alive"],
          ["a alive", "b alive"],
          [`${name} alive`]
        ])
        assert.strictEqual((yield* a.cluster.localMember).incarnation, 1)
      })
    )
  }

  clusterTest(
    "with other protocol versions is put aside once, and not contacted again",
    Effect.gen(function*() {
      const { is, peer, serve } = yield* named("s", "10.0.0.9")
      const old = { ...peer, row: () => peer.row({ vsn: Uint8Array.of(1, 1, 1, 0, 0, 0) }) }
      serve(asked(() => old, () => Effect.never))
      const a = yield* start("a", "10.0.0.1", { config: quiet })
      const b = yield* start("b", "10.0.0.2", { config: quiet })
      const told = yield* followed(a)
      const { failed } = yield* joinAt(a, b.address, "10.0.0.9")
      assert.deepStrictEqual(failed.map(({ error }) => error._tag), ["VersionMismatch"])
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(told.map(line), ["a seed at 10.0.0.9 put aside"])
      const before = is.accepted
      yield* TestClock.adjust("20 minutes")
      assert.strictEqual(is.accepted, before)
    })
  )

  clusterTest(
    "that was put aside is tried again when a join names it",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: quiet })
      const b = yield* start("b", "10.0.0.2", { config: quiet })
      const { is, serve } = yield* named("s", "10.0.0.9")
      serve(() => Effect.void)
      const told = yield* followed(a)
      yield* joinAt(a, b.address, "10.0.0.9")
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(told.length, 1)
      yield* joinAt(a, b.address, "10.0.0.9")
      const before = is.accepted
      yield* TestClock.adjust("5 minutes")
      assert.isAbove(is.accepted, before)
    })
  )
})

describe("another cluster at the address of a lost member", () => {
  /** A lost member comes back as somebody of another cluster. */
  const returned = (what: string, theirs: NodeOptions, ours: NodeOptions, expected: ReadonlyArray<string>) =>
    clusterTest(
      `under its name, with another ${what}, is not merged with, and put aside where it answers`,
      Effect.gen(function*() {
        const network = yield* SimulatedNetwork
        const nodes = yield* startMany(2, ours)
        const [a] = nodes as [TestNode, TestNode]
        const c = yield* start("c", "10.0.0.9", ours)
        yield* joinAt(c, a.address)
        yield* TestClock.adjust("1 minute")
        const told = yield* Effect.forEach(nodes, followed)
        yield* network.crash(c.ip, "Refuse")
        yield* TestClock.adjust("2 minutes")
        yield* passing(c.stop)
        yield* network.restart(c.ip)
        const stranger = yield* start("c", "10.0.0.9", theirs)
        const first = (yield* network.traffic(c.ip)).streamsAccepted
        yield* TestClock.adjust("20 minutes")
        const putAside = told.map((events) => events.filter(({ _tag }) => _tag === "PutAside").map(line))
        assert.deepStrictEqual(putAside, [expected, expected])
        // each asks for its list first, and then gives its own
        assert.strictEqual((yield* network.traffic(c.ip)).streamsAccepted - first, 2 * 2 * expected.length)
        const before = (yield* network.traffic(c.ip)).streamsAccepted
        yield* TestClock.adjust("20 minutes")
        assert.strictEqual((yield* network.traffic(c.ip)).streamsAccepted, before)
        assert.deepStrictEqual(yield* view(stranger), ["c alive"])
        for (const node of nodes) assert.deepStrictEqual(yield* view(node), ["a alive", "b alive"])
      })
    )
  const config = (more: NodeOptions["config"]): NodeOptions => ({ config: { ...more } })
  returned("label", config({ label: "theirs" }), config({ label: "ours" }), [])
  returned(
    "key",
    config({ secretKey: Redacted.make(new Uint8Array(16).fill(2)) }),
    config({ secretKey: Redacted.make(new Uint8Array(16).fill(1)) }),
    []
  )
  returned("delegate", { delegate: { merge: () => Effect.fail(new JoinRejected({ reason: "not you" })) } }, {}, [
    "c at 10.0.0.9:7946 put aside"
  ])

  clusterTest(
    "is asked before it is told of the obituary that is still held, so that it cannot contradict its way in",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const nodes = yield* startMany(2)
      const [a] = nodes as [TestNode, TestNode]
      const c = yield* start("c", "10.0.0.9")
      yield* joinAt(c, a.address)
      yield* TestClock.adjust("1 minute")
      const told = yield* Effect.forEach(nodes, followed)
      yield* network.crash(c.ip, "Refuse")
      // found dead, and told to everybody, its address included
      yield* TestClock.adjust("12 seconds")
      for (const node of nodes) assert.strictEqual(yield* stateOf(node, "c"), "dead")
      yield* passing(c.stop)
      yield* network.restart(c.ip)
      const versions = { delegateProtocolMin: 2, delegateProtocolMax: 5, delegateProtocolVersion: 4 }
      const stranger = yield* start("c", "10.0.0.9", { config: versions })
      yield* TestClock.adjust("5 minutes")
      for (const events of told) {
        const aside = events.filter(({ _tag }) => _tag === "PutAside").map(line)
        assert.deepStrictEqual(aside, ["c at 10.0.0.9:7946 put aside"])
      }
      assert.deepStrictEqual(yield* view(stranger), ["c alive"])
      for (const node of nodes) assert.deepStrictEqual(yield* view(node), ["a alive", "b alive"])
    })
  )
})

describe("what is told", () => {
  clusterTest(
    "has the names of both sides, and of those still missing",
    Effect.gen(function*() {
      const nodes = yield* startMany(5)
      yield* TestClock.adjust("1 minute")
      const told = yield* Effect.forEach(nodes, followed)
      const network = yield* SimulatedNetwork
      yield* network.partition([["10.0.0.1", "10.0.0.2", "10.0.0.3"], ["10.0.0.4", "10.0.0.5"]])
      yield* TestClock.adjust("2 minutes")
      // one of the two does not come back
      yield* network.crash("10.0.0.5")
      yield* network.heal()
      const there = nodes.slice(0, 4)
      assert.isDefined(yield* whole(there, 120))
      yield* TestClock.adjust("2 minutes")
      for (const events of told.slice(0, 3)) {
        assert.deepStrictEqual(events.map(line), ["lost d e, present a b c", "d is back, missing e"])
      }
      const [split, ...more] = told[3] ?? []
      assert.strictEqual(split === undefined ? "" : line(split), "lost a b c, present d e")
      // it was alone for a moment, or not
      const rest = more.map(line).filter((text) => text !== "lost e, present d")
      assert.strictEqual(rest.length, 2)
      assert.match(rest[0] ?? "", /^[abc] is back, missing [abc] [abc]$/)
      assert.match(rest[1] ?? "", /^[abc] is back, missing $/)
      assert.isTrue(told.flat().every(({ missed }) => missed === 0))
    })
  )

  clusterTest(
    "and was missed by a slow subscriber is counted",
    Effect.gen(function*() {
      const nodes = yield* startMany(2, { config: { eventBuffer: 1 } })
      const [a] = nodes as [TestNode, TestNode]
      const told: Array<RecoveryEvent> = []
      yield* a.cluster.recovery.pipe(
        Stream.runForEach((event) =>
          Effect.andThen(Effect.sync(() => void told.push(event)), Effect.sleep("20 minutes"))
        ),
        Effect.forkScoped({ startImmediately: true })
      )
      for (let i = 0; i < 2; i++) {
        yield* cut(nodes, 1, "90 seconds")
        assert.isDefined(yield* whole(nodes, 120))
      }
      yield* TestClock.adjust("20 minutes")
      assert.deepStrictEqual(told.map(({ _tag, missed }) => [_tag, missed]), [["SplitSuspected", 0], ["Healed", 2]])
    })
  )
})

describe("the lost", () => {
  clusterTest(
    "are told as they were, with how often they were asked for in vain, until they are back or forgotten",
    Effect.gen(function*() {
      const meta = new TextEncoder().encode("db")
      const nodes = yield* startMany(2, { config: { lostPeerTime: "1 hour" } })
      const [a, b] = nodes as [TestNode, TestNode]
      yield* passing(b.cluster.updateMeta(meta))
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* a.cluster.lost, [])
      const network = yield* SimulatedNetwork
      yield* network.partition([["10.0.0.1"], ["10.0.0.2"]])
      yield* TestClock.adjust("10 minutes")
      const [lost, ...more] = yield* a.cluster.lost
      assert.strictEqual(more.length, 0)
      assert.deepStrictEqual(
        [lost?.member.name, lost?.member.address, lost?.member.state, lost?.member.meta],
        ["b", b.address, "dead", meta]
      )
      assert.isAbove(lost?.tries ?? 0, 2)
      const { since, until } = lost ?? assert.fail("nobody is lost")
      assert.strictEqual(until.epochMilliseconds - since.epochMilliseconds, 3_600_000)
      const now = yield* Clock.currentTimeMillis
      assert.approximately(now - since.epochMilliseconds, 600_000, 40_000)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* a.cluster.lost, [])
    })
  )
})

describe("push/pulls of a large cluster", () => {
  clusterTest(
    "come early when a split has healed, because gossip leaves some of its news out",
    Effect.gen(function*() {
      const exchanges = (node: TestNode) => count(node, "pushpull.failed:TransportError")
      const peers = yield* Effect.forEach(
        ["p", "q"],
        (name, i) => fakePeer(name, `10.0.9.${i + 1}`, { onMessage: "none" })
      )
      // no probe finds out that nobody else is there
      const node = yield* start("a", "10.0.0.1", {
        config: { gossipInterval: "1 second", probeInterval: "10 minutes" }
      })
      yield* introduce(node, ...peers)
      const [p, q] = peers
      if (p === undefined || q === undefined) return assert.fail("two peers")
      // five intervals of half a minute from one push/pull to the next
      for (let i = 0; i < 300; i++) {
        const from = i % 2 === 0 ? p : q
        yield* from.send(node, from.alive({ node: `n${i}`, addr: Uint8Array.of(10, 1, i >> 8, i & 255) }))
      }
      while ((yield* exchanges(node)) < 2) yield* TestClock.adjust("1 second")
      const told = yield* followed(node)
      yield* bury(node, ...peers)
      yield* TestClock.adjust("80 seconds")
      assert.deepStrictEqual(told.map(({ _tag }) => _tag), ["SplitSuspected"])
      assert.strictEqual(yield* exchanges(node), 2)
      yield* p.send(node, p.alive({ incarnation: 2 }))
      yield* TestClock.adjust("60 seconds")
      assert.deepStrictEqual(told.map(({ _tag }) => _tag), ["SplitSuspected", "Healed"])
      assert.strictEqual(yield* exchanges(node), 4)
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(yield* exchanges(node), 4)
    })
  )
})

describe("the tries of each side", () => {
  clusterTest(
    "of ten members that were split three and seven are about six a minute",
    Effect.gen(function*() {
      const nodes = yield* startMany(10)
      yield* TestClock.adjust("2 minutes")
      const network = yield* SimulatedNetwork
      const ips = nodes.map(({ ip }) => ip)
      yield* network.partition([ips.slice(0, 7), ips.slice(7)])
      // until all are lost
      yield* TestClock.adjust("1 minute")
      const sides = [nodes.slice(0, 7), nodes.slice(7)]
      const total = (side: ReadonlyArray<TestNode>) =>
        Effect.map(Effect.forEach(side, tries), (all) => all.reduce((sum, n) => sum + n, 0))
      const before = yield* Effect.forEach(sides, total)
      yield* TestClock.adjust("10 minutes")
      const after = yield* Effect.forEach(sides, total)
      const perMinute = after.map((n, i) => (n - (before[i] ?? 0)) / 10)
      // 60 are expected of each, give or take three standard deviations, 23
      for (const rate of perMinute) assert.closeTo(rate, 6, 2.3, JSON.stringify(perMinute))
    })
  )
})
