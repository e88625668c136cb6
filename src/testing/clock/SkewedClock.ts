/**
 * A clock that differs from the one it stands on: it runs faster or slower, and leaps ahead. Give each node of a test
 * its own, and their notions of time drift apart as those of real machines do.
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { SkewedClock } from "effect-memberlist/testing"
 *
 * const fast = Layer.unwrap(Effect.map(SkewedClock.make({ rate: 1.1 }), SkewedClock.layer))
 * ```
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"

/**
 * How a clock differs.
 *
 * @category models
 * @since 0.1.0
 */
export interface Skew {
  /** How far ahead it is from now on, in milliseconds; monotonic clocks never go back, so at least 0. */
  readonly leap?: number | undefined
  /** How many times as fast it runs, above 0. */
  readonly rate?: number | undefined
}

/**
 * A clock with a skew that may be changed while it runs.
 *
 * @category models
 * @since 0.1.0
 */
export class SkewedClock implements Clock.Clock {
  private readonly base: Clock.Clock
  private rate = 1
  /** Both clocks at the last change of the skew, and how far ahead ours was then. */
  private since: bigint
  private ahead = 0n
  /** Closed while the program stands still; several stalls may overlap. */
  private readonly running = Latch.makeUnsafe(true)
  private stalls = 0
  readonly currentTimeMillis: Effect.Effect<number> = Effect.sync(() => this.currentTimeMillisUnsafe())
  readonly currentTimeNanos: Effect.Effect<bigint> = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos: Effect.Effect<bigint> = Effect.sync(() => this.monotonicTimeNanosUnsafe())

  constructor(base: Clock.Clock) {
    this.base = base
    this.since = base.monotonicTimeNanosUnsafe()
  }

  /** Nanoseconds ahead of the base. */
  private lead(): bigint {
    if (this.rate === 1) return this.ahead
    const elapsed = Number(this.base.monotonicTimeNanosUnsafe() - this.since)
    return this.ahead + BigInt(Math.round(elapsed * (this.rate - 1)))
  }

  /** Changes the skew from now on; a leap is added to what it is ahead already. */
  set({ leap = 0, rate = this.rate }: Skew): void {
    if (!(leap >= 0 && rate > 0 && Number.isFinite(leap) && Number.isFinite(rate))) {
      throw new RangeError(`skew of ${leap} ms at rate ${rate}; expected a leap of at least 0 and a rate above 0`)
    }
    this.ahead = this.lead() + BigInt(Math.round(leap * 1e6))
    this.since = this.base.monotonicTimeNanosUnsafe()
    this.rate = rate
  }

  /** The program stands still from now on, as one whose event loop is blocked: time passes, and no timer fires. */
  stall(): void {
    this.stalls++
    this.running.closeUnsafe()
  }

  /** It runs again, and what was due meanwhile fires now. */
  resume(): void {
    if (--this.stalls === 0) this.running.openUnsafe()
  }

  currentTimeMillisUnsafe(): number {
    return this.base.currentTimeMillisUnsafe() + Number(this.lead()) / 1e6
  }
  currentTimeNanosUnsafe(): bigint {
    return this.base.currentTimeNanosUnsafe() + this.lead()
  }
  monotonicTimeNanosUnsafe(): bigint {
    return this.base.monotonicTimeNanosUnsafe() + this.lead()
  }

  /** Never too short by our own time, although the skew may change meanwhile; as long as it was, if the clock leaps. */
  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const millis = Duration.toMillis(duration)
    if (!Number.isFinite(millis)) return Effect.never
    const until = (end: bigint): Effect.Effect<void> =>
      Effect.suspend(() => {
        const left = Number(end - this.monotonicTimeNanosUnsafe()) / 1e6
        if (left <= 0) return this.running.isOpen() ? Effect.void : this.running.await
        return Effect.andThen(this.base.sleep(Duration.millis(left / this.rate + 1e-5)), until(end))
      })
    return Effect.suspend(() => {
      const nanos = BigInt(Math.round(millis * 1e6))
      return this.rate === 1
        ? Effect.andThen(this.base.sleep(duration), until(this.monotonicTimeNanosUnsafe() + nanos))
        : until(this.monotonicTimeNanosUnsafe() + nanos)
    })
  }
}

/**
 * A clock on top of the one in force here.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (skew: Skew = {}): Effect.Effect<SkewedClock> =>
  Effect.map(Clock.Clock, (base) => {
    const clock = new SkewedClock(base)
    clock.set(skew)
    return clock
  })

/**
 * Gives a node a clock: provide it to the node's layer and to its transport's.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (clock: SkewedClock): Layer.Layer<never> => Layer.succeed(Clock.Clock, clock)
