import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { encode } from "../../src/map/exchange/MapFrame.ts"
import * as Pull from "../../src/map/exchange/Pull.ts"
import * as MapEntry from "../../src/map/MapEntry.ts"
import { Replica, type Rules } from "../../src/map/Replica.ts"
import { Table } from "../../src/map/Table.ts"
import { World } from "../support/MapWorld.ts"

const HOUR = 3_600_000
const rules: Rules = { life: HOUR, ahead: 60_000, mostEntries: 400_000, mostBytes: 2 ** 28 }
const bytes = (text: string) => new TextEncoder().encode(text)
const textOf = (replica: Replica, key: string) => {
  const value = replica.table.get(key)?.value
  return value === undefined ? undefined : new TextDecoder().decode(value)
}

/** Compares to the end; what was sent, in bytes, and how it ended. */
const compare = (to: Replica, from: Replica, now: number, by: Rules = rules, portions: Array<number> = []) => {
  const pull = new Pull.Pull(7, to, by)
  let sent = 0
  for (let round = 0; round < 10_000; round++) {
    const { question } = pull
    const answer = Pull.answer(from, question, now)
    const size = encode(answer).length
    portions.push(size)
    sent += encode(question).length + size
    let ended = pull.take(answer, now)
    while (pull.isSettling) ended = pull.settle(now)
    if (ended !== undefined) return { ended, sent }
  }
  throw new Error("it does not end")
}

/** A pool of writes of few keys, whose stamps are often alike. */
const entry = Arbitrary.schema(Schema.Struct({
  key: Schema.Literals(["a", "b", "c"]),
  time: Schema.Int.check(Schema.isBetween({ minimum: 1_000, maximum: 1_003 })),
  counter: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  by: Schema.Literals(["x", "y"]),
  value: Schema.Literals(["1", "2", "removed"]),
  expires: Schema.Literals([0, 1_000_000, 2_000_000])
}))
const made = ({ expires, key, value, ...stamp }: typeof entry extends Arbitrary.Arbitrary<infer A> ? A : never) =>
  MapEntry.make(key, stamp, value === "removed" ? undefined : bytes(value), expires === 0 ? undefined : expires)
const entries = Arbitrary.array(entry, { maxLength: 12 })
const stateOf = (replica: Replica) => replica.table.all().map(({ id, key }) => `${key} ${id}`).toSorted()
const having = (all: ReadonlyArray<MapEntry.Entry>) => {
  const replica = new Replica("n", 1_000, rules)
  replica.delta(all, 1_000)
  return replica
}

