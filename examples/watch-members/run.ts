/**
 * Four members on this machine, each a process: `npm exec -- node examples/watch-members/run.ts`. One is killed and
 * started again, another one leaves. The exit code is 0 when all saw that, and 1 when somebody did not.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, Option, Schema, Stream, SubscriptionRef } from "effect"
import { ChildProcess } from "effect/process"
import { fileURLToPath } from "node:url"

const script = fileURLToPath(new URL("main.ts", import.meta.url))

class NotSeen extends Schema.TaggedError<NotSeen>()("NotSeen", { message: Schema.String }) {}

const story = Effect.gen(function*() {
  /** What all have printed, each line behind the name of who printed it. */
  const lines = yield* SubscriptionRef.make<ReadonlyArray<string>>([])

  /** Starts a member, and ends it with the scope if nothing did before. */
  const start = Effect.fnUntraced(function*(name: string, role: string, port: number, seeds: ReadonlyArray<string>) {
    // the options of this process too, so that its members find the library as it does
    const args = [...process.execArgv, script, "--name", name, "--role", role, "--port", String(port), ...seeds]
    const member = yield* ChildProcess.make(process.execPath, args, {
      extendEnv: true,
      stderr: "inherit",
      forceKillAfter: "5 seconds"
    })
    yield* member.stdout.pipe(
      Stream.decodeText,
      Stream.splitLines,
      Stream.map((text) => `${name} | ${text}`),
      Stream.runForEach((line) =>
        Effect.andThen(Console.log(line), SubscriptionRef.update(lines, (all) => [...all, line]))
      ),
      Effect.ignore, // the pipe of a killed process may break
      Effect.forkScoped
    )
    return member
  })

  /** Does it, and waits until each of these members has printed what is expected of it since. */
  const step = Effect.fnUntraced(function*<A, E, R>(
    title: string,
    action: Effect.Effect<A, E, R>,
    expected: Readonly<Record<string, string>>
  ) {
    yield* Console.log(`--- ${title}`)
    const before = (yield* SubscriptionRef.get(lines)).length
    const result = yield* action
    const missing = (all: ReadonlyArray<string>) =>
      Object.entries(expected).filter(([name, text]) => {
        const since = all.slice(before)
        return !since.some((line) => line.startsWith(`${name} | ${text}`))
      })
    const seen = yield* SubscriptionRef.changes(lines).pipe(
      Stream.filter((all) => missing(all).length === 0),
      Stream.runHead,
      Effect.timeoutOption("20 seconds")
    )
    if (Option.isSome(seen)) return result
    const list = missing(yield* SubscriptionRef.get(lines)).map(([name, text]) => `${name} never said "${text}"`)
    return yield* new NotSeen({ message: `${title}: ${list.join(", ")}` })
  })

  /** Where a member listens, as it printed. */
  const addressOf = Effect.fnUntraced(function*(name: string) {
    const prefix = `${name} | listens at `
    const line = (yield* SubscriptionRef.get(lines)).find((line) => line.startsWith(prefix)) ?? ""
    return line.slice(prefix.length)
  })

  yield* step("anna starts", start("anna", "api", 0, []), { anna: "listens at" })
  const seeds = [yield* addressOf("anna")]
  const others = Effect.all({
    bert: start("bert", "worker", 0, seeds),
    carl: start("carl", "worker", 0, seeds),
    dora: start("dora", "database", 0, seeds)
  })
  const all = { anna: "4 in the list", bert: "4 in the list", carl: "4 in the list", dora: "4 in the list" }
  const { bert, carl } = yield* step("bert, carl and dora start", others, all)

  yield* step("bert is killed", bert.kill({ killSignal: "SIGKILL" }), {
    anna: "MemberFailed bert",
    carl: "MemberFailed bert",
    dora: "MemberFailed bert"
  })
  const port = Number((yield* addressOf("bert")).split(":").at(-1))
  yield* step("bert starts again", start("bert", "worker", port, seeds), all)
  yield* step("carl is asked to stop", carl.kill({ killSignal: "SIGTERM" }), {
    anna: "MemberLeft carl",
    bert: "MemberLeft carl",
    dora: "MemberLeft carl"
  })
  yield* Console.log("--- all saw what they should")
})

story.pipe(Effect.scoped, Effect.provide(NodeServices.layer), NodeRuntime.runMain)
