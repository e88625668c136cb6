import { assert, describe, it } from "@effect/vitest"
import * as Conclusion from "../../../src/agent/agreement/Conclusion.ts"
import * as Digest from "../../../src/agent/agreement/Digest.ts"

const row = (name: string, state: "alive" | "suspect" = "alive", incarnation = 1) => ({ name, state, incarnation })

describe("the digest of a list", () => {
  it("is the same for the same members in another order", () => {
    const [a, b, c] = [row("a"), row("b"), row("c", "suspect", 7)]
    assert.strictEqual(Digest.of([a, b, c]), Digest.of([row("c", "suspect", 7), row("a"), row("b")]))
    assert.match(Digest.of([a, b, c]), Digest.pattern)
    assert.strictEqual(Digest.of([]), "0000000000000000")
  })

  it("differs by a name, a state, an incarnation and a member more", () => {
    const lists = [
      [row("a"), row("b")],
      [row("a"), row("c")],
      [row("a"), row("b", "suspect")],
      [row("a"), row("b", "alive", 2)],
      [row("a")],
      [row("a"), row("b"), row("b")],
      // a name that looks like what stands before another
      [row("a"), row("1\u0000b")]
    ]
    assert.strictEqual(new Set(lists.map((list) => Digest.of(list))).size, lists.length)
  })

  it("has no equals among 20,000 lists that differ by one member's incarnation", () => {
    const rest = Array.from({ length: 20 }, (_, i) => row(`n${i}`))
    const digests = new Set(
      Array.from({ length: 20_000 }, (_, i) => Digest.of([...rest.slice(0, 3), row("x", "alive", i)]))
    )
    assert.strictEqual(digests.size, 20_000)
  })
})

const own = { self: "a", digest: "aaaaaaaaaaaaaaaa", members: 3, since: 1_000, isExact: true }
const report = (changes: Partial<Conclusion.Report> = {}): Conclusion.Report => ({
  ...own,
  since: 1_000,
  at: 9_000,
  ...changes
})
const conclude = (
  reports: Record<string, Conclusion.Report>,
  live: ReadonlyArray<string>,
  agents = live,
  now = 10_000
) => Conclusion.conclude(new Map(Object.entries(reports)), own, live, new Set(agents), now)

describe("what agents said about their lists", () => {
  it("is agreement since the last one came to it, and propagation from the first to the last", () => {
    const concluded = conclude({ b: report({ since: 1_400 }), c: report({ since: 800 }) }, ["a", "b", "c"])
    assert.deepInclude(concluded, { same: 3, other: 0, silent: 0, unknown: 0, agreedFor: 8_600, propagation: 600 })
    assert.strictEqual(concluded.unchangedFor, 9_000)
  })

  it("is agreement without a propagation where one does not know since when it has the list", () => {
    const concluded = conclude({ b: report({ since: 1_400, isExact: false }), c: report({}) }, ["a", "b", "c"])
    assert.deepInclude(concluded, { same: 3, other: 0, silent: 0, agreedFor: 8_600 })
    assert.isFalse("propagation" in concluded)
  })

  it("is no agreement while one has another list, or as many members and another digest", () => {
    const other = report({ digest: "bbbbbbbbbbbbbbbb", since: 4_000 })
    const concluded = conclude({ b: other, c: report({ members: 4, since: 2_000 }) }, ["a", "b", "c"])
    assert.deepInclude(concluded, { same: 1, other: 2 })
    assert.notProperty(concluded, "agreedFor")
    assert.notProperty(concluded, "propagation")
    assert.deepStrictEqual(concluded.differences.map(({ for: millis, member }) => [member, millis]), [
      ["c", 8_000],
      ["b", 6_000]
    ])
  })

  it("is not known of those who said nothing lately, and of those who are no agents", () => {
    const old = report({ at: 10_000 - Conclusion.MAX_AGE - 1 })
    const concluded = conclude({ b: old }, ["a", "b", "c", "go"], ["a", "b", "c"])
    assert.deepInclude(concluded, { same: 1, silent: 2, unknown: 1, silentNames: ["b", "c"], unknownNames: ["go"] })
    assert.notProperty(concluded, "agreedFor")
  })

  it("is agreement where the others are no agents, without a propagation", () => {
    const concluded = conclude({}, ["a", "go"], ["a"])
    assert.deepInclude(concluded, { same: 1, unknown: 1, agreedFor: 9_000 })
    assert.notProperty(concluded, "propagation")
  })

  it("names so many and counts all", () => {
    const live = Array.from({ length: 500 }, (_, i) => `n${i}`)
    const concluded = conclude({}, ["a", ...live], ["a"])
    assert.strictEqual(concluded.unknown, 500)
    assert.strictEqual(concluded.unknownNames.length, Conclusion.MAX_NAMED)
  })
})
