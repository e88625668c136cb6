import { assert, describe, it } from "@effect/vitest"
import { pushPullScale } from "../../../src/base/Scaling.ts"
import { hasHealed, partner } from "../../../src/swim/gossip/AntiEntropy.ts"
import * as LostPeers from "../../../src/swim/recovery/LostPeers.ts"
import * as T from "../../support/Rules.ts"

describe("anti-entropy", () => {
  it("push/pull keeps its interval up to 32 members and adds one more each time the cluster doubles", () => {
    for (let n = 0; n <= 32; n++) assert.strictEqual(pushPullScale(1000, n), 1000)
    for (let n = 33; n <= 64; n++) assert.strictEqual(pushPullScale(1000, n), 2000)
    for (let n = 65; n <= 128; n++) assert.strictEqual(pushPullScale(1000, n), 3000)
    assert.strictEqual(pushPullScale(1000, 1000), 6000)
    assert.strictEqual(pushPullScale(1000, 10_000), 10_000)
  })

  it("keeps its interval in any cluster for two intervals after a split has healed", () => {
    const healed = (healedAt: number | undefined) => ({ ...T.started(), lost: { ...LostPeers.none, healedAt } })
    for (const [healedAt, now] of [[0, 0], [5_000, 5_000], [5_000, 65_000]] as const) {
      assert.isTrue(hasHealed(healed(healedAt), 30_000, now))
    }
    assert.isFalse(hasHealed(healed(5_000), 30_000, 65_001))
    assert.isFalse(hasHealed(healed(undefined), 30_000, 0))
  })

  it("is with a live member, never with a suspect, one that is gone, or ourselves", () => {
    for (const state of ["alive", "suspect", "dead", "left"] as const) {
      const expected = state === "alive" ? T.OTHER : undefined
      assert.strictEqual(partner(T.known(state, 1), T.env())?.name, expected, state)
    }
    assert.isUndefined(partner(T.started(), T.env()))
  })

  it("is with each live member equally often", () => {
    const names = ["a", "b", "c", "d"]
    const m = T.cluster(...names)
    const env = T.env({ random: T.seeded(5) })
    const counts = new Map<string, number>()
    for (let i = 0; i < 4000; i++) {
      const name = partner(m, env)?.name ?? ""
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    for (const name of names) assert.closeTo(counts.get(name) ?? 0, 1000, 150)
  })
})
