/** The one place that starts fibers which are no loops. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import * as Tracer from "effect/Tracer"
import type { Delegate } from "../../src/Delegate.ts"
import type { CounterKey } from "../../src/engine/telemetry/Counters.ts"
import * as Counters from "../../src/engine/telemetry/Counters.ts"
import { messages, textOf } from "../../src/engine/telemetry/LogMessages.ts"
import * as Logs from "../../src/engine/telemetry/Logs.ts"
import * as Work from "../../src/engine/Work.ts"
import { TransportError } from "../../src/MemberlistError.ts"
import type { Transport } from "../../src/Transport.ts"
import * as Frame from "../../src/wire/stream/Frame.ts"
import { clusterTest, passing, start, stateOf, type TestNode } from "../support/Cluster.ts"
import { type FakePeer, fakePeer, introduce, mute, readMessage } from "../support/FakePeer.ts"
import { entries, logging } from "../support/Telemetry.ts"

const quiet = { gossipInterval: 0, pushPullInterval: 0, probeInterval: 0, leaveTimeout: 0 } as const

const countOf = (node: TestNode, counter: string) =>
  Effect.map(node.cluster.counters, (counters) => new Map<string, number>(counters).get(counter) ?? 0)

const make = Effect.gen(function*() {
  const counters = Counters.make(Context.empty(), {})
  const logs = yield* Logs.make({ name: "a", now: () => 0, onDrop: () => {} })
  const work = yield* Work.make(counters, logs)
  return { work, count: (key: CounterKey) => counters.totals().get(key) ?? 0 }
})

const owned = ["ack", "claim", "relay"] as const
const watched = ["hook", "deadline"] as const

describe("work", () => {
  for (const kind of [...owned, ...watched]) {
    it.effect(`is started up to the limit of its kind, beyond which it is refused and counted: ${kind}`, () =>
      Effect.gen(function*() {
        const { count, work } = yield* make
        const sleep = Effect.sleep("1 second")
        const begin = () =>
          kind === "hook" || kind === "deadline" ? work.watch(kind, sleep) !== undefined : work.start(kind, sleep)
        for (let i = 0; i < Work.LIMITS[kind]; i++) assert.isTrue(begin())
        assert.isFalse(begin())
        assert.strictEqual(work.running(kind), Work.LIMITS[kind])
        assert.strictEqual(count(`fiber.refused:${kind}`), 1)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(work.running(kind), 0)
        assert.isTrue(begin())
        assert.strictEqual(count(`fiber.refused:${kind}`), 1)
      }))
  }

  it.effect("has the clock, the random numbers and the parent span of its node, whoever starts it", () =>
    Effect.gen(function*() {
      const own = yield* Effect.all([Clock.Clock, Random.Random])
      const { work } = yield* make
      const seen: Array<unknown> = []
      const look = Effect.gen(function*() {
        seen.push(...yield* Effect.all([Clock.Clock, Random.Random]), yield* Effect.option(Effect.currentParentSpan))
      })
      yield* Effect.gen(function*() {
        work.start("relay", look)
        work.watch("hook", look)
        yield* work.inContext(look)
      }).pipe(
        Effect.withSpan("caller"),
        Effect.provideService(Clock.Clock, { ...own[0] }),
        Random.withSeed("caller"),
        Effect.withTracer(Tracer.make({ span: (options) => new Tracer.NativeSpan(options) }))
      )
      const expected = [...own, yield* Effect.option(Effect.currentParentSpan)]
      assert.deepStrictEqual(seen.length, 9)
      for (const [i, value] of seen.entries()) {
        if (i % 3 === 2) assert.deepStrictEqual(value, expected[2])
        else assert.strictEqual(value, expected[i % 3])
      }
    }))

  it.effect("ends with its node, and none begins after it", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { count, work } = yield* Scope.provide(make, scope)
      let ended = 0
      const cleans = Effect.ensuring(Effect.never, Effect.andThen(Effect.yieldNow, Effect.sync(() => ended++)))
      for (const kind of owned) work.start(kind, cleans)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(ended, owned.length)
      for (const kind of owned) {
        assert.isFalse(work.start(kind, Effect.never))
        assert.strictEqual(work.running(kind), 0)
        assert.strictEqual(count(`fiber.refused:${kind}`), 0)
        assert.strictEqual(count(`fiber.died:${kind}`), 0)
      }
      for (const kind of watched) assert.isUndefined(work.watch(kind, Effect.never))
    }))

  it.effect("that dies while it is interrupted has died all the same", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { count, work } = yield* Scope.provide(make, scope)
      work.start("relay", Effect.ensuring(Effect.never, Effect.die("in the end")))
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(count("fiber.died:relay"), 1)
    }))
})

/** A transport that dies, once `broken` is set, when it sends to one address. */
const dyingTowards = (ip: string, broken: { now: boolean }) => (inner: Transport["Service"]): Transport["Service"] => ({
  ...inner,
  send: (to, bytes) => broken.now && to.ip === ip ? Effect.die(new Error("a defect in send")) : inner.send(to, bytes)
})

/** Something that makes a fiber die in a node whose transport dies. */
interface Dying {
  readonly kind: string
  readonly delegate?: Delegate
  readonly transport?: (inner: Transport["Service"]) => Transport["Service"]
  readonly cause: (node: TestNode, peer: FakePeer) => Effect.Effect<unknown>
}

