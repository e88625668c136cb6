/**
 * Calls of the application: each may be interrupted at any moment, run beside any other, and come too late.
 */
import { assert, describe } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import type { Memberlist } from "../../../src/Memberlist.ts"
import { TransportError } from "../../../src/MemberlistError.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import * as Message from "../../../src/wire/message/Message.ts"
import { clusterTest, joinAt, passing, start, startMany, stateOf, type TestNode, view } from "../../support/Cluster.ts"
import { asked, type FakePeer, fakePeer } from "../../support/FakePeer.ts"

const bytes = (text: string) => new TextEncoder().encode(text)

const unreachable = new TransportError({
  operation: "send",
  kind: "Unreachable",
  scope: "Remote",
  address: "10.0.0.1:7946",
  cause: new Error("no way there")
})

/** Starts `effect` beside the test. */
const beside = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkDetach(effect, { startImmediately: true })

/** Virtual milliseconds that `effect` takes. */
const duration = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
  const now = Effect.clockWith((clock) => clock.currentTimeMillis)
  const before = yield* now
  yield* effect
  return (yield* now) - before
})

/** A peer that gives its list to whoever asks for it, and does not answer a list. */
const halfSilent = Effect.fnUntraced(function*(name: string, ip: string) {
  const peer: FakePeer = yield* fakePeer(name, ip, { onStream: asked(() => peer, () => Effect.never) })
  return peer
})

/** A peer that gives its list to whoever asks for it, and refuses a list. */
const refusing = Effect.fnUntraced(function*(name: string, ip: string) {
  const refuse = Message.encode({ _tag: "ErrorResponse", error: "not you" })
  const peer: FakePeer = yield* fakePeer(name, ip, {
    onStream: asked(() => peer, (connection) => Effect.ignore(connection.write(refuse)))
  })
  return peer
})

const silent = (name: string, ip: string) => fakePeer(name, ip, { onStream: () => Effect.never })

/** Who was ever suspected or declared failed, as anybody saw it. */
const blamed = (nodes: ReadonlyArray<TestNode>) =>
  nodes.flatMap(({ name, seen }) =>
    seen.filter((event) => /^Member(Suspected|Failed) /.test(event)).map((event) => `${name}: ${event}`)
  )

describe("joinScoped", () => {
  clusterTest(
    "can be interrupted while its seeds say nothing",
    Effect.gen(function*() {
      yield* silent("p", "10.0.0.8")
      yield* silent("q", "10.0.0.9")
      const node = yield* start("a", "10.0.0.1")
      const join = node.cluster.joinScoped(["10.0.0.8", "10.0.0.9"])
      const took = yield* duration(passing(Effect.timeoutOption(Effect.scoped(join), "1 second")))
      assert.isAtMost(took, 1050)
    })
  )

  clusterTest(
    "that is interrupted when one seed has merged our list, and another says nothing, leaves",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      yield* silent("p", "10.0.0.9")
      const b = yield* start("b", "10.0.0.2")
      const scope = yield* Scope.make()
      const join = yield* beside(Scope.provide(b.cluster.joinScoped([a.address, "10.0.0.9"]), scope))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* view(a), ["a alive", "b alive"])
      yield* passing(Fiber.interrupt(join))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* stateOf(a, "b"), "left")
      assert.strictEqual(yield* stateOf(b, "b"), "left")
      yield* Scope.close(scope, Exit.void)
    })
  )

  clusterTest(
    "leaves at the end of its scope without waiting for time to pass",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2")
      const scope = yield* Scope.make()
      yield* passing(Scope.provide(b.cluster.joinScoped([a.address]), scope))
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* stateOf(a, "b"), "left")
    })
  )
})

