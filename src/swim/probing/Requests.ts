/**
 * Which pings and indirect pings of others are served, and where the answer goes. Anybody can ask, at any rate, and
 * have the answer sent anywhere; so members come first, strangers share a limited part, and nobody is answered who has
 * given up waiting.
 */
import * as Address from "../../base/Address.ts"

/** Pings and indirect pings of one datagram that are answered. A correct peer sends one. */
export const MAX_REQUESTS_PER_PACKET = 2

/** Requests of members, and of strangers, that may wait to be answered; the oldest make room. */
export const MAX_WAITING = 256

/**
 * Requests in a second that are answered although they come from no member's address: from members that we have not
 * heard of yet, and from those behind an address translation.
 */
export const STRANGERS_PER_SECOND = 1_000

/** How many of these at once. */
export const STRANGERS_AT_ONCE = 200

/** Relays at one time for one member's address. A member has one probe at a time, and asks each helper once. */
export const MAX_PER_MEMBER = 16

/** Relays at one time for all others together. */
export const MAX_FOR_STRANGERS = 128

/** Where a request says that it comes from; older peers say nothing. */
export interface Source {
  readonly sourceAddr: Uint8Array
  readonly sourcePort: number
  readonly sourceNode: string
}

/** Whether a ping was meant for somebody else, who had our address before. One that names nobody is for us. */
export const isForAnother = (wanted: string, self: string): boolean => wanted !== "" && wanted !== self

const namesSource = ({ sourceAddr, sourcePort }: Source): boolean => sourceAddr.length > 0 && sourcePort !== 0

/**
 * Whether a request comes first, as those of members do. A member wants its answers where it is; who wants them
 * elsewhere could be anybody's flood.
 */
export const comesFirst = (request: Source, from: Address.PeerAddress, fromMember: boolean): boolean =>
  fromMember && !(namesSource(request)
    && (request.sourcePort !== from.port || Address.ipText(request.sourceAddr) !== from.ip))

/**
 * Whether its sender has given up: helpers are asked after this time, and a backlog served in full is served late in
 * full.
 */
export const isTooLate = (waited: number, probeTimeout: number): boolean => waited > probeTimeout

/**
 * Where the sender of a request wants its answer: what it says, else where the packet came from, whose address was
 * checked before it was read. `undefined` where it may not be sent, so that nobody can be flooded with our answers to
 * forged pings.
 */
export const answerTo = (
  request: Source,
  from: Address.PeerAddress,
  contactAllowed: (addr: Uint8Array) => boolean
): Address.PeerAddress | undefined => {
  const name = request.sourceNode
  const ip = namesSource(request) ? Address.ipText(request.sourceAddr) : undefined
  if (ip === undefined) return { ...from, name }
  return contactAllowed(request.sourceAddr) ? { ip, port: request.sourcePort, name } : undefined
}

/**
 * Who shares one part of the relays: a member's address by itself, and all strangers together (no address reads so).
 */
export const accountOf = (from: Address.PeerAddress, isMember: boolean): string => isMember ? Address.format(from) : ""

/** The relays of this moment. */
export interface Load {
  /** Those of the account that asks, and whether it is a member's. */
  readonly own: number
  readonly isMember: boolean
  /** All of them, and how many there may be. */
  readonly all: number
  readonly most: number
}

/** Why a target is not pinged for somebody else; `undefined` when it is. */
export const relayRefusal = (
  target: Uint8Array,
  contactAllowed: (addr: Uint8Array) => boolean,
  load: Load
): "InvalidAddress" | "TargetNotAllowed" | "TooManyRelays" | undefined => {
  if (Address.ipText(target) === undefined) return "InvalidAddress"
  if (!contactAllowed(target)) return "TargetNotAllowed"
  return isCrowded(load) ? "TooManyRelays" : undefined
}

/** Whether one relay more is too many. Half of the places are for accounts that have none yet. */
const isCrowded = ({ all, isMember, most, own }: Load): boolean =>
  all >= most || (all >= most / 2 && own > 0) || own >= (isMember ? MAX_PER_MEMBER : MAX_FOR_STRANGERS)
