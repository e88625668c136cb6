/**
 * Asks a node whether it is there: with a ping; if it does not answer, others are asked to ping it, and a TCP ping
 * tells a broken UDP path from a dead node. SWIM §4.1, Lifeguard §IV-A.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type { Entry } from "../../swim/membership/Entry.ts"
import * as Evidence from "../../swim/probing/Evidence.ts"
import * as IndirectProbe from "../../swim/probing/IndirectProbe.ts"
import * as LocalHealth from "../../swim/probing/LocalHealth.ts"
import { goesOn, type Outcome } from "../../swim/probing/Outcome.ts"
import type { FailedProbe } from "../../Verdict.ts"
import type * as Message from "../../wire/message/Message.ts"
import { envOf, type Node, source } from "../Node.ts"
import * as Sender from "../sending/Sender.ts"
import { type Wait, withWait } from "./Acks.ts"
import * as Reachability from "./Reachability.ts"
import * as StreamPing from "./StreamPing.ts"

/** How an inquiry ended, and what was seen. */
export type End =
  | Extract<Outcome, { readonly _tag: "NotSent" }>
  | (Extract<Outcome, { readonly _tag: "Relayed" | "TcpOnly" }> & {
    /** The names of those who were asked to ping it. */
    readonly helpers: ReadonlyArray<string>
  })
  | (Extract<Outcome, { readonly _tag: "Answered" }> & {
    /** Milliseconds. */
    readonly roundTrip: number
    readonly payload: Uint8Array | null
  })
  | (Extract<Outcome, { readonly _tag: "NoAnswer" }> & { readonly probe: FailedProbe })

/** How the target is asked. */
export interface Manner {
  /** Sends our own ping. */
  readonly ping: (message: Message.Ping) => Effect.Effect<void, Sender.SendError>
  /** What is done when that failed. */
  readonly failed: (error: Sender.SendError) => Effect.Effect<void>
  /** Whether others are asked to ping it for us. */
  readonly asksHelpers: () => boolean
  /** What it costs that we were so many milliseconds late for a deadline. */
  readonly late: (by: number) => void
}

/** Our own ping. */
interface Direct {
  /** Whether it was sent. */
  readonly pinged: boolean
  /** When, or when that was tried, in monotonic milliseconds. */
  readonly sent: number
  /** Milliseconds that the node had for its ack. */
  readonly timeout: number
}

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

const nobody: ReadonlyArray<IndirectProbe.Helper> = []

const namesOf = (helpers: ReadonlyArray<IndirectProbe.Helper>): ReadonlyArray<string> =>
  helpers.map(({ member }) => member.name)

/**
 * Asked when a deadline passed without an answer: until when to wait for what lies unread in our sockets, because we
 * came late ourselves; `undefined`: we were in time.
 */
const extraTime = (node: Node, deadline: number, manner: Manner): number | undefined => {
  const by = node.lateBy(deadline)
  if (by === 0) return undefined
  manner.late(by)
  return node.now() + node.settings.probeTimeout
}

const pingOverStream = (node: Node, target: Entry, seqNo: number, deadline: number) =>
  Effect.forkChild(
    node.work.guard("TCP ping", StreamPing.ping(node, target, seqNo, deadline), "Broken", about(target))
  )

