import { assert, describe, it } from "@effect/vitest"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import { MAX_INCARNATION } from "../../../src/swim/membership/Claim.ts"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import * as Membership from "../../../src/swim/membership/Membership.ts"
import * as Accuse from "../../../src/swim/suspicion/Accuse.ts"
import * as T from "../../support/Rules.ts"

const { OTHER, SELF } = T

describe("Alive.announce", () => {
  it("adds us at incarnation 1, joined and broadcast", () => {
    const [m, directives] = T.announce(Membership.make(SELF), { ...T.own, meta: Uint8Array.of(7) }, T.env())
    const entry = T.entry(m, SELF)
    assert.strictEqual(entry.incarnation, 1)
    assert.strictEqual(entry.state, "alive")
    assert.deepStrictEqual(entry.endpoint, { ip: "10.0.0.1", port: 7946, name: entry.name })
    assert.deepStrictEqual(directives, [
      { _tag: "Broadcast", key: SELF, claim: T.alive(SELF, 1, { meta: Uint8Array.of(7) }) },
      { _tag: "Publish", change: { _tag: "Joined", entry } }
    ])
    assert.deepStrictEqual([m.entries.size, [...m.ring.names]], [1, [SELF]])
  })

  it("publishes an update when metadata changed, and nothing when it did not", () => {
    const before = T.entry(T.started(), SELF)
    const [m, directives] = T.announce(T.started(), { ...T.own, meta: Uint8Array.of(7) }, T.env())
    assert.deepStrictEqual(T.words(directives), [`Broadcast Alive ${SELF}`, "Updated"])
    assert.deepStrictEqual(directives[1], {
      _tag: "Publish",
      change: { _tag: "Updated", entry: T.entry(m, SELF), previous: before }
    })
    assert.strictEqual(T.entry(m, SELF).incarnation, 2)
    const [, again] = T.announce(m, { ...T.own, meta: Uint8Array.of(7) }, T.env())
    assert.deepStrictEqual(T.words(again), [`Broadcast Alive ${SELF}`])
  })

  it("goes above the incarnation our entry has, wherever that came from", () => {
    const m = T.force(T.started(), SELF, { incarnation: 9 })
    assert.strictEqual(T.entry(T.announce(m, T.own, T.env())[0], SELF).incarnation, 10)
  })

  it("goes above what was said about us before we announced ourselves", () => {
    const [m, directives] = T.run(
      Membership.make(SELF),
      (m) => Alive.alive(m, T.alive(SELF, 4), T.env()),
      (m) => Accuse.suspect(m, T.suspect(SELF, 7, OTHER), T.env()),
      (m) => Dead.dead(m, T.dead(SELF, 6, SELF), T.env())
    )
    assert.deepStrictEqual(T.words(directives), [
      "Ignored NotAnnounced",
      "Ignored UnknownMember",
      "Ignored UnknownMember"
    ])
    assert.strictEqual(m.entries.size, 0)
    assert.strictEqual(T.entry(T.announce(m, T.own, T.env())[0], SELF).incarnation, 8)
  })

  it("returns after a leave: joined again, above everything said since, and refuting again", () => {
    const [left] = T.run(
      T.started(),
      (m) => T.leave(m, T.env()),
      (m) => Dead.dead(m, T.dead(SELF, 5, OTHER), T.env()),
      (m) => Alive.alive(m, T.alive(SELF, 3), T.env())
    )
    const [m, directives] = T.announce(left, T.own, T.env({ now: 50 }))
    assert.deepStrictEqual(T.words(directives), [`Broadcast Alive ${SELF}`, "Joined"])
    assert.strictEqual(m.stage._tag, "Present")
    assert.strictEqual(T.entry(m, SELF).incarnation, 6)
    assert.strictEqual(T.entry(m, SELF).stateChangedAt, 50)
    assert.deepStrictEqual([m.entries.size, [...m.ring.names]], [1, [SELF]])
    const [, refuted] = Dead.dead(m, T.dead(SELF, 6, OTHER), T.env())
    assert.deepStrictEqual(T.words(refuted), ["Refuted", "Broadcast Alive in answer"])
  })

  it("always has room for us in a full table", () => {
    const rules = { maxMembers: 2 }
    const [m, directives] = T.run(
      Membership.make(SELF),
      (m) => Alive.alive(m, T.alive("a", 1), T.env({ rules })),
      (m) => Alive.alive(m, T.alive("b", 1), T.env({ rules })),
      (m) => T.announce(m, T.own, T.env({ rules })),
      (m) => Alive.alive(m, T.alive("c", 1), T.env({ rules }))
    )
    assert.deepStrictEqual(directives.filter((d) => d._tag === "Ignored").map((d) => [d.node, d.reason]), [
      ["b", "TableFull"],
      ["c", "TableFull"]
    ])
    assert.deepStrictEqual([...m.ring.names].sort(), ["a", SELF])
  })
})

