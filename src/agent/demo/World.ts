/**
 * What the demo knows: the processes it started, what each of them sees, what each of them reported when, and what
 * the demo itself did. Everything that is shown is drawn from this.
 *
 * @stability unstable
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

/** What became of a process: killed and left by the demo, ended by itself or by somebody else. */
export type Fate = "starting" | "running" | "killed" | "left" | "ended"

/** A process that was started, or will be at once. */
export interface Started {
  readonly fate: Fate
  readonly pid?: number
  /** `ip:port`, as the member announced it. */
  readonly address?: string
}

export interface Observation {
  /** Milliseconds since the demo began. */
  readonly at: number
  readonly observer: string
  readonly event: EventName
  readonly member: string
  /** How many members other than this one ran at that moment. */
  readonly others: number
}

/** The story, in this order. */
export const chapters = ["start", "kill", "suspicion", "failure", "return", "leave"] as const
export type Chapter = typeof chapters[number]

/** Something that the demo did, or found to be so. */
export interface Step {
  readonly at: number
  readonly chapter: Chapter
  /** Whether the chapter ends with it. */
  readonly ends: boolean
  /** Empty when the events tell the same. */
  readonly text: string
  /** The member that the chapter is about, if it is about one. */
  readonly member?: string
}

export interface State {
  readonly processes: ReadonlyMap<string, Started>
  readonly views: ReadonlyMap<string, View["members"]>
  readonly observations: ReadonlyArray<Observation>
  readonly steps: ReadonlyArray<Step>
  /** What members wrote to their standard error output: warnings. */
  readonly complaints: ReadonlyArray<string>
}

export interface World {
  readonly state: SubscriptionRef.SubscriptionRef<State>
  /** Milliseconds since the demo began. */
  readonly elapsed: Effect.Effect<number>
}

export const empty: State = { processes: new Map(), views: new Map(), observations: [], steps: [], complaints: [] }

export const make: Effect.Effect<World> = Effect.gen(function*() {
  const began = yield* Clock.currentTimeMillis
  return {
    state: yield* SubscriptionRef.make(empty),
    elapsed: Effect.map(Clock.currentTimeMillis, (now) => now - began)
  }
})

/** A process that starts, also for the second time, has seen nothing yet. */
export const withProcess = (state: State, name: string, change: Started): State => {
  const views = new Map(state.views)
  if (change.fate === "starting") views.delete(name)
  const processes = new Map(state.processes).set(name, { ...state.processes.get(name), ...change })
  return { ...state, views, processes }
}

const MAX_COMPLAINTS = 200

export const withComplaint = (state: State, name: string, line: string): State =>
  line.trim() === "" || state.complaints.length >= MAX_COMPLAINTS
    ? state
    : { ...state, complaints: [...state.complaints, `${name}: ${line}`] }

/** A process that was ended has no say any more, and none tells of itself. */
export const withObservation = (state: State, seen: Omit<Observation, "others">): State => {
  const fate = state.processes.get(seen.observer)?.fate
  if (seen.observer === seen.member || (fate !== "starting" && fate !== "running")) return state
  let others = 0
  for (const [name, { fate }] of state.processes) if (fate === "running" && name !== seen.member) others += 1
  return { ...state, observations: [...state.observations, { ...seen, others }] }
}

const byNumber = new Intl.Collator("en", { numeric: true })

/** Every member that was started, or will be at once. */
export const names = (state: State): ReadonlyArray<string> => Array.from(state.processes.keys()).sort(byNumber.compare)

/** The members that should be in everybody's list. */
export const survivors = (state: State): ReadonlyArray<string> =>
  names(state).filter((name) => state.processes.get(name)?.fate === "running")

/** The survivors that see exactly the survivors, all alive. */
export const agreeing = (state: State): ReadonlyArray<string> => {
  const expected = survivors(state)
  const names = new Set(expected)
  return expected.filter((observer) => {
    const seen = state.views.get(observer) ?? []
    return seen.length === names.size && seen.every((member) => member.state === "alive" && names.has(member.name))
  })
}

/** Whether every survivor sees exactly the survivors, all alive. */
export const agrees = (state: State): boolean => agreeing(state).length === survivors(state).length

/** When each survivor reported `event` about `member` first, from `start` on; those who did not are missing. */
export const reports = (
  state: State,
  event: EventName,
  member: string,
  start = 0
): ReadonlyMap<string, number> => {
  const running = new Set(survivors(state))
  const first = new Map<string, number>()
  for (const seen of state.observations) {
    if (
      seen.at >= start && seen.event === event && seen.member === member && running.has(seen.observer) &&
      !first.has(seen.observer)
    ) {
      first.set(seen.observer, seen.at)
    }
  }
  return first
}

const ended = (state: State): string | undefined =>
  names(state).find((name) => state.processes.get(name)?.fate === "ended")

/** Waits until the world is as wanted, or fails with what was awaited, or with the process that ended meanwhile. */
export const until = (
  world: World,
  awaited: string,
  limit: Duration.Input,
  wanted: (state: State) => boolean
): Effect.Effect<State, DemoFailed> =>
  SubscriptionRef.changes(world.state).pipe(
    Stream.filter((state) => wanted(state) || ended(state) !== undefined),
    Stream.runHead,
    Effect.map(Option.getOrThrow),
    Effect.timeoutOrElse({
      duration: limit,
      orElse: () =>
        Effect.fail(
          new DemoFailed({
            message: `${awaited} did not happen within ${Duration.format(Duration.fromInputUnsafe(limit))}`
          })
        )
    }),
    Effect.flatMap((state) => {
      const name = ended(state)
      return name === undefined
        ? Effect.succeed(state)
        : Effect.fail(new DemoFailed({ message: `${name} ended, which is not in the story` }))
    })
  )
