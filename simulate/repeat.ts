/**
 * `npm run simulate:repeat`: explores the same seeds in two processes, and compares what they print byte for byte.
 */
import { spawnSync } from "node:child_process"
import * as Path from "node:path"

const explore = Path.join(import.meta.dirname, "explore.ts")
const what = ["--seed", "1", "--seeds", "6", "--nodes", "5", "--minutes", "1", "--log", "--keep-going"]

const once = (): Buffer => {
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    ["--conditions=effect-memberlist-source", explore, ...what, ...process.argv.slice(2)],
    { maxBuffer: 2 ** 30 }
  )
  if (status !== 0) {
    process.stderr.write(`${stdout.toString().slice(-5_000)}${stderr.toString()}exit code ${status}, no comparison\n`)
    process.exit(1)
  }
  return stdout
}

const first = once()
const second = once()
if (!first.equals(second)) {
  const at = first.findIndex((byte, i) => byte !== second[i])
  const around = (bytes: Buffer) => bytes.subarray(Math.max(0, at - 200), at + 200).toString()
  console.error(`the two runs differ at byte ${at}:\n${around(first)}\n--- the other:\n${around(second)}`)
  process.exitCode = 1
} else {
  const lines = first.toString().split("\n").length
  console.log(`two processes printed the same ${first.length} bytes, ${lines} lines`)
}
