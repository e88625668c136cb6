import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import { type RemoteEntry, RemoteState } from "../../../src/swim/membership/Claim.ts"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import type { Directive } from "../../../src/swim/membership/Directive.ts"
import type * as Membership from "../../../src/swim/membership/Membership.ts"
import * as Merge from "../../../src/swim/membership/Merge.ts"
import * as OldNews from "../../../src/swim/membership/OldNews.ts"
import type * as Hearsay from "../../../src/swim/recovery/Hearsay.ts"
import * as Verification from "../../../src/swim/recovery/Verification.ts"
import * as T from "../../support/Rules.ts"

const { alive, dead, left, suspect } = RemoteState

const env = (now = 0, rules: Partial<Membership.Rules> = {}): Membership.Env =>
  T.env({ now, rules: { recovery: true, verifies: true, ...rules } })

const row = (name: string, more: Partial<RemoteEntry> = {}) => T.row(name, 1, alive, { addr: T.ip(9), ...more })

/** A list from `p`, which is at 10.0.0.5. */
const from: Hearsay.Source = { ip: "10.0.0.5", own: undefined }

const hears = (
  m: Membership.Membership,
  rows: ReadonlyArray<RemoteEntry>,
  more: { readonly source?: Hearsay.Source; readonly env?: Membership.Env } = {}
) => Verification.mergeFrom(m, rows, more.source ?? from, more.env ?? env())

const listed = (m: Membership.Membership) => m.entries.values().map(({ name, state }) => `${name} ${state}`).sort()
const unverified = (m: Membership.Membership) => m.hearsay.unverified.values().map((one) => one.row.name)

/** Takes the next, which there must be. */
const taken = (m: Membership.Membership, now = 0): Membership.Membership => {
  const [next, , entry] = Verification.nextUnverified(m, env(now))
  assert.isDefined(entry)
  return next
}

describe("a list from somebody else", () => {
  it("is believed about members that are known, whatever their state", () => {
    const rows = [
      row("a", { addr: T.ip(1), incarnation: 3 }),
      row("b", { addr: T.ip(1), state: suspect }),
      row("c", { addr: T.ip(1), incarnation: 2 })
    ]
    const gone = Dead.dead(T.cluster("a", "b", "c"), T.dead("c", 1, "a"), env())[0]
    const [next, directives, read] = hears(gone, rows)
    const [believed, merged] = Merge.merge(gone, rows, env())
    assert.deepStrictEqual([listed(next), directives], [listed(believed), merged])
    assert.deepStrictEqual(read, { unverified: false, confirmed: 0 })
    assert.include(listed(next), "c alive")
  })

  it("is believed about the sender, and kept about others that nobody knows: not listed, published or passed on", () => {
    const own = row("p", { addr: T.ip(5) })
    const [next, directives, read] = hears(T.cluster("a"), [own, row("x")], { source: { ip: "10.0.0.5", own } })
    assert.deepStrictEqual(listed(next), ["a alive", "p alive", `${T.SELF} alive`])
    assert.deepStrictEqual(T.words(directives), ["Broadcast Alive p", "Joined"])
    assert.deepStrictEqual(unverified(next), ["x"])
    assert.isTrue(read.unverified)
  })

  it("is believed in full where hearsay is not verified", () => {
    const rows = [row("x"), row("y")]
    const [next, directives] = hears(T.cluster("a"), rows, { env: env(0, { verifies: false }) })
    const [believed, merged] = Merge.merge(T.cluster("a"), rows, env(0, { verifies: false }))
    assert.deepStrictEqual([listed(next), directives], [listed(believed), merged])
    assert.deepStrictEqual(unverified(next), [])
  })

  it("does not make us keep what is refused anyway, which says why", () => {
    const rules = { addressAllowed: (addr: Uint8Array) => addr[3] !== 66 }
    const rows = [
      row("no", { addr: T.ip(66) }),
      row("versions", { vsn: new Uint8Array() }),
      row("zero", { incarnation: 0 }),
      row("gone", { state: dead }),
      row("left", { state: left }),
      row("what", { state: 9 }),
      row(T.SELF, { addr: T.ip(9) })
    ]
    const [next, directives] = hears(T.cluster("a"), rows, { env: env(0, rules) })
    assert.deepStrictEqual(unverified(next), [])
    assert.deepStrictEqual([...directives], [...Merge.merge(T.cluster("a"), rows, env(0, rules))[1]])
  })

  it("is read in the same way after our leave", () => {
    const [outside] = T.leave(T.cluster("a"), env())
    const [next] = hears(outside, [row("x")])
    assert.deepStrictEqual(unverified(next), ["x"])
    assert.include(listed(Verification.confirm(taken(next), "x", env())[0]), "x alive")
  })

  it("confirms what another one said before: it is listed, and passed on", () => {
    const [once] = hears(T.cluster("a"), [row("x")])
    const [twice, directives, read] = hears(once, [row("x")], { source: { ip: "10.0.0.6", own: undefined } })
    assert.include(listed(twice), "x alive")
    assert.deepStrictEqual(T.words(directives), ["Broadcast Alive x", "Joined"])
    assert.deepStrictEqual(unverified(twice), [])
    assert.deepStrictEqual(read, { unverified: false, confirmed: 1 })
    assert.strictEqual(twice.ring.names.length, twice.entries.size)
  })

  it("says why it is dropped", () => {
    const [once] = hears(T.cluster("a"), [row("x")])
    const [dropped] = Verification.drop(taken(once), "x", env())
    const [, directives] = hears(dropped, [row("x")])
    assert.deepStrictEqual(T.words(directives), ["Ignored HearsayRefuted"])
  })
})

