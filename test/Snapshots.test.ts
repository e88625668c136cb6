/** What keeps a snapshot, whatever happens while it is written. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Result from "effect/Result"
import { MAX_BYTES, type Snapshot } from "../src/base/Snapshot.ts"
import { ConfigInvalid, SnapshotFailed } from "../src/MemberlistError.ts"
import * as NodeSnapshots from "../src/node/NodeSnapshots.ts"
import { Snapshots } from "../src/Snapshots.ts"
import * as SnapshotFormat from "../src/wire/SnapshotFormat.ts"
import { Disk, type Files } from "./support/Disk.ts"

const PATH = "/data/a.snapshot"

const snapshotAt = (incarnation: number, peers: number): Snapshot => ({
  name: "a",
  label: "",
  incarnation,
  left: false,
  peers: Array.from({ length: peers }, (_, i) => ({ name: `n${i}`, ip: "10.0.0.2", port: 7946, seen: i }))
})

const former = SnapshotFormat.encode(snapshotAt(64, 3))
const next = SnapshotFormat.encode(snapshotAt(128, 2))

const on = (disk: Disk, path = PATH) =>
  Effect.map(
    Layer.build(
      Layer.provide(Snapshots.layerFile(path), Layer.succeed(FileSystem.FileSystem, disk.mount()))
    ),
    Context.get(Snapshots)
  )

/** The snapshot in a set of files, as the next start would read it: its incarnation; `undefined` where there is none. */
const incarnationIn = (files: Files): number | string | undefined => {
  const bytes = files.get(PATH)
  if (bytes === undefined) return undefined
  const read = SnapshotFormat.decode(bytes, { name: "a", label: "" })
  return Result.isSuccess(read) ? read.success.incarnation : read.failure.reason
}

describe("a snapshot in a file", () => {
  it.effect("is read as it was written last", () =>
    Effect.gen(function*() {
      const { place, read, write } = yield* on(new Disk())
      assert.strictEqual(place, PATH)
      assert.isUndefined(yield* read)
      yield* write(former)
      assert.deepStrictEqual(yield* read, former)
      yield* write(next)
      assert.deepStrictEqual(yield* read, next)
    }))

  for (const [what, before] of [["in the place of another", former], ["as the first", undefined]] as const) {
    it.effect(`is the former or the new one, whatever byte or operation the program was killed at, ${what}`, () =>
      Effect.gen(function*() {
        const disk = new Disk()
        if (before !== undefined) disk.put(PATH, before)
        const { write } = yield* on(disk)
        const seen: Array<number | string | undefined> = []
        disk.onStep = () => void seen.push(incarnationIn(disk.files()))
        yield* write(next)
        const old = before === undefined ? undefined : 64
        // opened, written byte by byte, synced, renamed, and the folder opened and synced
        assert.isAbove(seen.length, next.length)
        const renamed = seen.indexOf(128)
        assert.deepStrictEqual(seen.slice(0, renamed), Array.from({ length: renamed }, () => old))
        assert.deepStrictEqual(seen.slice(renamed), Array.from({ length: seen.length - renamed }, () => 128))
      }))

    it.effect(`is the former or the new one, whenever the machine lost its power, ${what}`, () =>
      Effect.gen(function*() {
        const disk = new Disk()
        if (before !== undefined) disk.put(PATH, before)
        const { write } = yield* on(disk)
        const seen = new Set<number | string | undefined>()
        disk.onStep = () => {
          for (const files of disk.afterPowerLoss()) seen.add(incarnationIn(files))
        }
        yield* write(next)
        assert.deepStrictEqual(seen, new Set([before === undefined ? undefined : 64, 128]))
        // and what was written in full stays
        assert.deepStrictEqual(new Set(disk.afterPowerLoss().map(incarnationIn)), new Set([128]))
      }))
  }

  it.effect("is written over what a killed program left of another", () =>
    Effect.gen(function*() {
      const disk = new Disk()
      disk.put(`${PATH}.tmp`, new Uint8Array(5000).fill(120))
      const { read, write } = yield* on(disk)
      yield* write(former)
      assert.deepStrictEqual(yield* read, former)
      assert.isUndefined(disk.get(`${PATH}.tmp`))
    }))

  it.effect("can be moved away, in the place of what was moved away before", () =>
    Effect.gen(function*() {
      const disk = new Disk()
      disk.put(`${PATH}.broken`, former)
      disk.put(PATH, next)
      const { read, moveAway } = yield* on(disk)
      assert.strictEqual(yield* moveAway, `${PATH}.broken`)
      assert.isUndefined(yield* read)
      assert.deepStrictEqual(disk.get(`${PATH}.broken`), next)
    }))

  it.effect("is not read any further than one can be long", () =>
    Effect.gen(function*() {
      const disk = new Disk()
      disk.put(PATH, new Uint8Array(MAX_BYTES * 3))
      const bytes = yield* (yield* on(disk)).read
      assert.isAbove(bytes?.length ?? 0, MAX_BYTES)
      assert.isBelow(bytes?.length ?? 0, MAX_BYTES + 100_000)
    }))

  it.effect("fails with its path and the cause, where there is no folder or no permission", () =>
    Effect.gen(function*() {
      const nowhere = yield* on(new Disk(), "/nowhere/a.snapshot")
      const missing = yield* Effect.flip(nowhere.write(former))
      assert.instanceOf(missing, SnapshotFailed)
      assert.strictEqual(
        missing.message,
        "cannot write the snapshot /nowhere/a.snapshot: NotFound: FileSystem.open (/nowhere/a.snapshot.tmp)"
      )
      const disk = new Disk()
      disk.put(PATH, former)
      disk.fails = () => "PermissionDenied"
      const { read, moveAway } = yield* on(disk)
      assert.strictEqual((yield* Effect.flip(read)).operation, "read")
      assert.strictEqual((yield* Effect.flip(moveAway)).operation, "move")
    }))

  it.effect("is written where a folder cannot be synced", () =>
    Effect.gen(function*() {
      const disk = new Disk()
      disk.fails = (operation, path) => operation === "open" && path === "/data" ? "PermissionDenied" : undefined
      const { read, write } = yield* on(disk)
      yield* write(former)
      assert.deepStrictEqual(yield* read, former)
    }))

  it.effect("is kept by real files", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const path = `${folder}/a.snapshot`
      const { read, moveAway, write } = yield* Effect.map(
        Layer.build(NodeSnapshots.layerFile(path)),
        Context.get(Snapshots)
      )
      assert.isUndefined(yield* read)
      yield* write(former)
      yield* write(next)
      assert.deepStrictEqual(yield* read, next)
      assert.deepStrictEqual(yield* fs.readDirectory(folder), ["a.snapshot"])
      assert.strictEqual((yield* fs.stat(path)).mode & 0o777, 0o600)
      assert.strictEqual(yield* moveAway, `${path}.broken`)
      assert.isUndefined(yield* read)
      assert.deepStrictEqual(yield* fs.readDirectory(folder), ["a.snapshot.broken"])
      yield* fs.remove(folder, { recursive: true })
      assert.strictEqual((yield* Effect.flip(write(former))).operation, "write")
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.effect("is refused where its path is that of a directory, which stays as it is", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      yield* fs.writeFileString(`${folder}/other`, "of somebody")
      const error = yield* Effect.flip(Layer.build(NodeSnapshots.layerFile(folder)))
      assert.include(error.message, "the path of a file, and not that of a directory")
      assert.deepStrictEqual(yield* fs.readDirectory(folder), ["other"])
    }).pipe(Effect.provide(NodeFileSystem.layer)))
})

