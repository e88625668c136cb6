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

/**
 * Runs `tick` every `interval` milliseconds forever, and tells it how late its timer fired: 0 when in time, or when it
 * is late because the last run took so long.
 */
export const every = Effect.fnUntraced(function*(
  node: Pick<Node, "now" | "random" | "lateBy">,
  interval: number,
  tick: (late: number) => Effect.Effect<void>
) {
  let next = node.now() + node.random() * interval
  for (;;) {
    const wait = next - node.now()
    if (wait > 0) yield* Effect.sleep(Duration.millis(wait))
    yield* tick(wait > 0 ? node.lateBy(next) : 0)
    const late = node.now() - (next + interval)
    next += interval + (late > 0 ? Math.floor(late / interval) * interval : 0)
  }
})