describe("a merge", () => {
  it.prop(
    "gives the same in any order, however often, and by deltas as by comparisons",
    [entries, entries, entries],
    ([a, b, c]) => {
      const [one, two, three] = [a.map(made), b.map(made), c.map(made)]
      const all = stateOf(having([...one, ...two, ...three]))
      assert.deepStrictEqual(stateOf(having([...three, ...two, ...one, ...two].toReversed())), all)
      const [first, second, third] = [having(one), having(two), having(three)]
      compare(second, third, 1_000)
      compare(first, second, 1_000)
      compare(third, first, 1_000)
      assert.deepStrictEqual(stateOf(first), all)
      assert.deepStrictEqual(stateOf(third), all)
      assert.strictEqual(first.table.root, third.table.root)
      // again changes nothing
      const { sent } = compare(first, third, 1_000)
      assert.isBelow(sent, 100)
      assert.deepStrictEqual(stateOf(first), all)
    }
  )

  it.prop("orders any two writes alike from both sides, and three without a circle", [entry, entry, entry], (all) => {
    const [a, b, c] = all.map(made)
    if (a === undefined || b === undefined || c === undefined) throw new Error("three")
    assert.strictEqual(Math.sign(MapEntry.order(a, b)) + Math.sign(MapEntry.order(b, a)), 0)
    if (MapEntry.order(a, b) > 0 && MapEntry.order(b, c) > 0) assert.isAbove(MapEntry.order(a, c), 0)
  })

  it("refuses what is ahead by more than clocks may be apart, and our clock does not follow it", () => {
    const replica = new Replica("n", 1_000_000, rules)
    const at = (time: number) => MapEntry.make("k", { time, counter: 0, by: "fast" }, bytes("fast"))
    assert.deepStrictEqual([...replica.delta([at(1_060_001)], 1_000_000).refused], [["Ahead", 1]])
    assert.strictEqual(replica.write("k", bytes("own"), undefined, 1_000_000).entry.time, 1_000_000)
    replica.delta([at(1_060_000)], 1_000_000)
    assert.strictEqual(textOf(replica, "k"), "fast")
    // a write after it wins nevertheless
    const { entry } = replica.write("k", bytes("later"), undefined, 1_000_001)
    assert.deepStrictEqual([entry.time, entry.counter], [1_060_000, 1])
    assert.strictEqual(textOf(replica, "k"), "later")
  })

  it("takes no delta that is old, because it comes without what was removed since", () => {
    const replica = new Replica("n", 1_000_000, rules)
    const old = MapEntry.make("k", { time: 879_999, counter: 0, by: "slow" }, bytes("v"))
    assert.deepStrictEqual([...replica.delta([old], 1_000_000).refused], [["Late", 1]])
  })

  it("refuses what has no room, and does not claim to have all then", () => {
    const small: Rules = { ...rules, mostEntries: 2 }
    const [full, large] = [new Replica("full", 1_000, small), new Replica("large", 1_000, rules)]
    for (const key of ["a", "b", "c"]) large.write(key, bytes("v"), undefined, 1_000)
    const { ended } = compare(full, large, 1_000, small)
    assert.deepStrictEqual(ended._tag === "Merged" ? [...ended.refused] : ended, [["Full", 3]])
    assert.strictEqual(full.table.size, 0)
    const merged = full.delta(large.table.all(), 1_000)
    assert.deepStrictEqual([...merged.refused], [["Full", 1]])
    assert.strictEqual(full.table.size, 2)
    // what was full says so, and has not seen all
    large.write("d", bytes("v"), undefined, 1_000)
    assert.isFalse([...full.standing(1_000).vector.values()].some(({ name }) => name === "large"))
  })
})

describe("a time to live", () => {
  it("ends at the same moment everywhere, and keeps what was before from coming back", () => {
    const [writer, reader] = [new Replica("w", 1_000, rules), new Replica("r", 1_000, rules)]
    const before = writer.write("k", bytes("before"), undefined, 1_000).entry
    const after = writer.write("k", bytes("after"), 5_000, 2_000).entry
    reader.delta([after], 2_000)
    assert.strictEqual(reader.sweep(4_999).length, 0)
    const [change] = reader.sweep(5_000)
    assert.deepStrictEqual([change?.key, change?.value], ["k", undefined])
    writer.sweep(5_000)
    assert.strictEqual(writer.table.root, reader.table.root)
    reader.delta([before], 6_000)
    assert.strictEqual(textOf(reader, "k"), undefined)
  })

  it("takes its memory with it once removals of its time are forgotten", () => {
    const replica = new Replica("n", 1_000, rules)
    replica.write("k", bytes("v"), 5_000, 2_000)
    replica.write("gone", bytes("v"), undefined, 2_000)
    replica.write("gone", undefined, undefined, 3_000)
    replica.sweep(HOUR)
    assert.strictEqual(replica.table.size, 2)
    replica.sweep(HOUR + 5_000)
    assert.deepStrictEqual([replica.table.size, replica.table.bytes, replica.table.root], [0, 0, 0])
  })
})

