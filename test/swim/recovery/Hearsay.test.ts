import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { type RemoteEntry, RemoteState } from "../../../src/swim/membership/Claim.ts"
import * as Hearsay from "../../../src/swim/recovery/Hearsay.ts"
import * as T from "../../support/Rules.ts"

const { alive, dead, left, suspect } = RemoteState

/** A live row at 10.0.0.`last`. */
const row = (name: string, last: number, more: Partial<RemoteEntry> = {}) =>
  T.row(name, 1, alive, { addr: T.ip(last), ...more })

/** Reads a list, and answers what became of each row. */
const read = (
  hearsay: Hearsay.Hearsay,
  from: string,
  rows: ReadonlyArray<RemoteEntry>,
  now = 0
): readonly [Hearsay.Hearsay, ReadonlyArray<string>] => {
  const reading = Hearsay.reading(hearsay, from, now)
  const rulings = rows.map((each) => {
    const ruling = reading.read(each)
    return ruling._tag === "Dropped" ? ruling.reason : ruling._tag
  })
  return [reading.end(), rulings]
}

const names = (hearsay: Hearsay.Hearsay) => hearsay.unverified.values().map((one) => one.row.name)

/** Takes as many as there may be; their names. */
const takeAll = (hearsay: Hearsay.Hearsay): readonly [Hearsay.Hearsay, ReadonlyArray<string>] => {
  const taken: Array<string> = []
  for (let next = hearsay;;) {
    const [after, taking] = Hearsay.take(next)
    if (taking === undefined) return [after, taken]
    taken.push(taking.name)
    next = after
  }
}

const made = (count: number, prefix = "n") => Array.from({ length: count }, (_, i) => row(`${prefix}${i}`, 9))

describe("the sender's own row", () => {
  const own = (rows: ReadonlyArray<RemoteEntry>, ip: string, port?: number) =>
    Hearsay.sourceOf(rows, ip, port).own?.name

  it("is the live one with the address that we asked", () => {
    const rows = [row("a", 1), row("b", 2), row("c", 2, { port: 1 })]
    assert.strictEqual(own(rows, "10.0.0.2", 7946), "b")
    assert.strictEqual(own(rows, "10.0.0.3", 7946), undefined)
    assert.strictEqual(own(rows, "10.0.0.2", 2), undefined)
  })

  it("is the live one with the IP of the stream, whatever its port", () =>
    assert.strictEqual(own([row("a", 1), row("b", 2, { port: 4321 })], "10.0.0.2"), "b"))

  it("is none where several have that address: it could be any of them", () => {
    const rows = [row("a", 1), row("b", 2), row("c", 2, { port: 1 })]
    assert.strictEqual(own(rows, "10.0.0.2"), undefined)
    assert.strictEqual(own([...rows, row("d", 2)], "10.0.0.2", 7946), undefined)
  })

  it("is not one that is gone, or suspect", () => {
    for (const state of [dead, left, suspect]) {
      assert.strictEqual(own([row("a", 1, { state })], "10.0.0.1"), undefined)
    }
  })

  it("is found by IPv6, and by nothing that is no address", () => {
    const addr = Uint8Array.of(0xfd, ...Array.from({ length: 14 }, () => 0), 1)
    assert.strictEqual(own([row("a", 1, { addr })], "fd00::1"), "a")
    assert.strictEqual(own([row("a", 1, { addr: new Uint8Array() })], "nonsense"), undefined)
  })
})

