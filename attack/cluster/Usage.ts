/** What a process costs, seen from outside. Where there is no /proc, nothing is known. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"

export interface Usage {
  readonly cpuSeconds: number
  /** MiB now, and at most so far. */
  readonly memory: number
  readonly peakMemory: number
}

const ticksPerSecond = ((): number => {
  try {
    return Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" })) || 100
  } catch {
    return 100
  }
})()

export const usageOf = (pid: number): Usage | undefined => {
  try {
    return parse(readFileSync(`/proc/${pid}/stat`, "utf8"), readFileSync(`/proc/${pid}/status`, "utf8"), ticksPerSecond)
  } catch {
    return undefined
  }
}

/** From the texts of /proc/<pid>/stat and /proc/<pid>/status. */
export const parse = (stat: string, status: string, ticks: number): Usage => {
  // the second field is the program's name in parentheses, which may hold spaces
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0)
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticks,
    memory: kib("VmRSS") / 1024,
    peakMemory: kib("VmHWM") / 1024
  }
}
