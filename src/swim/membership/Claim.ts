/**
 * What members say about members. Every membership message is a claim about one node at one incarnation of it; which
 * claim wins over what is already known is decided in `Precedence.ts`.
 *
 * Addresses, metadata and version vectors are byte strings, kept exactly as received: peers compare bytes.
 */

/** "This node lives here." Said by the node itself, then gossiped on by everybody. memberlist: `alive`. */
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
  /** The accuser. */
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
 * How far an alive claim may raise a known incarnation. An accusation must stay below: its answer is one higher, and must
 * itself be no jump for those who never heard the accusation. Otherwise one forged number would use up all incarnations.
 */
export const MAX_INCARNATION_JUMP = 2 ** 30

/** The longest metadata of a member, in bytes. memberlist: `MetaMaxSize`. */
export const MAX_META_LENGTH = 512

/**
 * The longest name of a member or an accuser, in UTF-16 units. memberlist has no limit, and would keep a claim that fits
 * no packet in its queue forever.
 */
export const MAX_NAME_LENGTH = 512

/** The length of a version vector in bytes. A claim without one would make every later push/pull fail (`Versions.ts`). */
export const VERSIONS_LENGTH = 6

/** Why an alive claim is refused before anything is compared. */
export type AliveDefect =
  | "IncarnationZero"
  | "VersionsMissing"
  | "VersionsInvalid"
  | "AddressInvalid"
  | "MetaTooLong"
  | "NameTooLong"

/**
 * What is wrong with an alive claim in itself, whatever we know about its node; `undefined` when it is sound. Stricter
 * than memberlist, which stores claims that later poison version checks, packets or the member list.
 */
export const aliveDefect = (claim: Alive): AliveDefect | undefined => {
  const { addr, incarnation, meta, vsn } = claim
  if (vsn.length < VERSIONS_LENGTH) return "VersionsMissing"
  const min = vsn[0] ?? 0
  const max = vsn[1] ?? 0
  if (min === 0 || max === 0 || min > max) return "VersionsInvalid"
  if (addr.length !== 4 && addr.length !== 16) return "AddressInvalid"
  if (meta !== null && meta.length > MAX_META_LENGTH) return "MetaTooLong"
  if (claim.node.length > MAX_NAME_LENGTH) return "NameTooLong"
  if (incarnation === 0) return "IncarnationZero"
  return undefined
}

/** What is wrong with an accusation in itself. */
export const accusationDefect = (claim: Suspect | Dead): "NameTooLong" | undefined =>
  claim.from.length > MAX_NAME_LENGTH ? "NameTooLong" : undefined
