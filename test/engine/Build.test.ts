/**
 * A layer whose build is interrupted, at any point: afterwards nothing runs, nothing is bound, and nobody heard of the node.
 */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import { Delegate } from "../../src/Delegate.ts"
import { Memberlist, MemberlistLive } from "../../src/Memberlist.ts"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import { interruptedAfter } from "../support/Building.ts"
import { clusterTest, passing } from "../support/Cluster.ts"
import { fakePeer } from "../support/FakePeer.ts"

const live = (admit: Delegate["admit"]) =>
  MemberlistLive.pipe(
    Layer.provide(SimulatedNetwork.transport("10.0.0.1")),
    Layer.provide(MemberlistConfig.layer({ ...MemberlistConfig.lan, name: "a" })),
    Layer.provide(Layer.succeed(Delegate, admit === undefined ? {} : { admit }))
  )

/** Every one of the first, then some, until long after the build. */
const STEPS = Array.from({ length: 110 }, (_, i) => i < 60 ? i : 60 + 20 * (i - 60))

const hooks = [
  ["without hooks", undefined],
  ["while its admit hook is asked", () => Effect.sleep("100 millis")],
  ["while its admit hook never answers", () => Effect.never]
] as const

describe("a build that is interrupted", () => {
  for (const [what, admit] of hooks) {
    clusterTest(
      `${what}, after any number of steps, leaves no fiber and no address behind, and nobody heard of the node`,
      Effect.gen(function*() {
        const peer = yield* fakePeer("p", "10.0.0.9")
        const ends = new Set<string>()
        for (const steps of STEPS) {
          const { fibers, isBuilt } = yield* interruptedAfter(steps, live(admit), passing)
          yield* TestClock.adjust("1 millis")
          ends.add(isBuilt ? "built" : "not built")
          assert.strictEqual(fibers(), 0, `fibers left after ${steps} steps`)
        }
        if (admit === undefined) assert.sameMembers([...ends], ["built", "not built"])
        // the address is free
        const members = yield* Layer.build(live(undefined)).pipe(
          Effect.flatMap((context) => Effect.provide(Memberlist.use(({ members }) => members), context)),
          Effect.scoped
        )
        assert.deepStrictEqual(members.map(({ name }) => name), ["a"])
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(peer.datagrams.length, 0)
      })
    )
  }
})
