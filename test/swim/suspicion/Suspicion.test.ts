import { assert, describe, it } from "@effect/vitest"
import { remainingTime, suspicionTimeout } from "../../../src/base/Scaling.ts"
import * as Suspicion from "../../../src/swim/suspicion/Suspicion.ts"

const start = (options: Partial<Suspicion.Options>) =>
  Suspicion.start({
    incarnation: 1,
    from: "first",
    now: 0,
    n: 10,
    probeInterval: 1000,
    suspicionMult: 4,
    suspicionMaxTimeoutMult: 6,
    ...options
  })

const confirmed = (suspicion: Suspicion.Suspicion, ...from: ReadonlyArray<string>) =>
  from.reduce((s, name) => {
    const next = Suspicion.confirm(s, name, s.startedAt)
    return typeof next === "string" ? s : next
  }, suspicion)

describe("Suspicion", () => {
  it.each(
    [
      ["LAN", 4, 1000, [[10, 4000, 24_000], [32, 6020, 36_120], [100, 8000, 48_000], [1000, 12_000, 72_000]]],
      ["WAN", 6, 5000, [[10, 30_000, 180_000], [32, 45_150, 270_900], [100, 60_000, 360_000]]],
      ["Local", 3, 1000, [[10, 3000, 18_000], [32, 4515, 27_090], [10_000, 12_000, 72_000]]]
    ] as const
  )("%s defaults give the reference's bounds", (_, suspicionMult, probeInterval, rows) => {
    for (const [n, min, max] of rows) {
      const suspicion = start({ suspicionMult, probeInterval, n })
      assert.deepStrictEqual([suspicion.min, suspicion.max], [min, max])
    }
  })

  it.each([[4, 3, 0], [4, 4, 2], [6, 5, 0], [6, 6, 4], [3, 2, 0], [3, 3, 1], [2, 10, 0], [1, 10, 0]])(
    "with multiplier %i and %i members it hopes for %i confirmations",
    (suspicionMult, n, k) => assert.strictEqual(start({ suspicionMult, n }).k, k)
  )

  it("starts at the maximum when it hopes for confirmations and at the minimum when it does not", () => {
    assert.strictEqual(Suspicion.expiry(start({ n: 10, now: 500 })), 24_500)
    assert.strictEqual(Suspicion.expiry(start({ n: 3, now: 500 })), 4500)
  })

  it("shrinks with each confirmation by others, counted from when it started", () => {
    const suspicion = start({ now: 1000 })
    assert.strictEqual(Suspicion.expiry(confirmed(suspicion, "a")), 12_381)
    assert.strictEqual(Suspicion.expiry(confirmed(suspicion, "a", "b")), 5000)
  })

  it("counts nobody twice, nor the first accuser", () => {
    const suspicion = confirmed(start({}), "a")
    assert.strictEqual(Suspicion.confirm(suspicion, "first", 0), "DuplicateAccuser")
    assert.strictEqual(Suspicion.confirm(suspicion, "a", 0), "DuplicateAccuser")
    assert.strictEqual(Suspicion.confirmations(suspicion), 1)
  })

  it("stops counting at k, so that the list of accusers is bounded", () => {
    const suspicion = confirmed(start({}), "a", "b", "c", "d")
    assert.deepStrictEqual(suspicion.accusers, ["first", "a", "b"])
    assert.strictEqual(Suspicion.confirm(suspicion, "c", 0), "EnoughConfirmations")
  })

  it("knows when each confirmation came, in milliseconds since it began", () => {
    const first = Suspicion.confirm(start({ now: 1000 }), "a", 1300)
    if (typeof first === "string") return assert.fail(first)
    const second = Suspicion.confirm(first, "b", 1800)
    if (typeof second === "string") return assert.fail(second)
    assert.deepStrictEqual(second.confirmedAfter, [300, 800])
    assert.strictEqual(second.confirmedAfter.length, Suspicion.confirmations(second))
  })

  it("takes no confirmations when it hopes for none", () => {
    assert.strictEqual(Suspicion.confirm(start({ n: 3 }), "a", 0), "EnoughConfirmations")
  })

  it("is degraded while confirmations it hoped for are missing", () => {
    assert.isTrue(Suspicion.isDegraded(confirmed(start({}), "a")))
    assert.isFalse(Suspicion.isDegraded(confirmed(start({}), "a", "b")))
    assert.isFalse(Suspicion.isDegraded(start({ n: 3 })))
  })

  it("lasts a fraction of a millisecond longer where its bounds have one, until it is shortened to whole milliseconds", () => {
    const suspicion = start({ suspicionMult: 3, probeInterval: 100, n: 50 })
    assert.approximately(suspicion.min, 509.4, 1e-9)
    assert.approximately(suspicion.max, 3056.4, 1e-9)
    assert.approximately(Suspicion.expiry(suspicion), 3056.4, 1e-9)
    assert.approximately(Suspicion.expiry(start({ suspicionMult: 2, probeInterval: 100, n: 50 })), 339.6, 1e-9)
    const shortened = start({ suspicionMult: 4, probeInterval: 100, n: 50 })
    assert.strictEqual(Suspicion.expiry(confirmed(shortened, "a")), 1932)
  })

  it.each([[0, 1000], [5, 1000], [10, 1000], [50, 1698], [100, 2000], [500, 2698], [1000, 3000]])(
    "the suspicion timeout of %i members is %i ms per unit of the multiplier",
    (n, timeout) => assert.strictEqual(suspicionTimeout(3, n, 1000), 3 * timeout)
  )

  it.each([[0, 0, 30_000], [1, 2000, 14_000], [2, 3000, 4810], [3, 4000, -2000], [4, 5000, -3000], [5, 10_000, -8000]])(
    "of three hoped-for confirmations %i, after %i ms, leave %i ms",
    (confirmations, elapsed, left) => assert.strictEqual(remainingTime(confirmations, 3, elapsed, 2000, 30_000), left)
  )

  it.each([
    [1, [24_000, 4000]],
    [2, [24_000, 11_381, 4000]],
    [3, [24_000, 14_000, 8150, 4000]],
    [4, [24_000, 15_386, 10_347, 6772, 4000]]
  ])("with k = %i the time falls logarithmically: %j", (k, timeouts) => {
    for (const [c, timeout] of timeouts.entries()) {
      assert.closeTo(remainingTime(c, k, 0, 4000, 24_000), timeout, 1)
    }
  })
})
