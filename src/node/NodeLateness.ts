/**
 * How late this Node.js process is: by the timers that the node has anyway, and by how busy the event loop was.
 * `NodeTransport.layer` brings it with it; beside a transport of your own, provide it yourself.
 *
 * Nothing is sampled, so an idle process pays nothing.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import { performance } from "node:perf_hooks"
import { Lateness } from "../Lateness.ts"

/** How old what the loop is compared with may be, in milliseconds. */
const WINDOW = 1000

/**
 * The lateness of this process.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): Lateness => {
  let before = performance.eventLoopUtilization()
  let at = -Infinity
  return {
    measure: (due, now) => {
      const late = Math.max(0, now - due)
      // what is compared with comes from before the delay
      if (late < WINDOW / 10 && now - at >= WINDOW) {
        before = performance.eventLoopUtilization()
        at = now
      }
      return late
    },
    busy: () => {
      const { active, idle, utilization } = performance.eventLoopUtilization(before)
      // Bun and Deno have the function, and measure nothing
      return active + idle > 0 ? utilization : undefined
    }
  }
}

/**
 * Each use has an answer of its own.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<never> = Layer.fresh(Layer.sync(Lateness, make))