describe("a snapshot in a KeyValueStore", () => {
  it.effect("is read as it was written, and moved away under another key", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(
        Layer.provideMerge(Snapshots.layerKeyValueStore("node/a"), KeyValueStore.layerMemory)
      )
      const store = Context.get(context, KeyValueStore.KeyValueStore)
      const { place, read, moveAway, write } = Context.get(context, Snapshots)
      assert.strictEqual(place, "node/a")
      assert.isUndefined(yield* read)
      yield* write(former)
      assert.deepStrictEqual(yield* read, former)
      assert.strictEqual(yield* store.get("node/a"), new TextDecoder().decode(former))
      assert.strictEqual(yield* moveAway, "node/a.broken")
      assert.isUndefined(yield* read)
      assert.strictEqual(yield* store.get("node/a.broken"), new TextDecoder().decode(former))
    }))
})

describe("the options of a snapshot", () => {
  const made = (options: Parameters<typeof Snapshots.make>[1], place = PATH) =>
    Snapshots.make({ place, read: Effect.undefined, write: () => Effect.void, moveAway: Effect.succeed("") }, options)

  it.effect("have defaults", () =>
    Effect.gen(function*() {
      const { maxPeers, pause } = yield* made(undefined)
      assert.deepStrictEqual([maxPeers, Duration.toMillis(pause)], [256, 2000])
    }))

  it.effect("are refused with what would be right", () =>
    Effect.gen(function*() {
      const message = (options: Parameters<typeof Snapshots.make>[1], place?: string) =>
        Effect.map(Effect.flip(made(options, place)), (error) => {
          assert.instanceOf(error, ConfigInvalid)
          return error.message
        })
      const pause = "a duration of 100 milliseconds to 1 minute"
      assert.strictEqual(
        yield* message({ pause: 99 }),
        `configuration field "Snapshots.pause" is "99"; expected ${pause}`
      )
      assert.include(yield* message({ pause: "2 minutes" }), pause)
      assert.include(yield* message({ pause: "soon" as never }), pause)
      assert.include(yield* message({ maxPeers: 0 }), "a whole number, 1‥4096")
      assert.include(yield* message({ maxPeers: 1.5 }), "a whole number, 1‥4096")
      assert.include(yield* message({}, ""), "the path of a file, or a key, that is not empty")
    }))
})
