/**
 * The limits of everything that a node keeps: its queues, its tables, and the fibers it has running. Reading them costs
 * next to nothing, because they are read after every step.
 *
 * Not here are what the application may do as often as it likes (joins, sends, streams of events), and what the
 * transport bounds (its inbox).
 *
 * @since 0.1.0
 */
import { retransmitLimit } from "../../base/Scaling.ts"
import { MAX_WAITING as MAX_WATCHED } from "../../engine/application/Activity.ts"
import { MAX_VERDICTS } from "../../engine/application/Verdicts.ts"
import { MAX_NOTICE_BYTES, MAX_NOTICES, type Told } from "../../engine/hooks/Notices.ts"
import { MAX_PEERS } from "../../engine/receiving/Keys.ts"
import { MAX_GIVEN, MAX_OFFERED } from "../../engine/recovery/KnownSeeds.ts"
import { MAX_USER_BROADCASTS } from "../../engine/sending/Broadcasts.ts"
import type { ObservedNode, ObservedStep } from "../../engine/StepObserver.ts"
import { MAX_NOTED } from "../../engine/telemetry/Logs.ts"
import { MAX_REPEATS } from "../../engine/telemetry/Logs.ts"
import { LIMITS } from "../../engine/Work.ts"
import * as BroadcastQueue from "../../swim/gossip/BroadcastQueue.ts"
import { MAX_TELLS } from "../../swim/gossip/Tell.ts"
import { MAX_REPORTS } from "../../swim/membership/Conflicts.ts"
import { MAX_WAITING } from "../../swim/probing/Requests.ts"
import * as Hearsay from "../../swim/recovery/Hearsay.ts"
import { MAX_LISTED } from "../../swim/suspicion/Deadlines.ts"

/** What a node has known so far. */
export interface Known {
  /** The most members it knew at once. */
  readonly mostMembers: number
  /** How many names it ever knew. */
  readonly names: number
  /** When it was first seen, in monotonic milliseconds. */
  readonly since: number
}

/** There are `actual` of what is counted, and may be `most`. */
type Limit = (what: string, actual: number, most: number) => void

/** The table, and what follows from it. */
const table = ({ next, node }: ObservedStep, limit: Limit): void => {
  const members = next.entries.size
  const { names } = next.ring
  limit("entries in the table", members, node.settings.rules.maxMembers)
  limit("places in the probe ring", names.length, members)
  limit("entries without a place in the probe ring", members - names.length, 0)
  limit("name conflicts remembered", next.conflicts.length, MAX_REPORTS)
  limit("deadlines of suspicions listed", next.deadlines.soonest.length, MAX_LISTED)
  limit("claims told lately", next.told.length, 2 * MAX_TELLS)
}

const broadcasts = (node: ObservedNode, known: Known, limit: Limit): void => {
  const gossip = node.gossip.current
  const user = node.user.current
  // each name has one broadcast, and our address has one more, for refutations
  limit("rumours queued", BroadcastQueue.size(gossip), known.names + 1)
  limit("user broadcasts queued", BroadcastQueue.size(user), MAX_USER_BROADCASTS)
  const transmissions = Math.max(1, retransmitLimit(node.config.retransmitMult, known.mostMembers))
  limit("transmissions of a rumour", gossip.tiers.length, transmissions)
  limit("transmissions of a user broadcast", user.tiers.length, transmissions)
}

