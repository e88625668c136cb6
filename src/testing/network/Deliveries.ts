/**
 * Things that happen later, in time order: one timer per distinct millisecond, not one per packet. What is due in the
 * same millisecond happens in the order it was scheduled, so a run under a virtual clock repeats exactly.
 *
 * The test kit's own clock is asked for the timer itself, at the same place in its order as a fiber's sleep; by any
 * other clock a fiber sleeps.
 *
 * Time is the network's own, whatever clock the fiber that sends goes by.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { VirtualClock } from "../clock/VirtualClock.ts"

/** Runs at its time, given that time in monotonic milliseconds. */
export type Delivery = (now: number) => void

/** Monotonic milliseconds. */
export const nowOf = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

export class Deliveries {
  private readonly buckets = new Map<number, Array<Delivery>>()
  private readonly scope: Scope.Scope
  private readonly clock: Clock.Clock

  /** Deliveries end with `scope`. */
  constructor(scope: Scope.Scope, clock: Clock.Clock) {
    this.scope = scope
    this.clock = clock
  }

  /** Monotonic milliseconds. */
  now(): number {
    return nowOf(this.clock)
  }

  /** Waits, by the network's clock. */
  sleep(millis: number): Effect.Effect<void> {
    return this.clock.sleep(Duration.millis(millis))
  }

  /** Runs `delivery` after `delay` milliseconds, rounded up to a full one; without any delay at once. */
  schedule(delay: number, delivery: Delivery): Effect.Effect<void> {
    return Effect.suspend(() => {
      const now = this.now()
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
      return this.wake(due, Duration.millis(due - now))
    })
  }

  /** Runs an effect beside whoever asks for it, from now on, and ends it with the network. */
  run(effect: Effect.Effect<void>): Effect.Effect<void> {
    // the sender may be in an uninterruptible region, which its children would inherit
    return Effect.asVoid(Effect.forkIn(Effect.interruptible(effect), this.scope, { startImmediately: true }))
  }

  /** Has what is due then happen after so long. */
  private wake(due: number, wait: Duration.Duration): Effect.Effect<void> {
    const { clock, scope } = this
    const drain = () => this.drain(due)
    if (clock instanceof VirtualClock) {
      const open = () => scope.state._tag !== "Closed"
      if (open() && clock.alarm(wait, () => open() && drain()) !== undefined) return Effect.void
    }
    return this.run(Effect.andThen(clock.sleep(wait), Effect.sync(drain)))
  }

  private drain(due: number): void {
    const bucket = this.buckets.get(due) ?? []
    this.buckets.delete(due)
    const now = this.now()
    for (const delivery of bucket) delivery(now)
  }
}
