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

/** Runs `tick` every `interval` milliseconds forever. */
export const every = Effect.fnUntraced(function*(node: Node, interval: number, tick: Effect.Effect<void>) {
  let next = node.now() + node.random() * interval
  for (;;) {
    const wait = next - node.now()
    if (wait > 0) yield* Effect.sleep(Duration.millis(wait))
    yield* tick
    const late = node.now() - (next + interval)
    next += interval + (late > 0 ? Math.floor(late / interval) * interval : 0)
  }
})
