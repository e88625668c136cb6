/**
 * Notices to the application that nobody here waits for: a bounded queue, served in order by a fiber of its own, one
 * notice at a time. When it is full the oldest notice makes room, because the newest says most about now.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Signal from "../Signal.ts"
import type { Counters } from "../telemetry/Counters.ts"
import type { Logs } from "../telemetry/Logs.ts"
import type { HookCalls } from "./HookCalls.ts"

/** Something to tell. */
export interface Notice {
  readonly call: () => Effect.Effect<void>
  /** Bytes it holds while it waits. */
  readonly size: number
  /** Told when the notice was served, or dropped. */
  readonly over: () => void
}

export interface Notices {
  /** Queues a notice. Synchronous: it may be called inside the rules' step, and never runs anything. */
  readonly offer: (notice: Notice) => void
  /** How many wait, and the bytes that those hold. */
  readonly waiting: () => number
  readonly bytes: () => number
  /** Serves forever. */
  readonly loop: Effect.Effect<never>
}

/** A hook that is told. */
export type Told = "conflict" | "pingComplete" | "mergeRemoteState"

/** Notices that may wait for one hook. */
export const MAX_NOTICES = 256
/** Bytes that may wait for one hook in all: three user states of the largest size. A single notice may be larger. */
export const MAX_NOTICE_BYTES = 64 * 1024 * 1024

export const make = Effect.fnUntraced(function*(
  hook: Told,
  hooks: HookCalls,
  counters: Counters,
  logs: Logs
): Effect.fn.Return<Notices> {
  const signal = yield* Signal.make
  const queue: Array<Notice> = []
  let bytes = 0

  const take = (): Notice | undefined => {
    const notice = queue.shift()
    if (notice !== undefined) bytes -= notice.size
    return notice
  }

  const isFull = () => queue.length > MAX_NOTICES || (bytes > MAX_NOTICE_BYTES && queue.length > 1)

  /** One notice. A hook that dies has died for this notice only. */
  const serve = ({ call, over }: Notice): Effect.Effect<void> =>
    Effect.ensuring(hooks.tell(hook, call), Effect.sync(over))

  return {
    offer: (notice) => {
      queue.push(notice)
      bytes += notice.size
      while (isFull()) {
        take()?.over()
        counters.count("hook.dropped", hook)
        logs.note("NoticesDropped", { reason: hook })
      }
      signal.notify()
    },
    waiting: () => queue.length,
    bytes: () => bytes,
    loop: Effect.gen(function*() {
      for (;;) {
        const notice = take()
        if (notice === undefined) yield* signal.wait
        else yield* serve(notice)
      }
    })
  }
})