describe("a comparison", () => {
  const filled = (name: string) => {
    const replica = new Replica(name, 1_000, rules)
    for (let i = 0; i < 10_000; i++) {
      replica.write(`user/${i}/session`, bytes(`${i} `.padEnd(100, "v")), undefined, 1_000 + i)
    }
    return replica
  }

  it("of 10,000 entries sends a thousandth where one differs, and half a hundredth where ten do", () => {
    const one = filled("one")
    const two = new Replica("two", 11_000, rules)
    const portions: Array<number> = []
    const all = compare(two, one, 11_000, rules, portions).sent
    assert.strictEqual(two.table.root, one.table.root)
    const equal = compare(two, one, 11_000).sent
    one.write("user/5000/session", bytes("x".repeat(100)), undefined, 12_000)
    const single = compare(two, one, 12_000).sent
    for (let i = 0; i < 10; i++) one.write(`user/${i * 999}/session`, bytes("x".repeat(100)), undefined, 13_000)
    const ten = compare(two, one, 13_000).sent
    assert.strictEqual(two.table.root, one.table.root)
    // docs/map.md has these figures
    assert.deepStrictEqual({ all, equal, single, ten }, { all: 1_382_829, equal: 25, single: 1_123, ten: 6_594 })
    // every answer is bounded
    assert.isBelow(Math.max(...portions), 66_000)
  })

  it("goes on where one part has more entries than a question can name", () => {
    const [one, two] = [new Replica("one", 1_000, rules), new Replica("two", 1_000, rules)]
    const all = Array.from({ length: 3_000 }, (_, i) => ({
      ...MapEntry.make(`k${i}`, { time: 1_000, counter: 0, by: "x" }, bytes("v".repeat(50))),
      leaf: 7
    }))
    one.delta(all, 1_000)
    two.delta(all.filter((_, i) => i % 3 > 0), 1_000)
    assert.strictEqual(compare(two, one, 1_000).ended._tag, "Merged")
    assert.strictEqual(two.table.size, 3_000)
    assert.strictEqual(two.table.root, one.table.root)
  })

  it("merges nothing of a clock that is too far from ours", () => {
    const [one, two] = [new Replica("one", 1_000, rules), new Replica("two", 1_000, rules)]
    one.write("k", bytes("v"), undefined, 1_000)
    const pull = new Pull.Pull(1, two, rules)
    const ended = pull.take(Pull.answer(one, pull.question, 200_000), 1_000)
    assert.deepStrictEqual(ended, { _tag: "ClockApart", by: 199_000 })
  })

  it("takes no answer that contradicts its question", () => {
    const [one, two] = [new Replica("one", 1_000, rules), new Replica("two", 1_000, rules)]
    one.write("k", bytes("v"), undefined, 1_000)
    const at = (pull: Pull.Pull, steps: number) => {
      for (let i = 0; i < steps; i++) pull.take(Pull.answer(one, pull.question, 1_000), 1_000)
      return pull.question
    }
    const pull = new Pull.Pull(1, two, rules)
    const want = at(pull, 2)
    if (want._tag !== "Want") throw new Error(want._tag)
    const stray = { ...one.write("elsewhere", bytes("v"), undefined, 1_000).entry }
    const { after, session, until } = want
    // of another comparison, and of a question before
    assert.isUndefined(pull.take({ _tag: "Chunk", session: 2, after, to: until, entries: [] }, 1_000))
    assert.isUndefined(pull.take({ _tag: "Leaves", session, sums: [] }, 1_000))
    for (
      const [to, entries] of [
        [after, []],
        [{ leaf: 4_096, id: 5 }, []],
        [{ leaf: 7, id: 5 }, []],
        [until, [stray]]
      ] as const
    ) {
      assert.strictEqual(pull.take({ _tag: "Chunk", session, after, to, entries }, 1_000)?._tag, "Refused")
    }
    assert.strictEqual(two.table.size, 0)
  })

  it("needs no room for what takes the place of what there is", () => {
    const tight = { ...rules, mostEntries: 150 }
    const [one, two] = [new Replica("one", 1_000, tight), new Replica("two", 1_000, tight)]
    for (let i = 0; i < 100; i++) one.write(`k${i}`, new Uint8Array([1]), undefined, 1_000)
    compare(two, one, 2_000, tight)
    for (let i = 0; i < 100; i++) one.write(`k${i}`, undefined, undefined, 3_000)
    const { ended } = compare(two, one, HOUR / 2, tight)
    if (ended._tag !== "Merged") throw new Error(ended._tag)
    assert.deepStrictEqual([...ended.refused], [])
    assert.deepStrictEqual(stateOf(two), stateOf(one))
  })

  it("that is given up keeps only what does no harm without the rest", () => {
    const [one, two] = [new Replica("one", 1_000, rules), new Replica("two", 1_000, rules)]
    const now = 20 * 60_000
    one.write("stays", bytes("v"), undefined, 1_000)
    one.write("ends", bytes("v"), HOUR, 1_000)
    one.write("gone", bytes("v"), undefined, 1_000)
    one.write("gone", undefined, undefined, 1_000)
    for (let i = 0; i < 500; i++) one.write(`more${i}`, bytes("v"), now + HOUR, 1_000)
    one.write("now gone", bytes("v"), undefined, now)
    one.write("now gone", undefined, undefined, now)
    const pull = new Pull.Pull(1, two, rules)
    for (let i = 0; i < 2; i++) pull.take(Pull.answer(one, pull.question, now), now)
    const { question } = pull
    if (question._tag !== "Want") throw new Error(question._tag)
    const answer = Pull.answer(one, question, now)
    if (answer._tag !== "Chunk") throw new Error(answer._tag)
    const [last] = answer.entries.slice(-1)
    if (last === undefined) throw new Error("nothing")
    const to = { leaf: last.leaf, id: last.id }
    assert.isUndefined(pull.take({ ...answer, to }, now))
    let slices = 0
    while (pull.giveUpSome(now) !== undefined) slices++
    // so that others have their turn
    assert.isAbove(slices, 1)
    assert.deepStrictEqual(two.table.all().map(({ key }) => key).toSorted(), ["now gone", "stays"])
  })
})

