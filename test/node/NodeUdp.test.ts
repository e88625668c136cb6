import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as DatagramSocket from "effect/socket/DatagramSocket"
import { withLargestBuffer } from "../../src/node/NodeUdp.ts"

const refusal = (code: string, kind: DatagramSocket.DatagramSocketOpenError["kind"]) =>
  new DatagramSocket.DatagramSocketError({
    reason: new DatagramSocket.DatagramSocketOpenError({ kind, cause: Object.assign(new Error(code), { code }) })
  })

/** A system that grants kernel buffers up to a size. */
const system = (granted: number) => {
  const asked: Array<number | undefined> = []
  const open = (size: number | undefined) => {
    asked.push(size)
    return size !== undefined && size > granted ? Effect.fail(refusal("ENOBUFS", "Unknown")) : Effect.succeed(size)
  }
  return { asked, open }
}

describe("withLargestBuffer", () => {
  it.effect("asks for 2 MiB and takes what is granted by halving", () =>
    Effect.gen(function*() {
      const { asked, open } = system(600_000)
      assert.strictEqual(yield* withLargestBuffer(open), 524_288)
      assert.deepStrictEqual(asked, [2_097_152, 1_048_576, 524_288])
    }))
  it.effect("takes the system's default when nothing is granted", () =>
    Effect.gen(function*() {
      const { asked, open } = system(0)
      assert.isUndefined(yield* withLargestBuffer(open))
      assert.isUndefined(asked.at(-1))
    }))
  it.effect("does not retry what is not about the buffer", () =>
    Effect.gen(function*() {
      let attempts = 0
      const open = () => {
        attempts++
        return Effect.fail(refusal("EADDRINUSE", "AddressInUse"))
      }
      yield* Effect.flip(withLargestBuffer(open))
      assert.strictEqual(attempts, 1)
    }))
})
