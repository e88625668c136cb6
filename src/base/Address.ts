/**
 * Addresses as the protocol has them: raw IP bytes beside their text.
 *
 * Member records keep the bytes exactly as received, because peers compare bytes: a node that was announced with the
 * 16-byte IPv4-mapped form and is gossiped on with the 4-byte form is a name conflict to a Go peer. Text is for people,
 * for sockets and for allow-lists, so it is always canonical (`::ffff:10.0.0.1` reads `10.0.0.1`).
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"

/**
 * A UDP/TCP endpoint: a canonical IP literal and a port (0‥65535).
 *
 * @category models
 * @since 0.1.0
 */
export interface PeerAddress {
  readonly ip: string
  readonly port: number
  /** The member expected there, where the sender knows it; a transport may route by it. memberlist: `Address.Name`. */
  readonly name?: string | undefined
}

/**
 * The canonical text of 4 or 16 address bytes; `undefined` for any other length.
 *
 * @category getters
 * @since 0.1.0
 */
export const ipText = (bytes: Uint8Array): string | undefined => {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`
  if (bytes.length !== 16) return undefined
  if (isIpv4Mapped(bytes)) return `${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}`
  return NetAddress.formatIp(NetAddress.ipv6FromBytesUnsafe(bytes))
}

/**
 * The bytes of an IP literal: 4 for IPv4 (also when written `::ffff:a.b.c.d`), 16 for IPv6; `undefined` if it is not
 * one.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ipBytes = (text: string): Uint8Array | undefined => {
  const plain = dottedBytes(text)
  if (plain !== undefined) return plain
  const parsed = NetAddress.ipFromString(text)
  if (Result.isFailure(parsed)) return undefined
  const octets = NetAddress.isIpv4Address(parsed.success)
    ? NetAddress.ipv4ToOctets(parsed.success)
    : NetAddress.ipv6ToOctets(parsed.success)
  const bytes = Uint8Array.from(octets)
  return bytes.length === 16 && isIpv4Mapped(bytes) ? bytes.slice(12) : bytes
}

const DOT = 46
const ZERO = 48

/**
 * The bytes of dotted decimals in one pass: every packet's source is read. What it does not take is left to the parser.
 */
const dottedBytes = (text: string): Uint8Array | undefined => {
  const bytes = new Uint8Array(4)
  let at = 0
  let digits = 0
  let value = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === DOT && digits > 0 && at < 3) {
      bytes[at++] = value
      digits = value = 0
      continue
    }
    const digit = code - ZERO
    if (digit < 0 || digit > 9 || (digits > 0 && value === 0)) return undefined
    value = value * 10 + digit
    digits++
    if (value > 255) return undefined
  }
  if (at !== 3 || digits === 0) return undefined
  bytes[3] = value
  return bytes
}

/**
 * Whether 16 bytes are an IPv4 address in its IPv4-mapped form (`::ffff:a.b.c.d`).
 *
 * @category guards
 * @since 0.1.0
 */
export const isIpv4Mapped = (bytes: Uint8Array): boolean => {
  if (bytes.length !== 16) return false
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false
  return bytes[10] === 0xff && bytes[11] === 0xff
}

/**
 * `ip:port`, with an IPv6 address in brackets.
 *
 * @category getters
 * @since 0.1.0
 */
export const format = (address: PeerAddress): string =>
  address.ip.includes(":") ? `[${address.ip}]:${address.port}` : `${address.ip}:${address.port}`

/**
 * Whether an IP literal stands for every address of a machine: `0.0.0.0` or `::`, however it is written.
 *
 * @category guards
 * @since 0.1.0
 */
export const isUnspecified = (ip: string): boolean => ipBytes(ip)?.every((byte) => byte === 0) === true

/**
 * Whether an IP literal is an address of this machine for itself: in `127.0.0.0/8`, or `::1`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isLoopback = (ip: string): boolean => {
  const parsed = NetAddress.ipFromString(ip)
  return Result.isSuccess(parsed) && NetAddress.isLoopback(parsed.success)
}

/**
 * Byte-wise equality, as the reference compares addresses, metadata and version vectors. `null` equals empty.
 *
 * @category guards
 * @since 0.1.0
 */
export const sameBytes = (a: Uint8Array | null, b: Uint8Array | null): boolean => {
  if (a === b) return true
  const n = a === null ? 0 : a.length
  if (n !== (b === null ? 0 : b.length)) return false
  if (a === null || b === null) return true
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return false
  return true
}
