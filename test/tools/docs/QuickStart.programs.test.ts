import { assert, describe, it, onTestFinished } from "@effect/vitest"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import { follow, steps } from "../../../scripts/package/guide.ts"
import { freePorts } from "../../../scripts/ports.ts"

const root = Path.resolve(import.meta.dirname, "../../..")
const read = (file: string) => readFileSync(Path.join(root, file), "utf8")
const page = read("docs/quick-start.md")

/**
 * An npm that has everything: it makes no package and downloads none, but links what this repository has installed, with
 * the library as it is in src. All else is npm's. (`npm run check-package` follows the page with npm itself.)
 */
const linkingNpm = (npm: string) =>
  `#!/bin/sh
set -e
case "$1" in
  ci | pack) ;;
  install)
    mkdir -p node_modules/@effect
    ln -s "${root}" node_modules/effect-memberlist
    ln -s "${root}/node_modules/effect" node_modules/effect
    ln -s "${root}/node_modules/@effect/platform-node" node_modules/@effect/platform-node
    ;;
  *) exec "${npm}" "$@" ;;
esac
`

describe("the quick start", () => {
  it("shows the program that is compiled", () => {
    const written = steps(page).filter((step) => step._tag === "Write")
    assert.deepStrictEqual(written, [{ _tag: "Write", file: "main.ts", text: read("examples/quickstart.ts") }])
  })

  it("goes as it is told, from an empty folder to a failure: every command, and everything that is shown", async () => {
    const folder = mkdtempSync(Path.join(tmpdir(), "quick-start-"))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const bin = Path.join(folder, "bin")
    mkdirSync(bin)
    const npm = (process.env["PATH"] ?? "").split(Path.delimiter).map((path) => Path.join(path, "npm"))
      .find((path) => existsSync(path))
    writeFileSync(Path.join(bin, "npm"), linkingNpm(npm ?? "npm"))
    chmodSync(Path.join(bin, "npm"), 0o755)
    // a machine on which tests run beside each other has other free ports
    const [a = 0, b = 0] = await freePorts(2)
    const here = page.replaceAll("7946", `${a}`).replaceAll("7947", `${b}`)
    await follow(steps(here), {
      clone: root,
      folder,
      patience: 30_000,
      env: {
        ...process.env,
        NO_COLOR: "1",
        NODE_OPTIONS: "--conditions=effect-memberlist-source",
        PATH: [bin, Path.dirname(process.execPath), process.env["PATH"]].join(Path.delimiter)
      }
    })
  })
})
