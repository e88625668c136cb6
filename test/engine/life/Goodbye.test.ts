/**
 * A node that goes in the middle of a join: whoever may have learnt of it must learn that it left, and never see it fail.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import * as Introductions from "../../../src/engine/life/Introductions.ts"
import type { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import * as Frame from "../../../src/wire/stream/Frame.ts"
import { clusterTest, network, passing, start, startMany, stateOf, type TestNode } from "../../support/Cluster.ts"
import { asked, type FakePeer, fakePeer, plainly } from "../../support/FakePeer.ts"

/** Moments of a join, half a millisecond apart; it takes about a dozen of them. */
const MOMENTS = 50

type Join = Fiber.Fiber<unknown, unknown>

/** Starts a node, has it join `seeds`, and after so many milliseconds ends it as `end` does. */
const comeAndGo = Effect.fnUntraced(function*(
  name: string,
  ip: string,
  seeds: ReadonlyArray<string>,
  millis: number,
  end: (node: TestNode, join: Join) => Effect.Effect<void>
) {
  const node = yield* start(name, ip)
  const join = yield* Effect.forkDetach(Effect.ignore(node.cluster.join(seeds)), { startImmediately: true })
  yield* Effect.sleep(Duration.millis(millis))
  yield* end(node, join)
})

/**
 * One node for each moment, one after another: a later one would pass on what it was told of an earlier one, and nothing
 * contradicts that at members who ignored the goodbye of somebody they had never heard of.
 */
const comersAndGoers = Effect.fnUntraced(function*(
  seeds: ReadonlyArray<string>,
  step: number,
  end: (node: TestNode, join: Join) => Effect.Effect<void>
) {
  for (let i = 0; i < MOMENTS; i++) yield* passing(comeAndGo(`z${i}`, `10.0.1.${i + 1}`, seeds, step * i, end))
})

/** As `clusterTest`, for many nodes: the time is for a machine that is busy. */
const longTest = <A, E>(
  name: string,
  body: Effect.Effect<A, E, SimulatedNetwork | Scope.Scope>,
  options?: Parameters<typeof network>[0]
): void => it.effect(name, () => body.pipe(Effect.provide(network(options)), Random.withSeed(name)), 60_000)

/** Who was ever suspected or declared failed, as anybody saw it. */
const blamed = (nodes: ReadonlyArray<TestNode>) =>
  nodes.flatMap(({ name, seen }) =>
    seen.filter((event) => /^Member(Suspected|Failed) /.test(event)).map((event) => `${name}: ${event}`)
  )

const ends = [
  ["its layer closes", (node: TestNode) => node.stop],
  [
    "the join is interrupted and the layer closes",
    (node: TestNode, join: Join) => Effect.andThen(Fiber.interrupt(join), node.stop)
  ],
  [
    "it leaves and stays for a while",
    (node: TestNode) =>
      Effect.ignore(node.cluster.leave()).pipe(Effect.andThen(Effect.sleep("300 millis")), Effect.andThen(node.stop))
  ]
] as const

describe("a node that goes in the middle of a join", () => {
  for (const [what, end] of ends) {
    longTest(
      `is never seen as failed, whenever ${what}`,
      Effect.gen(function*() {
        const nodes = yield* startMany(4)
        yield* comersAndGoers(["10.0.0.1"], 0.5, end)
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(blamed(nodes), [])
      })
    )
  }
})