describe("Alive.alive", () => {
  it("adds a new node, joined and broadcast", () => {
    const claim = T.alive(OTHER, 3, { meta: Uint8Array.of(1, 2), addr: T.ip(9) })
    const [m, directives] = Alive.alive(T.started(), claim, T.env({ now: 12 }))
    const entry = T.entry(m, OTHER)
    assert.deepStrictEqual(entry, {
      name: OTHER,
      addr: T.ip(9),
      port: 7946,
      endpoint: { ip: "10.0.0.9", port: 7946, name: OTHER },
      meta: Uint8Array.of(1, 2),
      vsn: T.VSN,
      incarnation: 3,
      state: "alive",
      stateChangedAt: 12,
      suspicion: undefined
    })
    assert.deepStrictEqual(directives, [
      { _tag: "Broadcast", key: OTHER, claim },
      { _tag: "Publish", change: { _tag: "Joined", entry } }
    ])
    assert.strictEqual(m.entries.size, 2)
    assert.deepStrictEqual([...m.ring.names].sort(), [OTHER, SELF])
  })

  it("is idempotent: the same claim again is ignored", () => {
    const m = T.known("alive", 3)
    const [next, directives] = Alive.alive(m, T.alive(OTHER, 3), T.env())
    assert.strictEqual(next, m)
    assert.deepStrictEqual(directives, [{ _tag: "Ignored", reason: "SameIncarnation", node: OTHER }])
  })

  it("broadcasts a higher incarnation without publishing anything when nothing else changed", () => {
    const [m, directives] = Alive.alive(T.known("alive", 3), T.alive(OTHER, 4), T.env({ now: 99 }))
    assert.deepStrictEqual(T.words(directives), [`Broadcast Alive ${OTHER}`])
    assert.strictEqual(T.entry(m, OTHER).incarnation, 4)
    assert.strictEqual(T.entry(m, OTHER).stateChangedAt, 0)
  })

  it("publishes an update when metadata changed", () => {
    const claim = T.alive(OTHER, 4, { meta: Uint8Array.of(1) })
    const before = T.known("alive", 3)
    const [m, directives] = Alive.alive(before, claim, T.env())
    assert.deepStrictEqual(directives[1], {
      _tag: "Publish",
      change: { _tag: "Updated", entry: T.entry(m, OTHER), previous: T.entry(before, OTHER) }
    })
  })

  it("stores changed versions without publishing anything", () => {
    const vsn = Uint8Array.of(1, 4, 3, 0, 0, 0)
    const [m, directives] = Alive.alive(T.known("alive", 3), T.alive(OTHER, 4, { vsn }), T.env())
    assert.deepStrictEqual(T.words(directives), [`Broadcast Alive ${OTHER}`])
    assert.deepStrictEqual(T.entry(m, OTHER).vsn, vsn)
  })

  it("takes null and empty metadata for the same", () => {
    const [, directives] = Alive.alive(
      T.known("alive", 3),
      T.alive(OTHER, 4, { meta: new Uint8Array(0) }),
      T.env()
    )
    assert.deepStrictEqual(T.words(directives), [`Broadcast Alive ${OTHER}`])
  })

  it("recovers a suspect and ends the suspicion", () => {
    const [m, directives] = Alive.alive(T.known("suspect", 3), T.alive(OTHER, 4), T.env({ now: 77 }))
    assert.deepStrictEqual(T.words(directives), [`Broadcast Alive ${OTHER}`, "Recovered"])
    assert.strictEqual(T.entry(m, OTHER).stateChangedAt, 77)
    assert.isUndefined(T.entry(m, OTHER).suspicion)
  })

  it("publishes recovery before the update that came with it", () => {
    const claim = T.alive(OTHER, 4, { meta: Uint8Array.of(1) })
    const [, directives] = Alive.alive(T.known("suspect", 3), claim, T.env())
    assert.deepStrictEqual(T.words(directives).slice(1), ["Recovered", "Updated"])
  })

  it("leaves a suspect alone at the same incarnation", () => {
    const m = T.known("suspect", 3)
    assert.strictEqual(Alive.alive(m, T.alive(OTHER, 3), T.env())[0], m)
  })

  it.each(["dead", "left"] as const)(
    "keeps a %s member so when its old alive is replayed, and lets it return above",
    (state) => {
      const m = T.known(state, 3)
      assert.strictEqual(Alive.alive(m, T.alive(OTHER, 3), T.env())[0], m)
      const [back, directives] = Alive.alive(m, T.alive(OTHER, 4, { meta: Uint8Array.of(1) }), T.env())
      assert.deepStrictEqual(T.words(directives), [`Broadcast Alive ${OTHER}`, "Joined"])
      assert.strictEqual(back.entries.size, 2)
      assert.strictEqual(back.ring, m.ring)
    }
  )

  describe("about ourselves", () => {
    it("ignores the echo of our own announcement", () => {
      const m = T.started()
      const [next, directives] = Alive.alive(m, T.alive(SELF, 1), T.env())
      assert.strictEqual(next, m)
      assert.deepStrictEqual(T.words(directives), ["Ignored OwnEcho"])
    })

    it.each(
      [
        ["other metadata at our incarnation", { meta: Uint8Array.of(1) }, 1, 2],
        ["other versions at our incarnation", { vsn: Uint8Array.of(1, 4, 2, 0, 0, 0) }, 1, 2],
        ["a higher incarnation", {}, 8, 9]
      ] as const
    )("refutes %s", (_, more, claimed, answered) => {
      const [m, directives] = Alive.alive(T.started(), T.alive(SELF, claimed, more), T.env())
      assert.deepStrictEqual(directives, [
        {
          _tag: "Refuted",
          by: "Alive",
          about: "EarlierLife",
          from: undefined,
          accusedIncarnation: claimed,
          incarnation: answered
        },
        { _tag: "Broadcast", key: undefined, claim: T.alive(SELF, answered) }
      ])
      assert.strictEqual(T.entry(m, SELF).incarnation, answered)
      assert.strictEqual(m.incarnation, answered)
    })

    it("does not wrap the incarnation: it stops at the largest one", () => {
      const [m, directives] = T.run(
        { ...T.force(T.started(), SELF, { incarnation: MAX_INCARNATION }), incarnation: MAX_INCARNATION },
        (m) => Accuse.suspect(m, T.suspect(SELF, MAX_INCARNATION, OTHER), T.env()),
        (m) => Accuse.suspect(m, T.suspect(SELF, MAX_INCARNATION, OTHER), T.env()),
        (m) => T.announce(m, T.own, T.env())
      )
      assert.strictEqual(T.entry(m, SELF).incarnation, MAX_INCARNATION)
      for (const directive of directives) {
        if (directive._tag === "Broadcast") assert.strictEqual(directive.claim.incarnation, MAX_INCARNATION)
      }
    })

    it("ignores everything that says we are alive while we are leaving", () => {
      const [m] = T.leave(T.started(), T.env())
      const [next, directives] = Alive.alive(m, T.alive(SELF, 9), T.env())
      assert.deepStrictEqual(T.words(directives), ["Ignored Leaving"])
      assert.strictEqual(T.entry(next, SELF).state, "left")
    })
  })

  describe("from another address", () => {
    it("is a conflict while the name is in use, and changes nothing", () => {
      const m = T.known("alive", 3)
      const other = T.alive(OTHER, 4, { addr: T.ip(2) })
      const [next, directives] = Alive.alive(m, other, T.env())
      assert.strictEqual(next.entries, m.entries)
      assert.deepStrictEqual(directives, [
        { _tag: "Conflict", existing: T.entry(m, OTHER), other, replaced: false },
        { _tag: "Ignored", reason: "AddressConflict", node: OTHER }
      ])
    })

    it("is a conflict when only the port differs, or only the form of the address", () => {
      const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1)
      for (const more of [{ port: 7947 }, { addr: mapped }]) {
        const [, directives] = Alive.alive(T.known("alive", 3), T.alive(OTHER, 4, more), T.env())
        assert.deepStrictEqual(T.words(directives), ["Conflict", "Ignored AddressConflict"])
      }
    })

    it("reuses the name of a member that left at once, even at a lower incarnation", () => {
      const before = T.known("left", 3)
      const other = T.alive(OTHER, 1, { addr: T.ip(2) })
      const [m, directives] = Alive.alive(before, other, T.env())
      assert.deepStrictEqual(T.words(directives), ["Reclaimed", `Broadcast Alive ${OTHER}`, "Joined"])
      assert.deepStrictEqual(directives[0], { _tag: "Reclaimed", existing: T.entry(before, OTHER), other })
      assert.deepStrictEqual(T.entry(m, OTHER).endpoint, { ip: "10.0.0.2", port: 7946, name: OTHER })
      assert.strictEqual(T.entry(m, OTHER).incarnation, 1)
    })

    it("reuses the name of a dead member only after the reclaim time", () => {
      const claim = T.alive(OTHER, 4, { addr: T.ip(2) })
      const at = (now: number, deadNodeReclaimTime: number) =>
        T.words(Alive.alive(T.known("dead", 3), claim, T.env({ now, rules: { deadNodeReclaimTime } }))[1])[0]
      assert.strictEqual(at(1_000_000, 0), "Conflict")
      assert.strictEqual(at(10_000, 10_000), "Conflict")
      assert.strictEqual(at(10_001, 10_000), "Reclaimed")
    })
  })

  describe("refuses", () => {
    it.each(
      [
        ["incarnation 0", { incarnation: 0 }, "IncarnationZero"],
        ["no versions", { vsn: new Uint8Array(0) }, "VersionsMissing"],
        ["five version bytes", { vsn: Uint8Array.of(1, 5, 2, 0, 0) }, "VersionsMissing"],
        ["a minimum version of 0", { vsn: Uint8Array.of(0, 5, 2, 0, 0, 0) }, "VersionsInvalid"],
        ["a maximum version of 0", { vsn: Uint8Array.of(1, 0, 2, 0, 0, 0) }, "VersionsInvalid"],
        ["a minimum above the maximum", { vsn: Uint8Array.of(3, 2, 2, 0, 0, 0) }, "VersionsInvalid"],
        ["no address", { addr: new Uint8Array(0) }, "AddressInvalid"],
        ["five address bytes", { addr: new Uint8Array(5) }, "AddressInvalid"],
        ["513 bytes of metadata", { meta: new Uint8Array(513) }, "MetaTooLong"]
      ] as const
    )("%s, before anything is inserted", (_, more, reason) => {
      for (const m of [T.started(), T.known("alive", 3), T.known("left", 3)]) {
        const [next, directives] = Alive.alive(m, T.alive(OTHER, 4, { addr: T.ip(2), ...more }), T.env())
        assert.strictEqual(next, m)
        assert.deepStrictEqual(directives, [{ _tag: "Ignored", reason, node: OTHER }])
      }
    })

    it("addresses outside the allow-list, but not for members already in", () => {
      const rules = { addressAllowed: (addr: Uint8Array) => addr[3] !== 1 }
      const barred = Alive.alive(T.started(), T.alive(OTHER, 1), T.env({ rules }))
      assert.deepStrictEqual(T.words(barred[1]), ["Ignored AddressNotAllowed"])
      const known = Alive.alive(T.known("alive", 3), T.alive(OTHER, 4), T.env({ rules }))
      assert.deepStrictEqual(T.words(known[1]), [`Broadcast Alive ${OTHER}`])
      const moved = Alive.alive(T.known("left", 3), T.alive(OTHER, 4, { port: 1 }), T.env({ rules }))
      assert.deepStrictEqual(T.words(moved[1]), ["Ignored AddressNotAllowed"])
    })

    it("new names when the table is full, but no news of known ones", () => {
      const rules = { maxMembers: 2 }
      const m = T.known("dead", 3)
      assert.deepStrictEqual(T.words(Alive.alive(m, T.alive("new", 1), T.env({ rules }))[1]), [
        "Ignored TableFull"
      ])
      assert.deepStrictEqual(T.words(Alive.alive(m, T.alive(OTHER, 4), T.env({ rules }))[1]), [
        `Broadcast Alive ${OTHER}`,
        "Joined"
      ])
    })
  })

  describe("bytes", () => {
    it("keeps address bytes as they are, in entries, broadcasts and refutations", () => {
      const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1)
      const [m, directives] = T.run(
        T.announce(Membership.make(SELF), { ...T.own, addr: mapped }, T.env())[0],
        (m) => Alive.alive(m, T.alive(OTHER, 1, { addr: mapped }), T.env()),
        (m) => Accuse.suspect(m, T.suspect(SELF, 1, OTHER), T.env())
      )
      assert.deepStrictEqual(T.entry(m, OTHER).addr, mapped)
      assert.deepStrictEqual(T.entry(m, OTHER).endpoint, { ip: "10.0.0.1", port: 7946, name: OTHER })
      const claims = directives.flatMap((d) => d._tag === "Broadcast" ? [[d.key, d.claim]] : [])
      assert.deepStrictEqual(claims, [
        [OTHER, T.alive(OTHER, 1, { addr: mapped })],
        [undefined, T.alive(SELF, 2, { addr: mapped })]
      ])
    })

    it("keeps the bytes of the claim, which are its own, and those it has already where they are the same", () => {
      const first = T.alive(OTHER, 1, { addr: T.ip(7), meta: Uint8Array.of(5) })
      const [m] = Alive.alive(T.started(), first, T.env())
      const entry = T.entry(m, OTHER)
      assert.strictEqual(entry.addr, first.addr)
      assert.strictEqual(entry.meta, first.meta)
      const [again] = Alive.alive(m, T.alive(OTHER, 2, { addr: T.ip(7), meta: Uint8Array.of(6) }), T.env())
      assert.strictEqual(T.entry(again, OTHER).addr, first.addr)
      assert.deepStrictEqual(T.entry(again, OTHER).meta, Uint8Array.of(6))
    })

    it("keeps one vector of versions for all members that speak the same", () => {
      const vsn = Uint8Array.of(...T.VSN)
      const [m] = Alive.alive(T.started(), T.alive(OTHER, 1, { vsn }), T.env())
      assert.strictEqual(T.entry(m, OTHER).vsn, T.entry(m, SELF).vsn)
      const newer = Uint8Array.of(1, 5, 5, 0, 0, 0)
      const [other] = Alive.alive(m, T.alive("c", 1, { vsn: newer }), T.env())
      assert.deepStrictEqual(T.entry(other, "c").vsn, newer)
    })

    it("keeps the first six version bytes of a longer vector", () => {
      const [m] = Alive.alive(T.started(), T.alive(OTHER, 1, { vsn: Uint8Array.of(...T.VSN, 9, 9) }), T.env())
      assert.deepStrictEqual(T.entry(m, OTHER).vsn, T.VSN)
    })
  })
})
