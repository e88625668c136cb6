import { assert, describe, it } from "@effect/vitest"
import * as Checks from "../../../scripts/parity/checks.ts"
import { type Parity, parse, type Row } from "../../../scripts/parity/data.ts"
import * as Page from "../../../scripts/parity/page.ts"

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

const shown = [["test/a.test.ts", "works"]] as const
const collected = [{ file: "test/a.test.ts", name: "a > works" }, { file: "test/a.test.ts", name: "works > fails" }]

const complete = [
  { memberlist: "`Create`, `Node`", ours: "`make`", shown },
  { memberlist: "`Node.Address`", ours: "`address`", shown, difference: "another type" },
  { memberlist: "`Config.Name`, `StateAlive`", ours: "`name`", shown: [...shown, ...shown] },
  { memberlist: "`memberlist.tcp.accept`", ours: "same", shown },
  { memberlist: "`TestProbe`", ours: "none", difference: "it tests a detail of Go" }
] satisfies ReadonlyArray<Row>

const parityOf = (rows: ReadonlyArray<Row>): Parity => new Map([["api", { title: "API", rows }]])

/** Everything the script would say about these entries. */
const complaints = (rows: ReadonlyArray<Row>) => {
  const parity = parityOf(rows)
  return [...Checks.promises(parity), ...Checks.tests(parity, collected), ...Checks.coverage(parity, upstream)]
}

/** What it would say with one entry changed. */
const changed = (index: number, change: Partial<Row>) =>
  complaints(complete.map((row, i) => i === index ? { ...row, ...change } : row))

describe("the entries of parity", () => {
  it("pass when every entry is full and every test is there", () => {
    assert.deepStrictEqual(complaints(complete), [])
  })

  it("are caught naming a file that does not exist", () => {
    assert.deepStrictEqual(changed(1, { shown: [["test/b.test.ts", "works"]] }), [
      "docs/parity/api.json: `Node.Address`: there is no test file test/b.test.ts"
    ])
  })

  it("are caught naming a test that does not exist, or one by half of its name", () => {
    for (const name of ["work", "orks", "a > work", "a"]) {
      assert.deepStrictEqual(changed(1, { shown: [["test/a.test.ts", name]] }), [
        `docs/parity/api.json: \`Node.Address\`: test/a.test.ts has no test "${name}"`
      ])
    }
  })

  it("may name the groups of a test", () => {
    assert.deepStrictEqual(changed(1, { shown: [["test/a.test.ts", "a > works"]] }), [])
  })

  it("are caught showing nothing for what we have", () => {
    assert.deepStrictEqual(changed(4, { ours: "something" }), [
      "docs/parity/api.json: `TestProbe`: names no test; \"shown\" is [[\"test/…\", \"name\"]]"
    ])
  })

  it("are caught promising", () => {
    const not = ["not", "yet"].join(" ")
    assert.deepStrictEqual(changed(4, { difference: `${not} there` }), [
      `docs/parity/api.json: \`TestProbe\`: says "${not}"; an entry tells what is`
    ])
    assert.deepStrictEqual(changed(0, { ours: `the state \`${not}\`` }), [])
  })

  it("are caught without something the reference has, of whatever kind", () => {
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
      const rows = complete.map((row) => ({ ...row, memberlist: row.memberlist.replace(`\`${name}\``, "something") }))
      assert.deepStrictEqual(complaints(rows), [`docs/parity: no entry for ${name}`])
    }
  })

  it("are caught with something the reference does not have", () => {
    assert.deepStrictEqual(changed(0, { memberlist: "`Create`, `Node`, `Crate`" }), [
      "docs/parity/api.json: `Create`, `Node`, `Crate`: the reference has no Crate"
    ])
  })

  it("are refused when a text is empty, a part is missing or one is unknown", () => {
    const read = (row: object | undefined) => () => parse("api", JSON.stringify({ title: "API", rows: [row] }))
    assert.doesNotThrow(read(complete[1]))
    assert.throws(read({ memberlist: "`Create`", ours: "" }), /docs\/parity\/api\.json: .*\n.*"ours"/)
    assert.throws(read({ memberlist: "`Create`" }), /"ours"/)
    assert.throws(read({ ...complete[1], show: shown }), /"show"/)
    assert.throws(read({ ...complete[1], shown: ["test/a.test.ts"] }), /"shown"/)
  })
})

describe("the pages of parity", () => {
  const page = Page.page("api", { title: "API", rows: complete })

  it("say of each entry what differs, what stands in for what is missing, and the tests by file", () => {
    assert.include(
      page,
      "- `Node.Address` → `address`\n  - differs: another type\n  - `test/a.test.ts`: `works`"
    )
    assert.include(page, "- `TestProbe` → none\n  - instead: it tests a detail of Go\n")
    assert.include(page, "- `test/a.test.ts`: `works`, `works`\n")
  })

  it("number the entries that are referred to by number, and group those of one file", () => {
    const rows = complete.map((row, i) => i < 2 ? row : { ...row, file: "state_test.go" })
    assert.include(
      Page.page("api", { title: "API", numbered: true, rows }),
      "\n2. `Node.Address` → `address`\n   - why: "
    )
    assert.include(Page.page("api", { title: "API", rows }), "## state_test.go\n\n- `Config.Name`, `StateAlive` → ")
  })

  it("are counted in the index", () => {
    const index = Page.index(parityOf(complete))
    assert.include(
      index,
      "[API](parity/api.md): 5 entries, 1 with a difference on purpose, 1 without a counterpart"
    )
  })

  it("are caught when the data says something else, or when they are missing", () => {
    const expected = Page.pages(parityOf(complete))
    assert.deepStrictEqual(Checks.pages(expected, (file) => expected.get(file)), [])
    assert.deepStrictEqual(
      Checks.pages(expected, (file) => file === "docs/parity.md" ? expected.get(file) : undefined),
      ["docs/parity/api.md is not what its data says: npm run write-parity"]
    )
    assert.lengthOf(Checks.pages(expected, () => "other"), 2)
  })
})
