import { assert, describe, it } from "@effect/vitest"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import type { Directive } from "../../../src/swim/membership/Directive.ts"
import * as Membership from "../../../src/swim/membership/Membership.ts"
import { NameList } from "../../../src/swim/probing/NameList.ts"
import * as Round from "../../../src/swim/probing/Round.ts"
import * as Accuse from "../../../src/swim/suspicion/Accuse.ts"
import * as T from "../../support/Rules.ts"

const { OTHER, SELF } = T

/** Some ticks in turn: the member each probes. */
const ticks = (m: Membership.Membership, count: number, env = T.env({ random: T.seeded(2) })) => {
  const probed: Array<string | undefined> = []
  const all: Array<Directive> = []
  let next = m
  for (let i = 0; i < count; i++) {
    const [after, directives, entry] = Round.nextProbe(next, env)
    probed.push(entry?.name)
    all.push(...directives)
    next = after
  }
  return { m: next, probed, directives: all }
}

const place = (m: Membership.Membership, ...names: ReadonlyArray<string>): Membership.Membership => ({
  ...m,
  ring: { names: NameList.of(names), index: 0 }
})

describe("Round.nextProbe", () => {
  it("meets every member but ourselves once per round, in the order of the ring", () => {
    const m = place(T.cluster("a", "b", "c"), "b", SELF, "c", "a")
    assert.deepStrictEqual(ticks(m, 3).probed, ["b", "c", "a"])
  })

  it("probes suspects, and passes over dead and left members", () => {
    const [m] = T.run(
      place(T.cluster("a", "b", "c"), "a", "b", "c", SELF),
      (m) => Accuse.suspect(m, T.suspect("a", 1, OTHER), T.env()),
      (m) => Dead.dead(m, T.dead("b", 1, OTHER), T.env()),
      (m) => Dead.dead(m, T.dead("c", 1, "c"), T.env())
    )
    const { probed } = ticks(m, 12)
    assert.strictEqual(probed[0], "a")
    assert.deepStrictEqual(Array.from(new Set(probed)).sort(), ["a", undefined])
  })

  it("gives the tick up rather than look further than the table is long", () => {
    const m = { ...T.cluster("a"), ring: { names: NameList.of([SELF, "a"]), index: 2 } }
    // One look for the wrap and one for ourselves, when we come first.
    const [, , entry] = Round.nextProbe(m, T.env({ random: () => 0.99 }))
    assert.isUndefined(entry)
  })

  it("finds nobody when we are alone, and in an empty table", () => {
    assert.deepStrictEqual(ticks(T.started(), 5).probed, Array.from({ length: 5 }))
    assert.deepStrictEqual(ticks(Membership.make(SELF), 2).probed, [undefined, undefined])
  })

  it("shuffles the ring after each round", () => {
    const names = Array.from({ length: 20 }, (_, i) => `m${i}`)
    const first = ticks(place(T.cluster(...names), ...names, SELF), 20)
    const second = ticks(first.m, 21)
    assert.deepStrictEqual(first.probed, names)
    assert.notDeepEqual(second.probed.slice(0, 20), names)
    assert.deepStrictEqual([...second.m.ring.names].sort(), [...names, SELF].sort())
  })

  it.each(["dead", "left"] as const)("forgets a %s member after its retention, not before", (state) => {
    const m = place(T.known(state, 1), SELF, OTHER)
    const rules = { gossipToTheDeadTime: 15_000 }
    const kept = ticks(m, 3, T.env({ now: 15_000, rules }))
    assert.isTrue(T.has(kept.m, OTHER))
    assert.deepStrictEqual(kept.directives, [])
    const reaped = ticks(m, 3, T.env({ now: 15_001, rules }))
    assert.isFalse(T.has(reaped.m, OTHER))
    assert.deepStrictEqual(reaped.directives, [{ _tag: "Reaped", entry: T.entry(m, OTHER) }])
    assert.deepStrictEqual([reaped.m.entries.size, [...reaped.m.ring.names]], [1, [SELF]])
  })

  it("never forgets the living", () => {
    const { m, directives } = ticks(T.known("suspect", 1), 10, T.env({ now: 1e9 }))
    assert.isTrue(T.has(m, OTHER))
    assert.deepStrictEqual(directives, [])
  })

  it("never forgets ourselves, however long ago we left", () => {
    const [left] = T.leave(T.cluster(OTHER), T.env())
    const { m, directives } = ticks(left, 20, T.env({ now: 1e9 }))
    assert.strictEqual(T.entry(m, SELF).state, "left")
    assert.deepStrictEqual(directives, [])
    assert.strictEqual(m.entries.size, 2)
  })

  it("lets a forgotten name come back at any incarnation", () => {
    const forgotten = ticks(place(T.known("dead", 9), SELF, OTHER), 3, T.env({ now: 1e9 })).m
    const [m, directives] = Alive.alive(forgotten, T.alive(OTHER, 1, { addr: T.ip(3) }), T.env())
    assert.deepStrictEqual(T.words(directives), [`Broadcast Alive ${OTHER}`, "Joined"])
    assert.strictEqual(T.entry(m, OTHER).incarnation, 1)
  })
})
