/**
 * How we contradict what others say about us: by announcing what we are with an incarnation above theirs.
 */
import { tell } from "../gossip/Tell.ts"
import { isOutside } from "../life/Stage.ts"
import { type Claim, type Dead, MAX_INCARNATION, type Suspect } from "./Claim.ts"
import type { Refuted } from "./Directive.ts"
import type { Entry } from "./Entry.ts"
import { claimOf, type Env, ignore, learned, type Membership, replace, type Step } from "./Membership.ts"

/**
 * The next incarnation of our own, above `known` if that is within reach. It stops at the largest one: wrapping to 0,
 * as memberlist does, would make every peer ignore us.
 */
export const nextIncarnation = (m: Membership, known: number): number =>
  Math.min(learned(m, known) + 1, MAX_INCARNATION)

/**
 * Which life of ours a claim is about. An accusation is about this one when it names an incarnation that we have had,
 * and somebody had the time to probe us. Everything else is what others remember from before a restart (or forged):
 * other metadata, an incarnation we have not reached yet, our own goodbye, a death that those who knew us before tell
 * us at once.
 */
const lifeOf = (m: Membership, own: Entry, claim: Claim, { now, rules }: Env): Refuted["about"] => {
  if (claim._tag === "Alive" || claim.from === m.self && claim._tag === "Dead") return "EarlierLife"
  if (claim.incarnation > own.incarnation) return "EarlierLife"
  return m.othersSince === undefined || now - m.othersSince < rules.probeInterval ? "EarlierLife" : "ThisLife"
}

/**
 * Refutes a claim about ourselves, and tells the accuser. A claim out of reach is answered with our own next
 * incarnation: who refused the claim as we did takes the answer, and who did not cannot be convinced without using up
 * all incarnations. memberlist: `refute`, which leaves it to gossip.
 */
export const refute = (m: Membership, own: Entry, claim: Claim, env: Env): Step => {
  const incarnation = nextIncarnation(m, claim.incarnation)
  const entry: Entry = { ...own, incarnation }
  const from = claim._tag === "Alive" ? undefined : claim.from
  const answer = claimOf(entry)
  const refuted = { ...replace(m, entry), incarnation }
  const [next, told] = from === undefined ? [refuted, []] : tell(refuted, from, answer, env)
  return [
    next,
    [
      {
        _tag: "Refuted",
        by: claim._tag,
        about: lifeOf(m, own, claim, env),
        from,
        accusedIncarnation: claim.incarnation,
        incarnation
      },
      { _tag: "Broadcast", key: undefined, claim: answer },
      ...told
    ]
  ]
}

/**
 * Ignores an accusation of an older incarnation of ours, and tells the accuser again what we are: it missed the
 * refutation, and would declare us dead when its suspicion ends. Most such accusations are late copies of one that the
 * accuser has taken back by now, so the answer goes to the accuser alone, and no more often than refutations do
 * (`Tell.ts`): gossip would carry one more rumour for each. memberlist says nothing, and nor do we where `firstHand` is
 * absent.
 */
export const remind = (m: Membership, own: Entry, claim: Suspect | Dead, env: Env): Step => {
  const [next, ignored] = ignore(m, "OldIncarnation", claim)
  if (env.firstHand === undefined || isOutside(m.stage) || own.state !== "alive") return [next, ignored]
  const [after, told] = tell(next, claim.from, claimOf(own), env)
  return [after, [...ignored, ...told]]
}
