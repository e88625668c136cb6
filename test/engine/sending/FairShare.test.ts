/** What the news of members and messages of the application get of the packets while both wait. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Node } from "../../../src/engine/Node.ts"
import * as Broadcasts from "../../../src/engine/sending/Broadcasts.ts"
import { MessageType } from "../../../src/wire/message/Message.ts"
import { MAX_PARTS } from "../../../src/wire/packet/Compound.ts"
import { idle } from "../../support/Observations.ts"
import * as Support from "../../support/Rules.ts"

const to = { ip: "10.0.0.2", port: 7946 }

/** Queues messages of so many bytes, and as much news of members as never ends. */
const busy = Effect.fnUntraced(function*(sizes: ReadonlyArray<number>) {
  const node = yield* idle(Support.SELF)
  for (const size of sizes) Broadcasts.queueUser(node, new Uint8Array(size), undefined)
  for (let i = 0; i < 2_000; i++) {
    const claim = Support.alive(`m${i}`, 1, { addr: Support.ip(9) })
    Broadcasts.queueClaims(node, [{ key: `m${i}`, claim }], undefined)
  }
  return node
})

/** How many messages of the application, and how many claims, ride on the next packet. */
const next = Effect.fnUntraced(function*(node: Node, limit: number, maxParts?: number) {
  const drawn = yield* Broadcasts.draw(node, to, limit, maxParts)
  const user = drawn.filter(([type]) => type === MessageType.User).length
  return { user, claims: drawn.length - user }
})

describe("while messages of the application and news of members wait", () => {
  for (const limit of [1_400, 8_192, 60_000]) {
    it.effect(`many short messages leave the news most of the parts of a packet of ${limit} bytes`, () =>
      Effect.gen(function*() {
        const node = yield* busy(Array.from({ length: 4_000 }, (_, i) => i % 3))
        const alone = yield* busy([])
        for (let packet = 0; packet < 12; packet++) {
          const { claims, user } = yield* next(node, limit)
          assert.isAbove(user, 0)
          assert.isAtMost(claims + user, MAX_PARTS)
          assert.isAtLeast(claims, Math.floor((yield* next(alone, limit)).claims * 0.7), `packet ${packet}`)
        }
      }))
  }

  it.effect("a message as long as a packet has its turn at every fourth, and the news all others", () =>
    Effect.gen(function*() {
      const node = yield* busy(Array.from({ length: 10 }, () => 1_397))
      const turns: Array<string> = []
      for (let packet = 0; packet < 12; packet++) {
        const { claims, user } = yield* next(node, 1_400)
        turns.push(user > 0 && claims === 0 ? "u" : user === 0 && claims > 0 ? "c" : "?")
      }
      assert.strictEqual(turns.join(""), "cccucccucccu")
    }))

  it.effect("a message that never fits costs the news nothing", () =>
    Effect.gen(function*() {
      const node = yield* busy([5_000])
      const alone = yield* busy([])
      for (let packet = 0; packet < 8; packet++) {
        assert.deepStrictEqual(yield* next(node, 1_400), yield* next(alone, 1_400))
      }
    }))

  it.effect("a packet without room is nobody's turn", () =>
    Effect.gen(function*() {
      const node = yield* busy([1_397])
      const turns: Array<number> = []
      for (let packet = 0; packet < 4; packet++) {
        turns.push((yield* next(node, 1_400)).user)
        assert.deepStrictEqual(yield* next(node, 0), { user: 0, claims: 0 })
      }
      assert.deepStrictEqual(turns, [0, 0, 0, 1])
    }))

  it.effect("packets with room for one part more are shared by turns", () =>
    Effect.gen(function*() {
      const node = yield* busy(Array.from({ length: 100 }, () => 10))
      let user = 0
      for (let packet = 0; packet < 12; packet++) user += (yield* next(node, 1_400, 1)).user
      assert.isAtMost(user, 3)
    }))
})
