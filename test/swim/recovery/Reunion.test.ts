import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { FirstHand } from "../../../src/swim/gossip/FirstHand.ts"
import { MAX_TELLS } from "../../../src/swim/gossip/Tell.ts"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import { type RemoteEntry, RemoteState } from "../../../src/swim/membership/Claim.ts"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import type { Directive } from "../../../src/swim/membership/Directive.ts"
import type * as Membership from "../../../src/swim/membership/Membership.ts"
import * as Merge from "../../../src/swim/membership/Merge.ts"
import * as OldNews from "../../../src/swim/membership/OldNews.ts"
import * as LostPeers from "../../../src/swim/recovery/LostPeers.ts"
import * as Recovery from "../../../src/swim/recovery/Recovery.ts"
import * as Reunion from "../../../src/swim/recovery/Reunion.ts"
import * as T from "../../support/Rules.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const heard = (has: (name: string) => boolean): FirstHand => ({ size: 1, has, stands: has, any: () => undefined })
const everybody = heard(() => true)

const env = (
  now: number,
  rules: Partial<Membership.Rules> = {},
  firstHand: FirstHand | undefined = everybody
): Membership.Env => ({ ...T.env({ now, rules: { recovery: true, ...rules } }), firstHand })

const off = (now: number) => env(now, { recovery: false })

/** Who is told what. */
const told = (directives: ReadonlyArray<Directive>) =>
  directives.flatMap((directive) =>
    directive._tag === "Tell"
      ? [`${directive.member.name}: ${directive.claim._tag} ${directive.claim.node} ${directive.claim.incarnation}`]
      : directive._tag === "Untold"
      ? [directive.reason]
      : []
  )

const published = (directives: ReadonlyArray<Directive>) =>
  directives.flatMap((directive) => directive._tag === "Publish" ? [directive.change._tag] : [])

/** `a` and `b` are live, `x` and `y` were lost at time 0. */
const torn = (() => {
  const claims = ["x", "y"].map((name) => T.dead(name, 1, "a"))
  let m = T.cluster("a", "b", "x", "y")
  for (const claim of claims) {
    const [next, directives] = Dead.dead(m, claim, env(0))
    m = Recovery.follow(next, directives, env(0))[0]
  }
  return m
})()

const { alive, dead, left, suspect } = RemoteState
const row = T.row

/** The list of `x`, which lost everybody but `y`. */
const otherList = [
  row("x", 1, alive),
  row("y", 1, alive),
  row("a", 1, dead),
  row("b", 1, suspect),
  row(T.SELF, 1, dead)
]

describe("a list is from the other side", () => {
  const isOther = (rows: ReadonlyArray<RemoteEntry>, now = 1_000, m = torn) =>
    Reunion.isFromOtherSide(m, rows, env(now))

  it("when a member that was lost is live in it, or we are dead", () => {
    assert.isTrue(isOther([row("x", 1, alive)]))
    assert.isTrue(isOther([row("x", 9, alive), row("a", 1, dead)]))
    assert.isTrue(isOther([row(T.SELF, 0, dead)]))
  })

  it("and else it is not", () => {
    assert.isFalse(isOther([]))
    assert.isFalse(isOther([row("x", 1, dead), row("y", 1, suspect)]))
    assert.isFalse(isOther([row("x", 1, left)]))
    assert.isFalse(isOther([row(T.SELF, 1, suspect), row(T.SELF, 1, alive), row(T.SELF, 1, left)]))
    assert.isFalse(isOther([row("a", 1, dead), row("b", 1, dead), row("unknown", 1, alive)]))
    assert.isFalse(isOther([row("x", 1, alive)], 1_000, T.cluster("a", "x")))
  })

  it("for five minutes after somebody came back, whatever is in it", () => {
    const back = { ...torn, lost: { ...LostPeers.none, reunitedAt: 10_000 } }
    for (const [now, is] of [[10_000, true], [309_999, true], [310_000, false]] as const) {
      assert.strictEqual(isOther([row("a", 1, dead)], now, back), is)
    }
  })

  it("never without recovery", () => {
    const back = { ...torn, lost: { ...torn.lost, reunitedAt: 0 } }
    assert.isFalse(Reunion.isFromOtherSide(back, otherList, off(0)))
  })
})

