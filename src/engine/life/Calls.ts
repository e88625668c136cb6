/**
 * The application's calls that are under way. The end of the layer ends them all, and lets none begin.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { Timeouts } from "../../base/Timeouts.ts"
import { MemberlistClosed } from "../../MemberlistError.ts"
import * as Cutoff from "../Cutoff.ts"
import * as Signal from "../Signal.ts"
import * as Watcher from "../Watcher.ts"
import type { Work } from "../Work.ts"

export interface Calls {
  /** Runs a call, unless the layer was released; if that happens meanwhile, the call is interrupted, and fails. */
  readonly run: <A, E>(operation: string, call: Effect.Effect<A, E>) => Effect.Effect<A, E | MemberlistClosed>
  /** The same for a call that may take no longer than `tcpTimeout`: then it is interrupted, and comes to `late`. */
  readonly runTimed: <A, E>(
    operation: string,
    call: Effect.Effect<A, E>,
    late: () => Effect.Effect<A, E>
  ) => Effect.Effect<A, E | MemberlistClosed>
  /** The same for a call that never waits. */
  readonly runSync: <A, E>(operation: string, call: () => Effect.Effect<A, E>) => Effect.Effect<A, E | MemberlistClosed>
  /** Ends all calls, and returns when the last of them has undone what it had begun. */
  readonly end: Effect.Effect<void>
}

export const make = Effect.fnUntraced(function*(
  work: Pick<Work, "start">,
  now: () => number,
  tcpTimeout: number
): Effect.fn.Return<Calls> {
  const drained = yield* Signal.make
  const timeouts = new Timeouts(tcpTimeout)
  const watched = Watcher.make(() => timeouts.next(now()), (watch) => work.start("late", watch))
  let isClosed = false
  /** What ends each call that waits. */
  const running = new Set<() => void>()
  const closed = (operation: string) => Effect.fail(new MemberlistClosed({ operation }))

  const run = <A, E>(
    operation: string,
    call: Effect.Effect<A, E>,
    late: (() => Effect.Effect<A, E>) | undefined
  ): Effect.Effect<A, E | MemberlistClosed> =>
    Effect.suspend((): Effect.Effect<A, E | MemberlistClosed> => {
      if (isClosed) return closed(operation)
      return Cutoff.cuttable<A, E, A, E | MemberlistClosed>(call, (cut) => {
        const end = () => cut(closed(operation))
        running.add(end)
        const inTime = late === undefined ? undefined : timeouts.add(now(), () => cut(late()))
        if (late !== undefined) watched()
        // what the call did until now may have ended the layer
        if (isClosed) end()
        return () => {
          inTime?.()
          running.delete(end)
          if (running.size === 0 && isClosed) drained.notify()
        }
      })
    })

  return {
    run: (operation, call) => run(operation, call, undefined),
    runTimed: run,
    runSync: <A, E>(operation: string, call: () => Effect.Effect<A, E>) =>
      Effect.suspend((): Effect.Effect<A, E | MemberlistClosed> => isClosed ? closed(operation) : call()),
    end: Effect.gen(function*() {
      isClosed = true
      for (const end of [...running]) end()
      while (running.size > 0) yield* drained.wait
    })
  }
})
