import { assert, describe, it } from "@effect/vitest"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import type * as Membership from "../../../src/swim/membership/Membership.ts"
import { MAX_LISTED } from "../../../src/swim/suspicion/Deadlines.ts"
import * as Suspect from "../../../src/swim/suspicion/Suspect.ts"
import * as T from "../support.ts"

const { OTHER, SELF } = T
const six = () => T.cluster(OTHER, "a", "b", "c", "d")

describe("Suspect.suspect", () => {
  it("broadcasts the accusation, publishes it and says when it ends", () => {
    const claim = T.suspect(OTHER, 1, "a")
    const [m, directives] = Suspect.suspect(six(), claim, T.env({ now: 500 }))
    const entry = T.entry(m, OTHER)
    assert.deepStrictEqual(directives, [
      { _tag: "Broadcast", key: OTHER, claim },
      { _tag: "Publish", change: { _tag: "Suspected", entry, from: "a" } }
    ])
    assert.strictEqual(entry.state, "suspect")
    assert.strictEqual(entry.stateChangedAt, 500)
    assert.strictEqual(Suspect.nextExpiry(m), 24_500)
    assert.deepStrictEqual(entry.suspicion?.accusers, ["a"])
  })

  it("takes over a higher incarnation from the accuser", () => {
    const [m] = Suspect.suspect(six(), T.suspect(OTHER, 8, "a"), T.env())
    assert.strictEqual(T.entry(m, OTHER).incarnation, 8)
    assert.strictEqual(T.entry(m, OTHER).suspicion?.incarnation, 8)
  })

  it("ignores accusations of unknown members and of old incarnations", () => {
    const m = T.known("alive", 3)
    assert.deepStrictEqual(T.words(Suspect.suspect(m, T.suspect("nobody", 1, "a"), T.env())[1]), [
      "Ignored UnknownMember"
    ])
    assert.deepStrictEqual(T.words(Suspect.suspect(m, T.suspect(OTHER, 2, "a"), T.env())[1]), [
      "Ignored OldIncarnation"
    ])
  })

  it("gossips an independent confirmation on and ends the suspicion sooner, without raising the incarnation", () => {
    const [suspected] = Suspect.suspect(six(), T.suspect(OTHER, 1, "a"), T.env())
    const claim = T.suspect(OTHER, 5, "b")
    const [m, directives] = Suspect.suspect(suspected, claim, T.env({ now: 1000 }))
    const entry = T.entry(m, OTHER)
    assert.deepStrictEqual(directives, [{ _tag: "Broadcast", key: OTHER, claim }])
    assert.strictEqual(Suspect.nextExpiry(m), 11_381)
    assert.strictEqual(entry.incarnation, 1)
    assert.strictEqual(entry.stateChangedAt, 0)
  })

  it("does not count an accuser twice, nor more accusers than it hopes for", () => {
    const accuse = (from: string) => (m: Membership.Membership) =>
      Suspect.suspect(m, T.suspect(OTHER, 1, from), T.env())
    const [, directives] = T.run(six(), accuse("a"), accuse("a"), accuse("b"), accuse("c"), accuse("d"))
    assert.deepStrictEqual(T.words(directives), [
      `Broadcast Suspect ${OTHER}`,
      "Suspected",
      "Ignored DuplicateAccuser",
      `Broadcast Suspect ${OTHER}`,
      `Broadcast Suspect ${OTHER}`,
      "Ignored EnoughConfirmations"
    ])
  })

  it("counts our own failed probe as a confirmation of somebody else's accusation", () => {
    const [m] = T.run(
      six(),
      (m) => Suspect.suspect(m, T.suspect(OTHER, 1, "a"), T.env()),
      (m) => Suspect.suspect(m, T.suspect(OTHER, 1, SELF), T.env())
    )
    assert.deepStrictEqual(T.entry(m, OTHER).suspicion?.accusers, ["a", SELF])
  })

  it.each(["dead", "left"] as const)("ignores accusations of a %s member", (state) => {
    const m = T.known(state, 3)
    const [next, directives] = Suspect.suspect(m, T.suspect(OTHER, 9, "a"), T.env())
    assert.strictEqual(next, m)
    assert.deepStrictEqual(T.words(directives), ["Ignored NotAlive"])
  })

  it("refutes an accusation of ourselves and stays alive", () => {
    const [m, directives] = Suspect.suspect(T.started(), T.suspect(SELF, 4, "a"), T.env())
    assert.deepStrictEqual(directives, [
      { _tag: "Refuted", by: "Suspect", about: "EarlierLife", from: "a", accusedIncarnation: 4, incarnation: 5 },
      { _tag: "Broadcast", key: undefined, claim: T.alive(SELF, 5) }
    ])
    assert.strictEqual(T.entry(m, SELF).state, "alive")
  })

  it("has the time fixed by the number of entries of any state when the suspicion starts", () => {
    const [m] = Dead.dead(T.cluster(OTHER, "a", "b"), T.dead("a", 1, "b"), T.env())
    const [suspected] = Suspect.suspect(m, T.suspect(OTHER, 1, "b"), T.env())
    assert.strictEqual(T.entry(suspected, OTHER).suspicion?.k, 2)
    const [small] = Suspect.suspect(T.cluster(OTHER, "a"), T.suspect(OTHER, 1, "b"), T.env())
    assert.strictEqual(T.entry(small, OTHER).suspicion?.k, 0)
  })
})

