/** Hooks that cannot be interrupted, and never end: nobody waits for them, least of all the layer's end. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import type { Delegate } from "../../../src/Delegate.ts"
import * as HookCalls from "../../../src/engine/hooks/HookCalls.ts"
import { messages } from "../../../src/engine/telemetry/LogMessages.ts"
import { clusterTest, joinAt, start, type TestNode } from "../../support/Cluster.ts"
import { fakePeer } from "../../support/FakePeer.ts"
import { entries, logging } from "../../support/Telemetry.ts"

const stuck = Effect.uninterruptible(Effect.never)
const state = () => Effect.succeed(Uint8Array.of(1))

const countOf = (node: TestNode, counter: string) =>
  Effect.map(node.cluster.counters, (counters) => new Map<string, number>(counters).get(counter) ?? 0)

/** Whether an effect ends while so many seconds pass. */
const endsWithin = Effect.fnUntraced(function*<A, E, R>(seconds: number, effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkDetach(effect)
  for (let i = 0; i < seconds * 20 && fiber.pollUnsafe() === undefined; i++) yield* TestClock.adjust("50 millis")
  return fiber.pollUnsafe()
})

/** One hook that is stuck whenever it is called for somebody other than the node itself. */
const delegates: Readonly<Record<keyof Delegate, Delegate>> = {
  admit: { admit: ({ name }) => name === "a" ? Effect.void : stuck },
  merge: { merge: () => stuck },
  conflict: { conflict: () => stuck },
  ackPayload: { ackPayload: stuck },
  pingComplete: { pingComplete: () => stuck },
  localState: { localState: () => stuck },
  mergeRemoteState: { mergeRemoteState: () => stuck },
  broadcasts: { broadcasts: () => stuck }
}

/** Starts a node with these hooks, and does everything that leads to some hook. */
const startBusy = Effect.fnUntraced(function*(delegate: Delegate) {
  const config = { pushPullInterval: 0, probeInterval: "500 millis", probeTimeout: "200 millis" } as const
  const a = yield* start("a", "10.0.0.1", { delegate, config })
  const b = yield* start("b", "10.0.0.2", { delegate: { localState: state }, config })
  const peer = yield* fakePeer("p", "10.0.0.9")
  yield* peer.send(a, peer.alive({ node: "c", addr: Uint8Array.of(10, 0, 0, 9) }))
  yield* Effect.ignore(joinAt(b, a.address))
  yield* peer.send(a, peer.alive({ node: "c", incarnation: 7, port: 1 }), peer.ping(7))
  yield* TestClock.adjust("2 seconds")
  return a
})

describe("the end of the layer, while a hook that cannot be interrupted never ends,", () => {
  for (const [hook, delegate] of Object.entries(delegates)) {
    clusterTest(
      `comes all the same, and tells of it: ${hook}`,
      logging((log) =>
        Effect.gen(function*() {
          const a = yield* startBusy(delegate)
          assert.deepStrictEqual(yield* endsWithin(10, a.stop), Exit.void)
          assert.isAtLeast(yield* countOf(a, `hook.stuck:${hook}`), 1)
          const told = entries(log, messages.HookStuck.text)
          assert.deepStrictEqual(told.map(({ annotations }) => annotations["reason"]), [hook])
        })
      )
    )

    clusterTest(
      `is nothing to tell of when the hook can be interrupted: ${hook}`,
      logging((log) =>
        Effect.gen(function*() {
          const freed: Array<string> = []
          const free = Effect.onInterrupt(Effect.never, () => Effect.sync(() => void freed.push(hook)))
          const interruptible: Delegate = hook === "ackPayload"
            ? { ackPayload: free }
            : { [hook]: (member: { readonly name?: string }) => member.name === "a" ? Effect.void : free }
          const a = yield* startBusy(interruptible)
          assert.deepStrictEqual(yield* endsWithin(10, a.stop), Exit.void)
          assert.isAbove(freed.length, 0)
          assert.deepStrictEqual(entries(log, messages.HookStuck.text), [])
          const counted = [...(yield* a.cluster.counters).keys()]
          assert.deepStrictEqual(counted.filter((key) => /^hook\.(stuck|died)/.test(key)), [])
        })
      )
    )
  }

  clusterTest(
    "comes at a start that admit does not let happen, which fails in time with the typed error",
    Effect.gen(function*() {
      const exit = yield* endsWithin(
        5,
        Effect.flip(Effect.scoped(start("a", "10.0.0.1", { delegate: { admit: () => stuck } })))
      )
      assert.isDefined(exit)
      const error = yield* exit
      assert.strictEqual(error._tag, "JoinRejected")
      assert.include(error.message, "admit hook gave no answer")
    })
  )
})

describe("a caller that waits for a hook that cannot be interrupted", () => {
  clusterTest(
    "ends at once when it is interrupted, and calls left behind so are as limited as those that are late",
    Effect.gen(function*() {
      let calls = 0
      yield* start("a", "10.0.0.1")
      const merge = () => Effect.andThen(Effect.sync(() => void calls++), stuck)
      const b = yield* start("b", "10.0.0.2", { delegate: { merge } })
      for (let i = 1; i <= HookCalls.MAX_STUCK + 4; i++) {
        const join = yield* Effect.forkDetach(b.cluster.join(["10.0.0.1"]))
        yield* TestClock.adjust("200 millis")
        assert.strictEqual(calls, Math.min(i, HookCalls.MAX_STUCK))
        const interrupted = yield* Effect.forkDetach(Fiber.interrupt(join))
        yield* Effect.yieldNow
        assert.isDefined(interrupted.pollUnsafe())
      }
      assert.strictEqual(yield* countOf(b, "hook.late:merge"), 4)
      assert.isDefined(yield* endsWithin(10, b.stop))
      assert.strictEqual(yield* countOf(b, "hook.stuck:merge"), HookCalls.MAX_STUCK)
    })
  )

  clusterTest(
    "goes on without the answer, also where the caller cannot be interrupted",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { delegate: { localState: () => stuck } })
      const b = yield* start("b", "10.0.0.2", { delegate: { localState: () => stuck } })
      const exit = yield* endsWithin(8, Effect.uninterruptible(b.cluster.join(["10.0.0.1"])))
      assert.isTrue(exit !== undefined && Exit.isSuccess(exit))
      assert.strictEqual(yield* countOf(a, "hook.late:localState"), 1)
    })
  )
})

describe("a call of a hook", () => {
  clusterTest(
    "that was given up, and dies afterwards, is counted and told",
    logging((log) =>
      Effect.gen(function*() {
        const late = Effect.andThen(Effect.sleep("30 seconds"), Effect.die(new Error("at last")))
        const a = yield* start("a", "10.0.0.1", { delegate: { localState: () => Effect.uninterruptible(late) } })
        const b = yield* start("b", "10.0.0.2", { config: { pushPullInterval: 0 } })
        yield* joinAt(b, a.address)
        assert.strictEqual(yield* countOf(a, "hook.died:localState"), 0)
        yield* TestClock.adjust("30 seconds")
        assert.isAtLeast(yield* countOf(a, "hook.died:localState"), 1)
        assert.isAtLeast(entries(log, messages.HookDied.text).length, 1)
      })
    )
  )
})
