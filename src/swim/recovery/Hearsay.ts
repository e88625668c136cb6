/**
 * What others say about members that we do not know, and that nobody has verified yet: rows of their lists. It is kept
 * apart from the table, so that it is neither published nor passed on, until a probe or somebody else confirms it. What
 * could not be confirmed is remembered for a while, so that it is not probed again with each list.
 *
 * In memberlist every row is believed at once. There, one member that missed an obituary brings the dead one back to
 * everybody who has forgotten it (memberlist #312).
 */
import { ipBytes, sameBytes } from "../../base/Address.ts"
import { VersionedMap } from "../../base/VersionedMap.ts"
import { type RemoteEntry, RemoteState } from "../membership/Claim.ts"

/** A row that waits for its probe, or is being probed. */
export interface Unverified {
  readonly row: RemoteEntry
  /** The address of whoever said so: its IP alone, because a stream's port says nothing. */
  readonly from: string
  readonly probing: boolean
}

/** A row that nothing confirmed. */
export interface Refuted {
  readonly name: string
  readonly addr: Uint8Array
  readonly port: number
  /** A higher one is news. */
  readonly incarnation: number
  /** Until when it is remembered, in monotonic milliseconds. */
  readonly until: number
}

export interface Hearsay {
  /** By name, first come first. */
  readonly unverified: VersionedMap<Unverified>
  /** By name, those that are remembered longest last. */
  readonly refuted: VersionedMap<Refuted>
}

/** How many rows are probed at one time. */
export const MAX_PROBES = 64

/** How many rows are kept that wait for their probe, or are being probed. */
export const MAX_UNVERIFIED = 4096

/** How many of them may be of one source, so that one that makes up rows leaves places to others. */
export const MAX_OF_SOURCE = 2048

/** How many are remembered that nothing confirmed; the latest stay. */
export const MAX_REFUTED = 1024

/** How long they are remembered, in milliseconds. */
export const REFUTED_TIME = 60_000

export const none: Hearsay = { unverified: VersionedMap.empty(), refuted: VersionedMap.empty() }

/** Who sent a list. */
export interface Source {
  readonly ip: string
  /** The row that the sender has about itself, if it can be told which one that is. */
  readonly own: RemoteEntry | undefined
}

/**
 * Who sent a list that came from this IP, and from this port if we asked there: that of a stream which a peer opened
 * says nothing. A list does not name its sender; its own row is the only live one with its address. Several nodes may
 * share an address. Then it cannot be told, and no row is the sender's own, which costs a probe.
 */
export const sourceOf = (rows: ReadonlyArray<RemoteEntry>, ip: string, port?: number): Source => {
  const addr = ipBytes(ip)
  const own = addr === undefined ?
    [] :
    rows.filter((row) =>
      row.state === RemoteState.alive && (port === undefined || row.port === port) && sameBytes(row.addr, addr)
    )
  return { ip, own: own.length === 1 ? own[0] : undefined }
}

const isSamePlace = (
  a: Pick<RemoteEntry, "addr" | "port">,
  b: Pick<RemoteEntry, "addr" | "port">
): boolean => a.port === b.port && sameBytes(a.addr, b.addr)

/** What becomes of a row about an unknown member. */
export type Ruling =
  /** Somebody else said so before: it is believed, at the higher incarnation of the two. */
  | { readonly _tag: "Confirmed"; readonly row: RemoteEntry }
  /** It is kept until something confirms it. */
  | { readonly _tag: "Kept" }
  /** It is not even probed. */
  | { readonly _tag: "Dropped"; readonly reason: "HearsayElsewhere" | "HearsayRefuted" | "HearsayTooMuch" }

const kept: Ruling = { _tag: "Kept" }
const dropped = (reason: Extract<Ruling, { _tag: "Dropped" }>["reason"]): Ruling => ({ _tag: "Dropped", reason })