describe("the goodbye", () => {
  longTest(
    "outruns a slow network as well",
    Effect.gen(function*() {
      const nodes = yield* startMany(3)
      for (const [k, [, end]] of ends.entries()) {
        for (let i = 0; i < 30; i++) {
          yield* passing(comeAndGo(`z${k}-${i}`, `10.1.${k}.${i + 1}`, ["10.0.0.1"], 100 * i, end))
        }
      }
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(blamed(nodes).filter((line) => line.includes(" z")), [])
    }),
    { latency: ["250 millis", "450 millis"] }
  )

  longTest(
    "of a node that goes as soon as it has joined is heard in a larger cluster too",
    Effect.gen(function*() {
      const nodes = yield* startMany(20)
      for (let i = 0; i < 20; i++) {
        const node = yield* start(`z${i}`, `10.0.1.${i + 1}`)
        yield* passing(Effect.andThen(node.cluster.join(["10.0.0.1"]), node.stop))
      }
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(blamed(nodes), [])
    })
  )

  for (const interrupted of [false, true]) {
    clusterTest(
      `goes straight to a peer that was written to and did not answer${
        interrupted ? ", after an interrupted join" : ""
      }`,
      Effect.gen(function*() {
        const silent: FakePeer = yield* fakePeer("p", "10.0.0.9", {
          onStream: asked(() => silent, () => Effect.never)
        })
        const never = yield* fakePeer("q", "10.0.0.8", { onStream: () => Effect.never })
        const node = yield* start("a", "10.0.0.1")
        const join = yield* Effect.forkDetach(Effect.ignore(node.cluster.join([silent.ip])))
        yield* TestClock.adjust("1 second")
        if (interrupted) yield* Fiber.interrupt(join)
        yield* passing(node.stop)
        const goodbyes = silent.all("Dead")
        assert.isAbove(goodbyes.length, 1)
        for (const goodbye of goodbyes) assert.deepInclude(goodbye, { node: "a", from: "a", incarnation: 1 })
        assert.deepStrictEqual(never.all("Dead"), [])
        assert.strictEqual(silent.all("Alive").length, 0)
      })
    )
  }

  clusterTest(
    "is said again to a peer whose answer to our join came after it, and our return is not announced",
    Effect.gen(function*() {
      const peer: FakePeer = yield* fakePeer("p", "10.0.0.9", {
        onStream: asked(() => peer, (connection) =>
          Effect.gen(function*() {
            yield* Effect.sleep("5 seconds")
            // somebody at another address has our name: with this policy a join would outbid it
            const nodes = [peer.row(), peer.row({ name: "a", incarnation: 7 })]
            const answer = Frame.encodePushPull({ join: true, nodes, userState: new Uint8Array() })
            yield* Effect.ignore(connection.write(Frame.frame(answer, plainly)))
          }))
      })
      const node = yield* start("a", "10.0.0.1", { config: { nameConflictPolicy: "replace" } })
      const join = yield* Effect.forkDetach(node.cluster.join([peer.ip]))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* passing(node.cluster.leave())).outcome, "Sent")
      peer.forget()
      yield* TestClock.adjust("10 seconds")
      assert.isDefined(join.pollUnsafe())
      assert.isAtLeast(peer.all("Dead").filter((claim) => claim.node === "a").length, 1)
      assert.deepStrictEqual(peer.all("Alive").filter((claim) => claim.node === "a"), [])
      assert.strictEqual(yield* stateOf(node, "a"), "left")
    })
  )

  clusterTest(
    "is the last word of a layer: a join that begins while it is said fails",
    Effect.gen(function*() {
      const [a, b] = (yield* startMany(2)) as [TestNode, TestNode]
      const stopping = yield* Effect.forkDetach(b.stop, { startImmediately: true })
      const error = yield* Effect.flip(b.cluster.join([a.address]))
      assert.strictEqual(error._tag, "MemberlistClosed")
      assert.include(error.message, "stopped")
      yield* passing(Fiber.join(stopping))
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(blamed([a]), [])
      assert.strictEqual(yield* stateOf(a, "b"), "left")
    })
  )
})

describe("introductions", () => {
  it("are remembered while their exchange runs and a minute after, the newest ones alone", () => {
    const introductions = Introductions.make()
    const peer = (port: number) => ({ ip: "10.0.0.9", port })
    const ports = (now: number) => introductions.recent(now).map(({ to }) => to.port)
    const first = introductions.begin(peer(1))
    introductions.begin(peer(2))
    introductions.end(first, true, 1000)
    assert.deepStrictEqual(introductions.recent(0).map(({ answered }) => answered), [true, false])
    assert.deepStrictEqual(ports(60_999), [1, 2])
    assert.deepStrictEqual(ports(61_000), [2])
    for (let port = 100; port < 200; port++) introductions.begin(peer(port))
    assert.deepStrictEqual(ports(0), Array.from({ length: Introductions.MAX_INTRODUCTIONS }, (_, i) => 136 + i))
  })
})
