/** Hooks that do not keep to their types, as JavaScript, `any` and parsed JSON allow. */
import { assert, describe } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import type { Delegate } from "../../../src/Delegate.ts"
import { messages } from "../../../src/engine/telemetry/LogMessages.ts"
import { JoinRejected } from "../../../src/MemberlistError.ts"
import * as Compound from "../../../src/wire/packet/Compound.ts"
import { clusterTest, joinAt, start, type TestNode, view } from "../../support/Cluster.ts"
import { fakePeer } from "../../support/FakePeer.ts"
import { entries, type Logged, logging } from "../../support/Telemetry.ts"

const countOf = (node: TestNode, counter: string) =>
  Effect.map(node.cluster.counters, (counters) => new Map<string, number>(counters).get(counter) ?? 0)

const restarts = (node: TestNode) =>
  Effect.map(node.cluster.counters, (counters) => [...counters.keys()].filter((key) => key.startsWith("fiber.")))

/** What the deaths of hooks were logged with. */
const errors = (log: ReadonlyArray<Logged>): ReadonlyArray<string> =>
  entries(log, messages.HookDied.text).map(({ cause }) => Cause.pretty(cause))

/** A hook of the wrong shape, and what is said about it. */
type Wrong = readonly [what: string, delegate: Readonly<Record<string, unknown>>, message: string]

const succeedWith = (hook: string, value: unknown) => ({
  [hook]: hook === "ackPayload" ? Effect.succeed(value) : () => Effect.succeed(value)
})

const wrongValues: ReadonlyArray<Wrong> = [
  ...[
    ["undefined", undefined, "undefined"] as const,
    ["null", null, "null"] as const,
    ["a number", 5, "a number"] as const,
    ["a string", "text", "a string"] as const,
    ["an array of numbers", [1, 2], "an array"] as const,
    ["an object with a length", { length: 3 }, "an object"] as const,
    ["a float array", new Float32Array(2), "an object"] as const
  ].flatMap(([what, value, came]) =>
    ["localState", "ackPayload"].map((hook): Wrong => [
      `${hook}: ${what}`,
      succeedWith(hook, value),
      `the delegate's ${hook} hook must succeed with a Uint8Array, but succeeded with ${came}`
    ])
  ),
  ...[
    ["undefined", undefined, "undefined"] as const,
    ["a number", 5, "a number"] as const,
    ["bytes", new Uint8Array(3), "an object"] as const,
    ["an array with text", [new Uint8Array(1), "x"], "an array whose element 1 is a string"] as const,
    ["an array with a hole", Object.assign([], { length: 2 }), "an array whose element 0 is undefined"] as const
  ].map(([what, value, came]): Wrong => [
    `broadcasts: ${what}`,
    succeedWith("broadcasts", value),
    `the delegate's broadcasts hook must succeed with an array of Uint8Array, but succeeded with ${came}`
  ])
]

const wrongEffects: ReadonlyArray<Wrong> = [
  ["localState: a Promise", { localState: () => Promise.resolve(new Uint8Array()) }, "what came is a Promise"],
  ["localState: bytes without an Effect", { localState: () => new Uint8Array() }, "what came is an object"],
  ["ackPayload: a function", { ackPayload: () => Effect.succeed(new Uint8Array()) }, "what came is a function"],
  ["broadcasts: nothing", { broadcasts: () => {} }, "what came is undefined"],
  ["mergeRemoteState: nothing", { mergeRemoteState: () => {} }, "what came is undefined"],
  ["localState: a failure", { localState: () => Effect.fail("no") }, "localState hook must not fail"],
  ["broadcasts: a failure", { broadcasts: () => Effect.fail("no") }, "broadcasts hook must not fail"]
]

describe("a hook that is of the wrong shape has died, and the node goes on:", () => {
  for (const [what, delegate, message] of [...wrongValues, ...wrongEffects]) {
    const [hook = ""] = Object.keys(delegate)
    clusterTest(
      what,
      logging((log) =>
        Effect.gen(function*() {
          const a = yield* start("a", "10.0.0.1", { delegate: delegate as Delegate })
          const b = yield* start("b", "10.0.0.2", {
            delegate: { localState: () => Effect.succeed(Uint8Array.of(1)) }
          })
          const peer = yield* fakePeer("p", "10.0.0.9")
          assert.strictEqual((yield* joinAt(a, b.address)).contacted.length, 1)
          yield* peer.send(a, peer.ping(1))
          yield* TestClock.adjust("3 seconds")
          assert.strictEqual(peer.all("Ack")[0]?.payload, null)
          assert.isAtLeast(yield* countOf(a, `hook.died:${hook}`), 1)
          assert.deepStrictEqual(yield* restarts(a), [])
          for (const node of [a, b]) assert.deepStrictEqual(yield* view(node), ["a alive", "b alive"])
          assert.include(errors(log).join("\n"), message)
        })
      )
    )
  }
})

