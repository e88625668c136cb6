/**
 * The first comparison of a copy with another one, and who waits for it.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"

/** Comparisons of which not all could be merged after which nobody waits any longer. */
const MOST_FRUITLESS = 3
/** Milliseconds between two looks at whether anybody else takes part. */
const PAUSE = 500

export class FirstComparison {
  private readonly latch = Latch.makeUnsafe(false)
  private fruitless = 0

  /** It was made, or there will be none. */
  done(): void {
    Latch.openUnsafe(this.latch)
  }

  /** One merged nothing, or not all. */
  failed(): void {
    if (++this.fruitless === MOST_FRUITLESS) this.done()
  }

  /** Waits for it, as long as anybody else takes part: whoever does may go before it answers. */
  wait(isAlone: Effect.Effect<boolean>): Effect.Effect<void> {
    const look: Effect.Effect<void> = Effect.flatMap(
      isAlone,
      (alone) => alone ? Effect.void : Effect.raceFirst(this.latch.await, Effect.andThen(Effect.sleep(PAUSE), look))
    )
    return look
  }
}
