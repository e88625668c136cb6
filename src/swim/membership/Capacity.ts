/**
 * Who makes place for a newcomer when the table is full: entries that nothing ever came from, although there was time
 * enough. Claims alone can fill a table for good with members that do not exist; a live one says something some time.
 */
import * as ProbeRing from "../probing/ProbeRing.ts"
import * as Findings from "../suspicion/Findings.ts"
import type { Change, Directive } from "./Directive.ts"
import type { Entry } from "./Entry.ts"
import { isGone } from "./Entry.ts"
import { type Env, get, type Membership, publish, type Step } from "./Membership.ts"

/**
 * How many rounds of probing among those who were heard from an entry is waited for. In a cluster of n real members
 * each is heard from about twice a round, by its ping and by its ack; after three rounds one in 400 was not. Those
 * never heard from do not make the wait longer: with 60,000 of them a round would take 16 hours.
 */
export const ROUNDS = 3

/** The least time that an entry is waited for, in probe intervals: a newcomer may just have started. */
export const MIN_INTERVALS = 30

/**
 * How many random entries are looked at for one newcomer. Claims come by the thousand, and the table cannot be searched
 * for each; where only one entry in twenty may go, 64 looks find one 26 times in 27, and the newcomer is announced
 * again.
 */
export const LOOKS = 64

/** How long an entry is waited for, in milliseconds. */
export const patience = (heard: number, probeInterval: number): number =>
  probeInterval * Math.max(MIN_INTERVALS, ROUNDS * heard)

/**
 * Forgets an entry that was never heard from, if one is found, and gives its place in the probe ring to `newcomer`,
 * whose entry is the caller's to insert. Subscribers are told that the member failed, on our word and without an
 * accuser: it was never verified, and did not say goodbye. Nobody else is told, because we do not know that it is dead.
 */
export const makePlace = (m: Membership, newcomer: string, env: Env): Step | undefined => {
  const { firstHand, now, random, rules } = env
  if (firstHand === undefined) return undefined
  const latest = now - patience(firstHand.size, rules.probeInterval)
  for (let look = 0; look < LOOKS; look++) {
    const place = ProbeRing.sample(m.ring, random)
    const entry = place === undefined ? undefined : get(m, place.name)
    if (place === undefined || entry === undefined || entry.name === m.self) continue
    if (entry.stateChangedAt >= latest || firstHand.stands(entry.name)) continue
    return [
      {
        ...m,
        entries: m.entries.with(entry.name, undefined),
        ring: ProbeRing.replace(m.ring, place, newcomer)
      },
      [...failed(m, entry, env), { _tag: "Evicted", entry }]
    ]
  }
  return undefined
}

const failed = (m: Membership, entry: Entry, env: Env): ReadonlyArray<Directive> => {
  if (isGone(entry)) return []
  const dead: Entry = { ...entry, state: "dead", stateChangedAt: env.now, suspicion: undefined }
  const findings = Findings.ofChange("MadePlace", dead, m.self, entry.suspicion, env)
  const change: Change = { _tag: "Failed", entry: dead, from: m.self, accusers: [], findings }
  return [publish(change)]
}
