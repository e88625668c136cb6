import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import manifest from "../../package.json" with { type: "json" }
import { Api } from "../../src/agent/Api.ts"
import type * as Model from "../../src/agent/Model.ts"
import { VERSION } from "../../src/agent/PackageVersion.ts"
import * as SeedText from "../../src/base/SeedText.ts"
import { Keyring } from "../../src/Keyring.ts"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import * as Agents from "../support/Agents.ts"
import { clusterTest, passing, start, startMany, type TestNode } from "../support/Cluster.ts"

const bytes = (byte: number) => Buffer.alloc(16, byte)

const first = ([node]: ReadonlyArray<TestNode>): TestNode => {
  assert(node !== undefined)
  return node
}

/** What a stream tells while something happens, as `event name`. */
const told = (events: Stream.Stream<Model.EventView, unknown>) =>
  Effect.gen(function*() {
    const seen: Array<Model.EventView> = []
    yield* Effect.forkScoped(Stream.runForEach(events, (event) => Effect.sync(() => void seen.push(event))), {
      startImmediately: true
    })
    return seen
  })

const names = (events: ReadonlyArray<Model.EventView>) =>
  events.map(({ data, event }) => `${event} ${"member" in data ? data.member.name : ""}`)

describe("the cluster", () => {
  clusterTest(
    "info, members and one member are told as the agent sees them",
    Effect.gen(function*() {
      const { client } = yield* Agents.of(first(yield* startMany(3)))
      const info = yield* client.info()
      assert.deepStrictEqual(
        { name: info.name, bound: info.bound, members: info.members, token: info.token, encrypted: info.encrypted },
        { name: "a", bound: "10.0.0.1:7946", members: 3, token: "none", encrypted: false }
      )
      const members = yield* client.members({ query: {} })
      assert.deepStrictEqual(members.map(({ address, name, self, state }) => [name, address, state, self]), [
        ["a", "10.0.0.1:7946", "alive", true],
        ["b", "10.0.0.2:7946", "alive", false],
        ["c", "10.0.0.3:7946", "alive", false]
      ])
      const b = yield* client.member({ params: { name: "b" } })
      assert.strictEqual(b.reachability?.impaired, false)
      assert.isDefined(b.since)
    })
  )

  clusterTest(
    "a failed member is told with its verdict, and stays in the list of the dead",
    Effect.gen(function*() {
      const nodes = yield* startMany(3)
      const { call, client } = yield* Agents.of(first(nodes))
      const seen = yield* told(yield* client.events())
      yield* TestClock.adjust("1 second")
      yield* (yield* SimulatedNetwork).partition([["10.0.0.1", "10.0.0.2"], ["10.0.0.3"]])
      while (!names(seen).includes("MemberFailed c")) yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(names(seen).filter((name) => !name.startsWith("MemberReachability")), [
        "MemberJoined a",
        "MemberJoined b",
        "MemberJoined c",
        "MemberSuspected c",
        "MemberFailed c"
      ])
      const verdict = yield* client.verdict({ params: { name: "c" } })
      assert.strictEqual(verdict.outcome, "failed")
      assert.match(verdict.text, /^c failed: /)
      assert.deepStrictEqual((yield* client.verdicts()).map(({ outcome }) => outcome), ["suspected", "failed"])
      const all = (query: Agents.Call["path"]) =>
        Effect.map(
          call({ path: `/v1/members${query}` }),
          ({ body }) => (body as ReadonlyArray<{ name: string }>).map(({ name }) => name)
        )
      assert.deepStrictEqual(yield* all(""), ["a", "b"])
      assert.deepStrictEqual(yield* all("?state=dead"), ["c"])
      assert.deepStrictEqual(yield* all("?state=all"), ["a", "b", "c"])
      assert.deepStrictEqual(yield* all("?state=left"), [])
      const health = yield* client.health()
      assert.deepStrictEqual(health.members, { alive: 2, suspect: 0, dead: 1, left: 0 })
      assert.deepStrictEqual(health.readiness, { state: "Joined", ready: true })
    })
  )

  clusterTest(
    "the list tells each member as it is told by itself, also where nothing but the ways to it have changed",
    Effect.gen(function*() {
      const { call, client } = yield* Agents.of(first(yield* startMany(3)))
      const listed = call({ path: "/v1/members" })
      const single = Effect.forEach(["a", "b", "c"], (name) => call({ path: `/v1/members/${name}` }))
      const ways = Effect.map(client.member({ params: { name: "c" } }), ({ reachability }) => reachability)
      yield* TestClock.adjust("5 seconds")
      const before = yield* listed
      assert.strictEqual(before.headers["content-type"], "application/json")
      assert.deepStrictEqual(before.body, (yield* single).map(({ body }) => body))
      const open = yield* ways

      yield* (yield* SimulatedNetwork).cut("10.0.0.1", "10.0.0.3", "packets")
      while ((yield* ways)?.impaired !== true) yield* TestClock.adjust("100 millis")
      assert.notDeepEqual(yield* ways, open)
      const after = yield* listed
      assert.notDeepEqual(after.body, before.body)
      assert.deepStrictEqual(after.body, (yield* single).map(({ body }) => body))
    })
  )

  clusterTest(
    "a stream that begins while a member is suspect begins with its suspicion",
    Effect.gen(function*() {
      const nodes = yield* startMany(3)
      const { client } = yield* Agents.of(first(nodes))
      yield* (yield* SimulatedNetwork).partition([["10.0.0.1", "10.0.0.2"], ["10.0.0.3"]])
      const early = yield* told(yield* client.events())
      while (!names(early).includes("MemberSuspected c")) yield* TestClock.adjust("100 millis")
      const late = yield* told(yield* client.events())
      yield* TestClock.adjust("10 millis")
      assert.deepStrictEqual(names(late).filter((name) => !name.startsWith("MemberReachability")), [
        "MemberJoined a",
        "MemberJoined b",
        "MemberJoined c",
        "MemberSuspected c"
      ])
      assert.deepStrictEqual(late.at(-1), early.at(-1))
    })
  )

  clusterTest(
    "agents join, change their metadata, ping, send and leave by the API",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2")
      const { call, client } = yield* Agents.of(a)
      const other = yield* Agents.of(b)
      assert.deepStrictEqual(yield* client.health().pipe(Effect.map(({ readiness }) => readiness)), {
        state: "Alone",
        ready: true,
        why: "there are no seeds"
      })
      const report = yield* passing(client.join({ payload: { seeds: ["10.0.0.2:7946", "no seed!"] } }))
      assert.deepStrictEqual(report.contacted, [{ seed: "10.0.0.2:7946", address: "10.0.0.2:7946" }])
      assert.deepStrictEqual(report.failed.map(({ error }) => error), ["SeedInvalid"])
      assert.strictEqual(report.members, 2)

      const events = yield* told(yield* other.client.events())
      const json = { role: "db", zone: "a" }
      const news = yield* client.updateMeta({ payload: { json } })
      assert.strictEqual(news.outcome, "Queued")
      yield* TestClock.adjust("2 seconds")
      const seen = yield* other.client.member({ params: { name: "a" } })
      assert.deepStrictEqual(JSON.parse(seen.meta.text ?? ""), json)
      assert.strictEqual(events.at(-1)?.event, "MemberUpdated")

      yield* client.updateMeta({ payload: { json: null } })
      assert.strictEqual((yield* client.member({ params: { name: "a" } })).meta.size, 0)

      const messages: Array<Model.MessageView> = []
      yield* Effect.forkScoped(
        Stream.runForEach(yield* other.client.messages(), (message) => Effect.sync(() => void messages.push(message))),
        { startImmediately: true }
      )
      yield* client.send({ params: { name: "b" }, payload: { content: { base64: "/w==" } } })
      yield* passing(client.send({ params: { name: "b" }, payload: { content: { text: "é" }, reliable: true } }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(messages.map(({ data }) => [data.via, data.content]), [
        ["packet", { size: 1, base64: "/w==" }],
        ["stream", { size: 2, base64: "w6k=", text: "é" }]
      ])
      assert.isBelow((yield* passing(client.ping({ params: { name: "b" } }))).millis, 20)
      const { members: [checked] } = yield* passing(client.check({ payload: {} }))
      // without a topic there are pings alone
      assert.deepInclude(checked, { name: "b", udpOut: "works", tcpOut: "works", answers: "not asked" })
      assert.strictEqual((yield* call({ method: "POST", path: "/v1/check", json: { members: ["x"] } })).status, 404)
      const many = Array.from({ length: 17 }, String)
      assert.strictEqual((yield* call({ method: "POST", path: "/v1/check", json: { members: many } })).status, 400)

      const described = yield* call({ path: "/openapi.json" })
      assert.strictEqual((described.body as { info: { version: string } }).info.version, VERSION)

      const left = yield* passing(client.leave())
      assert.strictEqual(left.outcome, "Sent")
      assert.deepStrictEqual(yield* call({ path: "/health/ready" }).pipe(Effect.map(({ status }) => status)), 503)
      const refused = yield* Effect.flip(client.updateMeta({ payload: { text: "x" } }))
      assert.strictEqual(refused._tag, "NotParticipating")
      assert.strictEqual((yield* Effect.flip(client.probes.ready()))._tag, "NotServing")
    })
  )

  clusterTest(
    "each error of the library comes back as itself, with its message beside it",
    Effect.gen(function*() {
      const nodes = yield* startMany(2)
      const { call, client } = yield* Agents.of(first(nodes))
      const unknown = yield* Effect.flip(client.ping({ params: { name: "é/x" } }))
      assert(unknown._tag === "UnknownMember")
      assert.strictEqual(unknown.target, "é/x")
      // nobody else is to blame for a seed that is none
      const seeds = { method: "POST", path: "/v1/join", json: { seeds: ["no seed!", "a:99999"] } } as const
      const malformed = yield* passing(call(seeds))
      assert.strictEqual(malformed.status, 400)
      assert.deepInclude(malformed.body, {
        _tag: "RequestInvalid",
        reason: "\"no seed!\", \"a:99999\" are no seeds; expected " + SeedText.expected
      })
      const joining = yield* Effect.flip(passing(client.join({ payload: { seeds: ["10.9.9.9:1"] } })))
      assert(joining._tag === "JoinFailed")
      assert.strictEqual(joining.failed[0]?.seed, "10.9.9.9:1")
      const long = yield* Effect.flip(client.updateMeta({ payload: { text: "x".repeat(513) } }))
      assert.strictEqual(long._tag, "MetaFull")
      const meta = yield* call({ method: "PUT", path: "/v1/meta", json: { text: "x".repeat(499) } })
      assert.match((meta.body as { message: string }).message, /^the metadata is 1 byte too long: 512 are announced/)
      const packet = yield* call({
        method: "POST",
        path: "/v1/members/b/message",
        json: { content: { text: "x".repeat(9000) } }
      })
      assert.match((packet.body as { message: string }).message, /; send it over a stream \("reliable": true\)$/)
      const nobody = yield* call({ method: "POST", path: "/v1/members/nobody/ping" })
      assert.deepInclude(nobody.body, {
        target: "nobody",
        message: "the agent knows no member \"nobody\"; GET /v1/members lists those it sees"
      })
      yield* (yield* SimulatedNetwork).partition([["10.0.0.1"], ["10.0.0.2"]])
      const late = yield* passing(call({ method: "POST", path: "/v1/members/b/ping" }))
      assert.strictEqual(late.status, 504)
      assert.deepInclude(late.body, { _tag: "PingTimeout", message: "no response from node b within 500 ms" })
      const verdict = yield* call({ path: "/v1/members/a/verdict" })
      assert.deepInclude(verdict.body, { _tag: "VerdictUnknown", member: "a" })
      assert.strictEqual(verdict.status, 404)
      assert.strictEqual((yield* call({ path: "/v1/members/nobody" })).status, 404)
    })
  )
})