describe("joinScoped", () => {
  clusterTest(
    "that fails after its list was sent leaves, where nobody else can know the node",
    Effect.gen(function*() {
      const peer = yield* refusing("p", "10.0.0.9")
      const node = yield* start("a", "10.0.0.1")
      const error = yield* passing(Effect.flip(Effect.scoped(node.cluster.joinScoped([peer.ip]))))
      assert.strictEqual(error._tag, "JoinFailed")
      yield* TestClock.adjust("20 millis")
      assert.strictEqual((yield* node.cluster.localMember).state, "left")
      assert.isAtLeast(peer.all("Dead").filter(({ from, node }) => node === "a" && from === "a").length, 1)
    })
  )

  clusterTest(
    "that fails does not take the node out of a cluster that it is in",
    Effect.gen(function*() {
      const peer = yield* refusing("p", "10.0.0.9")
      const [a, b] = yield* startMany(2)
      yield* passing(Effect.flip(Effect.scoped(b!.cluster.joinScoped([peer.ip]))))
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* view(a!), ["a alive", "b alive"])
    })
  )

  clusterTest(
    "whose scope was closed while it ran leaves when it ends",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2")
      const scope = yield* Scope.make()
      const join = yield* beside(Scope.provide(b.cluster.joinScoped([a.address]), scope))
      yield* TestClock.adjust("3 millis")
      yield* Scope.close(scope, Exit.void)
      const report = yield* passing(Fiber.join(join))
      assert.strictEqual(report.contacted.length, 1)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* stateOf(a, "b"), "left")
      assert.strictEqual(yield* stateOf(b, "b"), "left")
    })
  )
})

describe("a join after a leave", () => {
  const left = Effect.gen(function*() {
    const [a, b] = (yield* startMany(2)) as [TestNode, TestNode]
    yield* passing(b.cluster.leave())
    assert.strictEqual(yield* stateOf(a, "b"), "left")
    return [a, b] as const
  })

  clusterTest(
    "that fails does not take the node out again when another has succeeded",
    Effect.gen(function*() {
      const [a, b] = yield* left
      yield* silent("p", "10.0.0.9")
      const failing = yield* beside(Effect.exit(b.cluster.join(["10.0.0.9"])))
      yield* joinAt(b, a.address)
      const exit = yield* passing(Fiber.join(failing))
      assert.isTrue(Exit.isFailure(exit))
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* b.cluster.localMember).state, "alive")
      assert.deepStrictEqual(yield* view(a), ["a alive", "b alive"])
      assert.deepStrictEqual(blamed([a, b]), [])
    })
  )

  for (let millis = 0; millis <= 30; millis += 2) {
    clusterTest(
      `that is interrupted after ${millis} ms has happened or it has not, and both sides agree which`,
      Effect.gen(function*() {
        const [a, b] = yield* left
        const join = yield* beside(Effect.exit(b.cluster.join([a.address])))
        yield* TestClock.adjust(Duration.millis(millis))
        yield* Fiber.interrupt(join)
        yield* TestClock.adjust("1 minute")
        const own = (yield* b.cluster.localMember).state
        assert.include(["alive", "left"], own)
        // what was left for longer than a minute is forgotten
        assert.strictEqual((yield* stateOf(a, "b")) ?? "left", own)
        assert.deepStrictEqual(blamed([a, b]), [])
      })
    )
  }

  clusterTest(
    "that is interrupted before a seed answered leaves the node outside",
    Effect.gen(function*() {
      const [, b] = yield* left
      yield* silent("p", "10.0.0.9")
      const join = yield* beside(Effect.exit(b.cluster.join(["10.0.0.9"])))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(join)
      assert.strictEqual((yield* b.cluster.localMember).state, "left")
    })
  )

  for (const seeds of [[], ["10.0.0.2"]]) {
    clusterTest(
      `${seeds.length === 0 ? "without seeds" : "through nobody but itself"} brings the node back alone`,
      Effect.gen(function*() {
        const [, b] = yield* left
        yield* joinAt(b, ...seeds)
        assert.strictEqual((yield* b.cluster.localMember).state, "alive")
        yield* b.cluster.updateMeta(bytes("back"))
      })
    )
  }

  clusterTest(
    "is not undone by the goodbye that is still being repeated",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2)
      const peer = yield* halfSilent("p", "10.0.0.9")
      const cut = yield* beside(Effect.exit(b!.cluster.join([peer.ip])))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(cut)
      const leaving = yield* beside(b!.cluster.leave({ timeout: "5 seconds" }))
      const back = yield* beside(b!.cluster.join([a!.address]))
      yield* passing(Fiber.join(back))
      yield* passing(Fiber.join(leaving))
      yield* TestClock.adjust("1 second")
      const goodbyes = peer.all("Dead").filter(({ node }) => node === "b")
      assert.deepStrictEqual([...new Set(goodbyes.map(({ incarnation }) => incarnation))], [1])
      assert.strictEqual(goodbyes.length, 4)
      assert.deepStrictEqual(yield* view(a!), ["a alive", "b alive"])
    })
  )

  clusterTest(
    "that ends without an answer says goodbye, which the next leave waits for",
    Effect.gen(function*() {
      const [, b] = yield* left
      const peer = yield* halfSilent("p", "10.0.0.9")
      const cut = yield* beside(Effect.exit(b.cluster.join([peer.ip])))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(cut)
      const report = yield* passing(b.cluster.leave({ timeout: "5 seconds" }))
      assert.deepInclude(report, { outcome: "Sent", members: 1 })
      assert.strictEqual((yield* passing(b.cluster.leave())).outcome, "AlreadyLeft")
    })
  )

  clusterTest(
    "that a peer refuses leaves the node outside, and both sides agree",
    Effect.gen(function*() {
      const [a, b] = yield* left
      const peer = yield* refusing("p", "10.0.0.9")
      yield* passing(Effect.flip(b.cluster.join([peer.ip])))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* b.cluster.localMember).state, "left")
      assert.deepStrictEqual(yield* view(a), ["a alive"])
      assert.isAtLeast(peer.all("Dead").filter(({ incarnation, node }) => node === "b" && incarnation === 2).length, 1)
    })
  )
})

