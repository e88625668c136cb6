/**
 * Whether two tables can live together: every member, theirs and ours, must speak a protocol version that all living
 * members understand. memberlist: `verifyProtocol`.
 */
import { type RemoteEntry, RemoteState, VERSIONS_LENGTH } from "./Claim.ts"
import type { Entry } from "./Membership.ts"

/** The first member found that speaks a version outside the common range. */
export interface Mismatch {
  readonly node: string
  /** What it speaks, such as `protocol 5`. */
  readonly version: string
  /** The common range, such as `protocol 1 to 3`. */
  readonly expected: string
}

/** Where a vector keeps the protocol range and the delegate's. */
const KINDS = [
  { label: "protocol", min: 0, max: 1, current: 2 },
  { label: "delegate protocol", min: 3, max: 4, current: 5 }
] as const

/** The shortest vector whose ranges count; a shorter one is also taken to speak version 0. */
const RANGES_LENGTH = 5

/** What of a member matters here. */
interface Speaker {
  readonly name: string
  readonly vsn: Uint8Array
  readonly alive: boolean
}

interface Range {
  readonly min: number
  readonly max: number
}

/** Compares a peer's table with ours before a merge; `undefined` when they agree. */
export const verify = (
  local: Iterable<Pick<Entry, "name" | "state" | "vsn">>,
  remote: ReadonlyArray<Pick<RemoteEntry, "name" | "state" | "vsn">>
): Mismatch | undefined => {
  const speakers: Array<Speaker> = []
  for (const { name, state, vsn } of remote) speakers.push({ name, vsn, alive: state === RemoteState.alive })
  for (const { name, state, vsn } of local) speakers.push({ name, vsn, alive: state === "alive" })
  const ranges = KINDS.map((kind) => ({ kind, range: commonRange(speakers, kind) }))
  for (const { name, vsn } of speakers) {
    for (const { kind, range } of ranges) {
      const version = vsn.length < VERSIONS_LENGTH ? 0 : vsn[kind.current] ?? 0
      if (version >= range.min && version <= range.max) continue
      return {
        node: name,
        version: `${kind.label} ${version}`,
        expected: `${kind.label} ${range.min} to ${range.max}`
      }
    }
  }
  return undefined
}

/** The highest minimum and the lowest maximum of those alive. */
const commonRange = (speakers: ReadonlyArray<Speaker>, kind: (typeof KINDS)[number]): Range => {
  let min = 0
  let max = 255
  for (const { alive, vsn } of speakers) {
    if (!alive || vsn.length < RANGES_LENGTH) continue
    min = Math.max(min, vsn[kind.min] ?? 0)
    max = Math.min(max, vsn[kind.max] ?? 0)
  }
  return { min, max }
}
