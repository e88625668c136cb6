import { assert, describe, it } from "@effect/vitest"
import type { MemberState } from "../../src/Member.ts"
import * as Membership from "../../src/swim/Membership.ts"
import { alive, cluster, env, ip, known, OTHER, SELF, words } from "./support.ts"

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
            const reason = Membership.oldNews(m, claim)
            const [next, directives] = Membership.alive(m, claim, env({ now: 60_000, rules }))
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
    assert.isUndefined(Membership.oldNews(cluster(), alive(SELF, 1)))
    assert.isUndefined(Membership.oldNews(cluster(), alive(OTHER, 1)))
  })
})
