import { assert, describe, it } from "@effect/vitest"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import { Latencies, stamp, summary, text } from "../../../bench/child/Sending.ts"
import { readIfThere } from "../../../bench/run/Files.ts"
import { rotated } from "../../../bench/run/Measuring.ts"
import { left } from "../../../bench/run/Progress.ts"
import { effectModules } from "../../../bench/run/Stage.ts"

describe("a run of the benchmark", () => {
  it("begins each round with another subject", () => {
    assert.deepStrictEqual([0, 1, 2, 3].map((round) => rotated(["a", "b", "c"], round).join("")), [
      "abc",
      "bca",
      "cab",
      "abc"
    ])
    assert.deepStrictEqual(rotated([], 2), [])
  })

  it("tells the time that is left by its estimates", () => {
    const steps = [{ name: "a", seconds: 10 }, { name: "b", seconds: 5 }]
    assert.strictEqual(left(steps, 0, 4), 11)
    assert.strictEqual(left(steps, 0, 40), 5)
    assert.strictEqual(left(steps, 2, 1), 0)
  })

  it("sends the same noise as the Go program: xorshift32 from 1, as hexadecimal digits", () => {
    assert.strictEqual(new TextDecoder().decode(text(8)), "115f10a2")
  })

  it("sums up what messages took", () =>
    assert.deepStrictEqual(summary(Float64Array.of(5, 1, 3)), { medianMicros: 3, p99Micros: 5, meanMicros: 3 }))

  it("tells how long stamped messages took that came since the last look", () => {
    const latencies = new Latencies()
    const message = text(100)
    latencies.note(message)
    assert.isNaN(latencies.take().meanMicros)
    stamp(message)
    latencies.note(message)
    assert.isAtLeast(latencies.take().medianMicros, -1)
    assert.isNaN(latencies.take().medianMicros)
  })
})

describe("a file of results", () => {
  const inFolder = (use: (file: string) => void) => {
    const folder = mkdtempSync(Path.join(tmpdir(), "results-"))
    try {
      use(Path.join(folder, "results.json"))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  it("that is not there yet has none", () =>
    inFolder((file) => assert.deepStrictEqual(readIfThere(file), { runs: [] })))

  it("is refused, and not written over, when it has something else", () =>
    inFolder((file) => {
      writeFileSync(file, `{ "samples": [] }`)
      assert.throws(() => readIfThere(file), /results.json has no runs of this benchmark: choose another file/)
    }))
})

describe("the modules of Effect that a build loads", () => {
  it("are those of every file that is reached, once, and of no other", () => {
    const folder = mkdtempSync(Path.join(tmpdir(), "modules-"))
    const write = (name: string, lines: ReadonlyArray<string>) =>
      writeFileSync(Path.join(folder, name), lines.join("\n"))
    try {
      write("index.js", [
        `/**`,
        ` * import { Layer } from "effect"`,
        ` * import { Redis } from "@effect/platform-node"`,
        ` */`,
        `import * as Effect from "effect/Effect";`,
        `export { a } from "./a.js";`,
        `export * from "./b.js";`
      ])
      write("a.js", [`import * as Effect from "effect/Effect"`, `import "node:os"`, `import packet from "dns-packet"`])
      write("b.js", [`import {`, `  x`, `} from "@effect/platform-node/NodeSocket"`, `import "./index.js"`])
      write("c.js", [`import "effect/Stream"`])
      assert.deepStrictEqual(effectModules(Path.join(folder, "index.js")), [
        "@effect/platform-node/NodeSocket",
        "effect/Effect"
      ])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
