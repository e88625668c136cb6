/**
 * The TCP ping: tells a member that is dead from one whose UDP does not reach us. memberlist: `sendPingAndWaitForAck`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { ExchangeRejected } from "../../MemberlistError.ts"
import type { Entry } from "../../swim/membership/Entry.ts"
import type { StreamAnswer } from "../../Verdict.ts"
import * as Message from "../../wire/message/Message.ts"
import { type Node, source } from "../Node.ts"
import type { SendError } from "../sending/Sender.ts"
import * as Streams from "../sending/Streams.ts"
import * as Reachability from "./Reachability.ts"

/** What a TCP ping brought. */
export type Answer = "Ack" | StreamAnswer

type StreamPingError = SendError | ExchangeRejected

const failed = (node: Node, target: Entry, error: StreamPingError): Effect.Effect<StreamAnswer> =>
  Effect.suspend(() => {
    node.counters.count("send.failed", "TCP ping")
    const { endpoint, incarnation, name } = target
    return node.logs.write("StreamPingFailed", { peer: endpoint, member: name, incarnation, detail: error.message })
  }).pipe(Effect.as(meaning(error)))

/** What became of a ping that failed. */
const meaning = (error: StreamPingError): StreamAnswer => {
  if (error._tag === "NodeNameRequired") return "NotTried"
  if (error._tag === "ExchangeRejected") return error.reason === "ClosedWithoutAnswer" ? "Broken" : "OtherAnswer"
  switch (error.kind) {
    case "Refused":
    case "Unreachable":
      return error.kind
    case "Timeout":
      return "Silent"
    default:
      return "Broken"
  }
}

/** Pings the member over a stream, and says how it answered before `deadline` (monotonic milliseconds). */
export const ping = Effect.fnUntraced(function*(
  node: Node,
  target: Entry,
  seqNo: number,
  deadline: number
): Effect.fn.Return<Answer> {
  const exchange = Effect.gen(function*() {
    const connection = yield* Streams.open(node, target.endpoint, deadline - node.now())
    yield* Streams.write(
      node,
      connection,
      Message.encode({ _tag: "Ping", seqNo, node: target.name, ...source(node) }, node.writer)
    )
    const answer = yield* Streams.answer(node, connection)
    Reachability.answeredOnStream(node, target.endpoint)
    return answer._tag === "Ack" && answer.seqNo === seqNo ? "Ack" : "OtherAnswer"
  })
  return yield* Effect.scoped(exchange).pipe(
    Streams.within(target.endpoint, "read", deadline - node.now()),
    Effect.catch((error) => failed(node, target, error))
  )
})
