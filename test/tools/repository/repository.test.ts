import { assert, describe, it } from "@effect/vitest"
import { readdirSync } from "node:fs"
import * as Checks from "../../../scripts/repository/checks.ts"
import * as Report from "../../../scripts/repository/report.ts"

const lock = (packages: object) => JSON.stringify({ packages })
const manifest = (fields: object) => JSON.stringify(fields)

// Put together here, so that the check does not find them in this file.
const home = ["", "home", "ada", "project"].join("/")
const temporary = ["", "tmp", "x1"].join("/")

describe("lockFile", () => {
  const good = {
    "": { dependencies: { a: "1" } },
    "node_modules/a": { integrity: "sha512-a", optionalDependencies: { b: "1" } },
    "node_modules/a/node_modules/b": { integrity: "sha512-b", hasInstallScript: true }
  }

  it("accepts a complete lock file without registry addresses", () => {
    assert.deepStrictEqual(Checks.lockFile(lock(good), manifest({ allowScripts: { b: false } })), [])
  })

  it("finds a package of another platform that the lock file leaves out", () => {
    const { "node_modules/a/node_modules/b": _, ...short } = good
    assert.deepStrictEqual(Checks.lockFile(lock(short), manifest({})), [
      "package-lock.json: b, needed by node_modules/a, is missing"
    ])
  })

  it("finds a package that is only installed where its user cannot see it", () => {
    const hidden = {
      "": { dependencies: { b: "1" } },
      "node_modules/a/node_modules/b": { integrity: "sha512-b" }
    }
    assert.deepStrictEqual(Checks.lockFile(lock(hidden), manifest({})), [
      "package-lock.json: b, needed by us, is missing"
    ])
  })

  it("finds a registry address, a missing hash and an undecided install script", () => {
    const bad = {
      "": {},
      "node_modules/a": { resolved: "https://registry.example/a.tgz", integrity: "sha512-a" },
      "node_modules/b": {},
      "node_modules/@c/c": { integrity: "sha512-c", hasInstallScript: true }
    }
    assert.deepStrictEqual(Checks.lockFile(lock(bad), manifest({})), [
      "package-lock.json: node_modules/a names where it came from: https://registry.example/a.tgz",
      "package-lock.json: node_modules/b has no integrity hash",
      "package.json: allowScripts says nothing about the install script of @c/c"
    ])
  })
})

describe("readme", () => {
  it("asks for the two commands from a clone to a running cluster", () => {
    assert.deepStrictEqual(Checks.readme("`npm ci && npm run demo`\n"), [])
    assert.deepStrictEqual(Checks.readme("`npm run demo`\n"), ["README.md: the command \"npm ci\" is missing"])
  })
})

describe("commands", () => {
  it("finds a script and a file that do not exist", () => {
    const text = "`npm run demo`, `npm run dance`, `npm exec -- node examples/a.ts`, `node examples/b.ts`"
    assert.deepStrictEqual(
      Checks.commands("README.md", text, manifest({ scripts: { demo: "" } }), new Set(["examples/a.ts"])),
      ["README.md: there is no script \"dance\"", "README.md: there is no file examples/b.ts"]
    )
  })
})

describe("links", () => {
  it("finds a link and an image that lead nowhere, from where the document is", () => {
    const text = "[a](a.md#part) [b](../b.md) [c](<../c.md>) ![d](d.svg) <img src=\"e.svg\"> [f](f/g.ts)"
    assert.deepStrictEqual(Checks.links("docs/x.md", text, ["docs/a.md", "b.md", "docs/d.svg"]), [
      "docs/x.md: links to c.md, which is not there",
      "docs/x.md: links to docs/e.svg, which is not there",
      "docs/x.md: links to docs/f/g.ts, which is not there"
    ])
  })

  it("leaves addresses elsewhere and parts of the same page alone", () => {
    assert.deepStrictEqual(Checks.links("x.md", "[a](https://example.com) [b](#part) [c](mailto:a@b.c)", []), [])
  })
})

describe("index", () => {
  const files = [
    "docs/README.md",
    "docs/a.md",
    "docs/papers/README.md",
    "docs/parity/api.md",
    "docs/a.svg",
    "README.md"
  ]

  it("finds a document that the index does not link, and leaves the parts of another to that", () => {
    assert.deepStrictEqual(Checks.index("[a](a.md) and [p](papers/README.md#x)", files), [])
    assert.deepStrictEqual(Checks.index("[a](b.md)", files), [
      "docs/README.md: no link to docs/a.md",
      "docs/README.md: no link to docs/papers/README.md"
    ])
  })
})

