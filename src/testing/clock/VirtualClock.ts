/**
 * A clock whose time is where somebody puts it.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type Timer, TimerHeap } from "./TimerHeap.ts"

/** Numbers are exact as far as this, and so is the sum of two. */
const MAX_PASSED = 2 ** 52

export class VirtualClock implements Clock.Clock {
  readonly timers = new TimerHeap()
  /** Milliseconds since the start. */
  time = 0
  private nanos = 0n
  /** Nanoseconds that passed since somebody read them. */
  private passed = 0

  /** Moves on. Nanoseconds are added up as `TestClock` adds them, so that both read the same. */
  advance(to: number): void {
    this.passed += Math.round((to - this.time) * 1_000_000)
    this.time = to
    if (this.passed > MAX_PASSED) this.read()
  }

  private read(): bigint {
    if (this.passed > 0) {
      this.nanos += BigInt(this.passed)
      this.passed = 0
    }
    return this.nanos
  }

  currentTimeMillisUnsafe(): number {
    return this.time
  }
  currentTimeNanosUnsafe(): bigint {
    return this.read()
  }
  monotonicTimeNanosUnsafe(): bigint {
    return this.read()
  }
  readonly currentTimeMillis = Effect.sync(() => this.time)
  readonly currentTimeNanos = Effect.sync(() => this.read())
  readonly monotonicTimeNanos = Effect.sync(() => this.read())

  /** Calls `fire` when such a sleep would end, without a fiber; `undefined` where that is not later: not at all. */
  alarm(duration: Duration.Duration, fire: () => void): Timer | undefined {
    const at = this.time + Duration.toMillis(duration)
    return at > this.time && Number.isFinite(at) ? this.timers.add(at, fire) : undefined
  }

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
