import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import * as AgentProcess from "../../../src/agent/cli/commands/AgentProcess.ts"
import { VERSION } from "../../../src/agent/PackageVersion.ts"
import { run } from "../../support/CommandLine.ts"

describe("a command line that cannot work", () => {
  const cases: ReadonlyArray<readonly [line: string, told: string]> = [
    ["keygne", "unknown command \"keygne\"; did you mean keygen? (see effect-memberlist --help)"],
    ["keygen --fooo", "unknown flag --fooo (see effect-memberlist keygen --help)"],
    ["keygen --jsno", "unknown flag --jsno; did you mean --json? (see effect-memberlist keygen --help)"],
    ["keygen more", "unexpected \"more\" (see effect-memberlist keygen --help)"],
    ["keygen --bits 99", "--bits is \"99\": expected \"128\" | \"192\" | \"256\" (see effect-memberlist keygen --help)"]
  ]

  for (const [line, told] of cases) {
    it.effect(`is told in one line, with exit code 2: ${line}`, () =>
      Effect.gen(function*() {
        const { code, err, out } = yield* run(line.split(" "))
        expect({ code, err, out }).toEqual({ code: 2, err: `effect-memberlist: ${told}`, out: "" })
      }))
  }

  it.effect("is told as JSON where JSON was asked for", () =>
    Effect.gen(function*() {
      const { code, err } = yield* run(["keygen", "--json", "--bits", "99"])
      expect(code).toBe(2)
      expect(JSON.parse(err)).toMatchObject({ error: "Usage", message: expect.stringContaining("--bits is \"99\"") })
    }))

  it.effect("shows what steers a terminal as text", () =>
    Effect.gen(function*() {
      const { err } = yield* run(["\u001b[2J"])
      expect(err).not.toContain("\u001b")
    }))

  it.effect("without a command is help, and exit code 2", () =>
    Effect.gen(function*() {
      const { code, out } = yield* run([])
      expect(code).toBe(2)
      expect(out).toContain("effect-memberlist <subcommand>")
    }))
})

describe("what every command line has", () => {
  it.effect("is help, with exit code 0", () =>
    Effect.gen(function*() {
      const { code, err, out } = yield* run(["keygen", "--help"])
      expect([code, err]).toEqual([0, ""])
      expect(out).toContain("effect-memberlist keygen")
    }))

  it.effect("is help that fits a terminal, with all its words", () =>
    Effect.gen(function*() {
      const words = (text: string) => text.split(/\s+/)
      for (const line of ["", "agent", "plan", "doctor", "update-meta", "publish t", "keys use 1234"]) {
        const args = [...line.split(" "), "--help"].filter((arg) => arg !== "")
        const whole = (yield* run(args)).out
        for (const columns of [80, 40]) {
          const { out } = yield* run(args, { columns })
          expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(columns)
          expect(words(out)).toEqual(words(whole))
        }
      }
      // what all commands have is told once
      expect((yield* run(["keygen", "--help"])).out).not.toContain("--completions")
    }))

  it.effect("is help of a command by the word help", () =>
    Effect.gen(function*() {
      expect(yield* run(["help", "plan"])).toEqual(yield* run(["plan", "--help"]))
      expect(yield* run(["help"])).toEqual(yield* run(["--help"]))
    }))

  it.effect("is the version", () =>
    Effect.gen(function*() {
      expect(yield* run(["--version"])).toEqual({ code: 0, out: "1.2.3", err: "" })
      expect((yield* run(["--version", "--json"])).out).toBe("{\"version\":\"1.2.3\"}")
    }))

  for (const shell of ["bash", "zsh", "fish"]) {
    it.effect(`is a script that completes commands in ${shell}`, () =>
      Effect.gen(function*() {
        const { code, out } = yield* run(["--completions", shell])
        expect(code).toBe(0)
        expect(out).toContain("keygen")
      }))
  }
})

describe("agent", () => {
  it.effect("has a variable for each of its flags", () =>
    Effect.gen(function*() {
      const flags = ({ out }: { readonly out: string }) => [...out.matchAll(/^ +--([\w-]+)/gm)].map(([, flag]) => flag)
      const known = new Set([...flags(yield* run(["agent", "--help"])), ...flags(yield* run(["--help"]))])
      for (const flag of ["help", "version", "completions"]) expect(known.delete(flag)).toBe(true)
      expect(new Set(Object.values(AgentProcess.flags))).toEqual(known)
    }))

  it.effect("names the flag of a setting that cannot work, else its variable", () =>
    Effect.gen(function*() {
      const label = "x".repeat(256)
      const { code, err } = yield* run(["agent", "--label", label])
      expect([code, err.slice(0, 40)]).toEqual([2, expect.stringMatching(/^effect-memberlist: --label is "xxx/)])
    }))
})

describe("keygen", () => {
  for (const [bits, bytes] of [["128", 16], ["192", 24], ["256", 32]] as const) {
    it.effect(`makes a key of ${bits} bits, another each time`, () =>
      Effect.gen(function*() {
        const keys = [yield* run(["keygen", "--bits", bits]), yield* run(["keygen", "--bits", bits])]
        expect(keys.map(({ out }) => Buffer.from(out, "base64").length)).toEqual([bytes, bytes])
        expect(keys[0]?.out).not.toBe(keys[1]?.out)
      }))
  }

  it.effect("writes a file that only its owner may read, prints no key, and keeps what was there", () =>
    Effect.gen(function*() {
      const folder = mkdtempSync(Path.join(tmpdir(), "keygen-"))
      const file = Path.join(folder, "key")
      const first = yield* run(["keygen", "--out", file])
      const key = readFileSync(file, "utf8").trim()
      expect(Buffer.from(key, "base64").length).toBe(32)
      expect(first.out).not.toContain(key)
      expect(statSync(file).mode & 0o777).toBe(0o600)

      const second = yield* run(["keygen", "--out", file])
      expect([second.code, second.err.split("\n").length]).toEqual([1, 1])
      expect(readFileSync(file, "utf8").trim()).toBe(key)
      rmSync(folder, { recursive: true })
      expect(existsSync(file)).toBe(false)
      expect((yield* run(["keygen", "--out", Path.join(folder, "none", "key")])).code).toBe(1)
    }))
})

describe("simulate", () => {
  it.effect("says that it is not in the package, and where it is", () =>
    Effect.gen(function*() {
      const { code, err } = yield* run(["simulate"])
      expect([code, err]).toEqual([2, expect.stringMatching(/^[^\n]*not in the package[^\n]*npm run simulate[^\n]*$/)])
      expect((yield* run(["simulate", "--help"])).out).toContain("npm ci && npm run simulate")
      expect((yield* run(["--help"])).out).toMatch(/simulate .*not in the package/)
    }))
})

it("has the version of the package", () => {
  const manifest = JSON.parse(readFileSync("package.json", "utf8"))
  expect(VERSION).toBe(manifest.version)
})
