import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as IndirectProbe from "../../../src/swim/probing/IndirectProbe.ts"
import * as T from "../../support/Rules.ts"

const { OTHER } = T
const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const profiles = ["memberlist", "paper"] as const
const usual = { indirectChecks: 3, awarenessMaxMultiplier: 8, profile: "memberlist" } as const
const speaking = (max: number) => ({ vsn: Uint8Array.of(1, max, 2, 0, 0, 0) })

describe("a helper", () => {
  const names = ["a", "b", "c", "d", "e"]
  const states = ["alive", "suspect", "dead", "left"] as const

  it.prop(
    "is a live member, neither the target nor ourselves, and there are as many as wanted where there can be",
    [int(0, 6), Schema.Array(Schema.Literals(states)), int(0, 4), int(0, 1_000_000)],
    ([indirectChecks, given, nth, seed]) => {
      const m = names.reduce((m, name, i) => T.force(m, name, { state: given[i] ?? "alive" }), T.cluster(...names))
      const target = T.entry(m, names[nth] ?? "a")
      const env = T.env({ random: T.seeded(seed) })
      const helpers = IndirectProbe.helpers(m, target, { ...usual, indirectChecks }, env)
      const possible = names.filter((name) => name !== target.name && T.entry(m, name).state === "alive")
      const asked = helpers.map(({ member }) => member.name)
      assert.strictEqual(helpers.length, Math.min(indirectChecks, possible.length))
      assert.strictEqual(new Set(asked).size, asked.length)
      assert.includeMembers(possible, asked)
    },
    { arbitrary: { runs: 300 } }
  )

  it("is one that was heard from, where somebody was, and comes first", () => {
    const m = T.cluster(...names)
    const firstHand = {
      size: 1,
      has: (name: string) => name === "d",
      stands: (name: string) => name === "d",
      any: () => "d"
    }
    for (let seed = 0; seed < 50; seed++) {
      const env = { ...T.env({ random: T.seeded(seed) }), firstHand }
      const [first] = IndirectProbe.helpers(m, T.entry(m, "a"), { ...usual, indirectChecks: 2 }, env)
      assert.strictEqual(first?.member.name, "d")
    }
  })

  it("owes a nack by its own versions, whatever the others can do", () => {
    const m = T.force(T.force(T.cluster("a", "b", "t"), "a", speaking(3)), "b", speaking(4))
    const helpers = IndirectProbe.helpers(m, T.entry(m, "t"), usual, T.env())
    assert.deepStrictEqual(helpers.map(({ member, nack }) => `${member.name} ${nack}`).sort(), ["a false", "b true"])
  })
})

describe("a nack", () => {
  it("is owed from protocol version 4 on; in the paper's profile only where the score is on", () => {
    for (const profile of profiles) {
      for (const awarenessMaxMultiplier of [1, 2, 8]) {
        for (const max of [0, 1, 2, 3, 4, 5]) {
          const expected = max >= 4 && (profile === "memberlist" || awarenessMaxMultiplier > 1)
          assert.strictEqual(IndirectProbe.owesNack(speaking(max), { awarenessMaxMultiplier, profile }), expected)
        }
      }
    }
  })

  it("goes out after the whole probe timeout, in the paper's profile after 80 % of it", () => {
    assert.strictEqual(IndirectProbe.patience(500, "memberlist"), 500)
    assert.strictEqual(IndirectProbe.patience(500, "paper"), 400)
  })
})

describe("a TCP ping", () => {
  it("is tried from protocol version 3 on, unless it is switched off for all or for this member", () => {
    for (const disableTcpPings of [true, false]) {
      for (const disabled of [true, false]) {
        for (const max of [0, 1, 2, 3, 4, 5]) {
          const asked: Array<string> = []
          const disableTcpPingsForNode = (name: string) => {
            asked.push(name)
            return disabled
          }
          const taken = IndirectProbe.takesStreamPing(
            { name: OTHER, ...speaking(max) },
            { disableTcpPings, disableTcpPingsForNode }
          )
          assert.strictEqual(taken, max >= 3 && !disableTcpPings && !disabled)
          assert.deepStrictEqual(asked, disableTcpPings ? [] : [OTHER])
        }
      }
    }
  })
})

describe("the target of a relayed ping", () => {
  it("is looked up in the paper's profile only, and may be unknown", () => {
    const m = T.known("suspect", 3)
    assert.strictEqual(IndirectProbe.knownTarget(m, OTHER, "paper"), T.entry(m, OTHER))
    assert.isUndefined(IndirectProbe.knownTarget(m, "nobody", "paper"))
    assert.isUndefined(IndirectProbe.knownTarget(m, OTHER, "memberlist"))
  })
})
