/** What a node writes of what it knows, when, and what it does when it cannot. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { TestClock } from "effect/testing"
import { LOW, RESERVE } from "../../../src/engine/recovery/Memory.ts"
import { table, textOf } from "../../../src/engine/telemetry/LogMessages.ts"
import { Snapshots } from "../../../src/Snapshots.ts"
import * as SnapshotFormat from "../../../src/wire/SnapshotFormat.ts"
import { clusterTest, joinAt, passing, start, startMany, type TestNode, view } from "../../support/Cluster.ts"
import { Disk } from "../../support/Disk.ts"
import { fakePeer } from "../../support/FakePeer.ts"
import { fileOf, live, make, remembered } from "../../support/Remembering.ts"
import { entries, type Logged, logging } from "../../support/Telemetry.ts"

const on = (disk: Disk, name: string, path = fileOf(name)) =>
  Snapshots.layerFile(path).pipe(Layer.provide(Layer.sync(FileSystem.FileSystem, () => disk.mount())))

const incarnation = (node: TestNode) => Effect.map(node.cluster.localMember, (own) => own.incarnation)

const count = (node: TestNode, key: string) =>
  Effect.map(node.cluster.counters, (counters) => new Map<string, number>(counters).get(key) ?? 0)

/** The warnings, as the names of their entries. */
const warnings = (log: ReadonlyArray<Logged>) =>
  Object.entries(table).flatMap(([name, message]) =>
    message.level === "Warn" && name.startsWith("Snapshot") && entries(log, textOf(message)).length > 0 ? [name] : []
  )

const snapshot = (more: Partial<Parameters<typeof SnapshotFormat.encode>[0]> = {}) =>
  SnapshotFormat.encode({ name: "a", label: "", incarnation: 640, left: false, peers: [], ...more })

describe("what a node writes", () => {
  it("is its peers and its incarnation, once after each change and never because of probes", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* make(["a", "b", "c"])
      yield* cluster.startAll
      yield* Effect.sleep("1 minute")
      const { writes } = cluster.disk("a")
      const first = remembered(cluster.disk("a"), "a")
      yield* Effect.sleep("30 minutes")
      return { first, writes, after: cluster.disk("a").writes }
    }))
    assert.deepStrictEqual(
      seen.first?.peers.map(({ ip, name, port }) => `${name} ${ip} ${port}`).sort(),
      ["b 10.0.0.2 7946", "c 10.0.0.3 7946"]
    )
    assert.deepInclude(seen.first, { name: "a", label: "", incarnation: RESERVE, left: false })
    // at the start, and when b and c came
    assert.isAtMost(seen.writes, 3)
    assert.strictEqual(seen.after, seen.writes)
  })

  it("is collected: any number of changes costs one write in the pause", () => {
    const seen = live(Effect.gen(function*() {
      const names = Array.from({ length: 20 }, (_, i) => `n${i}`)
      const cluster = yield* make(names, { snapshots: { pause: "5 seconds" } })
      yield* cluster.startAll
      const early = cluster.disk("n0").writes
      // by then each has heard something from all others
      yield* Effect.sleep("1 minute")
      return {
        early,
        writes: cluster.disk("n0").writes,
        peers: remembered(cluster.disk("n0"), "n0")?.peers.length
      }
    }))
    assert.strictEqual(seen.peers, 19)
    assert.isAtMost(seen.early, 2)
    assert.isAtMost(seen.writes, 8)
  })

  it("says within an hour when live peers were seen, and no more often", () => {
    const seen = live(
      Effect.gen(function*() {
        const cluster = yield* make(["a", "b"])
        yield* cluster.startAll
        yield* Effect.sleep("1 minute")
        const before = cluster.disk("a").writes
        yield* Effect.sleep("3 hours")
        const now = yield* Clock.currentTimeMillis
        const age = remembered(cluster.disk("a"), "a")?.peers.map(({ seen }) => now - seen)
        return { age, writes: cluster.disk("a").writes - before }
      }),
      "1 day"
    )
    assert.isAtMost(seen.age?.[0] ?? Number.NaN, 3_700_000)
    assert.isAtLeast(seen.writes, 2)
    assert.isAtMost(seen.writes, 3)
  })

  it("is bounded", () => {
    const peers = live(Effect.gen(function*() {
      const cluster = yield* make(["a", "b", "c", "d", "e", "f"], { snapshots: { maxPeers: 3 } })
      yield* cluster.startAll
      yield* Effect.sleep("1 minute")
      return remembered(cluster.disk("a"), "a")?.peers.length
    }))
    assert.strictEqual(peers, 3)
  })

  clusterTest(
    "has nobody from hearsay, so that forged news aims no connections",
    Effect.gen(function*() {
      const disk = new Disk()
      const a = yield* start("a", "10.0.0.1", { snapshots: on(disk, "a") })
      const b = yield* start("b", "10.0.0.2")
      yield* joinAt(b, a.address)
      const liar = yield* fakePeer("liar", "10.0.0.9", { onMessage: "none" })
      for (let i = 0; i < 300; i++) {
        yield* liar.send(a, {
          _tag: "Alive",
          incarnation: 1,
          node: `made-up-${i}`,
          addr: Uint8Array.of(10, 1, i >> 8, i & 255),
          port: 7946,
          meta: null,
          vsn: Uint8Array.of(1, 5, 2, 0, 0, 0)
        })
      }
      yield* TestClock.adjust("5 seconds")
      assert.isAbove((yield* a.cluster.members).length, 250)
      assert.deepStrictEqual(remembered(disk, "a")?.peers.map(({ name }) => name), ["b"])
    })
  )

  clusterTest(
    "has no key: one that was changed while the node was down costs nothing",
    Effect.gen(function*() {
      const disk = new Disk()
      const secret = (byte: number) => ({ secretKey: Redacted.make(new Uint8Array(16).fill(byte)) })
      const a = yield* start("a", "10.0.0.1", { snapshots: on(disk, "a"), config: secret(1) })
      yield* passing(a.stop)
      const again = yield* start("a", "10.0.0.1", { snapshots: on(disk, "a"), config: secret(2) })
      assert.strictEqual(yield* incarnation(again), RESERVE + 1)
    })
  )
})

