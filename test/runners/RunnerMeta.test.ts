import { assert, describe, it } from "@effect/vitest"
import * as Runner from "effect/cluster/Runner"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { listing, RunnerMeta, runnerOf, type Section, standing } from "../../src/runners/RunnerMeta.ts"
import { bytes, hex, packed } from "../support/Hex.ts"

const address = RunnerAddress.make("10.0.0.1", 34_431)
const runner = (groups: ReadonlyArray<string>, weight = 1) => Runner.make({ address, groups, weight })

const decoded = (text: string) => RunnerMeta.decode({ name: "a", meta: bytes(text) })

/** Bytes as they were written once: members of a rolling upgrade read each other's. */
const vectors: ReadonlyArray<readonly [string, Section, string]> = [
  ["none", {}, "fe4d01 01 63 0002 0120"],
  ["an address", standing(address), "fe4d01 01 63 0012 1120080e080831302e302e302e3111fe9904"],
  [
    "a runner to list",
    listing(runner(["default", "mail"], 2)),
    "fe4d01 01 63 0026 25200822080831302e302e302e3111fe990418120904100e020764656661756c74046d61696c"
  ]
]

describe("what a member announces of its runner", () => {
  for (const [name, value, vector] of vectors) {
    it(`has the bytes that are committed: ${name}`, () => {
      assert.strictEqual(hex(Result.getOrThrow(RunnerMeta.encode(value))), packed(vector))
      assert.deepStrictEqual(decoded(vector), Result.succeed(Option.some(value)))
    })
  }

  it("makes a runner only where it is to be listed", () => {
    assert.isUndefined(runnerOf({}))
    assert.isUndefined(runnerOf(standing(address)))
    const listed = runnerOf(listing(runner(["default"], 0.5)))
    assert.strictEqual(String(listed), String(runner(["default"], 0.5)))
  })

  it("is refused where a weight would fill everybody's memory", () => {
    for (const weight of [100.1, -1, Number.MAX_VALUE, Number.POSITIVE_INFINITY, Number.NaN]) {
      const refused = Result.getOrThrow(Result.flip(RunnerMeta.encode(listing(runner(["default"], weight)))))
      assert.strictEqual(refused._tag, "MetaUnencodable", String(weight))
    }
    const most = hex(Result.getOrThrow(RunnerMeta.encode(listing(runner([], 100)))))
    assert.isTrue(Result.isSuccess(decoded(most)))
    // 101 in the place of 100
    assert.isTrue(Result.isFailure(decoded(most.replace("c801", "ca01"))))
  })

  it("is refused where its groups do not fit", () => {
    const many = Array.from({ length: 40 }, (_, i) => `group of shards ${i}`)
    const refused = Result.getOrThrow(Result.flip(RunnerMeta.encode(listing(runner(many)))))
    assert.strictEqual(refused._tag, "MetaFull")
    assert.match(refused.message, /512/)
  })
})
