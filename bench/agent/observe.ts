/** Loaded before an agent: answers its parent, by messages, what the process costs and how late its timers are. */
import { monitorEventLoopDelay } from "node:perf_hooks"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/** How often the loop is looked at, in milliseconds. */
const EVERY = 10

/** What is answered; each answer begins a new stretch. */
export interface Observed {
  /** Milliseconds of processor time so far. */
  readonly cpu: number
  /** Megabytes. */
  readonly resident: number
  readonly heap: number
  readonly delay: { readonly count: number; readonly p50: number; readonly p99: number; readonly max: number }
}

const delays = monitorEventLoopDelay({ resolution: EVERY })
delays.enable()
const late = (nanos: number): number => Math.max(0, nanos / 1e6 - EVERY)

const observed = (): Observed => {
  const { system, user } = process.cpuUsage()
  const { heapUsed, rss } = process.memoryUsage()
  const delay = {
    count: delays.count,
    p50: late(delays.percentile(50)),
    p99: late(delays.percentile(99)),
    max: late(delays.max)
  }
  delays.reset()
  return { cpu: (system + user) / 1000, resident: rss / 1e6, heap: heapUsed / 1e6, delay }
}

/** Megabytes of the heap that are still there after a full collection. */
const held = (): number => {
  setFlagsFromString("--expose-gc")
  runInNewContext("gc")()
  return process.memoryUsage().heapUsed / 1e6
}

process.on("message", (asked) => void process.send?.(asked === "held" ? { held: held() } : { observed: observed() }))
// whoever started it was killed
process.on("disconnect", () => process.exit(1))
// it is the agent that decides when the process ends
process.channel?.unref()
