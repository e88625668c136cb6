import { assert, describe, it } from "@effect/vitest"
import { alive } from "../../src/swim/membership/Alive.ts"
import { type Alive, MAX_NAME_LENGTH } from "../../src/swim/membership/Claim.ts"
import { dead } from "../../src/swim/membership/Dead.ts"
import type { Directive } from "../../src/swim/membership/Directive.ts"
import { type Env, make } from "../../src/swim/membership/Membership.ts"
import { suspect } from "../../src/swim/suspicion/Suspect.ts"

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

describe("a name longer than fits a packet", () => {
  const long = "x".repeat(MAX_NAME_LENGTH + 1)

  it("is not taken into the table", () => {
    const [next, directives] = alive(make("self"), claim(long), env)
    assert.deepStrictEqual(ignored(directives), ["NameTooLong"])
    assert.strictEqual(next.estimate, 0)
    assert.deepStrictEqual(ignored(alive(make("self"), claim("x".repeat(MAX_NAME_LENGTH)), env)[1]), [])
  })

  it("is not believed as an accuser", () => {
    const [known] = alive(make("self"), claim("a"), env)
    const accusation = { incarnation: 1, node: "a", from: long }
    assert.deepStrictEqual(ignored(suspect(known, { _tag: "Suspect", ...accusation }, env)[1]), ["NameTooLong"])
    assert.deepStrictEqual(ignored(dead(known, { _tag: "Dead", ...accusation }, env)[1]), ["NameTooLong"])
  })
})
