import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { type ObservedNode, Observer } from "../../../src/engine/StepObserver.ts"
import * as BroadcastQueue from "../../../src/swim/gossip/BroadcastQueue.ts"
import { clusterTest, start } from "../../support/Cluster.ts"
import { fakePeer, introduce } from "../../support/FakePeer.ts"

describe("news of long names", () => {
  clusterTest(
    "leaves the queue some time",
    Effect.gen(function*() {
      let node: ObservedNode | undefined
      const a = yield* start("a", "10.0.0.1").pipe(
        Effect.provideService(Observer, (step) => {
          node = step.node
        })
      )
      const p = yield* fakePeer("p", "10.0.0.2")
      yield* introduce(a, p)
      for (let round = 0; round < 6; round++) {
        for (let i = 0; i < 50; i++) {
          const name = `${round}.${i}.` + "字".repeat(480)
          yield* p.send(a, p.alive({ node: name, port: 1000 + i }))
          yield* p.send(a, { _tag: "Dead", incarnation: 1, node: name, from: name })
        }
        for (let s = 0; s < 120; s++) yield* TestClock.adjust("1 second")
      }
      for (let s = 0; s < 120; s++) yield* TestClock.adjust("1 second")
      assert.strictEqual(BroadcastQueue.size(node!.gossip.current), 0)
    })
  )
})
