/**
 * Where a node keeps what it remembers across restarts: the peers it was in touch with, its own incarnation, and
 * whether it has left. A node without this service remembers nothing.
 *
 * ```ts
 * import { NodeFileSystem } from "@effect/platform-node"
 * import { Layer } from "effect"
 * import { MemberlistConfig, NodeMemberlist, Snapshots } from "effect-memberlist"
 *
 * const ClusterLive = NodeMemberlist.layer({ ...MemberlistConfig.lan, name: "orders-1" }).pipe(
 *   Layer.provide(Snapshots.layerFile("/var/lib/orders/memberlist.snapshot")),
 *   Layer.provide(NodeFileSystem.layer)
 * )
 * ```
 *
 * With it a restarted node finds its cluster again without seeds, and announces itself above everything that was said
 * of it before. What is in a snapshot, and what happens when one cannot be read: `docs/snapshot.md`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import type { PlatformError } from "effect/PlatformError"
import { json, withoutTrace } from "./base/PlainText.ts"
import { MAX_BYTES } from "./base/Snapshot.ts"
import { ConfigInvalid, SnapshotFailed } from "./MemberlistError.ts"

/**
 * What keeps the bytes of one snapshot, which are text in UTF-8. The node calls one operation at a time, and never
 * while another is under way.
 *
 * @category models
 * @since 0.1.0
 */
export interface Storage {
  /** Where that is, for people. */
  readonly place: string
  /** What was written last; `undefined` when nothing ever was. */
  readonly read: Effect.Effect<Uint8Array | undefined, SnapshotFailed>
  /**
   * Replaces what is kept. When it succeeds the bytes outlive a crash of the program, and should outlive one of the
   * machine; when it fails, or never ends, either the former bytes are still there or these.
   */
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, SnapshotFailed>
  /** Puts what is kept where people can look at it, and nothing reads it again. Returns that place. */
  readonly moveAway: Effect.Effect<string, SnapshotFailed>
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How long changes are collected before they are written: 100 ms to 1 minute. Default: 2 seconds. */
  readonly pause?: Duration.Input | undefined
  /** How many peers are remembered: 1 to 4,096. Default: 256. */
  readonly maxPeers?: number | undefined
}

const refused = (field: string, value: unknown, expected: string) =>
  withoutTrace(new ConfigInvalid({ field: `Snapshots.${field}`, value: json(String(value)), expected }))

const checkedPause = (input: Duration.Input): Effect.Effect<Duration.Duration, ConfigInvalid> => {
  const pause = Option.getOrUndefined(Duration.fromInput(input))
  const millis = pause === undefined ? Number.NaN : Duration.toMillis(pause)
  return pause !== undefined && millis >= 100 && millis <= 60_000
    ? Effect.succeed(pause)
    : Effect.fail(refused("pause", input, "a duration of 100 milliseconds to 1 minute"))
}

const checkedPeers = (maxPeers: number): Effect.Effect<number, ConfigInvalid> =>
  Number.isInteger(maxPeers) && maxPeers >= 1 && maxPeers <= 4096
    ? Effect.succeed(maxPeers)
    : Effect.fail(refused("maxPeers", maxPeers, "a whole number, 1‥4096"))

/** The folder of a path, with either kind of separator. */
const folderOf = (path: string): string => {
  const at = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"))
  return at < 0 ? "." : at === 0 ? path.slice(0, 1) : path.slice(0, at)
}

const isNotFound = (error: PlatformError): boolean => error.reason._tag === "NotFound"

/** The bytes of a file, as many as a snapshot can have and one more. */
const readBounded = (fs: FileSystem.FileSystem, path: string): Effect.Effect<Uint8Array, PlatformError> =>
  Effect.scoped(Effect.gen(function*() {
    const file = yield* fs.open(path, { flag: "r" })
    const parts: Array<Uint8Array> = []
    let length = 0
    while (length <= MAX_BYTES) {
      const part = Option.getOrUndefined(yield* file.readAlloc(65_536))
      if (part === undefined) break
      parts.push(part)
      length += part.length
    }
    const bytes = new Uint8Array(length)
    let at = 0
    for (const part of parts) {
      bytes.set(part, at)
      at += part.length
    }
    return bytes
  }))

