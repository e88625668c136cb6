/**
 * Whether two tables can live together: every member, theirs and ours, must speak a protocol version that all living
 * members understand. memberlist: `verifyProtocol`.
 *
 * A row without versions, or with versions that contradict themselves, is left out: the merge ignores it, and
 * memberlist, which may have stored it, would refuse every exchange for as long as it remembers it.
 */
import type { VersionedMap } from "../../base/VersionedMap.ts"
import { type RemoteEntry, RemoteState, versionsDefect } from "./Claim.ts"
import type { Entry } from "./Entry.ts"

/** The protocol, or the delegate's. */
export type Kind = "protocol" | "delegate protocol"

/** What a member speaks, and the range that it understands. */
export interface Speaker {
  readonly name: string
  readonly current: number
  readonly min: number
  readonly max: number
}

/** The first member found that speaks a version which a living member does not understand. */
export interface Mismatch {
  readonly kind: Kind
  readonly member: Speaker
  readonly other: Speaker
}

/** Where a vector keeps the protocol range and the delegate's. */
const KINDS = [
  { label: "protocol", min: 0, max: 1, current: 2 },
  { label: "delegate protocol", min: 3, max: 4, current: 5 }
] as const

type Place = (typeof KINDS)[number]
type Ours = Pick<Entry, "name" | "state" | "vsn">
type Theirs = Pick<RemoteEntry, "name" | "state" | "vsn">

/** A version of our table. */
interface Table {
  readonly values: () => Iterable<Ours>
}

/** All who have the same versions: thousands of members have a handful of vectors. */
interface Group {
  readonly vsn: Uint8Array
  readonly first: string
  /** The first of them who is alive: only the living set the range. */
  living: string | undefined
}

/** The six bytes as one number. */
const keyOf = (vsn: Uint8Array): number => {
  let key = 0
  for (let i = 0; i < 6; i++) key = key * 256 + (vsn[i] ?? 0)
  return key
}

/** The groups of a table, in the order of their first members. */
const groupsOf = <S>(
  rows: Iterable<{ readonly name: string; readonly state: S; readonly vsn: Uint8Array }>,
  alive: S
): ReadonlyArray<Group> => {
  const groups = new Map<number, Group>()
  let previous: Group | undefined
  for (const { name, state, vsn } of rows) {
    // Members share one vector in memory, mostly.
    let group = previous?.vsn === vsn ? previous : undefined
    if (group === undefined) {
      if (versionsDefect(vsn) !== undefined) continue
      const key = keyOf(vsn)
      group = groups.get(key)
      if (group === undefined) groups.set(key, group = { vsn, first: name, living: undefined })
    }
    if (state === alive) group.living ??= name
    previous = group
  }
  return Array.from(groups.values())
}

/** Weak, because an older version of the table keeps all that has changed since alive. */
const known = new WeakMap<Table, ReadonlyArray<Group>>()

/**
 * Our groups, found once for each version of the table: anybody can ask for a push/pull with a message of a few bytes.
 */
const oursOf = (table: Table): ReadonlyArray<Group> => {
  let groups = known.get(table)
  if (groups === undefined) known.set(table, groups = groupsOf(table.values(), "alive"))
  return groups
}

/** Compares a peer's table with ours before a merge; `undefined` when they agree. */
export const verify = (local: Table, remote: ReadonlyArray<Theirs>): Mismatch | undefined => {
  const groups = [...groupsOf<number>(remote, RemoteState.alive), ...oursOf(local)]
  const limits = KINDS.map((kind) => ({ kind, ...limitsOf(groups, kind) }))
  for (const group of groups) {
    for (const { highest, kind, lowest } of limits) {
      const version = group.vsn[kind.current] ?? 0
      const other = highest !== undefined && version < at(highest, kind.min)
        ? highest
        : lowest !== undefined && version > at(lowest, kind.max)
        ? lowest
        : undefined
      if (other !== undefined) {
        const member = speaker(group, group.first, kind)
        return { kind: kind.label, member, other: speaker(other, other.living ?? other.first, kind) }
      }
    }
  }
  return undefined
}

const at = ({ vsn }: Group, place: number): number => vsn[place] ?? 0

/** The living with the highest minimum, and those with the lowest maximum. */
const limitsOf = (groups: ReadonlyArray<Group>, { max, min }: Place) => {
  let highest: Group | undefined
  let lowest: Group | undefined
  for (const group of groups) {
    if (group.living === undefined) continue
    if (highest === undefined || at(group, min) > at(highest, min)) highest = group
    if (lowest === undefined || at(group, max) < at(lowest, max)) lowest = group
  }
  return { highest, lowest }
}

const speaker = (group: Group, name: string, { current, max, min }: Place): Speaker => ({
  name,
  current: at(group, current),
  min: at(group, min),
  max: at(group, max)
})

/**
 * Whether a member speaks this protocol version now. One that is believed dead counts until it is forgotten, because
 * what it has to say may be that it is not.
 */
export const anySpeaks = (members: VersionedMap<Entry>, version: number): boolean =>
  members.values().some(({ state, vsn }) => vsn[2] === version && state !== "left")

// What members can do, by the highest protocol version that they announce (2 to 5 differ in nothing else).

const maxVersion = ({ vsn }: Pick<Entry, "vsn">): number => vsn[1] ?? 0

/** Whether a member answers a ping over a stream. */
export const answersStreamPing = (member: Pick<Entry, "vsn">): boolean => maxVersion(member) >= 3

/** Whether a member that helps with a probe can nack. */
export const canNack = (member: Pick<Entry, "vsn">): boolean => maxVersion(member) >= 4

/** Whether a member understands a packet with a checksum. */
export const readsChecksum = (member: Pick<Entry, "vsn">): boolean => maxVersion(member) >= 5
