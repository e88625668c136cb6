import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import type { FirstHand } from "../../../src/swim/gossip/FirstHand.ts"
import { MAX_TELLS, TELL_INTERVAL } from "../../../src/swim/gossip/Tell.ts"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import type { Directive } from "../../../src/swim/membership/Directive.ts"
import type * as Membership from "../../../src/swim/membership/Membership.ts"
import * as Merge from "../../../src/swim/membership/Merge.ts"
import * as Accuse from "../../../src/swim/suspicion/Accuse.ts"
import * as T from "../../support/Rules.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Heard from are those whose names the test says. */
const heard = (size: number, has: (name: string) => boolean): FirstHand => ({
  size,
  has,
  stands: has,
  any: () => undefined
})
const everybody = heard(1, () => true)
const nobody = heard(0, () => false)

const env = (now: number, firstHand?: FirstHand, random = () => 0.5): Membership.Env => ({
  ...T.env({ now, random }),
  firstHand
})

/** Who is told of what, and what is left to gossip. */
const told = (directives: ReadonlyArray<Directive>) =>
  directives.flatMap((directive) =>
    directive._tag === "Tell"
      ? [`${directive.member.name}: ${directive.claim._tag} ${directive.claim.node} ${directive.claim.incarnation}`]
      : directive._tag === "Untold"
      ? [directive.reason]
      : []
  )

const names = (n: number) => Array.from({ length: n }, (_, i) => `n${i}`)

describe("who refutes", () => {
  it("tells the accuser, at the address of the table", () => {
    const m = T.cluster("n1")
    const [, suspected] = Accuse.suspect(m, T.suspect(T.SELF, 1, "n1"), env(0))
    assert.deepStrictEqual(told(suspected), [`n1: Alive ${T.SELF} 2`])
    const tell = suspected.find((directive) => directive._tag === "Tell")
    assert.strictEqual(tell?._tag === "Tell" ? tell.member : undefined, T.entry(m, "n1"))
    const [, buried] = Dead.dead(m, T.dead(T.SELF, 3, "n1"), env(0))
    assert.deepStrictEqual(told(buried), [`n1: Alive ${T.SELF} 4`])
  })

  it("tells nobody where the accuser is unknown, has left, is ourselves or is not named", () => {
    const [left] = Dead.dead(T.cluster("n1"), T.dead("n1", 1, "n1"), env(0))
    const silent = [
      Accuse.suspect(T.cluster("n1"), T.suspect(T.SELF, 1, "n2"), env(0)),
      Accuse.suspect(left, T.suspect(T.SELF, 1, "n1"), env(0)),
      Dead.dead(T.cluster("n1"), T.dead(T.SELF, 1, T.SELF), env(0)),
      Merge.merge(T.cluster("n1"), [T.row(T.SELF, 1, 1)], env(0)),
      Alive.alive(T.cluster("n1"), T.alive(T.SELF, 3), env(0))
    ]
    for (const [, directives] of silent) {
      assert.include(T.words(directives), "Refuted")
      assert.deepStrictEqual(told(directives), [])
    }
  })

  it("tells one accuser once within an interval, and again after it", () => {
    let m = T.cluster("n1")
    const all: Array<string> = []
    for (const now of [0, 1, TELL_INTERVAL - 1, TELL_INTERVAL, 2 * TELL_INTERVAL - 1]) {
      const [next, directives] = Accuse.suspect(m, T.suspect(T.SELF, m.incarnation, "n1"), env(now))
      all.push(...told(directives))
      m = next
    }
    assert.deepStrictEqual(all, [`n1: Alive ${T.SELF} 2`, "TooSoon", "TooSoon", `n1: Alive ${T.SELF} 5`, "TooSoon"])
  })

  it("tells only so many accusers within an interval, and strangers take nothing from those heard from", () => {
    let m = T.cluster(...names(100), "real")
    const firstHand = heard(1, (name) => name === "real")
    const all: Array<string> = []
    for (const from of [...names(100), "real"]) {
      const [next, directives] = Accuse.suspect(m, T.suspect(T.SELF, m.incarnation, from), env(0, firstHand))
      all.push(...told(directives))
      m = next
    }
    assert.strictEqual(all.filter((line) => line === "TooMany").length, 100 - MAX_TELLS)
    assert.match(all.at(-1) ?? "", /^real: Alive/)
  })
})

