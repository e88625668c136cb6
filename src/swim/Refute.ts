/**
 * How we contradict what others say about us: by announcing what we are with an incarnation above theirs.
 */
import { type Claim, MAX_INCARNATION } from "./Claim.ts"
import type { Entry, Membership, Step } from "./Membership.ts"
import { claimOf, learned, replace } from "./Table.ts"

/**
 * The next incarnation of our own, above `known` if that is within reach. It stops at the largest one: wrapping to 0, as
 * memberlist does, would make every peer ignore us.
 */
export const nextIncarnation = (m: Membership, known: number): number =>
  Math.min(learned(m, known) + 1, MAX_INCARNATION)

/**
 * Refutes a claim about ourselves. A claim out of reach is answered with our own next incarnation: who refused the claim as
 * we did takes the answer, and who did not cannot be convinced without using up all incarnations. memberlist: `refute`.
 */
export const refute = (m: Membership, own: Entry, claim: Claim): Step => {
  const incarnation = nextIncarnation(m, claim.incarnation)
  const entry: Entry = { ...own, incarnation }
  return [
    { ...replace(m, entry), incarnation },
    [
      {
        _tag: "Refuted",
        by: claim._tag,
        from: claim._tag === "Alive" ? undefined : claim.from,
        accusedIncarnation: claim.incarnation,
        incarnation
      },
      { _tag: "Broadcast", key: entry.endpoint.ip, claim: claimOf(entry), waiter: undefined }
    ]
  ]
}