const dying: ReadonlyArray<Dying> = [
  {
    kind: "ack",
    delegate: { ackPayload: Effect.as(Effect.yieldNow, new Uint8Array()) },
    cause: (node, peer) => peer.send(node, peer.ping(1))
  },
  {
    kind: "relay",
    cause: (node, peer) => {
      const { node: _, ...ping } = peer.ping(1)
      const target = { target: Uint8Array.of(10, 0, 0, 8), port: 7946, node: "", nack: true }
      return peer.send(node, { ...ping, _tag: "IndirectPing", ...target })
    }
  },
  {
    kind: "claim",
    cause: (node, peer) => peer.send(node, { _tag: "Suspect", incarnation: 1, node: "a", from: "p" })
  },
  {
    kind: "stream",
    transport: (inner) => ({
      ...inner,
      serve: (handler) =>
        inner.serve((connection) => handler({ ...connection, pull: Effect.die(new Error("a defect in pull")) }))
    }),
    cause: (node, peer) => Effect.ignore(peer.ask(node, Uint8Array.of(1)))
  }
]

describe("a defect in a fiber that is no loop", () => {
  for (const { cause, delegate, kind, transport } of dying) {
    clusterTest(
      `is counted, and logged with advice, and no loop is restarted: ${kind}`,
      logging((log) =>
        Effect.gen(function*() {
          const broken = { now: false }
          const node = yield* start("a", "10.0.0.1", {
            config: quiet,
            ...delegate === undefined ? {} : { delegate },
            transport: transport ?? dyingTowards("10.0.0.9", broken)
          })
          const peer = yield* fakePeer("p", "10.0.0.9")
          yield* introduce(node, peer)
          broken.now = true
          yield* cause(node, peer)
          yield* TestClock.adjust("1 second")
          const counted = [...(yield* node.cluster.counters)].filter(([key]) => key.startsWith("fiber."))
          assert.deepStrictEqual(counted.map(([key]) => key), [`fiber.died:${kind}`])
          const told = entries(log, messages.WorkDied.text)
          assert.deepStrictEqual(told.map(({ annotations }) => annotations["reason"]), [kind])
          assert.strictEqual(told[0]?.text, textOf(messages.WorkDied))
          assert.match(String(told[0]?.annotations["peer"]), /^10\.0\.0\.9:/)
          assert.strictEqual(told[0]?.level, "Error")
        })
      )
    )
  }

  clusterTest(
    "is no answer where it is a TCP ping: it is counted and logged, and the silent member is declared failed",
    logging((log) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", {
          config: { ...quiet, probeInterval: "1 second", probeTimeout: "200 millis" },
          transport: (inner) => ({ ...inner, open: () => Effect.die(new Error("a defect in open")) })
        })
        const peer = yield* fakePeer("p", "10.0.0.9", { onMessage: "none" })
        yield* introduce(node, peer)
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(yield* stateOf(node, "p"), "dead")
        assert.isAtLeast(yield* countOf(node, "fiber.died:TCP ping"), 1)
        assert.strictEqual(yield* countOf(node, "fiber.restarted:prober"), 0)
        assert.isAtLeast(entries(log, messages.WorkDied.text).length, 1)
      })
    )
  )
})

describe("what a join has the node do", () => {
  const answering = (rows: Parameters<typeof Frame.encodePushPull>[0]["nodes"]) =>
    Frame.encodePushPull({ join: true, nodes: rows, userState: new Uint8Array() })

  clusterTest(
    "is told to the logger of the node, and not to that of whoever joined",
    logging((log) =>
      Effect.gen(function*() {
        let broken = false
        const error = new TransportError({
          operation: "send",
          kind: "Unknown",
          scope: "Remote",
          address: "10.0.0.8:7946",
          cause: new Error("no")
        })
        const merged: Array<unknown> = []
        const node = yield* start("a", "10.0.0.1", {
          config: quiet,
          delegate: {
            merge: () => Effect.map(Effect.option(Effect.currentParentSpan), (span) => void merged.push(span))
          },
          transport: (inner) => ({
            ...inner,
            send: (to, bytes) =>
              broken && to.ip === "10.0.0.8"
                ? Effect.andThen(Effect.yieldNow, Effect.fail(error))
                : inner.send(to, bytes)
          })
        })
        const member = yield* fakePeer("m", "10.0.0.8", mute)
        yield* introduce(node, member)
        yield* introduce(node, member)
        yield* fakePeer("s", "10.0.0.20", {
          onStream: (connection) =>
            Effect.andThen(
              readMessage(connection, "responder"),
              Effect.ignore(
                connection.write(
                  answering([
                    member.row({ state: 1 }),
                    member.row({ name: "a", addr: Uint8Array.of(10, 0, 0, 1), state: 1 })
                  ])
                )
              )
            )
        })
        broken = true
        yield* passing(node.cluster.join(["10.0.0.20:7946"])).pipe(
          Effect.annotateLogs({ caller: "yes" }),
          Effect.withSpan("caller")
        )
        yield* TestClock.adjust("100 millis")
        const failed = entries(log, messages.SendFailed.text).filter(({ annotations }) =>
          annotations["reason"] === "claim"
        )
        assert.strictEqual(failed.length, 1)
        const refuted = entries(log, messages.EarlierLife.text)
        assert.strictEqual(refuted.length, 1)
        for (const { annotations } of [...failed, ...refuted]) assert.isUndefined(annotations["caller"])
        assert.deepStrictEqual(merged, [yield* Effect.option(Effect.currentParentSpan)])
      }), "Debug")
  )
})
