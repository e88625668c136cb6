import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { readdirSync, readFileSync } from "node:fs"
import { MemberlistConfig } from "../../../src/MemberlistConfig.ts"

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8")
const readme = read("README.md")

/** The code blocks of a language. */
const blocks = (language: string) =>
  readme.split(`\`\`\`${language}\n`).slice(1).map((text) => text.split("```")[0] ?? "")

describe("the README", () => {
  it("shows the quick start that is compiled and run", () => {
    assert.strictEqual(blocks("ts")[0], read("examples/quickstart.ts"))
  })

  it("shows a part of the program on the modules on top as it is compiled and run", () => {
    const part = blocks("ts")[1] ?? ""
    assert.isAbove(part.length, 100)
    assert.include(read("examples/routing.ts"), part)
  })

  it("leads to every example, each of which is a test or is run by one", () => {
    const examples = readdirSync(new URL("../../../examples", import.meta.url))
    assert.deepStrictEqual(examples.filter((file) => !readme.includes(`examples/${file}`)), [])
    const runs = ["test/examples", "test/tools/docs"].flatMap((folder) =>
      readdirSync(new URL(`../../../${folder}`, import.meta.url))
        .filter((file) => file !== "Readme.test.ts")
        .map((file) => read(`${folder}/${file}`))
    )
    const isTest = (file: string) => file.endsWith(".test.ts")
    const programs = examples.filter((entry) =>
      entry.endsWith(".ts")
        ? !isTest(entry)
        : !readdirSync(new URL(`../../../examples/${entry}`, import.meta.url)).some(isTest)
    )
    assert.deepStrictEqual(programs.filter((file) => !runs.some((text) => text.includes(file))), [])
  })

  it("tells the presets as they are", () => {
    const rows = readme.split("\n").map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")))
    const told = rows.filter((cells) =>
      cells.length === 7 && cells[1] !== undefined && cells[1] in MemberlistConfig.lan
    )
    assert.strictEqual(told.length, 10)
    const number = (value: unknown, unit: string | undefined) =>
      unit === "s" ? String(Duration.toSeconds(value as Duration.Duration)) : String(value)
    for (const [, field, unit, lan, wan, local] of told) {
      const key = field as keyof typeof MemberlistConfig.lan
      assert.deepStrictEqual(
        [lan, wan, local],
        [MemberlistConfig.lan, MemberlistConfig.wan, MemberlistConfig.local].map((preset) => number(preset[key], unit)),
        field
      )
    }
  })

  it("lists every field in which the presets differ", () => {
    const { lan, local, wan } = MemberlistConfig
    const fields = Object.keys(lan) as Array<keyof typeof lan>
    const same = (a: unknown, b: unknown) => String(a) === String(b)
    for (const field of fields.filter((field) => !same(lan[field], wan[field]) || !same(lan[field], local[field]))) {
      assert.include(readme, `| \`${field}\``)
    }
  })
})
