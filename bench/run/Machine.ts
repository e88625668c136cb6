/** The machine that measures, and how busy it is. */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { cpus, loadavg, release, totalmem, type } from "node:os"
import * as Path from "node:path"
import type { Busy, Part } from "../page/Results.ts"
import { root } from "./Stage.ts"

const git = (folder: string, ...args: ReadonlyArray<string>): string | undefined => {
  const { status, stdout } = spawnSync("git", ["-C", folder, ...args], { encoding: "utf8" })
  return status === 0 ? stdout.trim() : undefined
}

/** Returns the last commit that changed the library, with `+` when files of it have been changed since. */
export const commitOf = (folder: string): string => {
  const commit = git(folder, "log", "-1", "--format=%h", "--", "src")
  if (commit === undefined || commit === "") return "no commit"
  return git(folder, "status", "--porcelain", "--", "src") === "" ? commit : `${commit}+`
}

export const machine = () => ({
  processors: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
  memoryGB: Math.round(totalmem() / 1e8) / 10,
  system: `${type()} ${release()}`,
  node: process.versions.node,
  effect: String(JSON.parse(readFileSync(Path.join(root, "node_modules/effect/package.json"), "utf8")).version)
})

/** Processor time since the machine's start, in milliseconds: used, and in all. */
const times = () =>
  cpus().map(({ times }) => times).reduce(({ all, used }, { idle, irq, nice, sys, user }) => {
    const busy = irq + nice + sys + user
    return { used: used + busy, all: all + busy + idle }
  }, { used: 0, all: 0 })

/** Begins to watch how busy the machine is; the answer tells. */
export const watch = (part: Part, round: number): () => Busy => {
  const [load = 0] = loadavg()
  const before = times()
  return () => {
    const after = times()
    const all = after.all - before.all
    return { part, round, load, used: all === 0 ? 0 : (after.used - before.used) / all }
  }
}
