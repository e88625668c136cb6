/**
 * Three nodes on this machine, and writes to all of them: `npm exec -- node examples/kv-store/run.ts`. One is killed and
 * comes back with nothing, one stands still until the others hold it for dead, and all are stopped and start again. The
 * exit code is 0 when all nodes have the same in the end, and nothing that was acknowledged is missing unless it was
 * overwritten; else 1.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import {
  Clock,
  Console,
  Deferred,
  Effect,
  Fiber,
  FileSystem,
  Layer,
  Option,
  Path,
  Random,
  Schedule,
  Schema,
  Stream
} from "effect"
import { HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"
import { ChildProcess, type ChildProcessSpawner } from "effect/process"
import { fileURLToPath } from "node:url"
import { type Content, judge, type Write } from "./history.ts"

class Failed extends Schema.TaggedError<Failed>()("Failed", { message: Schema.String }) {}

const script = fileURLToPath(new URL("main.ts", import.meta.url))

/** A node that was started, and may have ended since. */
interface Node {
  readonly program: ChildProcessSpawner.ChildProcessHandle
  readonly address: string
  readonly url: string
}

const Health = Schema.Struct({ isReady: Schema.Boolean, members: Schema.Array(Schema.String), keys: Schema.Int })
const Page = Schema.Struct({
  entries: Schema.Array(Schema.Struct({ key: Schema.String, value: Schema.String })),
  after: Schema.optionalKey(Schema.String)
})

const NAMES = ["anna", "bert", "carl"]
/** Writes a second to each node. */
const RATE = 10

