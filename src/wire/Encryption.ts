/**
 * AES-GCM as memberlist lays it out: version, nonce (12), ciphertext, tag (16). memberlist: `security.go`.
 *
 * The key's length chooses AES-128, -192 or -256. Version 0 pads the plaintext (PKCS#7, block 16), version 1 does not.
 * Nothing protects against replay; none of the protocol's messages needs it.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { createCipheriv, createDecipheriv, createSecretKey, type DecipherGCM, type KeyObject } from "node:crypto"

const VERSION_BYTES = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const BLOCK_BYTES = 16
const MAX_VERSION = 1
/** Where the ciphertext begins. */
const BODY_AT = VERSION_BYTES + NONCE_BYTES

/** Bytes of a nonce. Each must be drawn from a cryptographic source and used once. */
export const NONCE_SIZE = NONCE_BYTES

/**
 * The most bytes that encryption adds: what packet budgets reckon with. memberlist: `encryptOverhead`.
 *
 * @category getters
 * @since 0.1.0
 */
export const overhead = (version: 0 | 1): number =>
  VERSION_BYTES + NONCE_BYTES + TAG_BYTES + (version === 0 ? BLOCK_BYTES : 0)

/**
 * The size of `length` plaintext bytes once encrypted. memberlist: `encryptedLength`.
 *
 * @category getters
 * @since 0.1.0
 */
export const sealedLength = (version: 0 | 1, length: number): number =>
  VERSION_BYTES + NONCE_BYTES + length + padding(version, length) + TAG_BYTES

const padding = (version: 0 | 1, length: number): number => version === 0 ? BLOCK_BYTES - length % BLOCK_BYTES : 0

/**
 * What it takes to encrypt.
 *
 * @category models
 * @since 0.1.0
 */
export interface Seal {
  /** 16, 24 or 32 bytes. */
  readonly key: Uint8Array
  /** 0 only where this node speaks protocol version 1. */
  readonly version: 0 | 1
  /** 12 random bytes, never used before with this key. */
  readonly nonce: Uint8Array
}

/** Importing a key costs as much as encrypting a packet, so it is done once per key array. */
const imported = new WeakMap<Uint8Array, KeyObject>()

const keyObject = (key: Uint8Array): KeyObject => {
  const known = imported.get(key)
  if (known !== undefined) return known
  const object = createSecretKey(key)
  imported.set(key, object)
  return object
}

const algorithm = (key: Uint8Array): "aes-128-gcm" | "aes-192-gcm" | "aes-256-gcm" | undefined => {
  switch (key.length) {
    case 16:
      return "aes-128-gcm"
    case 24:
      return "aes-192-gcm"
    case 32:
      return "aes-256-gcm"
    default:
      return undefined
  }
}

/**
 * Writes the sealed plaintext to `out` at `at`; `out` has room for `sealedLength`. A key or nonce of the wrong length
 * is a defect of the caller (the keyring admits only valid keys) and throws.
 *
 * @category encoding
 * @since 0.1.0
 */
export const sealInto = (out: Uint8Array, at: number, plain: Uint8Array, seal: Seal, aad: Uint8Array): void => {
  for (const _ of sealSlices(out, at, plain, seal, aad, Number.POSITIVE_INFINITY)) continue
}

/**
 * The same in slices of about `portion` bytes.
 *
 * @category encoding
 * @since 0.1.0
 */
export function* sealSlices(
  out: Uint8Array,
  at: number,
  plain: Uint8Array,
  seal: Seal,
  aad: Uint8Array,
  portion: number
): Generator<undefined, void> {
  const cipherName = algorithm(seal.key)
  if (cipherName === undefined) throw new RangeError(`a key of ${seal.key.length} bytes; expected 16, 24 or 32`)
  const cipher = createCipheriv(cipherName, keyObject(seal.key), seal.nonce)
  cipher.setAAD(aad)
  out[at] = seal.version
  out.set(seal.nonce, at + VERSION_BYTES)
  let end = at + VERSION_BYTES + NONCE_BYTES
  const append = (bytes: Uint8Array) => {
    out.set(bytes, end)
    end += bytes.length
  }
  for (let from = 0; from < plain.length; from += portion) {
    if (from > 0) yield
    append(cipher.update(plain.subarray(from, from + portion)))
  }
  const pad = padding(seal.version, plain.length)
  if (pad > 0) append(cipher.update(new Uint8Array(pad).fill(pad)))
  append(cipher.final())
  append(cipher.getAuthTag())
}

/**
 * The sealed plaintext.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encrypt = (plain: Uint8Array, seal: Seal, aad: Uint8Array): Uint8Array => {
  const out = new Uint8Array(sealedLength(seal.version, plain.length))
  sealInto(out, 0, plain, seal, aad)
  return out
}

/**
 * The plaintext, found by trying the keys in order; or why there is none, in the words of the reference, which a
 * refused stream's initiator is told.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decrypt = (sealed: Uint8Array, keys: ReadonlyArray<Uint8Array>, aad: Uint8Array): Uint8Array | string => {
  const unlocked = unlock(sealed, keys, aad)
  return typeof unlocked === "string" ? unlocked : unlocked.plain
}

/**
 * A plaintext, and the key that opened it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Unlocked {
  readonly plain: Uint8Array
  readonly key: Uint8Array
}

/**
 * Like `decrypt`, and tells the key.
 *
 * @category decoding
 * @since 0.1.0
 */
