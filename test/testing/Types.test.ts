/** What the declarations of `effect-memberlist/testing` name, as a consumer's compiler reads them. */
import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"

const root = Path.resolve(import.meta.dirname, "../..")

/** The declarations as they would be published, by the path of their source in `src`. */
const declarations = (): ReadonlyMap<string, string> => {
  const folder = mkdtempSync(Path.join(tmpdir(), "declarations-"))
  try {
    const tsc = Path.join(root, "node_modules/typescript/bin/tsc")
    const options = ["--emitDeclarationOnly", "--declarationMap", "false", "--outDir", folder]
    execFileSync(process.execPath, [tsc, "-p", Path.join(root, "tsconfig.build.json"), ...options])
    const files = readdirSync(folder, { encoding: "utf8", recursive: true }).filter((file) => file.endsWith(".d.ts"))
    return new Map(files.map((file) => [
      file.replaceAll(Path.sep, "/").replace(/\.d\.ts$/, ".ts"),
      readFileSync(Path.join(folder, file), "utf8")
    ]))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The files of `src` that a file names, in imports of every form. */
const named = (file: string, text: string): ReadonlyArray<string> =>
  [...text.matchAll(/(?:\bfrom|\bimport\()\s*"(\.[^"]+)"/g)].map(([, target = ""]) =>
    Path.posix.join(Path.posix.dirname(file), target)
  )

const isOfKit = (file: string) => file.startsWith("testing/")
const isInternal = (file: string) => /^(engine|swim|wire)\//.test(file)

/** Which internals the files of the kit name that are reached from one of them. */
const internals = (entry: string, texts: ReadonlyMap<string, string>): ReadonlyArray<string> => {
  const found: Array<string> = []
  const files = new Set([entry])
  // a set also goes through what is added on the way
  for (const file of files) {
    for (const target of named(file, texts.get(file) ?? "")) {
      if (isOfKit(target)) files.add(target)
      if (isInternal(target)) found.push(`${file} names ${target}`)
    }
  }
  return found
}

describe("the types of the test kit", () => {
  it("name no type of the engine, the rules or the bytes", () => {
    const texts = declarations()
    assert.include(texts.get("testing/index.ts"), "./checks/Observation.ts")
    assert.deepStrictEqual(internals("testing/index.ts", texts), [])
    // what is not exported names them, and would be found
    assert.deepStrictEqual(internals("testing/checks/Bounds.ts", texts), [
      "testing/checks/Bounds.ts names engine/StepObserver.ts"
    ])
    assert.notInclude(texts.get("testing/checks/Observation.ts"), "stepOf")
  })
})

describe("the engine's observer", () => {
  it("is below the node that it observes, in types too", () => {
    const files = new Set(["engine/StepObserver.ts"])
    for (const file of files) {
      for (const target of named(file, readFileSync(Path.join(root, "src", file), "utf8"))) files.add(target)
    }
    assert.include([...files], "engine/Work.ts")
    assert.notInclude([...files], "engine/Node.ts")
  })
})