describe("an unknown member that others told of", () => {
  const heard = () => hears(T.cluster("a"), [row("x", { incarnation: 4 }), row("y")])[0]

  it("is probed as the member it would be", () => {
    const [next, directives, entry] = Verification.nextUnverified(heard(), env(7))
    assert.deepStrictEqual(directives, [])
    assert.deepInclude(entry, {
      name: "x",
      incarnation: 4,
      state: "alive",
      endpoint: { ip: "10.0.0.9", port: 7946, name: "x" }
    })
    assert.strictEqual(Verification.nextUnverified(next, env())[2]?.name, "y")
  })

  it("is listed and passed on when somebody got an answer, by the newest row there is", () => {
    const [newer] = hears(taken(heard()), [row("x", { incarnation: 6 })])
    const [next, directives] = Verification.confirm(newer, "x", env(50))
    assert.deepInclude(T.entry(next, "x"), { incarnation: 6, state: "alive", stateChangedAt: 50 })
    assert.deepStrictEqual(T.words(directives), ["Broadcast Alive x", "Joined"])
    assert.deepStrictEqual(unverified(next), ["y"])
    assert.strictEqual(next.ring.names.length, next.entries.size)
  })

  it("is dropped with a reason when nobody got one, and the table stays as it was", () => {
    const [next, directives] = Verification.drop(taken(heard()), "x", env())
    assert.deepStrictEqual(T.words(directives), ["Ignored HearsayUnanswered"])
    assert.deepStrictEqual(listed(next), listed(heard()))
    assert.deepStrictEqual(unverified(next), ["y"])
  })

  it("is listed by gossip meanwhile, and then neither probed, nor refuted by a probe that failed", () => {
    const [known] = Alive.alive(heard(), T.alive("x", 4, { addr: T.ip(9) }), env())
    assert.include(listed(known), "x alive")
    assert.strictEqual(Verification.nextUnverified(known, env())[2]?.name, "y")
    const [during] = Alive.alive(taken(heard()), T.alive("x", 4, { addr: T.ip(9) }), env())
    const [dropped, directives] = Verification.drop(during, "x", env())
    assert.deepStrictEqual(directives, [])
    assert.include(listed(dropped), "x alive")
    assert.strictEqual(dropped.hearsay.refuted.size, 0)
    // nor is it told twice by one that succeeded
    assert.deepStrictEqual(T.words(Verification.confirm(during, "x", env())[1]), ["Ignored SameIncarnation"])
  })

  it("is not let in when it said goodbye meanwhile, or was declared dead, and not probed again so soon", () => {
    for (const by of ["x", "a"]) {
      const goodbye = T.dead("x", 4, by)
      assert.isUndefined(OldNews.ignorable(heard(), goodbye, { admits: false, alives: 0 }))
      const [gone, directives] = Dead.dead(taken(heard()), goodbye, env())
      assert.deepStrictEqual(T.words(directives), ["Ignored UnknownMember"])
      const [after, nothing] = Verification.confirm(gone, "x", env())
      assert.deepStrictEqual([listed(after), nothing], [listed(T.cluster("a")), []])
      assert.deepStrictEqual(T.words(hears(after, [row("x", { incarnation: 4 })])[1]), ["Ignored HearsayRefuted"])
    }
  })

  it("is let in all the same when that was about an earlier incarnation, or a mere suspicion", () => {
    const [next] = Dead.dead(taken(heard()), T.dead("x", 3, "x"), env())
    assert.include(listed(Verification.confirm(next, "x", env())[0]), "x alive")
    assert.strictEqual(OldNews.oldAccusation(heard(), T.suspect("x", 4, "a")), "UnknownMember")
    assert.strictEqual(OldNews.oldAccusation(heard(), T.dead("z", 4, "a")), "UnknownMember")
  })

  it("makes nobody give up a place in a full table before it is verified", () => {
    const m = T.cluster("a")
    const full = env(0, { maxMembers: m.entries.size })
    const [next, directives] = hears(m, [row("x")], { env: full })
    assert.deepStrictEqual([listed(next), directives], [listed(m), []])
    assert.deepStrictEqual(T.words(Verification.confirm(taken(next), "x", full)[1]), ["Ignored TableFull"])
  })
})

