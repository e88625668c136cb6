import { assert, describe, it } from "@effect/vitest"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import type * as Membership from "../../../src/swim/membership/Membership.ts"
import * as Accuse from "../../../src/swim/suspicion/Accuse.ts"
import * as Expiry from "../../../src/swim/suspicion/Expiry.ts"
import * as Findings from "../../../src/swim/suspicion/Findings.ts"
import type { Suspicion } from "../../../src/swim/suspicion/Suspicion.ts"
import * as T from "../../support/Rules.ts"

const { OTHER, SELF } = T
const six = () => T.cluster(OTHER, "a", "b", "c", "d")

describe("Accuse.suspect", () => {
  it("broadcasts the accusation, publishes it and says when it ends", () => {
    const claim = T.suspect(OTHER, 1, "a")
    const [m, directives] = Accuse.suspect(six(), claim, T.env({ now: 500 }))
    const entry = T.entry(m, OTHER)
    const findings = Findings.ofSuspicion(OTHER, entry.suspicion as Suspicion, SELF)
    assert.deepStrictEqual(directives, [
      { _tag: "Broadcast", key: OTHER, claim },
      { _tag: "Publish", change: { _tag: "Suspected", entry, from: "a", findings } }
    ])
    assert.strictEqual(entry.state, "suspect")
    assert.strictEqual(entry.stateChangedAt, 500)
    assert.strictEqual(Expiry.nextExpiry(m), 24_500)
    assert.deepStrictEqual(entry.suspicion?.accusers, ["a"])
  })

  it("takes over a higher incarnation from the accuser", () => {
    const [m] = Accuse.suspect(six(), T.suspect(OTHER, 8, "a"), T.env())
    assert.strictEqual(T.entry(m, OTHER).incarnation, 8)
    assert.strictEqual(T.entry(m, OTHER).suspicion?.incarnation, 8)
  })

  it("ignores accusations of unknown members and of old incarnations", () => {
    const m = T.known("alive", 3)
    assert.deepStrictEqual(T.words(Accuse.suspect(m, T.suspect("nobody", 1, "a"), T.env())[1]), [
      "Ignored UnknownMember"
    ])
    assert.deepStrictEqual(T.words(Accuse.suspect(m, T.suspect(OTHER, 2, "a"), T.env())[1]), [
      "Ignored OldIncarnation"
    ])
  })

  it("gossips an independent confirmation on and ends the suspicion sooner, without raising the incarnation", () => {
    const [suspected] = Accuse.suspect(six(), T.suspect(OTHER, 1, "a"), T.env())
    const claim = T.suspect(OTHER, 5, "b")
    const [m, directives] = Accuse.suspect(suspected, claim, T.env({ now: 1000 }))
    const entry = T.entry(m, OTHER)
    assert.deepStrictEqual(directives, [{ _tag: "Broadcast", key: OTHER, claim }])
    assert.strictEqual(Expiry.nextExpiry(m), 11_381)
    assert.strictEqual(entry.incarnation, 1)
    assert.strictEqual(entry.stateChangedAt, 0)
  })

  it("does not count an accuser twice, nor more accusers than it hopes for", () => {
    const accuse = (from: string) => (m: Membership.Membership) => Accuse.suspect(m, T.suspect(OTHER, 1, from), T.env())
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
      (m) => Accuse.suspect(m, T.suspect(OTHER, 1, "a"), T.env()),
      (m) => Accuse.suspect(m, T.suspect(OTHER, 1, SELF), T.env())
    )
    assert.deepStrictEqual(T.entry(m, OTHER).suspicion?.accusers, ["a", SELF])
  })

  it.each(["dead", "left"] as const)("ignores accusations of a %s member", (state) => {
    const m = T.known(state, 3)
    const [next, directives] = Accuse.suspect(m, T.suspect(OTHER, 9, "a"), T.env())
    assert.strictEqual(next, m)
    assert.deepStrictEqual(T.words(directives), ["Ignored NotAlive"])
  })

  it("refutes an accusation of ourselves and stays alive", () => {
    const [m, directives] = Accuse.suspect(T.started(), T.suspect(SELF, 4, "a"), T.env())
    assert.deepStrictEqual(directives, [
      { _tag: "Refuted", by: "Suspect", about: "EarlierLife", from: "a", accusedIncarnation: 4, incarnation: 5 },
      { _tag: "Broadcast", key: undefined, claim: T.alive(SELF, 5) }
    ])
    assert.strictEqual(T.entry(m, SELF).state, "alive")
  })

  it("has the time fixed by the number of entries of any state when the suspicion starts", () => {
    const [m] = Dead.dead(T.cluster(OTHER, "a", "b"), T.dead("a", 1, "b"), T.env())
    const [suspected] = Accuse.suspect(m, T.suspect(OTHER, 1, "b"), T.env())
    assert.strictEqual(T.entry(suspected, OTHER).suspicion?.k, 2)
    const [small] = Accuse.suspect(T.cluster(OTHER, "a"), T.suspect(OTHER, 1, "b"), T.env())
    assert.strictEqual(T.entry(small, OTHER).suspicion?.k, 0)
  })
})

describe("our own accusation", () => {
  it("is at the incarnation that we know, in our name", () => {
    const target = T.entry(T.known("alive", 7), OTHER)
    assert.deepStrictEqual(Accuse.accusationOf(SELF, target), T.suspect(OTHER, 7, SELF))
  })

  it("rides on the ping of a suspect and of nobody else, unless the buddy system is off", () => {
    for (const state of ["alive", "suspect", "dead", "left"] as const) {
      const target = T.entry(T.known(state, 3), OTHER)
      const expected = state === "suspect" ? T.suspect(OTHER, 3, SELF) : undefined
      assert.deepStrictEqual(Accuse.accusationInPing(SELF, target, true), expected, state)
      assert.isUndefined(Accuse.accusationInPing(SELF, target, false))
    }
    assert.isUndefined(Accuse.accusationInPing(SELF, undefined, true))
  })
})
