import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import type { Directive } from "../../../src/swim/membership/Directive.ts"
import type * as Membership from "../../../src/swim/membership/Membership.ts"
import { merge } from "../../../src/swim/membership/Merge.ts"
import * as Accuse from "../../../src/swim/suspicion/Accuse.ts"
import * as Expiry from "../../../src/swim/suspicion/Expiry.ts"
import type { Findings } from "../../../src/swim/suspicion/Findings.ts"
import type { FailedProbe } from "../../../src/Verdict.ts"
import * as T from "../../support/Rules.ts"

const { OTHER, SELF } = T

const probe: FailedProbe = {
  direct: "Silent",
  timeout: 500,
  helpers: [{ name: "a", answer: "Nack" }],
  strayNacks: 0,
  stream: "Refused"
}

const six = () => T.cluster(OTHER, "a", "b", "c", "d")
const env = (now: number, health = 0): Membership.Env => ({ ...T.env({ now }), health })
const accused = (from: string, now: number, tried?: FailedProbe, health?: number) => (m: Membership.Membership) =>
  Accuse.suspect(m, T.suspect(OTHER, 1, from), env(now, health), tried)

/** What was found out, in order. */
const findings = (directives: ReadonlyArray<Directive>): ReadonlyArray<Findings> =>
  directives.flatMap((directive) =>
    directive._tag === "Publish" && "findings" in directive.change ? [directive.change.findings] : []
  )

const last = (...rules: ReadonlyArray<(m: Membership.Membership) => Membership.Step>): Findings => {
  const found = findings(T.run(six(), ...rules)[1]).at(-1)
  if (found === undefined) throw new Error("nothing was found out")
  return found
}

