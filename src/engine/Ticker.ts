/**
 * A fixed-rate ticker that drops the ticks missed while a run takes longer than the interval (at most one is pending),
 * as Go's `time.Ticker` does. The first run is staggered over one interval, so that nodes started together do not speak
 * together.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Node } from "./Node.ts"

/** When a ticker sets no timer, because its ticks would do nothing. */
export interface Rest {
  readonly isIdle: () => boolean
  /** Waits until that may have changed. */
  readonly woken: Effect.Effect<void>
}

/**
 * Runs `tick` every `interval` milliseconds forever, and tells it how late its timer fired: 0 when in time, or when it
 * is late because the last run took so long. While it rests no tick is run; after that they come when they would have
 * come without the rest.
 */
export const every = Effect.fnUntraced(function*(
  node: Pick<Node, "now" | "random" | "lateBy">,
  interval: number,
  tick: (late: number) => Effect.Effect<void>,
  rest?: Rest
) {
  let next = node.now() + node.random() * interval
  for (;;) {
    if (rest?.isIdle() === true) {
      while (rest.isIdle()) yield* rest.woken
      next += Math.max(0, Math.ceil((node.now() - next) / interval)) * interval
    }
    const wait = next - node.now()
    if (wait > 0) yield* Effect.sleep(Duration.millis(wait))
    yield* tick(wait > 0 ? node.lateBy(next) : 0)
    const late = node.now() - (next + interval)
    next += interval + (late > 0 ? Math.floor(late / interval) * interval : 0)
  }
})