describe("the layer's goodbye", () => {
  for (const how of ["was interrupted", "still runs"]) {
    clusterTest(
      `is said when a leave ${how}`,
      Effect.gen(function*() {
        const [a, b, c] = (yield* startMany(3)) as [TestNode, TestNode, TestNode]
        const leaving = yield* beside(Effect.exit(b.cluster.leave()))
        if (how === "was interrupted") yield* Fiber.interrupt(leaving)
        yield* b.stop
        yield* TestClock.adjust("1 second")
        for (const node of [a, c]) assert.strictEqual(yield* stateOf(node, "b"), "left", node.name)
      })
    )
  }

  clusterTest(
    "is said although a leave has ended, whose gossip may have been lost",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2)
      const net = yield* SimulatedNetwork
      yield* net.cut("10.0.0.2", "10.0.0.1", "packets")
      assert.strictEqual((yield* passing(b!.cluster.leave())).outcome, "Sent")
      yield* net.heal()
      yield* b!.stop
      yield* TestClock.adjust("20 millis")
      assert.strictEqual(yield* stateOf(a!, "b"), "left")
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(blamed([a!]).filter((event) => event.includes("Failed")), [])
    })
  )

  clusterTest(
    "does not hold up the release for longer than five seconds, whatever the transport does",
    Effect.gen(function*() {
      let stuck = false
      const node = yield* start("b", "10.0.0.2", {
        transport: (inner) => ({
          ...inner,
          send: (to, payload) => Effect.suspend(() => stuck ? Effect.never : inner.send(to, payload))
        })
      })
      const a = yield* start("a", "10.0.0.1")
      yield* joinAt(node, a.address)
      stuck = true
      assert.isAtMost(yield* duration(passing(node.stop)), 5_050)
    })
  )

  clusterTest(
    "goes to as many members as gossip would tell, which pass it on",
    Effect.gen(function*() {
      const nodes = yield* startMany(16)
      // until joins are no longer remembered, whose seeds hear of it in any case
      yield* TestClock.adjust("1 minute")
      const net = yield* SimulatedNetwork
      const before = (yield* net.stats).packetsSent
      yield* nodes[15]!.stop
      const sent = (yield* net.stats).packetsSent - before
      // retransmitMult 4, and two digits of members
      assert.strictEqual(sent, 8)
      yield* TestClock.adjust("3 seconds")
      for (const node of nodes.slice(0, 15)) assert.strictEqual(yield* stateOf(node, "p"), "left", node.name)
    })
  )
})

