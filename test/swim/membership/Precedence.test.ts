/**
 * Every combination of what can be claimed and what can be known, against a table written by hand; first the verdicts on
 * their own, then the rules that act on them.
 */
import { assert, describe, it } from "@effect/vitest"
import type { MemberState } from "../../../src/Member.ts"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import { MAX_INCARNATION_JUMP } from "../../../src/swim/membership/Claim.ts"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import type { Directive } from "../../../src/swim/membership/Directive.ts"
import type * as Membership from "../../../src/swim/membership/Membership.ts"
import * as Precedence from "../../../src/swim/membership/Precedence.ts"
import * as Accuse from "../../../src/swim/suspicion/Accuse.ts"
import * as T from "../../support/Rules.ts"

const states = ["alive", "suspect", "dead", "left"] as const
/** Older, the same, newer, the highest that any claim may come with, and beyond it. */
const orders = [-1, 0, 1, MAX_INCARNATION_JUMP, MAX_INCARNATION_JUMP + 1] as const
const booleans = [false, true] as const

interface Case {
  readonly claim: "Alive" | "Suspect" | "Dead"
  readonly state: MemberState
  readonly order: typeof orders[number]
  readonly self: boolean
  readonly leaving: boolean
  readonly sameAddress: boolean
  readonly allowed: boolean
  readonly reclaimable: boolean
  readonly replaceable: boolean
  readonly identical: boolean
}

const cases: ReadonlyArray<Case> = (["Alive", "Suspect", "Dead"] as const).flatMap((claim) =>
  states.flatMap((state) =>
    orders.flatMap((order) =>
      booleans.flatMap((self) =>
        booleans.flatMap((leaving) =>
          booleans.flatMap((sameAddress) =>
            booleans.flatMap((allowed) =>
              booleans.flatMap((reclaimable) =>
                booleans.flatMap((replaceable) =>
                  booleans.map((identical) => ({
                    claim,
                    state,
                    order,
                    self,
                    leaving,
                    sameAddress,
                    allowed,
                    reclaimable,
                    replaceable,
                    identical
                  }))
                )
              )
            )
          )
        )
      )
    )
  )
)

/**
 * The first line that matches decides: claim, its node, what is known, further conditions, then the verdict when the
 * claim's incarnation is lower, equal, higher, higher by the largest jump, and higher by more. `*` is anything.
 */
const TABLE = `
Alive    self   *        leaving              Leaving            Leaving            Leaving            Leaving            Leaving
Alive    *      *        elsewhere,barred     AddressNotAllowed  AddressNotAllowed  AddressNotAllowed  AddressNotAllowed  AddressNotAllowed
Alive    self   *        elsewhere            AddressConflict    AddressConflict    AddressConflict    AddressConflict    AddressConflict
Alive    self   *        identical            OldIncarnation     OwnEcho            Refute             Refute             Refute
Alive    self   *        *                    OldIncarnation     Refute             Refute             Refute             Refute
Alive    other  left     elsewhere            TakeOver           TakeOver           TakeOver           TakeOver           TakeOver
Alive    other  dead     elsewhere,expired    TakeOver           TakeOver           TakeOver           TakeOver           TakeOver
Alive    other  dead     elsewhere,replaced   AddressConflict    AddressConflict    TakeOver           TakeOver           IncarnationJump
Alive    other  *        elsewhere,replaced   AddressConflict    AddressConflict    Replace            Replace            IncarnationJump
Alive    other  *        elsewhere            AddressConflict    AddressConflict    AddressConflict    AddressConflict    AddressConflict
Alive    other  *        *                    OldIncarnation     SameIncarnation    Accept             Accept             IncarnationJump
Suspect  *      dead     *                    OldIncarnation     NotAlive           NotAlive           NotAlive           NotAlive
Suspect  *      left     *                    OldIncarnation     NotAlive           NotAlive           NotAlive           NotAlive
Suspect  self   alive    *                    OldIncarnation     Refute             Refute             Refute             Refute
Suspect  other  alive    *                    OldIncarnation     Accept             Accept             IncarnationJump    IncarnationJump
Suspect  *      suspect  *                    OldIncarnation     Confirm            Confirm            IncarnationJump    IncarnationJump
Dead     *      dead     *                    OldIncarnation     AlreadyGone        AlreadyGone        AlreadyGone        AlreadyGone
Dead     *      left     *                    OldIncarnation     AlreadyGone        AlreadyGone        AlreadyGone        AlreadyGone
Dead     self   *        leaving              OldIncarnation     Accept             Accept             IncarnationJump    IncarnationJump
Dead     self   *        *                    OldIncarnation     Refute             Refute             Refute             Refute
Dead     other  *        *                    OldIncarnation     Accept             Accept             IncarnationJump    IncarnationJump
`

const lines = TABLE.trim().split("\n").map((line) => line.split(/\s+/))

const holds = (condition: string, c: Case): boolean => {
  switch (condition) {
    case "*":
      return true
    case "leaving":
      return c.leaving
    case "elsewhere":
      return !c.sameAddress
    case "barred":
      return !c.allowed
    case "expired":
      return c.reclaimable
    case "replaced":
      return c.replaceable
    case "identical":
      return c.identical
    default:
      throw new Error(`unknown condition ${condition}`)
  }
}

const expected = (c: Case): string => {
  for (const [claim = "", about = "", state = "", conditions = "", ...verdicts] of lines) {
    if (claim !== c.claim || (about !== "*" && (about === "self") !== c.self)) continue
    if ((state !== "*" && state !== c.state) || !conditions.split(",").every((condition) => holds(condition, c))) {
      continue
    }
    return verdicts[orders.indexOf(c.order)] ?? "missing"
  }
  return "missing"
}