const small = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const Row = Schema.Struct({ name: small(6), last: small(2), incarnation: small(3), state: small(4) })

describe("whatever lists say", () => {
  it.prop(
    "one that is verified at once leaves the same table as one that is believed",
    [Arbitrary.array(Arbitrary.schema(Row), { maxLength: 12 })],
    ([rows]) => {
      // each name once: of several rows about an unknown name the first is verified
      const unique = [...new Map(rows.map((each) => [each.name, each])).values()]
      const list = unique.map(({ incarnation, last, name, state }) =>
        row(`n${name}`, { addr: T.ip(last), incarnation, state })
      )
      const before = T.cluster("n0", "n1")
      let [verified] = hears(before, list)
      for (;;) {
        const [next, , entry] = Verification.nextUnverified(verified, env())
        verified = next
        if (entry === undefined) break
        verified = Verification.confirm(verified, entry.name, env())[0]
      }
      const believed = Merge.merge(before, list, env())[0]
      assert.deepStrictEqual(listed(verified), listed(believed))
      assert.strictEqual(verified.hearsay.unverified.size, 0)
    }
  )

  it.prop(
    "nobody is listed, published or passed on by it alone who was unknown",
    [Arbitrary.array(Arbitrary.schema(Row), { maxLength: 30 })],
    ([rows]) => {
      const list = rows.map(({ incarnation, last, name, state }) =>
        row(`n${name}`, { addr: T.ip(last), incarnation, state })
      )
      const before = T.cluster("n0", "n1")
      const [next, directives] = hears(before, list)
      assert.deepStrictEqual([...next.ring.names].sort(), [...before.ring.names].sort())
      const about = (directive: Directive) =>
        directive._tag === "Publish"
          ? [directive.change.entry.name]
          : directive._tag === "Broadcast"
          ? [directive.claim.node]
          : []
      for (const name of directives.flatMap(about)) assert.isTrue(before.entries.has(name), name)
      assert.isTrue(unverified(next).every((name) => !before.entries.has(name)))
    }
  )
})