describe("times to live", () => {
  it("of as many values as there may be end in one second", () => {
    const table = new Table()
    for (let i = 0; i < 400_000; i++) table.schedule(`k${i}`, 10_000)
    assert.strictEqual(table.due(10_000).length, 400_000)
    assert.strictEqual(table.due(20_000).length, 0)
  })

  it("that are written again and again take no more room than once", () => {
    const replica = new Replica("n", 1_000, rules)
    for (let at = 1_000; at < 1_000_000; at += 1_000) {
      replica.write("refreshed", new Uint8Array([1]), at + HOUR, at)
      replica.write("removed", new Uint8Array([1]), undefined, at)
      replica.write("removed", undefined, undefined, at)
    }
    assert.strictEqual(replica.table.scheduled, 2)
    replica.sweep(999_000 + HOUR)
    assert.strictEqual(replica.table.get("removed"), undefined)
    assert.strictEqual(replica.table.get("refreshed")?.value, undefined)
  })
})

describe("a newcomer", () => {
  it("forgets removals when the others do, so that copies are equal again at once", () => {
    const one = new Replica("one", 1_000, rules)
    for (let i = 0; i < 100; i++) {
      one.write(`k${i}`, new Uint8Array([1]), undefined, 2 * HOUR)
      one.write(`k${i}`, undefined, undefined, 2 * HOUR)
    }
    const joined = 2.5 * HOUR
    const two = new Replica("two", joined, rules)
    compare(two, one, joined)
    assert.strictEqual(two.table.size, 100)
    const now = joined + 0.6 * HOUR
    for (const replica of [one, two]) replica.sweep(now)
    assert.deepStrictEqual([one.table.size, two.table.size], [0, 0])
    assert.isBelow(compare(one, two, now).sent, 200)
  })
})

