import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { differences, optionsOf, sequenceOf, touched } from "../../../reference/Differences.ts"
import { AS_REFERENCE, Ours } from "../../../reference/Ours.ts"
import * as Page from "../../../reference/Page.ts"

describe("a deliberate difference", () => {
  it("has a name of its own, and lines that show it", () => {
    assert.strictEqual(new Set(differences.map(({ name }) => name)).size, differences.length)
    for (const { go, name, us } of differences) assert.isAbove(go.length + us.length, 0, name)
  })

  it.each(differences.filter(({ avoided }) => avoided === undefined).map((listed) => [listed.name, listed] as const))(
    "is recognised in a step, and avoided: %s",
    (name, listed) => {
      const { setup, steps } = sequenceOf(listed)
      const ours = new Ours(setup)
      const found = steps.map((step) => {
        const touches = touched(step, ours)
        ours.apply(step)
        return touches
      })
      assert.include(found, name)
      assert.sameMembers(found.filter((touches) => touches !== undefined), [name])
    }
  )

  it("is of our own choice, or of a setting, where no step has to be avoided", () => {
    for (const listed of differences.filter(({ avoided }) => avoided !== undefined)) {
      const chosen = listed.setup !== undefined || JSON.stringify(optionsOf(listed)) !== JSON.stringify(AS_REFERENCE)
      assert.isTrue(chosen, listed.name)
    }
  })

  it("is told in docs/reference.md, which is as the list writes it", () => {
    assert.strictEqual(readFileSync(new URL("../../../docs/reference.md", import.meta.url), "utf8"), Page.page())
  })
})
