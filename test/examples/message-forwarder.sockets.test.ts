/** The nodes of the example `message-forwarder` in one process, and its journal. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, References, Scope, Stream } from "effect"
import { Memberlist } from "effect-memberlist"
import { HttpServer } from "effect/http"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import { Script } from "node:vm"
import { Journal, type Options } from "../../examples/message-forwarder/journal.ts"
import * as Node from "../../examples/message-forwarder/node.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(Path.join(tmpdir(), "forwarder-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

/** Starts a node, which `stop` ends before the test does. */
const start = Effect.fnUntraced(function*(settings: Pick<Node.Settings, "folder" | "name"> & Partial<Node.Settings>) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const built = yield* Layer.buildWithScope(
    Node.layer({
      host: "127.0.0.1",
      port: 0,
      httpPort: 0,
      seeds: [],
      window: 100,
      capacity: 100,
      forgetAfter: "1 minute",
      ...settings
    }),
    scope
  ).pipe(Effect.provideService(References.MinimumLogLevel, "Error"))
  const { address } = yield* Context.get(built, Memberlist).localMember
  const server = Context.get(built, HttpServer.HttpServer).address
  return {
    address,
    port: Number(address.split(":")[1]),
    httpPort: server._tag === "UnixPathAddress" ? 0 : server.port,
    url: HttpServer.formatAddress(server),
    stop: Scope.close(scope, Exit.void)
  }
})

const post = (url: string, body: string, type = "application/json") =>
  Effect.promise(async () => {
    const response = await fetch(url, { method: "POST", body, headers: { "content-type": type } })
    return { status: response.status, headers: response.headers, text: await response.text() }
  })
const publish = (url: string, text: string) => post(`${url}/messages`, JSON.stringify({ text }))
const publishWhenItCan = (url: string, text: string) =>
  publish(url, text).pipe(Effect.delay("50 millis"), Effect.repeat({ until: ({ status }) => status === 201 }))

interface Told {
  readonly event: string
  readonly id: string
  readonly data: string
}

/** What a reader is told until it is enough; each message as its text. */
const read = (url: string, enough: (told: ReadonlyArray<Told>) => boolean, lastId?: string) =>
  Effect.promise(async () => {
    const headers: Record<string, string> = lastId === undefined ? {} : { "last-event-id": lastId }
    const response = await fetch(`${url}/events?last=1000`, { headers })
    const told: Array<Told> = []
    let rest = ""
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (rest + text).split("\n\n")
      rest = blocks.pop() ?? ""
      for (const block of blocks) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? ""
        const data = field("data")
        if (data === "") continue
        const event = field("event") || "message"
        told.push({ event, id: field("id"), data: event === "message" ? JSON.parse(data).text : data })
      }
      if (enough(told)) break
    }
    return told
  })
const messages = (told: ReadonlyArray<Told>) => told.filter(({ event }) => event === "message").map(({ data }) => data)
const knows = (name: string) => (told: ReadonlyArray<Told>) =>
  told.some(({ data }) => data.includes(`"name":"${name}"`))
const has = (count: number) => (told: ReadonlyArray<Told>) => messages(told).length >= count

