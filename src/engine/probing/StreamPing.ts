/**
 * The TCP ping: tells a member that is dead from one whose UDP does not reach us. memberlist: `sendPingAndWaitForAck`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Entry } from "../../swim/membership/Entry.ts"
import * as Message from "../../wire/message/Message.ts"
import { type Node, source } from "../Node.ts"
import * as Streams from "../sending/Streams.ts"

const failed = (node: Node, target: Entry, error: Error): Effect.Effect<void> =>
  Effect.suspend(() => {
    node.counters.count("send.failed", "TCP ping")
    const { endpoint, incarnation, name } = target
    return node.logs.write("StreamPingFailed", { peer: endpoint, member: name, incarnation, detail: error.message })
  })

/** Whether the member answers a ping over a stream before `deadline` (monotonic milliseconds). */
export const ping = Effect.fnUntraced(function*(
  node: Node,
  target: Entry,
  seqNo: number,
  deadline: number
): Effect.fn.Return<boolean> {
  const exchange = Effect.gen(function*() {
    const connection = yield* Streams.open(node, target.endpoint, deadline - node.now())
    yield* Streams.write(
      node,
      connection,
      Message.encode({ _tag: "Ping", seqNo, node: target.name, ...source(node) }, node.writer)
    )
    const answer = yield* Streams.answer(node, connection)
    node.heard.note(target.endpoint, node.now())
    return answer._tag === "Ack" && answer.seqNo === seqNo
  })
  return yield* Effect.scoped(exchange).pipe(
    Streams.within(target.endpoint, "read", deadline - node.now()),
    Effect.catch((error) => Effect.as(failed(node, target, error), false))
  )
})