const fileStorage = (fs: FileSystem.FileSystem, path: string): Storage => {
  const temporary = `${path}.tmp`
  const broken = `${path}.broken`
  const failed = (operation: SnapshotFailed["operation"]) => (cause: unknown) =>
    new SnapshotFailed({ operation, place: path, cause })
  // so that the new name outlives a crash of the machine; not every system lets a folder be opened
  const syncFolder = Effect.ignore(
    Effect.scoped(Effect.flatMap(fs.open(folderOf(path), { flag: "r" }), (folder) => folder.sync))
  )
  return {
    place: path,
    read: readBounded(fs, path).pipe(
      Effect.catchIf(isNotFound, () => Effect.undefined),
      Effect.mapError(failed("read"))
    ),
    write: (bytes) =>
      Effect.scoped(Effect.gen(function*() {
        const file = yield* fs.open(temporary, { flag: "w", mode: 0o600 })
        yield* file.writeAll(bytes)
        yield* file.sync
      })).pipe(
        Effect.andThen(fs.rename(temporary, path)),
        Effect.andThen(syncFolder),
        Effect.mapError(failed("write"))
      ),
    moveAway: fs.rename(path, broken).pipe(
      Effect.as(broken),
      Effect.mapError(failed("move"))
    )
  }
}

const storeStorage = (store: KeyValueStore.KeyValueStore, key: string): Storage => {
  const broken = `${key}.broken`
  const failed = (operation: SnapshotFailed["operation"]) => (cause: unknown) =>
    new SnapshotFailed({ operation, place: key, cause })
  return {
    place: key,
    read: store.get(key).pipe(
      Effect.map((text) => text === undefined ? undefined : new TextEncoder().encode(text)),
      Effect.mapError(failed("read"))
    ),
    write: (bytes) => Effect.mapError(store.set(key, new TextDecoder().decode(bytes)), failed("write")),
    moveAway: store.get(key).pipe(
      Effect.flatMap((text) => text === undefined ? Effect.void : store.set(broken, text)),
      Effect.andThen(store.remove(key)),
      Effect.as(broken),
      Effect.mapError(failed("move"))
    )
  }
}

/**
 * The service. Provide it below the layer of a node, with `Layer.provide`; `Memberlist.info` tells what was found. Each
 * node needs a place of its own.
 *
 * @category services
 * @since 0.1.0
 */
export class Snapshots extends Context.Service<
  Snapshots,
  Storage & { readonly pause: Duration.Duration; readonly maxPeers: number }
>()("effect-memberlist/Snapshots") {
  /** Keeps snapshots in a storage of your own. */
  static readonly make = Effect.fnUntraced(function*(
    storage: Storage,
    options: Options = {}
  ): Effect.fn.Return<Snapshots["Service"], ConfigInvalid> {
    if (storage.place === "") return yield* refused("place", "", "the path of a file, or a key, that is not empty")
    return Snapshots.of({
      ...storage,
      pause: yield* checkedPause(options.pause ?? Duration.seconds(2)),
      maxPeers: yield* checkedPeers(options.maxPeers ?? 256)
    })
  })

  /**
   * Keeps it in a file. Its folder must exist. A write goes to `<path>.tmp`, which is synced and renamed, so that a
   * crash at any point leaves the former file or the new one; what cannot be read is renamed to `<path>.broken`.
   * `NodeSnapshots.layerFile` is the same with the files of Node.js.
   */
  static readonly layerFile = (
    path: string,
    options?: Options
  ): Layer.Layer<Snapshots, ConfigInvalid, FileSystem.FileSystem> =>
    Layer.effect(
      this,
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const there = yield* Effect.option(fs.stat(path))
        // it cannot be read as a snapshot, and would be renamed with all that is in it
        if (Option.exists(there, ({ type }) => type === "Directory")) {
          return yield* refused("place", path, "the path of a file, and not that of a directory")
        }
        return yield* Snapshots.make(fileStorage(fs, path), options)
      })
    )

  /**
   * Keeps it under a key of a `KeyValueStore`, which must be durable by itself. `KeyValueStore.layerFileSystem` is not:
   * it writes in place. What cannot be read is moved to the key `<key>.broken`.
   */
  static readonly layerKeyValueStore = (
    key: string,
    options?: Options
  ): Layer.Layer<Snapshots, ConfigInvalid, KeyValueStore.KeyValueStore> =>
    Layer.effect(
      this,
      Effect.flatMap(KeyValueStore.KeyValueStore, (store) => Snapshots.make(storeStorage(store, key), options))
    )
}
