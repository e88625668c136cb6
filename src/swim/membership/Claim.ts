/**
 * What members say about members. Every membership message is a claim about one node at one incarnation of it; which
 * claim wins over what is already known is decided in `Precedence.ts`.
 *
 * Addresses, metadata and version vectors are byte strings, kept exactly as received: peers compare bytes.
 */
import { MAX_META } from "../../base/Limits.ts"

/** "This node lives here." Announced by the node itself, then gossiped on by everybody. memberlist: `alive`. */
export interface Alive {
  readonly _tag: "Alive"
  readonly incarnation: number
  readonly node: string
  /** 4 or 16 address bytes. */
  readonly addr: Uint8Array
  readonly port: number
  readonly meta: Uint8Array | null
  /** `[PMin, PMax, PCur, DMin, DMax, DCur]` */
  readonly vsn: Uint8Array
}

/** "This node did not answer me." memberlist: `suspect`. */
export interface Suspect {
  readonly _tag: "Suspect"
  readonly incarnation: number
  readonly node: string
  /** The accuser: any text, also one that no member could have as its name. */
  readonly from: string
}

/** "This node is gone": it left when `from` is the node itself, else it was declared dead. memberlist: `dead`. */
export interface Dead {
  readonly _tag: "Dead"
  readonly incarnation: number
  readonly node: string
  readonly from: string
}

export type Claim = Alive | Suspect | Dead

/** One row of a peer's table, as a push/pull carries it. memberlist: `pushNodeState`. */
export interface RemoteEntry {
  readonly name: string
  readonly addr: Uint8Array
  readonly port: number
  readonly meta: Uint8Array | null
  readonly incarnation: number
  /** One of `RemoteState`; any other number is ignored. */
  readonly state: number
  readonly vsn: Uint8Array
}

/** The numbers that stand for a state in a push/pull. memberlist: `NodeStateType`. */
export const RemoteState = { alive: 0, suspect: 1, dead: 2, left: 3 } as const

/** Incarnations are unsigned 32-bit numbers; ours stops here instead of wrapping to 0, which peers would ignore. */
export const MAX_INCARNATION = 0xffff_ffff

/**
 * How far an alive claim may raise a known incarnation. An accusation must stay below: its answer is one higher, and
 * must itself be no jump for those who never heard the accusation. Otherwise one forged number would use up all
 * incarnations.
 */
export const MAX_INCARNATION_JUMP = 2 ** 30

/**
 * The longest name of a member, in bytes of UTF-8. memberlist has no limit, and would keep a claim that fits no packet
 * in its queue forever.
 */
export const MAX_NAME_LENGTH = 512

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000

/** The bytes of a name. A broken half of a pair stands for one byte that is not UTF-8 (`MessagePackText`). */
const bytesOf = (name: string): number => {
  let bytes = 0
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i)
    if (isHigh(unit) && isLow(name.charCodeAt(i + 1))) {
      bytes += 4
      i++
    } else bytes += unit < 0x80 || isHigh(unit) || isLow(unit) ? 1 : unit < 0x800 ? 2 : 3
  }
  return bytes
}

const isLong = (name: string): boolean =>
  name.length > MAX_NAME_LENGTH || (3 * name.length > MAX_NAME_LENGTH && bytesOf(name) > MAX_NAME_LENGTH)

/** Why nobody of this name can be a member here. */
export type NameDefect = "NameInvalid" | "NameTooLong"

/** What is wrong with the name of a member. Bytes that are not UTF-8 come as text that is not well-formed. */
export const nameDefect = (name: string): NameDefect | undefined => {
  if (isLong(name)) return "NameTooLong"
  return name.isWellFormed() ? undefined : "NameInvalid"
}

/** The length of a version vector in bytes. */
export const VERSIONS_LENGTH = 6

/**
 * What is wrong with a version vector. memberlist stores some of these, and then no push/pull with that member in a
 * list succeeds any more.
 */
export const versionsDefect = (vsn: Uint8Array): "VersionsMissing" | "VersionsInvalid" | undefined => {
  if (vsn.length < VERSIONS_LENGTH) return "VersionsMissing"
  const min = vsn[0] ?? 0
  const max = vsn[1] ?? 0
  return min === 0 || max === 0 || min > max ? "VersionsInvalid" : undefined
}

/** Why an alive claim is refused before anything is compared. */
export type AliveDefect =
  | "IncarnationZero"
  | "VersionsMissing"
  | "VersionsInvalid"
  | "AddressInvalid"
  | "MetaTooLong"
  | NameDefect

/**
 * What is wrong with an alive claim in itself, whatever we know about its node; `undefined` when it is sound. Stricter
 * than memberlist, which stores claims that later poison version checks, packets or the member list.
 */
export const aliveDefect = (claim: Alive): AliveDefect | undefined => {
  const { addr, incarnation, meta, vsn } = claim
  const versions = versionsDefect(vsn)
  if (versions !== undefined) return versions
  if (addr.length !== 4 && addr.length !== 16) return "AddressInvalid"
  if (meta !== null && meta.length > MAX_META) return "MetaTooLong"
  const name = nameDefect(claim.node)
  if (name !== undefined) return name
  return incarnation === 0 ? "IncarnationZero" : undefined
}

/** Begins what stands for a long accuser. As it is not well-formed, no member has that name. */
const DIGEST = "\udcff"

/** FNV-1a over UTF-16 units. */
const hash = (text: string, seed: number): string => {
  let value = seed
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return (value >>> 0).toString(16).padStart(8, "0")
}

/**
 * Returns the accusation with an accuser that can be kept and passed on. Whoever accuses counts, as in memberlist,
 * whatever its name; but a name that fits no packet would stay in the queue forever, so a digest stands for it, always
 * the same for the same name.
 */
export const withAccuser = <C extends Suspect | Dead>(claim: C): C => {
  const { from } = claim
  if (!isLong(from)) return claim
  return { ...claim, from: DIGEST + hash(from, 0x811c9dc5) + hash(from, 0x050c5d1f) }
}
