import { assert, describe, it } from "@effect/vitest"
import { pushPullScale, retransmitLimit, suspicionTimeout } from "../../src/base/Scaling.ts"

/** FNV-1a over text: one number that stands for a long table. */
const hash = (lines: Iterable<string>): number => {
  let h = 0x811c9dc5
  for (const line of lines) {
    for (let i = 0; i < line.length; i++) h = Math.imul(h ^ line.charCodeAt(i), 0x01000193)
  }
  return h >>> 0
}

describe("what depends on the size of the cluster", () => {
  it("scales like the reference for every cluster size up to 200,000", () => {
    const lines = function*() {
      for (let n = 0; n <= 200_000; n++) {
        const suspicion = suspicionTimeout(1, n, 1000)
        yield `${n} ${suspicion} ${retransmitLimit(1, n)} ${n > 32 ? pushPullScale(1, n) : 0}\n`
      }
    }
    // The same text, hashed by a Go program that uses the reference's formulas.
    assert.strictEqual(hash(lines()), 1070118131)
  })
})