const story = Effect.gen(function*() {
  const client = yield* HttpClient.HttpClient
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* files.makeTempDirectoryScoped({ prefix: "kv-store-" })
  const nodes = new Map<string, Node>()
  const writes: Array<Write> = []
  /** Nodes that are written to. */
  const open = new Set<string>()
  let underWay = 0

  /** Starts a node where it was before, and waits until it tells where it listens. */
  const start = Effect.fnUntraced(function*(name: string, seeds: ReadonlyArray<string>) {
    const listens = yield* Deferred.make<string>()
    const serves = yield* Deferred.make<string>()
    const before = nodes.get(name)
    const portOf = (address = ":0") => address.replace(/.*:/, "")
    // the options of this process too, so that it finds the library as this one does
    const program = yield* ChildProcess.make(process.execPath, [
      ...process.execArgv,
      script,
      ...["--name", name, "--folder", path.join(folder, name)],
      ...["--port", portOf(before?.address), "--http-port", portOf(before?.url)],
      ...seeds
    ], { extendEnv: true, stderr: "inherit", forceKillAfter: "5 seconds" })
    yield* program.stdout.pipe(
      Stream.decodeText,
      Stream.splitLines,
      Stream.runForEach((line) => {
        const [, what, where = ""] = /^(listens at|serves) (.*)$/.exec(line) ?? []
        if (what === undefined) return Console.log(`${name} | ${line}`)
        return Deferred.succeed(what === "serves" ? serves : listens, where)
      }),
      Effect.ignore, // the pipe of a killed process may break
      Effect.forkScoped
    )
    const node = yield* within(
      `${name} starts`,
      Effect.all({ program: Effect.succeed(program), address: Deferred.await(listens), url: Deferred.await(serves) })
    )
    nodes.set(name, node)
    return node
  })
  const nodeOf = (name: string) => Effect.suspend(() => Effect.fromOption(Option.fromUndefinedOr(nodes.get(name))))
  const within = <A, E, R>(title: string, effect: Effect.Effect<A, E, R>) =>
    Effect.timeoutOrElse(effect, {
      duration: "30 seconds",
      orElse: () => Effect.fail(new Failed({ message: `not within 30 seconds: ${title}` }))
    })
  /** Waits until it is so. */
  const until = <E, R>(title: string, is: Effect.Effect<boolean, E, R>) =>
    within(
      title,
      Effect.repeat(Effect.delay(Effect.orElseSucceed(is, () => false), "250 millis"), { until: (is) => is })
    )

  const health = (name: string) =>
    Effect.flatMap(nodeOf(name), ({ url }) => client.get(`${url}/health`)).pipe(
      Effect.flatMap(HttpClientResponse.schemaBodyJson(Health)),
      Effect.timeout("500 millis")
    )
  const sees = (name: string, members: ReadonlyArray<string>) =>
    Effect.map(health(name), (seen) => seen.isReady && seen.members.join() === members.join())
  const allSeeAll = until(
    "all see all",
    Effect.map(Effect.all(NAMES.map((name) => sees(name, NAMES))), (all) => all.every((is) => is))
  )
  /** All that a node has, page by page. */
  const contentOf = Effect.fnUntraced(function*(name: string) {
    const { url } = yield* nodeOf(name)
    const content = new Map<string, string>()
    for (let after: string | undefined = ""; after !== undefined;) {
      const page: typeof Page.Type = yield* client.get(`${url}/keys`, { urlParams: { limit: 1000, after } })
        .pipe(
          Effect.flatMap(HttpClientResponse.filterStatusOk),
          Effect.flatMap(HttpClientResponse.schemaBodyJson(Page))
        )
      for (const { key, value } of page.entries) content.set(key, value)
      after = page.after
    }
    return content
  })

  /** Writes, and keeps what became of it. */
  const write = Effect.fnUntraced(function*(name: string, key: string, value: string | undefined) {
    const { url } = yield* nodeOf(name)
    const target = `${url}/keys/${encodeURIComponent(key)}`
    const written: Write = { node: name, key, value, sent: yield* Clock.currentTimeMillis, answered: undefined }
    const request = value === undefined
      ? HttpClientRequest.delete(target)
      : HttpClientRequest.put(target).pipe(HttpClientRequest.bodyText(value, "text/plain"))
    writes.push(written)
    underWay++
    const { status } = yield* client.execute(request).pipe(
      Effect.timeout("30 seconds"),
      Effect.ensuring(Effect.sync(() => underWay--))
    )
    if (status === 204) written.answered = yield* Clock.currentTimeMillis
    // a removal of what had not come here yet, which wrote nothing
    else if (status === 404) writes.splice(writes.indexOf(written), 1)
    else return yield* new Failed({ message: `${name} answers ${status}` })
    return undefined
  })

  /** Writes to a node while it is open: new keys, keys that all write to, and removals of what anybody wrote. */
  const writing = Effect.fnUntraced(function*(name: string) {
    for (let i = 0;; i++) {
      yield* Effect.sleep(1000 / RATE)
      if (!open.has(name)) continue
      const kind = yield* Random.nextIntBetween(1, 10)
      const old = writes[yield* Random.nextIntBetween(0, Math.max(0, writes.length - 1))]
      yield* kind === 1 && old !== undefined
        ? write(name, old.key, undefined)
        : write(name, kind <= 3 ? `shared/${i % 5}` : `${name}/${i}`, `${name} wrote ${i}`)
    }
  })

  const tell = (text: string) => Console.log(`--- ${text}`)
  const began = yield* Clock.currentTimeMillis
  const line = Effect.gen(function*() {
    const seconds = Math.round(((yield* Clock.currentTimeMillis) - began) / 1000)
    const rows = yield* Effect.forEach(NAMES, (name) =>
      Effect.match(health(name), {
        onFailure: () => `${name} no answer`,
        onSuccess: ({ isReady, keys }) => isReady ? `${name} ${keys} keys` : `${name} not ready`
      }), { concurrency: "unbounded" })
    const acknowledged = writes.filter(({ answered }) => answered !== undefined).length
    yield* Console.log(`${String(seconds).padStart(3)} s | ${acknowledged} writes acknowledged | ${rows.join(", ")}`)
  })

  /** Writes no more, waits until all nodes have the same, and fails if that is not what was written. */
  const agree = Effect.gen(function*() {
    open.clear()
    yield* until("all writes are answered", Effect.sync(() => underWay === 0))
    const found = new Map<string, Content>()
    const look = Effect.forEach(NAMES, (name) => Effect.map(contentOf(name), (content) => found.set(name, content)), {
      discard: true
    })
    const { differ, wrong } = yield* Effect.map(look, () => judge(writes, found)).pipe(
      Effect.repeat({
        schedule: Schedule.max([Schedule.spaced("200 millis"), Schedule.recurs(50)]),
        until: ({ differ }) => differ.length === 0
      })
    )
    yield* Effect.forEach(
      [...differ.map((key) => `${key} differs`), ...wrong].slice(0, 20),
      (what) => Console.log(`    ${what}`)
    )
    if (differ.length > 0 || wrong.length > 0) {
      return yield* new Failed({
        message: `${differ.length} keys differ, ${wrong.length} values are not what was written`
      })
    }
    return found.get("anna")?.size
  })
  const compare = Effect.gen(function*() {
    const size = yield* agree
    const acknowledged = writes.filter(({ answered }) => answered !== undefined)
    const removals = acknowledged.filter(({ value }) => value === undefined).length
    yield* Console.log(`    ${acknowledged.length} writes acknowledged, ${removals} of them removals: none is missing`)
    yield* Console.log(`    the same ${size} keys: ${NAMES.join(", ")}`)
  })

  yield* tell("anna, bert and carl start, each with a folder, and are written to")
  const anna = yield* start("anna", [])
  const seeds = [anna.address]
  yield* Effect.all([start("bert", seeds), start("carl", seeds)], { concurrency: "unbounded" })
  yield* allSeeAll
  yield* Effect.forkScoped(Effect.repeat(line, Schedule.fixed("1 second")))
  const writers = yield* Effect.forkScoped(
    Effect.all(NAMES.map((name) => writing(name)), { concurrency: "unbounded" })
  )
  const storyOf = Effect.gen(function*() {
    for (const name of NAMES) open.add(name)
    yield* Effect.sleep("2 seconds")

    // What a node has acknowledged a moment before it is killed may be nowhere else: that is outside the promise.
    yield* agree
    yield* tell("bert is killed, and its folder is removed")
    yield* Effect.flatMap(nodeOf("bert"), ({ program }) => program.kill({ killSignal: "SIGKILL" }))
    yield* files.remove(path.join(folder, "bert"), { recursive: true, force: true })
    open.add("anna").add("carl")
    yield* until("bert is dead", sees("anna", ["anna", "carl"]))
    yield* tell("bert starts again, with nothing")
    yield* start("bert", seeds)
    yield* allSeeAll
    open.add("bert")

    yield* tell("carl stands still until the others hold it for dead, and is written to all the same")
    open.delete("carl")
    const carl = yield* nodeOf("carl")
    process.kill(carl.program.pid, "SIGSTOP")
    // the kernel takes it, and carl sees it when it goes on
    const late = yield* Effect.forkScoped(write("carl", "shared/0", "carl wrote while it stood still"))
    yield* until(
      "carl is held for dead",
      Effect.map(
        Effect.all([sees("anna", ["anna", "bert"]), sees("bert", ["anna", "bert"])]),
        (all) => all.every((is) => is)
      )
    )
    yield* Effect.sleep("1 second")
    yield* tell("carl goes on")
    process.kill(carl.program.pid, "SIGCONT")
    yield* Fiber.join(late)
    yield* allSeeAll
    open.add("carl")
    yield* Effect.sleep("1 second")

    yield* tell("nothing is written any more")
    yield* compare

    yield* tell("all are stopped, and start again with their folders")
    yield* Effect.forEach(
      NAMES,
      (name) => Effect.flatMap(nodeOf(name), ({ program }) => program.kill({ killSignal: "SIGTERM" })),
      {
        concurrency: "unbounded"
      }
    )
    yield* Effect.all(
      NAMES.map((name) => start(name, [...nodes.values()].map(({ address }) => address))),
      { concurrency: "unbounded" }
    )
    yield* allSeeAll
    yield* compare
    yield* tell("all nodes have the same, and nothing that was acknowledged is missing")
  })
  // a write that is refused ends it too
  yield* Effect.raceFirst(storyOf, Fiber.join(writers))
})

story.pipe(
  Effect.scoped,
  Effect.provide(Layer.mergeAll(NodeServices.layer, NodeHttpClient.layerNodeHttp)),
  NodeRuntime.runMain
)
