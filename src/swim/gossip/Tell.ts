/**
 * What is sent straight to the member it concerns, beside the gossip: a refutation to the accuser, an accusation to the
 * accused. Gossip reaches everybody some time, but where the table is full of members that somebody made up it is spent
 * on them, and a suspicion does not wait.
 *
 * It goes to the address that our table has for the member, never to one that a packet names, and not often: who forges
 * claims decides how many there are to answer, and could make us flood a stranger that it announced as a member.
 */
import type { Claim } from "../membership/Claim.ts"
import { type Env, get, type Membership, type Step } from "../membership/Membership.ts"

/** A member is told of one node once in this time, in milliseconds. */
export const TELL_INTERVAL = 1000

/** How many claims are told within one interval to members heard from first-hand, and how many to the others. */
export const MAX_TELLS = 16

/** Tells the member of this name, if it is there: not ourselves, nor one that left. */
export const tell = (m: Membership, name: string, claim: Claim, { firstHand, now }: Env): Step => {
  const member = get(m, name)
  if (member === undefined || name === m.self || member.state === "left") return [m, []]
  const about = claim.node
  const recent = m.told.filter(({ at }) => now - at < TELL_INTERVAL)
  if (recent.some((told) => told.member === name && told.about === about)) {
    return [m, [{ _tag: "Untold", reason: "TooSoon" }]]
  }
  const known = firstHand?.stands(name) === true
  // each kind has its share, so that strangers by the thousand do not take that of the real ones
  const alike = recent.filter((told) => told.firstHand === known)
  if (alike.length >= MAX_TELLS) return [m, [{ _tag: "Untold", reason: "TooMany" }]]
  return [
    { ...m, told: [...recent, { member: name, about, at: now, firstHand: known }] },
    [{ _tag: "Tell", member, claim }]
  ]
}

/** How many of those who hear of a suspicion tell the suspect, on average: it takes one, and not a whole cluster. */
const TELLERS = 3

/**
 * Tells a suspect of the suspicion, if anything ever came from it. Where many were heard from, only some tell, by
 * chance. (The prober tells as well, with its next ping: Lifeguard's buddy system.)
 */
export const tellSuspect = (m: Membership, claim: Claim, env: Env): Step => {
  const { firstHand, random } = env
  if (firstHand === undefined || !firstHand.has(claim.node)) return [m, []]
  return firstHand.size <= TELLERS || random() * firstHand.size < TELLERS ? tell(m, claim.node, claim, env) : [m, []]
}
