import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type * as Membership from "../../../src/swim/membership/Membership.ts"
import * as Accuse from "../../../src/swim/suspicion/Accuse.ts"
import * as Expiry from "../../../src/swim/suspicion/Expiry.ts"
import * as Silence from "../../../src/swim/suspicion/Silence.ts"
import * as T from "../../support/Rules.ts"

const { OTHER, SELF } = T
const BEGUN = 1000
/** With six members, four intervals; 24 where nobody agrees. */
const MIN = 4000
const DUE = BEGUN + 6 * MIN

const env = (now: number, heardAt?: number): Membership.Env => ({ ...T.env({ now }), heardAt })

const accuse = (m: Membership.Membership, from: string, now = BEGUN) =>
  Accuse.suspect(m, T.suspect(OTHER, 1, from), env(now))[0]
const ours = (others = ["a", "b", "c", "d"]) => accuse(T.cluster(OTHER, ...others), SELF)

const expire = (m: Membership.Membership, now = DUE, heardAt = -Infinity) => {
  const [next, directives] = Expiry.expire(m, env(now, heardAt))
  const held = directives.flatMap((directive) => directive._tag === "Held" ? [directive.entry.name] : [])
  return { next, held, state: T.entry(next, OTHER).state, expiry: Expiry.nextExpiry(next) }
}

describe("a suspicion of ours that is over", () => {
  it("goes on once, for one least time, while nobody was heard since it began", () => {
    const { expiry, held, next, state } = expire(ours())
    assert.deepStrictEqual([held, state, expiry], [[OTHER], "suspect", DUE + MIN])
    const early = expire(next, DUE + MIN - 1)
    assert.deepStrictEqual([early.held, early.state], [[], "suspect"])
    const again = expire(next, DUE + MIN)
    assert.deepStrictEqual([again.held, again.state], [[], "dead"])
  })

  it("ends in time where somebody was heard, or nothing is known about ourselves", () => {
    assert.strictEqual(expire(ours(), DUE, BEGUN).state, "dead")
    assert.strictEqual(T.entry(Expiry.expire(ours(), env(DUE))[0], OTHER).state, "dead")
  })

  it("ends in time where it is not ours alone", () => {
    const theirs = accuse(T.cluster(OTHER, "a", "b", "c", "d"), "a")
    for (const { held, state } of [expire(theirs), expire(accuse(ours(), "a"))]) {
      assert.deepStrictEqual([held, state], [[], "dead"])
    }
  })

  it("ends at once when another agrees while it goes on", () => {
    const { next } = expire(ours())
    const agreed = accuse(next, "a", DUE + 10)
    assert.isAtMost(Expiry.nextExpiry(agreed), DUE + 10)
    assert.strictEqual(expire(agreed, DUE + 10).state, "dead")
  })

  it("ends in time with fewer than four others, the suspect among them", () => {
    assert.strictEqual(expire(ours(["a", "b", "c"])).state, "suspect")
    assert.strictEqual(expire(ours(["a", "b"]), BEGUN + 6 * MIN).state, "dead")
    const [gone] = T.run(ours(["a", "b", "c"]), (m) => [T.force(m, "a", { state: "dead" }), []])
    assert.strictEqual(expire(gone).state, "dead")
  })

  it.prop(
    "ends in time or one least time later, whenever somebody was heard",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })),
      Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40_000 })))
    ],
    ([others, heard]) => {
      let m = ours(Array.from({ length: others }, (_, i) => `m${i}`))
      const due = Expiry.nextExpiry(m)
      const min = T.entry(m, OTHER).suspicion?.min ?? NaN
      let last = BEGUN
      for (let looks = 0; Expiry.nextExpiry(m) < Infinity; looks++) {
        assert.isBelow(looks, 3)
        last = Expiry.nextExpiry(m)
        m = Expiry.expire(m, env(last, Math.max(-Infinity, ...heard.filter((at) => at <= last))))[0]
      }
      assert.strictEqual(T.entry(m, OTHER).state, "dead")
      assert.include([due, due + min], last)
    }
  )

  it("needs four others", () => {
    assert.strictEqual(Silence.PEERS, 4)
  })
})
