/**
 * Four nodes on this machine under load: `npm exec -- node examples/message-forwarder/run.ts`. One is killed and started
 * again, and a fifth one joins. The exit code is 0 when nothing that was accepted is lost, else 1.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Deferred, Effect, Fiber, FileSystem, Path, Schema, Stream, SubscriptionRef } from "effect"
import { ChildProcess } from "effect/process"
import { fileURLToPath } from "node:url"

class Failed extends Schema.TaggedError<Failed>()("Failed", { message: Schema.String }) {}

const script = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** Starts a program, and ends it with the scope if nothing did before. Each of its lines is printed, and told. */
const start = Effect.fnUntraced(function*(
  title: string,
  file: string,
  args: ReadonlyArray<string>,
  told: (line: string) => Effect.Effect<unknown> = () => Effect.void
) {
  // the options of this process too, so that it finds the library as this one does
  const program = yield* ChildProcess.make(process.execPath, [...process.execArgv, script(file), ...args], {
    extendEnv: true,
    stderr: "inherit",
    forceKillAfter: "5 seconds"
  })
  const printed = yield* program.stdout.pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.runForEach((line) => Effect.andThen(Console.log(`${title} | ${line}`), told(line))),
    Effect.ignore, // the pipe of a killed process may break
    Effect.forkScoped
  )
  return { program, printed }
})

const story = Effect.gen(function*() {
  const folder = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped({ prefix: "message-forwarder-" })
  const path = yield* Path.Path

  /** Starts a node, and waits until it tells where it listens. */
  const node = Effect.fnUntraced(function*(name: string, ports: ReadonlyArray<string>, seeds: ReadonlyArray<string>) {
    const [port = "0", httpPort = "0"] = ports
    const listens = yield* Deferred.make<string>()
    const serves = yield* Deferred.make<string>()
    const args = [
      "--name",
      name,
      "--port",
      port,
      "--http-port",
      httpPort,
      "--folder",
      path.join(folder, name),
      ...seeds
    ]
    const { program } = yield* start(name, "main.ts", args, (line) => {
      const [, what, where = ""] = /^(listens at|serves) (.*)$/.exec(line) ?? []
      return what === undefined ? Effect.void : Deferred.succeed(what === "serves" ? serves : listens, where)
    })
    return yield* Effect.all({
      program: Effect.succeed(program),
      address: Deferred.await(listens),
      url: Deferred.await(serves)
    }).pipe(Effect.timeoutOrElse({
      duration: "20 seconds",
      orElse: () => Effect.fail(new Failed({ message: `${name} does not start` }))
    }))
  })
  const portOf = (address: string) => address.replace(/.*:/, "")

  yield* Console.log("--- anna, bert, carl and dora start")
  const anna = yield* node("anna", [], [])
  const seeds = [anna.address]
  const { bert } = yield* Effect.all({
    bert: node("bert", [], seeds),
    carl: node("carl", [], seeds),
    dora: node("dora", [], seeds)
  }, { concurrency: "unbounded" })

  yield* Console.log("--- 60 messages a second for 5 seconds, to random nodes")
  const told = yield* SubscriptionRef.make("")
  const load = yield* start(
    "load",
    "load.ts",
    ["--rate", "60", "--seconds", "5", anna.url, bert.url],
    (line) => SubscriptionRef.set(told, line)
  )
  const over = yield* Effect.forkScoped(load.program.exitCode)
  /** Waits until the load tells this, or ends. */
  const until = (what: RegExp) =>
    SubscriptionRef.changes(told).pipe(
      Stream.filter((line) => what.test(line)),
      Stream.runHead,
      Effect.raceFirst(Fiber.await(over))
    )

  yield* until(/ [1-9]\d* s: /)
  yield* Console.log("--- bert is killed")
  yield* bert.program.kill({ killSignal: "SIGKILL" })
  yield* until(/bert away/)
  yield* Console.log("--- emil joins")
  yield* node("emil", [], seeds)
  yield* until(/emil \d/)
  yield* Console.log("--- bert starts again")
  yield* node("bert", [portOf(bert.address), portOf(bert.url)], seeds)

  const code = yield* Fiber.join(over)
  yield* Fiber.join(load.printed)
  if (code !== 0) return yield* new Failed({ message: `the load ends with exit code ${code}` })
  yield* Console.log("--- nothing that was accepted is lost")
})

story.pipe(Effect.scoped, Effect.provide(NodeServices.layer), NodeRuntime.runMain)
