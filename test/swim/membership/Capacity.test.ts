import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import type { FirstHand } from "../../../src/swim/gossip/FirstHand.ts"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import { LOOKS, MIN_INTERVALS, patience, ROUNDS } from "../../../src/swim/membership/Capacity.ts"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import type { Directive } from "../../../src/swim/membership/Directive.ts"
import * as Membership from "../../../src/swim/membership/Membership.ts"
import * as Merge from "../../../src/swim/membership/Merge.ts"
import * as Round from "../../../src/swim/probing/Round.ts"
import * as Accuse from "../../../src/swim/suspicion/Accuse.ts"
import * as Expiry from "../../../src/swim/suspicion/Expiry.ts"
import * as T from "../../support/Rules.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const heard = (...names: ReadonlyArray<string>): FirstHand => ({
  size: names.length,
  has: (name) => names.includes(name),
  stands: (name) => names.includes(name),
  any: () => undefined
})

const rules = { maxMembers: 3 }
const env = (now: number, firstHand: FirstHand | undefined, random = T.seeded(1)): Membership.Env => ({
  ...T.env({ now, random, rules }),
  firstHand
})

const late = MIN_INTERVALS * T.lan.probeInterval + 1

/** We, `n1` and `n2`, who fill the table, since time 0. */
const full = () => T.cluster("n1", "n2")

const names = (m: Membership.Membership) => m.entries.values().map(({ name }) => name).sort()

describe("a newcomer to a full table", () => {
  it("takes the place of one that nothing ever came from, who failed as far as subscribers know", () => {
    const [m, directives] = Alive.alive(full(), T.alive("n3", 1), env(late, heard("n2")))
    assert.deepStrictEqual(names(m), ["n2", "n3", T.SELF])
    assert.deepStrictEqual([...m.ring.names].sort(), names(m))
    assert.strictEqual(m.entries.size, 3)
    assert.deepStrictEqual(T.words(directives), ["Failed", "Evicted", "Broadcast Alive n3", "Joined"])
    const [failed] = directives
    if (failed?._tag !== "Publish" || failed.change._tag !== "Failed") return assert.fail("no MemberFailed")
    assert.deepStrictEqual([failed.change.entry.name, failed.change.entry.state], ["n1", "dead"])
    assert.deepStrictEqual([failed.change.from, failed.change.accusers], [T.SELF, []])
  })

  it("is refused where everybody was heard from, or came lately, or nobody knows who was heard from", () => {
    for (
      const [now, firstHand] of [
        [late, heard("n1", "n2")],
        [late - 1, heard("n2")],
        [late, undefined]
      ] as const
    ) {
      const [m, directives] = Alive.alive(full(), T.alive("n3", 1), env(now, firstHand))
      assert.deepStrictEqual(names(m), ["n1", "n2", T.SELF])
      assert.deepStrictEqual(T.words(directives), ["Ignored TableFull"])
    }
  })

  it("waits longer the more members were heard from, not the more there are", () => {
    assert.strictEqual(patience(0, 1000), MIN_INTERVALS * 1000)
    assert.strictEqual(patience(2, 1000), MIN_INTERVALS * 1000)
    assert.strictEqual(patience(1000, 1000), ROUNDS * 1000 * 1000)
  })

  it("ends the suspicion of who makes place, and says nothing of one that is gone already", () => {
    const [suspected] = Accuse.suspect(full(), T.suspect("n1", 1, "n2"), env(0, heard("n2")))
    const [, ended] = Alive.alive(suspected, T.alive("n3", 1), env(late, heard("n2")))
    assert.deepStrictEqual(T.words(ended).slice(0, 2), ["Failed", "Evicted"])
    const [dead] = Dead.dead(full(), T.dead("n1", 1, "n2"), env(0, heard("n2")))
    const [, gone] = Alive.alive(dead, T.alive("n3", 1), env(late, heard("n2")))
    assert.deepStrictEqual(T.words(gone), ["Evicted", "Broadcast Alive n3", "Joined"])
  })

  it("costs a bounded number of looks, however large the table", () => {
    let m = T.started()
    const wide = { ...T.env({ rules: { maxMembers: 5001 } }), firstHand: heard() }
    for (let i = 0; i < 5000; i++) [m] = Alive.alive(m, T.alive(`n${i}`, 1), wide)
    let looks = 0
    const everybody: FirstHand = { ...heard(), stands: () => (looks++, true) }
    const [, directives] = Alive.alive(m, T.alive("late", 1), { ...wide, now: late, firstHand: everybody })
    assert.deepStrictEqual(T.words(directives), ["Ignored TableFull"])
    assert.isAtMost(looks, LOOKS)
  })
})

