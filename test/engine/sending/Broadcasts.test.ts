import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Node } from "../../../src/engine/Node.ts"
import * as Broadcasts from "../../../src/engine/sending/Broadcasts.ts"
import * as Step from "../../../src/engine/Step.ts"
import * as BroadcastQueue from "../../../src/swim/gossip/BroadcastQueue.ts"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import { suspect } from "../../../src/swim/suspicion/Accuse.ts"
import * as Message from "../../../src/wire/message/Message.ts"
import { idle } from "../../support/Observations.ts"
import * as Support from "../../support/Rules.ts"

/** What is queued, as bytes, the newest first. */
const queued = (node: Node): ReadonlyArray<Uint8Array> =>
  BroadcastQueue.draw(node.gossip.current, { overhead: 0, limit: 10_000, retransmitLimit: 9 }).messages

describe("a refutation", () => {
  for (
    const [what, name] of [
      ["our address", "10.0.0.1"],
      ["the word for it in the queue", "refutation"],
      ["the word for our own news there", `member ${Support.SELF}`]
    ] as const
  ) {
    it.effect(`stays beside our announcement and the news of a member whose name is ${what}`, () =>
      Effect.gen(function*() {
        const node = yield* idle(Support.SELF)
        const other = Support.alive(name, 1, { addr: Support.ip(9) })
        yield* Step.run(node, (m, env) => Support.announce(m, Support.own, env))
        yield* Step.run(node, (m, env) => Alive.alive(m, other, env))
        yield* Step.run(node, (m, env) => suspect(m, Support.suspect(Support.SELF, 1, "x"), env))
        const [announced, news, refuted] = [
          Support.alive(Support.SELF, 1),
          other,
          Support.alive(Support.SELF, 2)
        ].map((claim) => Message.encode(claim))
        assert.sameDeepMembers([...queued(node)], [announced, news, refuted])
        // a second one replaces the first
        yield* Step.run(node, (m, env) => suspect(m, Support.suspect(Support.SELF, 2, "x"), env))
        const again = Message.encode(Support.alive(Support.SELF, 3))
        assert.sameDeepMembers([...queued(node)], [announced, news, again])
        Broadcasts.forget(node, name)
        assert.sameDeepMembers([...queued(node)], [announced, again])
      }))
  }
})