describe("topics", () => {
  clusterTest(
    "a value reaches the streams of all agents that take part",
    Effect.gen(function*() {
      const nodes = yield* startMany(3)
      const agents = yield* Effect.forEach(nodes, (node) => Agents.of(node))
      const values: Array<ReadonlyArray<string>> = []
      for (const [at, { client }] of agents.entries()) {
        yield* client.topics.subscribe({ params: { topic: "deploys" } }).pipe(
          Stream.unwrap,
          Stream.runForEach(({ data }) =>
            Effect.sync(() => void values.push([nodes[at]!.name, data.from, data.value.text ?? ""]))
          ),
          Effect.forkScoped({ startImmediately: true })
        )
      }
      yield* TestClock.adjust("5 seconds")
      const [, b] = agents
      const published = yield* b!.client.topics.publish({ params: { topic: "deploys" }, payload: { text: "v2" } })
      assert.deepStrictEqual(published, { others: 2 })
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(values.sort(), [["a", "b", "v2"], ["b", "b", "v2"], ["c", "b", "v2"]])
      const large = yield* Effect.flip(
        b!.client.topics.publish({ params: { topic: "deploys" }, payload: { text: "x".repeat(70_000) } })
      )
      assert.strictEqual(large._tag, "ValueTooLarge")
    })
  )

  clusterTest(
    "an agent takes part in few topics at once, and forgets those that nobody uses",
    Effect.gen(function*() {
      const { call } = yield* Agents.of(first(yield* startMany(1)))
      const publish = (topic: string) =>
        Effect.map(call({ method: "POST", path: `/v1/topics/${topic}`, json: { text: "x" } }), ({ status }) => status)
      for (let i = 0; i < 16; i++) assert.strictEqual(yield* publish(`t${i}`), 200)
      assert.strictEqual(yield* publish("one-more"), 429)
      yield* TestClock.adjust("6 minutes")
      assert.strictEqual(yield* publish("one-more"), 200)
    })
  )

  clusterTest(
    "metadata that was announced as it is leaves no place for topics",
    Effect.gen(function*() {
      const { client } = yield* Agents.of(first(yield* startMany(1)), { meta: "raw" })
      yield* client.updateMeta({ payload: { text: "db" } })
      const refused = yield* Effect.flip(
        client.topics.publish({ params: { topic: "deploys" }, payload: { text: "v2" } })
      )
      assert.strictEqual(refused._tag, "MetaForeign")
      assert.strictEqual((yield* client.member({ params: { name: "a" } })).meta.text, "db")
    })
  )
})