describe("machinePaths", () => {
  it("finds home folders, temporary folders and the checkout itself", () => {
    assert.lengthOf(Checks.machinePaths("a.ts", `"${home}/x" '${temporary}'`, "/somewhere/here"), 2)
    assert.lengthOf(Checks.machinePaths("a.ts", "see /somewhere/here/src", "/somewhere/here"), 1)
  })

  it("lets addresses and relative paths be", () => {
    assert.deepStrictEqual(
      Checks.machinePaths("a.ts", `https://example.com${home} ..${temporary}`, "/somewhere/here"),
      []
    )
  })
})

describe("suppressions", () => {
  it("accepts one with a name and a reason", () => {
    assert.deepStrictEqual(Checks.suppressions("a.ts", "// oxlint-disable-next-line unicorn/x -- it is sorted"), [])
  })

  it("refuses one without a name or a reason, and any of a rule of the project", () => {
    assert.lengthOf(Checks.suppressions("a.ts", "// oxlint-disable-next-line unicorn/x"), 1)
    assert.lengthOf(Checks.suppressions("a.ts", "// eslint-disable"), 1)
    assert.lengthOf(Checks.suppressions("a.ts", "// oxlint-disable-line layers/imports -- just this once"), 1)
    assert.lengthOf(Checks.suppressions("a.ts", "// oxlint-disable-line no-restricted-globals -- a clock"), 1)
  })
})

describe("count", () => {
  const summary = (files: string, tests: string) =>
    ` \u001B[2mTest Files \u001B[22m ${files}\n\u001B[2m      Tests \u001B[22m ${tests}\n   Start at  04:22:31\n`

  it("sums the runs of vitest in an output", () => {
    const output = summary("2 failed | 4 passed (6)", "\u001B[31m1 failed\u001B[39m | 160 passed | 1 skipped (162)") +
      "the Tests  99 passed (99) of a story\n" + summary("1 passed (1)", "7 passed (7)")
    assert.deepStrictEqual(Report.count(output), { passed: 167, failed: 1 })
  })

  it("does not take silence for success", () => {
    assert.isUndefined(Report.count("npm error Missing script\n"))
    assert.isUndefined(Report.count(summary("1 failed (1)", "no tests")))
    assert.isUndefined(Report.count(summary("1 skipped (1)", "3 skipped (3)")))
  })

  it("repeats what failed, and the end of what has no tests", () => {
    const failed =
      "\u001B[31m⎯⎯⎯ Failed Tests 1 ⎯⎯⎯\u001B[39m\n\n FAIL  a.test.ts > a > b\nAssertionError: 1\n⎯⎯[1/1]⎯\n\n"
    assert.strictEqual(
      Report.failures(` ✓ c\n${failed}${summary("1 failed (1)", "1 failed | 2 passed (3)")}`).trimEnd(),
      "⎯⎯⎯ Failed Tests 1 ⎯⎯⎯\n\n FAIL  a.test.ts > a > b\nAssertionError: 1\n⎯⎯[1/1]⎯"
    )
    assert.match(Report.failures(`${"x".repeat(10_000)} too slow\n`), /^x{5991} too slow$/)
  })

  it("names every failed test, however many there are and how long they are told of", () => {
    const names = Array.from({ length: 40 }, (_, i) => ` FAIL  a.test.ts > number ${i}.`)
    const told = names.map((name) => `${name}\n${"difference\n".repeat(50)}`).join("\n")
    const output = `⎯⎯ Failed Tests 40 ⎯⎯\n\n${told}\n${summary("1 failed (1)", "40 failed (40)")}`
    for (const name of names) assert.include(Report.failures(output), name)
  })

  it("names the tests that failed before a run was ended", () => {
    const output = ` ❯  unit  a.test.ts (2 tests | 1 failed) 14ms\n     × says its name 12ms\n${
      " ✓ b.test.ts (1 test) 1ms\n".repeat(500)
    }`
    assert.match(Report.failures(output), /^ ❯  unit  a\.test\.ts .*\n {5}× says its name 12ms\n\n/)
  })
})

describe("the tests", () => {
  it("keep their helpers in one folder, which has no test", () => {
    const files = readdirSync(new URL("../..", import.meta.url), { encoding: "utf8", recursive: true })
      .filter((file) => file.endsWith(".ts"))
    const helps = (file: string) => file.startsWith("support")
    assert.isAbove(files.filter(helps).length, 5)
    assert.deepStrictEqual(files.filter((file) => helps(file) === file.endsWith(".test.ts")), [])
  })
})