describe("a list from the other side", () => {
  it("makes nobody suspect; who is dead in it is asked to contradict at the incarnation it has there", () => {
    const [m, directives] = Merge.merge(torn, otherList, env(1_000))
    assert.deepStrictEqual(published(directives), [])
    for (const name of ["a", "b"]) assert.strictEqual(T.entry(m, name), T.entry(torn, name))
    assert.sameMembers(told(directives).filter((text) => /^[ab]:/.test(text)), ["a: Dead a 1", "b: Dead b 1"])
  })

  it("has those told that are live in it, and dead here", () => {
    const [, directives] = Merge.merge(torn, otherList, env(1_000))
    assert.sameMembers(told(directives).filter((text) => /^[xy]:/.test(text)), ["x: Dead x 1", "y: Dead y 1"])
  })

  it("is contradicted at once where we are dead in it, which is no sign of trouble of ours", () => {
    const [m, directives] = Merge.merge(torn, otherList, env(1_000))
    assert.strictEqual(m.incarnation, 2)
    const refuted = directives.flatMap((directive) => directive._tag === "Refuted" ? [directive.by] : [])
    assert.deepStrictEqual(refuted, ["Dead"])
    const suspected = Merge.merge(torn, [row("x", 1, alive), row(T.SELF, 1, suspect)], env(1_000))[1]
    assert.deepStrictEqual(suspected.flatMap((one) => one._tag === "Refuted" ? [one.by] : []), ["Suspect"])
  })

  it("tells nobody of an older incarnation than we know, nor of unknown members", () => {
    const newer = T.force(torn, "a", { incarnation: 5 })
    const rows = [row("x", 1, dead), row("a", 4, dead), row("unknown", 3, dead)]
    const [m, directives] = Merge.merge(newer, rows, env(1_000), true)
    assert.deepStrictEqual(told(directives), [])
    assert.strictEqual(m.entries, newer.entries)
  })

  it("still brings newcomers, returns and goodbyes", () => {
    const rows = [row("x", 2, alive), row("new", 1, alive, { addr: T.ip(44) }), row("b", 1, left)]
    const [m] = Merge.merge(torn, rows, env(1_000))
    assert.deepStrictEqual(["x", "new", "b"].map((name) => T.entry(m, name).state), ["alive", "alive", "left"])
  })

  it("is one as a whole, although it is merged in slices", () => {
    const slice = [row("a", 1, dead)]
    assert.deepStrictEqual(published(Merge.merge(torn, slice, env(1_000))[1]), ["Suspected"])
    assert.deepStrictEqual(published(Merge.merge(torn, slice, env(1_000), true)[1]), [])
  })

  it("has no more told of than may be at once", () => {
    const names = Array.from({ length: 40 }, (_, i) => `n${i}`)
    const m = { ...T.cluster(...names, "x"), lost: torn.lost }
    const rows = [row("x", 1, alive), ...names.map((name) => row(name, 1, dead))]
    const [, directives] = Merge.merge(m, rows, env(1_000))
    const all = told(directives)
    assert.strictEqual(all.filter((text) => text !== "TooMany").length, MAX_TELLS)
    assert.strictEqual(all.filter((text) => text === "TooMany").length, 40 - MAX_TELLS)
    assert.deepStrictEqual(published(directives), [])
  })
})

describe("a member that is held for dead", () => {
  const tellDead = (name: string, now = 1_000, m = torn, surroundings = env(now)) =>
    Reunion.tellDead(m, name, surroundings)

  it("is told so, at the incarnation of its obituary, once a second", () => {
    const [first, once] = tellDead("x", 1_000)
    assert.deepStrictEqual(told(once), ["x: Dead x 1"])
    const [second, twice] = tellDead("x", 1_999, first)
    assert.deepStrictEqual(told(twice), ["TooSoon"])
    assert.deepStrictEqual(told(tellDead("y", 1_999, second)[1]), ["y: Dead y 1"])
    assert.deepStrictEqual(told(tellDead("x", 2_000, second)[1]), ["x: Dead x 1"])
  })

  it("is told so where nothing was remembered about it, and it is heard of for the first time after its death", () => {
    const forgotten = { ...torn, lost: LostPeers.none }
    assert.deepStrictEqual(told(tellDead("x", 1_000, forgotten)[1]), ["x: Dead x 1"])
  })

  it("is not told so where nothing came from it, it left, it lives, it is unknown, or without recovery", () => {
    const [gone] = Dead.dead(T.cluster("a"), T.dead("a", 1, "a"), env(0))
    for (
      const [_, directives] of [
        tellDead("x", 1_000, torn, env(1_000, {}, heard(() => false))),
        tellDead("x", 1_000, torn, { ...env(1_000), firstHand: undefined }),
        tellDead("a", 1_000, gone),
        tellDead("a"),
        tellDead(T.SELF),
        tellDead("unknown"),
        tellDead("x", 1_000, torn, off(1_000))
      ]
    ) assert.deepStrictEqual(directives, [])
  })

  it("is told so when somebody says that it lives, at an incarnation that does not beat the obituary", () => {
    const third = T.force(torn, "x", { incarnation: 3 })
    for (const incarnation of [1, 2, 3]) {
      const claim = T.alive("x", incarnation)
      assert.deepStrictEqual(told(Alive.alive(third, claim, env(1_000))[1]), ["x: Dead x 3"])
      assert.deepStrictEqual(told(Alive.alive(third, claim, off(1_000))[1]), [])
      assert.isUndefined(OldNews.oldNews(third, claim), "not taken for old news before")
    }
    const [m, directives] = Alive.alive(third, T.alive("x", 4), env(1_000))
    assert.deepStrictEqual([told(directives), T.entry(m, "x").state], [[], "alive"])
  })
})

