/**
 * Starts a demo member as an operating system process and feeds what it says into the world.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { Line } from "./Line.ts"
import * as World from "./World.ts"

/** What is set for a node of this shell is none of the demo's. */
const withoutSettings = Object.fromEntries(
  Object.keys(process.env).filter((name) => name.startsWith("MEMBERLIST_")).map((name) => [name, undefined])
)

const decode = Schema.decodeUnknownEffect(Line)

export interface Member {
  readonly name: string
  readonly pid: number
  /** `ip:port`, as the member announced it. */
  readonly address: string
  /** Ends the process as a crash does: no goodbye. */
  readonly kill: Effect.Effect<void, PlatformError.PlatformError>
  /** Asks the process to end, and waits until it has said goodbye and gone. */
  readonly leave: Effect.Effect<void, PlatformError.PlatformError>
}

const record = Effect.fnUntraced(function*(world: World.World, observer: string, line: Line) {
  const at = yield* world.elapsed
  yield* SubscriptionRef.update(world.state, (state): World.State => {
    switch (line._tag) {
      case "Ready":
        return state
      case "View":
        return { ...state, views: new Map(state.views).set(observer, line.members) }
      case "Happened":
        return World.withObservation(state, { at, observer, event: line.event, member: line.member })
    }
  })
})

/** Starts a member and waits until it listens: on any free port, or on the one it had before. */
export type Start = (name: string, seeds: ReadonlyArray<string>, port?: string) => Effect.Effect<
  Member,
  World.DemoFailed | PlatformError.PlatformError,
  ChildProcessSpawner | Scope.Scope
>

/** Members are processes of Node.js with these arguments, after which their seeds follow. */
export const starting = (world: World.World, args: ReadonlyArray<string>): Start =>
  Effect.fnUntraced(function*(name, seeds, port = "0") {
    const spawner = yield* ChildProcessSpawner
    const tell = (change: World.Started) =>
      SubscriptionRef.update(world.state, (state) => World.withProcess(state, name, change))
    yield* tell({ fate: "starting" })
    const handle = yield* spawner.spawn(ChildProcess.make(process.execPath, [...args, ...seeds], {
      env: {
        ...withoutSettings,
        MEMBERLIST_PRESET: "local",
        // The local preset sends news only twice, and leaves the rest to the next push/pull: too slow to watch. On a
        // busy machine, members that join at the same moment may still miss each other: they need not wait 15 s.
        MEMBERLIST_RETRANSMIT_MULT: "4",
        MEMBERLIST_PUSH_PULL_INTERVAL: "4 seconds",
        MEMBERLIST_NAME: name,
        MEMBERLIST_BIND_ADDRESS: "127.0.0.1",
        MEMBERLIST_BIND_PORT: port
      },
      extendEnv: true,
      killSignal: "SIGTERM",
      forceKillAfter: "10 seconds"
    }))
    const complain = (line: string) =>
      SubscriptionRef.update(world.state, (state) => World.withComplaint(state, name, line))
    const ready = yield* SubscriptionRef.make<string | undefined>(undefined)
    yield* handle.stdout.pipe(
      Stream.decodeText,
      Stream.splitLines,
      Stream.runForEach((text) =>
        Effect.matchEffect(decode(text), {
          onFailure: () => complain(text),
          onSuccess: (line) =>
            line._tag === "Ready" ? SubscriptionRef.set(ready, line.address) : record(world, name, line)
        })
      ),
      // the pipe of a killed process may break
      Effect.ignore,
      Effect.forkScoped
    )
    const complaining = yield* handle.stderr.pipe(
      Stream.decodeText,
      Stream.splitLines,
      Stream.runForEach(complain),
      Effect.ignore,
      Effect.forkScoped
    )
    const address = yield* SubscriptionRef.changes(ready).pipe(
      Stream.filter((value) => value !== undefined),
      Stream.runHead,
      Effect.flatMap(Effect.fromOption),
      Effect.raceFirst(Effect.andThen(handle.exitCode, Effect.fail("it ended"))),
      Effect.timeout("30 seconds"),
      // why it ended is still on its way
      Effect.tapError(() => Effect.timeoutOption(Fiber.await(complaining), "1 second")),
      Effect.mapError(() => new World.DemoFailed({ message: `${name} did not start` }))
    )
    yield* tell({ fate: "running", pid: handle.pid, address })
    yield* Effect.exit(handle.exitCode).pipe(
      Effect.andThen(
        SubscriptionRef.update(
          world.state,
          (state) =>
            state.processes.get(name)?.pid === handle.pid && state.processes.get(name)?.fate === "running"
              ? World.withProcess(state, name, { fate: "ended" })
              : state
        )
      ),
      Effect.forkScoped
    )
    const end = (fate: World.Fate, killSignal: "SIGKILL" | "SIGTERM") =>
      Effect.andThen(tell({ fate }), handle.kill({ killSignal }))
    return { name, pid: handle.pid, address, kill: end("killed", "SIGKILL"), leave: end("left", "SIGTERM") }
  })
