/**
 * Starts the fibers that are no loops: relays, acks beside the loop, claims sent straight to somebody, calls of hooks,
 * probes of unknown members. Each is the node's own: its scope ends it, it runs in the context of the node (clock,
 * random numbers, logger, parent of its spans) whoever caused it, there is a limit to each kind, and a defect is
 * counted and logged.
 *
 * Nothing else in the engine starts a fiber, but the supervisor of the loops (`Supervisor.ts`), and a probe, which
 * waits for its TCP ping (`scripts/layers/forks.ts` is the list that the linter keeps).
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { MAX_PROBES } from "../swim/recovery/Hearsay.ts"
import type { Counters } from "./telemetry/Counters.ts"
import type { Details, Logs } from "./telemetry/Logs.ts"

/** How many fibers of each kind may run at one time. Further ones are not started, and counted by `fiber.refused`. */
export const LIMITS = {
  /** Acks that wait for their payload; further ones are sent without. */
  ack: 1024,
  /** Claims being sent straight to somebody; further ones are left to gossip. */
  claim: 64,
  /** Goodbyes being repeated to peers that joins introduced us to; further ones are left to gossip. */
  goodbye: 16,
  /** Probes of unknown members that others told of; further ones wait, and are not begun. */
  hearsay: MAX_PROBES,
  /** What ends the inbound streams that keep us waiting, and the one before it, which may not have ended yet. */
  idle: 2,
  /** What ends calls of the application that take too long, and the one before it. */
  late: 2,
  /** Probes of others that we help with; further requests are not answered, which costs the asker a nack. */
  relay: 1024,
  /** Calls of the delegate's hooks; further ones give no answer. All acks and relays may each wait for one. */
  hook: 4096,
  /** Times after which such calls are given up. */
  deadline: 4096
} as const

const OWN = ["ack", "claim", "goodbye", "hearsay", "idle", "late", "relay"] as const

/** What the node has to do, and nobody waits for. */
export type Own = (typeof OWN)[number]

/** What somebody waits for who tells how it ended. */
export type Watched = "hook" | "deadline"

/** What runs in a fiber of somebody else's: of the transport, of a loop, of whoever closes the scope. */
export type Guarded = "goodbye" | "stream" | "TCP ping"

export type Kind = Own | Watched

export interface Work {
  /** Starts work that nobody waits for. `false` when there is too much of its kind, or the node has closed. */
  readonly start: (kind: Own, work: Effect.Effect<void>, about?: Details) => boolean
  /**
   * Starts what the caller watches, who tells of its defects and ends it when the node closes: the node does not wait
   * for it, because it is the application's code. `undefined` when there is too much of its kind, or the node has
   * closed.
   */
  readonly watch: <A, E>(kind: Watched, work: Effect.Effect<A, E>) => Fiber.Fiber<A, E> | undefined
  /** Tells of the defects of work in a fiber of somebody else's, which then answers `otherwise`. */
  readonly guard: <A>(kind: Guarded, work: Effect.Effect<A>, otherwise: A, about?: Details) => Effect.Effect<A>
  /** Runs in the node's context, whoever runs it. */
  readonly inContext: <A, E>(work: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** How many fibers of a kind run. */
  readonly running: (kind: Kind) => number
}

const none: Details = {}

/** Makes the starter of a node's fibers, with the current context as the node's own. */
export const make = Effect.fnUntraced(function*(
  counters: Counters,
  logs: Logs
): Effect.fn.Return<Work, never, Scope.Scope> {
  const context = yield* Effect.context<never>()
  const run = Effect.runForkWith(context)
  const fibers: Readonly<Record<Kind, Set<Fiber.Fiber<unknown, unknown>>>> = {
    ack: new Set(),
    claim: new Set(),
    goodbye: new Set(),
    hearsay: new Set(),
    idle: new Set(),
    late: new Set(),
    relay: new Set(),
    hook: new Set(),
    deadline: new Set()
  }
  let closed = false

  const tell = (kind: Own | Guarded, about: Details) => (exit: Exit.Exit<unknown>): void => {
    if (Exit.isSuccess(exit) || !Cause.hasDies(exit.cause)) return
    counters.count("fiber.died", kind)
    logs.note("WorkDied", { ...about, reason: kind, cause: exit.cause })
  }

  const fork = <A, E>(kind: Kind, work: Effect.Effect<A, E>): Fiber.Fiber<A, E> | undefined => {
    if (closed) return undefined
    const running = fibers[kind]
    if (running.size >= LIMITS[kind]) {
      counters.count("fiber.refused", kind)
      return undefined
    }
    const fiber = run(work)
    if (fiber.pollUnsafe() === undefined) {
      running.add(fiber)
      fiber.addObserver(() => running.delete(fiber))
    }
    return fiber
  }

  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      closed = true
      return Fiber.interruptAll(OWN.flatMap((kind) => [...fibers[kind]]))
    })
  )

  return {
    start: (kind, work, about = none) => {
      const fiber = fork(kind, work)
      fiber?.addObserver(tell(kind, about))
      return fiber !== undefined
    },
    watch: fork,
    guard: (kind, work, otherwise, about = none) =>
      work.pipe(
        Effect.onExit((exit) => Effect.sync(() => tell(kind, about)(exit))),
        Effect.catchCause((cause) => Cause.hasDies(cause) ? Effect.succeed(otherwise) : Effect.failCause(cause))
      ),
    inContext: (work) => Effect.updateContext(work, () => context),
    running: (kind) => fibers[kind].size
  }
})