describe("keys", () => {
  clusterTest(
    "keys are told by fingerprints, added, used and removed",
    Effect.gen(function*() {
      const keyring = yield* Keyring.make({ primary: bytes(1) })
      const a = yield* start("a", "10.0.0.1", { keyring })
      const { call, client } = yield* Agents.of(a)
      const [old] = yield* client.keys.list()
      assert.deepInclude(old, { primary: true, bits: 128 })
      const added = yield* client.keys.add({ payload: { key: bytes(2).toString("base64") } })
      assert.strictEqual(added.primary, false)
      const { fingerprint } = added
      assert.match(fingerprint, /^[0-9a-f]{16}$/)
      assert.strictEqual(
        (yield* Effect.flip(client.keys.remove({ params: { fingerprint: old!.fingerprint } })))._tag,
        "KeyringRefused"
      )
      assert.strictEqual((yield* client.keys.use({ params: { fingerprint } })).primary, true)
      yield* client.keys.remove({ params: { fingerprint: old!.fingerprint } })
      assert.deepStrictEqual(yield* keyring.keys, [new Uint8Array(bytes(2))])
      assert.strictEqual((yield* Effect.flip(client.keys.use({ params: { fingerprint: "00" } })))._tag, "KeyUnknown")
      assert.strictEqual((yield* Effect.flip(client.keys.add({ payload: { key: "AAAA" } })))._tag, "KeyInvalid")
      const { body } = yield* call({ path: "/v1/keys" })
      assert.notInclude(JSON.stringify(body), bytes(2).toString("base64"))
    })
  )

  clusterTest(
    "a key that is not used yet, while encryption is turned on, is not told as encryption",
    Effect.gen(function*() {
      const secretKey = Redacted.make(new Uint8Array(bytes(1)))
      const clear = { secretKey, gossipVerifyIncoming: false, gossipVerifyOutgoing: false }
      const { client } = yield* Agents.of(first(yield* startMany(1, { config: clear })))
      assert.strictEqual((yield* client.keys.list()).length, 1)
      assert.strictEqual((yield* client.info()).encrypted, false)
    })
  )

  clusterTest(
    "a first key is only taken where encryption is wanted",
    Effect.gen(function*() {
      const { client } = yield* Agents.of(first(yield* startMany(1)))
      const key = bytes(1).toString("base64")
      assert.strictEqual((yield* Effect.flip(client.keys.add({ payload: { key } })))._tag, "EncryptionOff")
      assert.strictEqual((yield* client.info()).encrypted, false)
      assert.strictEqual((yield* client.keys.add({ payload: { key, use: true } })).primary, true)
      assert.strictEqual((yield* client.info()).encrypted, true)
    })
  )
})

