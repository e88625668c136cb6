/**
 * Verifies what others say about members that we do not know: each is asked whether it is there, as a member is by the
 * prober, and let in when somebody got an answer. What it is about may be made up, so nothing else is sent there than
 * the ping itself: gossip that rode on it would be used up on somebody who does not exist.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Entry } from "../../swim/membership/Entry.ts"
import { readsChecksum } from "../../swim/membership/Versions.ts"
import * as Requests from "../../swim/probing/Requests.ts"
import { confirm, drop, nextUnverified } from "../../swim/recovery/Verification.ts"
import * as Message from "../../wire/message/Message.ts"
import type { Node } from "../Node.ts"
import * as Inquiry from "../probing/Inquiry.ts"
import * as Sender from "../sending/Sender.ts"
import * as Step from "../Step.ts"

/**
 * How many may be verified at one time for others to be asked for help. Whoever is asked helps one member with few
 * things at a time (`Requests.ts`), and must have places left for our probes of members. Of many that do not answer,
 * nearly all are dead or made up; the TCP ping has to do for the others.
 */
export const MAX_RELAYED = Requests.MAX_PER_MEMBER / 2

const ask = (node: Node, target: Entry): Effect.Effect<Inquiry.End> =>
  Inquiry.make(node, target, {
    ping: (message) =>
      Sender.packet(node, target.endpoint, Message.encode(message, node.writer), readsChecksum(target)),
    // the address may be made up: nobody could do anything about it
    failed: () => Effect.sync(() => node.counters.count("send.failed", "ping")),
    asksHelpers: () => node.work.running("hearsay") <= MAX_RELAYED,
    // many are verified at one time, and one delay of ours would cost as many points
    late: () => undefined
  })

/** Asks one, and lets it in or drops what was said about it; so does a defect, but not the end of the node. */
const verify = (node: Node, target: Entry): Effect.Effect<void> =>
  Effect.onExit(ask(node, target), (exit) => {
    if (exit._tag === "Failure" && Cause.hasInterruptsOnly(exit.cause)) return Effect.void
    if (exit._tag === "Failure" || exit.value._tag === "NotSent" || exit.value._tag === "NoAnswer") {
      return Step.run(node, (m, env) => drop(m, target.name, env))
    }
    const { _tag } = exit.value
    return Effect.map(Step.run(node, (m, env) => confirm(m, target.name, env)), () => {
      node.counters.count("hearsay.confirmed", _tag)
      if (_tag === "Answered") node.heard.noteMember(target.name, node.now())
    })
  }).pipe(Effect.asVoid)

/** One after the other, beginning with `target`, until nothing is left to ask. */
const verifyAll = Effect.fnUntraced(function*(node: Node, target: Entry) {
  for (let next: Entry | undefined = target; next !== undefined; next = yield* Step.decide(node, nextUnverified)) {
    yield* verify(node, next)
  }
})

/** Begins with as much of what waits as may be verified at one time; the rest follows. */
export const begin = (node: Node): Effect.Effect<void> =>
  Effect.uninterruptible(Effect.gen(function*() {
    for (;;) {
      const next = yield* Step.decide(node, nextUnverified)
      if (next === undefined) return
      const about = { peer: next.endpoint, member: next.name }
      if (!node.work.start("hearsay", verifyAll(node, next), about)) {
        // it comes again with another list
        yield* Step.run(node, (m, env) => drop(m, next.name, env))
        return
      }
    }
  }))
