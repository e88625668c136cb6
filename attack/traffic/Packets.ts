/** The datagrams of every flood, made before it begins. */
import { randomBytes } from "node:crypto"
import * as Compression from "../../src/wire/Compression.ts"
import * as Message from "../../src/wire/message/Message.ts"
import * as Compound from "../../src/wire/packet/Compound.ts"
import { FAKE } from "../cluster/Names.ts"

export const kinds = [
  "pings",
  "compounds of pings",
  "compressed compounds of pings",
  "indirect pings",
  "acks",
  "user messages",
  "suspicions of strangers",
  "alives of strangers",
  "garbage",
  "undecryptable",
  "ping with 349,000 keys"
] as const
export type FloodKind = (typeof kinds)[number]

export interface Aim {
  readonly name: string
  readonly port: number
  /** Another member: where compounds of pings want their answers sent to. */
  readonly other: number
  /** A port where nobody listens: where everything else wants its answers sent to. */
  readonly nowhere: number
}

const LOOPBACK = new Uint8Array([127, 0, 0, 1])
const VERSIONS = new Uint8Array([1, 5, 2, 0, 0, 0])
const META = new Uint8Array(50).fill(0x6d)

/** Different packets of one kind, so that nothing is gained by remembering the last ones. */
const POOL = 1_000
/** Strangers; each of them is announced in a packet of its own. */
const STRANGERS = 100_000
const PINGS = 127

const many = (size: number, make: (i: number) => Uint8Array): ReadonlyArray<Uint8Array> =>
  Array.from({ length: size }, (_, i) => make(i))

const ping = (seqNo: number, aim: Aim, answerTo: number): Uint8Array =>
  Message.encode({
    _tag: "Ping",
    seqNo,
    node: aim.name,
    sourceAddr: LOOPBACK,
    sourcePort: answerTo,
    sourceNode: "somebody"
  })

/** As short as a ping can be that is answered to somebody else: it names nobody, so it is for anyone. */
const shortPing = (seqNo: number, answerTo: number): Uint8Array =>
  Message.encode({ _tag: "Ping", seqNo, node: "", sourceAddr: LOOPBACK, sourcePort: answerTo, sourceNode: "" })

/** 1,016 times the same, which compresses best. */
const compoundOfCompounds = (message: Uint8Array): Uint8Array =>
  Compound.make(many(8, () => Compound.make(many(PINGS, () => message))))

const indirectPing = (seqNo: number, aim: Aim): Uint8Array =>
  Message.encode({
    _tag: "IndirectPing",
    seqNo,
    target: LOOPBACK,
    port: aim.nowhere,
    node: "nobody",
    nack: true,
    sourceAddr: LOOPBACK,
    sourcePort: aim.nowhere,
    sourceNode: "somebody"
  })

/** A forged member, at a loopback address where nobody listens. */
export const stranger = (i: number): Uint8Array =>
  Message.encode({
    _tag: "Alive",
    incarnation: 1,
    node: `${FAKE}-${i}`,
    addr: new Uint8Array([127, 200, i >> 8, i]),
    port: 7946,
    meta: META,
    vsn: VERSIONS
  })

export const suspicion = (node: string, from: string, incarnation: number): Uint8Array =>
  Message.encode({ _tag: "Suspect", incarnation, node, from })

const MAP32 = 0xdf

/** A struct of so many unknown keys `Z`, each nil: the body of any message, as a decoder must be ready to read it. */
export const unknownKeys = (type: number, count: number): Uint8Array => {
  const bytes = new Uint8Array(6 + count * 3)
  bytes[0] = type
  bytes[1] = MAP32
  new DataView(bytes.buffer).setUint32(2, count)
  for (let at = 6; at < bytes.length; at += 3) {
    bytes[at] = 0xa1
    bytes[at + 1] = 0x5a
    bytes[at + 2] = 0xc0
  }
  return bytes
}

export const packetsOf = (kind: FloodKind, aim: Aim): ReadonlyArray<Uint8Array> => {
  switch (kind) {
    case "pings":
      return many(POOL, (i) => ping(i, aim, aim.nowhere))
    case "compounds of pings":
      return many(POOL / 10, (i) => Compound.make(many(PINGS, (j) => shortPing(i * PINGS + j, aim.other))))
    case "compressed compounds of pings":
      return many(10, (i) => Compression.wrap(compoundOfCompounds(shortPing(i, aim.other))))
    case "indirect pings":
      return many(POOL, (i) => indirectPing(i, aim))
    case "acks":
      return many(POOL, (i) => Message.encode({ _tag: "Ack", seqNo: 0x6000_0000 + i, payload: null }))
    case "user messages":
      return many(POOL, (i) => Message.encode({ _tag: "User", payload: new Uint8Array(100).fill(i) }))
    case "suspicions of strangers":
      return many(POOL, (i) => suspicion(`${FAKE}-${i}`, "somebody", 1))
    case "alives of strangers":
      return many(STRANGERS, stranger)
    case "garbage":
      return many(POOL, (i) => randomBytes(1 + (i * 7) % 1_400))
    case "undecryptable":
      return many(POOL, (i) => {
        const bytes = randomBytes(100 + (i * 7) % 1_300)
        bytes[0] = 1
        return bytes
      })
    case "ping with 349,000 keys":
      return [Compression.wrap(unknownKeys(Message.MessageType.Ping, 349_000))]
  }
}
