import { assert, describe, it } from "@effect/vitest"
import * as Murmur3 from "../../src/base/Murmur3.ts"
import * as Points from "../../src/ring/Points.ts"
import { generator } from "../support/Hex.ts"
import vectors from "./vectors.json" with { type: "json" }

const ordinary = (names: ReadonlyArray<string>): ReadonlyArray<Points.Weighted> =>
  names.map((name) => ({ name, weight: 1 }))

const numbered = (count: number, prefix = "node-") => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

/** The name of each slot's owner. */
const owners = (table: Points.Table): ReadonlyArray<string> =>
  Array.from(table.owners, (owner) => table.members[owner]?.name ?? "")

/** How many slots each member has. */
const counts = (table: Points.Table): ReadonlyMap<string, number> => {
  const found = new Map(table.members.map(({ name }) => [name, 0]))
  for (const owner of owners(table)) found.set(owner, (found.get(owner) ?? 0) + 1)
  return found
}

const shuffled = <A>(list: ReadonlyArray<A>, random: () => number): ReadonlyArray<A> =>
  list.map((value) => [random(), value] as const).sort(([a], [b]) => a - b).map(([, value]) => value)

const names = (table: Points.Table, places: ReadonlyArray<number>) => places.map((at) => table.members[at]?.name)

/** Clusters of many sizes, weights and kinds of names, the same in every run. */
const clusters: ReadonlyArray<ReadonlyArray<Points.Weighted>> = Array.from({ length: 60 }, (_, i) => {
  const random = generator(i)
  const prefix = ["node-", "", "10.0.0.", "é", "orders-eu-west-"][i % 5] ?? ""
  const size = 1 + Math.floor(random() * 24)
  return numbered(size, prefix).map((name) => ({ name, weight: i % 2 === 0 ? 1 : 1 + Math.floor(random() * 8) }))
})

describe("the owners of the slots", () => {
  it("do not depend on the order of the members", () => {
    const random = generator(1)
    for (const members of clusters) {
      const table = Points.make(members)
      const other = Points.make(shuffled(members, random))
      assert.deepStrictEqual(owners(other), owners(table))
      assert.deepStrictEqual(other.members, table.members)
    }
  })

  it("move from a member that goes, and from nobody else", () => {
    let moved = 0
    for (const members of clusters.filter(({ length }) => length > 1)) {
      const before = owners(Points.make(members))
      for (const gone of members.slice(0, 3)) {
        const after = owners(Points.make(members.filter((member) => member !== gone)))
        const changed = before.filter((owner, slot) => owner !== after[slot])
        assert.deepStrictEqual(changed, before.filter((owner) => owner === gone.name))
        moved += changed.length
      }
    }
    assert.isAbove(moved, 0)
  })

  it("move to a member that comes, and to nobody else", () => {
    for (const members of clusters) {
      const before = owners(Points.make(members))
      const after = owners(Points.make([...members, { name: "newcomer", weight: 2 }]))
      const changed = after.filter((owner, slot) => owner !== before[slot])
      assert.isAbove(changed.length, 0)
      assert.deepStrictEqual(changed, after.filter((owner) => owner === "newcomer"))
    }
  })

  it("move to a member whose weight rises, and from one whose weight falls, alone", () => {
    for (const [first, ...rest] of clusters.filter(({ length }) => length > 1)) {
      const name = first?.name ?? ""
      const tables = [0, 0.5, 1, 3, 16].map((weight) => owners(Points.make([{ name, weight }, ...rest])))
      for (const [i, after] of tables.entries()) {
        const before = tables[i - 1]
        if (before === undefined) continue
        const changed = after.filter((owner, slot) => owner !== before[slot])
        assert.deepStrictEqual(changed, changed.map(() => name))
        assert.isAbove(changed.length, 0)
      }
    }
  })

  it("are shared by weight: each has within 40 % of its share, and the shares are off by 7 % on average", () => {
    const off: Array<number> = []
    for (const members of clusters) {
      const table = Points.make(members)
      const total = members.reduce((sum, { weight }) => sum + weight, 0)
      for (const { name, weight } of members) {
        const share = (counts(table).get(name) ?? 0) / (Points.SLOTS * weight / total)
        assert.isTrue(share > 0.6 && share < 1.4, `${name} of ${members.length}: ${share}`)
        off.push(Math.abs(share - 1))
      }
    }
    assert.isBelow(off.reduce((sum, value) => sum + value) / off.length, 0.07)
  })

  it("are all members where 100 share the slots, and most where 1,000 do", () => {
    const of = (size: number) => [...counts(Points.make(ordinary(numbered(size)))).values()]
    assert.isAbove(Math.min(...of(100)), 15)
    assert.isBelow(Math.max(...of(100)), 75)
    assert.isAbove(of(1_000).filter((count) => count > 0).length, 900)
  })

  it("are nobody without members, and one alone", () => {
    assert.isTrue(Points.make([]).owners.every((owner) => owner === -1))
    assert.isTrue(Points.make([{ name: "a", weight: 0 }]).owners.every((owner) => owner === -1))
    assert.isTrue(Points.make([{ name: "a", weight: 1 }]).owners.every((owner) => owner === 0))
    // so few points that most slots have none
    const scarce = Points.make([{ name: "a", weight: 1 / 160 }, { name: "b", weight: 1 / 160 }])
    assert.deepStrictEqual([...counts(scarce).keys()], ["a", "b"])
    assert.strictEqual([...counts(scarce).values()].reduce((sum, count) => sum + count), Points.SLOTS)
  })
})

