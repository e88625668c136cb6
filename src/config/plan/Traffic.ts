/**
 * What a member sends while no member comes, goes or changes, and what a change costs: probes, push/pull, and the
 * rumours that lost packets cause. memberlist's messages, byte by byte.
 *
 * @since 0.1.0
 */
import { pushPullScale, retransmitLimit } from "../../base/Scaling.ts"
import { errors, probe } from "./Accuracy.ts"
import type { Circumstances, Tuning } from "./Circumstances.ts"
import { occasions } from "./Spread.ts"

/** The headers of IPv4 and UDP. */
export const DATAGRAM_HEADERS = 28

/** Version byte, nonce and tag of an encrypted message. */
const ENCRYPTION = 29
/** What an encrypted stream message has more: its type and its length. */
const STREAM_ENCRYPTION = ENCRYPTION + 5
/** The checksum of a packet in clear. */
const CHECKSUM = 5
/** The part of a compound message that belongs to one part of it. */
const PART = 2

/** Messages without the texts in them, with a sequence number of four bytes. */
const PING = 59
const INDIRECT_PING = 85
const ACK = 22
const NACK = 13
const ALIVE = 57
const SUSPECT = 27
/** A row of a push/pull, and what is in front of them. */
const ROW = 60
const LIST = 29

/** msgpack has one byte for the length of a text of up to 31 bytes, and three for that of a longer one. */
const textBytes = (length: number): number => length + (length <= 31 ? 1 : 3)

/** Metadata is a text, which need not be there. */
const metaBytes = (length: number): number => length === 0 ? 0 : textBytes(length)

/** What a member sends in a second. */
export interface Traffic {
  /** UDP datagrams. */
  readonly packets: number
  /** Bytes, with the headers of IPv4 and UDP of each datagram, and without those of TCP; and of what they are. */
  readonly bytes: number
  readonly probeBytes: number
  readonly pushPullBytes: number
  readonly newsBytes: number
  /** Bytes that each join, leave, failure or change of metadata of any member costs, once. */
  readonly changeBytes: number
}

/** What a member sends. */
export const traffic = (tuning: Tuning, circumstances: Circumstances): Traffic => {
  const { encrypted, loss, members } = circumstances
  const { gossipInterval, gossipNodes, probeInterval, pushPullInterval, retransmitMult } = tuning
  const name = textBytes(circumstances.nameBytes)
  const around = DATAGRAM_HEADERS + (encrypted ? ENCRYPTION : CHECKSUM)
  const through = 1 - loss
  const perSecond = 1000 / probeInterval

  const { helpers, unanswered } = probe(tuning, circumstances)
  const asked = unanswered * helpers
  const relayed = asked * through
  const nacks = relayed * (1 - through ** 2) * through
  const sent = [
    [1 + relayed, PING + 2 * name],
    [through + relayed * through + relayed * through ** 2, ACK],
    [asked, INDIRECT_PING + 2 * name],
    [nacks, NACK]
  ] as const
  const probePackets = perSecond * sent.reduce((sum, [count]) => sum + count, 0)
  const streamPing = unanswered * (PING + 2 * name + ACK + (encrypted ? 2 * STREAM_ENCRYPTION : 0))
  const probeBytes = perSecond * (streamPing + sent.reduce((sum, [count, bytes]) => sum + count * (bytes + around), 0))

  const row = ROW + name + metaBytes(circumstances.metaBytes)
  const list = LIST + members * row + (encrypted ? STREAM_ENCRYPTION : 0)
  const pushPullBytes = pushPullInterval === 0 ? 0 : 2 * list * 1000 / pushPullScale(pushPullInterval, members)

  // each false suspicion is a rumour that its refutation follows
  const times = retransmitLimit(retransmitMult, members)
  const rumours = 2 * members * errors(tuning, circumstances).suspected * 1000
  const alive = ALIVE + name + metaBytes(circumstances.metaBytes)
  const rumourBytes = rumours / 2 * times * (alive + SUSPECT + 2 * name + 2 * PART)
  const ticks = Math.min(gossipNodes, members - 1) / gossipInterval
  const all = occasions(tuning, members)
  // a member has something to say as long as it takes to say it often enough
  const busy = 1 - Math.exp(-rumours * times / (1000 * all))
  const newsPackets = ticks * 1000 * busy
  const newsBytes = rumourBytes + newsPackets * around

  return {
    packets: probePackets + newsPackets,
    bytes: probeBytes + pushPullBytes + newsBytes,
    probeBytes,
    pushPullBytes,
    newsBytes,
    changeBytes: times * (alive + ticks / all * around)
  }
}
