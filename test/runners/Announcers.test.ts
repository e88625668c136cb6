import { assert, describe, it } from "@effect/vitest"
import * as Announcers from "../../src/runners/Announcers.ts"

/** Live members as `name` or `name address`. */
const live = (...members: ReadonlyArray<string>) =>
  members.map((text): Announcers.Announcer => {
    const [name = "", address] = text.split(" ")
    return { name, address }
  })

/** What is known after these views, a second apart. */
const after = (...views: ReadonlyArray<ReadonlyArray<string>>) =>
  views.reduce((known, view, i) => Announcers.seen(known, live(...view), i * 1_000), Announcers.nothing)

/** What is known of addresses, soon after. */
const states = (known: Announcers.Announcers, ...addresses: ReadonlyArray<string>) =>
  addresses.map((address) => Announcers.stateOf(known, address, 5_000))

describe("the address of a runner", () => {
  it("is alive while a live member announces it, and unknown where none has", () => {
    assert.deepStrictEqual(states(after(["a x", "b"]), "x", "y"), ["alive", "unknown"])
  })

  it("is gone with its member", () => {
    assert.deepStrictEqual(states(after(["a x", "b y"], ["a x"]), "x", "y"), ["alive", "gone"])
  })

  it("is gone when its member comes back elsewhere, announcing nothing at first", () => {
    assert.deepStrictEqual(states(after(["a x"], ["a"]), "x"), ["unknown"])
    assert.deepStrictEqual(states(after(["a x"], ["a"], ["a y"]), "x", "y"), ["gone", "alive"])
    assert.deepStrictEqual(states(after(["a x"], ["a y"]), "x", "y"), ["gone", "alive"])
  })

  it("is gone with a member that announced it last, and nothing at its end", () => {
    assert.deepStrictEqual(states(after(["a x"], ["a"], []), "x"), ["gone"])
  })

  it("is alive again when anybody announces it", () => {
    assert.deepStrictEqual(states(after(["a x"], [], ["b x"]), "x"), ["alive"])
    assert.deepStrictEqual(states(after(["a x", "b x"], ["b x"]), "x"), ["alive"])
    assert.deepStrictEqual(states(after(["a x"], [], ["a x"], ["a y"]), "x"), ["gone"])
  })

  it("is unknown again five minutes after it was seen to be gone", () => {
    const known = after(["a x"], [])
    const last = 1_000 + Announcers.REMEMBERED
    assert.deepStrictEqual(
      [last - 1, last].map((now) => Announcers.stateOf(known, "x", now)),
      ["gone", "unknown"]
    )
    const sizes = [last - 1, last].map((now) => Announcers.seen(known, [], now).gone.size)
    assert.deepStrictEqual(sizes, [1, 0])
  })

  it("is one of 1,024 that are remembered, and the oldest are forgotten first", () => {
    let known = after(["a x"], [])
    known = Announcers.seen(
      known,
      live(...Array.from({ length: Announcers.MOST_GONE }, (_, i) => `b${i} y${i}`)),
      2_000
    )
    known = Announcers.seen(known, [], 2_000)
    assert.strictEqual(known.gone.size, Announcers.MOST_GONE)
    assert.deepStrictEqual(states(known, "x", "y0"), ["unknown", "gone"])
    // what is gone once more is the newest
    known = Announcers.seen(known, live("b y0"), 3_000)
    known = Announcers.seen(known, live("b z"), 3_000)
    known = Announcers.seen(known, [], 3_000)
    assert.deepStrictEqual(states(known, "y0", "y1", "z"), ["gone", "unknown", "gone"])
  })
})