describe("a row about an unknown member", () => {
  it("is kept, also when the same source repeats it, at its highest incarnation", () => {
    const [once] = read(Hearsay.none, "p", [row("x", 3, { incarnation: 4 })])
    const [twice, rulings] = read(once, "p", [row("x", 3, { incarnation: 2 }), row("x", 3, { incarnation: 9 })])
    assert.deepStrictEqual(rulings, ["Kept", "Kept"])
    assert.strictEqual(Hearsay.find(twice, "x")?.row.incarnation, 9)
    assert.strictEqual(twice.unverified.size, 1)
  })

  it("is believed when a second source says so, at the higher incarnation of the two, and is kept no longer", () => {
    for (const [first, second] of [[3, 7], [7, 3]]) {
      const [once] = read(Hearsay.none, "p", [row("x", 3, { incarnation: first ?? 0 })])
      const reading = Hearsay.reading(once, "q", 0)
      const ruling = reading.read(row("x", 3, { incarnation: second ?? 0 }))
      assert.strictEqual(ruling._tag === "Confirmed" ? ruling.row.incarnation : undefined, 7)
      assert.deepStrictEqual(names(reading.end()), [])
    }
  })

  it("is believed so while it is being probed, too", () => {
    const [probing] = takeAll(read(Hearsay.none, "p", [row("x", 3)])[0])
    assert.deepStrictEqual(read(probing, "q", [row("x", 3)])[1], ["Confirmed"])
  })

  it("is not confirmed by a source that has it elsewhere, which is dropped", () => {
    const [once] = read(Hearsay.none, "p", [row("x", 3)])
    const [twice, rulings] = read(once, "q", [row("x", 4), row("x", 3, { port: 1 })])
    assert.deepStrictEqual(rulings, ["HearsayElsewhere", "HearsayElsewhere"])
    assert.strictEqual(twice, once)
  })

  it("is dropped for a minute after nothing confirmed it, whoever says so", () => {
    const [kept] = read(Hearsay.none, "p", [row("x", 3)])
    const refuted = Hearsay.refute(kept, "x", 1_000)
    assert.deepStrictEqual(names(refuted), [])
    assert.deepStrictEqual(read(refuted, "p", [row("x", 3)], 60_999)[1], ["HearsayRefuted"])
    assert.deepStrictEqual(read(refuted, "q", [row("x", 3)], 1_000)[1], ["HearsayRefuted"])
    assert.deepStrictEqual(read(refuted, "p", [row("x", 3)], 61_000)[1], ["Kept"])
  })

  it("is news then with a higher incarnation, or at another address", () => {
    const refuted = Hearsay.refute(read(Hearsay.none, "p", [row("x", 3)])[0], "x", 0)
    assert.deepStrictEqual(read(refuted, "p", [row("x", 3, { incarnation: 2 })])[1], ["Kept"])
    assert.deepStrictEqual(read(refuted, "p", [row("x", 4)])[1], ["Kept"])
    assert.deepStrictEqual(read(refuted, "p", [row("x", 3, { port: 1 })])[1], ["Kept"])
  })

  it("is dropped where its source, or all together, have as many as are kept", () => {
    const [one, rulings] = read(Hearsay.none, "p", made(Hearsay.MAX_OF_SOURCE + 1, "p"))
    assert.deepStrictEqual(rulings.filter((ruling) => ruling !== "Kept"), ["HearsayTooMuch"])
    assert.deepStrictEqual(read(one, "p", [row("x", 3)])[1], ["HearsayTooMuch"])
    const [two] = read(one, "q", made(Hearsay.MAX_OF_SOURCE, "q"))
    assert.strictEqual(two.unverified.size, Hearsay.MAX_UNVERIFIED)
    assert.deepStrictEqual(read(two, "r", [row("x", 3)])[1], ["HearsayTooMuch"])
    // what is there can still be confirmed
    assert.deepStrictEqual(read(two, "r", [row("q7", 9)])[1], ["Confirmed"])
  })

  it("changes nothing where there is none", () => {
    assert.strictEqual(read(Hearsay.none, "p", [])[0], Hearsay.none)
    assert.strictEqual(Hearsay.remove(Hearsay.none, "x"), Hearsay.none)
    assert.strictEqual(Hearsay.refute(Hearsay.none, "x", 0), Hearsay.none)
  })
})

