import { assert, describe, it } from "@effect/vitest"
import { RemoteState } from "../../../src/swim/membership/Claim.ts"
import * as Merge from "../../../src/swim/membership/Merge.ts"
import * as T from "../../support/Rules.ts"

const { OTHER, SELF } = T

describe("Merge.merge", () => {
  it("merges a peer's table row by row, in its order", () => {
    const [m, directives] = Merge.merge(
      T.cluster("a", "b", "c", "d"),
      [
        T.row("new", 1, RemoteState.alive),
        T.row("a", 2, RemoteState.alive, { meta: Uint8Array.of(1) }),
        T.row("b", 1, RemoteState.suspect),
        T.row("c", 1, RemoteState.dead),
        T.row("d", 1, RemoteState.left),
        T.row("e", 1, 4),
        T.row(SELF, 1, RemoteState.alive)
      ],
      T.env()
    )
    assert.deepStrictEqual(T.words(directives), [
      "Broadcast Alive new",
      "Joined",
      "Broadcast Alive a",
      "Updated",
      "Broadcast Suspect b",
      "Suspected",
      "Broadcast Suspect c",
      "Suspected",
      "Broadcast Dead d",
      "Left",
      "Ignored UnknownState",
      "Ignored OwnEcho"
    ])
    assert.deepStrictEqual(
      ["new", "a", "b", "c", "d"].map((name) => T.entry(m, name).state),
      ["alive", "alive", "suspect", "suspect", "left"]
    )
  })

  it("makes suspicions ours, also of those the peer believes dead", () => {
    const [m] = Merge.merge(T.cluster("a", "b"), [T.row("a", 1, 1), T.row("b", 1, 2)], T.env())
    for (const name of ["a", "b"]) assert.deepStrictEqual(T.entry(m, name).suspicion?.accusers, [SELF])
  })

  it("learns new members from alive rows only", () => {
    const [m, directives] = Merge.merge(
      T.started(),
      [T.row("a", 1, RemoteState.suspect), T.row("b", 1, RemoteState.dead), T.row("c", 1, RemoteState.left)],
      T.env()
    )
    assert.deepStrictEqual([...m.ring.names], [SELF])
    assert.deepStrictEqual(T.words(directives), [
      "Ignored UnknownMember",
      "Ignored UnknownMember",
      "Ignored UnknownMember"
    ])
  })

  it.each([[RemoteState.suspect, 3], [RemoteState.dead, 3], [RemoteState.left, 3]])(
    "refutes what a peer remembers of our life before a restart (state %i)",
    (state, incarnation) => {
      const [m, directives] = Merge.merge(T.started(), [T.row(SELF, incarnation, state)], T.env())
      assert.deepStrictEqual(T.words(directives), ["Refuted", "Broadcast Alive in answer"])
      assert.strictEqual(T.entry(m, SELF).incarnation, 4)
    }
  )

  it("gives every new member one place in the probe ring", () => {
    const names = Array.from({ length: 500 }, (_, i) => `member-${i}`)
    const rows = names.map((name) => T.row(name, 1, RemoteState.alive))
    const [m] = Merge.merge(T.started(), [...rows, ...rows], T.env())
    assert.deepStrictEqual([...m.ring.names].sort(), [...names, SELF].sort())
    assert.strictEqual(m.entries.size, 501)
  })

  it("stops adding when the table is full, and keeps merging what it knows", () => {
    const rules = { maxMembers: 3 }
    const rows = ["a", "b", OTHER].map((name) => T.row(name, 2, RemoteState.alive))
    const [m, directives] = Merge.merge(T.cluster(OTHER), rows, T.env({ rules }))
    assert.deepStrictEqual([...m.ring.names].sort(), ["a", OTHER, SELF])
    assert.strictEqual(T.entry(m, OTHER).incarnation, 2)
    assert.strictEqual(directives.filter((d) => d._tag === "Ignored" && d.reason === "TableFull").length, 1)
  })
})
