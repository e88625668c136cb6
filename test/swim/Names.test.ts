import { assert, describe, it } from "@effect/vitest"
import { alive } from "../../src/swim/membership/Alive.ts"
import { type Alive, type Dead, MAX_NAME_LENGTH, nameDefect, type Suspect } from "../../src/swim/membership/Claim.ts"
import { dead } from "../../src/swim/membership/Dead.ts"
import type { Directive } from "../../src/swim/membership/Directive.ts"
import { type Env, make } from "../../src/swim/membership/Membership.ts"
import { merge } from "../../src/swim/membership/Merge.ts"
import { oldAccusation } from "../../src/swim/membership/OldNews.ts"
import { suspect } from "../../src/swim/suspicion/Accuse.ts"

const env: Env = {
  now: 0,
  random: () => 0,
  rules: {
    probeInterval: 1000,
    suspicionMult: 4,
    suspicionMaxTimeoutMult: 6,
    deadNodeReclaimTime: 0,
    gossipToTheDeadTime: 30_000,
    maxMembers: 100,
    nameConflictPolicy: "keep",
    recovery: false,
    verifies: false,
    healInterval: 10_000,
    maxLost: 256,
    lostTime: 86_400_000,
    addressAllowed: () => true
  }
}
const claim = (node: string): Alive => ({
  _tag: "Alive",
  incarnation: 1,
  node,
  addr: Uint8Array.of(10, 0, 0, 1),
  port: 7946,
  meta: null,
  vsn: Uint8Array.of(1, 5, 2, 0, 0, 0)
})
const ignored = (directives: ReadonlyArray<Directive>) =>
  directives.flatMap((directive) => directive._tag === "Ignored" ? [directive.reason] : [])

const claims = (directives: ReadonlyArray<Directive>) =>
  directives.flatMap((directive) => directive._tag === "Broadcast" ? [directive.claim] : [])
const accusation = (node: string, from: string): Suspect => ({ _tag: "Suspect", incarnation: 1, node, from })
const [known] = alive(make("self"), claim("a"), env)
/** Enough members for two confirmations to count. */
const crowd = ["b", "c", "d", "e"].reduce((m, name) => alive(m, claim(name), env)[0], known)

describe("a name longer than fits a packet", () => {
  const long = "x".repeat(MAX_NAME_LENGTH + 1)

  it("is not taken into the table", () => {
    const [next, directives] = alive(make("self"), claim(long), env)
    assert.deepStrictEqual(ignored(directives), ["NameTooLong"])
    assert.strictEqual(next.entries.size, 0)
    assert.deepStrictEqual(ignored(alive(make("self"), claim("x".repeat(MAX_NAME_LENGTH)), env)[1]), [])
  })

  it("is nobody to accuse", () => {
    assert.deepStrictEqual(ignored(suspect(known, accusation(long, "b"), env)[1]), ["NameTooLong"])
    assert.deepStrictEqual(ignored(dead(known, { ...accusation(long, long), _tag: "Dead" }, env)[1]), ["NameTooLong"])
    assert.strictEqual(oldAccusation(known, accusation(long, "b")), "NameTooLong")
  })

  it("counts as an accuser, and what is kept and passed on is short, the same each time, and nobody's name", () => {
    const [suspected, directives] = suspect(known, accusation("a", long), env)
    const [again] = suspect(known, accusation("a", long), env)
    const [from = ""] = suspected.entries.get("a")?.suspicion?.accusers ?? []
    assert.isAtMost(from.length, 64)
    assert.strictEqual(nameDefect(from), "NameInvalid")
    assert.deepStrictEqual(again.entries.get("a")?.suspicion?.accusers, [from])
    assert.deepStrictEqual(claims(directives), [{ ...accusation("a", from) }])
    const [gone, death] = dead(known, { ...accusation("a", long), _tag: "Dead" }, env)
    assert.strictEqual(gone.entries.get("a")?.state, "dead")
    assert.deepStrictEqual(claims(death), [{ ...accusation("a", from), _tag: "Dead" }])
  })
})

describe("a name that is not UTF-8, and therefore arrives as text that is not well-formed,", () => {
  const strange = "caf\udce9"

  it("is not taken into the table, nor anybody to accuse", () => {
    assert.deepStrictEqual(ignored(alive(known, claim(strange), env)[1]), ["NameInvalid"])
    assert.deepStrictEqual(ignored(suspect(known, accusation(strange, "b"), env)[1]), ["NameInvalid"])
    const dying: Dead = { ...accusation(strange, strange), _tag: "Dead" }
    assert.deepStrictEqual(ignored(dead(known, dying, env)[1]), ["NameInvalid"])
    assert.strictEqual(oldAccusation(known, dying), "NameInvalid")
  })

  it("costs only its own row of a push/pull", () => {
    const rows = [strange, "b", "x".repeat(MAX_NAME_LENGTH + 1), "c"].map((name) => ({
      ...claim(name),
      name,
      state: 0
    }))
    const [next, directives] = merge(known, rows, env)
    assert.deepStrictEqual(next.entries.values().map(({ name }) => name), ["a", "b", "c"])
    assert.deepStrictEqual(ignored(directives), ["NameInvalid", "NameTooLong"])
  })

  it("counts as an accuser, is kept as it is, and differs from every other", () => {
    let [m, directives] = suspect(crowd, accusation("a", strange), env)
    assert.deepStrictEqual(claims(directives), [accusation("a", strange)])
    for (
      const [from, counts] of [[strange, false], ["caf\udce8", true], ["x".repeat(600), true], ["late", false]] as const
    ) {
      ;[m, directives] = suspect(m, accusation("a", from), env)
      assert.deepStrictEqual(ignored(directives).length === 0, counts, from.slice(0, 10))
    }
    // as many as count, however many more there are
    assert.strictEqual(m.entries.get("a")?.suspicion?.accusers.length, 3)
  })

  it("declares a member dead, and never one that left", () => {
    const [gone] = dead(known, { ...accusation("a", strange), _tag: "Dead" }, env)
    assert.strictEqual(gone.entries.get("a")?.state, "dead")
  })
})