const Event = Schema.Struct({
  kind: Schema.Literals(["alive", "alive", "alive", "suspect", "dead", "merge", "probe", "expire"]),
  node: int(0, 11),
  incarnation: int(1, 3),
  passes: int(0, 20_000)
})
type Event = typeof Event.Type

const name = (node: number) => node % 12 === 0 ? T.SELF : `n${node % 12}`

const step = (m: Membership.Membership, { incarnation, kind, node }: Event, env: Membership.Env): Membership.Step => {
  switch (kind) {
    case "alive":
      return Alive.alive(m, T.alive(name(node), incarnation), env)
    case "suspect":
      return Accuse.suspect(m, T.suspect(name(node), incarnation, name(node + 1)), env)
    case "dead":
      return Dead.dead(m, T.dead(name(node), incarnation, name(node + 1)), env)
    case "merge":
      return Merge.merge(m, [0, 1, 2, 3, 4].map((i) => T.row(name(node + i), incarnation, i % 4)), env)
    case "expire":
      return Expiry.expire(m, env)
    case "probe": {
      const [next, directives] = Round.nextProbe(m, env)
      return [next, directives]
    }
  }
}

describe("whatever is claimed", () => {
  it.prop(
    "neither we nor anybody heard from makes place, and ring, estimate and events fit the table",
    [Arbitrary.array(Arbitrary.schema(Event), { maxLength: 120 }), int(0, 1_000_000)],
    ([events, seed]) => {
      const random = T.seeded(seed)
      const firstHand = heard("n1", "n4", "n7")
      const settings = { maxMembers: 6, gossipToTheDeadTime: 60_000 }
      const live = new Map<string, string>()
      const follow = (directive: Directive) => {
        if (directive._tag === "Evicted") {
          assert.isFalse(firstHand.has(directive.entry.name))
          assert.notStrictEqual(directive.entry.name, T.SELF)
        }
        if (directive._tag !== "Publish") return
        const { _tag, entry } = directive.change
        if (_tag === "Joined") assert.isFalse(live.has(entry.name))
        if (_tag === "Failed" || _tag === "Left") assert.isTrue(live.delete(entry.name))
        else live.set(entry.name, entry.state)
      }
      let now = 0
      let [m, first] = T.announce(Membership.make(T.SELF), T.own, env(now, firstHand))
      first.forEach(follow)
      for (const event of events) {
        now += event.passes
        const [next, directives] = step(m, event, { ...T.env({ now, random, rules: settings }), firstHand })
        directives.forEach(follow)
        m = next
        // looking settles the ring, so it is not always looked at
        if (event.passes % 3 === 0) assert.deepStrictEqual([...m.ring.names].sort(), names(m))
        assert.isAtMost(m.entries.size, settings.maxMembers)
        assert.deepStrictEqual(
          Array.from(live).sort(),
          Membership.members(m).map((entry) => [entry.name, entry.state] as [string, string]).sort()
        )
      }
      assert.deepStrictEqual([...m.ring.names].sort(), names(m))
    },
    { arbitrary: { runs: 200, size: 120 } }
  )
})
