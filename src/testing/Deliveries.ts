/**
 * Things that happen later, in time order: one fiber per distinct millisecond, not one per packet. What is due in the
 * same millisecond happens in the order it was scheduled, so a run under a virtual clock repeats exactly.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** Runs at its time, given that time in monotonic milliseconds. */
export type Delivery = (now: number) => void

/** Monotonic milliseconds. */
export const nowOf = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

export class Deliveries {
  private readonly buckets = new Map<number, Array<Delivery>>()
  private readonly scope: Scope.Scope

  /** Deliveries end with `scope`. */
  constructor(scope: Scope.Scope) {
    this.scope = scope
  }

  /** Runs `delivery` after `delay` milliseconds, rounded up to a full one; without any delay at once. */
  schedule(delay: number, delivery: Delivery): Effect.Effect<void> {
    return Clock.clockWith((clock) => {
      const now = nowOf(clock)
      const due = delay <= 0 ? now : Math.ceil(now + delay)
      if (due === now) {
        delivery(now)
        return Effect.void
      }
      const bucket = this.buckets.get(due)
      if (bucket !== undefined) {
        bucket.push(delivery)
        return Effect.void
      }
      this.buckets.set(due, [delivery])
      return Effect.forkIn(this.drain(due, due - now), this.scope, { startImmediately: true })
    })
  }

  private drain(due: number, wait: number): Effect.Effect<void> {
    const run = Clock.clockWith((clock) => {
      const bucket = this.buckets.get(due) ?? []
      this.buckets.delete(due)
      const now = nowOf(clock)
      for (const delivery of bucket) delivery(now)
      return Effect.void
    })
    // the sender may be in an uninterruptible region, which its children would inherit
    return Effect.interruptible(Effect.andThen(Effect.sleep(Duration.millis(wait)), run))
  }
}