describe("a second leave", () => {
  clusterTest(
    "waits for the goodbye of the first, and tells the same of it",
    Effect.gen(function*() {
      const [, b] = yield* startMany(2)
      const first = yield* beside(b!.cluster.leave())
      const second = yield* beside(b!.cluster.leave())
      yield* Fiber.interrupt(yield* beside(b!.cluster.leave()))
      assert.isUndefined(second.pollUnsafe())
      const report = yield* passing(Fiber.join(first))
      assert.strictEqual(report.outcome, "Sent")
      assert.deepStrictEqual(yield* passing(Fiber.join(second)), report)
    })
  )
})

describe("news about ourselves", () => {
  clusterTest(
    "that newer news replaced unsent is not told to be sent",
    Effect.gen(function*() {
      const [a] = yield* startMany(3)
      const first = yield* beside(a!.cluster.updateMeta(bytes("1"), { wait: "10 seconds" }))
      const second = yield* beside(a!.cluster.updateMeta(bytes("2"), { wait: "10 seconds" }))
      assert.strictEqual((yield* passing(Fiber.join(first))).outcome, "Superseded")
      const report = yield* passing(Fiber.join(second))
      assert.deepInclude(report, { outcome: "Sent", sent: 2, members: 2 })
    })
  )

  clusterTest(
    "that a leave replaced unsent is not told to be sent, nor is a goodbye that a return replaced",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2, { config: { gossipInterval: "1 hour", probeInterval: "1 hour" } })
      const update = yield* beside(b!.cluster.updateMeta(bytes("1"), { wait: "1 minute" }))
      const leave = yield* beside(b!.cluster.leave({ timeout: "1 minute" }))
      assert.strictEqual((yield* passing(Fiber.join(update))).outcome, "Superseded")
      yield* joinAt(b!, a!.address)
      assert.strictEqual((yield* passing(Fiber.join(leave))).outcome, "Superseded")
    })
  )

  clusterTest(
    "counts who has it for certain: those that answered the ping it rode on",
    Effect.gen(function*() {
      // nothing but probes carries it, and each member is probed once in two seconds
      const [a] = yield* startMany(3, { config: { gossipInterval: "1 hour" } })
      const report = yield* passing(a!.cluster.updateMeta(bytes("new"), { wait: "20 seconds" }))
      assert.deepStrictEqual(report, { outcome: "Sent", sent: 2, confirmed: 2, members: 2 })
    })
  )

  clusterTest(
    "counts nobody that the transport could not send it to, the last time included",
    Effect.gen(function*() {
      let broken = false
      const node = yield* start("b", "10.0.0.2", {
        transport: (inner) => ({
          ...inner,
          send: (to, payload) => Effect.suspend(() => broken ? Effect.fail(unreachable) : inner.send(to, payload))
        })
      })
      const a = yield* start("a", "10.0.0.1")
      yield* joinAt(node, a.address)
      yield* TestClock.adjust("5 seconds")
      broken = true
      const report = yield* passing(node.cluster.updateMeta(bytes("new"), { wait: "5 seconds" }))
      assert.deepStrictEqual(report, { outcome: "Unreached", sent: 0, confirmed: 0, members: 1 })
    })
  )

  clusterTest(
    "counts nobody for certain who cannot hear",
    Effect.gen(function*() {
      const [a] = yield* startMany(2)
      const net = yield* SimulatedNetwork
      yield* net.crash("10.0.0.2")
      const report = yield* passing(a!.cluster.updateMeta(bytes("new"), { wait: "2 seconds" }))
      assert.deepInclude(report, { sent: 1, confirmed: 0 })
    })
  )
})