describe("the incarnations of a node", () => {
  const updates = Effect.fnUntraced(function*(node: TestNode, times: number, apart: number) {
    for (let i = 0; i < times; i++) {
      yield* node.cluster.updateMeta(Uint8Array.of(i & 255, i >> 8))
      yield* TestClock.adjust(apart)
    }
  })

  clusterTest(
    "are reserved: at every operation and every byte, none was used that a crash would let it use again",
    Effect.gen(function*() {
      const disk = new Disk()
      let used = 0
      const reservedIn = (bytes: Uint8Array | undefined) =>
        bytes === undefined
          ? 0
          : Result.getOrThrow(SnapshotFormat.decode(bytes, { name: "a", label: "" })).incarnation
      let checked = 0
      let margin = Number.POSITIVE_INFINITY
      disk.onStep = () => {
        for (const files of [disk.files(), ...disk.afterPowerLoss()]) {
          checked++
          margin = Math.min(margin, reservedIn(files.get(fileOf("a"))) - used)
        }
      }
      const a = yield* start("a", "10.0.0.1", { snapshots: on(disk, "a") })
      assert.strictEqual(yield* incarnation(a), 1)
      for (let i = 0; i < 300; i++) {
        yield* updates(a, 1, 20)
        used = yield* incarnation(a)
        disk.onStep()
      }
      assert.strictEqual(used, 301)
      assert.isAbove(checked, 1000)
      assert.isAtLeast(margin, 0)
      assert.strictEqual(yield* count(a, "snapshot.unreserved"), 0)
      // one write for each half of a reserve, and the start
      assert.isAtMost(disk.writes, 2 + 300 / LOW)
    })
  )

  clusterTest(
    "go on where the disk does not answer, which is counted, and are all reserved once it does",
    logging((log) =>
      Effect.gen(function*() {
        const disk = new Disk()
        const a = yield* start("a", "10.0.0.1", { snapshots: on(disk, "a") })
        disk.hangs = true
        yield* updates(a, 100, 10)
        assert.strictEqual(yield* incarnation(a), 101)
        assert.strictEqual(yield* count(a, "snapshot.unreserved"), 101 - RESERVE)
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(warnings(log), ["SnapshotLate"])
        assert.strictEqual(remembered(disk, "a")?.incarnation, RESERVE)
        disk.hangs = false
        yield* TestClock.adjust("1 second")
        assert.strictEqual(remembered(disk, "a")?.incarnation, 101 + RESERVE)
      })
    )
  )

  clusterTest(
    "go on where the disk fails, and are all reserved once it does not",
    logging((log) =>
      Effect.gen(function*() {
        const disk = new Disk()
        const a = yield* start("a", "10.0.0.1", { snapshots: on(disk, "a") })
        disk.fails = (operation) => operation === "write" ? "WriteZero" : undefined
        yield* updates(a, 100, 10)
        const failed = yield* count(a, "snapshot.failed:write")
        assert.isAtLeast(failed, 1)
        // the pause doubles
        assert.isAtMost(failed, 3)
        assert.deepStrictEqual(warnings(log), ["SnapshotUnwritten"])
        disk.fails = () => undefined
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(remembered(disk, "a")?.incarnation, 101 + RESERVE)
      })
    )
  )

  clusterTest(
    "begin above what is reserved, at every start",
    Effect.gen(function*() {
      const disk = new Disk()
      for (let life = 0; life < 5; life++) {
        const a = yield* start("a", "10.0.0.1", { snapshots: on(disk, "a") })
        assert.strictEqual(yield* incarnation(a), life * RESERVE + 1)
        disk.kill()
        yield* passing(a.stop)
      }
    })
  )

  clusterTest(
    "stop at the largest, and start there",
    Effect.gen(function*() {
      const disk = new Disk()
      disk.put(fileOf("a"), snapshot({ incarnation: 0xffff_ffff }))
      const a = yield* start("a", "10.0.0.1", { snapshots: on(disk, "a") })
      assert.strictEqual(yield* incarnation(a), 0xffff_ffff)
      yield* updates(a, 3, 10)
      assert.strictEqual(yield* incarnation(a), 0xffff_ffff)
      assert.isAtMost(disk.writes, 1)
    })
  )
})

