import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema, SchemaGetter } from "effect"
import * as MapInput from "../../src/map/MapInput.ts"
import * as MapOptions from "../../src/map/MapOptions.ts"

/** Texts that are asked for somewhere else: neither way is at once. */
const waiting = Schema.String.pipe(
  Schema.decodeTo(Schema.String, {
    decode: SchemaGetter.transformEffect((text: string) => Effect.delay(Effect.succeed(text), "1 second")),
    encode: SchemaGetter.transformEffect((text: string) => Effect.delay(Effect.succeed(text), "1 second"))
  })
)

const settings = Effect.runSync(MapOptions.checked({}))

describe("the schemas of a map", () => {
  it("refuse a key whose schema waits, in place of dying", () => {
    const input = MapInput.make("users", { key: waiting, value: Schema.String }, settings)
    const encoded = input.keyOf("anna")
    assert.isTrue(Result.isFailure(encoded))
    if (Result.isFailure(encoded)) {
      assert.strictEqual(encoded.failure._tag, "MapKeyInvalid")
      assert.isNotEmpty(encoded.failure.reason)
    }
    assert.isTrue(Result.isFailure(input.decodeKey("anna")))
  })

  it("take a key whose schema does not", () => {
    const input = MapInput.make("users", { key: Schema.String, value: Schema.String }, settings)
    assert.deepStrictEqual(input.keyOf("anna"), Result.succeed("anna"))
  })
})