type Cluster = Memberlist["Service"]

/** Every call that does something, and some of them wait. */
const calls: Readonly<Record<string, (cluster: Cluster) => Effect.Effect<unknown, { readonly _tag: string }>>> = {
  join: (cluster) => cluster.join(["10.0.0.9"]),
  joinScoped: (cluster) => Effect.scoped(cluster.joinScoped(["10.0.0.9"])),
  leave: (cluster) => cluster.leave(),
  updateMeta: (cluster) => cluster.updateMeta(bytes("x"), { wait: "1 minute" }),
  send: (cluster) => cluster.send({ address: "10.0.0.9:7946" }, bytes("x")),
  "send, reliably": (cluster) =>
    cluster.send({ address: "10.0.0.9:7946" }, new Uint8Array(1 << 22), { reliable: true }),
  broadcast: (cluster) => cluster.broadcast(bytes("x")),
  ping: (cluster) => cluster.ping({ address: "10.0.0.9:7946" })
}

describe("after the layer's release", () => {
  for (const [name, call] of Object.entries(calls)) {
    clusterTest(
      `${name} fails at once, and sends nothing`,
      Effect.gen(function*() {
        const peer = yield* fakePeer("p", "10.0.0.9", { onStream: () => Effect.never })
        const node = yield* start("a", "10.0.0.1")
        yield* node.stop
        const error = yield* Effect.flip(call(node.cluster))
        assert.strictEqual(error._tag, "MemberlistClosed")
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(peer.datagrams, [])
      })
    )
  }

  for (const name of ["join", "joinScoped", "updateMeta", "leave", "ping"] as const) {
    clusterTest(
      `${name} that was under way has failed at once`,
      Effect.gen(function*() {
        const call = calls[name]
        if (call === undefined) return assert.fail(name)
        const nodes = yield* startMany(2, { config: { gossipInterval: "1 hour", probeInterval: "1 hour" } })
        const node = nodes[1]!
        yield* fakePeer("p", "10.0.0.9", { onStream: () => Effect.never, onMessage: "none" })
        const running = yield* beside(Effect.flip(call(node.cluster)))
        yield* Effect.yieldNow
        assert.isUndefined(running.pollUnsafe(), "it waits")
        yield* node.stop
        assert.strictEqual((yield* Fiber.join(running))._tag, "MemberlistClosed")
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(yield* view(nodes[0]!), ["a alive"])
      })
    )
  }

  for (const name of ["join", "joinScoped", "updateMeta", "leave", "ping", "send", "send, reliably"] as const) {
    clusterTest(
      `${name} that was under way, and whose caller cannot be interrupted, has failed at once`,
      Effect.gen(function*() {
        const call = calls[name]
        if (call === undefined) return assert.fail(name)
        yield* startMany(1)
        const node = yield* start("b", "10.0.0.2", {
          config: { gossipInterval: "1 hour", probeInterval: "1 hour" },
          transport: (inner) => ({
            ...inner,
            send: (to, payload) => to.ip === "10.0.0.9" ? Effect.never : inner.send(to, payload)
          })
        })
        yield* joinAt(node, "10.0.0.1")
        yield* fakePeer("p", "10.0.0.9", { onStream: () => Effect.never, onMessage: "none" })
        const running = yield* beside(Effect.flip(Effect.uninterruptible(call(node.cluster))))
        yield* Effect.yieldNow
        assert.isUndefined(running.pollUnsafe(), "it waits")
        yield* node.stop
        assert.strictEqual((yield* Fiber.join(running))._tag, "MemberlistClosed")
      })
    )
  }
})