describe("a hook that decides, and fails with something else than a JoinRejected,", () => {
  for (
    const [what, error, came] of [
      ["a string", "no", "a string"],
      ["nothing", undefined, "undefined"],
      ["another error", { _tag: "Busy" }, "an object tagged Busy"],
      ["a rejection without a reason", { _tag: "JoinRejected" }, "an object tagged JoinRejected"]
    ] as const
  ) {
    clusterTest(
      `refuses, says so, and has died: ${what}`,
      logging((log) =>
        Effect.gen(function*() {
          const no = () => Effect.fail(error) as unknown as Effect.Effect<void, JoinRejected>
          const atStart = yield* Effect.flip(start("z", "10.0.0.9", { delegate: { admit: no } }))
          assert.strictEqual(atStart._tag, "JoinRejected")
          assert.include(atStart.message, `the delegate's admit hook failed with ${came}, which is no JoinRejected`)
          const a = yield* start("a", "10.0.0.1", { delegate: { merge: no } })
          const b = yield* start("b", "10.0.0.2")
          const failed = yield* Effect.flip(joinAt(b, a.address))
          assert.strictEqual(failed.failed[0]?.error._tag, "JoinRejected")
          assert.include(failed.message, `the delegate's merge hook failed with ${came}, which is no JoinRejected`)
          assert.strictEqual(yield* countOf(a, "hook.died:merge"), 1)
          assert.include(errors(log).join("\n"), `merge hook failed with ${came}, which is no JoinRejected`)
        })
      )
    )
  }

  clusterTest(
    "refuses with its reason when the rejection is of another copy of this library",
    Effect.gen(function*() {
      const theirs = { _tag: "JoinRejected", reason: "not them" } as unknown as JoinRejected
      const b = yield* start("b", "10.0.0.2", { delegate: { merge: () => Effect.fail(theirs) } })
      const a = yield* start("a", "10.0.0.1")
      const failed = yield* Effect.flip(joinAt(b, a.address))
      assert.deepStrictEqual(failed.failed[0]?.error, new JoinRejected({ reason: "not them" }))
      assert.strictEqual(yield* countOf(b, "hook.died:merge"), 0)
    })
  )
})

describe("messages of the broadcasts hook", () => {
  clusterTest(
    "are looked at until the first that does not fit, and the rest is counted without being looked at",
    Effect.gen(function*() {
      const many = 200_000
      const list = Array.from({ length: many }, () => Uint8Array.of(7))
      let looked = 0
      // as many as a packet can have, and the first that does not fit
      for (let i = Compound.MAX_PARTS + 1; i < many; i += 997) {
        Object.defineProperty(list, i, {
          get: () => {
            looked++
            return Uint8Array.of(7)
          }
        })
      }
      const config = { gossipInterval: 0, probeInterval: 0, pushPullInterval: 0 } as const
      const a = yield* start("a", "10.0.0.1", { delegate: { broadcasts: () => Effect.succeed(list) }, config })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* peer.send(a, peer.ping(1))
      yield* TestClock.adjust("50 millis")
      const sent = peer.all("User").length
      assert.isAtLeast(sent, 100)
      assert.isAtMost(sent, Compound.MAX_PARTS - 1)
      assert.strictEqual(looked, 0)
      assert.strictEqual(yield* countOf(a, "broadcast.dropped:DoesNotFit"), many - sent)
    })
  )

  clusterTest(
    "stop at one that is too large, so that their order holds",
    Effect.gen(function*() {
      const list = [Uint8Array.of(1), new Uint8Array(5_000), Uint8Array.of(2)]
      const config = { gossipInterval: 0, probeInterval: 0, pushPullInterval: 0 } as const
      const a = yield* start("a", "10.0.0.1", { delegate: { broadcasts: () => Effect.succeed(list) }, config })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* peer.send(a, peer.ping(1))
      yield* TestClock.adjust("50 millis")
      assert.deepStrictEqual(peer.all("User").map(({ payload }) => [...payload]), [[1]])
      assert.strictEqual(yield* countOf(a, "broadcast.dropped:DoesNotFit"), 2)
    })
  )
})
