/**
 * The failure detector: one member a tick is asked whether it is there, and suspected if nobody got an answer. SWIM
 * §4.1, Lifeguard §IV-A.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { ProbeOutcome } from "../../Activity.ts"
import type { Entry } from "../../swim/membership/Entry.ts"
import { get, ignored } from "../../swim/membership/Membership.ts"
import { reap } from "../../swim/membership/Reap.ts"
import * as Evidence from "../../swim/probing/Evidence.ts"
import * as LocalHealth from "../../swim/probing/LocalHealth.ts"
import { nextProbe } from "../../swim/probing/Round.ts"
import { accusationOf, suspect } from "../../swim/suspicion/Accuse.ts"
import * as Hooks from "../hooks/Hooks.ts"
import type { Node } from "../Node.ts"
import * as Sender from "../sending/Sender.ts"
import * as Step from "../Step.ts"
import { timed } from "../telemetry/Metrics.ts"
import * as Spans from "../telemetry/Spans.ts"
import * as Ticker from "../Ticker.ts"
import * as Buddy from "./Buddy.ts"
import * as Inquiry from "./Inquiry.ts"
import * as Score from "./Score.ts"

/** Being late ourselves is a sign that we are slow. */
const costs = (node: Node, late: number): void =>
  Score.adjust(node, LocalHealth.lateCost(node.health.current, late, node.settings))

/** One probe of one member, and what follows from it. */
const probe = Effect.fnUntraced(function*(node: Node, target: Entry): Effect.fn.Return<Inquiry.End> {
  if (node.health.current > 0) node.counters.count("degraded.probe")
  const end = yield* Inquiry.make(node, target, {
    ping: (message) => Buddy.ping(node, target.endpoint, message, target),
    failed: (error) => Sender.failed(node, "ping", target.endpoint, error),
    asksHelpers: () => true,
    late: (by) => costs(node, by)
  })
  switch (end._tag) {
    case "Answered":
      Hooks.pingComplete(node, target, end.roundTrip, end.payload)
      break
    case "TcpOnly":
      node.counters.count("probe.tcp_only")
      break
    case "NoAnswer":
      node.counters.count("probe.failed")
      yield* Step.run(node, (m, env) => {
        const entry = get(m, target.name)
        // another has the name since, elsewhere, perhaps at a lower incarnation: it was not probed
        return entry === undefined || Evidence.isSame(entry.endpoint, target.endpoint)
          ? suspect(m, accusationOf(m.self, target), env, end.probe)
          : [m, [ignored("OldIncarnation", target.name)]]
      })
  }
  if (node.isTraced) yield* Spans.outcome(end._tag)
  return end
})

/** A probe, timed and traced. */
const observed = (node: Node, target: Entry): Effect.Effect<Inquiry.End> =>
  Spans.own(node, "probe", "client", { member: target.name, health: node.health.current })(
    timed(probe(node, target), node.now, node.metrics.probeTime)
  )

/** How a probe that began at `began` ended, for those who watch. */
const noteActivity = (node: Node, member: string, end: Inquiry.End, began: number): void => {
  const millis = node.now() - began
  const note = (outcome: ProbeOutcome, helpers: ReadonlyArray<string> = []) =>
    node.activity.note({ _tag: "Probe", member, outcome, helpers, millis })
  switch (end._tag) {
    case "Answered":
      return note("direct")
    case "NotSent":
      return note("unsent")
    case "Relayed":
      return note("indirect", end.helpers)
    case "TcpOnly":
      return note("stream", end.helpers)
    case "NoAnswer":
      return note("failed", end.probe.helpers.map(({ name }) => name))
  }
}

/** One tick: the next member of the round is probed, and what the round's end reaped is cleared away. */
const tick = Effect.fnUntraced(function*(node: Node, late: number) {
  costs(node, late)
  const target = yield* Step.decide(node, nextProbe)
  if (target === undefined) return
  const began = node.activity.isWatched() ? node.now() : undefined
  const outcome = yield* observed(node, target)
  if (began !== undefined) noteActivity(node, target.name, outcome, began)
  Score.adjust(node, LocalHealth.change(outcome, node.config.profile))
})

/** How often a node that does not probe looks for entries to forget, at most; a probing one looks once a round. */
const REAP_INTERVAL = 1000

/**
 * Probes forever. When the configuration turns that off, only the end of a probing round remains: who has been gone for
 * long enough is forgotten, so that the table does not fill up. (memberlist keeps them.)
 */
export const loop = (node: Node): Effect.Effect<never> => {
  const { probeInterval, rules } = node.settings
  return probeInterval === 0
    ? Ticker.every(node, Math.max(REAP_INTERVAL, rules.gossipToTheDeadTime), () => Step.run(node, reap))
    : Ticker.every(node, probeInterval, (late) => tick(node, late))
}
