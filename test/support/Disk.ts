/** Files in memory that can fail, wait, and lose what was not synced. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as PlatformError from "effect/PlatformError"

interface Content {
  bytes: Uint8Array
  /** What a crash of the machine leaves of it for certain. */
  synced: Uint8Array
}

/** A change of names that a crash of the machine may undo, until the folder is synced. */
type Renaming = (names: Map<string, Content>) => void

/** What is on the disk at one point, as bytes by path. */
export type Files = ReadonlyMap<string, Uint8Array>

export class Disk {
  private names = new Map<string, Content>()
  private durable = new Map<string, Content>()
  private unsynced: Array<Renaming> = []
  private mounts = 0
  readonly folder: string
  /** How many writes were begun. */
  writes = 0
  /** Why an operation fails, if it does. */
  fails: (operation: string, path: string) => PlatformError.SystemErrorTag | undefined = () => undefined
  /** Whether operations wait until it is no longer so. */
  hangs = false
  /** Told after each operation, and each byte that is written. */
  onStep: () => void = () => {}

  constructor(folder = "/data") {
    this.folder = folder
  }

  /** What a program finds that starts now, after the former one was killed. */
  files(): Files {
    return new Map([...this.names].map(([path, { bytes }]) => [path, bytes]))
  }

  /** All that may be found after the machine lost its power now. */
  afterPowerLoss(): ReadonlyArray<Files> {
    return Array.from({ length: this.unsynced.length + 1 }, (_, applied) => {
      const names = new Map(this.durable)
      for (const rename of this.unsynced.slice(0, applied)) rename(names)
      return names
    }).flatMap((names) => [
      new Map([...names].map(([path, { synced }]) => [path, synced])),
      new Map([...names].map(([path, { bytes }]) => [path, bytes])),
      // half of what was not synced
      new Map(
        [...names].map((
          [path, { bytes, synced }]
        ) => [path, synced === bytes ? bytes : bytes.slice(0, bytes.length / 2)])
      )
    ])
  }

  put(path: string, bytes: Uint8Array): void {
    const content = { bytes, synced: bytes }
    this.names.set(path, content)
    this.durable.set(path, content)
  }

  get(path: string): Uint8Array | undefined {
    return this.names.get(path)?.bytes
  }

  remove(path: string): void {
    this.names.delete(path)
    this.durable.delete(path)
  }

  /** Kills whoever has it mounted: what they do from now on reaches nothing. */
  kill(): void {
    this.mounts++
  }

  /** The disk for one program. */
  mount(): FileSystem.FileSystem {
    const mounted = this.mounts
    const act = <A>(operation: string, path: string, run: () => A): Effect.Effect<A, PlatformError.PlatformError> =>
      Effect.suspend(() => {
        if (this.hangs) return Effect.andThen(Effect.sleep(100), act(operation, path, run))
        const why = mounted === this.mounts ? this.fails(operation, path) : "BadResource"
        if (why !== undefined) {
          const error = { _tag: why, module: "FileSystem", method: operation, pathOrDescriptor: path } as const
          return Effect.fail(PlatformError.systemError(error))
        }
        const result = run()
        this.onStep()
        return Effect.succeed(result)
      })
    const missing = (operation: string, path: string) =>
      Effect.fail(
        PlatformError.systemError({ _tag: "NotFound", module: "FileSystem", method: operation, pathOrDescriptor: path })
      )

    const file = (path: string, content: Content | undefined): FileSystem.File => {
      let at = 0
      return {
        sync: act("sync", path, () => {
          if (content !== undefined) {
            content.synced = content.bytes
            return
          }
          this.unsynced = []
          this.durable = new Map(this.names)
        }),
        readAlloc: (size: number) =>
          act("read", path, () => {
            const part = (content?.bytes ?? new Uint8Array(0)).slice(at, at + size)
            at += part.length
            return part.length === 0 ? Option.none<Uint8Array>() : Option.some(part)
          }),
        writeAll: (bytes: Uint8Array) =>
          act("write", path, () => {
            if (content === undefined) return
            this.writes++
            for (const byte of bytes) {
              content.bytes = Uint8Array.of(...content.bytes, byte)
              this.onStep()
            }
          })
      } as unknown as FileSystem.File
    }

    return FileSystem.makeNoop({
      open: (path, options) =>
        Effect.suspend(() => {
          if (path === this.folder) return act("open", path, () => file(path, undefined))
          if (!path.startsWith(`${this.folder}/`)) return missing("open", path)
          if (options?.flag !== "w" && !this.names.has(path)) return missing("open", path)
          return act("open", path, () => {
            const content = this.names.get(path)
            if (options?.flag !== "w") return file(path, content)
            if (content !== undefined) {
              content.bytes = new Uint8Array(0)
              return file(path, content)
            }
            const made = { bytes: new Uint8Array(0), synced: new Uint8Array(0) }
            this.change((names) => void names.set(path, made))
            return file(path, made)
          })
        }),
      rename: (from, to) =>
        Effect.suspend(() =>
          this.names.has(from)
            ? act("rename", from, () =>
              this.change((names) => {
                const content = names.get(from)
                if (content === undefined) return
                names.delete(from)
                names.set(to, content)
              }))
            : missing("rename", from)
        )
    })
  }

  private change(rename: Renaming): void {
    rename(this.names)
    this.unsynced.push(rename)
  }
}
