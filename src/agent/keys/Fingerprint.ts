/**
 * Keys by their fingerprints, because keys are never told.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import type * as Model from "../Model.ts"

/** Returns the first 16 hexadecimal digits of the SHA-256 of a key's bytes. */
export const of = (key: Uint8Array): string => createHash("sha256").update(key).digest("hex").slice(0, 16)

/** Returns the keys of a ring, primary first, as they are told. */
export const views = (keys: ReadonlyArray<Uint8Array>): ReadonlyArray<Model.KeyView> =>
  keys.map((key, at) => ({ fingerprint: of(key), primary: at === 0, bits: key.length * 8 }))