/** Rules on the rows of one list in order. `now`: monotonic milliseconds. */
export const reading = (
  hearsay: Hearsay,
  source: string,
  now: number
): { readonly read: (row: RemoteEntry) => Ruling; readonly end: () => Hearsay } => {
  let { unverified } = hearsay
  // counted when it is needed: most lists name nobody that we do not know
  let ofSource: number | undefined
  const count = (): number => unverified.values().filter(({ from }) => from === source).length
  return {
    read: (row) => {
      const known = unverified.get(row.name)
      if (known !== undefined) {
        // one of the two is wrong; whichever is right comes again
        if (!isSamePlace(known.row, row)) return dropped("HearsayElsewhere")
        const newer = row.incarnation > known.row.incarnation ? row : known.row
        const confirmed = known.from !== source
        unverified = unverified.with(row.name, confirmed ? undefined : { ...known, row: newer })
        return confirmed ? { _tag: "Confirmed", row: newer } : kept
      }
      if (isRefuted(hearsay, row, now)) return dropped("HearsayRefuted")
      ofSource ??= count()
      if (unverified.size >= MAX_UNVERIFIED || ofSource >= MAX_OF_SOURCE) return dropped("HearsayTooMuch")
      ofSource++
      unverified = unverified.with(row.name, { row, from: source, probing: false })
      return kept
    },
    end: () => unverified === hearsay.unverified ? hearsay : { ...hearsay, unverified }
  }
}

/** Whether this was found wrong lately. */
const isRefuted = ({ refuted }: Hearsay, row: RemoteEntry, now: number): boolean => {
  const known = refuted.get(row.name)
  return known !== undefined && now < known.until && row.incarnation <= known.incarnation && isSamePlace(known, row)
}

/** What is said about a member. */
export const find = ({ unverified }: Hearsay, name: string): Unverified | undefined => unverified.get(name)

/** Forgets what is said about a member. */
export const remove = (hearsay: Hearsay, name: string): Hearsay => {
  const unverified = hearsay.unverified.with(name, undefined)
  return unverified === hearsay.unverified ? hearsay : { ...hearsay, unverified }
}

/**
 * The row to be probed next, marked as being probed, if there may be one more probe. Of the sources it is the one of
 * which the fewest are being probed, so that rows that somebody made up hold up nobody else's.
 */
export const take = (hearsay: Hearsay): readonly [Hearsay, RemoteEntry | undefined] => {
  const all = hearsay.unverified.values()
  const probes = new Map<string, number>()
  const first = new Map<string, Unverified>()
  let probing = 0
  for (const one of all) {
    if (one.probing) {
      probing++
      probes.set(one.from, (probes.get(one.from) ?? 0) + 1)
    } else if (!first.has(one.from)) first.set(one.from, one)
  }
  if (probing >= MAX_PROBES) return [hearsay, undefined]
  let next: Unverified | undefined
  let fewest = Infinity
  for (const [from, one] of first) {
    const own = probes.get(from) ?? 0
    if (own >= fewest) continue
    next = one
    fewest = own
  }
  if (next === undefined) return [hearsay, undefined]
  const { row } = next
  return [{ ...hearsay, unverified: hearsay.unverified.with(row.name, { ...next, probing: true }) }, row]
}

/** Forgets what is said about a member, and remembers that it is wrong. */
export const refute = (hearsay: Hearsay, name: string, now: number): Hearsay => {
  const found = find(hearsay, name)
  if (found === undefined) return hearsay
  const { addr, incarnation, port } = found.row
  // what is remembered anew is remembered longest, and comes last
  let refuted = hearsay.refuted.with(name, undefined)
  for (const oldest of refuted.size < MAX_REFUTED ? [] : refuted.values()) {
    if (refuted.size < MAX_REFUTED) break
    refuted = refuted.with(oldest.name, undefined)
  }
  refuted = refuted.with(name, { name, addr, port, incarnation, until: now + REFUTED_TIME })
  return { ...remove(hearsay, name), refuted }
}
