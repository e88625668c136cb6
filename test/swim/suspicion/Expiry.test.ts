import { assert, describe, it } from "@effect/vitest"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import type * as Membership from "../../../src/swim/membership/Membership.ts"
import * as Accuse from "../../../src/swim/suspicion/Accuse.ts"
import { MAX_LISTED } from "../../../src/swim/suspicion/Deadlines.ts"
import * as Expiry from "../../../src/swim/suspicion/Expiry.ts"
import * as Findings from "../../../src/swim/suspicion/Findings.ts"
import * as T from "../../support/Rules.ts"

const { OTHER, SELF } = T
const six = () => T.cluster(OTHER, "a", "b", "c", "d")

describe("Expiry.expire", () => {
  const accused = (incarnation: number, ...from: ReadonlyArray<string>) =>
    T.run(
      six(),
      ...from.map((name) => (m: Membership.Membership) =>
        Accuse.suspect(m, T.suspect(OTHER, incarnation, name), T.env())
      )
    )[0]
  const expire = (m: Membership.Membership, now = 24_000) => Expiry.expire(m, T.env({ now }))

  it("declares the member dead on our word", () => {
    const before = accused(3, "a", "b", "c")
    const [m, directives] = expire(before)
    const entry = T.entry(m, OTHER)
    const { suspicion } = T.entry(before, OTHER)
    const findings = Findings.ofChange("Expired", entry, SELF, suspicion, { now: 24_000 })
    assert.deepStrictEqual(directives, [
      { _tag: "Broadcast", key: OTHER, claim: T.dead(OTHER, 3, SELF) },
      { _tag: "Publish", change: { _tag: "Failed", entry, from: SELF, accusers: ["a", "b", "c"], findings } }
    ])
    assert.strictEqual(entry.state, "dead")
    assert.strictEqual(entry.stateChangedAt, 24_000)
    assert.isUndefined(entry.suspicion)
    assert.strictEqual(Expiry.nextExpiry(m), Infinity)
  })

  it("says so when hoped-for confirmations are missing", () => {
    assert.strictEqual(expire(accused(1, "a"))[1][0]?._tag, "DegradedTimeout")
    assert.strictEqual(expire(T.known("suspect", 1))[1][0]?._tag, "Broadcast")
  })

  it("does nothing before the time", () => {
    const suspected = accused(1, "a")
    for (const now of [0, 23_999.9]) {
      const [m, directives] = expire(suspected, now)
      assert.deepStrictEqual(directives, [])
      assert.strictEqual(Expiry.nextExpiry(m), 24_000)
      assert.strictEqual(m.entries, suspected.entries)
    }
  })

  it("expires at once where a confirmation has moved its end into the past", () => {
    const [m] = Accuse.suspect(accused(1, "a"), T.suspect(OTHER, 1, "b"), T.env({ now: 20_000 }))
    assert.strictEqual(Expiry.nextExpiry(m), 11_381)
    const [next] = expire(m, 20_000)
    assert.strictEqual(T.entry(next, OTHER).state, "dead")
    assert.strictEqual(Expiry.nextExpiry(next), 24_000)
    // the first end is still listed, and there is nothing to it
    const [later, directives] = expire(next)
    assert.deepStrictEqual([directives, Expiry.nextExpiry(later)], [[], Infinity])
  })

  it("waits for nothing that rounding left", () => {
    assert.strictEqual(T.entry(expire(accused(1, "a"), 24_000 - 1e-6)[0], OTHER).state, "dead")
  })

  it("is about the suspicion there is, not about one that was refuted", () => {
    const [m] = T.run(
      accused(1, "a"),
      (m) => Alive.alive(m, T.alive(OTHER, 2), T.env({ now: 1000 })),
      (m) => Accuse.suspect(m, T.suspect(OTHER, 2, "a"), T.env({ now: 2000 }))
    )
    const [kept, directives] = expire(m)
    assert.deepStrictEqual(directives, [])
    assert.strictEqual(T.entry(kept, OTHER).state, "suspect")
    assert.strictEqual(Expiry.nextExpiry(kept), 26_000)
  })

  it.each(["alive", "dead", "left"] as const)("leaves a member alone that is %s by now", (state) => {
    const m = T.known(state, 1)
    const [next, directives] = expire(m)
    assert.deepStrictEqual(directives, [])
    assert.strictEqual(next.entries, m.entries)
  })

  it("declares several dead in the order in which their times were over, and keeps the others for later", () => {
    const ends = { b: 3000, d: 1000, a: 2000, c: 30_000 }
    const m = Object.entries(ends).reduce(
      (m, [name, now]) => Accuse.suspect(m, T.suspect(name, 1, SELF), T.env({ now }))[0],
      six()
    )
    const [next, directives] = expire(m, 28_000)
    const dead = directives.flatMap((directive) => directive._tag === "Publish" ? [directive.change.entry.name] : [])
    assert.deepStrictEqual(dead, ["d", "a", "b"])
    assert.strictEqual(Expiry.nextExpiry(next), 54_000)
  })

  it("finds in the table what was beyond the horizon, and overlooks nobody", () => {
    const names = Array.from({ length: 3 * MAX_LISTED }, (_, i) => `m${i}`)
    let m = T.cluster(...names)
    // those accused first end last
    names.forEach((name, i) => {
      ;[m] = Accuse.suspect(m, T.suspect(name, 1, SELF), T.env({ now: 10_000 - i }))
    })
    const dead: Array<string> = []
    while (Expiry.nextExpiry(m) < Infinity) {
      const now = Expiry.nextExpiry(m)
      const [next, directives] = expire(m, now)
      for (const directive of directives) {
        if (directive._tag === "Publish") dead.push(`${directive.change.entry.name} ${now}`)
      }
      m = next
    }
    const lasts = T.entry(Accuse.suspect(T.cluster(...names), T.suspect("m0", 1, SELF), T.env())[0], "m0").suspicion
    assert.deepStrictEqual(dead, names.map((name, i) => `${name} ${10_000 - i + (lasts?.max ?? 0)}`).toReversed())
  })

  it("declares only so many dead at once, and the rest at once after that", () => {
    const names = Array.from({ length: Expiry.MAX_EXPIRED + 10 }, (_, i) => `m${i}`)
    let m = T.cluster(...names)
    for (const name of names) [m] = Accuse.suspect(m, T.suspect(name, 1, SELF), T.env())
    const nextExpiry = Expiry.nextExpiry(m)
    const deaths: Array<number> = []
    while (Expiry.nextExpiry(m) < Infinity) {
      const [next, directives] = expire(m, 1e6)
      if (Expiry.nextExpiry(next) < Infinity) assert.strictEqual(Expiry.nextExpiry(next), nextExpiry)
      deaths.push(directives.filter(({ _tag }) => _tag === "Publish").length)
      m = next
    }
    assert.deepStrictEqual(deaths, [Expiry.MAX_EXPIRED, 10])
  })
})