describe("what is told to heal a split", () => {
  const Row = Schema.Struct({
    name: Schema.Literals(["a", "b", "x", "y", T.SELF]),
    incarnation: int(0, 4),
    state: Schema.Literals([alive, suspect, dead, left])
  })

  it.prop("changes no entry: neither contest, nor tellDead, nor the question whose list it is", [
    Row,
    int(0, 5),
    Schema.Literals(["alive", "suspect", "dead", "left"])
  ], ([{ incarnation, name, state }, known, now]) => {
    const suspicion = T.entry(T.known("suspect", 1), T.OTHER).suspicion
    const m = T.force(torn, name, {
      incarnation: known,
      state: name === T.SELF ? "alive" : now,
      suspicion: now === "suspect" && name !== T.SELF ? suspicion : undefined
    })
    const remote = row(name, incarnation, state)
    Reunion.isFromOtherSide(m, [remote], env(1_000))
    for (const [next, directives] of [Reunion.contest(m, remote, env(1_000)), Reunion.tellDead(m, name, env(1_000))]) {
      assert.strictEqual(next.entries, m.entries)
      assert.strictEqual(next.incarnation, m.incarnation)
      assert.strictEqual(next.deadlines, m.deadlines)
      assert.strictEqual(next.lost, m.lost)
      for (const directive of directives) assert.include(["Tell", "Untold", "Ignored"], directive._tag)
      // who contradicts needs an incarnation above, so an obituary never has less than the entry
      for (const one of directives) {
        if (one._tag === "Tell") assert.isAtLeast(one.claim.incarnation, known)
      }
    }
  })

  it.prop("makes nobody suspect or dead in a list from the other side but who said goodbye", [Schema.Array(Row)], ([
    rows
  ]) => {
    const list = [row("x", 1, alive), ...rows.map(({ incarnation, name, state }) => row(name, incarnation, state))]
    const [, directives] = Merge.merge(torn, list, env(1_000))
    assert.notInclude(published(directives), "Suspected")
    assert.notInclude(published(directives), "Failed")
  })

  it.prop("is nothing without recovery: a list is merged as the reference does", [Schema.Array(Row)], ([rows]) => {
    const list = rows.map(({ incarnation, name, state }) => row(name, incarnation, state))
    // what is remembered of the time before, if it was ever on, changes nothing
    const fresh = { ...torn, lost: LostPeers.none }
    const [m, directives] = Merge.merge({ ...torn, lost: { ...torn.lost, reunitedAt: 999 } }, list, off(1_000))
    const [expected, same] = Merge.merge(fresh, list, off(1_000))
    assert.deepStrictEqual(directives, same)
    assert.deepStrictEqual([...m.entries.values()], [...expected.entries.values()])
    for (const directive of directives) {
      assert.isFalse(directive._tag === "Ignored" && directive.reason === "Contested")
      assert.isFalse(directive._tag === "Tell" && directive.claim._tag === "Dead")
    }
    // every live member that is suspect or dead in the list, at its incarnation or above, is a suspect
    const [once] = list
    if (once !== undefined && ["a", "b"].includes(once.name) && (once.state === dead || once.state === suspect)) {
      const [alone] = Merge.merge(fresh, [once], off(1_000))
      assert.strictEqual(T.entry(alone, once.name).state, once.incarnation >= 1 ? "suspect" : "alive")
    }
  })
})
