/**
 * Writes that wait to be published: bounded, so that who writes faster than the network takes waits.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { Entry } from "./MapEntry.ts"

/** Bytes of the entries in one delta, but for a single one that is larger: they fit a datagram with the topic's own. */
const DELTA_BYTES = 900

export class PendingWrites {
  private readonly capacity: number
  private readonly waiting: Array<Entry> = []
  private readonly free = Latch.makeUnsafe(true)
  private readonly work = Latch.makeUnsafe(false)

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0
  }

  /** Waits until there may be room. */
  get room(): Effect.Effect<void> {
    return this.free.await
  }

  get hasRoom(): boolean {
    if (this.waiting.length < this.capacity) return true
    // somebody else was faster
    Latch.closeUnsafe(this.free)
    return false
  }

  add(entry: Entry): void {
    this.waiting.push(entry)
    Latch.openUnsafe(this.work)
  }

  /** Publishes what waits, as much as fits a datagram, or one larger entry, once there is something. */
  publish(publish: (entries: ReadonlyArray<Entry>) => Effect.Effect<void>): Effect.Effect<void> {
    return Effect.andThen(
      this.work.await,
      Effect.suspend(() => {
        const entries: Array<Entry> = []
        let bytes = 0
        for (const entry of this.waiting) {
          bytes += entry.size
          if (entries.length > 0 && bytes > DELTA_BYTES) break
          entries.push(entry)
        }
        // taken out only then: who interrupts it leaves them where they are
        return Effect.andThen(publish(entries), Effect.sync(() => this.drop(entries.length)))
      })
    )
  }

  /** Lets go of who waits for room. */
  end(): void {
    Latch.openUnsafe(this.free)
  }

  private drop(count: number): void {
    this.waiting.splice(0, count)
    Latch.openUnsafe(this.free)
    if (this.waiting.length === 0) Latch.closeUnsafe(this.work)
  }
}
