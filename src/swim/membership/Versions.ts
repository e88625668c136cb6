/**
 * Whether two tables can live together: every member, theirs and ours, must speak a protocol version that all living
 * members understand. memberlist: `verifyProtocol`.
 */
import { type RemoteEntry, RemoteState, VERSIONS_LENGTH } from "./Claim.ts"
import type { Entry } from "./Entry.ts"
import type { VersionedMap } from "./VersionedMap.ts"

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

type Ours = Pick<Entry, "name" | "state" | "vsn">
type Theirs = Pick<RemoteEntry, "name" | "state" | "vsn">

interface Range {
  min: number
  max: number
}

/** Compares a peer's table with ours before a merge; `undefined` when they agree. */
export const verify = (local: Iterable<Ours>, remote: ReadonlyArray<Theirs>): Mismatch | undefined => {
  // Two passes over up to a hundred thousand rows, which are not copied for it.
  const ours = Array.from(local)
  const ranges = KINDS.map((kind) => {
    const range: Range = { min: 0, max: 255 }
    for (const { state, vsn } of remote) if (state === RemoteState.alive) narrow(range, kind, vsn)
    for (const { state, vsn } of ours) if (state === "alive") narrow(range, kind, vsn)
    return { kind, range }
  })
  const outside = ({ name, vsn }: Ours | Theirs): Mismatch | undefined => {
    for (const { kind, range } of ranges) {
      const version = vsn.length < VERSIONS_LENGTH ? 0 : vsn[kind.current] ?? 0
      if (version >= range.min && version <= range.max) continue
      return {
        node: name,
        version: `${kind.label} ${version}`,
        expected: `${kind.label} ${range.min} to ${range.max}`
      }
    }
    return undefined
  }
  return firstOf(remote, outside) ?? firstOf(ours, outside)
}

const firstOf = <A>(
  all: ReadonlyArray<A>,
  outside: (one: A) => Mismatch | undefined
): Mismatch | undefined => {
  for (const one of all) {
    const found = outside(one)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * Whether a member speaks this protocol version now. One that is believed dead counts until it is forgotten, because what it
 * has to say may be that it is not.
 */
export const anySpeaks = (members: VersionedMap<Entry>, version: number): boolean =>
  members.some(({ state, vsn }) => vsn[2] === version && state !== "left")

/** The highest minimum and the lowest maximum of those alive. */
const narrow = (range: Range, kind: (typeof KINDS)[number], vsn: Uint8Array): void => {
  if (vsn.length < RANGES_LENGTH) return
  range.min = Math.max(range.min, vsn[kind.min] ?? 0)
  range.max = Math.min(range.max, vsn[kind.max] ?? 0)
}
