/**
 * One line of the member table.
 */
import type { PeerAddress } from "../../base/Address.ts"
import type { MemberState } from "../../Member.ts"
import type { Suspicion } from "../suspicion/Suspicion.ts"

/** What we know about one member. */
export interface Entry {
  readonly name: string
  /** The 4 or 16 address bytes it announced. */
  readonly addr: Uint8Array
  readonly port: number
  /** The same address for people and sockets. */
  readonly endpoint: PeerAddress
  readonly meta: Uint8Array | null
  /** `[PMin, PMax, PCur, DMin, DMax, DCur]` */
  readonly vsn: Uint8Array
  readonly incarnation: number
  readonly state: MemberState
  /** When `state` last changed, in milliseconds on the monotonic clock. */
  readonly stateChangedAt: number
  /** Present exactly while the state is `suspect`. */
  readonly suspicion: Suspicion | undefined
}

/** Whether the entry is only remembered: dead or left. */
export const isGone = (entry: Entry): boolean => entry.state === "dead" || entry.state === "left"
