/**
 * What members can do, by the highest protocol version that they announce (2 to 5 differ in nothing else).
 */
import type { Entry } from "./Entry.ts"

type Speaker = Pick<Entry, "vsn">

const maxVersion = ({ vsn }: Speaker): number => vsn[1] ?? 0

/** Whether a member answers a ping over a stream. */
export const answersStreamPing = (member: Speaker): boolean => maxVersion(member) >= 3

/** Whether a member that helps with a probe can nack. */
export const canNack = (member: Speaker): boolean => maxVersion(member) >= 4

/** Whether a member understands a packet with a checksum. */
export const readsChecksum = (member: Speaker): boolean => maxVersion(member) >= 5
