import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { BindFailed } from "../../src/MemberlistError.ts"
import { bindWith } from "../../src/node/NodeTransport.ts"

/** Attempts that fail until the given one; counts what is open. */
const attempts = (options: { readonly succeeds: number; readonly protocol: "udp" | "tcp" }) => {
  const state = { tried: 0, open: 0 }
  const attempt = Effect.gen(function*() {
    state.tried++
    state.open++
    yield* Effect.addFinalizer(() => Effect.sync(() => void state.open--))
    if (state.tried === options.succeeds) return state.tried
    const { protocol } = options
    return yield* new BindFailed({ address: "127.0.0.1:0", protocol, kind: "AddressInUse", cause: new Error("taken") })
  })
  return { attempt, state }
}

describe("bindWith", () => {
  it.effect("tries another port while the one chosen by the system is taken for UDP", () =>
    Effect.gen(function*() {
      const { attempt, state } = attempts({ succeeds: 10, protocol: "udp" })
      yield* Effect.scoped(Effect.gen(function*() {
        let retries = 0
        const onRetry = () => Effect.sync(() => void retries++)
        assert.strictEqual(yield* bindWith(attempt, { chosenBySystem: true, onRetry }), 10)
        assert.strictEqual(retries, 9)
        assert.strictEqual(state.open, 1)
      }))
      assert.strictEqual(state.open, 0)
    }))
  it.effect("gives up after ten attempts and leaves nothing open", () =>
    Effect.gen(function*() {
      const { attempt, state } = attempts({ succeeds: 11, protocol: "udp" })
      const error = yield* Effect.flip(bindWith(attempt, { chosenBySystem: true }))
      assert.deepStrictEqual([error.kind, error.protocol], ["AddressInUse", "udp"])
      assert.deepStrictEqual(state, { tried: 10, open: 0 })
    }))
  it.effect("does not try again when the port was asked for or TCP failed", () =>
    Effect.gen(function*() {
      const asked = attempts({ succeeds: 2, protocol: "udp" })
      yield* Effect.flip(bindWith(asked.attempt, { chosenBySystem: false }))
      const tcp = attempts({ succeeds: 2, protocol: "tcp" })
      yield* Effect.flip(bindWith(tcp.attempt, { chosenBySystem: true }))
      assert.deepStrictEqual([asked.state, tcp.state], [{ tried: 1, open: 0 }, { tried: 1, open: 0 }])
    }))
})
