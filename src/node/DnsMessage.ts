/**
 * DNS messages, as much of them as asking for the addresses of a name, or for the hosts of a service, takes: a
 * question, and the records of an answer. RFC 1035 §4.1, RFC 3596 for IPv6, RFC 2782 for services.
 *
 * The packages that read and write all of DNS are CommonJS, which a bundle in the form of an ES module cannot load, or
 * do not notice that a message is cut.
 *
 * @since 0.1.0
 */
import type { DomainName } from "effect/net/Host"
import { ipText } from "../base/Address.ts"

/** The kinds of records that are asked for, and their numbers. */
const TYPES = { A: 1, AAAA: 28, SRV: 33 } as const

/** A kind of records. */
export type RecordType = keyof typeof TYPES

const INTERNET = 1
const RECURSION_DESIRED = 0x0100
const RESPONSE = 0x8000

/** Number, flags, and how many questions, answers, authorities and additional records follow. */
const HEADER_BYTES = 12
/** Of a question behind its name: type and class. */
const QUESTION_BYTES = 4
/** Of a record behind its name: type, class, time to live, and the length of its data. */
const RECORD_BYTES = 10

/** A question with the length in front that messages over TCP have. */
export const question = (id: number, type: RecordType, name: DomainName): Uint8Array => {
  const labels = name.split(".").filter((label) => label !== "")
  const spelt = [...labels.flatMap((label) => [label.length, ...Buffer.from(label, "ascii")]), 0]
  const length = HEADER_BYTES + spelt.length + QUESTION_BYTES
  return Buffer.from(
    [length, id, RECURSION_DESIRED, 1, 0, 0, 0]
      .flatMap((value) => [value >> 8, value & 0xff])
      .concat(spelt, [0, TYPES[type], 0, INTERNET])
  )
}

/** What an answer tells. */
export interface Answer {
  readonly id: number
  /** In the server's order. Their names do not matter, since a CNAME leads from ours to theirs. */
  readonly addresses: ReadonlyArray<string>
  /** In the server's order. */
  readonly services: ReadonlyArray<Service>
}

/** Where a service is. The fields are those of `dns.SrvRecord` of Node.js. */
export interface Service {
  /** The lowest is to be tried first. */
  readonly priority: number
  /** Among equal priorities, the highest is the most wanted. */
  readonly weight: number
  readonly port: number
  /** A host's name, as it came. */
  readonly name: string
}

/** Of a service in front of its host's name: priority, weight and port. */
const SERVICE_BYTES = 6

/** Characters of a name. */
const MAX_NAME = 255

/** A name in full, wherever its parts are; `undefined` for one that is malformed. */
const nameAt = (message: Buffer, start: number): string | undefined => {
  const labels: Array<string> = []
  let characters = 0
  let at = start
  let before = start
  for (;;) {
    const length = message[at]
    if (length === undefined) return undefined
    if (length === 0) return labels.join(".")
    if (length >= 0xc0) {
      const low = message[at + 1]
      const target = low === undefined ? message.length : ((length & 0x3f) << 8) | low
      // only backwards, so that it ends
      if (target >= before) return undefined
      at = before = target
      continue
    }
    const label = message.toString("latin1", at + 1, at + 1 + length)
    characters += length + 1
    if (length >= 0x40 || label.length < length || characters > MAX_NAME) return undefined
    labels.push(label)
    at += 1 + length
  }
}

/** A service record's data; `undefined` when it is malformed. */
const serviceAt = (message: Buffer, start: number, length: number): Service | undefined => {
  if (length <= SERVICE_BYTES) return undefined
  const name = nameAt(message, start + SERVICE_BYTES)
  return name === undefined ? undefined : {
    priority: message.readUInt16BE(start),
    weight: message.readUInt16BE(start + 2),
    port: message.readUInt16BE(start + 4),
    name
  }
}

/** Where a name ends: behind its last label, or behind the two bytes that refer to the rest of it elsewhere. */
const endOfName = (message: Buffer, start: number): number | undefined => {
  let at = start
  for (;;) {
    const length = message[at]
    if (length === undefined) return undefined
    if (length === 0) return at + 1
    if (length >= 0xc0) return at + 2
    if (length >= 0x40) return undefined
    at += 1 + length
  }
}

const isAddress = (type: number, length: number) =>
  (type === TYPES.A && length === 4) || (type === TYPES.AAAA && length === 16)

/** Reads an answer, in one pass; `undefined` for what is none, or is malformed or cut. */
export const answer = (message: Buffer): Answer | undefined => {
  if (message.length < HEADER_BYTES || (message.readUInt16BE(2) & RESPONSE) === 0) return undefined
  let at = HEADER_BYTES
  for (let questions = message.readUInt16BE(4); questions > 0; questions--) {
    const end = endOfName(message, at)
    if (end === undefined) return undefined
    at = end + QUESTION_BYTES
  }
  const addresses: Array<string> = []
  const services: Array<Service> = []
  for (let records = message.readUInt16BE(6); records > 0; records--) {
    const end = endOfName(message, at)
    if (end === undefined || end + RECORD_BYTES > message.length) return undefined
    const length = message.readUInt16BE(end + 8)
    const data = message.subarray(end + RECORD_BYTES, end + RECORD_BYTES + length)
    if (data.length < length) return undefined
    const type = message.readUInt16BE(end)
    const isOurs = message.readUInt16BE(end + 2) === INTERNET
    const address = isOurs && isAddress(type, length) ? ipText(data) : undefined
    if (address !== undefined) addresses.push(address)
    if (isOurs && type === TYPES.SRV) {
      const service = serviceAt(message, end + RECORD_BYTES, length)
      if (service === undefined) return undefined
      services.push(service)
    }
    at = end + RECORD_BYTES + length
  }
  return at > message.length ? undefined : { id: message.readUInt16BE(0), addresses, services }
}
