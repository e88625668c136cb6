/** Recovery, seeds and snapshots together, in clusters to which everything happens at random (`support/Storm.ts`). */
import { assert, describe, it } from "@effect/vitest"
import { storm } from "../../support/Storm.ts"

const SIZES = [[3, 6], [5, 5], [10, 1]] as const

describe("a cluster with recovery, seeds and snapshots that was killed, cut, left and restarted at random", () => {
  for (const [size, seeds] of SIZES) {
    for (let seed = 1; seed <= seeds; seed++) {
      it(`is whole after three calm minutes: ${size} nodes, seed ${seed}`, () => {
        const { failures, incarnation, living, story, tries, unready, wrong } = storm(size, seed)
        const what = `${living}\n${story.join("\n")}`
        assert.deepStrictEqual({ wrong, unready, failures }, { wrong: [], unready: [], failures: [] }, what)
        // six a minute on average, of two minutes
        assert.isAtMost(tries, 12, what)
        // each start reserves 64
        assert.isAtMost(incarnation, 100, what)
      })
    }
  }
})