describe("probes", () => {
  clusterTest(
    "liveness, readiness and metrics are told",
    Effect.gen(function*() {
      const { client } = yield* Agents.of(first(yield* startMany(1)))
      assert.deepStrictEqual(yield* client.probes.live(), { status: "live" })
      assert.deepStrictEqual(yield* client.probes.ready(), { state: "Alone" })
      assert.match(yield* client.probes.metrics(), /^# TYPE memberlist_/m)
    })
  )
})

describe("requests", () => {
  clusterTest(
    "what cannot be understood is refused with what would be right",
    Effect.gen(function*() {
      const { call } = yield* Agents.of(first(yield* startMany(1)))
      const post = (path: string, body: string) => call({ method: "POST", path, body })
      const tag = (answer: { body: unknown; status: number }) => [
        answer.status,
        (answer.body as { _tag: string })._tag
      ]
      assert.deepStrictEqual(tag(yield* post("/v1/join", "{\"seeds\":")), [400, "RequestInvalid"])
      assert.deepStrictEqual(tag(yield* post("/v1/join", "{\"seeds\":[]}")), [400, "RequestInvalid"])
      assert.deepStrictEqual(tag(yield* post("/v1/join", "{\"seeds\":[1]}")), [400, "RequestInvalid"])
      assert.deepStrictEqual(tag(yield* post("/v1/join", "")), [400, "RequestInvalid"])
      assert.deepStrictEqual(tag(yield* post("/v1/topics/t", "{\"base64\":\"?\"}")), [400, "RequestInvalid"])
      assert.deepStrictEqual(tag(yield* post("/v1/join", "x".repeat(262_145))), [413, "BodyTooLarge"])
      assert.deepStrictEqual(tag(yield* call({ path: "/v1/members?state=odd" })), [400, "RequestInvalid"])
      assert.deepStrictEqual(tag(yield* call({ path: "/v1/nothing" })), [404, "PathUnknown"])
      assert.deepStrictEqual(tag(yield* call({ path: "/v1/join" })), [404, "PathUnknown"])
      const answer = yield* call({ path: "/v1/info" })
      assert.deepInclude(answer.headers, { "cache-control": "no-store", "x-content-type-options": "nosniff" })
      const deep = yield* post("/v1/topics/t", `{"json":${"[".repeat(100_000)}${"]".repeat(100_000)}}`)
      assert.deepStrictEqual(tag(deep), [400, "RequestInvalid"])
      assert.strictEqual((yield* call({ path: "/health/live" })).status, 200)
    })
  )

  clusterTest(
    "streams end with the agent, and one that is not read any more is not kept",
    Effect.gen(function*() {
      const { client } = yield* Agents.of(first(yield* startMany(1)))
      const open = Effect.map(client.health(), ({ http }) => http["streams"])
      const reading = yield* Effect.forkChild(Stream.runDrain(yield* client.events()), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* open, 1)
      yield* Fiber.interrupt(reading)
      assert.strictEqual(yield* open, 0)
    })
  )
})

describe("the description", () => {
  it("has each path with all its answers", () => {
    const { paths } = OpenApi.fromApi(Api)
    assert.deepStrictEqual(Object.keys(paths["/v1/members/{name}/ping"]?.post?.responses ?? {}).map(Number), [
      200,
      400,
      401,
      403,
      404,
      413,
      415,
      429,
      500,
      502,
      503,
      504
    ])
  })

  it("has the version of the package", () => {
    assert.strictEqual(VERSION, manifest.version)
  })
})
