import { assert, describe, it } from "@effect/vitest"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Arguments, namesOf } from "../../../simulate/running/Arguments.ts"

const USAGE = "npm run measure [-- options]\n"

class Ended extends Error {
  override readonly name = "Ended"
}

/** What a command gets from its options, or how it ended and what it said. */
const running = <A>(command: (args: Arguments) => A) => {
  const said = { stdout: "", stderr: "" }
  let code: number | undefined
  const args = new Arguments(USAGE, {
    stdout: { write: (text) => (said.stdout += text) },
    stderr: { write: (text) => (said.stderr += text) },
    exit: (with_) => {
      code = with_
      throw new Ended()
    }
  })
  try {
    return { got: command(args), code, ...said }
  } catch (error) {
    if (!(error instanceof Ended)) throw error
    return { got: undefined, code, ...said }
  }
}

/** What is refused with this message. */
const refused = (message: string) => ({ got: undefined, code: 2, stdout: "", stderr: `${message}\n\n${USAGE}` })

describe("the options of a simulation command", () => {
  const options = { runs: { type: "string", default: "5" }, write: { type: "boolean", default: false } } as const

  it("are read with their defaults", () => {
    const { got } = running((args) => args.parse({ args: ["--write", "10"], allowPositionals: true, options }))
    assert.deepStrictEqual({ ...got?.values }, { runs: "5", write: true })
    assert.deepStrictEqual(got?.positionals, ["10"])
  })

  it("are refused with the usage and exit code 2 where there is no such option", () => {
    const { code, stderr } = running((args) => args.parse({ args: ["--nonsense"], options }))
    assert.strictEqual(code, 2)
    assert.match(stderr, /'--nonsense'/)
    assert.isTrue(stderr.endsWith(`\n\n${USAGE}`))
  })

  it("are explained where that is an option, and the command ends well", () => {
    const help = { type: "boolean" } as const
    const explained = { got: undefined, code: 0, stdout: USAGE, stderr: "" }
    assert.deepStrictEqual(
      running((args) => args.parse({ args: ["--help"], options: { ...options, help } })),
      explained
    )
    assert.strictEqual(running((args) => args.parse({ args: ["--help"], options })).code, 2)
    assert.strictEqual(running((args) => args.parse({ args: [], options: { ...options, help } })).code, undefined)
  })

  it("are whole numbers in their range", () => {
    const whole = (value: string, most?: number) => running((args) => args.whole("runs", value, 1, most))
    assert.deepStrictEqual(["1", "256"].map((value) => whole(value, 256).got), [1, 256])
    assert.strictEqual(whole("1000000").got, 1_000_000)
    for (const value of ["0", "257", "1.5", "many", ""]) {
      assert.deepStrictEqual(whole(value, 256), refused(`--runs ${value}: expected a whole number from 1 to 256`))
    }
    assert.deepStrictEqual(whole("0"), refused("--runs 0: expected a whole number from 1"))
    assert.strictEqual(whole("Infinity").code, 2)
  })

  it("are known names, separated by commas", () => {
    const known = namesOf({ up: 1, down: 2, left: 3 })
    const named = (value: string) => running((args) => args.named("only", value, known))
    assert.deepStrictEqual(named("down, up").got, ["down", "up"])
    assert.deepStrictEqual(named("up,right,toString"), refused("--only right,toString: there is up, down, left"))
    assert.strictEqual(named("").code, 2)
  })
})

describe("the sizes of a simulation command", () => {
  const sizes = (...values: ReadonlyArray<string>) => running((args) => args.sizes(values, [10, 100]))

  it("are the usual ones unless others are given", () => {
    assert.deepStrictEqual(sizes().got, [10, 100])
    assert.deepStrictEqual(sizes("4", "10000").got, [4, 10_000])
  })

  it("are from 4 to 10,000 members", () => {
    for (const values of [["3"], ["10", "10001"], ["10", "many"]]) {
      assert.deepStrictEqual(
        sizes(...values),
        refused(`sizes ${values.join(" ")}: expected whole numbers from 4 to 10000`)
      )
    }
  })
})

describe("a folder that an option asks for", () => {
  it("is made, and refused where it cannot be", () => {
    const folder = mkdtempSync(join(tmpdir(), "arguments-"))
    try {
      const made = join(folder, "a/b")
      assert.strictEqual(running((args) => args.folder("out", made, made)).code, undefined)
      assert.isTrue(existsSync(made))
      writeFileSync(join(folder, "file"), "")
      const { code, stderr } = running((args) => args.folder("out", "a.md", join(folder, "file/a")))
      assert.strictEqual(code, 2)
      assert.match(stderr, /^--out a\.md: ENOTDIR/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
