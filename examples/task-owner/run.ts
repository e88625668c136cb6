/**
 * 64 tasks, divided by processes that come and go: `npm exec -- node examples/task-owner/run.ts [--grace "1 second"]`.
 * Prints each second how many tasks have no owner, one, or two, and how long that lasted after each change. The exit code
 * is 0 when every change ended with one owner for each, and none ever had two while all followed the same ring.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, Option, Schedule, Schema, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { ChildProcess } from "effect/process"
import { fileURLToPath } from "node:url"
import { type Entry, ownersOf, type Span } from "./owners.ts"
import { Report, tasks } from "./report.ts"

const script = fileURLToPath(new URL("main.ts", import.meta.url))

class NotSettled extends Schema.TaggedError<NotSettled>()("NotSettled", { message: Schema.String }) {}

const decode = Schema.decodeOption(Schema.fromJsonString(Report))

const now = Effect.clockWith((clock) => clock.currentTimeMillis)
const shown = (millis: number) => millis < 1000 ? `${millis} ms` : `${(millis / 1000).toFixed(1)} s`

/** Such as "21 tasks, for 980 ms to 2.3 s". */
const told = (spans: ReadonlyArray<Span>) => {
  if (spans.length === 0) return "no task"
  const times = spans.map(({ from, to = from }) => to - from)
  const count = new Set(spans.map(({ task }) => task)).size
  return `${count} tasks, for ${shown(Math.min(...times))} to ${shown(Math.max(...times))}`
}

const story = Effect.fnUntraced(function*(grace: string) {
  const entries: Array<Entry> = []
  const owners = Effect.sync(() => ownersOf(entries))

  /** Starts a member, and ends it with the scope if nothing did before. */
  const start = Effect.fnUntraced(function*(name: string, port: number, seeds: ReadonlyArray<string>) {
    // the options of this process too, so that its members find the library as it does
    const args = [...process.execArgv, script, "--name", name, "--port", String(port), "--grace", grace, ...seeds]
    const member = yield* ChildProcess.make(process.execPath, args, {
      extendEnv: true,
      stderr: "inherit",
      forceKillAfter: "5 seconds"
    })
    yield* member.stdout.pipe(
      Stream.decodeText,
      Stream.splitLines,
      Stream.runForEach((line) =>
        Option.match(decode(line), {
          onNone: () => Console.log(`${name} | ${line}`),
          onSome: (report) => Effect.sync(() => entries.push({ name, ...report }))
        })
      ),
      Effect.ignore, // the pipe of a killed process may break
      Effect.andThen(Effect.map(now, (at) => entries.push({ _tag: "Gone", name, at }))),
      Effect.forkScoped
    )
    return member
  })

  /** Waits until it is so. */
  const until = Effect.fnUntraced(function*(title: string, done: (now: ReturnType<typeof ownersOf>) => boolean) {
    yield* Effect.sleep("200 millis").pipe(
      Effect.andThen(owners),
      Effect.repeat({ until: done }),
      Effect.timeoutOrElse({
        duration: "30 seconds",
        orElse: () => Effect.fail(new NotSettled({ message: `${title}: not within 30 seconds` }))
      })
    )
  })

  /** Does it, and waits until these members follow one ring and every task has one owner. */
  const step = Effect.fnUntraced(function*<A, E, R>(
    title: string,
    members: ReadonlyArray<string>,
    action: Effect.Effect<A, E, R>
  ) {
    yield* Console.log(`--- ${title}`)
    const from = yield* now
    const result = yield* action
    const all = members.join()
    yield* until(
      title,
      ({ agreed, counts, running }) =>
        agreed?.join() === all && [...running.keys()].sort().join() === all && counts.one === tasks.length
    )
    const spans = (yield* owners).spans.filter((span) => span.from >= from)
    yield* Console.log(`    no owner: ${told(spans.filter(({ owners }) => owners === 0))}`)
    yield* Console.log(`    two owners: ${told(spans.filter(({ owners }) => owners > 1))}`)
    return result
  })

  /** Where a member listens, as it reported. */
  const addressOf = (name: string) =>
    entries.flatMap((entry) => entry._tag === "Listens" && entry.name === name ? [entry.address] : [])[0] ?? ""

  const began = yield* now
  const line = Effect.gen(function*() {
    const { agreed, counts, running } = yield* owners
    const second = Math.round(((yield* now) - began) / 1000)
    const [none, one, two] = [counts.none, counts.one, counts.several].map((n) => String(n).padStart(2))
    const shares = [...running].map(([name, own]) => `${name} ${own.size}`).sort().join("  ")
    const ring = agreed === undefined ? "rings differ" : "one ring"
    yield* Console.log(`${String(second).padStart(3)} s | none ${none}  one ${one}  two ${two} | ${ring} | ${shares}`)
  })
  yield* Effect.forkScoped(Effect.repeat(line, Schedule.fixed("1 second")))

  yield* step("anna starts", ["anna"], start("anna", 0, []))
  const seeds = [addressOf("anna")]
  const { bert, carl } = yield* step(
    "bert and carl start",
    ["anna", "bert", "carl"],
    Effect.all({ bert: start("bert", 0, seeds), carl: start("carl", 0, seeds) })
  )
  yield* step("bert is killed", ["anna", "carl"], bert.kill({ killSignal: "SIGKILL" }))
  const port = Number(addressOf("bert").split(":").at(-1))
  const { dora } = yield* step(
    "bert starts again, and dora is new",
    ["anna", "bert", "carl", "dora"],
    Effect.all({ bert: start("bert", port, seeds), dora: start("dora", 0, seeds) })
  )
  yield* step("dora is asked to stop", ["anna", "bert", "carl"], dora.kill({ killSignal: "SIGTERM" }))
  yield* step(
    "carl stands still until the others have taken over, and goes on",
    ["anna", "bert", "carl"],
    Effect.gen(function*() {
      process.kill(carl.pid, "SIGSTOP")
      yield* until(
        "carl stands still",
        ({ running }) =>
          tasks.every((task) => running.get("anna")?.has(task) === true || running.get("bert")?.has(task) === true)
      )
      yield* Effect.sleep("1 second")
      process.kill(carl.pid, "SIGCONT")
    })
  )
  const { broken } = yield* owners
  if (broken > 0) {
    return yield* new NotSettled({ message: `two owners for ${broken} ms while all followed the same ring` })
  }
  yield* Console.log("--- each change ended with one owner for each; two only while rings differed")
}, Effect.scoped)

Command.make("task-owner", {
  grace: Flag.String("grace").pipe(
    Flag.withDescription("The grace of each member, such as \"0 millis\""),
    Flag.withDefault("1 second")
  )
}, ({ grace }) => story(grace)).pipe(
  Command.withDescription("Shows how tasks change their owners"),
  Command.run({ version: "1.0.0" }),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
