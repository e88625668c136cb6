import { assert, describe, it } from "@effect/vitest"
import * as Rate from "../../src/base/Rate.ts"

describe("a rate", () => {
  it("gives a burst at once, and then so many in a second", () => {
    const rate = Rate.make({ perSecond: 10, burst: 5 })
    const taken = (now: number) => Array.from({ length: 100 }, () => rate.take(now)).filter(Boolean).length
    assert.strictEqual(taken(0), 5)
    assert.strictEqual(taken(0), 0)
    assert.strictEqual(taken(100), 1)
    assert.strictEqual(taken(600), 5)
    assert.strictEqual(taken(3_600_000), 5)
  })

  it("is paid for what it gave too much", () => {
    const rate = Rate.make({ perSecond: 200, burst: 200 })
    assert.isTrue(rate.take(0, 400))
    assert.isTrue(rate.isEmpty(0))
    assert.isFalse(rate.take(999, 1))
    assert.isTrue(rate.isEmpty(995))
    assert.isFalse(rate.isEmpty(1_010))
  })

  it("does not give more when time goes back", () => {
    const rate = Rate.make({ perSecond: 10, burst: 1 })
    assert.isTrue(rate.take(1_000))
    for (let i = 0; i < 100; i++) assert.isFalse(rate.take(i % 2 === 0 ? 0 : 1))
  })
})