describe("who is accused at an incarnation that it has left behind", () => {
  const refuted = () => Accuse.suspect(T.cluster("n1"), T.suspect(T.SELF, 1, "n2"), env(0, everybody))[0]
  const old = [
    ["suspect", (m: Membership.Membership, at: Membership.Env) => Accuse.suspect(m, T.suspect(T.SELF, 1, "n1"), at)],
    ["dead", (m: Membership.Membership, at: Membership.Env) => Dead.dead(m, T.dead(T.SELF, 1, "n1"), at)]
  ] as const

  it.each(old)("tells the accuser again, and changes and gossips nothing: %s", (_, accuse) => {
    const [m, directives] = accuse(refuted(), env(0, everybody))
    assert.deepStrictEqual(T.words(directives), ["Ignored OldIncarnation", "Tell"])
    assert.deepStrictEqual(told(directives), [`n1: Alive ${T.SELF} 2`])
    assert.deepStrictEqual(m.entries, refuted().entries)
    assert.strictEqual(m.incarnation, 2)
    // it is counted with the refutations, of which an accuser gets one in this time
    assert.deepStrictEqual(told(accuse(m, env(TELL_INTERVAL - 1, everybody))[1]), ["TooSoon"])
    assert.deepStrictEqual(told(accuse(m, env(TELL_INTERVAL, everybody))[1]), [`n1: Alive ${T.SELF} 2`])
  })

  it.each(old)(
    "says nothing where nobody knows who was heard from, as in memberlist, nor after it left: %s",
    (_, accuse) => {
      assert.deepStrictEqual(T.words(accuse(refuted(), env(0))[1]), ["Ignored OldIncarnation"])
      const [left] = T.leave(refuted(), env(0, everybody))
      assert.deepStrictEqual(told(accuse(left, env(0, everybody))[1]), [])
    }
  )

  it("tells nobody of an old accusation of somebody else, nor ourselves of one that a push/pull brought", () => {
    const other = Accuse.suspect(T.cluster("n1", "n2"), T.suspect("n2", 0, "n1"), env(0, everybody))
    const row = Merge.merge(refuted(), [T.row(T.SELF, 1, 1)], env(0, everybody))
    for (const [, directives] of [other, row]) assert.deepStrictEqual(T.words(directives), ["Ignored OldIncarnation"])
  })
})

describe("who hears of a suspicion", () => {
  const of = (firstHand: FirstHand | undefined, random?: () => number) =>
    told(Accuse.suspect(T.cluster("n1", "n2"), T.suspect("n1", 1, "n2"), env(0, firstHand, random))[1])

  it("tells the suspect, if anything ever came from it", () => {
    assert.deepStrictEqual(of(everybody), ["n1: Suspect n1 1"])
    assert.deepStrictEqual(of(nobody), [])
    assert.deepStrictEqual(of(undefined), [])
  })

  it("tells it by chance where many were heard from, so that a few of them do", () => {
    const random = T.seeded(5)
    const thousand = heard(1000, () => true)
    let tells = 0
    for (let i = 0; i < 10_000; i++) tells += of(thousand, random).length
    assert.closeTo(tells, 30, 20)
  })

  it("tells it of the suspicion, not of each confirmation", () => {
    const m = T.cluster(...names(9))
    const [suspected] = Accuse.suspect(m, T.suspect("n1", 1, "n2"), env(0, everybody))
    const [, confirmed] = Accuse.suspect(suspected, T.suspect("n1", 1, "n3"), env(5000, everybody))
    assert.deepStrictEqual(T.words(confirmed), ["Broadcast Suspect n1"])
  })
})

const Accusation = Schema.Struct({
  kind: Schema.Literals(["suspect", "dead"]),
  node: int(0, 9),
  from: int(0, 99),
  passes: int(0, 300)
})

describe("whatever is claimed", () => {
  it.prop(
    "nobody is told of one node more than once, nor more members than the limit, within any interval",
    [Arbitrary.array(Arbitrary.schema(Accusation), { maxLength: 200 }), int(0, 1_000_000)],
    ([events, seed]) => {
      const random = T.seeded(seed)
      const firstHand = heard(3, (name) => Number(name.slice(1)) % 2 === 0)
      let m = T.cluster(...names(100))
      let now = 0
      const log: Array<{ readonly at: number; readonly name: string; readonly about: string }> = []
      for (const { from, kind, node, passes } of events) {
        now += passes
        const subject = node < 5 ? T.SELF : `n${node}`
        const incarnation = m.entries.get(subject)?.incarnation ?? 1
        const [next, directives] = kind === "suspect"
          ? Accuse.suspect(m, T.suspect(subject, incarnation, `n${from}`), env(now, firstHand, random))
          : Dead.dead(m, T.dead(subject, incarnation, `n${from}`), env(now, firstHand, random))
        for (const directive of directives) {
          if (directive._tag !== "Tell") continue
          assert.strictEqual(directive.member, next.entries.get(directive.member.name))
          log.push({ at: now, name: directive.member.name, about: directive.claim.node })
        }
        assert.isAtMost(next.told.length, 2 * MAX_TELLS)
        m = next
      }
      log.forEach((tell, i) => {
        const within = log.slice(i).filter(({ at }) => at - tell.at < TELL_INTERVAL)
        assert.isAtMost(within.length, 2 * MAX_TELLS)
        assert.strictEqual(within.filter(({ about, name }) => about === tell.about && name === tell.name).length, 1)
      })
    },
    { arbitrary: { runs: 100, size: 200 } }
  )
})
