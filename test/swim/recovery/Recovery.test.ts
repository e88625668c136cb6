import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { FirstHand } from "../../../src/swim/gossip/FirstHand.ts"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import { RemoteState } from "../../../src/swim/membership/Claim.ts"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import type { Directive } from "../../../src/swim/membership/Directive.ts"
import type * as Membership from "../../../src/swim/membership/Membership.ts"
import * as Merge from "../../../src/swim/membership/Merge.ts"
import * as LostPeers from "../../../src/swim/recovery/LostPeers.ts"
import * as Recovery from "../../../src/swim/recovery/Recovery.ts"
import * as Accuse from "../../../src/swim/suspicion/Accuse.ts"
import * as Expiry from "../../../src/swim/suspicion/Expiry.ts"
import * as T from "../../support/Rules.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Heard from are those whose names the test says. */
const heard = (has: (name: string) => boolean, stands = has): FirstHand => ({
  size: 1,
  has,
  stands,
  any: () => undefined
})
const everybody = heard(() => true)

const env = (now: number, rules: Partial<Membership.Rules> = {}, firstHand = everybody): Membership.Env => ({
  ...T.env({ now, rules: { recovery: true, ...rules } }),
  firstHand
})

type Rule = (m: Membership.Membership, env: Membership.Env) => Membership.Step

/** What the engine does with each rule: recovery follows it. */
const step = (m: Membership.Membership, rule: Rule, surroundings: Membership.Env): Membership.Step => {
  const [next, directives] = rule(m, surroundings)
  const [after, more] = Recovery.follow(next, directives, surroundings)
  return [after, [...directives, ...more]]
}

/** Each rule at its time. */
const steps = (
  start: Membership.Membership,
  ...all: ReadonlyArray<readonly [at: number, rule: Rule]>
): Membership.Step => {
  let m = start
  const directives: Array<Directive> = []
  for (const [at, rule] of all) {
    const [next, more] = step(m, rule, env(at))
    directives.push(...more)
    m = next
  }
  return [m, directives]
}

const fails = (name: string, from = "accuser", incarnation = 1): Rule => (m, e) =>
  Dead.dead(m, T.dead(name, incarnation, from), e)
const leaves = (name: string): Rule => (m, e) => Dead.dead(m, T.dead(name, 1, name), e)
const returns = (name: string, incarnation = 2): Rule => (m, e) => Alive.alive(m, T.alive(name, incarnation), e)

const names = (m: Membership.Membership) => m.lost.peers.map(({ name }) => name)

/** What is told of splits, in a line each. */
const told = (directives: ReadonlyArray<Directive>) =>
  directives.flatMap((directive) =>
    directive._tag === "SplitSuspected"
      ? [`lost ${directive.lost.join(" ")}, present ${[...directive.present].sort().join(" ")}`]
      : directive._tag === "Healed"
      ? [
        `${directive.entry.name} is ${directive.entry.state === "left" ? "left" : "back"}, missing ${
          directive.missing.join(" ")
        }`
      ]
      : []
  )

const cluster = T.cluster("a", "b", "c", "d")

