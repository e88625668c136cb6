/**
 * A cluster whose tables somebody fills with members that do not exist. It needs no key, and three real members go on
 * living among them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import { TestClock } from "effect/testing"
import { Observer } from "../../../src/engine/StepObserver.ts"
import { MemberlistConfig, type Settings } from "../../../src/MemberlistConfig.ts"
import { Invariants, SimulatedCluster, SimulatedNetwork, VirtualTime } from "../../../src/testing/index.ts"
import { Transport } from "../../../src/Transport.ts"
import * as Message from "../../../src/wire/message/Message.ts"
import * as Compound from "../../../src/wire/packet/Compound.ts"
import { clusterTest, start } from "../../support/Cluster.ts"
import { fakePeer, introduce, VSN } from "../../support/FakePeer.ts"

const names = ["a", "b", "c"]
const ip = (name: string) => `10.0.0.${names.indexOf(name) + 1}`

/** An alive message of a member that does not exist, at an address that does not answer. */
const fake = (i: number, length = 0): Message.Alive => ({
  _tag: "Alive",
  incarnation: 1,
  node: `fake-${i}`.padEnd(length, "-"),
  addr: Uint8Array.of(10, 9, i >> 8, i & 255),
  port: 7946,
  meta: null,
  vsn: VSN
})

interface Scene {
  readonly cluster: SimulatedCluster.SimulatedCluster
  /** Sends messages to a node, from an address that is nobody's. */
  readonly forge: (to: string, messages: ReadonlyArray<Message.PacketMessage>) => Effect.Effect<void>
  /** What the nodes concluded about each other since the start: `a: Suspected b`. */
  readonly concluded: Array<string>
}

/** Three nodes that have known each other for half a minute, and an attacker. */
const scene = <A>(seed: number, config: Settings, play: (scene: Scene) => Effect.Effect<A>): A => {
  const concluded: Array<string> = []
  const observe = Layer.succeed(Observer, ({ directives, node }) => {
    for (const directive of directives) {
      if (directive._tag !== "Publish") continue
      const { _tag, entry } = directive.change
      if (names.includes(entry.name)) concluded.push(`${node.name}: ${_tag} ${entry.name}`)
    }
  })
  const program = Effect.gen(function*() {
    const cluster = yield* SimulatedCluster.make({
      nodes: names,
      seed,
      config: { ...MemberlistConfig.lan, leaveTimeout: 0, ...config },
      observe
    })
    const context = yield* Effect.provideService(
      Layer.build(SimulatedNetwork.transport("10.99.0.1")),
      SimulatedNetwork,
      cluster.network
    )
    const attacker = Context.get(context, Transport)
    yield* cluster.startAll
    yield* Effect.sleep("30 seconds")
    concluded.length = 0
    return yield* play({
      cluster,
      concluded,
      forge: (to, messages) =>
        Effect.orDie(attacker.send(
          { ip: ip(to), port: 7946 },
          Compound.make(messages.map((message) => Message.encode(message)))
        ))
    })
  }).pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, "None"))
  return Exit.match(VirtualTime.run(program, { seed }), {
    onSuccess: (value) => value,
    onFailure: (cause) => assert.fail(String(cause))
  })
}

/** Tells nodes of members that do not exist, a thousand a second. */
const flood = Effect.fnUntraced(function*({ forge }: Scene, to: ReadonlyArray<string>, count: number, length = 0) {
  for (let i = 0; i < count; i += 20) {
    const messages = Array.from({ length: 20 }, (_, k) => fake(i + k, length))
    for (const name of to) yield* forge(name, messages)
    yield* Effect.sleep("20 millis")
  }
})

const accusation = (node: string, incarnation: number, from: string): Message.Suspect => ({
  _tag: "Suspect",
  incarnation,
  node,
  from
})

describe("a node whose table is full of members that do not exist", () => {
  it.each(
    [
      ["long after they were forged", 0, "30 seconds", 1],
      ["while news of them fills every packet", 60, 0, 2]
    ] as const
  )("is not declared failed because others were told that it does not answer, %s", (_, length, rest, seed) => {
    const told = scene(seed, {}, (scene) =>
      Effect.gen(function*() {
        yield* flood(scene, ["a"], 300, length)
        yield* Effect.sleep(rest)
        scene.concluded.length = 0
        const { incarnation } = yield* (yield* scene.cluster.node("a")).localMember
        yield* scene.forge("b", [accusation("a", incarnation, "c")])
        yield* Effect.sleep("70 seconds")
        return scene.concluded.slice()
      }))
    assert.include(told, "b: Suspected a")
    assert.include(told, "b: Recovered a")
    assert.deepStrictEqual(told.filter((conclusion) => conclusion.includes("Failed")), [])
  })
})

describe("a full table", () => {
  clusterTest(
    "has place for a newcomer where members were made up long ago, and keeps who was heard from",
    Effect.suspend(() => {
      const invariants = Invariants.make()
      return Effect.gen(function*() {
        const config = {
          gossipInterval: 0,
          pushPullInterval: 0,
          probeInterval: 0,
          maxMembers: 42,
          leaveTimeout: 0
        } as const
        const node = yield* start("a", "10.0.0.1", { config })
        const [p, q] = [yield* fakePeer("p", "10.0.0.8"), yield* fakePeer("q", "10.0.0.9")]
        yield* introduce(node, p)
        for (let i = 0; i < 60; i++) yield* p.send(node, fake(i))
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual((yield* node.cluster.members).length, 42)
        yield* q.send(node, q.alive())
        yield* TestClock.adjust("11 seconds")
        assert.strictEqual((yield* node.cluster.member("q"))._tag, "None")
        yield* q.send(node, q.alive())
        yield* TestClock.adjust("20 millis")
        assert.strictEqual((yield* node.cluster.member("q"))._tag, "Some")
        assert.strictEqual((yield* node.cluster.members).length, 42)
        assert.deepStrictEqual(node.seen.slice(-2).map((event) => event.replace(/fake-\d+/, "fake")), [
          "MemberFailed fake",
          "MemberJoined q"
        ])
        // twice as many as the table holds, now that those before them are old
        yield* TestClock.adjust("31 seconds")
        for (let i = 100; i < 200; i++) yield* p.send(node, fake(i))
        yield* TestClock.adjust("20 millis")
        assert.strictEqual((yield* node.cluster.member("p"))._tag, "Some")
        const counters = yield* node.cluster.counters
        assert.isAbove(counters.get("member.evicted") ?? 0, 30)
        assert.isAbove(counters.get("claim.ignored:TableFull") ?? 0, 30)
        assert.deepStrictEqual(invariants.violations, [])
      }).pipe(Effect.provide(invariants.layer))
    })
  )
})
