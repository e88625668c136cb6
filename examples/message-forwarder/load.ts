/**
 * Publishes to random nodes, reads at all of them, and tells what arrived:
 * `npm exec -- node examples/message-forwarder/load.ts --rate 200 --seconds 10 http://127.0.0.1:8080`.
 *
 * The other nodes are found through the first ones, also those that join while it runs. The exit code is 1 when a
 * message was accepted and a node that is there at the end does not have it, or cannot be read.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Clock, Console, Effect, FiberMap, FiberSet, Layer, Option, Random, Schema, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Sse } from "effect/encoding"
import { HttpClient, HttpClientRequest } from "effect/http"
import { randomUUID } from "node:crypto"
import { Row } from "./members.ts"

class Unreliable extends Schema.TaggedError<Unreliable>()("Unreliable", { message: Schema.String }) {}

/** A node, and what its reader has. */
interface Reader {
  url: string
  isConnected: boolean
  /** As the nodes tell. */
  state: typeof Row.Type["state"]
  lastId: string | undefined
  duplicates: number
  /** Milliseconds from publishing until it was here, by the number of the message. */
  readonly times: Map<number, number>
}

const decodeRows = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Array(Row)))
const decodeMessage = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ text: Schema.String })))

const number = (value: number) => value.toLocaleString("en")
const milliseconds = (times: ReadonlyArray<number>, share: number) => {
  const time = times[Math.min(times.length - 1, Math.floor(times.length * share))]
  return time === undefined ? "-" : `${time.toFixed(time < 10 ? 1 : 0)} ms`
}

