/**
 * `keygen`: a new key for a cluster's gossip.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import { failure } from "../CommandFailed.ts"
import * as Output from "../Output.ts"

/** What `keygen` was called with. */
export interface Options {
  readonly bits: number
  readonly out: Option.Option<string>
  readonly json: boolean
}

/**
 * Draws a key, and prints it in base64, or writes it to a new file that nobody else may read.
 *
 * @category commands
 * @since 0.1.0
 */
export const keygen = Effect.fnUntraced(function*({ bits, json, out }: Options) {
  const key = Base64.encode(SecureRandom.randomBytesUnsafe(bits / 8))
  if (Option.isNone(out)) return yield* Output.result(json, () => ({ key }), () => [key])
  const fs = yield* FileSystem.FileSystem
  const path = out.value
  // a file that is there keeps what it has: it may be the key of a cluster that runs
  yield* fs.writeFileString(path, `${key}\n`, { flag: "wx", mode: 0o600 }).pipe(
    Effect.mapError((error) =>
      failure(
        "FileNotWritten",
        error.reason._tag === "AlreadyExists"
          ? `${path} is there already, and is kept as it is: give another path, or remove it first`
          : `cannot write ${path}: ${error.message}`
      )
    )
  )
  yield* Output.result(json, () => ({ file: path }), () => [`wrote a key of ${bits} bits to ${path}`])
})