/** Helpers and the TCP ping, until the deadline. */
const askIndirectly = Effect.fnUntraced(function*(
  node: Node,
  target: Entry,
  wait: Wait,
  deadline: number,
  manner: Manner,
  { pinged, sent, timeout }: Direct
): Effect.fn.Return<End> {
  const asked = node.now()
  const helpers = manner.asksHelpers() ? yield* askHelpers(node, target, wait) : nobody
  const takesStreamPing = IndirectProbe.takesStreamPing(target, node.config)
  let streamPing = takesStreamPing ? yield* pingOverStream(node, target, wait.seqNo, deadline) : undefined
  let answer = yield* wait.until(deadline)
  const until = Option.isNone(answer) ? extraTime(node, deadline, manner) : undefined
  if (until !== undefined) {
    // the first may have been given up before its answer was read
    if (takesStreamPing && !isAcked(streamPing)) {
      streamPing = yield* pingOverStream(node, target, wait.seqNo, until)
    }
    answer = yield* wait.until(until)
  }
  if (Option.isSome(answer)) {
    const { from } = answer.value
    if (from === undefined || !helpers.some(({ member }) => Evidence.isSame(member.endpoint, from))) {
      Reachability.acked(node, target, sent)
    } else Reachability.relayed(node, target, sent, hasFailed(streamPing))
    if (streamPing !== undefined) yield* Fiber.interrupt(streamPing)
    return { _tag: "Relayed", pinged, helpers: namesOf(helpers) }
  }
  // a helper gives its own ping as long as we give ours, as far as we know
  const nacksDue = node.now() - asked > node.settings.probeTimeout
  const stream = streamPing === undefined ? "NotTried" : yield* Fiber.join(streamPing)
  if (stream === "Ack") {
    Reachability.tcpOnly(node, target, sent, helpers.length)
    return { _tag: "TcpOnly", pinged, helpers: namesOf(helpers) }
  }
  const probe = Evidence.failedProbe({ pinged, timeout, helpers, nacksDue, nackers: wait.nackers(), stream })
  const nacksExpected = helpers.filter(({ nack }) => nack).length
  return { _tag: "NoAnswer", nacksExpected, nacks: wait.nacks(), probe }
})

/** Whether a TCP ping is over, and was answered. */
const isAcked = (streamPing: Fiber.Fiber<StreamPing.Answer> | undefined): boolean => {
  const exit = streamPing?.pollUnsafe()
  return exit?._tag === "Success" && exit.value === "Ack"
}

/** Whether a TCP ping is over, and the network or the host did not let it through. */
const hasFailed = (streamPing: Fiber.Fiber<StreamPing.Answer> | undefined): boolean => {
  const exit = streamPing?.pollUnsafe()
  return exit?._tag === "Success" && (exit.value === "Refused" || exit.value === "Unreachable")
}

const about = ({ endpoint, incarnation, name }: Entry) => ({ member: name, incarnation, peer: endpoint })

const failureOf = {
  onSuccess: () => undefined,
  onFailure: (failure: Sender.SendError) => failure
}

const ask = Effect.fnUntraced(function*(
  node: Node,
  target: Entry,
  manner: Manner,
  wait: Wait
): Effect.fn.Return<End> {
  const { health: { current: score }, settings: { probeInterval, probeTimeout } } = node
  const sent = node.now()
  const deadline = sent + LocalHealth.scale(probeInterval, score)
  const ping: Message.Ping = { _tag: "Ping", seqNo: wait.seqNo, node: target.name, ...source(node) }
  const failure = yield* Effect.match(manner.ping(ping), failureOf)
  if (failure !== undefined) {
    yield* manner.failed(failure)
    if (!goesOn(failure)) return { _tag: "NotSent" }
    return yield* askIndirectly(node, target, wait, deadline, manner, { pinged: false, sent, timeout: 0 })
  }
  const answerTime = LocalHealth.answerTime(probeTimeout, node.health.current, node.config.profile)
  const answerBy = Math.min(deadline, sent + answerTime)
  let answer = yield* wait.until(answerBy)
  let delay = 0
  const until = Option.isNone(answer) ? extraTime(node, answerBy, manner) : undefined
  if (until !== undefined) {
    answer = yield* wait.until(until)
    // helpers have as much time as they would have had without our own delay
    delay = node.now() - answerBy
  }
  if (Option.isNone(answer)) {
    yield* node.logs.write("PingUnanswered", about(target))
    const timeout = answerBy - sent
    return yield* askIndirectly(node, target, wait, deadline + delay, manner, { pinged: true, sent, timeout })
  }
  node.heard.noteMember(target.name, node.now())
  Reachability.acked(node, target, sent)
  node.receipts.answered(wait.seqNo)
  return { _tag: "Answered", roundTrip: answer.value.receivedAt - sent, payload: answer.value.payload }
})

/** Asks the target within one probe interval, or longer while our local health is bad. */
export const make = (node: Node, target: Entry, manner: Manner): Effect.Effect<End> =>
  withWait(node, (wait) => ask(node, target, manner, wait))
