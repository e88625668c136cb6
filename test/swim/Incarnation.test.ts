/**
 * How far one claim may raise an incarnation, of others and of ourselves, so that forged numbers cannot use them all up.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Alive from "../../src/swim/membership/Alive.ts"
import {
  type Claim,
  MAX_INCARNATION,
  MAX_INCARNATION_JUMP as JUMP,
  RemoteState
} from "../../src/swim/membership/Claim.ts"
import * as Dead from "../../src/swim/membership/Dead.ts"
import * as Membership from "../../src/swim/membership/Membership.ts"
import * as Merge from "../../src/swim/membership/Merge.ts"
import * as Reap from "../../src/swim/membership/Reap.ts"
import * as Accuse from "../../src/swim/suspicion/Accuse.ts"
import * as Expiry from "../../src/swim/suspicion/Expiry.ts"
import * as T from "../support/Rules.ts"

const { OTHER, SELF } = T

const hear = (m: Membership.Membership, claim: Claim, now = 0): Membership.Step => {
  const env = T.env({ now })
  switch (claim._tag) {
    case "Alive":
      return Alive.alive(m, claim, env)
    case "Suspect":
      return Accuse.suspect(m, claim, env)
    case "Dead":
      return Dead.dead(m, claim, env)
  }
}

const about = (node: string, incarnation: number): ReadonlyArray<Claim> => [
  T.alive(node, incarnation),
  T.suspect(node, incarnation, "accuser"),
  T.dead(node, incarnation, "accuser"),
  T.dead(node, incarnation, node)
]

const claimsOf = ([, directives]: Membership.Step): ReadonlyArray<Claim> =>
  directives.flatMap((directive) => directive._tag === "Broadcast" ? [directive.claim] : [])

describe("a claim about another", () => {
  it("that raises its incarnation too far changes nothing, and is passed on to nobody", () => {
    for (const incarnation of [5 + JUMP + 1, MAX_INCARNATION]) {
      for (const state of ["alive", "suspect"] as const) {
        const m = T.known(state, 5)
        for (const claim of about(OTHER, incarnation)) {
          const [next, directives] = hear(m, claim)
          assert.strictEqual(next, m)
          assert.deepStrictEqual(T.words(directives), ["Ignored IncarnationJump"])
        }
      }
    }
  })

  it("is refused as a row of a peer's table as well, whatever the row's state", () => {
    const m = T.known("alive", 5)
    for (const state of Object.values(RemoteState)) {
      const [next, directives] = Merge.merge(m, [T.row(OTHER, MAX_INCARNATION, state)], T.env())
      assert.strictEqual(next.entries, m.entries)
      assert.deepStrictEqual(T.words(directives), ["Ignored IncarnationJump"])
    }
  })

  it("may raise it by the largest jump; an accusation must leave room for its answer", () => {
    const m = T.known("alive", 5)
    assert.strictEqual(T.entry(hear(m, T.alive(OTHER, 5 + JUMP))[0], OTHER).incarnation, 5 + JUMP)
    assert.strictEqual(hear(m, T.suspect(OTHER, 5 + JUMP, "accuser"))[0], m)
    const [accused] = hear(m, T.suspect(OTHER, 5 + JUMP - 1, "accuser"))
    assert.strictEqual(T.entry(accused, OTHER).state, "suspect")
    assert.strictEqual(T.entry(hear(accused, T.alive(OTHER, 5 + JUMP))[0], OTHER).state, "alive")
    assert.strictEqual(T.entry(hear(m, T.alive(OTHER, 5 + JUMP))[0], OTHER).state, "alive")
  })

  it("that nobody knows may have any incarnation", () => {
    const [m] = hear(T.started(), T.alive(OTHER, MAX_INCARNATION))
    assert.strictEqual(T.entry(m, OTHER).incarnation, MAX_INCARNATION)
  })

  it("from whoever takes over a free name may have any incarnation; one that must outbid it may not", () => {
    const elsewhere = T.alive(OTHER, MAX_INCARNATION, { addr: T.ip(2) })
    assert.strictEqual(T.entry(hear(T.known("left", 5), elsewhere)[0], OTHER).incarnation, MAX_INCARNATION)
    const reclaim = T.env({ now: 2000, rules: { deadNodeReclaimTime: 1000 } })
    const [reclaimed] = Alive.alive(T.known("dead", 5), elsewhere, reclaim)
    assert.strictEqual(T.entry(reclaimed, OTHER).incarnation, MAX_INCARNATION)
    const replace = T.env({ rules: { nameConflictPolicy: "replace" } })
    for (const state of ["alive", "dead"] as const) {
      const [, directives] = Alive.alive(T.known(state, 5), elsewhere, replace)
      assert.deepStrictEqual(T.words(directives), ["Ignored IncarnationJump"])
    }
  })

  it("that was really raised so far is refused until its entry is forgotten, and then it is a newcomer", () => {
    const raised = T.alive(OTHER, 2 * JUMP + 5)
    const [suspected] = hear(T.known("alive", 5), T.suspect(OTHER, 5, SELF), 1000)
    const [refused] = hear(suspected, raised, 2000)
    assert.strictEqual(T.entry(refused, OTHER).state, "suspect")
    const [buried] = Expiry.expire(refused, T.env({ now: 10_000 }))
    assert.deepStrictEqual(T.words(hear(buried, raised, 20_000)[1]), ["Ignored IncarnationJump"])
    const [forgetful] = Reap.reap(buried, T.env({ now: 10_000 + T.lan.gossipToTheDeadTime + 1 }))
    assert.isFalse(T.has(forgetful, OTHER))
    const [met, directives] = hear(forgetful, raised, 50_000)
    assert.strictEqual(T.entry(met, OTHER).incarnation, raised.incarnation)
    assert.include(T.words(directives), "Joined")
  })
})

describe("a claim about ourselves", () => {
  it("out of reach is answered with our next incarnation", () => {
    for (const claim of [...about(SELF, JUMP + 1), ...about(SELF, MAX_INCARNATION)]) {
      const step = hear(T.started(), claim)
      assert.deepStrictEqual(T.words(step[1]), ["Refuted", "Broadcast Alive in answer"])
      assert.deepStrictEqual(claimsOf(step), [T.alive(SELF, 2)])
      assert.strictEqual(T.entry(step[0], SELF).incarnation, 2)
      assert.strictEqual(step[0].incarnation, 2)
    }
  })

  it("within reach is answered above it, and that is no jump for those who did not hear it", () => {
    for (const claim of about(SELF, JUMP)) {
      const [m] = hear(T.started(), claim)
      assert.strictEqual(T.entry(m, SELF).incarnation, JUMP + 1)
    }
  })

  it("out of reach teaches us nothing while we are outside, however often it comes", () => {
    const [left] = T.leave(T.started(), T.env())
    let m = left
    for (let factor = 1; factor <= 4; factor++) {
      for (const claim of about(SELF, Math.min(factor * JUMP, MAX_INCARNATION))) m = hear(m, claim)[0]
    }
    const [back] = T.announce(m, T.own, T.env())
    assert.strictEqual(T.entry(back, SELF).incarnation, JUMP + 1)
  })

  it("is not outbid out of reach", () => {
    const [m] = T.outbid(T.started(), T.own, MAX_INCARNATION, T.env())
    assert.strictEqual(T.entry(m, SELF).incarnation, 2)
    const [higher] = T.outbid(T.started(), T.own, JUMP, T.env())
    assert.strictEqual(T.entry(higher, SELF).incarnation, JUMP + 1)
  })
})

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Incarnations of all sizes, and those where something changes. */
const incarnation = Schema.Union([
  int(0, 6),
  int(0, MAX_INCARNATION),
  int(JUMP - 3, JUMP + 3),
  int(2 * JUMP - 3, 2 * JUMP + 3),
  int(MAX_INCARNATION - 3, MAX_INCARNATION)
])

