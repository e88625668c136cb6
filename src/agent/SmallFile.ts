/**
 * Files of settings, keys and tokens: small texts, which may also come through a pipe (`<(…)` of a shell).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { createReadStream } from "node:fs"
import { stat } from "node:fs/promises"

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is none",
  ENOTDIR: "there is none",
  EISDIR: "it is a directory",
  FIFO: "it is a named pipe",
  EACCES: "this user may not read it",
  EPERM: "this user may not read it",
  ENAMETOOLONG: "its name is too long"
}

/** Why a file was not read. */
export interface Unread {
  /** In words. */
  readonly why: string
  readonly isTooLong: boolean
}

const reasonOf = (error: unknown): Unread => {
  const code = Predicate.hasProperty(error, "code") && typeof error.code === "string" ? error.code : String(error)
  return { why: reasons[code] ?? code, isTooLong: false }
}

/**
 * Reads a text of at most `limit` bytes, without spaces around it.
 * Nothing more is read: a device may have no end.
 */
export const read = (path: string, limit: number): Effect.Effect<string, Unread> =>
  Effect.tryPromise({
    try: async (signal) => {
      const found = await stat(path)
      // some systems let a directory be read
      if (found.isDirectory()) throw Object.assign(new Error(path), { code: "EISDIR" })
      // to open one waits for who writes to it, perhaps forever, and the process could not end meanwhile
      if (found.isFIFO() && !/^\/(dev|proc)\//.test(path)) throw Object.assign(new Error(path), { code: "FIFO" })
      const parts: Array<Buffer> = []
      // `end` is the last byte that is read
      for await (const part of createReadStream(path, { end: limit, signal })) parts.push(part)
      return Buffer.concat(parts)
    },
    catch: reasonOf
  }).pipe(
    Effect.flatMap((bytes) =>
      bytes.length > limit
        ? Effect.fail({ why: `it has more than ${limit} bytes`, isTooLong: true })
        : Effect.succeed(bytes.toString("utf8").trim())
    )
  )
