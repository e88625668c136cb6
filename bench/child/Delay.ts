/** How long an event loop is held up. */
import { monitorEventLoopDelay } from "node:perf_hooks"

/** How often it is looked at, in milliseconds. */
const EVERY = 1

/** The longest delay, and the most processor time that the loop's thread took between two looks; in milliseconds. */
export interface Held {
  readonly delay: number
  readonly turn: number
}

/**
 * Begins to watch; the answer tells, and ends it. The delay is what callers feel, whoever caused it: on a machine that is
 * shared, others as well. The processor time is what was our own doing.
 */
export const watch = (): () => Held => {
  const delays = monitorEventLoopDelay({ resolution: EVERY })
  let turn = 0
  let before = process.threadCpuUsage()
  const look = () => {
    const now = process.threadCpuUsage()
    turn = Math.max(turn, now.user + now.system - before.user - before.system)
    before = now
  }
  const looking = setInterval(look, EVERY)
  delays.enable()
  return () => {
    delays.disable()
    clearInterval(looking)
    look()
    return { delay: Math.max(0, delays.max / 1e6 - EVERY), turn: turn / 1000 }
  }
}