describe("a peer that means harm", () => {
  it("makes nobody look through the entries for what it does not want", () => {
    const replica = new Replica("n", 1_000, rules)
    for (let i = 0; i < 2_000; i++) replica.write(`k${i}`, new Uint8Array([1]), undefined, 1_000)
    let looked = 0
    const leafOf = replica.table.leaf.bind(replica.table)
    replica.table.leaf = (leaf) => {
      looked++
      return leafOf(leaf)
    }
    const leaves = Array.from({ length: 512 }, (_, i) => 8 * i)
    const [first, last] = [{ leaf: 0, id: -1 }, { leaf: 4_096, id: -1 }]
    for (const [after, until] of [[last, first], [first, first], [last, last]] as const) {
      Pull.answer(replica, { _tag: "Want", session: 1, after, until, leaves, has: [] }, 1_000)
    }
    assert.isBelow(looked, 4)
  })

  it("with a long name finds its writes counted, and they are still answered in frames that can be sent", () => {
    const [one, two] = [new Replica("one", 1_000, rules), new Replica("two", 1_000, rules)]
    const by = "n".repeat(MapEntry.MAX_NAME)
    const forged = Array.from(
      { length: 1_000 },
      (_, i) => MapEntry.make(`k${i}`, { time: 1_000, counter: 0, by }, new Uint8Array([1]))
    )
    one.delta(forged, 1_000)
    assert.isAbove(one.table.bytes, 4_000_000)
    const portions: Array<number> = []
    compare(two, one, 1_000, rules, portions)
    assert.isBelow(Math.max(...portions), 2 * 65_536)
    assert.deepStrictEqual(stateOf(two), stateOf(one))
  })
})

