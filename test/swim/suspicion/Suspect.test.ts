import { assert, describe, it } from "@effect/vitest"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import type * as Membership from "../../../src/swim/membership/Membership.ts"
import * as Suspect from "../../../src/swim/suspicion/Suspect.ts"
import * as T from "../support.ts"

const { OTHER, SELF } = T
const six = () => T.cluster(OTHER, "a", "b", "c", "d")

describe("Suspect.suspect", () => {
  it("broadcasts the accusation, starts the timer and publishes", () => {
    const claim = T.suspect(OTHER, 1, "a")
    const [m, directives] = Suspect.suspect(six(), claim, T.env({ now: 500 }))
    const entry = T.entry(m, OTHER)
    assert.deepStrictEqual(directives, [
      { _tag: "Broadcast", key: OTHER, claim },
      { _tag: "StartSuspicion", name: OTHER, token: T.token(m, OTHER), delay: 24_000 },
      { _tag: "Publish", change: { _tag: "Suspected", entry, from: "a" } }
    ])
    assert.strictEqual(entry.state, "suspect")
    assert.strictEqual(entry.stateChangedAt, 500)
    assert.deepStrictEqual(entry.suspicion?.accusers, ["a"])
  })

  it("takes over a higher incarnation from the accuser", () => {
    const [m] = Suspect.suspect(six(), T.suspect(OTHER, 8, "a"), T.env())
    assert.strictEqual(T.entry(m, OTHER).incarnation, 8)
    assert.strictEqual(T.entry(m, OTHER).suspicion?.incarnation, 8)
  })

  it("ignores accusations of unknown members and of old incarnations", () => {
    const m = T.known("alive", 3)
    assert.deepStrictEqual(T.words(Suspect.suspect(m, T.suspect("nobody", 1, "a"), T.env())[1]), [
      "Ignored UnknownMember"
    ])
    assert.deepStrictEqual(T.words(Suspect.suspect(m, T.suspect(OTHER, 2, "a"), T.env())[1]), [
      "Ignored OldIncarnation"
    ])
  })

  it("gossips an independent confirmation on and shortens the timer, without raising the incarnation", () => {
    const [suspected] = Suspect.suspect(six(), T.suspect(OTHER, 1, "a"), T.env())
    const claim = T.suspect(OTHER, 5, "b")
    const [m, directives] = Suspect.suspect(suspected, claim, T.env({ now: 1000 }))
    const entry = T.entry(m, OTHER)
    assert.deepStrictEqual(directives, [
      { _tag: "Broadcast", key: OTHER, claim },
      { _tag: "StartSuspicion", name: OTHER, token: T.token(m, OTHER), delay: 10_381 }
    ])
    assert.strictEqual(entry.suspicion?.token, T.entry(suspected, OTHER).suspicion?.token)
    assert.strictEqual(entry.incarnation, 1)
    assert.strictEqual(entry.stateChangedAt, 0)
  })

  it("does not count an accuser twice, nor more accusers than it hopes for", () => {
    const accuse = (from: string) => (m: Membership.Membership) =>
      Suspect.suspect(m, T.suspect(OTHER, 1, from), T.env())
    const [, directives] = T.run(six(), accuse("a"), accuse("a"), accuse("b"), accuse("c"), accuse("d"))
    assert.deepStrictEqual(T.words(directives), [
      `Broadcast Suspect ${OTHER}`,
      "StartSuspicion",
      "Suspected",
      "Ignored DuplicateAccuser",
      `Broadcast Suspect ${OTHER}`,
      "StartSuspicion",
      `Broadcast Suspect ${OTHER}`,
      "StartSuspicion",
      "Ignored EnoughConfirmations"
    ])
  })

  it("counts our own failed probe as a confirmation of somebody else's accusation", () => {
    const [m] = T.run(
      six(),
      (m) => Suspect.suspect(m, T.suspect(OTHER, 1, "a"), T.env()),
      (m) => Suspect.suspect(m, T.suspect(OTHER, 1, SELF), T.env())
    )
    assert.deepStrictEqual(T.entry(m, OTHER).suspicion?.accusers, ["a", SELF])
  })

  it.each(["dead", "left"] as const)("ignores accusations of a %s member", (state) => {
    const m = T.known(state, 3)
    const [next, directives] = Suspect.suspect(m, T.suspect(OTHER, 9, "a"), T.env())
    assert.strictEqual(next, m)
    assert.deepStrictEqual(T.words(directives), ["Ignored NotAlive"])
  })

  it("refutes an accusation of ourselves and stays alive", () => {
    const [m, directives] = Suspect.suspect(T.started(), T.suspect(SELF, 4, "a"), T.env())
    assert.deepStrictEqual(directives, [
      { _tag: "Refuted", by: "Suspect", from: "a", accusedIncarnation: 4, incarnation: 5 },
      { _tag: "Broadcast", key: "10.0.0.1", claim: T.alive(SELF, 5) }
    ])
    assert.strictEqual(T.entry(m, SELF).state, "alive")
  })

  it("has the time fixed by the number of entries of any state when the suspicion starts", () => {
    const [m] = Dead.dead(T.cluster(OTHER, "a", "b"), T.dead("a", 1, "b"), T.env())
    const [suspected] = Suspect.suspect(m, T.suspect(OTHER, 1, "b"), T.env())
    assert.strictEqual(T.entry(suspected, OTHER).suspicion?.k, 2)
    const [small] = Suspect.suspect(T.cluster(OTHER, "a"), T.suspect(OTHER, 1, "b"), T.env())
    assert.strictEqual(T.entry(small, OTHER).suspicion?.k, 0)
  })
})

