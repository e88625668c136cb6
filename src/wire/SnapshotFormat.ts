/**
 * The text of a snapshot: lines of JSON. The first says what it is, the last has the CRC-32 of everything before it,
 * and each between them is a peer. What is cut short, altered or somebody else's is refused as a whole.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { crc32 } from "node:zlib"
import { ipBytes } from "../base/Address.ts"
import { type KnownPeer, MAX_BYTES, type Snapshot } from "../base/Snapshot.ts"

/** What the first line says it is. */
export const FORMAT = "effect-memberlist snapshot"

/** The version written, and the only one read. */
export const VERSION = 1

/**
 * Why bytes are no snapshot of this node: cut short or altered; no snapshot at all, or one with impossible values; of a
 * version unknown here; another node's; another cluster's.
 *
 * @category models
 * @since 0.1.0
 */
export type Reason = "Torn" | "Malformed" | "UnknownVersion" | "OtherName" | "OtherLabel"

/**
 * @category models
 * @since 0.1.0
 */
export interface Defect {
  readonly reason: Reason
  /** What was found, and what would be right. */
  readonly detail: string
}

/** Whose snapshot is expected. */
export interface Owner {
  readonly name: string
  readonly label: string
}

const encoder = new TextEncoder()

const line = (value: unknown): string => `${JSON.stringify(value)}\n`

const checksumLine = (body: Uint8Array): string => line({ crc32: crc32(body).toString(16).padStart(8, "0") })

/** The length of the last line, which is the same for all. */
const CHECKSUM_LENGTH = checksumLine(new Uint8Array(0)).length

/**
 * Returns the bytes of a snapshot.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = ({ incarnation, label, left, name, peers }: Snapshot): Uint8Array => {
  const head = line({ format: FORMAT, version: VERSION, name, label, incarnation, left, peers: peers.length })
  const body = head + peers.map(({ ip, name, port, seen }) => line({ name, ip, port, seen })).join("")
  return encoder.encode(body + checksumLine(encoder.encode(body)))
}

const Whole = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))

const Version = Schema.Struct({ format: Schema.Literal(FORMAT), version: Whole })

const Head = Schema.Struct({
  name: Schema.String,
  label: Schema.String,
  incarnation: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff })),
  left: Schema.Boolean,
  peers: Whole
})

const Peer = Schema.Struct({
  name: Schema.String,
  ip: Schema.String.check(Schema.makeFilter((ip: string) => ipBytes(ip) !== undefined, { expected: "an IP address" })),
  port: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 })),
  seen: Whole
})

const reads = <A>(schema: Schema.Decoder<A>) => {
  const decodeLine = Schema.decodeUnknownResult(Schema.fromJsonString(schema))
  return (text: string): Result.Result<A, Defect> =>
    Result.mapError(decodeLine(text), (error) => ({ reason: "Malformed", detail: error.message }))
}

const readVersion = reads(Version)
const readHead = reads(Head)
const readPeer = reads(Peer)

const refuse = (reason: Reason, detail: string) => Result.fail<Defect>({ reason, detail })

/** The text before the checksum, when that matches. */
const verified = (bytes: Uint8Array): Result.Result<string, Defect> => {
  const end = bytes.length - CHECKSUM_LENGTH
  const body = bytes.subarray(0, Math.max(0, end))
  const whole = end > 0 && bytes.length <= MAX_BYTES
    && String.fromCharCode(...bytes.subarray(end)) === checksumLine(body)
  if (!whole) return refuse("Torn", `${bytes.length} bytes without their right checksum at the end`)
  try {
    return Result.succeed(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body))
  } catch {
    return refuse("Malformed", "bytes that are not UTF-8")
  }
}

/**
 * Reads a snapshot of `owner`: all of it, or nothing.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (bytes: Uint8Array, owner: Owner): Result.Result<Snapshot, Defect> => {
  const text = verified(bytes)
  if (Result.isFailure(text)) return Result.fail(text.failure)
  const [first = "", ...rest] = text.success.split("\n")
  // the body ends with the end of a line
  const lines = rest.slice(0, -1)
  const version = readVersion(first)
  if (Result.isFailure(version)) return Result.fail(version.failure)
  if (version.success.version !== VERSION) {
    return refuse("UnknownVersion", `version ${version.success.version}; this release reads version ${VERSION}`)
  }
  const head = readHead(first)
  if (Result.isFailure(head)) return Result.fail(head.failure)
  const { incarnation, label, left, name, peers: count } = head.success
  if (name !== owner.name) return refuse("OtherName", `of the node ${JSON.stringify(name)}`)
  if (label !== owner.label) return refuse("OtherLabel", `of a cluster with the label ${JSON.stringify(label)}`)
  if (lines.length !== count) return refuse("Malformed", `${lines.length} peers, and ${count} announced`)
  const peers: Array<KnownPeer> = []
  for (const written of lines) {
    const peer = readPeer(written)
    if (Result.isFailure(peer)) return Result.fail(peer.failure)
    peers.push(peer.success)
  }
  return Result.succeed({ name, label, incarnation, left, peers })
}
