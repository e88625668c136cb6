/**
 * What the demo knows: the processes it started, what each of them sees, and what each of them reported when.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { EventName, View } from "./Line.ts"

/** A reason for the demo to end with an exit code other than 0. */
export class DemoFailed extends Data.TaggedError("DemoFailed")<{ readonly message: string }> {}

export type Fate = "running" | "killed" | "left"

export interface Observation {
  /** Milliseconds since the demo began. */
  readonly at: number
  readonly observer: string
  readonly event: EventName
  readonly member: string
}

export interface State {
  readonly fates: ReadonlyMap<string, Fate>
  readonly views: ReadonlyMap<string, View["members"]>
  readonly observations: ReadonlyArray<Observation>
}

export interface World {
  readonly state: SubscriptionRef.SubscriptionRef<State>
  /** Milliseconds since the demo began. */
  readonly elapsed: Effect.Effect<number>
}

export const make: Effect.Effect<World> = Effect.gen(function*() {
  const began = yield* Clock.currentTimeMillis
  return {
    state: yield* SubscriptionRef.make<State>({ fates: new Map(), views: new Map(), observations: [] }),
    elapsed: Effect.map(Clock.currentTimeMillis, (now) => now - began)
  }
})

const byNumber = new Intl.Collator("en", { numeric: true })

/** Every member that was started. */
export const names = (state: State): ReadonlyArray<string> => Array.from(state.fates.keys()).sort(byNumber.compare)

/** The members that should be in everybody's list. */
export const survivors = (state: State): ReadonlyArray<string> =>
  names(state).filter((name) => state.fates.get(name) === "running")

/** Whether every survivor sees exactly the survivors, all alive. */
export const agrees = (state: State): boolean => {
  const expected = survivors(state)
  return expected.every((observer) => {
    const seen = state.views.get(observer) ?? []
    return seen.length === expected.length &&
      expected.every((name) => seen.some((member) => member.name === name && member.state === "alive"))
  })
}

/** When each survivor reported `event` about `member` first; those who did not are missing. */
export const reports = (state: State, event: EventName, member: string): ReadonlyMap<string, number> => {
  const running = new Set(survivors(state))
  const first = new Map<string, number>()
  for (const seen of state.observations) {
    if (seen.event === event && seen.member === member && running.has(seen.observer) && !first.has(seen.observer)) {
      first.set(seen.observer, seen.at)
    }
  }
  return first
}

/** Waits until the world is as wanted, or fails with what was awaited. */
export const until = (
  world: World,
  awaited: string,
  limit: Duration.Duration,
  wanted: (state: State) => boolean
): Effect.Effect<State, DemoFailed> =>
  SubscriptionRef.changes(world.state).pipe(
    Stream.filter(wanted),
    Stream.runHead,
    Effect.map(Option.getOrThrow),
    Effect.timeoutOrElse({
      duration: limit,
      orElse: () =>
        Effect.fail(new DemoFailed({ message: `${awaited} did not happen within ${Duration.format(limit)}` }))
    })
  )
