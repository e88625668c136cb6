/**
 * The application's calls that are under way. The end of the layer ends them all, and lets none begin.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { MemberlistClosed } from "../../MemberlistError.ts"
import * as Signal from "../Signal.ts"

export interface Calls {
  /** Runs a call, unless the layer was released; if that happens meanwhile, the call is interrupted, and fails. */
  readonly run: <A, E>(operation: string, call: Effect.Effect<A, E>) => Effect.Effect<A, E | MemberlistClosed>
  /** The same for a call that never waits. */
  readonly runSync: <A, E>(operation: string, call: () => Effect.Effect<A, E>) => Effect.Effect<A, E | MemberlistClosed>
  /** Ends all calls, and returns when the last of them has undone what it had begun. */
  readonly end: Effect.Effect<void>
}

export const make: Effect.Effect<Calls> = Effect.gen(function*() {
  const ended = yield* Deferred.make<void>()
  const drained = yield* Signal.make
  const running = new Set<object>()
  const isClosed = () => Deferred.isDoneUnsafe(ended)
  const closed = (operation: string) => Effect.fail(new MemberlistClosed({ operation }))
  return {
    run: <A, E>(operation: string, call: Effect.Effect<A, E>) =>
      Effect.suspend((): Effect.Effect<A, E | MemberlistClosed> => {
        if (isClosed()) return closed(operation)
        const token = {}
        const raced = Effect.suspend(() => {
          running.add(token)
          return Effect.raceFirst(call, Effect.flatMap(Deferred.await(ended), () => closed(operation)))
        })
        return Effect.ensuring(
          raced,
          Effect.sync(() => {
            running.delete(token)
            if (running.size === 0 && isClosed()) drained.notify()
          })
        )
      }),
    runSync: <A, E>(operation: string, call: () => Effect.Effect<A, E>) =>
      Effect.suspend((): Effect.Effect<A, E | MemberlistClosed> => isClosed() ? closed(operation) : call()),
    end: Effect.gen(function*() {
      yield* Deferred.succeed(ended, undefined)
      while (running.size > 0) yield* drained.wait
    })
  }
})