describe("a snapshot that cannot be used", () => {
  const refused: ReadonlyArray<readonly [string, Uint8Array, SnapshotFormat.Reason]> = [
    ["is empty", new Uint8Array(0), "Torn"],
    ["is cut short", snapshot().slice(0, -1), "Torn"],
    ["has zeros where its end should be", Uint8Array.from([...snapshot().slice(0, 40), ...new Uint8Array(80)]), "Torn"],
    ["is another node's", snapshot({ name: "b" }), "OtherName"],
    ["is another cluster's", snapshot({ label: "blue" }), "OtherLabel"]
  ]
  for (const [what, bytes, reason] of refused) {
    clusterTest(
      `because it ${what} is told, moved away, and replaced`,
      logging((log) =>
        Effect.gen(function*() {
          const disk = new Disk()
          disk.put(fileOf("a"), bytes)
          const a = yield* start("a", "10.0.0.1", { snapshots: on(disk, "a") })
          assert.strictEqual(yield* incarnation(a), 1)
          assert.deepStrictEqual(warnings(log), ["SnapshotRefused"])
          const [entry] = entries(log, textOf(table.SnapshotRefused))
          assert.deepInclude(entry?.annotations, { peer: fileOf("a"), reason })
          assert.include(String(entry?.annotations["detail"]), "it is now at /data/a.broken")
          assert.strictEqual(yield* count(a, `snapshot.refused:${reason}`), 1)
          assert.deepStrictEqual(disk.get(`${fileOf("a")}.broken`), bytes)
          assert.strictEqual(remembered(disk, "a")?.incarnation, RESERVE)
        })
      )
    )
  }

  clusterTest(
    "because its folder is not there is told, and the node runs, and remembers when it is",
    logging((log) =>
      Effect.gen(function*() {
        const disk = new Disk("/later")
        const [b] = yield* startMany(1)
        const a = yield* start("z", "10.0.0.9", { snapshots: on(disk, "z") })
        yield* joinAt(a, b?.address ?? "")
        assert.deepStrictEqual(yield* view(a), ["a alive", "z alive"])
        assert.deepStrictEqual(warnings(log), ["SnapshotUnwritten"])
        const [entry] = entries(log, textOf(table.SnapshotUnwritten))
        assert.include(String(entry?.annotations["detail"]), "NotFound")
        assert.strictEqual(a.cluster.info.snapshot, fileOf("z"))
      })
    )
  )

  clusterTest(
    "because it may not be read is told; it is moved away before another is written",
    logging((log) =>
      Effect.gen(function*() {
        const disk = new Disk()
        disk.put(fileOf("a"), snapshot())
        disk.fails = (operation) => operation === "read" ? "PermissionDenied" : undefined
        const a = yield* start("a", "10.0.0.1", { snapshots: on(disk, "a") })
        assert.strictEqual(yield* incarnation(a), 1)
        assert.deepStrictEqual(warnings(log), ["SnapshotUnread"])
        assert.deepStrictEqual(disk.get(`${fileOf("a")}.broken`), snapshot())
        assert.strictEqual(remembered(disk, "a")?.incarnation, RESERVE)
      })
    )
  )

  clusterTest(
    "because the disk does not answer delays the start by ten seconds at most, and a leave and the release by five",
    logging((log) =>
      Effect.gen(function*() {
        const disk = new Disk()
        disk.put(fileOf("a"), snapshot())
        disk.hangs = true
        const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
          Effect.gen(function*() {
            const began = yield* Clock.currentTimeMillis
            const result = yield* passing(effect)
            return [(yield* Clock.currentTimeMillis) - began, result] as const
          })
        const [starting, a] = yield* timed(start("a", "10.0.0.1", { snapshots: on(disk, "a") }))
        assert.isAtLeast(starting, 10_000)
        assert.isAtMost(starting, 10_100)
        assert.deepStrictEqual(warnings(log), ["SnapshotLate"])
        const [leaving] = yield* timed(a.cluster.leave())
        assert.isAtMost(leaving, 5_100)
        const [stopping] = yield* timed(a.stop)
        assert.isAtMost(stopping, 5_100)
      })
    )
  )

  clusterTest(
    "because the application's storage dies is told like any failure",
    logging((log) =>
      Effect.gen(function*() {
        const dies = Effect.die(new Error("a defect of the storage"))
        const storage = { place: "mine", read: dies, write: () => dies, moveAway: dies }
        const a = yield* start("a", "10.0.0.1", { snapshots: Layer.effect(Snapshots, Snapshots.make(storage)) })
        assert.strictEqual(yield* incarnation(a), 1)
        assert.deepStrictEqual(warnings(log), ["SnapshotUnread", "SnapshotUnwritten"])
        assert.include(
          String(entries(log, textOf(table.SnapshotUnwritten))[0]?.annotations["detail"]),
          "a defect of the storage"
        )
        assert.strictEqual(yield* count(a, "fiber.restarted:snapshot"), 0)
      })
    )
  )
})