describe("what is probed next", () => {
  it("is what came first", () =>
    assert.deepStrictEqual(takeAll(read(Hearsay.none, "p", made(3))[0])[1], ["n0", "n1", "n2"]))

  it("is 64 at one time, and the next when one is done", () => {
    const [full, taken] = takeAll(read(Hearsay.none, "p", made(100))[0])
    assert.strictEqual(taken.length, 64)
    assert.strictEqual(Hearsay.MAX_PROBES, 64)
    assert.deepStrictEqual(takeAll(Hearsay.refute(full, "n7", 0))[1], ["n64"])
    assert.deepStrictEqual(takeAll(Hearsay.remove(full, "n8"))[1], ["n64"])
  })

  it("is of the source of which the fewest are being probed, so that a flood holds up nobody else", () => {
    const [full] = takeAll(read(Hearsay.none, "p", made(1_000))[0])
    const [both] = read(full, "q", made(2, "q"))
    assert.deepStrictEqual(takeAll(Hearsay.remove(both, "n0"))[1], ["q0"])
    assert.deepStrictEqual(
      takeAll(["n0", "n1", "n2"].reduce(Hearsay.remove, both))[1],
      ["q0", "q1", "n64"]
    )
  })

  it("is nothing that was taken before", () =>
    assert.deepStrictEqual(takeAll(takeAll(read(Hearsay.none, "p", made(3))[0])[0])[1], []))
})

describe("what nothing confirmed", () => {
  it("is remembered of 1024 names; the latest stay, and one that is found wrong again is a late one", () => {
    const count = Hearsay.MAX_REFUTED
    let hearsay = Hearsay.none
    const refute = (name: string) => {
      hearsay = Hearsay.refute(read(hearsay, "p", [row(name, 9)], 100_000)[0], name, 0)
    }
    for (let i = 0; i < count; i++) refute(`n${i}`)
    refute("n0")
    assert.strictEqual(hearsay.refuted.size, count)
    refute("x")
    assert.strictEqual(hearsay.refuted.size, count)
    assert.isTrue(hearsay.refuted.has("n0"))
    assert.isFalse(hearsay.refuted.has("n1"))
    assert.isTrue(hearsay.refuted.has("n2"))
  })
})

const small = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

/** Lists from few sources about few members, and what is done about them. */
const Action = Schema.Struct({
  what: Schema.Literals(["read", "take", "remove", "refute"]),
  name: small(5),
  from: small(2),
  last: small(1),
  incarnation: small(3),
  later: small(40)
})

it.prop(
  "keeps no more than it may, one row of a name, and never probes twice what was refuted within a minute",
  { actions: Arbitrary.array(Arbitrary.schema(Action), { maxLength: 60 }) },
  ({ actions }) => {
    let hearsay = Hearsay.none
    let now = 0
    const refuted = new Map<string, { readonly incarnation: number; readonly at: number }>()
    for (const { from, incarnation, last, later, name, what } of actions) {
      now += later * 1_000
      const about = `x${name}`
      const said = row(about, last, { incarnation })
      switch (what) {
        case "read": {
          const before = Hearsay.find(hearsay, about)
          const [next, [ruling]] = read(hearsay, `s${from}`, [said], now)
          const known = refuted.get(`${about} ${last}`)
          // the last refutation of a name is remembered, and not those of it elsewhere before
          const isRemembered = hearsay.refuted.get(about)?.addr[3] === last
          if (before === undefined && known !== undefined && isRemembered) {
            const lately = now - known.at < Hearsay.REFUTED_TIME && incarnation <= known.incarnation
            assert.strictEqual(ruling, lately ? "HearsayRefuted" : "Kept")
          }
          if (ruling === "Confirmed") assert.notStrictEqual(before?.from, `s${from}`)
          hearsay = next
          break
        }
        case "take":
          hearsay = Hearsay.take(hearsay)[0]
          break
        case "remove":
          hearsay = Hearsay.remove(hearsay, about)
          break
        case "refute": {
          const found = Hearsay.find(hearsay, about)
          if (found !== undefined) {
            refuted.set(`${about} ${found.row.addr[3]}`, { incarnation: found.row.incarnation, at: now })
          }
          hearsay = Hearsay.refute(hearsay, about, now)
        }
      }
      assert.strictEqual(new Set(names(hearsay)).size, hearsay.unverified.size)
      assert.isAtMost(hearsay.unverified.size, 6)
      assert.isAtMost(hearsay.refuted.size, 6)
    }
  }
)
