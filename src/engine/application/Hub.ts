/**
 * Fan-out to subscribers who may be slow. Publishing is synchronous and never waits: each subscriber has a bounded
 * buffer of its own; when that is full its oldest item goes, and the subscriber is told how many went, right before the
 * next item it sees.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Signal from "../Signal.ts"

/** An item, with the number of items this subscriber lost immediately before it. */
export interface Delivery<A> {
  readonly value: A
  readonly missed: number
}

interface Subscriber<A> {
  readonly signal: Signal.Signal
  readonly offer: (value: A) => void
  /** How many items it has not taken yet. */
  readonly waiting: () => number
}

interface Buffered<A> extends Subscriber<A> {
  buffer: Array<A>
  missed: number
}

export interface Hub<A> {
  readonly publish: (value: A) => void
  /** Items from now on. `first` is read in the same step as the subscription, so nothing falls between the two. */
  readonly stream: (first?: () => ReadonlyArray<A>) => Stream.Stream<Delivery<A>>
  /** One element at once, then one after whatever was published since the last; it never falls behind. */
  readonly signals: Stream.Stream<void>
  /** How many subscribers there are. */
  readonly subscribers: () => number
  /** How many items wait for the slowest subscriber. */
  readonly waiting: () => number
  /** Ends every stream once it has delivered what it has. */
  readonly end: () => void
}

const nothing = () => []

/** `capacity` items per subscriber, at least 1; `onDrop` is told of each item a subscriber loses. */
export const make = <A>(capacity: number, onDrop: () => void): Hub<A> => {
  const subscribers = new Set<Subscriber<A>>()
  let ended = false

  const buffered = (signal: Signal.Signal): Buffered<A> => {
    const subscriber: Buffered<A> = {
      signal,
      buffer: [],
      missed: 0,
      offer: (value) => {
        if (subscriber.buffer.length >= capacity) {
          subscriber.buffer.shift()
          subscriber.missed++
          onDrop()
        }
        subscriber.buffer.push(value)
      },
      waiting: () => subscriber.buffer.length
    }
    return subscriber
  }

  const drain = (subscriber: Buffered<A>): Arr.NonEmptyReadonlyArray<Delivery<A>> | undefined => {
    const { buffer, missed } = subscriber
    if (!Arr.isArrayNonEmpty(buffer)) return undefined
    subscriber.buffer = []
    subscriber.missed = 0
    return Arr.map(buffer, (value, i) => ({ value, missed: i === 0 ? missed : 0 }))
  }

  const coalesced = (signal: Signal.Signal) => {
    let pending = true
    return {
      signal,
      offer: () => {
        pending = true
      },
      waiting: () => 0,
      take: () => {
        const taken = pending ? [undefined] as const : undefined
        pending = false
        return taken
      }
    }
  }

  /** What `take` finds, or waits until it finds something; done when the hub has ended and nothing is left. */
  const pull = <B>(
    subscriber: Subscriber<A>,
    take: () => Arr.NonEmptyReadonlyArray<B> | undefined
  ): Effect.Effect<Arr.NonEmptyReadonlyArray<B>, Cause.Done> =>
    Effect.suspend(() => {
      const batch = take()
      if (batch !== undefined) return Effect.succeed(batch)
      if (ended) return Cause.done()
      return Effect.flatMap(subscriber.signal.wait, () => pull(subscriber, take))
    })

  /** Subscribes, and reads `first` in the same step: nothing can be published between the two. */
  const subscribe = <S extends Subscriber<A>, F>(make: (signal: Signal.Signal) => S, first: () => F) =>
    Effect.acquireRelease(
      Effect.map(Signal.make, (signal) => {
        const subscriber = make(signal)
        subscribers.add(subscriber)
        return { subscriber, start: first() }
      }),
      ({ subscriber }) => Effect.sync(() => subscribers.delete(subscriber))
    )

  return {
    publish: (value) => {
      for (const subscriber of subscribers) {
        subscriber.offer(value)
        subscriber.signal.notify()
      }
    },
    stream: (first = nothing) =>
      Stream.unwrap(Effect.map(subscribe(buffered, first), ({ start, subscriber }) => {
        const rest = pull(subscriber, () => drain(subscriber))
        return Stream.concat(
          Stream.fromIterable(start.map((value) => ({ value, missed: 0 }))),
          Stream.fromPull(Effect.succeed(rest))
        )
      })),
    signals: Stream.unwrap(
      Effect.map(
        subscribe(coalesced, nothing),
        ({ subscriber }) => Stream.fromPull(Effect.succeed(pull(subscriber, subscriber.take)))
      )
    ),
    subscribers: () => subscribers.size,
    waiting: () => {
      let most = 0
      for (const subscriber of subscribers) most = Math.max(most, subscriber.waiting())
      return most
    },
    end: () => {
      ended = true
      for (const subscriber of subscribers) subscriber.signal.notify()
    }
  }
}