// They mostly wait, so they wait at the same time.
describe.concurrent("a node of the message forwarder", () => {
  it.live("refuses what is no message, and says why", () =>
    Effect.gen(function*() {
      const { url } = yield* start({ name: "anna", folder: yield* folder })
      const statuses: Record<string, string> = {}
      const tell = (what: string, answer: { readonly status: number; readonly text: string }) => {
        statuses[what] = `${answer.status} ${answer.text === "" ? "" : JSON.parse(answer.text).error}`
      }
      tell("no JSON", yield* post(`${url}/messages`, "{"))
      tell("another shape", yield* post(`${url}/messages`, "{\"text\":1}"))
      tell("empty", yield* publish(url, ""))
      tell("half a character", yield* post(`${url}/messages`, "{\"text\":\"\\ud800\"}"))
      tell("another type", yield* post(`${url}/messages`, "{\"text\":\"a\"}", "text/plain"))
      tell("one byte too many", yield* publish(url, "é".repeat(8192) + "a"))
      tell("a body without an end", yield* post(`${url}/messages`, "\"".padEnd(200_000)))
      tell("for another node", yield* post(`${url}/forward`, "{\"from\":\"bert\",\"to\":\"carl\",\"messages\":[]}"))
      tell("of itself", yield* post(`${url}/forward`, "{\"from\":\"anna\",\"to\":\"anna\",\"messages\":[]}"))
      assert.match(statuses["another shape"] ?? "", /^400 .*\["text"\]$/s)
      delete statuses["another shape"]
      assert.deepStrictEqual(statuses, {
        "no JSON": "400 expected JSON",
        "empty": "400 expected text in Unicode that is not empty\n  at [\"text\"]",
        "half a character": "400 expected text in Unicode that is not empty\n  at [\"text\"]",
        "another type": "415 expected content-type: application/json",
        "one byte too many": "413 a text has at most 16384 bytes",
        "a body without an end": "413 a body has at most 99328 bytes",
        "for another node": "409 this is anna",
        "of itself": "409 this is anna"
      })
      const accepted = yield* publish(url, "é".repeat(8192))
      assert.strictEqual(accepted.status, 201)
    }))

  it.live("serves a page whose script compiles, names what is there and asks no other host", () =>
    Effect.gen(function*() {
      const { url } = yield* start({ name: "anna", folder: yield* folder })
      const page = yield* Effect.promise(async () => (await fetch(url)).text())
      const script = /<script>(.*)<\/script>/s.exec(page)?.[1] ?? ""
      assert.doesNotThrow(() => new Script(script))
      const used = [...script.matchAll(/\$\("(\w+)"\)/g)].map((match) => match[1])
      assert.include(used, "messages")
      for (const id of used) assert.include(page, `id="${id}"`)
      assert.notMatch(page, /https?:|\bsrc=|<link/)
    }))

  it.live("accepts no more while too much waits for a peer, which gets all of it when it returns", () =>
    Effect.gen(function*() {
      const anna = yield* start({ name: "anna", folder: yield* folder, window: 5, capacity: 5 })
      const settings = { name: "bert", folder: yield* folder, seeds: [anna.address] }
      const bert = yield* start(settings)
      yield* publish(bert.url, "0")
      const before = yield* read(anna.url, (told) => has(1)(told) && knows("bert")(told))
      yield* bert.stop
      for (const text of ["1", "2", "3", "4", "5"]) assert.strictEqual((yield* publish(anna.url, text)).status, 201)
      const full = yield* publish(anna.url, "6")
      assert.strictEqual(full.status, 503)
      assert.strictEqual(full.headers.get("retry-after"), "1")
      assert.include(full.text, "5 messages wait for a peer, of at most 5")

      const returned = yield* start({ ...settings, port: bert.port, httpPort: bert.httpPort })
      assert.deepStrictEqual(messages(yield* read(returned.url, has(6))), ["0", "1", "2", "3", "4", "5"])
      // anna has the answer by then, or in a moment
      yield* publishWhenItCan(anna.url, "6")
      // a reader that comes back to the same node, and one that goes to another
      const lastId = before.findLast(({ event }) => event === "message")?.id
      assert.deepStrictEqual(messages(yield* read(anna.url, has(6), lastId)), ["1", "2", "3", "4", "5", "6"])
      const elsewhere = yield* read(returned.url, has(7), lastId)
      assert.include(elsewhere[0], { event: "elsewhere", data: "{\"name\":\"bert\",\"removed\":0}" })
      assert.deepStrictEqual(messages(elsewhere), ["0", "1", "2", "3", "4", "5", "6"])
    }))

  it.live("gives up a peer that is away for too long, and brings a new one what is in the window", () =>
    Effect.gen(function*() {
      const anna = yield* start({
        name: "anna",
        folder: yield* folder,
        window: 100,
        capacity: 5,
        forgetAfter: "500 millis"
      })
      const bert = yield* start({ name: "bert", folder: yield* folder, seeds: [anna.address] })
      yield* read(anna.url, knows("bert"))
      yield* bert.stop
      for (let i = 0; i < 5; i++) yield* publish(anna.url, `${i}`)
      // one more than may wait for it
      yield* publishWhenItCan(anna.url, "5")
      const carl = yield* start({ name: "carl", folder: yield* folder, seeds: [anna.address] })
      assert.deepStrictEqual(messages(yield* read(carl.url, has(6))), ["0", "1", "2", "3", "4", "5"])
    }))
})

