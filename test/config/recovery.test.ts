import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import type { RecoveryEvent } from "../../src/RecoveryEvent.ts"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, type NodeOptions, startMany } from "../support/Cluster.ts"
import { counted } from "../support/Fields.ts"

type Config = NonNullable<NodeOptions["config"]>

/** The first of four nodes, when the three others were lost; what it was told, and how often it has looked for them. */
const bereft = Effect.fnUntraced(function*(config: Config) {
  const net = yield* SimulatedNetwork
  const [node, ...others] = yield* startMany(4, { config })
  if (node === undefined) return assert.fail("four nodes")
  const events: Array<RecoveryEvent> = []
  yield* Effect.forkScoped(
    Stream.runForEach(node.cluster.recovery, (event) => Effect.sync(() => events.push(event))),
    { startImmediately: true }
  )
  yield* TestClock.adjust("10 seconds")
  for (const { ip } of others) yield* net.crash(ip)
  yield* TestClock.adjust("1 minute")
  return { node, events, tries: () => counted(node, "heal.tried:NoAnswer") }
})

const lost = (events: ReadonlyArray<RecoveryEvent>) =>
  events.flatMap((event) => event._tag === "SplitSuspected" ? [event.lost.length] : [])

describe("recovery", () => {
  clusterTest(
    "true looks for lost members, and tells of them",
    Effect.gen(function*() {
      const { events, tries } = yield* bereft({ recovery: true })
      yield* TestClock.adjust("1 minute")
      assert.isAbove(yield* tries(), 3)
      assert.deepStrictEqual(lost(events), [3])
    })
  )

  clusterTest(
    "false does not",
    Effect.gen(function*() {
      const { events, tries } = yield* bereft({ recovery: false })
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* tries(), 0)
      assert.deepStrictEqual(events, [])
    })
  )
})

describe("healInterval", () => {
  for (const [healInterval, expected] of [["2 seconds", 300], ["10 seconds", 60], ["1 minute", 10]] as const) {
    clusterTest(
      `of ${healInterval} is how often a lone node looks for them`,
      Effect.gen(function*() {
        const { tries } = yield* bereft({ healInterval })
        const before = yield* tries()
        yield* TestClock.adjust("10 minutes")
        assert.approximately((yield* tries()) - before, expected, expected * 0.2)
      })
    )
  }
})

describe("maxLostPeers", () => {
  for (const maxLostPeers of [0, 1, 2, 3]) {
    clusterTest(
      `of ${maxLostPeers} is how many are remembered`,
      Effect.gen(function*() {
        const { events, tries } = yield* bereft({ maxLostPeers })
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(lost(events), maxLostPeers === 0 ? [] : [maxLostPeers])
        assert.strictEqual((yield* tries()) > 0, maxLostPeers > 0)
      })
    )
  }
})

describe("lostPeerTime", () => {
  clusterTest(
    "of five minutes is how long they are looked for",
    Effect.gen(function*() {
      const { tries } = yield* bereft({ lostPeerTime: "5 minutes" })
      yield* TestClock.adjust("4 minutes")
      const early = yield* tries()
      assert.isAbove(early, 20)
      yield* TestClock.adjust("2 minutes")
      const late = yield* tries()
      yield* TestClock.adjust("30 minutes")
      assert.strictEqual(yield* tries(), late)
    })
  )
})
