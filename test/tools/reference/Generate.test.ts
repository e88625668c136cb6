import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Check from "../../../reference/Check.ts"
import * as Generate from "../../../reference/Generate.ts"
import { SequenceFile } from "../../../reference/Sequence.ts"

const some = Array.from({ length: 20 }, (_, number) => Generate.sequence(1, number))

describe("a generated sequence", () => {
  it("is the same for the same seed and number, and another for others", () => {
    assert.deepStrictEqual(Generate.sequence(1, 3), some[3])
    assert.notDeepEqual(Generate.sequence(1, 4), some[3])
    assert.notDeepEqual(Generate.sequence(2, 3), some[3])
  })

  it("is as long as asked", () => {
    assert.lengthOf(Generate.sequence(1, 0, 17).steps, 17)
  })

  it("shows no difference that is meant", () => {
    assert.isTrue(some.every(Check.isPlain))
  })

  it("is read from a file as it was written", () => {
    for (const sequence of some) {
      assert.deepStrictEqual(Schema.decodeUnknownSync(SequenceFile)(JSON.stringify(sequence)), sequence)
    }
  })

  it("has every kind of step, in some", () => {
    const kinds = new Set(some.flatMap(({ steps }) => steps.map((step) => step.do)))
    const all = ["alive", "suspect", "dead", "merge", "packet", "update", "leave", "reap", "health", "draw", "wait"]
    assert.sameMembers([...kinds], all)
  })
})
