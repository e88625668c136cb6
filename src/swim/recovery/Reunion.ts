/**
 * How two sides of a split, each of which holds the other for dead, become one list without accusing anybody who is
 * well. An obituary is a claim like any other: the dead member can contradict it with a higher incarnation, as soon as
 * somebody tells it. In memberlist nobody does; a list that names live members as dead makes the receiver suspect all
 * of them, on both sides.
 */
import { tell } from "../gossip/Tell.ts"
import { type Dead, type RemoteEntry, RemoteState } from "../membership/Claim.ts"
import { type Env, get, ignored, type Membership, type Step } from "../membership/Membership.ts"
import { suspect } from "../suspicion/Accuse.ts"

/** How long obituaries of the time apart may still be about after somebody came back, in milliseconds. */
export const REUNION_TIME = 300_000

/**
 * Whether a list is from somebody we were apart from: it has a member that we lost, or ourselves as dead, or one that
 * we had lost came back lately.
 */
export const isFromOtherSide = (m: Membership, rows: ReadonlyArray<RemoteEntry>, { now, rules }: Env): boolean => {
  if (!rules.recovery) return false
  const { peers, reunitedAt } = m.lost
  if (reunitedAt !== undefined && now - reunitedAt < REUNION_TIME) return true
  const lost = new Set(peers.map(({ name }) => name))
  return rows.some(({ name, state }) =>
    name === m.self ? state === RemoteState.dead : state === RemoteState.alive && lost.has(name)
  )
}

/** The obituary of a member, as we have it. */
const obituary = (m: Membership, name: string, incarnation: number): Dead => ({
  _tag: "Dead",
  incarnation,
  node: name,
  from: m.self
})

/**
 * Asks a live member to contradict a list in which it is dead, instead of suspecting it. If it does not answer, probes
 * will find that out.
 */
export const contest = (m: Membership, { incarnation, name }: RemoteEntry, env: Env): Step => {
  const entry = get(m, name)
  if (entry === undefined || entry.state !== "alive" || incarnation < entry.incarnation) {
    return [m, [ignored(entry === undefined ? "UnknownMember" : "OldIncarnation", name)]]
  }
  const [next, told] = tell(m, name, obituary(m, name, incarnation), env)
  return [next, [ignored("Contested", name), ...told]]
}

/**
 * Contradicts what a list says of us. Who holds us for dead was apart from us, and that is no sign of trouble of ours,
 * as it is when somebody suspects us.
 */
export const contradict = (m: Membership, { incarnation, name, state }: RemoteEntry, env: Env): Step => {
  const [next, directives] = suspect(m, { _tag: "Suspect", incarnation, node: name, from: m.self }, env)
  if (state !== RemoteState.dead) return [next, directives]
  return [next, directives.map((one) => one._tag === "Refuted" ? { ...one, by: "Dead" } : one)]
}

/**
 * Tells a member that we hold for dead, and that something once came from, so that it can contradict. Not often
 * (`Tell.ts`).
 */
export const tellDead = (m: Membership, name: string, env: Env): Step => {
  const entry = get(m, name)
  return env.rules.recovery && entry?.state === "dead" && env.firstHand?.has(name) === true
    ? tell(m, name, obituary(m, name, entry.incarnation), env)
    : [m, []]
}
