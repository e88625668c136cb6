/**
 * What a member sends while no member comes, goes or changes, and what a change costs: probes, push/pull, and the
 * rumours that lost packets cause. memberlist's messages, byte by byte.
 *
 * @since 0.1.0
 */
import { pushPullScale, retransmitLimit } from "../../base/Scaling.ts"
import { errors } from "./Accuracy.ts"
import { datagrams, probe } from "./Chances.ts"
import type { Circumstances, Tuning } from "./Circumstances.ts"
import { occasions } from "./Spread.ts"

/** The headers of IPv4 and UDP. */
export const DATAGRAM_HEADERS = 28

/** Version byte, nonce and tag of an encrypted message. */
const ENCRYPTION = 29
/** What an encrypted stream message has more: its type and its length. */
const STREAM_ENCRYPTION = ENCRYPTION + 5
/** The part of a compound message that belongs to one part of it. */
const PART = 2

/** Messages without the texts in them, with a sequence number of four bytes. */
const PING = 59
const INDIRECT_PING = 85
const ACK = 22
const NACK = 13
const ALIVE = 57
const SUSPECT = 26
/** A row of a push/pull, and what is in front of them. */
const ROW = 60
const LIST = 29

/** msgpack has one byte for the length of a text of up to 31 bytes, and three for that of a longer one. */
const textBytes = (length: number): number => length + (length <= 31 ? 1 : 3)

/** Metadata is a text, which need not be there. */
const metaBytes = (length: number): number => length === 0 ? 0 : textBytes(length)

/** Bytes of news that a packet has room for, with the default `udpBufferSize`. */
const PACKET = 1300

/** The part of its transmissions that a suspicion has had when its refutation replaces it. */
const TOLD = 0.5

/** What a member sends in a second. */
export interface Traffic {
  /** UDP datagrams. */
  readonly packets: number
  /** Bytes, with the headers of IPv4 and UDP of each datagram, and without those of TCP; and of what they are. */
  readonly bytes: number
  readonly probeBytes: number
  readonly pushPullBytes: number
  readonly newsBytes: number
  /** The part of the room for news that rumours take: from 1 on they never end, and refutations come too late. */
  readonly newsLoad: number
  /** Bytes that each join, leave, failure or change of metadata of any member costs, once. */
  readonly changeBytes: number
}

/** What a member sends. */
export const traffic = (tuning: Tuning, circumstances: Circumstances): Traffic => {
  const { encrypted, members } = circumstances
  const { gossipInterval, gossipNodes, probeInterval, pushPullInterval, retransmitMult } = tuning
  const name = textBytes(circumstances.nameBytes)
  const around = DATAGRAM_HEADERS + (encrypted ? ENCRYPTION : 0)
  const perSecond = 1000 / probeInterval

  const { unanswered } = probe(tuning, circumstances)
  const { acks, nacks, pings, requests } = datagrams(tuning, circumstances)
  const udpBytes = pings * (PING + 2 * name) + acks * ACK + requests * (INDIRECT_PING + 2 * name) + nacks * NACK
  const probePackets = pings + acks + requests + nacks
  const streamPing = unanswered * (PING + 2 * name + ACK + (encrypted ? 2 * STREAM_ENCRYPTION : 0))
  const probeBytes = perSecond * (streamPing + udpBytes + probePackets * around)

  const row = ROW + name + metaBytes(circumstances.metaBytes)
  const list = LIST + members * row + (encrypted ? STREAM_ENCRYPTION : 0)
  const pushPullBytes = pushPullInterval === 0 ? 0 : 2 * list * 1000 / pushPullScale(pushPullInterval, members)

  // the refutation of a false suspicion is a rumour, and replaces the suspicion, of which a part has been told then
  const times = retransmitLimit(retransmitMult, members)
  const wrong = members * errors(tuning, circumstances).suspected
  const rumours = wrong * (1 + TOLD)
  const alive = ALIVE + name + metaBytes(circumstances.metaBytes)
  const rumourBytes = 1000 * wrong * times * (alive + PART + TOLD * (SUSPECT + 2 * name + PART))
  const ticks = Math.min(gossipNodes, members - 1) / gossipInterval
  const all = occasions(tuning, circumstances)
  // a member has something to say as long as it takes to say it often enough
  const busy = 1 - Math.exp(-rumours * times / all)
  const newsPackets = ticks * 1000 * busy
  const newsBytes = rumourBytes + newsPackets * around

  return {
    packets: perSecond * probePackets + newsPackets,
    bytes: probeBytes + pushPullBytes + newsBytes,
    probeBytes,
    pushPullBytes,
    newsBytes,
    newsLoad: rumourBytes / (1000 * all * PACKET),
    changeBytes: times * (alive + ticks / all * around)
  }
}