const Forged = Schema.Struct({ kind: int(0, 3), incarnation })

const forged = ({ incarnation, kind }: typeof Forged.Type): Claim =>
  about(SELF, incarnation)[kind] ?? T.alive(SELF, incarnation)

const Happening = Schema.Union([
  Forged,
  Forged,
  Forged,
  Schema.Literals(["announce", "leave"]),
  int(0, MAX_INCARNATION)
])

describe("our own incarnation", () => {
  it.prop(
    "never falls, never wraps, and is never announced more than one jump above the last announcement",
    [Arbitrary.array(Arbitrary.schema(Happening), { maxLength: 60 })],
    ([happenings]) => {
      let m = T.started()
      for (const happening of happenings) {
        const before = T.entry(m, SELF).incarnation
        const step = happening === "announce"
          ? T.announce(m, T.own, T.env())
          : happening === "leave"
          ? T.leave(m, T.env())
          : typeof happening === "number"
          ? T.outbid(m, T.own, happening, T.env())
          : hear(m, forged(happening))
        m = step[0]
        const after = T.entry(m, SELF).incarnation
        assert.isAtLeast(after, before)
        assert.isAtMost(after - before, JUMP)
        assert.isAtMost(after, MAX_INCARNATION)
        assert.isAtMost(m.incarnation, MAX_INCARNATION)
        for (const claim of claimsOf(step)) assert.isAtMost(claim.incarnation - before, JUMP)
      }
    },
    { arbitrary: { runs: 500, size: 60 } }
  )

  const PEERS = ["p", "q"] as const

  /** Whoever is told, everybody passes on what was news to them, until nobody has any. */
  const settle = (tables: Map<string, Membership.Membership>, news: ReadonlyArray<Claim>): void => {
    let waiting = news
    while (waiting.length > 0) {
      const next: Array<Claim> = []
      for (const claim of waiting) {
        for (const [name, m] of tables) {
          const step = hear(m, claim)
          tables.set(name, step[0])
          next.push(...claimsOf(step))
        }
      }
      waiting = next
    }
  }

  it.prop(
    "is agreed on again after one forged claim, whoever heard it: we refute, and any later accusation too",
    [Forged, int(0, 7)],
    ([forgery, mask]) => {
      const claim = forged(forgery)
      const all = [SELF, ...PEERS]
      const tables = new Map(all.map((name) => {
        const others = all.filter((other) => other !== name)
        const own = { ...T.own, addr: T.ip(1) }
        const started = T.announce(Membership.make(name), own, T.env())[0]
        return [
          name,
          T.run(
            started,
            ...others.map((other) => (m: Membership.Membership) => Alive.alive(m, T.alive(other, 1), T.env()))
          )[0]
        ] as const
      }))
      const spread: Array<Claim> = []
      all.forEach((name, i) => {
        const m = tables.get(name)
        if (m === undefined || (mask & (1 << i)) === 0) return
        const step = hear(m, claim)
        tables.set(name, step[0])
        spread.push(...claimsOf(step))
      })
      settle(tables, spread)
      // an honest accusation by each, at the incarnation it knows
      for (const peer of PEERS) {
        const m = tables.get(peer)
        if (m !== undefined) settle(tables, [T.suspect(SELF, T.entry(m, SELF).incarnation, peer)])
      }
      for (const [name, m] of tables) {
        const { incarnation, state } = T.entry(m, SELF)
        // who heard a forged goodbye or obituary first is told otherwise like everybody else
        assert.strictEqual(`${name} ${state}`, `${name} alive`)
        assert.strictEqual(incarnation, T.entry(tables.get(SELF) ?? m, SELF).incarnation)
      }
    },
    { arbitrary: { runs: 1000 } }
  )
})
