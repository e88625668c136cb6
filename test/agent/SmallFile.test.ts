import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import * as SmallFile from "../../src/agent/SmallFile.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(Path.join(tmpdir(), "small-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

describe("a small file", () => {
  it.effect("is its text without the spaces around it, up to the limit and no byte further", () =>
    Effect.gen(function*() {
      const file = Path.join(yield* folder, "file")
      writeFileSync(file, " abc\n")
      assert.strictEqual(yield* SmallFile.read(file, 5), "abc")
      assert.deepStrictEqual(yield* Effect.flip(SmallFile.read(file, 4)), {
        why: "it has more than 4 bytes",
        isTooLong: true
      })
      // a device without an end
      assert.isTrue((yield* Effect.flip(SmallFile.read("/dev/zero", 1000))).isTooLong)
    }))

  it.effect("that cannot be read is told in words", () =>
    Effect.gen(function*() {
      const path = yield* folder
      const why = (at: string) => Effect.map(Effect.flip(SmallFile.read(at, 10)), ({ why }) => why)
      assert.strictEqual(yield* why(path), "it is a directory")
      assert.strictEqual(yield* why(Path.join(path, "none")), "there is none")
      const pipe = Path.join(path, "pipe")
      execFileSync("mkfifo", [pipe])
      assert.strictEqual(yield* why(pipe), "it is a named pipe")
      assert.strictEqual(yield* why(Path.join(path, "x".repeat(5000))), "its name is too long")
    }))
})
