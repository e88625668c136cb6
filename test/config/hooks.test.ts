import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import type { Delegate } from "../../src/Delegate.ts"
import * as Units from "../../src/engine/Units.ts"
import { MemberlistConfig, type Settings as Given } from "../../src/MemberlistConfig.ts"
import { clusterTest, start } from "../support/Cluster.ts"
import { fakePeer } from "../support/FakePeer.ts"

const quiet = { gossipInterval: 0, pushPullInterval: 0, probeInterval: 0, leaveTimeout: 0 } as const

/** After how many milliseconds a node with such a hook gives up waiting for it. */
const givesUp = (counter: string, config: Given, delegate: Delegate) =>
  Effect.gen(function*() {
    const node = yield* start("a", "10.0.0.1", { config: { ...quiet, ...config }, delegate })
    const peer = yield* fakePeer("p", "10.0.0.9", { onMessage: "none" })
    yield* peer.send(node, peer.alive(), peer.ping(1))
    // latency is at most 5 ms
    yield* TestClock.adjust("5 millis")
    const late = Effect.map(node.cluster.counters, (counters) => new Map<string, number>(counters).get(counter) ?? 0)
    let millis = 0
    while ((yield* late) === 0) {
      if (millis > 10_000) return millis
      yield* TestClock.adjust("10 millis")
      millis += 10
    }
    return millis
  })

const stuck: Delegate = { admit: ({ name }) => name === "a" ? Effect.void : Effect.never }
const silent: Delegate = { ackPayload: Effect.never }

describe("decisionHookTimeout", () => {
  clusterTest(
    "is how long admit may take",
    Effect.gen(function*() {
      const millis = yield* givesUp("hook.late:admit", { decisionHookTimeout: "300 millis" }, stuck)
      assert.isAtLeast(millis, 290)
      assert.isAtMost(millis, 310)
    })
  )

  clusterTest(
    "is a quarter of tcpTimeout by default",
    Effect.gen(function*() {
      const millis = yield* givesUp("hook.late:admit", { tcpTimeout: "4 seconds" }, stuck)
      assert.isAtLeast(millis, 990)
      assert.isAtMost(millis, 1010)
    })
  )
})

describe("packetHookTimeout", () => {
  clusterTest(
    "is how long an ack waits for its payload",
    Effect.gen(function*() {
      const millis = yield* givesUp("hook.late:ackPayload", { packetHookTimeout: "200 millis" }, silent)
      assert.isAtLeast(millis, 190)
      assert.isAtMost(millis, 210)
    })
  )

  clusterTest(
    "is a fifth of probeTimeout by default",
    Effect.gen(function*() {
      const millis = yield* givesUp("hook.late:ackPayload", { probeTimeout: "400 millis" }, silent)
      assert.isAtLeast(millis, 70)
      assert.isAtMost(millis, 90)
    })
  )
})

describe("the time of a hook", () => {
  const refusal = (settings: Given) =>
    Effect.map(Effect.flip(MemberlistConfig.make({ name: "a", ...settings })), ({ message }) => message)

  it.effect("is refused above half of what it is a part of", () =>
    Effect.gen(function*() {
      assert.include(
        yield* refusal({ tcpTimeout: "10 seconds", decisionHookTimeout: "5001 millis" }),
        "at most half of tcpTimeout (10s)"
      )
      assert.include(
        yield* refusal({ probeTimeout: "500 millis", packetHookTimeout: "300 millis" }),
        "at most half of probeTimeout (500ms)"
      )
      const config = yield* MemberlistConfig.make({
        name: "a",
        tcpTimeout: "10 seconds",
        decisionHookTimeout: "5 seconds",
        packetHookTimeout: 250
      })
      assert.deepStrictEqual(config.packetHookTimeout, Duration.millis(250))
      assert.deepInclude(Units.make(config), { decisionHookTimeout: 5000, packetHookTimeout: 250 })
    }))

  it.effect("of nothing, or without a unit, is refused with what is right", () =>
    Effect.gen(function*() {
      assert.include(
        yield* refusal({ decisionHookTimeout: 0 }),
        "at least 1 millisecond and at most half of tcpTimeout"
      )
      assert.include(
        // @ts-expect-error no duration
        yield* refusal({ packetHookTimeout: "fast" }),
        "at least 1 millisecond and at most half of probeTimeout"
      )
    }))
})
