import { assert, describe, it } from "@effect/vitest"
import * as Checks from "../../scripts/parity/checks.ts"
import * as Document from "../../scripts/parity/document.ts"
import * as Tests from "../../scripts/parity/tests.ts"

const upstream: Checks.Upstream = {
  functions: ["Create"],
  types: ["Node"],
  methods: ["Node.Address"],
  interfaceMethods: [],
  fields: ["Config.Name"],
  constants: ["StateAlive"],
  metrics: ["memberlist.tcp.accept"],
  tests: ["state_test.go TestProbe"]
}

const table = (...lines: ReadonlyArray<string>) =>
  Document.rows(
    ["## API", "", "| memberlist | ours | shown by | difference |", "| --- | --- | --- | --- |", ...lines].join("\n")
  )

const shown = "`test/a.test.ts` › `works`"
const files = new Map([["test/a.test.ts", "describe(\"a\", () => { it(\"works\", () => {}) })"]])
const read = (file: string) => files.get(file)

const complete = [
  `| \`Create\`, \`Node\` | \`make\` | ${shown} | same |`,
  `| \`Node.Address\` | \`address\` | ${shown} | same |`,
  `| \`Config.Name\`, \`StateAlive\` | \`name\` | ${shown}<br>${shown} | same |`,
  `| \`memberlist.tcp.accept\` | same | ${shown} | same |`,
  `| \`TestProbe\` | none | — | it tests a detail of Go |`
]

/** Everything the script would say about these rows. */
const complaints = (...lines: ReadonlyArray<string>) => {
  const rows = table(...lines)
  return [...Checks.cells(rows), ...Checks.tests(rows, read), ...Checks.coverage(rows, upstream)]
}

/** The complete table with one line changed. */
const changed = (from: string, to: string) => complaints(...complete.map((line) => line.replace(from, to)))

describe("the parity table", () => {
  it("passes when every row is full and every test is there", () => {
    assert.deepStrictEqual(complaints(...complete), [])
  })

  it("is caught naming a file that does not exist", () => {
    assert.deepStrictEqual(changed("`test/a.test.ts`", "`test/b.test.ts`").slice(0, 1), [
      "docs/parity.md:5: there is no file test/b.test.ts"
    ])
  })

  it("is caught naming a test that does not exist, or that is skipped, or that is a group", () => {
    assert.deepStrictEqual(changed("› `works`", "› `work`").slice(0, 1), [
      "docs/parity.md:5: test/a.test.ts has no test \"work\""
    ])
    assert.isFalse(Tests.has("it.skip(\"works\", () => {})", "works"))
    assert.isFalse(Tests.has("describe(\"works\", () => {})", "works"))
    assert.isFalse(Tests.has("const a = \"works\"; it(\"fails\", () => {})", "works"))
  })

  it("is caught with an empty cell or a missing one", () => {
    assert.deepStrictEqual(changed("`address`", ""), ["docs/parity.md:6: cell 2 is empty"])
    assert.deepStrictEqual(
      changed("| `address` |", "|"),
      ["docs/parity.md:6: 3 cells; expected 4"].concat(
        ["docs/parity.md:6: names no test: `test/…` › `name`"]
      )
    )
  })

  it("is caught showing nothing for what we have", () => {
    assert.deepStrictEqual(changed("| none |", "| something |"), [
      "docs/parity.md:9: names no test: `test/…` › `name`"
    ])
  })

  it("is caught promising", () => {
    const not = ["not", "yet"].join(" ")
    assert.lengthOf(Checks.promises(`| a | ${not} | c | d |\nTODO: more\nnothing to add`), 2)
    assert.deepStrictEqual(Checks.promises("The state `not yet` is a test's name"), [])
  })

  it("is caught without a row for something the reference has, of whatever kind", () => {
    for (
      const name of [
        "Create",
        "Node",
        "Node.Address",
        "Config.Name",
        "StateAlive",
        "memberlist.tcp.accept",
        "TestProbe"
      ]
    ) {
      assert.deepStrictEqual(changed(`\`${name}\``, "something"), [`docs/parity.md: no row for ${name}`])
    }
  })

  it("is caught with a row for something the reference does not have", () => {
    assert.deepStrictEqual(changed("`Create`", "`Create`, `Crate`"), ["docs/parity.md:5: the reference has no Crate"])
  })

  it("is caught with a number missing or twice", () => {
    assert.deepStrictEqual(Checks.numbering(table("| 1. a |", "| 3. c |", "| 3. d |"), "API", 3), [
      "docs/parity.md: API needs exactly one row 2",
      "docs/parity.md: API needs exactly one row 3"
    ])
  })

  it("may have bars in its cells", () => {
    assert.deepStrictEqual(table("| a \\| b | c | d | e |")[0]?.cells, ["a \\| b", "c", "d", "e"])
  })
})

describe("a test's name", () => {
  it("is found whoever declares it", () => {
    for (const callee of ["it", "it.effect", "it.live", "clusterTest", "test", "it.effect.prop"]) {
      assert.isTrue(Tests.has(`${callee}(\n  "says \\"so\\"",\n  () => {})`, "says \"so\""), callee)
    }
  })

  it("may have holes, for what stands in the same file", () => {
    const template = "for (const [what, n] of [[\"one\", 2_000]]) it(`${what} of ${n({ x })} is kept`, () => {})"
    assert.isTrue(Tests.has(template, "one of 2000 is kept"))
    assert.isFalse(Tests.has(template, "two of 2000 is kept"))
    assert.isFalse(Tests.has(template, "one of 2000 is lost"))
    assert.isTrue(Tests.has("it.each([[1, 2]])(\"sends %i of %i\", () => {})", "sends 1 of 2"))
    assert.isFalse(Tests.has("it.each([[1, 2]])(\"sends %i of %i\", () => {})", "sends 1 of 3"))
  })

  it("may come from a list in the same file", () => {
    const text = "for (const [name] of [[\"works\"], [\"fails\"]]) it(name, () => {})"
    assert.isTrue(Tests.has(text, "works"))
    assert.isFalse(Tests.has(text, "work"))
  })
})
