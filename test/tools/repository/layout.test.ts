import { assert, describe, it } from "@effect/vitest"
import * as Layout from "../../../scripts/repository/layout.ts"
import * as Words from "../../../scripts/repository/words.ts"

// Put together here, so that the check does not find them in this file.
const old = ["for", "ever"].join(" ")
const old2 = ["ho", "use"].join("")

describe("plain words", () => {
  it("finds a word that is not plain, and says what is", () => {
    assert.deepStrictEqual(Words.plain("docs/a.md", `first\nit runs ${old}\n`), [
      `docs/a.md:2: "${old}": write forever`
    ])
    assert.strictEqual(Words.plain("src/a.ts", `the ${old2}`).length, 1)
  })

  it("finds such a name in the library, and not elsewhere", () => {
    const name = ["out", "bid"].join("")
    assert.strictEqual(Words.plain("src/a.ts", `const ${name} = 1`).length, 1)
    assert.deepStrictEqual(Words.plain("test/a.ts", `const ${name} = 1`), [])
  })

  it("finds comments that are wider than the formatter's width, and leaves code to the formatter", () => {
    assert.strictEqual(Words.width("src/a.ts", `  // ${"x".repeat(120)}`).length, 1)
    assert.deepStrictEqual(Words.width("src/a.ts", `  // ${"x".repeat(110)}\nconst a = "${"x".repeat(120)}"`), [])
  })
})

describe("the layout", () => {
  it("finds a folder with too many files, and leaves out the root of the library", () => {
    const many = (folder: string) => Array.from({ length: Layout.MAX_FILES + 1 }, (_, i) => `${folder}/File${i}.ts`)
    assert.strictEqual(Layout.folders(many("src/swim")).length, 1)
    assert.deepStrictEqual(Layout.folders([...many("src"), ...many("test")]), [])
    assert.deepStrictEqual(Layout.folders(many("src/swim").slice(1)), [])
  })

  it("finds names that are the same, or differ by an ending alone", () => {
    const found = (...files: ReadonlyArray<string>) => Layout.names(files.map((file) => `src/${file}.ts`)).length
    assert.strictEqual(found("swim/Probe", "engine/Prober"), 1)
    assert.strictEqual(found("swim/Suspicion", "engine/Suspicions"), 1)
    assert.strictEqual(found("node/Observer", "engine/Observer"), 1)
    assert.strictEqual(found("wire/Message", "engine/Messaging"), 1)
    assert.strictEqual(found("swim/Probe", "engine/Relay", "testing/index", "wire/index"), 0)
  })
})