describe("two nodes from one disk image", () => {
  for (const policy of ["keep", "replace"] as const) {
    clusterTest(
      `are told of each other, and do not outbid each other, with the policy ${policy}`,
      Effect.gen(function*() {
        const config = { nameConflictPolicy: policy }
        const disk = new Disk()
        const first = yield* start("a", "10.0.0.1", { snapshots: on(disk, "a"), config })
        const c = yield* start("c", "10.0.0.3", { config })
        yield* joinAt(first, c.address)
        yield* TestClock.adjust("10 seconds")
        const image = disk.get(fileOf("a")) ?? new Uint8Array(0)
        disk.kill()
        yield* passing(first.stop)
        yield* TestClock.adjust("1 second")
        const clone = new Disk()
        clone.put(fileOf("a"), image)
        const one = yield* start("a", "10.0.0.1", { snapshots: on(disk, "a"), config })
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* view(c), ["a alive", "c alive"])
        const other = yield* start("a", "10.0.0.2", { snapshots: on(clone, "a"), config })
        yield* TestClock.adjust("10 minutes")
        const told = other.events.filter(({ _tag }) => _tag === "MemberConflict").length
        assert.isAtLeast(told, 1, "told")
        assert.isAtMost(told, 11, "once a minute")
        // the name changes hands once at most, and incarnations stay where they were
        const moves = c.events.filter(({ _tag, member }) => _tag === "MemberUpdated" && member.name === "a").length
        assert.strictEqual(moves, policy === "keep" ? 0 : 1)
        assert.isAtMost(yield* incarnation(one), 3 * RESERVE)
        assert.isAtMost(yield* incarnation(other), 3 * RESERVE)
        const holder = (yield* c.cluster.members).find(({ name }) => name === "a")
        assert.deepStrictEqual([...holder?.addr ?? []], policy === "keep" ? [10, 0, 0, 1] : [10, 0, 0, 2])
      })
    )

    clusterTest(
      `that start at the same time are told by everybody, and do not outbid each other, with the policy ${policy}`,
      Effect.gen(function*() {
        const config = { nameConflictPolicy: policy }
        const [c, d] = [yield* start("c", "10.0.0.3", { config }), yield* start("d", "10.0.0.4", { config })]
        yield* joinAt(c, d.address)
        yield* TestClock.adjust("5 seconds")
        const image = snapshot({
          peers: [c, d].map(({ ip, name }) => ({ name, ip, port: 7946, seen: 0 }))
        })
        const disks = [new Disk(), new Disk()] as const
        for (const disk of disks) disk.put(fileOf("a"), image)
        const one = yield* start("a", "10.0.0.1", { snapshots: on(disks[0], "a"), config })
        const other = yield* start("a", "10.0.0.2", { snapshots: on(disks[1], "a"), config })
        yield* TestClock.adjust("10 minutes")
        const told = [c, d, one, other].flatMap(({ events }) =>
          events.filter(({ _tag, member }) => _tag === "MemberConflict" && member.name === "a")
        )
        assert.isAtLeast(told.length, 1)
        assert.isAtMost(told.length, 4 * 11)
        const moves = [c, d].flatMap(({ events }) =>
          events.filter(({ _tag, member }) => _tag === "MemberUpdated" && member.name === "a")
        )
        assert.isAtMost(moves.length, policy === "keep" ? 0 : 2)
        assert.isAtMost(yield* incarnation(one), 640 + RESERVE)
        assert.isAtMost(yield* incarnation(other), 640 + RESERVE)
        for (const node of [c, d]) assert.deepStrictEqual(yield* view(node), ["a alive", "c alive", "d alive"])
      })
    )
  }
})
