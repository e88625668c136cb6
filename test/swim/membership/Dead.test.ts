import { assert, describe, it } from "@effect/vitest"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import * as Membership from "../../../src/swim/membership/Membership.ts"
import * as Accuse from "../../../src/swim/suspicion/Accuse.ts"
import * as Findings from "../../../src/swim/suspicion/Findings.ts"
import * as T from "../../support/Rules.ts"

const { OTHER, SELF } = T

describe("Dead.dead", () => {
  it("broadcasts and publishes a failure with its accusers", () => {
    const claim = T.dead(OTHER, 3, "a")
    const before = T.known("suspect", 3)
    const env = T.env({ now: 9 })
    const [m, directives] = Dead.dead(before, claim, env)
    const entry = T.entry(m, OTHER)
    const findings = Findings.ofChange("Declared", entry, "a", T.entry(before, OTHER).suspicion, env)
    assert.deepStrictEqual(directives, [
      { _tag: "Broadcast", key: OTHER, claim },
      { _tag: "Publish", change: { _tag: "Failed", entry, from: "a", accusers: ["accuser"], findings } }
    ])
    assert.deepStrictEqual([entry.state, entry.stateChangedAt, entry.suspicion], ["dead", 9, undefined])
    assert.strictEqual(m.entries.size, 2)
  })

  it("knows no accusers of a member that was not suspect here", () => {
    const [m, directives] = Dead.dead(T.known("alive", 3), T.dead(OTHER, 7, "a"), T.env())
    const entry = T.entry(m, OTHER)
    const findings = Findings.ofChange("Declared", entry, "a", undefined, T.env())
    assert.deepStrictEqual(directives[1], {
      _tag: "Publish",
      change: { _tag: "Failed", entry, from: "a", accusers: [], findings }
    })
    assert.strictEqual(entry.incarnation, 7)
  })

  it("takes a member's own word for a goodbye", () => {
    const [m, directives] = Dead.dead(T.known("alive", 3), T.dead(OTHER, 3, OTHER), T.env())
    assert.deepStrictEqual(T.words(directives), [`Broadcast Dead ${OTHER}`, "Left"])
    assert.strictEqual(T.entry(m, OTHER).state, "left")
  })

  it("ignores unknown members and old incarnations", () => {
    const m = T.known("alive", 3)
    assert.deepStrictEqual(T.words(Dead.dead(m, T.dead("nobody", 1, "a"), T.env())[1]), ["Ignored UnknownMember"])
    assert.deepStrictEqual(T.words(Dead.dead(m, T.dead(OTHER, 2, "a"), T.env())[1]), ["Ignored OldIncarnation"])
  })

  it("keeps dead dead and left left, whatever comes later", () => {
    const gone = T.known("dead", 3)
    assert.strictEqual(Dead.dead(gone, T.dead(OTHER, 9, OTHER), T.env())[0], gone)
    const left = T.known("left", 3)
    const [next, directives] = Dead.dead(left, T.dead(OTHER, 9, "a"), T.env())
    assert.strictEqual(next, left)
    assert.deepStrictEqual(T.words(directives), ["Ignored AlreadyGone"])
  })

  it.each(["someone", SELF])("refutes our own death by %s", (from) => {
    const [m, directives] = Dead.dead(T.started(), T.dead(SELF, 1, from), T.env())
    assert.deepStrictEqual(directives, [
      { _tag: "Refuted", by: "Dead", about: "EarlierLife", from, accusedIncarnation: 1, incarnation: 2 },
      { _tag: "Broadcast", key: undefined, claim: T.alive(SELF, 2) }
    ])
    assert.strictEqual(T.entry(m, SELF).state, "alive")
  })
})

describe("Dead.leave", () => {
  it("says goodbye with the waiter and is left", () => {
    const [m, directives] = T.leave(T.started(), T.env({ now: 4 }))
    const entry = T.entry(m, SELF)
    const findings = Findings.ofChange("Goodbye", entry, SELF, undefined, { now: 4 })
    assert.deepStrictEqual(directives, [
      { _tag: "Broadcast", key: SELF, claim: T.dead(SELF, 1, SELF) },
      { _tag: "Publish", change: { _tag: "Left", entry, findings } }
    ])
    assert.strictEqual(m.stage._tag, "Left")
    assert.strictEqual(entry.state, "left")
    assert.deepStrictEqual(Membership.members(m), [])
  })

  it("uses the incarnation of the last refutation", () => {
    const [, directives] = T.run(
      T.started(),
      (m) => Accuse.suspect(m, T.suspect(SELF, 6, OTHER), T.env()),
      (m) => T.leave(m, T.env())
    )
    assert.deepInclude(directives, {
      _tag: "Broadcast",
      key: SELF,
      claim: T.dead(SELF, 7, SELF)
    })
  })

  it("refutes nothing afterwards", () => {
    const [m, directives] = T.run(
      T.leave(T.started(), T.env())[0],
      (m) => Accuse.suspect(m, T.suspect(SELF, 9, OTHER), T.env()),
      (m) => Dead.dead(m, T.dead(SELF, 9, OTHER), T.env())
    )
    assert.deepStrictEqual(T.words(directives), ["Ignored NotAlive", "Ignored AlreadyGone"])
    assert.strictEqual(T.entry(m, SELF).state, "left")
  })

  it("is done once", () => {
    const [m] = T.leave(T.started(), T.env())
    const [next, directives] = T.leave(m, T.env())
    assert.strictEqual(next, m)
    assert.deepStrictEqual(directives, [])
  })

  it("before we announced ourselves does nothing", () => {
    const [m, directives] = T.leave(Membership.make(SELF), T.env())
    assert.strictEqual(m.stage._tag, "Unannounced")
    assert.deepStrictEqual(directives, [])
  })
})
