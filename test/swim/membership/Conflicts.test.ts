import { assert, describe, it } from "@effect/vitest"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import * as Conflicts from "../../../src/swim/membership/Conflicts.ts"
import type * as Membership from "../../../src/swim/membership/Membership.ts"
import * as T from "../../support/Rules.ts"

const { OTHER, SELF } = T
const replacing = (now = 0) => T.env({ now, rules: { nameConflictPolicy: "replace" } })
const from = (last: number, incarnation: number, name = OTHER) => T.alive(name, incarnation, { addr: T.ip(last) })

describe("a name conflict", () => {
  it("is told once a minute, whichever of the two is heard", () => {
    const words = (m: Membership.Membership, now: number, last: number) => {
      const [next, directives] = Alive.alive(m, from(last, 9), T.env({ now }))
      return [next, T.words(directives)] as const
    }
    const told = ["Conflict", "Ignored AddressConflict"]
    const untold = ["Ignored AddressConflict"]
    const [first, atFirst] = words(T.known("alive", 3), 0, 2)
    assert.deepStrictEqual(atFirst, told)
    const [second, again] = words(first, 59_999, 2)
    assert.deepStrictEqual(again, untold)
    assert.strictEqual(second, first)
    const [third, another] = words(second, 59_999, 3)
    assert.deepStrictEqual(another, told)
    const [, later] = words(third, 60_000, 2)
    assert.deepStrictEqual(later, told)
    const swapped = T.force(first, OTHER, { addr: T.ip(2) })
    assert.deepStrictEqual(words(swapped, 59_999, 1)[1], untold)
  })

  it("of names and addresses that are made up is told of 64 a minute", () => {
    let m = T.known("alive", 3)
    let told = 0
    for (let i = 0; i < 1000; i++) {
      const claim = T.alive(OTHER, 4, { port: 8000 + i })
      const [next, directives] = Alive.alive(m, claim, T.env({ now: i }))
      m = next
      if (T.words(directives).includes("Conflict")) told++
    }
    assert.strictEqual(told, Conflicts.MAX_REPORTS)
    assert.strictEqual(m.conflicts.length, Conflicts.MAX_REPORTS)
    const [next, directives] = Alive.alive(m, T.alive(OTHER, 4, { port: 1 }), T.env({ now: 61_000 }))
    assert.include(T.words(directives), "Conflict")
    assert.strictEqual(next.conflicts.length, 1)
  })
})

describe("the policy replace", () => {
  it("gives the name of a live member to a newer incarnation elsewhere, and says so", () => {
    const before = T.known("alive", 3)
    const other = from(2, 4)
    const [m, directives] = Alive.alive(before, other, replacing())
    assert.deepStrictEqual(T.words(directives), ["Conflict", `Broadcast Alive ${OTHER}`, "Updated"])
    assert.deepStrictEqual(directives[0], { _tag: "Conflict", existing: T.entry(before, OTHER), other, replaced: true })
    assert.strictEqual(T.entry(m, OTHER).endpoint.ip, "10.0.0.2")
    assert.strictEqual(T.entry(m, OTHER).incarnation, 4)
  })

  it("ends the suspicion of the one that is replaced", () => {
    const [m] = Alive.alive(T.known("suspect", 3), from(2, 4), replacing())
    assert.strictEqual(T.entry(m, OTHER).state, "alive")
    assert.isUndefined(T.entry(m, OTHER).suspicion)
  })

  it("gives the name of a dead member to a newer incarnation at once, without a conflict", () => {
    const [, directives] = Alive.alive(T.known("dead", 3), from(2, 4), replacing())
    assert.deepStrictEqual(T.words(directives), ["Reclaimed", `Broadcast Alive ${OTHER}`, "Joined"])
  })

  it("keeps the first at an equal incarnation, so that two live nodes do not replace each other forever", () => {
    for (const incarnation of [1, 2, 3]) {
      const [m, directives] = Alive.alive(T.known("alive", 3), from(2, incarnation), replacing())
      assert.deepStrictEqual(T.words(directives), ["Conflict", "Ignored AddressConflict"])
      assert.strictEqual(T.entry(m, OTHER).endpoint.ip, "10.0.0.1")
    }
  })

  it("leads every member to the same owner, in whatever order the claims arrive", () => {
    const claims = [from(1, 3), from(2, 4), from(3, 6), from(1, 5), from(2, 2)]
    const orders = [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3], [3, 1, 2, 0, 4]]
    for (const order of orders) {
      const rules = order.flatMap((i) => {
        const claim = claims[i]
        return claim === undefined ? [] : [(m: Membership.Membership) => Alive.alive(m, claim, replacing())]
      })
      const [m] = T.run(T.started(), ...rules)
      assert.strictEqual(T.entry(m, OTHER).endpoint.ip, "10.0.0.3")
    }
  })

  it("never gives away our own name", () => {
    const [m, directives] = Alive.alive(T.started(), from(2, 99, SELF), replacing())
    assert.deepStrictEqual(T.words(directives), ["Conflict", "Ignored AddressConflict"])
    assert.strictEqual(T.entry(m, SELF).endpoint.ip, "10.0.0.1")
  })

  it("does not tell what is still said about the old address afterwards", () => {
    const [m] = Alive.alive(T.known("alive", 3), from(2, 4), replacing())
    const [, directives] = Alive.alive(m, from(1, 3), replacing(1000))
    assert.deepStrictEqual(T.words(directives), ["Ignored AddressConflict"])
  })

  it("lets a node outbid whoever has its name", () => {
    const [m, directives] = T.outbid(T.started(), T.own, 7, replacing())
    assert.strictEqual(T.entry(m, SELF).incarnation, 8)
    assert.strictEqual(m.incarnation, 8)
    assert.deepStrictEqual(T.words(directives), [`Broadcast Alive ${SELF}`])
  })
})
