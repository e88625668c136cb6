import { assert, describe, it } from "@effect/vitest"
import * as Timing from "../../src/swim/Timing.ts"

/** FNV-1a over text: one number that stands for a long table. */
const hash = (lines: Iterable<string>): number => {
  let h = 0x811c9dc5
  for (const line of lines) {
    for (let i = 0; i < line.length; i++) h = Math.imul(h ^ line.charCodeAt(i), 0x01000193)
  }
  return h >>> 0
}

describe("Timing", () => {
  it.each([[3, 0, 0], [3, 1, 3], [3, 99, 6], [4, 0, 0], [4, 9, 4], [4, 10, 8], [4, 99, 8], [4, 100, 12], [4, 999, 12]])(
    "with multiplier %i and %i members a broadcast is sent %i times",
    (mult, n, limit) => assert.strictEqual(Timing.retransmitLimit(mult, n), limit)
  )

  it("push/pull keeps its interval up to 32 members and adds one more each time the cluster doubles", () => {
    for (let n = 0; n <= 32; n++) assert.strictEqual(Timing.pushPullScale(1000, n), 1000)
    for (let n = 33; n <= 64; n++) assert.strictEqual(Timing.pushPullScale(1000, n), 2000)
    for (let n = 65; n <= 128; n++) assert.strictEqual(Timing.pushPullScale(1000, n), 3000)
    assert.strictEqual(Timing.pushPullScale(1000, 1000), 6000)
    assert.strictEqual(Timing.pushPullScale(1000, 10_000), 10_000)
  })

  it.each([[0, 1000], [5, 1000], [10, 1000], [50, 1698], [100, 2000], [500, 2698], [1000, 3000]])(
    "the suspicion timeout of %i members is %i ms per unit of the multiplier",
    (n, timeout) => assert.strictEqual(Timing.suspicionTimeout(3, n, 1000), 3 * timeout)
  )

  it("scales like the reference for every cluster size up to 200,000", () => {
    const lines = function*() {
      for (let n = 0; n <= 200_000; n++) {
        const suspicion = Timing.suspicionTimeout(1, n, 1000)
        yield `${n} ${suspicion} ${Timing.retransmitLimit(1, n)} ${n > 32 ? Timing.pushPullScale(1, n) : 0}\n`
      }
    }
    // The same text, hashed by a Go program that uses the reference's formulas.
    assert.strictEqual(hash(lines()), 1070118131)
  })

  it.each([[0, 0, 30_000], [1, 2000, 14_000], [2, 3000, 4810], [3, 4000, -2000], [4, 5000, -3000], [5, 10_000, -8000]])(
    "of three hoped-for confirmations %i, after %i ms, leave %i ms",
    (confirmations, elapsed, left) =>
      assert.strictEqual(Timing.remainingSuspicionTime(confirmations, 3, elapsed, 2000, 30_000), left)
  )

  it.each([
    [1, [24_000, 4000]],
    [2, [24_000, 11_381, 4000]],
    [3, [24_000, 14_000, 8150, 4000]],
    [4, [24_000, 15_386, 10_347, 6772, 4000]]
  ])("with k = %i the time falls logarithmically: %j", (k, timeouts) => {
    for (const [c, timeout] of timeouts.entries()) {
      assert.closeTo(Timing.remainingSuspicionTime(c, k, 0, 4000, 24_000), timeout, 1)
    }
  })
})
