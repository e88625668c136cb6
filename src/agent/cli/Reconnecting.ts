/**
 * A stream of an agent that is read again when the agent was started anew, or could not be reached for a while.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { CommandFailed } from "./CommandFailed.ts"

/** Between two attempts, in milliseconds: twice as long after each, up to the last. */
const FIRST_PAUSE = 250
const LAST_PAUSE = 5_000

/** What may be over the next time; everything else ends the command. */
const passing = new Set([
  "AgentUnreachable",
  "AgentSilent",
  "AgentStopped",
  "MemberlistClosed",
  "TopicClosed",
  "TooMany"
])

/** An agent that is starting answers as none. */
const mayPass = (reason: string, wasOpen: boolean): boolean =>
  passing.has(reason) || (!wasOpen && reason === "NotAnAgent")

/** What is told about the connection, each time once. */
export interface Notices {
  readonly lost: (error: CommandFailed) => Effect.Effect<void>
  /** It was lost for so many milliseconds; what happened meanwhile was not seen. */
  readonly back: (millis: number) => Effect.Effect<void>
}

/**
 * Reads until it is interrupted. It fails when the first connection does, and with what will not pass by itself.
 *
 * @category reading
 * @since 0.1.0
 */
export const forEach = Effect.fnUntraced(function*<A>(
  /** The stream, given what is to be run when the agent has answered. It never ends without an error. */
  open: (opened: Effect.Effect<void>) => Stream.Stream<A, CommandFailed>,
  use: (value: A) => Effect.Effect<void>,
  notices: Notices
): Effect.fn.Return<never, CommandFailed> {
  let hadOne = false
  let lostAt: number | undefined
  let pause = FIRST_PAUSE
  for (;;) {
    let openedAt: number | undefined
    const opened = Effect.gen(function*() {
      openedAt = yield* Clock.currentTimeMillis
      if (lostAt !== undefined) yield* notices.back(openedAt - lostAt)
      lostAt = undefined
      hadOne = true
    })
    const error = yield* Effect.flip(Effect.andThen(Stream.runForEach(open(opened), use), Effect.never))
    if (!hadOne || !mayPass(error.reason, openedAt !== undefined)) return yield* error
    const now = yield* Clock.currentTimeMillis
    if (lostAt === undefined) {
      lostAt = now
      yield* notices.lost(error)
    }
    // one that answers and breaks off at once is not asked all the time
    if (openedAt !== undefined && now - openedAt >= LAST_PAUSE) pause = FIRST_PAUSE
    yield* Effect.sleep(pause)
    pause = Math.min(2 * pause, LAST_PAUSE)
  }
})