const load = Effect.fnUntraced(function*(
  { rate, seconds, settle, urls }: {
    readonly rate: number
    readonly seconds: number
    readonly settle: number
    readonly urls: ReadonlyArray<string>
  }
) {
  const client = yield* HttpClient.HttpClient
  const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)
  /** Begins each text of this load. */
  const mark = randomUUID().slice(0, 8)
  const sent: Array<number> = []
  const accepted = new Set<number>()
  let refused = 0
  let unanswered = 0
  const readers = new Map<string, Reader>()
  const fibers = yield* FiberMap.make<string>()

  /** What a node tells until the connection ends. */
  const events = (url: string, lastId: string | undefined) =>
    Stream.unwrap(Effect.gen(function*() {
      const headers = lastId === undefined ? {} : { "last-event-id": lastId }
      const response = yield* HttpClient.filterStatusOk(client).get(`${url}/events?last=1000000`, { headers }).pipe(
        Effect.timeout("5 seconds")
      )
      const parsed: Array<Sse.Event> = []
      const parser = Sse.makeParser((event) => {
        if (event._tag === "Event") parsed.push(event)
      })
      return Stream.decodeText(response.stream).pipe(Stream.flatMap((text) => {
        parser.feed(text)
        return Stream.fromIterable(parsed.splice(0))
      }))
    }))

  const follow = Effect.fnUntraced(function*(reader: Reader, event: Sse.Event): Effect.fn.Return<void> {
    reader.isConnected = true
    if (event.event === "members") return yield* discover(event.data)
    reader.lastId = event.id ?? reader.lastId
    const [load, n] = Option.match(decodeMessage(event.data), {
      onNone: () => [],
      onSome: ({ text }) => text.split(" ")
    })
    if (load !== mark) return
    const i = Number(n)
    if (reader.times.has(i)) reader.duplicates++
    else reader.times.set(i, (yield* now) - (sent[i] ?? NaN))
  })

  /** Reads at each node of a list, and again whenever its connection is lost. */
  const discover = (data: string): Effect.Effect<void> =>
    Effect.forEach(Option.getOrElse(decodeRows(data), () => []), ({ name, state, url }) => {
      const known = readers.get(name)
      if (known !== undefined) {
        known.url = url ?? known.url
        known.state = state
      }
      if (known !== undefined || url === undefined) return Effect.void
      const reader: Reader = { url, isConnected: false, state, lastId: undefined, duplicates: 0, times: new Map() }
      readers.set(name, reader)
      const once = Effect.suspend(() =>
        Stream.runForEach(events(reader.url, reader.lastId), (event) => follow(reader, event))
      )
      const again = once.pipe(
        Effect.ignore, // a node that is killed, or not there yet
        Effect.andThen(Effect.sync(() => reader.isConnected = false)),
        Effect.andThen(Effect.sleep("200 millis")),
        Effect.forever
      )
      return Effect.asVoid(FiberMap.run(fibers, name, again))
    }, { discard: true })

  yield* Effect.forEach(
    urls,
    (url) =>
      events(url, undefined).pipe(
        Stream.filter(({ data, event }) => event === "members" && data !== "[]"),
        Stream.take(1),
        Stream.runForEach(({ data }) => discover(data)),
        Effect.timeout("5 seconds"),
        Effect.ignore
      ),
    { concurrency: "unbounded", discard: true }
  )
  const list = () => Array.from(readers).toSorted(([a], [b]) => a < b ? -1 : 1)
  const until = (condition: () => boolean, seconds: number) =>
    Effect.sleep("100 millis").pipe(Effect.repeat({ until: condition }), Effect.timeoutOption(seconds * 1000))
  yield* until(() => list().every(([, { isConnected }]) => isConnected), 5)
  if (readers.size === 0) return yield* new Unreliable({ message: `nobody answers at ${urls.join(", ")}` })
  yield* Console.log(list().map(([name, { url }]) => `${name} at ${url}`).join(", "))

  const publish = Effect.fnUntraced(function*(i: number) {
    const known = Array.from(readers.values())
    const reader = known[yield* Random.nextIntBetween(0, known.length, { halfOpen: true })]
    if (reader === undefined) return
    sent[i] = yield* now
    const status = yield* HttpClientRequest.post(`${reader.url}/messages`).pipe(
      HttpClientRequest.bodyJsonUnsafe({ text: `${mark} ${i}` }),
      client.execute,
      Effect.flatMap((response) => Effect.as(response.text, response.status)),
      Effect.timeout("5 seconds"),
      Effect.orElseSucceed(() => 0)
    )
    if (status === 201) accepted.add(i)
    else if (status === 0) unanswered++
    else refused++
  })

  const here = (reader: Reader) => Array.from(accepted).filter((i) => reader.times.has(i)).length
  const begun = yield* now
  const state = Effect.gen(function*() {
    const all = list().map(([name, reader]) => `${name} ${reader.isConnected ? number(here(reader)) : "away"}`)
    const time = ((yield* now) - begun) / 1000
    yield* Console.log(`${time.toFixed(0).padStart(3)} s: accepted ${number(accepted.size)}; here: ${all.join(", ")}`)
  })
  yield* state.pipe(Effect.delay("1 second"), Effect.forever, Effect.forkScoped)

  // at its time, however long the answers take
  const requests = yield* FiberSet.make()
  for (let i = 0; i < rate * seconds; i++) {
    const wait = begun + i * 1000 / rate - (yield* now)
    if (wait > 1) yield* Effect.sleep(wait)
    yield* FiberSet.run(requests, publish(i))
  }
  yield* FiberSet.awaitEmpty(requests)

  const lost = (reader: Reader) => accepted.size - here(reader)
  yield* until(() => list().every(([, reader]) => reader.isConnected && lost(reader) === 0), settle)
  // duplicates would come by now
  yield* Effect.sleep("300 millis")

  yield* Console.log(
    `accepted ${number(accepted.size)} of ${number(sent.length)}; refused ${number(refused)}; unanswered ${
      number(unanswered)
    }`
  )
  const table = [
    ["node", "delivered", "lost", "duplicates", "p50", "p99"],
    ...list().map(([name, reader]) => {
      const times = Array.from(reader.times.values()).toSorted((a, b) => a - b)
      const end = reader.isConnected ? number(lost(reader)) : "away"
      return [
        name,
        number(times.length),
        end,
        number(reader.duplicates),
        milliseconds(times, 0.5),
        milliseconds(times, 0.99)
      ]
    })
  ]
  for (const row of table) {
    yield* Console.log(row.map((cell, i) => i === 0 ? cell.padEnd(12) : cell.padStart(11)).join(""))
  }
  const read = list().map(([, reader]) => reader).filter(({ isConnected }) => isConnected)
  const unread = list().filter(([, { isConnected, state }]) => !isConnected && state !== "away").map(([name]) => name)
  if (accepted.size === 0) return yield* new Unreliable({ message: "nothing was accepted" })
  if (read.length === 0) return yield* new Unreliable({ message: "no node can be read" })
  if (unread.length > 0) return yield* new Unreliable({ message: `there, and not read: ${unread.join(", ")}` })
  if (read.some((reader) => lost(reader) > 0)) return yield* new Unreliable({ message: "accepted messages are lost" })
}, Effect.scoped)

const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 }))

const main = Command.make("load", {
  rate: Flag.Int("rate").pipe(Flag.withSchema(Count), Flag.withDescription("Messages a second"), Flag.withDefault(200)),
  seconds: Flag.Int("seconds").pipe(
    Flag.withSchema(Count),
    Flag.withDescription("How long it publishes"),
    Flag.withDefault(10)
  ),
  settle: Flag.Int("settle").pipe(
    Flag.withSchema(Count),
    Flag.withDescription("Seconds after that in which all has to arrive"),
    Flag.withDefault(30)
  ),
  urls: Argument.String("url").pipe(Argument.withDescription("Of one node or several"), Argument.atLeast(1))
}, load).pipe(Command.withDescription("Publishes to random nodes, reads at all of them, and tells what arrived"))

main.pipe(
  Command.run({ version: "1.0.0" }),
  Effect.provide(Layer.merge(NodeServices.layer, NodeHttpClient.layerNodeHttpOptions({ keepAlive: true }))),
  NodeRuntime.runMain
)
