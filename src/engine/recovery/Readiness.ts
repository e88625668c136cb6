/**
 * How far a node has come with joining by itself, for those who wait for it.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import { type MemberlistClosed, NotParticipating, NotReady } from "../../MemberlistError.ts"
import * as Stage from "../../swim/life/Stage.ts"
import { isGone } from "../../swim/membership/Entry.ts"
import type { Membership } from "../../swim/membership/Membership.ts"
import type { Calls } from "../life/Calls.ts"

/** Another live member is in the list, or was since this node takes part. */
export interface Joined {
  readonly _tag: "Joined"
}

/** There is nobody to join: no `Seeds` are provided or they are empty, or they name this node only. */
export interface Alone {
  readonly _tag: "Alone"
  readonly reason: "NoSeeds" | "OnlyOurselves"
}

/** Nobody has answered so far. */
export interface Trying {
  readonly _tag: "Trying"
  /** When it began, in milliseconds since 1970. */
  readonly since: number
  /** How often all seeds were tried. */
  readonly attempts: number
  /** What stood in the way last. */
  readonly why: string
}

/** The `joinSchedule` has ended. Other seeds, and members that come by themselves, are another chance. */
export interface GaveUp extends Omit<Trying, "_tag"> {
  readonly _tag: "GaveUp"
}

/** This node has left its cluster; a join is the way back. */
export interface Left {
  readonly _tag: "Left"
}

/** How far a node has come with joining by itself. */
export type Readiness = Joined | Alone | Trying | GaveUp | Left

/** Where the joining stands. */
export interface Progress {
  readonly current: () => Exclude<Readiness, Left>
  /** When it began, in monotonic milliseconds. */
  readonly begunAt: () => number
  /** It begins, at the start and after each return. */
  readonly begin: (why: string) => void
  /** What stands in the way now. Of no interest where nobody waits any more. */
  readonly hindered: (why: string) => void
  /** All seeds were tried in vain. */
  readonly failed: (why: string) => void
  readonly gaveUp: () => void
  readonly alone: (reason: Alone["reason"]) => void
  readonly joined: () => void
  /** This node has left: what was before says nothing of a return. Called inside the atomic step, and wakes nobody. */
  readonly reset: () => void
  /** Wakes those who wait, because something else has changed. */
  readonly wake: () => void
  /** Waits for the next change. */
  readonly moved: Effect.Effect<void>
}

/** Milliseconds, monotonic and since 1970. */
export interface Times {
  readonly now: () => number
  readonly epoch: () => number
}

const joined: Joined = { _tag: "Joined" }

/** Of a node without `Seeds` it is known from the start, that of others after their first try. */
export const make = ({ epoch, now }: Times, hasSeeds: boolean): Progress => {
  const start = (why: string): Trying => ({ _tag: "Trying", since: epoch(), attempts: 0, why })
  const initial = (): Exclude<Readiness, Left> =>
    hasSeeds ? start("the seeds are not known yet") : { _tag: "Alone", reason: "NoSeeds" }
  let begunAt = now()
  let current = initial()
  let next = Deferred.makeUnsafe<void>()
  const wake = () => {
    const waiting = next
    next = Deferred.makeUnsafe<void>()
    Deferred.doneUnsafe(waiting, Effect.void)
  }
  const become = (state: typeof current) => {
    current = state
    wake()
  }
  const begin = (why: string) => {
    begunAt = now()
    become(start(why))
  }
  return {
    current: () => current,
    begunAt: () => begunAt,
    begin,
    hindered: (why) => {
      if (current._tag === "Trying") current = { ...current, why }
    },
    failed: (why) => {
      if (current._tag !== "Trying") begin(why)
      if (current._tag === "Trying") current = { ...current, attempts: current.attempts + 1, why }
    },
    gaveUp: () => {
      if (current._tag === "Trying") become({ ...current, _tag: "GaveUp" })
    },
    alone: (reason) => become({ _tag: "Alone", reason }),
    joined: () => {
      if (current._tag !== "Joined") become(joined)
    },
    reset: () => {
      current = initial()
    },
    wake,
    moved: Effect.suspend(() => Deferred.await(next))
  }
}

/** The parts of a node that are asked. */
export interface Awaited {
  readonly readiness: Progress
  readonly membership: Ref.Ref<Membership>
  readonly name: string
  readonly now: () => number
  readonly config: { readonly readyTimeout: Duration.Duration | undefined }
  readonly calls: Calls
}

/** Whether another live member is in the list. */
export const hasOthers = ({ membership, name }: Pick<Awaited, "membership" | "name">): boolean => {
  for (const entry of Ref.getUnsafe(membership).entries.values()) {
    if (entry.name !== name && !isGone(entry)) return true
  }
  return false
}

/** How far the node has come. */
export const of = (node: Awaited): Readiness => {
  const { stage } = Ref.getUnsafe(node.membership)
  const current = node.readiness.current()
  // what can be read keeps its last answer when the layer is released
  if (stage._tag === "Left" || stage._tag === "Returning") return { _tag: "Left" }
  return current._tag === "Alone" && !Stage.isOutside(stage) && hasOthers(node) ? joined : current
}

/** Waits until the node has joined somebody, or it is known that there is nobody to join. */
export const ready = (
  node: Awaited
): Effect.Effect<Joined | Alone, NotReady | NotParticipating | MemberlistClosed> => {
  const limit = node.config.readyTimeout
  const late = () => {
    const { attempts, why } = { attempts: 0, why: "", ...node.readiness.current() }
    const limitMillis = limit === undefined ? 0 : Duration.toMillis(limit)
    return Effect.fail(new NotReady({ reason: "Timeout", attempts, why, limitMillis }))
  }
  const wait: Effect.Effect<Joined | Alone, NotReady | NotParticipating> = Effect.suspend(() => {
    const state = of(node)
    switch (state._tag) {
      case "Joined":
      case "Alone":
        return Effect.succeed(state)
      case "Left":
        return Effect.fail(new NotParticipating({ operation: "become ready" }))
      case "GaveUp":
        return Effect.fail(new NotReady({ reason: "GaveUp", attempts: state.attempts, why: state.why }))
      case "Trying": {
        if (limit === undefined) return Effect.flatMap(node.readiness.moved, () => wait)
        const rest = Duration.toMillis(limit) - (node.now() - node.readiness.begunAt())
        if (rest <= 0) return late()
        return Effect.flatMap(
          Effect.timeoutOption(node.readiness.moved, Duration.millis(rest)),
          (moved) => Option.isSome(moved) ? wait : late()
        )
      }
    }
  })
  return node.calls.run("become ready", wait)
}
