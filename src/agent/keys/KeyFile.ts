/**
 * The file that an agent takes its keys from, and to which it writes them when they are changed by its API: a key in
 * each line in base64, the primary first. A file with one key is the usual one of the first start.
 *
 * It is the operator's file. So it is only written where it has what this agent read from it, or wrote to it: a change
 * that somebody else made is never undone. Who owns it, and who may read it, stays as it was.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Path from "node:path"
import { sameBytes } from "../../base/Address.ts"
import { sentence } from "../../base/PlainText.ts"

/** The keys of a ring, primary first. */
export type Ring = ReadonlyArray<Uint8Array>

/** Keys that an agent's ring may have: each is tried on what cannot be opened. */
export const MAX_KEYS = 16

/** Bytes of the file; more is no file of keys. */
const MAX_SIZE = 65_536

/** What a file of keys has to be. */
export const EXPECTED =
  `a file with a key in each line: 16, 24 or 32 bytes in base64, the primary first, at most ${MAX_KEYS}`

/** Returns the keys of a file, each once; `undefined` where it has none, too many, or a line that is no key. */
export const parse = (text: string): Ring | undefined => {
  const keys: Array<Uint8Array> = []
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue
    const key = Result.getOrUndefined(Base64.decode(line.trim()))
    if (key === undefined || ![16, 24, 32].includes(key.length)) return undefined
    if (!keys.some((known) => sameBytes(known, key))) keys.push(key)
  }
  return keys.length > 0 && keys.length <= MAX_KEYS ? keys : undefined
}

/** Returns the content of a file with these keys. */
export const format = (keys: Ring): string => keys.map((key) => `${Base64.encode(key)}\n`).join("")

/** Whether an agent would begin with the same: of the keys that are not primary, the order says nothing. */
const same = (a: Ring, b: Ring): boolean =>
  a.length === b.length
  && sameBytes(a[0] ?? null, b[0] ?? null)
  && a.every((key) => b.some((other) => sameBytes(key, other)))

/** A file of keys that was read. */
export interface KeyFile {
  /** The keys that were read. */
  readonly keys: Ring
  /**
   * Writes the keys, by another file that takes its place: whatever happens, it has the former keys or these. Returns
   * why it did not, in words; nothing where the file has these keys. One call at a time.
   */
  readonly write: (keys: Ring) => Effect.Effect<string | undefined>
}

const known: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EBUSY: "it is mounted by itself, and cannot be replaced",
  EDQUOT: "the quota is used up",
  ENOENT: "it is not there any more",
  ENOSPC: "no space is left",
  EPERM: "permission denied",
  EROFS: "its file system is read-only"
}

const why = ({ message, reason }: PlatformError): string => {
  const { cause } = reason
  const code = Predicate.hasProperty(cause, "code") ? String(cause.code) : undefined
  return (code === undefined ? undefined : known[code]) ?? sentence(code ?? message)
}

const CHANGED = "somebody else has changed it since this agent read it"

/** Puts a file with these keys beside it, with the same owner and rights. */
const beside = (fs: FileSystem.FileSystem, temporary: string, keys: Ring, former: FileSystem.File.Info) =>
  Effect.scoped(Effect.gen(function*() {
    // `x`: a link that waits under this name is not followed
    const file = yield* fs.open(temporary, { flag: "wx", mode: 0o600 })
    yield* file.writeAll(new TextEncoder().encode(format(keys)))
    const { gid, uid } = yield* file.stat
    const [owner, group] = [Option.getOrElse(former.uid, () => 0), Option.getOrElse(former.gid, () => 0)]
    if (owner !== Option.getOrElse(uid, () => 0) || group !== Option.getOrElse(gid, () => 0)) {
      yield* fs.chown(temporary, owner, group)
    }
    yield* fs.chmod(temporary, former.mode & 0o777)
    yield* file.sync
  }))

/** Returns the file with the keys that were read from it. Its path may be a link, also one that is changed later. */
export const make = (fs: FileSystem.FileSystem, path: string, read: Ring): KeyFile => {
  let last = read
  // so that the new name outlives a crash of the machine; not every system lets a folder be opened
  const syncFolder = (folder: string) =>
    Effect.ignore(Effect.scoped(Effect.flatMap(fs.open(folder, { flag: "r" }), (folder) => folder.sync)))
  /** The file's keys now, and what is known of it; text where it cannot be written. */
  const look = Effect.fnUntraced(function*(place: string) {
    const info = yield* fs.stat(place)
    if (info.type !== "File") return "it is no regular file"
    const keys = Number(info.size) > MAX_SIZE ? undefined : parse(yield* fs.readFileString(place))
    return keys === undefined ? CHANGED : { keys, info }
  })
  const write = Effect.fnUntraced(function*(keys: Ring) {
    const place = yield* fs.realPath(path)
    const before = yield* look(place)
    if (typeof before === "string") return before
    if (same(before.keys, keys)) return undefined
    if (!same(before.keys, last)) return CHANGED
    // a file that only may be read could be replaced all the same, and is not meant to be
    yield* fs.access(place, { writable: true })
    const mark = (yield* Random.nextIntBetween(0, 0x7fffffff)).toString(16)
    const temporary = Path.join(Path.dirname(place), `.${Path.basename(place)}.${mark}.tmp`)
    return yield* Effect.onExit(
      Effect.gen(function*() {
        yield* beside(fs, temporary, keys, before.info)
        const now = yield* look(place)
        if (typeof now === "string") return now
        // agents that share a file are told the same at once
        if (same(now.keys, keys)) return undefined
        if (!same(now.keys, before.keys)) return CHANGED
        yield* fs.rename(temporary, place)
        yield* syncFolder(Path.dirname(place))
        return undefined
      }),
      // not there once it took the file's place
      () => Effect.ignore(fs.remove(temporary, { force: true }))
    )
  })
  return {
    keys: read,
    write: (keys) =>
      write(keys).pipe(
        Effect.catchTag("PlatformError", (error) => Effect.succeed(why(error))),
        Effect.map((reason) => {
          if (reason === undefined) {
            last = keys
            return undefined
          }
          return `not written to ${sentence(path)}: ${reason}; the file must be changed before a restart`
        })
      )
  }
}
