import { assert, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import * as Path from "node:path"

it("the partition example finds one leader before and after, and a second one on the other side in between", {
  timeout: 60_000
}, () => {
  const example = Path.resolve(import.meta.dirname, "../../examples/partition.ts")
  const { status, stderr, stdout } = spawnSync(process.execPath, ["--conditions=effect-memberlist-source", example], {
    encoding: "utf8"
  })
  assert.strictEqual(status, 0, stderr)
  assert.include(stdout, "before: a a a a a")
  assert.include(stdout, "after: a a a a a")
  assert.match(stdout, /s: e follows c\n/)
})
