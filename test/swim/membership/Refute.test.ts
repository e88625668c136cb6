import { assert, describe, it } from "@effect/vitest"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import type { Claim } from "../../../src/swim/membership/Claim.ts"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import type { Membership, Step } from "../../../src/swim/membership/Membership.ts"
import { merge } from "../../../src/swim/membership/Merge.ts"
import * as Accuse from "../../../src/swim/suspicion/Accuse.ts"
import * as T from "../../support/Rules.ts"

const { OTHER, SELF } = T

const hear = (m: Membership, claim: Claim, now: number): Step => {
  const env = T.env({ now })
  return claim._tag === "Alive"
    ? Alive.alive(m, claim, env)
    : claim._tag === "Suspect"
    ? Accuse.suspect(m, claim, env)
    : Dead.dead(m, claim, env)
}

const about = ([, directives]: Step): string | undefined =>
  directives.flatMap((directive) => directive._tag === "Refuted" ? [directive.about] : [])[0]

/** We have been there since 0, and know another member since 5 s; a probe takes one second. */
const acquainted = hear(T.started(), T.alive(OTHER, 1, { addr: T.ip(2) }), 5_000)[0]

describe("a refuted claim", () => {
  const thisLife: ReadonlyArray<readonly [string, Claim]> = [
    ["suspicion", T.suspect(SELF, 1, OTHER)],
    ["suspicion that a push/pull passes on", T.suspect(SELF, 1, SELF)],
    ["declaration of death", T.dead(SELF, 1, OTHER)]
  ]
  for (const [what, claim] of thisLife) {
    it(`is about this life when it is a ${what} at our incarnation, after somebody could probe us`, () => {
      assert.strictEqual(about(hear(acquainted, claim, 6_000)), "ThisLife")
    })

    it(`is about an earlier life when it is a ${what} before anybody could have probed this one`, () => {
      assert.strictEqual(about(hear(acquainted, claim, 5_999)), "EarlierLife")
      assert.strictEqual(about(hear(T.started(), claim, 60_000)), "EarlierLife")
    })
  }

  const earlier: ReadonlyArray<readonly [string, Claim]> = [
    ["a suspicion at an incarnation that we have not had", T.suspect(SELF, 7, OTHER)],
    ["a death at an incarnation that we have not had", T.dead(SELF, 7, OTHER)],
    ["our own goodbye", T.dead(SELF, 1, SELF)],
    ["our address with other metadata", T.alive(SELF, 1, { meta: Uint8Array.of(1) })],
    ["our address at a higher incarnation", T.alive(SELF, 7)]
  ]
  for (const [what, claim] of earlier) {
    it(`is about an earlier life when it is ${what}, whenever it comes`, () => {
      assert.strictEqual(about(hear(acquainted, claim, 3_600_000)), "EarlierLife")
    })
  }

  it("is about an earlier life when the list that introduces us to others has it, in any order", () => {
    for (const state of [1, 2, 3]) {
      const rows = [T.row(SELF, 1, state), T.row(OTHER, 1, 0, { addr: T.ip(2) })]
      for (const list of [rows, rows.toReversed()]) {
        assert.strictEqual(about(merge(T.started(), list, T.env({ now: 60_000 }))), "EarlierLife")
      }
    }
  })
})