describe("Suspect.suspicionExpired", () => {
  const expire = (m: Membership.Membership, token?: number) =>
    Suspect.suspicionExpired(
      m,
      { name: OTHER, token: token ?? T.token(m, OTHER) },
      T.env({ now: 24_000 })
    )

  it("declares the member dead on our word, and does not cancel the timer that is spent", () => {
    const [suspected] = T.run(
      six(),
      (m) => Suspect.suspect(m, T.suspect(OTHER, 3, "a"), T.env()),
      (m) => Suspect.suspect(m, T.suspect(OTHER, 3, "b"), T.env()),
      (m) => Suspect.suspect(m, T.suspect(OTHER, 3, "c"), T.env())
    )
    const [m, directives] = expire(suspected)
    const entry = T.entry(m, OTHER)
    assert.deepStrictEqual(directives, [
      { _tag: "Broadcast", key: OTHER, claim: T.dead(OTHER, 3, SELF) },
      { _tag: "Publish", change: { _tag: "Failed", entry, from: SELF, accusers: ["a", "b", "c"] } }
    ])
    assert.strictEqual(entry.state, "dead")
    assert.strictEqual(entry.stateChangedAt, 24_000)
    assert.isUndefined(entry.suspicion)
  })

  it("says so when hoped-for confirmations are missing", () => {
    const [suspected] = Suspect.suspect(six(), T.suspect(OTHER, 1, "a"), T.env())
    assert.strictEqual(expire(suspected)[1][0]?._tag, "DegradedTimeout")
    assert.strictEqual(expire(T.known("suspect", 1))[1][0]?._tag, "Broadcast")
  })

  it("ignores a timer of an earlier suspicion", () => {
    const [m, all] = T.run(
      six(),
      (m) => Suspect.suspect(m, T.suspect(OTHER, 1, "a"), T.env()),
      (m) => Alive.alive(m, T.alive(OTHER, 2), T.env()),
      (m) => Suspect.suspect(m, T.suspect(OTHER, 2, "a"), T.env())
    )
    const tokens = all.flatMap((directive) => directive._tag === "StartSuspicion" ? [directive.token] : [])
    assert.strictEqual(new Set(tokens).size, 2)
    const [next, directives] = expire(m, tokens[0])
    assert.strictEqual(next, m)
    assert.deepStrictEqual(directives, [{ _tag: "Ignored", reason: "StaleTimer", node: OTHER }])
  })

  it.each(["alive", "dead", "left"] as const)("ignores a timer for a member that is %s by now", (state) => {
    assert.deepStrictEqual(T.words(expire(T.known(state, 1), 1)[1]), ["Ignored StaleTimer"])
  })

  it("ignores a timer for a member that is forgotten by now", () => {
    assert.deepStrictEqual(T.words(expire(T.started(), 1)[1]), ["Ignored StaleTimer"])
  })
})
