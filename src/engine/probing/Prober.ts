/**
 * The failure detector: one member a tick is pinged; if it does not answer, others are asked to ping it, and a TCP ping
 * tells a broken UDP path from a dead member; if nobody heard it, it is suspected. SWIM §4.1, Lifeguard §IV-A.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { Entry } from "../../swim/membership/Entry.ts"
import { nextProbe, reap } from "../../swim/probing/Probe.ts"
import { suspect } from "../../swim/suspicion/Suspect.ts"
import type * as Message from "../../wire/message/Message.ts"
import * as Hooks from "../hooks/Hooks.ts"
import { type Node, source } from "../Node.ts"
import { partners } from "../Peers.ts"
import * as Sender from "../sending/Sender.ts"
import * as Step from "../Step.ts"
import { timed } from "../telemetry/Metrics.ts"
import * as Spans from "../telemetry/Spans.ts"
import * as Ticker from "../Ticker.ts"
import * as Accusation from "./Accusation.ts"
import * as Health from "./Health.ts"
import * as StreamPing from "./StreamPing.ts"
import { type Wait, withWait } from "./Waits.ts"

/** Helpers from this protocol version on can nack. */
const NACK_VERSION = 4
/** Members from this protocol version on answer a TCP ping. */
const STREAM_PING_VERSION = 3

/** What a probe cost or earned, in points of local health. */
const HEARD = -1
const UNCHANGED = 0

const maxVersion = (entry: Entry): number => entry.vsn[1] ?? 0

/** Asks helpers to ping the target for us; answers how many of them promised a nack. */
const askHelpers = Effect.fnUntraced(function*(node: Node, target: Entry, wait: Wait) {
  const helpers = partners(
    node,
    node.config.indirectChecks,
    (entry) => entry.state === "alive" && entry.name !== target.name
  )
  const wanted = node.config.profile !== "paper" || node.config.awarenessMaxMultiplier > 1
  let nacksExpected = 0
  for (const helper of helpers) {
    const nack = wanted && maxVersion(helper) >= NACK_VERSION
    if (nack) nacksExpected++
    const request: Message.IndirectPing = {
      _tag: "IndirectPing",
      seqNo: wait.seqNo,
      target: target.addr,
      port: target.port,
      node: target.name,
      nack,
      ...source(node)
    }
    yield* Sender.orLog(node, "indirect ping", helper.endpoint, Sender.withPiggyback(node, helper.endpoint, request))
  }
  return nacksExpected
})

const mayStreamPing = (node: Node, target: Entry): boolean =>
  !node.config.disableTcpPings &&
  !node.config.disableTcpPingsForNode(target.name) &&
  maxVersion(target) >= STREAM_PING_VERSION

/** Helpers and the TCP ping, until the deadline. Answers the change of local health. */
const probeIndirectly = Effect.fnUntraced(function*(
  node: Node,
  target: Entry,
  wait: Wait,
  deadline: number,
  earned: number
) {
  const nacksExpected = yield* askHelpers(node, target, wait)
  const streamPing = mayStreamPing(node, target)
    ? yield* Effect.forkChild(
      node.work.guard("TCP ping", StreamPing.ping(node, target, wait.seqNo, deadline), false, about(target))
    )
    : undefined
  const answer = yield* wait.until(deadline)
  if (Option.isSome(answer)) {
    if (streamPing !== undefined) yield* Fiber.interrupt(streamPing)
    yield* Spans.outcome("Relayed")
    return earned
  }
  if (streamPing !== undefined && (yield* Fiber.join(streamPing))) {
    node.counters.count("probe.tcp_only")
    yield* node.logs.write("UdpUnreachable", about(target))
    yield* Spans.outcome("TcpOnly")
    return earned
  }
  node.counters.count("probe.failed")
  yield* Spans.outcome("NoAnswer")
  yield* Step.run(node, (m, env) => suspect(m, Accusation.of(node, target), env))
  return Health.failureCost(node, nacksExpected, wait.nacks())
})

const about = ({ endpoint, incarnation, name }: Entry) => ({ member: name, incarnation, peer: endpoint })

/** One probe of one member. Answers the change of local health. */
const probe = (node: Node, target: Entry): Effect.Effect<number> =>
  withWait(
    node,
    Effect.fnUntraced(function*(wait) {
      const sent = node.now()
      const interval = Health.probeInterval(node)
      if (interval > node.settings.probeInterval) node.counters.count("degraded.probe")
      const deadline = sent + interval
      const ping: Message.Ping = { _tag: "Ping", seqNo: wait.seqNo, node: target.name, ...source(node) }
      const failure = yield* Effect.flip(Accusation.ping(node, target.endpoint, ping, target)).pipe(Effect.option)
      if (Option.isSome(failure)) {
        yield* Sender.failed(node, "ping", target.endpoint, failure.value)
        if (failure.value._tag === "NodeNameRequired" || failure.value.scope === "Local") {
          yield* Spans.outcome("NotSent")
          return UNCHANGED
        }
        // The network refused: the member may still be reachable for others, and we are not to blame.
        return yield* probeIndirectly(node, target, wait, deadline, UNCHANGED)
      }
      const answer = yield* wait.until(Math.min(deadline, sent + Health.probeTimeout(node)))
      if (Option.isNone(answer)) {
        yield* node.logs.write("PingUnanswered", about(target))
        return yield* probeIndirectly(node, target, wait, deadline, HEARD)
      }
      node.heard.noteMember(target.name, node.now())
      node.receipts.answered(wait.seqNo)
      yield* Spans.outcome("Answered")
      yield* Hooks.pingComplete(node, target, answer.value.receivedAt - sent, answer.value.payload)
      return HEARD
    })
  )

/** A probe, timed and traced. */
const observed = (node: Node, target: Entry): Effect.Effect<number> =>
  timed(probe(node, target), node.now, node.metrics.probeTime).pipe(
    Spans.own(node, "probe", "client", { member: target.name, health: node.health.current })
  )

/** One tick: the next member of the round is probed, and what the round's end reaped is cleared away. */
const tick = (node: Node): Effect.Effect<void> =>
  Step.decide(node, nextProbe).pipe(
    Effect.flatMap((target) => target === undefined ? Effect.succeed(UNCHANGED) : observed(node, target)),
    Effect.map((delta) => Health.adjust(node, delta))
  )

/** How often a node that does not probe looks for entries to forget, at most; a probing one looks once a round. */
const REAP_INTERVAL = 1000

/**
 * Probes forever. When the configuration turns that off, only the end of a probing round remains: who has been gone for
 * long enough is forgotten, so that the table does not fill up. (memberlist keeps them.)
 */
export const loop = (node: Node): Effect.Effect<never> => {
  const { probeInterval, rules } = node.settings
  return probeInterval === 0
    ? Ticker.every(node, Math.max(REAP_INTERVAL, rules.gossipToTheDeadTime), Step.run(node, reap))
    : Ticker.every(node, probeInterval, tick(node))
}
