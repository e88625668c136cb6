import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { writePart } from "../../../simulate/drawing/Page.ts"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "page-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

const [BEGIN, END] = ["<!-- measured -->", "<!-- end -->"]

/** What becomes of a document when a part is written. */
const written = (document: string, part: string): string => {
  const file = join(folder, "page.md")
  writeFileSync(file, document)
  writePart(file, BEGIN, END, part)
  return readFileSync(file, "utf8")
}

describe("the part of a page that a command writes", () => {
  it("is replaced, and nothing else", () => {
    const page = (part: string) => `# Title\n\n${BEGIN}\n\n${part}\n\n${END}\n\nMore.\n`
    assert.strictEqual(written(page("| old |"), "| new |"), page("| new |"))
    assert.strictEqual(written(page("$& and $1"), "$& and $1"), page("$& and $1"))
  })

  it("may be empty before, and the marks come again elsewhere", () => {
    assert.strictEqual(
      written(`${END}a${BEGIN}${END}b${BEGIN}c${END}`, "new"),
      `${END}a${BEGIN}\n\nnew\n\n${END}b${BEGIN}c${END}`
    )
  })

  it("is written nowhere in a page without the marks, in their order", () => {
    for (const document of ["", "# Title\n", BEGIN, END, `${END}\n${BEGIN}\n`]) {
      assert.throws(() => written(document, "new"), `page.md has no part between ${BEGIN} and ${END}`)
      assert.strictEqual(readFileSync(join(folder, "page.md"), "utf8"), document)
    }
  })
})