describe("Suspect.expire", () => {
  const accused = (incarnation: number, ...from: ReadonlyArray<string>) =>
    T.run(
      six(),
      ...from.map((name) => (m: Membership.Membership) =>
        Suspect.suspect(m, T.suspect(OTHER, incarnation, name), T.env())
      )
    )[0]
  const expire = (m: Membership.Membership, now = 24_000) => Suspect.expire(m, T.env({ now }))

  it("declares the member dead on our word", () => {
    const [m, directives] = expire(accused(3, "a", "b", "c"))
    const entry = T.entry(m, OTHER)
    assert.deepStrictEqual(directives, [
      { _tag: "Broadcast", key: OTHER, claim: T.dead(OTHER, 3, SELF) },
      { _tag: "Publish", change: { _tag: "Failed", entry, from: SELF, accusers: ["a", "b", "c"] } }
    ])
    assert.strictEqual(entry.state, "dead")
    assert.strictEqual(entry.stateChangedAt, 24_000)
    assert.isUndefined(entry.suspicion)
    assert.strictEqual(Suspect.nextExpiry(m), Infinity)
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
      assert.strictEqual(Suspect.nextExpiry(m), 24_000)
      assert.strictEqual(m.entries, suspected.entries)
    }
  })

  it("expires at once where a confirmation has moved its end into the past", () => {
    const [m] = Suspect.suspect(accused(1, "a"), T.suspect(OTHER, 1, "b"), T.env({ now: 20_000 }))
    assert.strictEqual(Suspect.nextExpiry(m), 11_381)
    const [next] = expire(m, 20_000)
    assert.strictEqual(T.entry(next, OTHER).state, "dead")
    assert.strictEqual(Suspect.nextExpiry(next), 24_000)
    // the first end is still listed, and there is nothing to it
    const [later, directives] = expire(next)
    assert.deepStrictEqual([directives, Suspect.nextExpiry(later)], [[], Infinity])
  })

  it("waits for nothing that rounding left", () => {
    assert.strictEqual(T.entry(expire(accused(1, "a"), 24_000 - 1e-6)[0], OTHER).state, "dead")
  })

  it("is about the suspicion there is, not about one that was refuted", () => {
    const [m] = T.run(
      accused(1, "a"),
      (m) => Alive.alive(m, T.alive(OTHER, 2), T.env({ now: 1000 })),
      (m) => Suspect.suspect(m, T.suspect(OTHER, 2, "a"), T.env({ now: 2000 }))
    )
    const [kept, directives] = expire(m)
    assert.deepStrictEqual(directives, [])
    assert.strictEqual(T.entry(kept, OTHER).state, "suspect")
    assert.strictEqual(Suspect.nextExpiry(kept), 26_000)
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
      (m, [name, now]) => Suspect.suspect(m, T.suspect(name, 1, SELF), T.env({ now }))[0],
      six()
    )
    const [next, directives] = expire(m, 28_000)
    const dead = directives.flatMap((directive) => directive._tag === "Publish" ? [directive.change.entry.name] : [])
    assert.deepStrictEqual(dead, ["d", "a", "b"])
    assert.strictEqual(Suspect.nextExpiry(next), 54_000)
  })

  it("finds in the table what was beyond the horizon, and overlooks nobody", () => {
    const names = Array.from({ length: 3 * MAX_LISTED }, (_, i) => `m${i}`)
    let m = T.cluster(...names)
    // those accused first end last
    names.forEach((name, i) => {
      ;[m] = Suspect.suspect(m, T.suspect(name, 1, SELF), T.env({ now: 10_000 - i }))
    })
    const dead: Array<string> = []
    while (Suspect.nextExpiry(m) < Infinity) {
      const now = Suspect.nextExpiry(m)
      const [next, directives] = expire(m, now)
      for (const directive of directives) {
        if (directive._tag === "Publish") dead.push(`${directive.change.entry.name} ${now}`)
      }
      m = next
    }
    const lasts = T.entry(Suspect.suspect(T.cluster(...names), T.suspect("m0", 1, SELF), T.env())[0], "m0").suspicion
    assert.deepStrictEqual(dead, names.map((name, i) => `${name} ${10_000 - i + (lasts?.max ?? 0)}`).toReversed())
  })

  it("declares only so many dead at once, and the rest at once after that", () => {
    const names = Array.from({ length: Suspect.MAX_EXPIRED + 10 }, (_, i) => `m${i}`)
    let m = T.cluster(...names)
    for (const name of names) [m] = Suspect.suspect(m, T.suspect(name, 1, SELF), T.env())
    const nextExpiry = Suspect.nextExpiry(m)
    const deaths: Array<number> = []
    while (Suspect.nextExpiry(m) < Infinity) {
      const [next, directives] = expire(m, 1e6)
      if (Suspect.nextExpiry(next) < Infinity) assert.strictEqual(Suspect.nextExpiry(next), nextExpiry)
      deaths.push(directives.filter(({ _tag }) => _tag === "Publish").length)
      m = next
    }
    assert.deepStrictEqual(deaths, [Suspect.MAX_EXPIRED, 10])
  })
})