describe("the walk around the ring", () => {
  it("has the owner first, then others, each once, in the same order for any order of members", () => {
    const random = generator(2)
    for (const members of clusters.slice(0, 20)) {
      const table = Points.make(members)
      const other = Points.make(shuffled(members, random))
      for (let slot = 0; slot < Points.SLOTS; slot += 311) {
        const all = names(table, table.walk(slot, members.length + 5))
        assert.strictEqual(all[0], owners(table)[slot])
        assert.sameMembers([...all], members.map(({ name }) => name))
        assert.deepStrictEqual(names(other, other.walk(slot, members.length)), all)
        assert.deepStrictEqual(names(table, table.walk(slot, 2)), all.slice(0, 2))
      }
    }
  })

  it("is the same without a member but for that member", () => {
    const members = ordinary(numbered(9))
    const [before, after] = [Points.make(members), Points.make(members.slice(1))]
    for (let slot = 0; slot < Points.SLOTS; slot += 13) {
      const all = names(before, before.walk(slot, 9))
      assert.deepStrictEqual(names(after, after.walk(slot, 9)), all.filter((name) => name !== "node-0"))
    }
  })

  it("is empty for none, for what is no number, and without members", () => {
    const table = Points.make(ordinary(["a", "b"]))
    assert.deepStrictEqual([0, -1, Number.NaN].map((count) => table.walk(0, count)), [[], [], []])
    assert.deepStrictEqual(Points.make([]).walk(0, 3), [])
  })
})

describe("a weight", () => {
  it("is within its bounds, and 0 where it is no number", () => {
    const weights = [-1, 0, 0.5, 1, 16, 17, Infinity, -Infinity, Number.NaN]
    assert.deepStrictEqual(weights.map(Points.boundedWeight), [0, 0, 0.5, 1, 16, 16, 16, 0, 0])
  })
})

describe("the vectors, which members of different versions share", () => {
  it("are the slots of keys", () => {
    assert.deepStrictEqual(
      Object.fromEntries(Object.keys(vectors.slots).map((key) => [key, Points.slotOf(key)])),
      vectors.slots
    )
  })

  for (const [what, { checksum, members, some, shares, walk }] of Object.entries(vectors.tables)) {
    it(`are the owners of ${what}`, () => {
      const table = Points.make(Object.entries(members).map(([name, weight]) => ({ name, weight })))
      const all = owners(table)
      assert.deepStrictEqual(Object.fromEntries(counts(table)), shares)
      assert.deepStrictEqual(Object.fromEntries(Object.keys(some).map((slot) => [slot, all[Number(slot)]])), some)
      assert.deepStrictEqual(names(table, table.walk(0, 3)), walk)
      assert.strictEqual(Murmur3.ofText(all.join(), 0), checksum)
    })
  }
})
