/**
 * The failure detector: one member a tick is pinged; if it does not answer, others are asked to ping it, and a TCP ping
 * tells a broken UDP path from a dead member; if nobody heard it, it is suspected. SWIM §4.1, Lifeguard §IV-A.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type { Entry } from "../../swim/membership/Entry.ts"
import { reap } from "../../swim/membership/Reap.ts"
import * as Evidence from "../../swim/probing/Evidence.ts"
import * as IndirectProbe from "../../swim/probing/IndirectProbe.ts"
import * as LocalHealth from "../../swim/probing/LocalHealth.ts"
import { goesOn, type Outcome } from "../../swim/probing/Outcome.ts"
import { nextProbe } from "../../swim/probing/Round.ts"
import { accusationOf, suspect } from "../../swim/suspicion/Accuse.ts"
import type * as Message from "../../wire/message/Message.ts"
import * as Hooks from "../hooks/Hooks.ts"
import { envOf, type Node, source } from "../Node.ts"
import * as Sender from "../sending/Sender.ts"
import * as Step from "../Step.ts"
import { timed } from "../telemetry/Metrics.ts"
import * as Spans from "../telemetry/Spans.ts"
import * as Ticker from "../Ticker.ts"
import { type Wait, withWait } from "./Acks.ts"
import * as Buddy from "./Buddy.ts"
import * as Reachability from "./Reachability.ts"
import * as Score from "./Score.ts"
import * as StreamPing from "./StreamPing.ts"

/** Asks helpers to ping the target for us; answers who was asked. */
const askHelpers = Effect.fnUntraced(function*(
  node: Node,
  target: Entry,
  wait: Wait
): Effect.fn.Return<ReadonlyArray<IndirectProbe.Helper>> {
  const helpers = IndirectProbe.helpers(Ref.getUnsafe(node.membership), target, node.config, envOf(node))
  for (const { member, nack } of helpers) {
    const request: Message.IndirectPing = {
      _tag: "IndirectPing",
      seqNo: wait.seqNo,
      target: target.addr,
      port: target.port,
      node: target.name,
      nack,
      ...source(node)
    }
    yield* Sender.orLog(node, "indirect ping", member.endpoint, Sender.withPiggyback(node, member.endpoint, request))
  }
  return helpers
})

/** Our own ping. */
interface Direct {
  /** Whether it was sent. */
  readonly pinged: boolean
  /** When, or when that was tried, in monotonic milliseconds. */
  readonly sent: number
  /** Milliseconds that the member had for its ack. */
  readonly timeout: number
}

/** Helpers and the TCP ping, until the deadline. */
const probeIndirectly = Effect.fnUntraced(function*(
  node: Node,
  target: Entry,
  wait: Wait,
  deadline: number,
  { pinged, sent, timeout }: Direct
): Effect.fn.Return<Outcome> {
  const helpers = yield* askHelpers(node, target, wait)
  const streamPing = IndirectProbe.takesStreamPing(target, node.config)
    ? yield* Effect.forkChild(
      node.work.guard("TCP ping", StreamPing.ping(node, target, wait.seqNo, deadline), "Broken", about(target))
    )
    : undefined
  const answer = yield* wait.until(deadline)
  if (Option.isSome(answer)) {
    const { from } = answer.value
    if (from === undefined || !helpers.some(({ member }) => Evidence.isSame(member.endpoint, from))) {
      Reachability.acked(node, target, sent)
    } else Reachability.relayed(node, target, sent, hasFailed(streamPing))
    if (streamPing !== undefined) yield* Fiber.interrupt(streamPing)
    return { _tag: "Relayed", pinged }
  }
  const stream = streamPing === undefined ? "NotTried" : yield* Fiber.join(streamPing)
  if (stream === "Ack") {
    node.counters.count("probe.tcp_only")
    Reachability.tcpOnly(node, target, sent, helpers.length)
    return { _tag: "TcpOnly", pinged }
  }
  node.counters.count("probe.failed")
  const probe = Evidence.failedProbe({ pinged, timeout, helpers, nackers: wait.nackers(), stream })
  yield* Step.run(node, (m, env) => suspect(m, accusationOf(m.self, target), env, probe))
  const nacksExpected = helpers.filter(({ nack }) => nack).length
  return { _tag: "NoAnswer", nacksExpected, nacks: wait.nacks() }
})

/** Whether a TCP ping is over, and the network or the host did not let it through. */
const hasFailed = (streamPing: Fiber.Fiber<StreamPing.Answer> | undefined): boolean => {
  const exit = streamPing?.pollUnsafe()
  return exit?._tag === "Success" && (exit.value === "Refused" || exit.value === "Unreachable")
}

const about = ({ endpoint, incarnation, name }: Entry) => ({ member: name, incarnation, peer: endpoint })

/** One probe of one member. */
const probe = (node: Node, target: Entry): Effect.Effect<Outcome> =>
  withWait(
    node,
    Effect.fnUntraced(function*(wait): Effect.fn.Return<Outcome> {
      const { health: { current: score }, settings: { probeInterval, probeTimeout } } = node
      const sent = node.now()
      if (score > 0) node.counters.count("degraded.probe")
      const deadline = sent + LocalHealth.scale(probeInterval, score)
      const ping: Message.Ping = { _tag: "Ping", seqNo: wait.seqNo, node: target.name, ...source(node) }
      const failure = yield* Effect.flip(Buddy.ping(node, target.endpoint, ping, target)).pipe(Effect.option)
      if (Option.isSome(failure)) {
        yield* Sender.failed(node, "ping", target.endpoint, failure.value)
        if (!goesOn(failure.value)) return { _tag: "NotSent" }
        return yield* probeIndirectly(node, target, wait, deadline, { pinged: false, sent, timeout: 0 })
      }
      const answerTime = LocalHealth.answerTime(probeTimeout, node.health.current, node.config.profile)
      const answerBy = Math.min(deadline, sent + answerTime)
      const answer = yield* wait.until(answerBy)
      if (Option.isNone(answer)) {
        yield* node.logs.write("PingUnanswered", about(target))
        return yield* probeIndirectly(node, target, wait, deadline, { pinged: true, sent, timeout: answerBy - sent })
      }
      node.heard.noteMember(target.name, node.now())
      Reachability.acked(node, target, sent)
      node.receipts.answered(wait.seqNo)
      yield* Hooks.pingComplete(node, target, answer.value.receivedAt - sent, answer.value.payload)
      return { _tag: "Answered" }
    })
  )

/** A probe, timed and traced. */
const observed = (node: Node, target: Entry): Effect.Effect<Outcome> =>
  timed(probe(node, target), node.now, node.metrics.probeTime).pipe(
    Effect.tap(({ _tag }) => Spans.outcome(_tag)),
    Spans.own(node, "probe", "client", { member: target.name, health: node.health.current })
  )

/** One tick: the next member of the round is probed, and what the round's end reaped is cleared away. */
const tick = Effect.fnUntraced(function*(node: Node) {
  const target = yield* Step.decide(node, nextProbe)
  if (target === undefined) return
  const outcome = yield* observed(node, target)
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
    ? Ticker.every(node, Math.max(REAP_INTERVAL, rules.gossipToTheDeadTime), Step.run(node, reap))
    : Ticker.every(node, probeInterval, tick(node))
}
