/**
 * Which claims are old news: the rules would ignore them without any other effect. Most gossip is, because each member
 * hears each piece of news from several others, and so is most of what a stranger can make up. A caller who asks this
 * first spares the rest of the way.
 */
import * as Address from "../../base/Address.ts"
import * as Hearsay from "../recovery/Hearsay.ts"
import { type Alive, aliveDefect, type Dead, type NameDefect, nameDefect, type Suspect } from "./Claim.ts"
import { compare, get, type Membership } from "./Membership.ts"
import { decideDead, decideSuspect } from "./Precedence.ts"

/** What may still change the ruling on a claim before its turn comes. */
export interface Pending {
  /** Whether the application is asked about every alive claim. */
  readonly admits: boolean
  /** How many alive claims wait for their turn: any may be the news that makes an accusation matter. */
  readonly alives: number
}

/** Why a claim that just came can be ignored at once, as old news; `undefined` when it has to take its turn. */
export const ignorable = (
  m: Membership,
  claim: Alive | Suspect | Dead,
  { admits, alives }: Pending
): ReturnType<typeof oldNews | typeof oldAccusation> => {
  if (admits) return undefined
  if (claim._tag === "Alive") return oldNews(m, claim)
  return alives > 0 ? undefined : oldAccusation(m, claim)
}

/** Why an alive claim is old news; `undefined` when it has to be judged. */
export const oldNews = (m: Membership, claim: Alive): "OldIncarnation" | "SameIncarnation" | undefined => {
  if (claim.node === m.self) return undefined
  const previous = get(m, claim.node)
  if (previous === undefined || claim.incarnation > previous.incarnation) return undefined
  // it may be a sign of life of somebody who is held for dead
  if (previous.state === "dead" && m.lost.peers.length > 0) return undefined
  if (previous.port !== claim.port || !Address.sameBytes(previous.addr, claim.addr)) return undefined
  if (aliveDefect(claim) !== undefined) return undefined
  return claim.incarnation === previous.incarnation ? "SameIncarnation" : "OldIncarnation"
}

/** Why an accusation of another is old news, or about nobody; `undefined` when it has to be judged. */
export const oldAccusation = (
  m: Membership,
  claim: Suspect | Dead
): NameDefect | "UnknownMember" | "OldIncarnation" | "NotAlive" | "AlreadyGone" | undefined => {
  if (claim.node === m.self) return undefined
  const previous = get(m, claim.node)
  if (previous === undefined) {
    // an obituary of somebody that we are about to let in
    if (claim._tag === "Dead" && Hearsay.find(m.hearsay, claim.node) !== undefined) return undefined
    return nameDefect(claim.node) ?? "UnknownMember"
  }
  const comparison = compare(m, previous, claim)
  const ruling = claim._tag === "Suspect" ? decideSuspect(comparison) : decideDead(comparison)
  switch (ruling) {
    case "OldIncarnation":
    case "NotAlive":
    case "AlreadyGone":
      return ruling
    default:
      return undefined
  }
}
