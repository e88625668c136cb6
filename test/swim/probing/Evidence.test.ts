import { assert, describe, it } from "@effect/vitest"
import * as Evidence from "../../../src/swim/probing/Evidence.ts"
import * as T from "../../support/Rules.ts"

const at = (ip: string, port = 7946) => ({ ip, port })

/** A helper called `name` at 10.0.0.`last`. */
const helper = (name: string, last: number, nack = true) => {
  const entry = T.entry(T.known("alive", 1), T.OTHER)
  return { member: { ...entry, name, endpoint: at(`10.0.0.${last}`) }, nack }
}

const seen: Evidence.Seen = { pinged: true, timeout: 500, helpers: [], nacksDue: true, nackers: [], stream: "Silent" }

describe("Evidence.failedProbe", () => {
  it("tells each helper's nack from its silence, by the address that the nack came from", () => {
    const probe = Evidence.failedProbe({
      ...seen,
      helpers: [helper("a", 1), helper("b", 2), helper("old", 3, false)],
      nackers: [at("10.0.0.1"), at("10.0.0.2", 9999)]
    })
    assert.deepStrictEqual(probe.helpers, [
      { name: "a", answer: "Nack" },
      { name: "b", answer: "Silent" },
      { name: "old", answer: "CannotTell" }
    ])
    assert.strictEqual(probe.strayNacks, 1)
  })

  it("blames no helper for a nack that was not due", () => {
    const probe = Evidence.failedProbe({
      ...seen,
      nacksDue: false,
      helpers: [helper("a", 1), helper("b", 2), helper("old", 3, false)],
      nackers: [at("10.0.0.1")]
    })
    assert.deepStrictEqual(probe.helpers.map(({ answer }) => answer), ["Nack", "TooEarly", "CannotTell"])
  })

  it("has no more helpers than were asked, whatever nacks came", () => {
    const nackers = Array.from({ length: 50 }, (_, i) => at("10.9.9.9", i))
    const probe = Evidence.failedProbe({ ...seen, helpers: [helper("a", 1)], nackers })
    assert.deepStrictEqual([probe.helpers.length, probe.strayNacks], [1, 50])
  })

  it("tells a ping that was not answered from one that was not sent", () => {
    assert.strictEqual(Evidence.failedProbe(seen).direct, "Silent")
    assert.strictEqual(Evidence.failedProbe({ ...seen, pinged: false }).direct, "NotSent")
  })
})
