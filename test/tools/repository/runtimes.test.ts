import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import * as Path from "node:path"
import { runInNewContext } from "node:vm"
import { ascii, inlined } from "../../../scripts/package/bundle.ts"
import { steps } from "../../../scripts/package/guide.ts"
import * as Runtimes from "../../../scripts/package/runtimes.ts"

const root = Path.resolve(import.meta.dirname, "../../..")
const read = (file: string) => readFileSync(Path.join(root, file), "utf8")
const manifest = JSON.parse(read("package.json"))
const nodes = Runtimes.all.filter(({ name }) => name === "Node.js").map(({ version }) => version)

describe("the runtimes that the package is tried on", () => {
  it("are those of the page, with their versions, in its order", () => {
    const rows = [...read("docs/runtimes.md").matchAll(/^\| (Node\.js|Bun|Deno) (\S+)\s+\|/gm)]
    assert.deepStrictEqual(
      rows.map(([, name, version]) => ({ name, version })),
      Runtimes.all.map(({ name, version }) => ({ name, version }))
    )
  })
  it("begin with the oldest Node.js that the package allows, and have the one it is developed with", () => {
    assert.strictEqual(manifest.engines.node, `>=${nodes[0]}`)
    assert.include(nodes, manifest.devDependencies.node.replace("^", ""))
    assert.strictEqual(Runtimes.newest.version, nodes.at(-1))
  })
  it("follow the quick start by their own commands, and Node.js to the letter", () => {
    const page = read("docs/quick-start.md")
    for (const runtime of Runtimes.all) {
      const commands = steps(Runtimes.quickStart(page, runtime)).flatMap((step) =>
        step._tag === "Run" ? [step.commands] : []
      ).join("")
      assert.strictEqual(commands.split(`${runtime.run} main.ts`).length, 4, runtime.name)
      assert.strictEqual(commands.split(`${runtime.add} ../effect-memberlist`).length, 2, runtime.name)
      if (runtime.name === "Node.js") assert.strictEqual(Runtimes.quickStart(page, runtime), page)
      else assert.notInclude(commands, "node main.ts")
    }
  })
})

describe("what a build does to the code", () => {
  it("leaves texts as they are, with no character beyond ASCII", () => {
    const code = "const text = \"5 ‥ 10 µs, 🙂\"; text"
    assert.match(ascii(code), /^[\0-\x7f]*$/)
    assert.strictEqual(runInNewContext(ascii(code)), "5 ‥ 10 µs, 🙂")
  })
  it("puts the status page in the place where it is read", () => {
    const id = Path.join(root, "src/agent/page/Page.ts")
    const transform = inlined.transform as (code: string, id: string) => { readonly code: string } | undefined
    const code = transform(readFileSync(id, "utf8"), id)?.code ?? ""
    assert.notInclude(code, "readFileSync(new URL")
    assert.include(code, JSON.stringify(read("src/agent/page/page.html")))
    assert.isUndefined(transform("const one = 1", id))
  })
})
