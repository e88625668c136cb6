/**
 * AES-GCM as memberlist lays it out: version, nonce (12), ciphertext, tag (16). memberlist: `security.go`.
 *
 * The key's length chooses AES-128, -192 or -256. Version 0 pads the plaintext (PKCS#7, block 16), version 1 does not.
 * Nothing protects against replay; none of the protocol's messages needs it.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto"

const VERSION_BYTES = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const BLOCK_BYTES = 16
const MAX_VERSION = 1

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
 * Writes the sealed plaintext to `out` at `at`; `out` has room for `sealedLength`. A key or nonce of the wrong length is
 * a defect of the caller (the keyring admits only valid keys) and throws.
 *
 * @category encoding
 * @since 0.1.0
 */
export const sealInto = (out: Uint8Array, at: number, plain: Uint8Array, seal: Seal, aad: Uint8Array): void => {
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
  append(cipher.update(plain))
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
  const version = sealed[0]
  if (version === undefined) return "cannot decrypt empty payload"
  if (version > MAX_VERSION) return `unsupported encryption version ${version}`
  if (sealed.length < sealedLength(version === 0 ? 0 : 1, 0)) return `payload is too small to decrypt: ${sealed.length}`
  for (const key of keys) {
    const plain = open(sealed, key, aad)
    if (plain === undefined) continue
    const content = version === 0 ? unpadded(plain) : plain
    // The version byte of a packet is not authenticated, so padding can be wrong although the key is right.
    if (content !== undefined) return content
  }
  return "no installed keys could decrypt the message"
}

const open = (sealed: Uint8Array, key: Uint8Array, aad: Uint8Array): Uint8Array | undefined => {
  const cipherName = algorithm(key)
  if (cipherName === undefined) return undefined
  const body = VERSION_BYTES + NONCE_BYTES
  const tag = sealed.length - TAG_BYTES
  try {
    const decipher = createDecipheriv(cipherName, keyObject(key), sealed.subarray(VERSION_BYTES, body), {
      authTagLength: TAG_BYTES
    })
    decipher.setAAD(aad)
    decipher.setAuthTag(sealed.subarray(tag))
    const plain = decipher.update(sealed.subarray(body, tag))
    // GCM gives everything in `update`; `final` only checks the tag.
    decipher.final()
    return plain
  } catch {
    return undefined
  }
}

/** Strict PKCS#7: anything else than 1‥16 equal bytes at the end is no padding. */
const unpadded = (plain: Uint8Array): Uint8Array | undefined => {
  const size = plain.length
  const pad = plain[size - 1]
  if (pad === undefined || pad < 1 || pad > BLOCK_BYTES || pad > size) return undefined
  for (let i = size - pad; i < size; i++) if (plain[i] !== pad) return undefined
  return plain.subarray(0, size - pad)
}
