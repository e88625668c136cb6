import { assert, describe, it } from "@effect/vitest"
import * as Checks from "../../../scripts/parity/checks.ts"
import * as Document from "../../../scripts/parity/document.ts"

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
const collected = [{ file: "test/a.test.ts", name: "a > works" }, { file: "test/a.test.ts", name: "works > fails" }]

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
  return [...Checks.cells(rows), ...Checks.tests(rows, collected), ...Checks.coverage(rows, upstream)]
}

/** The complete table with one line changed. */
const changed = (from: string, to: string) => complaints(...complete.map((line) => line.replace(from, to)))

describe("the parity table", () => {
  it("passes when every row is full and every test is there", () => {
    assert.deepStrictEqual(complaints(...complete), [])
  })

  it("is caught naming a file that does not exist", () => {
    assert.deepStrictEqual(changed("`test/a.test.ts`", "`test/b.test.ts`").slice(0, 1), [
      "docs/parity.md:5: there is no test file test/b.test.ts"
    ])
  })

  it("is caught naming a test that does not exist, or one by half of its name", () => {
    for (const name of ["work", "orks", "a > work", "a"]) {
      assert.deepStrictEqual(changed("› `works`", `› \`${name}\``).slice(0, 1), [
        `docs/parity.md:5: test/a.test.ts has no test "${name}"`
      ])
    }
  })

  it("may name the groups of a test", () => {
    assert.deepStrictEqual(changed("› `works`", "› `a > works`"), [])
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