describe("a copy that was away", () => {
  const pair = () => {
    const [a, b] = [new Replica("a", 1_000, rules), new Replica("b", 1_000, rules)]
    a.write("kept", bytes("v"), undefined, 1_000)
    a.write("removed", bytes("v"), undefined, 1_000)
    compare(b, a, 2_000)
    compare(a, b, 2_000)
    return { a, b }
  }

  it("for less than removals live is merged", () => {
    const { a, b } = pair()
    a.write("removed", undefined, undefined, 10_000)
    b.write("own", bytes("v"), undefined, 20_000)
    const now = 50 * 60_000
    for (const replica of [a, b]) replica.sweep(now)
    assert.strictEqual(compare(b, a, now).ended._tag, "Merged")
    assert.strictEqual(compare(a, b, now).ended._tag, "Merged")
    assert.deepStrictEqual(stateOf(a), stateOf(b))
    assert.strictEqual(textOf(a, "own"), "v")
    assert.strictEqual(textOf(b, "removed"), undefined)
  })

  it("for longer is discarded before the merge, and its writes of that time are told", () => {
    const { a, b } = pair()
    const c = new Replica("c", 2_000, rules)
    for (let at = 3_000; at < 3 * HOUR; at += 60_000) {
      if (at === 63_000) a.write("removed", undefined, undefined, at)
      if (at === 123_000) {
        b.write("own", bytes("mine"), undefined, at)
        b.write("kept", bytes("mine too"), undefined, at)
      }
      for (const replica of [a, b, c]) replica.sweep(at)
      compare(a, c, at)
      compare(c, a, at)
    }
    const now = 3 * HOUR
    b.write("young", bytes("young"), undefined, now)
    assert.strictEqual(a.table.get("removed"), undefined)
    assert.strictEqual(textOf(b, "removed"), "v")
    // the larger side takes nothing of it
    assert.strictEqual(compare(c, b, now).ended._tag, "TheirsOutOfDate")
    const { ended } = compare(b, c, now)
    if (ended._tag !== "Replaced") throw new Error(ended._tag)
    const told = ended.lost.map(({ by, key, value }) => [key, by, new TextDecoder().decode(value)]).toSorted()
    assert.deepStrictEqual(told, [["kept", "b", "mine too"], ["own", "b", "mine"]])
    const changes = ended.changes.map(({ key, value }) => [key, value && new TextDecoder().decode(value)]).toSorted()
    assert.deepStrictEqual(changes, [["kept", "v"], ["own", undefined], ["removed", undefined]])
    assert.strictEqual(compare(a, b, now).ended._tag, "Merged")
    assert.deepStrictEqual(stateOf(a), stateOf(b))
    assert.strictEqual(textOf(a, "young"), "young")
  })

  it("tells of a removal that was undone, though it had forgotten it", () => {
    const { a, b } = pair()
    const c = new Replica("c", 2_000, rules)
    for (let at = 3_000; at < 3 * HOUR; at += 60_000) {
      if (at === 63_000) b.write("kept", undefined, undefined, at)
      for (const replica of [a, b, c]) replica.sweep(at)
      compare(a, c, at)
      compare(c, a, at)
    }
    assert.strictEqual(b.table.get("kept"), undefined)
    const { ended } = compare(b, a, 3 * HOUR)
    if (ended._tag !== "Replaced") throw new Error(ended._tag)
    assert.deepStrictEqual(ended.lost.map(({ by, key, value }) => [key, by, value]), [["kept", "b", undefined]])
    assert.strictEqual(textOf(b, "kept"), "v")
  })

  it("is discarded a slice at a time, because others must have their turn", () => {
    const { a, b } = pair()
    const c = new Replica("c", 2_000, rules)
    for (let at = 3_000; at < 3 * HOUR; at += 60_000) {
      for (const replica of [a, c]) replica.sweep(at)
      compare(a, c, at)
      compare(c, a, at)
      if (at === 63_000) { for (let i = 0; i < 5_000; i++) b.write(`own${i}`, bytes("v"), undefined, at) }
    }
    const now = 3 * HOUR
    const pull = new Pull.Pull(1, b, rules)
    let ended: Pull.Ended | undefined
    while (!pull.isSettling && ended === undefined) ended = pull.take(Pull.answer(a, pull.question, now), now)
    let slices = 0
    for (; pull.isSettling; slices++) ended = pull.settle(now)
    if (ended?._tag !== "Replaced") throw new Error(ended?._tag)
    assert.strictEqual(ended.lost.length, 5_000)
    assert.isAbove(slices, 50)
    assert.deepStrictEqual(stateOf(b), stateOf(a))
  })

  it("as a whole half is decided alike from both sides", () => {
    const names = ["a", "b", "c", "d", "e"]
    const replicas = names.map((name) => new Replica(name, 1_000, rules))
    const [a, b, c, d, e] = replicas
    if (!a || !b || !c || !d || !e) throw new Error("five")
    const sides = [[a, b], [c, d, e]]
    for (let at = 2_000; at < 2 * HOUR; at += 60_000) {
      for (const side of sides) for (const x of side) for (const y of side) if (x !== y) compare(x, y, at)
    }
    assert.strictEqual(compare(a, c, 2 * HOUR).ended._tag, "Replaced")
    assert.strictEqual(compare(d, b, 2 * HOUR).ended._tag, "TheirsOutOfDate")
    assert.strictEqual(compare(b, e, 2 * HOUR).ended._tag, "Replaced")
    assert.strictEqual(compare(d, a, 2 * HOUR).ended._tag, "Merged")
  })
})

describe("through splits, crashes, restarts and clocks that differ", () => {
  for (const [what, from, expiries] of [["values", 1, false], ["times to live", 1_000, true]] as const) {
    it(`replicas with ${what} come to the same, no key comes back, and every loss is told`, () => {
      const counts = new Map<string, number>()
      for (let seed = from; seed < from + 40; seed++) {
        const world = new World({ seed, expiries, nodes: 3 + seed % 4 })
        assert.deepStrictEqual(world.live(), [], `seed ${seed}`)
        for (const [what, count] of world.counts) counts.set(what, (counts.get(what) ?? 0) + count)
      }
      // all of it happened
      for (const what of ["split", "crashed", "all were shut down", "began from a disk", "was told as lost"]) {
        assert.isAbove(counts.get(what) ?? 0, 5, what)
      }
      assert.isAbove(counts.get("comparison ended: Replaced") ?? 0, 100)
    })
  }
})