describe("a member that failed", () => {
  it("is lost, at the address and from the time that it failed", () => {
    const [m] = steps(cluster, [500, fails("b")])
    const { stateChangedAt: _, state: __, suspicion: ___, ...known } = T.entry(m, "b")
    assert.deepStrictEqual(m.lost.peers, [{
      ...known,
      lostAt: 500,
      group: 1,
      misses: 0,
      dueAt: 500
    }])
  })

  it("is lost by our own suspicion as by the word of others", () => {
    const [suspected] = Accuse.suspect(cluster, T.suspect("b", 1, T.SELF), env(0))
    const [m, directives] = step(suspected, Expiry.expire, env(1_000_000))
    assert.deepStrictEqual(T.words(directives).filter((word) => word === "Failed"), ["Failed"])
    assert.deepStrictEqual(names(m), ["b"])
  })

  it("is not lost where nothing ever came from it", () => {
    for (const firstHand of [undefined, heard((name) => name !== "b")]) {
      const [m] = step(cluster, fails("b"), { ...env(0), firstHand })
      assert.strictEqual(m.lost, LostPeers.none)
      assert.strictEqual(T.entry(m, "b").state, "dead")
    }
  })

  it("is not lost where all that came from its address was another's: whoever makes up members could fill the memory", () => {
    const shared = heard(() => true, (name) => name !== "b")
    assert.deepStrictEqual(names(step(cluster, fails("b"), env(0, {}, shared))[0]), [])
  })

  it("is not lost when it said goodbye, or only made place for another", () => {
    assert.deepStrictEqual(names(steps(cluster, [0, leaves("b")])[0]), [])
    const full = env(1_000_000, { maxMembers: cluster.entries.size }, heard((name) => name === "c"))
    const [m, directives] = step(cluster, (m, e) => Alive.alive(m, T.alive("new", 1), e), full)
    assert.isTrue(T.words(directives).includes("Failed"))
    assert.deepStrictEqual(names(m), [])
  })

  it("is remembered when its entry is forgotten", () => {
    const [m] = steps(cluster, [0, fails("b")])
    const [next] = Recovery.follow({ ...m, entries: m.entries.with("b", undefined) }, [{
      _tag: "Reaped",
      entry: T.entry(m, "b")
    }], env(40_000))
    assert.deepStrictEqual(names(next), ["b"])
  })

  it("is not lost any more when it is back, at this address or another, also long after its entry was forgotten", () => {
    const [lost] = steps(cluster, [0, fails("b")])
    const elsewhere: Rule = (m, e) => Alive.alive(m, T.alive("b", 1, { addr: T.ip(77) }), e)
    const forgotten = { ...lost, entries: lost.entries.with("b", undefined) }
    for (const [m, rule] of [[lost, returns("b")], [forgotten, returns("b", 1)], [forgotten, elsewhere]] as const) {
      const [next] = step(m, rule, env(50_000))
      assert.deepStrictEqual(names(next), [])
      assert.strictEqual(next.lost.reunitedAt, 50_000)
    }
  })

  it("stays lost whatever old news is told of it", () => {
    const old = [returns("b", 1), returns("b", 0), fails("b", "other"), fails("b", "b", 0)]
    const [m] = steps(cluster, [0, fails("b")], ...old.map((rule) => [1, rule] as const))
    assert.deepStrictEqual(names(m), ["b"])
    assert.isUndefined(m.lost.reunitedAt)
  })

  it("is not lost any more when its goodbye is told late, also after its entry was forgotten", () => {
    const [lost] = steps(cluster, [0, fails("b")])
    const forgotten = { ...lost, entries: lost.entries.with("b", undefined) }
    for (const m of [lost, forgotten]) {
      assert.deepStrictEqual(names(step(m, leaves("b"), env(1))[0]), [])
      assert.deepStrictEqual(
        names(step(m, (m, e) => Merge.merge(m, [T.row("b", 1, RemoteState.left)], e), env(1))[0]),
        []
      )
    }
  })

  it("is nothing to remember without recovery", () => {
    const off = env(0, { recovery: false })
    const [m, directives] = Dead.dead(cluster, T.dead("b", 1, "accuser"), off)
    const [next, more] = Recovery.follow(m, directives, off)
    assert.strictEqual(next, m)
    assert.deepStrictEqual(more, [])
  })
})

describe("a split", () => {
  const review = (m: Membership.Membership, now: number) => Recovery.review(m, env(now))

  it("is suspected when two were lost within one suspicion time, the longest, once that is over, and told once", () => {
    const [m] = steps(cluster, [0, fails("b")], [24_000, fails("c")])
    assert.deepStrictEqual(told(review(m, 23_999)[1]), [])
    const [next, directives] = review(m, 24_000)
    assert.deepStrictEqual(told(directives), ["lost b c, present a d self"])
    assert.deepStrictEqual(told(review(next, 30_000)[1]), [])
    assert.deepStrictEqual(told(review(next, 1_000_000)[1]), [])
  })

  it("is suspected of what was lost within a minute where suspicions take longer", () => {
    const slow = { suspicionMult: 6, probeInterval: 5_000 }
    const [m] = steps(cluster, [0, fails("b")], [59_999, fails("c")])
    const directives = Recovery.review(m, env(60_000, slow))[1]
    assert.deepStrictEqual(told(directives), ["lost b c, present a d self"])
  })

  it("is not suspected when one was lost, or two farther apart", () => {
    const apart = steps(cluster, [0, fails("b")], [24_001, fails("c")])[0]
    const single = steps(cluster, [0, fails("b")])[0]
    for (const m of [apart, single, cluster]) assert.deepStrictEqual(told(review(m, 50_000)[1]), [])
  })

  it("is suspected at once when all others were lost, also where that is one", () => {
    const two = steps(T.cluster("a"), [0, fails("a")])[0]
    assert.deepStrictEqual(told(review(two, 0)[1]), ["lost a, present self"])
  })

  it("is not suspected of what was lost long before", () => {
    const [m] = steps(T.cluster("a", "b"), [0, fails("a")], [500_000, fails("b")])
    assert.deepStrictEqual(told(review(m, 500_000)[1]), ["lost b, present self"])
  })

  it("is healed when the first is back, with the names that are missing, and again when nobody is", () => {
    const [lost] = steps(cluster, [0, fails("b")], [0, fails("c")], [0, fails("d")])
    const [suspected] = review(lost, 25_000)
    const [first, healed] = step(suspected, returns("c"), env(26_000))
    assert.deepStrictEqual(told(healed), ["c is back, missing b d"])
    assert.strictEqual(first.lost.healedAt, 26_000)
    assert.deepStrictEqual(told(review(first, 70_000)[1]), [])
    const [second, more] = step(first, returns("b"), env(27_000))
    assert.deepStrictEqual(told(more), [])
    assert.deepStrictEqual(told(review(second, 70_000)[1]), [])
    const [third, last] = step(second, returns("d"), env(28_000))
    assert.deepStrictEqual(told(last), ["d is back, missing "])
    assert.strictEqual(third.lost.healedAt, 26_000)
  })

  it("of one is healed once", () => {
    const [lost] = steps(T.cluster("a"), [0, fails("a")])
    const [, healed] = step(review(lost, 0)[0], returns("a"), env(1_000))
    assert.deepStrictEqual(told(healed), ["a is back, missing "])
  })

  it("has ended when the last that was missing says goodbye, also where its entry was forgotten", () => {
    const [lost] = steps(cluster, [0, fails("b")], [0, fails("c")], [0, fails("d")])
    const [suspected] = review(lost, 25_000)
    const [back] = step(suspected, returns("b"), env(26_000))
    const [fewer, none] = step(back, leaves("c"), env(27_000))
    assert.deepStrictEqual(told(none), [])
    for (const m of [fewer, { ...fewer, entries: fewer.entries.with("d", undefined) }]) {
      const [next, ended] = step(m, leaves("d"), env(28_000))
      assert.deepStrictEqual(told(ended), ["d is left, missing "])
      assert.deepStrictEqual(names(next), [])
      assert.strictEqual(next.lost.healedAt, 26_000)
    }
  })

  it("that was never told is not told as healed", () => {
    const [m, directives] = steps(cluster, [0, fails("b")], [0, fails("c")], [1, returns("b")], [1, returns("c")])
    assert.deepStrictEqual(told(directives), [])
    assert.isUndefined(m.lost.healedAt)
  })

  it("is suspected again when it happens again", () => {
    const [lost] = steps(cluster, [0, fails("b")], [0, fails("c")])
    const [suspected] = review(lost, 25_000)
    const [again, ended] = steps(
      suspected,
      [26_000, returns("b")],
      [26_000, returns("c")],
      [30_000, fails("b", "accuser", 2)],
      [30_000, fails("c", "accuser", 2)]
    )
    assert.deepStrictEqual(told(ended), ["b is back, missing c", "c is back, missing "])
    const [m, directives] = review(again, 54_000)
    assert.deepStrictEqual(told(directives), ["lost b c, present a d self"])
    const [, healed] = step(m, returns("b", 3), env(56_000))
    assert.deepStrictEqual(told(healed), ["b is back, missing c"])
  })

  it("is forgotten after its time, with its names", () => {
    const [lost] = steps(cluster, [0, fails("b")], [0, fails("c")])
    const [m, directives] = review(lost, 86_400_000)
    assert.deepStrictEqual([names(m), told(directives)], [[], []])
  })
})

