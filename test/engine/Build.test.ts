/**
 * A layer whose build is interrupted, at any point: afterwards nothing runs, nothing is bound, and nobody heard of the node.
 */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import { Delegate } from "../../src/Delegate.ts"
import { Memberlist, MemberlistLive } from "../../src/Memberlist.ts"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"
import { Seeds } from "../../src/Seeds.ts"
import { Snapshots } from "../../src/Snapshots.ts"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import { interruptedAfter } from "../support/Building.ts"
import { clusterTest, passing, start } from "../support/Cluster.ts"
import { Disk } from "../support/Disk.ts"
import { fakePeer } from "../support/FakePeer.ts"
import { fileOf, remembered } from "../support/Remembering.ts"

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

  clusterTest(
    "with seeds and a snapshot, after any number of steps, leaves no fiber and no address behind, and the snapshot readable",
    Effect.gen(function*() {
      const before = yield* start("b", "10.0.0.2")
      const disk = new Disk()
      const remembering = live(undefined).pipe(
        Layer.provide(Seeds.layerStatic([before.address])),
        Layer.provide(Snapshots.layerFile(fileOf("a"))),
        Layer.provide(Layer.sync(FileSystem.FileSystem, () => disk.mount()))
      )
      // once whole, so that there is a snapshot to come back from
      yield* passing(
        Effect.scoped(Effect.andThen(Layer.build(remembering), Effect.sleep("5 seconds")))
      )
      assert.isNotEmpty(remembered(disk, "a")?.peers ?? [])
      const ends = new Set<string>()
      for (const steps of STEPS) {
        const { fibers, isBuilt } = yield* interruptedAfter(steps, remembering, passing)
        yield* TestClock.adjust("1 millis")
        ends.add(isBuilt ? "built" : "not built")
        assert.strictEqual(fibers(), 0, `fibers left after ${steps} steps`)
        assert.isDefined(remembered(disk, "a"), `no snapshot after ${steps} steps`)
      }
      assert.sameMembers([...ends], ["built", "not built"])
    })
  )
})
