/**
 * What recovery does to the state: it follows who is lost and who is back, and tells what looks like a split.
 */
import type * as Arr from "effect/Array"
import { suspicionTimeout } from "../../base/Scaling.ts"
import type { Directive, Failed } from "../membership/Directive.ts"
import type { Entry } from "../membership/Entry.ts"
import { type Env, members, type Membership, type Rules, type Step } from "../membership/Membership.ts"
import * as LostPeers from "./LostPeers.ts"

const nothing: ReadonlyArray<Directive> = []

const withLost = (m: Membership, lost: LostPeers.LostPeers): Membership => lost === m.lost ? m : { ...m, lost }

/**
 * Follows what a step did: who failed is remembered, who is back or said goodbye is not lost any more. Only members are
 * remembered that something came from: an address that somebody made up would aim what we send. Of several with one
 * address it is one: names can be made up without end, and would take the place of real members.
 */
export const follow = (m: Membership, directives: ReadonlyArray<Directive>, env: Env): Step => {
  if (!env.rules.recovery) return [m, nothing]
  let { lost } = m
  let healed: Array<Directive> | undefined
  /** Whoever is back, or said goodbye, is not lost any more. Told are the first of a group, and the end of all. */
  const found = (peer: LostPeers.LostPeer, entry: Entry) => {
    const { group, name } = peer
    const wasTold = lost.told.includes(group)
    const isFirst = entry.state !== "left" && wasTold && !lost.healed.includes(group)
    if (isFirst) lost = { ...lost, healed: [...lost.healed, group], healedAt: env.now }
    lost = LostPeers.remove(lost, name)
    const missing = lost.peers.filter((other) => other.group === group).map((other) => other.name)
    if (!isFirst && (!wasTold || missing.length > 0)) return
    healed ??= []
    healed.push({ _tag: "Healed", entry, missing })
  }
  for (const directive of directives) {
    if (directive._tag === "Departed") {
      const peer = LostPeers.find(lost, directive.name)
      if (peer !== undefined) found(peer, departed(peer, env.now))
      continue
    }
    if (directive._tag !== "Publish") continue
    const { change } = directive
    const { entry } = change
    switch (change._tag) {
      case "Failed":
        if (hasFailed(m, change) && env.firstHand?.stands(entry.name) === true) {
          lost = LostPeers.add(lost, entry, env.now, env.rules)
        }
        break
      case "Joined": {
        const peer = LostPeers.find(lost, entry.name)
        if (peer === undefined) break
        lost = { ...lost, reunitedAt: env.now }
        found(peer, entry)
      }
    }
  }
  return [withLost(m, lost), healed ?? nothing]
}

/** A lost peer that said goodbye, as the table would have it: there it may be forgotten. */
const departed = (
  { addr, endpoint, incarnation, meta, name, port, vsn }: LostPeers.LostPeer,
  now: number
): Entry => ({
  name,
  addr,
  port,
  endpoint,
  meta,
  vsn,
  incarnation,
  state: "left",
  stateChangedAt: now,
  suspicion: undefined
})

/** Whether a member failed, and did not just make place for another. */
const hasFailed = ({ self }: Membership, { accusers, from }: Failed): boolean => from !== self || accusers.length > 0

/** Forgets those that were lost too long ago, and tells of groups that look like the other side of a split. */
export const review = (m: Membership, { now, rules }: Env): Step => {
  const lost = LostPeers.recent(m.lost, now, rules)
  const groups = LostPeers.groups(lost)
  const present = members(m)
  const time = longestSuspicion(m, rules)
  const directives: Array<Directive> = []
  const told: Array<number> = []
  for (const [i, peers] of groups.entries()) {
    const [{ group }] = peers
    if (lost.told.includes(group)) continue
    // who is alone has lost all others by now, but not together with those that were lost long ago
    const alone = i === 0 && present.length === 1
    if (!alone && !lostTogether(peers, now, time)) continue
    told.push(group)
    directives.push({
      _tag: "SplitSuspected",
      lost: peers.map(({ name }) => name),
      present: present.map(({ name }) => name)
    })
  }
  return [withLost(m, told.length === 0 ? lost : { ...lost, told: [...lost.told, ...told] }), directives]
}

/** How long a suspicion may take that nobody confirms, as on the smaller side of a split. */
const longestSuspicion = (m: Membership, rules: Rules): number => {
  const shortest = suspicionTimeout(rules.suspicionMult, m.entries.size, rules.probeInterval)
  return Math.min(rules.suspicionMaxTimeoutMult * shortest, LostPeers.GROUP_TIME)
}

/** Two or more that were lost within one suspicion time, when that time is over, so that the names are complete. */
const lostTogether = (group: Arr.NonEmptyReadonlyArray<LostPeers.LostPeer>, now: number, time: number): boolean =>
  now - group[0].lostAt >= time &&
  group.some(({ lostAt }, i) => i > 0 && lostAt - (group[i - 1]?.lostAt ?? 0) <= time)

/** Notes that a lost peer was contacted in vain. */
export const miss = (m: Membership, name: string, { now, rules }: Env): Step => [
  withLost(m, LostPeers.missed(m.lost, name, now, rules.healInterval)),
  nothing
]

/** Forgets a lost peer: at its address is somebody else. */
export const putAside = (m: Membership, name: string): Step => [withLost(m, LostPeers.remove(m.lost, name)), nothing]
