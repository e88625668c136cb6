/**
 * Server-Sent Events for many readers: each event is written once, as text, and shared. Few bytes wait for a reader;
 * one that is slower loses events, and is told how many. Quiet streams get a comment now and then, so that both ends
 * notice when the other is gone.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TooMany } from "../Refusal.ts"
import { Tally } from "./Tally.ts"

/** Characters of events that may wait for one reader. */
const MAX_WAITING = 262_144

/** Characters that are written at once. */
const PART = 65_536

/** How often a quiet stream is sent something. */
const HEARTBEAT = Duration.seconds(15)

/** A line that readers pass over. */
const COMMENT = ":\n\n"

/** Returns an event as text, for a reader that has lost so many before it. */
export type Written = (missed: number) => string

interface Reader {
  /** Whether it took the event. */
  readonly tell: (written: Written) => boolean
  readonly beat: () => void
  readonly end: () => void
  /** What waits, as soon as there is anything. */
  readonly take: Effect.Effect<string, Cause.Done>
}

const lengthOf = (texts: ReadonlyArray<string>): number => texts.reduce((sum, text) => sum + text.length, 0)

/** The beginning is the state that later events change: it is never cut. */
const readerOf = (beginning: ReadonlyArray<string>): Reader => {
  const waiting = [...beginning]
  let length = lengthOf(beginning)
  let limit = length + MAX_WAITING
  let missed = 0
  let isEnded = false
  let wake: (() => void) | undefined
  const resume = () => {
    const resumed = wake
    wake = undefined
    resumed?.()
  }
  const offer = (text: string): boolean => {
    if (isEnded || (waiting.length > 0 && length + text.length > limit)) return false
    waiting.push(text)
    length += text.length
    resume()
    return true
  }
  /** A part of what waits, so that what is shared by all is copied for those alone who read it. */
  const part = (): string => {
    let size = 0
    const end = waiting.findIndex((text) => (size += text.length) >= PART)
    const texts = waiting.splice(0, end === -1 ? waiting.length : end + 1)
    length -= lengthOf(texts)
    if (waiting.length === 0) limit = MAX_WAITING
    return texts.join("")
  }
  return {
    tell: (written) => {
      const isTaken = offer(written(missed))
      missed = isTaken ? 0 : missed + 1
      return isTaken
    },
    beat: () => {
      if (waiting.length === 0) offer(COMMENT)
    },
    end: () => {
      isEnded = true
      resume()
    },
    take: Effect.callback((done) => {
      const look = () => {
        if (waiting.length > 0) return done(Effect.succeed(part()))
        if (isEnded) return done(Cause.done())
        wake = look
      }
      look()
    })
  }
}

/** A source of events. */
export interface Feed {
  /** Tells all who read now. */
  readonly publish: (written: Written) => void
  /** Whether anybody reads. */
  readonly isRead: () => boolean
  /**
   * Answers a request with the events from now on, behind a beginning that fits them. It ends with the request's scope,
   * and with the agent's.
   */
  readonly answer: (
    beginning: () => ReadonlyArray<string>
  ) => Effect.Effect<HttpServerResponse.HttpServerResponse, TooMany, Scope.Scope>
  /** Ends all its streams. */
  readonly end: () => void
}

/**
 * All streams of the agent together.
 *
 * @category services
 * @since 0.1.0
 */
export class Feeds extends Context.Service<Feeds, {
  readonly make: () => Feed
  /** Ends all streams, and takes no more. */
  readonly end: Effect.Effect<void>
}>()("effect-memberlist/agent/Feeds") {
  /** So many streams may be open at once. */
  static readonly layer = (limit: number): Layer.Layer<Feeds, never, Tally> =>
    Layer.effect(
      this,
      Effect.gen(function*() {
        const tally = yield* Tally
        const everybody = new Set<Reader>()
        let isEnded = false

        const make = (): Feed => {
          const readers = new Set<Reader>()
          const leave = (reader: Reader) => {
            readers.delete(reader)
            everybody.delete(reader)
            tally.streams(everybody.size)
          }
          return {
            publish: (written) => {
              if (readers.size === 0) return
              const usual = written(0)
              for (const reader of readers) {
                if (!reader.tell((missed) => missed === 0 ? usual : written(missed))) tally.add("missed")
              }
            },
            isRead: () => readers.size > 0,
            answer: (beginning) =>
              Effect.gen(function*() {
                if (isEnded || everybody.size >= limit) {
                  tally.add("refused", "TooMany")
                  return yield* Effect.fail(new TooMany({ what: "streams", limit }))
                }
                const reader = yield* Effect.acquireRelease(
                  Effect.sync(() => {
                    const reader = readerOf([COMMENT, ...beginning()])
                    readers.add(reader)
                    everybody.add(reader)
                    tally.streams(everybody.size)
                    return reader
                  }),
                  (reader) => Effect.sync(() => leave(reader))
                )
                return HttpServerResponse.stream(
                  Stream.encodeText(Stream.fromPull(Effect.succeed(
                    Effect.map(reader.take, (text) => [text] as const)
                  ))),
                  {
                    contentType: "text/event-stream",
                    // a proxy that collects what it passes on would hold events back
                    headers: { "cache-control": "no-store", "x-accel-buffering": "no" }
                  }
                )
              }),
            end: () => {
              for (const reader of readers) reader.end()
            }
          }
        }

        yield* Effect.forkScoped(Effect.forever(Effect.andThen(
          Effect.sleep(HEARTBEAT),
          Effect.sync(() => {
            for (const reader of everybody) reader.beat()
          })
        )))
        return Feeds.of({
          make,
          end: Effect.sync(() => {
            isEnded = true
            for (const reader of everybody) reader.end()
          })
        })
      })
    )
}
