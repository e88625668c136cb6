/**
 * Between the packet receiver and the rules: three bounded queues, so that a flood of claims or a slow hook never
 * delays an ack, and a flood of the application's messages no claim. Alive messages go first, then accusations; within
 * a queue the order of arrival is kept. A message leaves its queue when its turn comes, not before, so that no more
 * than
 * `handoffQueueDepth` of them wait in each.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { PeerAddress } from "../../base/Address.ts"
import { alive } from "../../swim/membership/Alive.ts"
import { dead } from "../../swim/membership/Dead.ts"
import { suspect } from "../../swim/suspicion/Accuse.ts"
import { deliver } from "../application/Subscriptions.ts"
import * as Hooks from "../hooks/Hooks.ts"
import { type Node } from "../Node.ts"
import * as Signal from "../Signal.ts"
import * as Step from "../Step.ts"
import type { Waiting } from "./Inbox.ts"

export interface Handoff {
  /** Queues a message, or drops and counts it when its queue is full. */
  readonly offer: (message: Waiting["message"], from: PeerAddress) => void
  readonly loop: Effect.Effect<never>
}

const handle = (node: Node, { from, message }: Waiting): Effect.Effect<void> => {
  switch (message._tag) {
    case "Alive": {
      const admitted = Hooks.admit(node, message)
      const apply = Step.run(node, (m, env) => alive(m, message, env))
      return admitted === undefined ? apply : Effect.flatMap(admitted, (yes) => yes ? apply : Effect.void)
    }
    case "Suspect":
      return Step.run(node, (m, env) => suspect(m, message, env))
    case "Dead":
      return Step.run(node, (m, env) => dead(m, message, env))
    case "User":
      return Effect.sync(() => deliver(node, { payload: message.payload, from, via: "packet" }))
  }
}

export const make = Effect.fnUntraced(function*(node: Node): Effect.fn.Return<Handoff> {
  const signal = yield* Signal.make
  const { accusations, alives, user } = node.handoff
  const queueOf = (message: Waiting["message"]) =>
    message._tag === "Alive" ? alives : message._tag === "User" ? user : accusations

  const loop = Effect.gen(function*() {
    for (;;) {
      const item = alives.shift() ?? accusations.shift() ?? user.shift()
      if (item === undefined) yield* signal.wait
      else yield* handle(node, item)
    }
  })

  return {
    offer: (message, from) => {
      const queue = queueOf(message)
      if (queue.length >= node.config.handoffQueueDepth) {
        const reason = message._tag === "Alive" ? "AliveQueueFull" : "QueueFull"
        node.counters.count("packet.dropped", reason)
        node.logs.note("QueueFull", { peer: from, reason, detail: message._tag })
        return
      }
      queue.push({ message, from })
      signal.notify()
    },
    loop
  }
})