const decide = (c: Case): string => {
  switch (c.claim) {
    case "Alive":
      return Precedence.decideAlive(c)
    case "Suspect":
      return Precedence.decideSuspect(c)
    case "Dead":
      return Precedence.decideDead(c)
  }
}

/** A table in which the case is the case, the rule applied to it, and the name it is about. */
const enact = (c: Case) => {
  const name = c.self ? T.SELF : T.OTHER
  const incarnation = 5
  const base = T.cluster(T.OTHER)
  const suspicion = c.state === "suspect"
    ? {
      incarnation,
      startedAt: 0,
      k: 2,
      min: 4000,
      max: 24_000,
      accusers: ["accuser"],
      confirmedAfter: [],
      probe: undefined,
      probedAfter: 0,
      health: 0,
      heldUntil: undefined
    }
    : undefined
  const m: Membership.Membership = {
    ...T.force(base, name, { incarnation, state: c.state, suspicion }),
    incarnation,
    stage: c.leaving ? { _tag: "Left" } : { _tag: "Present" }
  }
  const env = T.env({
    now: 1000,
    rules: {
      deadNodeReclaimTime: c.reclaimable ? 999 : 1000,
      addressAllowed: () => c.allowed,
      nameConflictPolicy: c.replaceable ? "replace" : "keep"
    }
  })
  const claimed = incarnation + c.order
  switch (c.claim) {
    case "Alive": {
      const claim = T.alive(name, claimed, {
        addr: T.ip(c.sameAddress ? 1 : 2),
        meta: c.identical ? null : Uint8Array.of(1)
      })
      return { m, name, step: Alive.alive(m, claim, env) }
    }
    case "Suspect":
      return { m, name, step: Accuse.suspect(m, T.suspect(name, claimed, "someone"), env) }
    case "Dead":
      return { m, name, step: Dead.dead(m, T.dead(name, claimed, "someone"), env) }
  }
}

const accuses = (directive: Directive): boolean => directive._tag === "Broadcast" && directive.claim._tag === "Suspect"

/** What a rule did, told from its directives alone. */
const observed = (directives: ReadonlyArray<Directive>): string => {
  const ignored = directives.find((directive) => directive._tag === "Ignored")
  if (ignored !== undefined) return ignored.reason
  const tags = new Set(directives.map((directive) => directive._tag))
  if (tags.has("Refuted")) return "Refute"
  if (tags.has("Reclaimed")) return "TakeOver"
  if (tags.has("Conflict")) return "Replace"
  return tags.has("Publish") || directives.every((directive) => !accuses(directive)) ? "Accept" : "Confirm"
}

describe("Precedence", () => {
  it(`decides all ${cases.length} cases as the table says`, () => {
    for (const c of cases) assert.strictEqual(decide(c), expected(c), JSON.stringify(c))
  })

  it("the rules act on all cases as the table says", () => {
    for (const c of cases) {
      const { m, name, step: [next, directives] } = enact(c)
      const verdict = expected(c)
      const at = JSON.stringify(c)
      assert.strictEqual(observed(directives), verdict, at)
      const before = T.entry(m, name)
      const after = T.entry(next, name)
      const broadcasts = directives.filter((directive) => directive._tag === "Broadcast")
      switch (verdict) {
        case "Accept":
        case "TakeOver":
        case "Replace": {
          const state = { Alive: "alive", Suspect: "suspect", Dead: "dead" } as const
          assert.strictEqual(after.state, state[c.claim], at)
          assert.strictEqual(after.incarnation, 5 + c.order, at)
          assert.strictEqual(broadcasts[0]?.key, name, at)
          break
        }
        case "Confirm":
          assert.strictEqual(after.state, "suspect", at)
          assert.strictEqual(after.incarnation, 5, at)
          break
        case "Refute":
          assert.strictEqual(after.state, before.state, at)
          // out of reach: answered, but not adopted
          assert.strictEqual(after.incarnation, c.order < MAX_INCARNATION_JUMP ? 6 + c.order : 6, at)
          assert.deepStrictEqual(broadcasts.map(({ key }) => key), [undefined], at)
          break
        default:
          assert.strictEqual(next.entries, m.entries, at)
          assert.strictEqual(next.ring, m.ring, at)
          assert.strictEqual(broadcasts.length, 0, at)
          continue
      }
      assert.strictEqual(broadcasts.length, 1, at)
      assert.strictEqual(after.suspicion !== undefined, after.state === "suspect", at)
    }
  })

  it("meets a new node only through an alive claim that may enter", () => {
    const newcomers = booleans.flatMap((self) =>
      booleans.flatMap((leaving) =>
        booleans.flatMap((allowed) => booleans.map((full) => ({ self, leaving, allowed, full })))
      )
    )
    const inserted = newcomers.filter((newcomer) => Precedence.decideNewcomer(newcomer) === "Insert")
    assert.deepStrictEqual(inserted, [
      { self: false, leaving: false, allowed: true, full: false },
      { self: false, leaving: true, allowed: true, full: false }
    ])
    const [, suspected] = Accuse.suspect(T.started(), T.suspect("new", 1, "a"), T.env())
    const [, buried] = Dead.dead(T.started(), T.dead("new", 1, "a"), T.env())
    assert.deepStrictEqual(T.words([...suspected, ...buried]), ["Ignored UnknownMember", "Ignored UnknownMember"])
  })
})
