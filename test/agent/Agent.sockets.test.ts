import { assert, it } from "@effect/vitest"
import { MemberlistConfig } from "effect-memberlist"
import { Agent, type AgentOptions, Api } from "effect-memberlist/agent"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { request } from "node:http"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import * as Path from "node:path"

const TOKEN = "0123456789abcdef0123"

/** An agent of its own scope, and a client for it. */
const start = Effect.fnUntraced(function*(name: string, options: Partial<AgentOptions> = {}, token?: string) {
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const layer = Agent.layer({
    http: { host: "127.0.0.1", port: 0 },
    node: { ...MemberlistConfig.local, name, bindAddress: "127.0.0.1", bindPort: 0 },
    ...options
  }).pipe(Layer.provide(Logger.layer([])))
  const { url } = Context.get(yield* Layer.buildWithScope(layer, scope), Agent)
  const client = yield* HttpApiClient.make(Api, {
    baseUrl: url.replace("0.0.0.0", "127.0.0.1"),
    transformClient: token === undefined
      ? undefined
      : HttpClient.mapRequest(HttpClientRequest.bearerToken(token))
  })
  return { url, client, stop: Scope.close(scope, Exit.void) }
})

const test = <E>(name: string, body: Effect.Effect<void, E, Scope.Scope | HttpClient.HttpClient>) =>
  it.live(name, () => Effect.scoped(Effect.provide(body, FetchHttpClient.layer)))

/** The status of a request that no client would send. */
const status = (url: string, method: string, headers: Readonly<Record<string, string>>, body = "") =>
  Effect.callback<number>((resume) => {
    const sent = request(url, { method, headers }, (response) => {
      response.resume()
      resume(Effect.succeed(response.statusCode ?? 0))
    })
    sent.on("error", (error) => resume(Effect.die(error)))
    sent.end(body)
  })

test(
  "two agents join, tell it in order, and one leaves when it is released",
  Effect.gen(function*() {
    const a = yield* start("a")
    const b = yield* start("b", {
      node: { ...MemberlistConfig.local, name: "b", bindAddress: "127.0.0.1", bindPort: 0, meta: Buffer.from("{}") }
    })
    const { advertised } = yield* b.client.info()
    const events = yield* a.client.events()
    const told = yield* Effect.forkChild(
      Stream.runCollect(Stream.takeUntil(events, ({ event }) => event === "MemberLeft")),
      { startImmediately: true }
    )
    const report = yield* a.client.join({ payload: { seeds: [advertised] } })
    assert.strictEqual(report.members, 2)
    assert.strictEqual((yield* a.client.member({ params: { name: "b" } })).meta.text, "{}")
    // as the help of update-meta has it
    yield* a.client.updateMeta({ payload: { text: "x".repeat(490) } })
    const long = yield* Effect.flip(a.client.updateMeta({ payload: { text: "x".repeat(491) } }))
    assert(long._tag === "MetaFull")
    yield* a.client.updateMeta({ payload: { json: null } })
    assert.isAbove((yield* a.client.ping({ params: { name: "b" } })).millis, 0)
    yield* b.stop
    const names = (yield* Fiber.join(told)).filter(({ event }) => event !== "MemberUpdated").map(({ data, event }) =>
      `${event} ${"member" in data ? data.member.name : ""}`
    )
    assert.deepStrictEqual(names, ["MemberJoined a", "MemberJoined b", "MemberLeft b"])
  })
)

test(
  "an agent for other machines answers nothing but probes without its token",
  Effect.gen(function*() {
    const options = { http: { host: "0.0.0.0", port: 0 }, token: Redacted.make(TOKEN) }
    const a = yield* start("a", options, TOKEN)
    const url = a.url.replace("0.0.0.0", "127.0.0.1")
    assert.deepInclude(yield* a.client.info(), { token: "all" })
    assert.strictEqual(yield* status(`${url}/v1/info`, "GET", {}), 401)
    assert.strictEqual(yield* status(`${url}/v1/events`, "GET", { authorization: "Bearer nope" }), 401)
    assert.strictEqual(yield* status(`${url}/health/live`, "GET", { host: "agent.svc" }), 200)
    const { http } = yield* a.client.health()
    assert.strictEqual(http["refused:TokenRequired"], 2)
    const refused = yield* Effect.flip(Layer.build(Agent.layer({
      http: { host: "0.0.0.0", port: 0 },
      node: { ...MemberlistConfig.local, name: "b", bindAddress: "127.0.0.1", bindPort: 0 }
    })))
    assert.strictEqual(refused._tag, "ConfigInvalid")
  })
)