/** What waits for its turn here. */
const waiting = (node: ObservedNode, limit: Limit): void => {
  const { config } = node
  limit("alive messages in the handoff queue", node.handoff.alives.length, config.handoffQueueDepth)
  limit("accusations in the handoff queue", node.handoff.accusations.length, config.handoffQueueDepth)
  limit("user messages in the handoff queue", node.handoff.user.length, config.handoffQueueDepth)
  limit("requests of members to be answered", node.requests.members.length, MAX_WAITING)
  limit("requests of strangers to be answered", node.requests.strangers.length, MAX_WAITING)
  limit("addresses with a known key", node.keys.remembered(), MAX_PEERS)
  limit("seeds known", node.seeds.size(), MAX_GIVEN + MAX_OFFERED)
  limit("events that wait for a subscriber", node.changes.waiting(), config.eventBuffer)
  limit("recovery events that wait for a subscriber", node.recoveries.waiting(), config.eventBuffer)
  limit("messages that wait for a subscriber", node.messages.waiting(), config.messageBuffer)
  limit("activity that waits for a subscriber", node.activity.waiting(), MAX_WATCHED)
  limit("verdicts kept", node.verdicts.size(), MAX_VERDICTS)
  limit("log entries noted", node.logs.noted(), MAX_NOTED)
  limit("kinds of log entries remembered", node.logs.remembered(), MAX_REPEATS)
  notices("conflict", node.notices.conflict, limit)
  notices("pingComplete", node.notices.pingComplete, limit)
  notices("mergeRemoteState", node.notices.mergeRemoteState, limit)
}

const notices = (hook: Told, { bytes, waiting }: ObservedNode["notices"][Told], limit: Limit): void => {
  limit(`notices to the ${hook} hook`, waiting(), MAX_NOTICES)
  if (waiting() > 1) limit(`bytes of notices to the ${hook} hook`, bytes(), MAX_NOTICE_BYTES)
}

/** What is being done for others and for the application. */
const running = (node: ObservedNode, limit: Limit): void => {
  const { work } = node
  const relayed = work.running("relay")
  limit("relayed pings", relayed, LIMITS.relay)
  limit("acks that wait for hooks", work.running("ack"), LIMITS.ack)
  limit("claims being sent straight to somebody", work.running("claim"), LIMITS.claim)
  limit("probes of unknown members", work.running("hearsay"), LIMITS.hearsay)
  limit("calls of hooks", work.running("hook"), LIMITS.hook)
  limit("deadlines of calls of hooks", work.running("deadline"), LIMITS.deadline)
  limit("inbound streams being served", node.places.taken(), node.config.maxInboundStreams)
  limit("bytes that inbound streams hold", node.places.bytes(), node.config.maxInboundBytes)
  limit("push/pulls being answered", node.places.exchanges(), node.config.maxPushPulls)
  // a node has one probe of its own at a time, and asks for one lost member
  const healing = node.settings.rules.recovery ? 1 : 0
  const hearsay = work.running("hearsay")
  limit("waits for an ack", node.acks.waiting(), relayed + node.pings.current + hearsay + 1 + healing)
  limit("points of local health", node.health.current, node.config.awarenessMaxMultiplier - 1)
}

/** What is remembered to heal a split, and how often that is tried. */
const recovery = ({ next: { hearsay, lost }, node, now }: ObservedStep, { since }: Known, limit: Limit): void => {
  const { rules } = node.settings
  limit("lost members remembered", lost.peers.length, rules.recovery ? rules.maxLost : 0)
  const { verifies } = rules
  limit("unverified members", hearsay.unverified.size, verifies ? Hearsay.MAX_UNVERIFIED : 0)
  limit("members that were not confirmed", hearsay.refuted.size, verifies ? Hearsay.MAX_REFUTED : 0)
  limit("splits told of", lost.told.length, rules.maxLost)
  limit("seeds of joins remembered", node.seeds.all().length - node.seeds.offered().length, MAX_GIVEN)
  // one in 80 % of the interval, and a clock that becomes slower during a pause makes that look shorter
  const tries = rules.recovery ? 2 + Math.floor((now - since) / (0.4 * rules.healInterval)) : 0
  limit("tries to heal a split", node.tries.current, tries)
}

/** Tells of every limit that a node does not keep. */
export const check = (step: ObservedStep, known: Known, tell: (what: string, message: string) => void): void => {
  const limit: Limit = (what, actual, most) => {
    if (actual > most) tell(what, `${actual} ${what}, at most ${most} are allowed`)
  }
  table(step, limit)
  broadcasts(step.node, known, limit)
  waiting(step.node, limit)
  running(step.node, limit)
  recovery(step, known, limit)
}
