import { assert, describe, it } from "@effect/vitest"
import { goesOn } from "../../../src/swim/probing/Outcome.ts"

describe("a probe whose ping could not be sent", () => {
  it("goes on through helpers where the network refused it, and ends where the fault is ours", () => {
    assert.isTrue(goesOn({ _tag: "TransportError", scope: "Remote" }))
    assert.isFalse(goesOn({ _tag: "TransportError", scope: "Local" }))
    assert.isFalse(goesOn({ _tag: "NodeNameRequired" }))
  })
})