test(
  "a browser that was led here changes nothing, and bodies are bounded however they are sent",
  Effect.gen(function*() {
    const { url } = yield* start("a")
    const json = { "content-type": "application/json" }
    assert.strictEqual(yield* status(`${url}/v1/leave`, "POST", { host: "evil.example" }), 403)
    assert.strictEqual(yield* status(`${url}/v1/leave`, "POST", { origin: "http://evil.example" }), 403)
    assert.strictEqual(yield* status(`${url}/v1/join`, "POST", { "content-type": "text/plain" }, "{}"), 415)
    assert.strictEqual(yield* status(`${url}/v1/join`, "POST", json, "{"), 400)
    assert.strictEqual(yield* status(`${url}/v1/join`, "POST", json, "x".repeat(262_145)), 413)
    const chunked = { ...json, "transfer-encoding": "chunked" }
    assert.strictEqual(yield* status(`${url}/v1/join`, "POST", chunked, "x".repeat(2_000_000)), 413)
    assert.strictEqual(yield* status(`${url}/health/ready`, "GET", {}), 200)
  })
)

/** A connection on which this is sent, and nothing more; it is gone with the scope. */
const sending = (url: string, text: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly socket: ReturnType<typeof connect>; readonly answer: () => string }>((resume) => {
      let answer = ""
      const socket = connect(Number(new URL(url).port), "127.0.0.1", () => {
        socket.write(text)
        resume(Effect.succeed({ socket, answer: () => answer }))
      })
      socket.setEncoding("utf8").on("data", (part: string) => {
        answer += part
      })
      socket.on("error", () => {})
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

test(
  "clients that hold all places keep others waiting, but nobody who asks whether the agent lives",
  Effect.gen(function*() {
    const { url } = yield* start("a")
    const head = "POST /v1/join HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n"
    const held = yield* Effect.forEach(
      Array.from({ length: 256 }),
      (_, at) => sending(url, `${head}${at % 2 === 0 ? "" : "Connection: upgrade\r\nUpgrade: foo\r\n"}\r\n{`),
      { concurrency: 16 }
    )
    yield* Effect.repeat(status(`${url}/v1/info`, "GET", {}), { until: (code) => code === 429 })
    assert.strictEqual(yield* status(`${url}/health/live`, "GET", {}), 200)
    assert.strictEqual(yield* status(`${url}/health/ready`, "GET", {}), 200)
    for (const { socket } of held) socket.destroy()
    yield* Effect.repeat(status(`${url}/v1/info`, "GET", {}), { until: (code) => code === 200 })
  })
)

test(
  "a second request that does not wait for the answer to the first is refused, and the third ends the connection",
  Effect.gen(function*() {
    const { client, url } = yield* start("a")
    const request = "GET /v1/info HTTP/1.1\r\nHost: localhost\r\n\r\n"
    const refused = Effect.map(client.health(), ({ http }) => http)
    const two = yield* sending(url, request.repeat(2))
    yield* Effect.repeat(refused, { until: (http) => http["refused:TooMany"] === 1 })
    yield* Effect.callback<void>((resume) => void two.socket.once("close", () => resume(Effect.void)))
    assert.deepStrictEqual(two.answer().match(/HTTP\/1.1 \d+/g), ["HTTP/1.1 200", "HTTP/1.1 429"])
    assert.include(two.answer(), "requests on one connection")
    yield* sending(url, request.repeat(1000))
    yield* Effect.repeat(refused, { until: (http) => http["refused:AnswersNotAwaited"] === 1 })
    // one after the other they are many
    const patient = yield* sending(url, "")
    for (let i = 1; i <= 20; i++) {
      patient.socket.write(request)
      const answered = Effect.sync(() => patient.answer().split("startedAt\":\"").length === i + 1)
      yield* Effect.repeat(Effect.andThen(Effect.sleep("1 millis"), answered), { until: (isIt) => isIt })
    }
    assert.lengthOf(patient.answer().match(/HTTP\/1.1 200/g) ?? [], 20)
  })
)

test(
  "an agent whose address is taken starts no node",
  Effect.gen(function*() {
    const { url } = yield* start("a")
    const port = Number(new URL(url).port)
    const error = yield* Effect.flip(Layer.build(Agent.layer({
      http: { host: "127.0.0.1", port },
      node: { ...MemberlistConfig.local, name: "b", bindAddress: "127.0.0.1", bindPort: 0 }
    })))
    assert(error._tag === "HttpBindFailed")
    assert.match(error.message, /the port is in use/)
  })
)

test(
  "a setting that cannot work is told before an address is taken, with its place",
  Effect.gen(function*() {
    const { url } = yield* start("a")
    const about = (settings: Readonly<Record<string, string>>) =>
      Effect.map(
        Effect.flip(Layer.build(Agent.layerEnv({
          MEMBERLIST_NAME: "b",
          MEMBERLIST_BIND_ADDRESS: "127.0.0.1",
          MEMBERLIST_BIND_PORT: "0",
          MEMBERLIST_LOG_LEVEL: "none",
          MEMBERLIST_HTTP: new URL(url).host,
          ...settings
        }))),
        (error) => error._tag === "ConfigInvalid" ? `${error.field}: ${error.value}` : error._tag
      )
    assert.strictEqual(yield* about({}), "HttpBindFailed")
    assert.match(yield* about({ MEMBERLIST_PROBE_INTERVAL: "5" }), /^MEMBERLIST_PROBE_INTERVAL: "5"/)
    assert.match(yield* about({ MEMBERLIST_SEEDS: "a b" }), /^MEMBERLIST_SEEDS: "a b"/)
    assert.match(yield* about({ MEMBERLIST_SECRET_KEY: "YWJj" }), /^MEMBERLIST_SECRET_KEY: of 3 bytes/)
    assert.match(yield* about({ MEMBERLIST_META: "x".repeat(505) }), /^MEMBERLIST_META: 7 bytes too long/)
  })
)

test(
  "info tells the preset and the seeds, where settings came as text",
  Effect.gen(function*() {
    const seeds = Array.from({ length: 17 }, (_, i) => `127.0.0.1:${i + 1}`)
    const { url } = Context.get(
      yield* Layer.build(Agent.layerEnv({
        MEMBERLIST_NAME: "b",
        MEMBERLIST_PRESET: "local",
        MEMBERLIST_BIND_ADDRESS: "127.0.0.1",
        MEMBERLIST_BIND_PORT: "0",
        MEMBERLIST_LOG_LEVEL: "none",
        MEMBERLIST_HTTP: "127.0.0.1:0",
        MEMBERLIST_SEEDS: seeds.join(",")
      })),
      Agent
    )
    const info = yield* (yield* HttpApiClient.make(Api, { baseUrl: url })).info()
    assert.deepInclude(info, {
      preset: "local",
      protocolProfile: "memberlist",
      seeds: `${seeds.slice(0, 16).join(", ")}, 1 more`
    })
    const { client } = yield* start("a")
    assert.notProperty(yield* client.info(), "preset")
  })
)

test(
  "streams end at once when the agent is released, and those of readers that went away are not kept",
  Effect.gen(function*() {
    const { client, stop, url } = yield* start("a")
    const streams = Effect.map(client.health(), ({ http }) => http["streams"])
    // one that asks, and reads nothing
    const socket = yield* Effect.acquireRelease(
      Effect.callback<ReturnType<typeof connect>>((resume) => {
        const socket = connect(Number(new URL(url).port), "127.0.0.1", () => resume(Effect.succeed(socket)))
        socket.on("error", () => {})
        socket.write("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
      }),
      (socket) => Effect.sync(() => socket.destroy())
    )
    yield* Effect.repeat(streams, { until: (open) => open === 1 })
    socket.destroy()
    yield* Effect.repeat(streams, { until: (open) => open === 0 })
    const reading = yield* Effect.forkChild(Stream.runDrain(yield* client.events()), { startImmediately: true })
    const before = Date.now()
    yield* stop
    yield* Fiber.await(reading)
    assert.isBelow(Date.now() - before, 1_500)
  })
)

test(
  "changed keys are written to the key file, and an agent that is started again joins with them",
  Effect.gen(function*() {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(Path.join(tmpdir(), "agent-keys-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true }))
    )
    const key = (byte: number) => Buffer.alloc(32, byte).toString("base64")
    const began = Effect.fnUntraced(function*(name: string, seeds = "") {
      const file = Path.join(folder, name)
      if (!existsSync(file)) writeFileSync(file, `${key(1)}\n`, { mode: 0o600 })
      const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
      const layer = Agent.layerEnv({
        MEMBERLIST_NAME: name,
        MEMBERLIST_PRESET: "local",
        MEMBERLIST_BIND_ADDRESS: "127.0.0.1",
        MEMBERLIST_BIND_PORT: "0",
        MEMBERLIST_HTTP: "127.0.0.1:0",
        MEMBERLIST_LOG_LEVEL: "none",
        MEMBERLIST_SEEDS: seeds,
        MEMBERLIST_SECRET_KEY_FILE: file
      })
      const { url } = Context.get(yield* Layer.buildWithScope(layer, scope), Agent)
      const client = yield* HttpApiClient.make(Api, { baseUrl: url })
      return { client, stop: Scope.close(scope, Exit.void), text: () => readFileSync(file, "utf8") }
    })
    const a = yield* began("a")
    const b = yield* began("b")
    const old = (yield* a.client.keys.list())[0]?.fingerprint ?? ""
    for (const { client } of [a, b]) {
      assert.deepInclude(yield* client.keys.add({ payload: { key: key(2) } }), { persisted: true, primary: false })
    }
    assert.strictEqual(a.text(), `${key(1)}\n${key(2)}\n`)
    const next = (yield* a.client.keys.list())[1]?.fingerprint ?? ""
    for (const { client } of [a, b]) yield* client.keys.use({ params: { fingerprint: next } })
    assert.strictEqual(a.text(), `${key(2)}\n${key(1)}\n`)
    yield* b.stop
    // in the middle of a rotation, with both keys
    const again = yield* began("b", (yield* a.client.info()).advertised)
    assert.deepStrictEqual(yield* again.client.keys.list(), yield* a.client.keys.list())
    for (const { client } of [a, again]) {
      assert.deepStrictEqual(yield* client.keys.remove({ params: { fingerprint: old } }), { persisted: true })
    }
    yield* again.stop
    const last = yield* began("b", (yield* a.client.info()).advertised)
    assert.deepStrictEqual((yield* last.client.keys.list()).map(({ fingerprint }) => fingerprint), [next])
    yield* Effect.repeat(last.client.health(), { until: ({ readiness }) => readiness.state === "Joined" })
    assert.deepStrictEqual(
      (yield* a.client.members({ query: {} })).map(({ name }) => name),
      ["a", "b"]
    )
    assert.strictEqual(last.text(), `${key(2)}\n`)
  })
)

test(
  "two agents in one program are two nodes, each with its own events and its own goodbye",
  Effect.gen(function*() {
    const urls: Array<string> = []
    const agent = (name: string) =>
      Layer.effectDiscard(Effect.map(Agent, ({ url }) => urls.push(url))).pipe(Layer.provide(Agent.layer({
        http: { host: "127.0.0.1", port: 0 },
        node: { ...MemberlistConfig.local, name, bindAddress: "127.0.0.1", bindPort: 0 }
      })))
    yield* Layer.build(Layer.provide(Layer.merge(agent("a"), agent("b")), Logger.layer([])))
    const names = yield* Effect.forEach(urls, (baseUrl) =>
      Effect.gen(function*() {
        const client = yield* HttpApiClient.make(Api, { baseUrl })
        const first = yield* Stream.runHead(yield* client.events())
        return [(yield* client.info()).name, Option.map(first, ({ data }) => "member" in data ? data.member.name : "")]
      }))
    assert.deepStrictEqual(new Set(names), new Set([["a", Option.some("a")], ["b", Option.some("b")]]))
  })
)
