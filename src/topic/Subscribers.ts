/**
 * Those who listen. Telling them never waits: each has a bounded buffer of its own, whose oldest item goes when it is
 * full, and is told how many went right before the next item. What comes before there was any listener waits for the
 * first one, as much as a buffer holds.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"

interface Numbered<A> {
  readonly number: number
  readonly value: A
}

interface Subscriber<A> {
  readonly queue: Queue.Queue<Numbered<A>, Cause.Done>
  next: number
}

export interface Subscribers<A> {
  readonly tell: (value: A) => void
  readonly stream: Stream.Stream<readonly [value: A, missed: number]>
  /** Ends every stream once it has told what it has. */
  readonly end: () => void
}

/** Buffers of so many items; `onLost` is told of each item that somebody loses. */
export const make = <A>(capacity: number, onLost: () => void): Subscribers<A> => {
  const subscribers = new Set<Subscriber<A>>()
  let early: Array<A> | undefined = []
  let lostEarly = 0
  let hasEnded = false

  const offer = (subscriber: Subscriber<A>, value: A) => {
    if (Queue.sizeUnsafe(subscriber.queue) >= capacity) onLost()
    Queue.offerUnsafe(subscriber.queue, { number: subscriber.next++, value })
  }

  const subscribe = Effect.acquireRelease(
    Effect.map(Queue.sliding<Numbered<A>, Cause.Done>(capacity), (queue) => {
      const subscriber = { queue, next: lostEarly }
      for (const value of early ?? []) offer(subscriber, value)
      if (early !== undefined) lostEarly = 0
      early = undefined
      if (hasEnded) Queue.endUnsafe(queue)
      else subscribers.add(subscriber)
      return subscriber
    }),
    (subscriber) => Effect.sync(() => subscribers.delete(subscriber))
  )

  return {
    tell: (value) => {
      if (early === undefined) {
        for (const subscriber of subscribers) offer(subscriber, value)
        return
      }
      early.push(value)
      if (early.length <= capacity) return
      early.shift()
      lostEarly++
      onLost()
    },
    stream: Stream.unwrap(
      Effect.map(
        subscribe,
        ({ queue }) =>
          Stream.mapAccum(
            Stream.fromQueue(queue),
            () => 0,
            (expected, { number, value }) => [number + 1, [[value, number - expected] as const]] as const
          )
      )
    ),
    end: () => {
      hasEnded = true
      for (const { queue } of subscribers) Queue.endUnsafe(queue)
    }
  }
}