describe("the journal of the message forwarder", () => {
  const open = (options: Pick<Options, "folder"> & Partial<Options>) =>
    Effect.map(
      Layer.build(Journal.layer({ name: "anna", window: 100, capacity: 100, ...options })),
      Context.get(Journal)
    )
  const first = (journal: Journal["Service"], position: number, count: number) =>
    journal.read(position).pipe(
      Stream.take(count),
      Stream.map((item) => "missed" in item ? `missed ${item.missed}` : item.text),
      Stream.runCollect
    )
  const forwarded = (run: string, ...numbers: ReadonlyArray<number>) =>
    numbers.map((number) => ({ run, number, at: 0, text: `${run} ${number}` }))

  it.live("belongs to one process and one name, and goes on where it was", () =>
    Effect.gen(function*() {
      const path = yield* folder
      const id = yield* Effect.scoped(Effect.gen(function*() {
        const journal = yield* open({ folder: path })
        const locked = yield* Effect.flip(Effect.scoped(open({ folder: path })))
        assert.include(locked.message, "is another node using it?")
        yield* journal.accept("a\0b")
        journal.hold("bert")
        yield* journal.receive("carl", forwarded("x", 1, 2))
        return journal.id
      }))
      const error = yield* Effect.flip(Effect.scoped(open({ folder: path, name: "bert" })))
      assert.include(error.message, "the journal of anna, not of bert")
      const journal = yield* open({ folder: path })
      assert.strictEqual(journal.id, id)
      const next = yield* journal.accept("c")
      assert.deepInclude(next, { position: 4, number: 2 })
      assert.deepStrictEqual([...yield* first(journal, 0, 4)], ["a\0b", "x 1", "x 2", "c"])
      assert.deepStrictEqual([...journal.waiting()], [["bert", 2]])
      assert.deepStrictEqual(journal.batchFor("bert").map(({ text }) => text), ["a\0b", "c"])
    }))

  it.live("takes each message of a run once, and those of the next run", () =>
    Effect.gen(function*() {
      const journal = yield* open({ folder: yield* folder })
      assert.strictEqual(yield* journal.receive("bert", forwarded("x", 1, 2, 2)), 2)
      assert.strictEqual(yield* journal.receive("bert", forwarded("x", 1, 2, 3)), 1)
      assert.strictEqual(yield* journal.receive("bert", forwarded("y", 3, 4)), 2)
      assert.strictEqual(yield* journal.receive("carl", forwarded("x", 1, Number.MAX_SAFE_INTEGER)), 2)
      assert.deepStrictEqual([...yield* first(journal, 0, 7)].slice(0, 6), ["x 1", "x 2", "x 3", "y 3", "y 4", "x 1"])
      assert.strictEqual(yield* journal.receive("carl", forwarded("x", Number.MAX_SAFE_INTEGER)), 0)
    }))

  it.live("keeps its window, and what a peer has yet to get, and tells a reader what it missed", () =>
    Effect.gen(function*() {
      const journal = yield* open({ folder: yield* folder, window: 100, capacity: 1000 })
      journal.hold("bert")
      for (const text of ["1", "2", "3"]) yield* journal.accept(text)
      assert.isTrue(journal.acknowledge("bert", "its journal", 1))
      yield* journal.receive("carl", forwarded("x", ...Array.from({ length: 700 }, (_, i) => i + 1)))
      // 703 were written, and the first 603 are not in the window
      assert.strictEqual(journal.before(Infinity), 603)
      assert.deepStrictEqual([...yield* first(journal, 5, 2)], ["missed 598", "x 601"])
      assert.deepStrictEqual(journal.batchFor("bert").map(({ text }) => text), ["2", "3"])
      // whose disk was replaced: it begins with the window, where nothing of ours is any longer
      assert.isFalse(journal.acknowledge("bert", "another journal", 3))
      assert.deepStrictEqual(journal.batchFor("bert"), [])
      yield* journal.accept("4")
      assert.deepStrictEqual(journal.batchFor("bert").map(({ text }) => text), ["4"])
    }))
})
