import { assert, describe, it } from "@effect/vitest"
import type { MemberState } from "../../../src/Member.ts"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import * as OldNews from "../../../src/swim/membership/OldNews.ts"
import * as Accuse from "../../../src/swim/suspicion/Accuse.ts"
import { alive, cluster, env, ip, known, OTHER, SELF, words } from "../../support/Rules.ts"

const states: ReadonlyArray<MemberState> = ["alive", "suspect", "dead", "left"]

describe("old news", () => {
  it("is exactly what the rule would ignore as such, without any other effect, in every state", () => {
    let old = 0
    for (const state of states) {
      for (const rules of [{}, { nameConflictPolicy: "replace" as const }, { deadNodeReclaimTime: 1 }]) {
        for (const incarnation of [0, 1, 2, 3, 4]) {
          for (const more of [{}, { addr: ip(9) }, { port: 1 }, { meta: ip(1) }, { vsn: new Uint8Array() }]) {
            const m = known(state, 3)
            const claim = alive(OTHER, incarnation, more)
            const reason = OldNews.oldNews(m, claim)
            const [next, directives] = Alive.alive(m, claim, env({ now: 60_000, rules }))
            const ignored = words(directives)[0]
            const stale = ignored === "Ignored OldIncarnation" || ignored === "Ignored SameIncarnation"
            assert.strictEqual(reason === undefined ? undefined : `Ignored ${reason}`, stale ? ignored : undefined)
            if (reason === undefined) continue
            old++
            assert.strictEqual(next, m)
            assert.strictEqual(directives.length, 1)
          }
        }
      }
    }
    assert.isAbove(old, 50)
  })

  it("is nothing about ourselves, who may have to contradict it, and nothing about strangers", () => {
    assert.isUndefined(OldNews.oldNews(cluster(), alive(SELF, 1)))
    assert.isUndefined(OldNews.oldNews(cluster(), alive(OTHER, 1)))
  })
})

describe("an old accusation", () => {
  it("is exactly what the rules would ignore without any other effect, in every state", () => {
    let old = 0
    for (const state of states) {
      for (const incarnation of [0, 1, 2, 3, 4]) {
        for (const from of [SELF, "x", "y".repeat(600)]) {
          for (const node of [OTHER, "nobody"]) {
            const m = known(state, 3)
            for (const _tag of ["Suspect", "Dead"] as const) {
              const claim = { _tag, incarnation, node, from }
              const reason = OldNews.oldAccusation(m, claim)
              const rule = claim._tag === "Suspect"
                ? Accuse.suspect(m, { ...claim, _tag: "Suspect" }, env({ now: 60_000 }))
                : Dead.dead(m, { ...claim, _tag: "Dead" }, env({ now: 60_000 }))
              if (reason === undefined) continue
              old++
              assert.strictEqual(rule[0], m)
              assert.deepStrictEqual(words(rule[1]), [`Ignored ${reason}`])
            }
          }
        }
      }
    }
    assert.isAbove(old, 100)
  })

  it("is none of ourselves", () => {
    const claim = { _tag: "Suspect", incarnation: 0, node: SELF, from: OTHER } as const
    assert.isUndefined(OldNews.oldAccusation(cluster(), claim))
  })
})

describe("a claim that just came", () => {
  const claims = ["Alive", "Suspect", "Dead"].flatMap((_tag) =>
    [0, 3, 4].map((incarnation) =>
      _tag === "Alive"
        ? alive(OTHER, incarnation)
        : { _tag: _tag === "Suspect" ? "Suspect" : "Dead", incarnation, node: OTHER, from: "x" } as const
    )
  )

  it("is ignored as old news where nothing can change that before its turn", () => {
    let ignored = 0
    for (const state of states) {
      const m = known(state, 3)
      for (const claim of claims) {
        const reason = claim._tag === "Alive" ? OldNews.oldNews(m, claim) : OldNews.oldAccusation(m, claim)
        assert.strictEqual(OldNews.ignorable(m, claim, { admits: false, alives: 0 }), reason)
        if (reason !== undefined) ignored++
      }
    }
    assert.isAbove(ignored, 10)
  })

  it("takes its turn where the application is asked about claims", () => {
    for (const state of states) {
      for (const claim of claims) {
        assert.isUndefined(OldNews.ignorable(known(state, 3), claim, { admits: true, alives: 0 }))
      }
    }
  })

  it("takes its turn behind alive claims that wait, if it is an accusation", () => {
    const m = known("dead", 3)
    for (const claim of claims) {
      const reason = OldNews.ignorable(m, claim, { admits: false, alives: 1 })
      assert.strictEqual(reason, claim._tag === "Alive" ? OldNews.oldNews(m, claim) : undefined)
    }
  })
})