describe("what is found out about a member", () => {
  it("has what we tried when our own probe begins the suspicion, and our health then", () => {
    assert.deepStrictEqual(last(accused(SELF, 500, probe, 2)), {
      member: OTHER,
      incarnation: 1,
      outcome: "suspected",
      reason: "Unanswered",
      from: SELF,
      suspicion: { accuser: SELF, confirmations: [], hoped: 2, due: 24_000, lasted: 0 },
      probe,
      health: 2,
      at: 500
    })
  })

  it("says that nothing was tried where we only heard of it", () => {
    const { from, probe, reason } = last(accused("a", 500))
    assert.deepStrictEqual([reason, from, probe], ["Accused", "a", undefined])
  })

  it("says that a list says so where a push/pull brought a suspect or a dead row", () => {
    for (const state of [1, 2]) {
      const { probe, reason } = last((m) => merge(m, [T.row(OTHER, 1, state)], T.env()))
      assert.deepStrictEqual([reason, probe], ["Listed", undefined])
    }
  })

  it("keeps who confirmed and when until the suspicion expires", () => {
    const found = last(
      accused(SELF, 1000, probe),
      accused("a", 1300),
      accused("c", 1800),
      (m) => Expiry.expire(m, env(5000, 1))
    )
    assert.deepStrictEqual(found.suspicion, {
      accuser: SELF,
      confirmations: [{ from: "a", after: 300 }, { from: "c", after: 800 }],
      hoped: 2,
      due: 4000,
      lasted: 4000
    })
    assert.deepStrictEqual(
      [found.outcome, found.reason, found.from, found.probe, found.health, found.at],
      ["failed", "Expired", SELF, probe, 1, 5000]
    )
  })

  it("keeps our own failed probe of a suspect that others accused, also where our word does not count any more", () => {
    const expired = (m: Membership.Membership) => Expiry.expire(m, env(60_000))
    const confirming = last(accused("a", 0), accused(SELF, 700, probe), expired)
    assert.strictEqual(confirming.suspicion?.accuser, "a")
    assert.deepStrictEqual(confirming.suspicion?.confirmations, [{ from: SELF, after: 700 }])
    assert.deepStrictEqual(confirming.probe, probe)
    const enough = last(accused("a", 0), accused("b", 1), accused("c", 2), accused(SELF, 700, probe), expired)
    assert.deepStrictEqual(enough.suspicion?.confirmations.map(({ from }) => from), ["b", "c"])
    assert.deepStrictEqual(enough.probe, probe)
  })

  it("keeps the first of our failed probes", () => {
    const again = { ...probe, stream: "Silent" as const }
    const found = last(accused(SELF, 0, probe), accused(SELF, 900, again), (m) => Expiry.expire(m, env(60_000)))
    assert.deepStrictEqual(found.probe, probe)
  })

  it("is who declared it where others were faster", () => {
    const dead = (m: Membership.Membership) => Dead.dead(m, T.dead(OTHER, 1, "b"), env(900))
    const suspect = last(accused("a", 0), dead)
    assert.deepStrictEqual([suspect.reason, suspect.from, suspect.suspicion?.lasted], ["Declared", "b", 900])
    assert.isUndefined(last(dead).suspicion)
  })

  it("is the member's own word when it leaves or refutes", () => {
    const left = last((m) => Dead.dead(m, T.dead(OTHER, 1, OTHER), env(900)))
    assert.deepStrictEqual([left.outcome, left.reason, left.from], ["left", "Goodbye", OTHER])
    const back = last(accused("a", 0), (m) => Alive.alive(m, T.alive(OTHER, 2), env(400)))
    assert.deepStrictEqual(
      [back.outcome, back.reason, back.from, back.incarnation, back.suspicion?.lasted],
      ["recovered", "Refuted", OTHER, 2, 400]
    )
  })

  it("is that another took the name where the policy allows it", () => {
    const replaced = last(
      accused("a", 0),
      (m) =>
        Alive.alive(
          m,
          T.alive(OTHER, 2, { addr: T.ip(9) }),
          T.env({ now: 400, rules: { nameConflictPolicy: "replace" } })
        )
    )
    assert.deepStrictEqual([replaced.outcome, replaced.reason], ["recovered", "Replaced"])
  })

  const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
  const Event = Schema.Struct({
    kind: Schema.Literals(["alive", "suspect", "suspect", "dead", "merge", "expire", "probe"]),
    node: int(1, 3),
    from: int(0, 4),
    incarnation: int(1, 5),
    state: int(0, 3),
    passes: int(0, 9000)
  })
  const name = (i: number) => i === 0 ? SELF : `n${i}`

  const rule = (m: Membership.Membership, event: typeof Event.Type, env: Membership.Env): Membership.Step => {
    const [node, from, { incarnation }] = [name(event.node), name(event.from), event]
    switch (event.kind) {
      case "alive":
        return Alive.alive(m, T.alive(node, incarnation), env)
      case "suspect":
        return Accuse.suspect(m, T.suspect(node, incarnation, from), env)
      case "dead":
        return Dead.dead(m, T.dead(node, incarnation, from), env)
      case "merge":
        return merge(m, [T.row(node, incarnation, event.state)], env)
      case "expire":
        return Expiry.expire(m, env)
      case "probe": {
        const entry = m.entries.get(node)
        return entry === undefined || entry.state === "dead" || entry.state === "left"
          ? [m, []]
          : Accuse.suspect(m, Accuse.accusationOf(SELF, entry), env, probe)
      }
    }
  }

  it.prop(
    "fits the change that it comes with, is bounded, and nothing of it stays with who is not suspect",
    [Arbitrary.array(Arbitrary.schema(Event), { maxLength: 60 })],
    ([events]) => {
      let m = six()
      let now = 0
      const outcomes = { Suspected: "suspected", Failed: "failed", Left: "left", Recovered: "recovered" } as const
      for (const event of events) {
        now += event.passes
        const before = m
        const [next, directives] = rule(m, event, env(now, 3))
        m = next
        for (const directive of directives) {
          if (directive._tag !== "Publish" || !("findings" in directive.change)) continue
          const { _tag, entry, findings } = directive.change
          const { health, incarnation, member, outcome, reason, suspicion } = findings
          assert.deepStrictEqual([member, incarnation, outcome], [entry.name, entry.incarnation, outcomes[_tag]])
          assert.deepStrictEqual([findings.at, health], [now, 3])
          if (_tag === "Failed" && reason === "Expired") assert.isAtLeast(suspicion?.lasted ?? -1, suspicion?.due ?? 0)
          const was = before.entries.get(member)?.suspicion
          if (_tag === "Suspected") assert.strictEqual(suspicion?.lasted, 0)
          else assert.strictEqual(suspicion?.accuser, was?.accusers[0])
          const { confirmations = [], hoped = 0, lasted = 0 } = suspicion ?? {}
          assert.isAtMost(confirmations.length, hoped)
          const times = confirmations.map(({ after }) => after)
          assert.deepStrictEqual([...times].sort((a, b) => a - b), times)
          assert.isTrue(times.every((after) => after >= 0 && after <= lasted))
        }
        for (const { state, suspicion } of m.entries.values()) {
          assert.strictEqual(suspicion !== undefined, state === "suspect")
          if (suspicion === undefined) continue
          assert.strictEqual(suspicion.confirmedAfter.length, suspicion.accusers.length - 1)
          assert.isAtMost(suspicion.accusers.length, suspicion.k + 1)
        }
      }
    },
    { arbitrary: { runs: 300, size: 60 } }
  )
})
