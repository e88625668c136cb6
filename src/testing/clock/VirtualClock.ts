/**
 * A clock whose time is where somebody puts it.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { TimerHeap } from "./TimerHeap.ts"

export class VirtualClock implements Clock.Clock {
  readonly timers = new TimerHeap()
  /** Milliseconds since the start. */
  time = 0
  private nanos = 0n

  /** Moves on. Nanoseconds are added up as `TestClock` adds them, so that both read the same. */
  advance(to: number): void {
    this.nanos += BigInt(Math.round((to - this.time) * 1_000_000))
    this.time = to
  }

  currentTimeMillisUnsafe(): number {
    return this.time
  }
  currentTimeNanosUnsafe(): bigint {
    return this.nanos
  }
  monotonicTimeNanosUnsafe(): bigint {
    return this.nanos
  }
  readonly currentTimeMillis = Effect.sync(() => this.time)
  readonly currentTimeNanos = Effect.sync(() => this.nanos)
  readonly monotonicTimeNanos = Effect.sync(() => this.nanos)

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const millis = Duration.toMillis(duration)
    if (!Number.isFinite(millis)) return Effect.never
    return Effect.suspend(() => {
      if (this.time + millis <= this.time) return Effect.void
      return Effect.callback<void>((resume) => {
        const timer = this.timers.add(this.time + millis, () => resume(Effect.void))
        return Effect.sync(() => this.timers.cancel(timer))
      })
    })
  }
}