describe("a try", () => {
  it("in vain is a miss, and to be put aside is to be forgotten; who is not lost is neither", () => {
    const [m] = steps(cluster, [0, fails("b")])
    const [missed] = Recovery.miss(m, "b", env(1_000))
    assert.deepStrictEqual(missed.lost.peers.map(({ dueAt, misses }) => [dueAt, misses]), [[11_000, 1]])
    assert.deepStrictEqual(names(Recovery.putAside(m, "b")[0]), [])
    assert.strictEqual(Recovery.putAside(m, "c")[0], m)
    assert.deepStrictEqual(Recovery.miss(m, "c", env(1_000))[0], m)
  })
})

describe("recovery", () => {
  const Happening = Schema.Struct({
    kind: Schema.Literals(["fails", "leaves", "returns", "suspected", "review", "expire", "miss"]),
    name: Schema.Literals(["a", "b", "c", "d", "e"]),
    incarnation: int(0, 6),
    pause: Schema.Literals([0, 10, 3_000, 61_000])
  })

  it.prop("remembers no one who is live, and changes no entry", [Schema.Array(Happening)], ([happenings]) => {
    let m = cluster
    let now = 0
    for (const { incarnation, kind, name, pause } of happenings) {
      now += pause
      const surroundings = env(now, { maxLost: 3 })
      const rule: Rule = kind === "fails"
        ? fails(name, "accuser", incarnation)
        : kind === "leaves"
        ? (m, e) => Dead.dead(m, T.dead(name, incarnation, name), e)
        : kind === "returns"
        ? returns(name, incarnation)
        : kind === "suspected"
        ? (m, e) => Accuse.suspect(m, T.suspect(name, incarnation, T.SELF), e)
        : kind === "review"
        ? Recovery.review
        : kind === "miss"
        ? (m, e) => Recovery.miss(m, name, e)
        : Expiry.expire
      const [decided, directives] = rule(m, surroundings)
      const [next] = Recovery.follow(decided, directives, surroundings)
      assert.strictEqual(next.entries, decided.entries)
      assert.strictEqual(next.incarnation, decided.incarnation)
      for (const peer of next.lost.peers) {
        assert.notInclude(["alive", "suspect", "left"], next.entries.get(peer.name)?.state, peer.name)
      }
      assert.isAtMost(next.lost.peers.length, 3)
      assert.isAtMost(next.lost.told.length, next.lost.peers.length)
      m = next
    }
  })
})