export const unlock = (
  sealed: Uint8Array,
  keys: ReadonlyArray<Uint8Array>,
  aad: Uint8Array
): Unlocked | string => {
  const refused = unreadable(sealed)
  if (refused !== undefined) return refused
  for (const key of keys) {
    const plain = open(sealed, key, aad)
    const found = plain === undefined ? undefined : content(sealed, plain)
    if (found !== undefined) return { plain: found, key }
  }
  return noKeyFits
}

const noKeyFits = "no installed keys could decrypt the message"

/** Why no key can open it. */
const unreadable = (sealed: Uint8Array): string | undefined => {
  const version = sealed[0]
  if (version === undefined) return "cannot decrypt empty payload"
  if (version > MAX_VERSION) return `unsupported encryption version ${version}`
  return sealed.length < sealedLength(version === 0 ? 0 : 1, 0)
    ? `payload is too small to decrypt: ${sealed.length}`
    : undefined
}

/** The version byte of a packet is not authenticated, so padding can be wrong although the key is right. */
const content = (sealed: Uint8Array, plain: Uint8Array): Uint8Array | undefined =>
  sealed[0] === 0 ? unpadded(plain) : plain

/**
 * Finds the plaintext in portions, so that 20 MiB do not hold up everything else. What it answers is what `decrypt`
 * answers.
 *
 * @category decoding
 * @since 0.1.0
 */
export class Opening {
  private readonly sealed: Uint8Array
  private readonly keys: ReadonlyArray<Uint8Array>
  private readonly aad: Uint8Array
  private tried = 0
  private current: { readonly decipher: DecipherGCM; readonly plain: Uint8Array; at: number } | undefined = undefined

  constructor(sealed: Uint8Array, keys: ReadonlyArray<Uint8Array>, aad: Uint8Array) {
    this.sealed = sealed
    this.keys = keys
    this.aad = aad
  }

  /** Bytes of memory for the output so far. */
  get held(): number {
    return this.current?.plain.length ?? 0
  }

  /** Goes on for about `portion` bytes: the plaintext, why there is none, or `undefined` to be continued. */
  next(portion: number): Uint8Array | string | undefined {
    const { sealed } = this
    if (this.current === undefined) {
      const refused = unreadable(sealed)
      if (refused !== undefined) return refused
      const key = this.keys[this.tried++]
      if (key === undefined) return noKeyFits
      const decipher = decipherFor(sealed, key, this.aad)
      if (decipher === undefined) return undefined
      this.current = { decipher, plain: new Uint8Array(sealed.length - BODY_AT - TAG_BYTES), at: 0 }
    }
    const { decipher, plain } = this.current
    const end = Math.min(plain.length, this.current.at + portion)
    plain.set(decipher.update(sealed.subarray(BODY_AT + this.current.at, BODY_AT + end)), this.current.at)
    this.current.at = end
    if (end < plain.length) return undefined
    this.current = undefined
    return isAuthentic(decipher) ? content(sealed, plain) : undefined
  }
}

const decipherFor = (sealed: Uint8Array, key: Uint8Array, aad: Uint8Array): DecipherGCM | undefined => {
  const cipherName = algorithm(key)
  if (cipherName === undefined) return undefined
  const decipher = createDecipheriv(cipherName, keyObject(key), sealed.subarray(VERSION_BYTES, BODY_AT), {
    authTagLength: TAG_BYTES
  })
  decipher.setAAD(aad)
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
  return decipher
}

/** GCM gives everything in `update`; `final` only checks the tag, and throws when it is wrong. */
const isAuthentic = (decipher: DecipherGCM): boolean => {
  try {
    decipher.final()
    return true
  } catch {
    return false
  }
}

const open = (sealed: Uint8Array, key: Uint8Array, aad: Uint8Array): Uint8Array | undefined => {
  const decipher = decipherFor(sealed, key, aad)
  if (decipher === undefined) return undefined
  const plain = decipher.update(sealed.subarray(BODY_AT, sealed.length - TAG_BYTES))
  return isAuthentic(decipher) ? plain : undefined
}

/** Strict PKCS#7: anything else than 1‥16 equal bytes at the end is no padding. */
const unpadded = (plain: Uint8Array): Uint8Array | undefined => {
  const size = plain.length
  const pad = plain[size - 1]
  if (pad === undefined || pad < 1 || pad > BLOCK_BYTES || pad > size) return undefined
  for (let i = size - pad; i < size; i++) if (plain[i] !== pad) return undefined
  return plain.subarray(0, size - pad)
}
