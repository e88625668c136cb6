/**
 * One fiber that looks after many things, and not one for each: it sleeps until the next of them may be due, and ends
 * when there is none.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"

/**
 * Returns what makes sure that somebody watches, to be called whenever there is something new. `look` does what is due,
 * and tells in how many milliseconds to look again; nothing when nothing is left. `start` starts the fiber; false when
 * it could not, and then the next call tries again.
 */
export const make = (look: () => number | undefined, start: (watch: Effect.Effect<void>) => boolean): () => void => {
  let isWatching = false
  const watch: Effect.Effect<void> = Effect.suspend(() => {
    const next = look()
    return next === undefined ? Effect.void : Effect.flatMap(Effect.sleep(next), () => watch)
  })
  const ended = Effect.sync(() => {
    isWatching = false
  })
  // without a pause between seeing that nothing is left and its end: nobody would look after what came there
  const watching = Effect.provideService(Effect.ensuring(watch, ended), Scheduler.PreventSchedulerYield, true)
  return () => {
    if (isWatching) return
    // before it starts: its first look may call this, and may also be its last
    isWatching = true
    isWatching = start(watching) && isWatching
  }
}
