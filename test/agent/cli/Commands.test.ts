import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import * as Model from "../../../src/agent/Model.ts"
import * as Variables from "../../../src/config/Variables.ts"
import { HelperAnswer } from "../../../src/Verdict.ts"
import { run } from "../../support/CommandLine.ts"
import * as Fake from "../../support/FakeAgent.ts"

const ways = { udpOut: "works", udpIn: "works", tcp: "works", listed: "yes", impaired: false } as const

const verdict = {
  node: "web-1",
  member: "web-2",
  incarnation: 3,
  outcome: "failed",
  reason: "Expired",
  from: "web-1",
  at: Fake.at,
  suspicion: {
    accuser: "web-1",
    confirmations: [{ from: "web-3", after: 300 }],
    hoped: 2,
    due: 4000,
    lasted: 4000
  },
  probe: {
    direct: "Silent",
    timeout: 500,
    helpers: [{ name: "web-3", answer: "Nack" }, { name: "web-4", answer: "Silent" }],
    strayNacks: 0,
    stream: "Refused"
  },
  health: 0,
  text: "web-2 failed: no ack in 500 ms"
} as const

/** The only line of an error, and its exit code. */
const failed = Effect.fnUntraced(function*(line: string, options: Parameters<typeof run>[1]) {
  const { code, err } = yield* run(line.split(" "), options)
  expect(err.split("\n")).toHaveLength(1)
  return { code, err }
})

describe("the agent that a command talks to", () => {
  it.effect("is the one of --http, else of MEMBERLIST_HTTP", () =>
    Effect.gen(function*() {
      const { fetch, requests } = Fake.agent({ "a:1000 GET /v1/members": Fake.members([]) })
      expect((yield* run(["members", "--http", "a:1000"], { fetch, env: { MEMBERLIST_HTTP: "b:1000" } })).code).toBe(0)
      expect((yield* run(["members"], { fetch, env: { MEMBERLIST_HTTP: "a:1000" } })).code).toBe(0)
      expect((yield* failed("members", { fetch, env: { MEMBERLIST_HTTP: "b:1000" } })).code).toBe(1)
      expect((yield* failed("members", { fetch, env: { MEMBERLIST_HTTP: "nonsense" } })).code).toBe(2)
      expect(requests.map(({ authorization }) => authorization)).toEqual([undefined, undefined, undefined])
    }))

  it.effect("gets the token of MEMBERLIST_HTTP_TOKEN, which is never shown", () =>
    Effect.gen(function*() {
      const { fetch, requests } = Fake.agent({ "GET /v1/members": Fake.members([]) })
      yield* run(["members"], { fetch, env: { MEMBERLIST_HTTP_TOKEN: "secret-1" } })
      expect(requests[0]?.authorization).toBe("Bearer secret-1")

      const { code, err } = yield* failed("members", { fetch, env: { MEMBERLIST_HTTP_TOKEN: "secret\n2" } })
      expect(code).toBe(2)
      expect(err).toContain("MEMBERLIST_HTTP_TOKEN")
      expect(err).not.toContain("secret")
      expect(requests).toHaveLength(1)
    }))

  it.effect("gets the token in the file of MEMBERLIST_HTTP_TOKEN_FILE", () =>
    Effect.gen(function*() {
      const folder = mkdtempSync(Path.join(tmpdir(), "token-"))
      const file = Path.join(folder, "token")
      const { fetch, requests } = Fake.agent({ "GET /v1/members": Fake.members([]) })
      const env = { MEMBERLIST_HTTP_TOKEN_FILE: file }
      writeFileSync(file, "secret-3\n")
      yield* run(["members"], { fetch, env })
      expect(requests[0]?.authorization).toBe("Bearer secret-3")
      rmSync(folder, { recursive: true })
      const { code, err } = yield* failed("members", { fetch, env })
      expect([code, err]).toEqual([2, expect.stringContaining("which cannot be read: there is none")])
    }))

  it.effect("is told not to answer, where nothing listens", () =>
    Effect.gen(function*() {
      const { fetch } = Fake.agent({})
      const { code, err } = yield* failed("members", { fetch })
      expect(code).toBe(1)
      expect(err).toContain("no agent answers at http://127.0.0.1:7980: nothing listens there")
      const { err: json } = yield* run(["members", "--json"], { fetch })
      expect(JSON.parse(json).error).toBe("AgentUnreachable")
    }))

  it.effect("is told to be none, where something else answers", () =>
    Effect.gen(function*() {
      const strangers: ReadonlyArray<Fake.Answer> = [
        { status: 404, body: { error: "no such page" } },
        { status: 500, body: "" },
        { status: 200, body: { members: 3 } },
        { status: 302, body: {} }
      ]
      for (const answer of strangers) {
        const { fetch } = Fake.agent({ "GET /v1/members": answer })
        const { code, err } = yield* failed("members", { fetch })
        expect(code).toBe(1)
        expect(err).toContain("is no agent, or one of another version")
      }
    }))

  it.effect("is told to want its token, or another", () =>
    Effect.gen(function*() {
      const body = { _tag: "TokenRequired", given: false, message: "" }
      const without = Fake.agent({ "POST /v1/leave": { status: 401, body } })
      expect((yield* failed("leave", without)).err).toContain("put it into MEMBERLIST_HTTP_TOKEN")
      const wrong = Fake.agent({ "POST /v1/leave": { status: 401, body: { ...body, given: true } } })
      const { code, err } = yield* failed("leave", { ...wrong, env: { MEMBERLIST_HTTP_TOKEN: "x" } })
      expect(code).toBe(1)
      expect(err).toContain("is not the token of the agent at")
    }))
})

describe("members", () => {
  it.effect("that are lost are told as looked for, and counted by info", () =>
    Effect.gen(function*() {
      const lost = Fake.member("web-3", { state: "dead", lostUntil: Fake.at })
      const agent = Fake.agent({
        "GET /v1/members": Fake.members([lost]),
        "GET /v1/info": Fake.about(Fake.info),
        "GET /v1/health": Fake.condition({ ...Fake.health, lost: 2 })
      })
      const { out } = yield* run(["members", "--state", "lost"], agent)
      expect(out).toMatch(/web-3.*\tdead\t.*\tlooked for/)
      expect(agent.requests[0]?.line).toContain("state=lost")
      const { out: about } = yield* run(["info"], agent)
      expect(about).toContain("; 2 lost, and looked for (members --state lost)")
    }))

  const list = [
    Fake.member("web-10", { reachability: { ...ways, tcp: "fails", impaired: true } }),
    Fake.member("web-2", { state: "suspect", meta: Fake.content("{\"a\":1}\u001b[31m"), reachability: ways }),
    Fake.member("web-1", { self: true })
  ]

  it.effect("are rows between tabs where there is no terminal, by name, with numbers as numbers", () =>
    Effect.gen(function*() {
      const { code, out } = yield* run(["members"], Fake.agent({ "GET /v1/members": Fake.members(list) }))
      expect(code).toBe(0)
      expect(out.split("\n")).toEqual([
        "NAME\tADDRESS\tSTATE\tSINCE\tWAYS\tMETADATA",
        "web-1\t10.0.0.5:7946\talive\t2026-01-02T03:04:05.678Z\tthis agent\t",
        "web-2\t10.0.0.5:7946\tsuspect\t2026-01-02T03:04:05.678Z\tall work\t{\"a\":1}\\u{1b}[31m",
        "web-10\t10.0.0.6:7946\talive\t2026-01-02T03:04:05.678Z\tTCP fails\t"
      ])
    }))

  it.effect("are what the agent says, as JSON", () =>
    Effect.gen(function*() {
      const answer = Fake.members([Fake.member("a", { reachability: ways })])
      const { out } = yield* run(["members", "--json"], Fake.agent({ "GET /v1/members": answer }))
      expect(JSON.parse(out)).toEqual(answer.body)
    }))

  it.effect("are those of a state", () =>
    Effect.gen(function*() {
      const agent = Fake.agent({ "GET /v1/members": Fake.members([]) })
      yield* run(["members", "--state", "dead"], agent)
      yield* run(["ls"], agent)
      expect(agent.requests.map(({ line }) => line)).toEqual([
        "GET /v1/members?state=dead",
        "GET /v1/members?state=live"
      ])
    }))
})

it.effect("info is names and values, and one object as JSON", () =>
  Effect.gen(function*() {
    const agent = Fake.agent({ "GET /v1/info": Fake.about(Fake.info), "GET /v1/health": Fake.condition(Fake.health) })
    const { out } = yield* run(["info"], agent)
    expect(out.split("\n")).toContain("advertised\t10.0.0.5:7946")
    const parsed = JSON.parse((yield* run(["info", "--json"], agent)).out)
    expect([parsed.name, parsed.health.score]).toEqual(["web-1", 0])
  }))

describe("monitor", () => {
  const failedEvent = Fake.event({
    id: "2",
    event: "MemberFailed",
    data: { member: Fake.member("web-2"), at: Fake.at, missed: 3, from: "web-1", accusers: [], verdict }
  })
  const events = [
    Fake.event({ id: "1", event: "MemberJoined", data: { member: Fake.member("web-2"), at: Fake.at, missed: 0 } }),
    failedEvent
  ]

  const refusing = { status: 401, body: { _tag: "TokenRequired", given: false, message: "" } }

  /** Runs it until it ends, in virtual time. */
  const watched = Effect.fnUntraced(function*(args: ReadonlyArray<string>, agent: ReturnType<typeof Fake.agent>) {
    const running = yield* Effect.forkChild(run(["monitor", ...args], agent), { startImmediately: true })
    for (;;) {
      const exit = running.pollUnsafe()
      if (exit !== undefined) return yield* exit
      yield* TestClock.adjust("50 millis")
      // requests are promises
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    }
  })

  it.effect("is a line for each event, and goes on when the agent was away", () =>
    Effect.gen(function*() {
      const agent = Fake.agent({
        "GET /v1/events": [{ events }, Fake.nobody, { status: 503, body: {} }, { events: events.slice(0, 1) }, refusing]
      })
      const { code, err, out } = yield* watched([], agent)
      expect(out.split("\n").map((line) => line.replace(/^[\d:.]{12} /, "").replace(/after \d+\.\d s/, "after …")))
        .toEqual([
          "web-2 (10.0.0.5:7946) joined",
          "web-2 failed: no ack in 500 ms (3 events before it were lost)",
          "connection lost, trying again: the agent at http://127.0.0.1:7980 has ended the stream: it stops",
          "connected again after …; what happened meanwhile was not seen",
          "web-2 (10.0.0.5:7946) joined",
          "connection lost, trying again: the agent at http://127.0.0.1:7980 has ended the stream: it stops"
        ])
      // what time does not fix ends it
      expect([code, err]).toEqual([1, expect.stringContaining("wants its token")])
    }))

  it.effect("notices an agent that stands still", () =>
    Effect.gen(function*() {
      const starting = Fake.agent({ "GET /v1/events": [refusing] })
      let reads = 0
      const fetch: typeof globalThis.fetch = (input, init) => {
        if (String(input).endsWith("/health/live")) return new Promise(() => {})
        if (reads++ > 0) return starting.fetch(input, init)
        const nothing = new ReadableStream({ start: () => {} })
        return Promise.resolve(new Response(nothing, { headers: { "content-type": "text/event-stream" } }))
      }
      const { code, err, out } = yield* watched([], { ...starting, fetch })
      expect(out).toContain("connection lost, trying again: the agent at http://127.0.0.1:7980 does not answer in time")
      expect([code, err]).toEqual([1, expect.stringContaining("wants its token")])
    }))

  it.effect("tells of the connection as objects too, as JSON", () =>
    Effect.gen(function*() {
      const agent = Fake.agent({ "GET /v1/events": [{ events: [] }, { events: [] }, refusing] })
      const { out } = yield* watched(["--json"], agent)
      expect(out.split("\n").map((line) => JSON.parse(line))).toEqual([
        { event: "ConnectionLost", at: expect.any(String), message: expect.stringContaining("it stops") },
        { event: "ConnectionRestored", at: expect.any(String), lostMillis: expect.any(Number) },
        { event: "ConnectionLost", at: expect.any(String), message: expect.stringContaining("it stops") }
      ])
    }))

  it.effect("asks ever more seldom while there is nobody, and does not begin where there is nobody", () =>
    Effect.gen(function*() {
      const agent = Fake.agent({ "GET /v1/events": [{ events }, Fake.nobody] })
      const running = yield* Effect.forkChild(run(["monitor"], agent), { startImmediately: true })
      for (let i = 0; i < 1200; i++) {
        yield* TestClock.adjust("50 millis")
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      }
      // a minute: 0.25, 0.5, 1, 2, 4 s, and then every five
      expect(agent.requests.length).toBeGreaterThanOrEqual(14)
      expect(agent.requests.length).toBeLessThanOrEqual(18)
      yield* Fiber.interrupt(running)

      const { code, err } = yield* failed("monitor", Fake.agent({}))
      expect([code, err]).toEqual([1, expect.stringContaining("nothing listens there")])
    }))

  it.effect("tells of a split and its end, and of somebody else who is found", () =>
    Effect.gen(function*() {
      const when = { at: Fake.at, missed: 0 }
      const names = Array.from({ length: 10 }, (_, i) => `m${i}`)
      const events = [
        Fake.event({ id: "1", event: "SplitSuspected", data: { lost: names, present: ["web-1"], ...when } }),
        Fake.event({ id: "2", event: "Healed", data: { name: "m1", state: "alive", missing: ["m2"], ...when } }),
        Fake.event({ id: "3", event: "Healed", data: { name: "m2", state: "alive", missing: [], ...when } }),
        Fake.event({ id: "4", event: "Healed", data: { name: "m3", state: "left", missing: [], ...when } }),
        Fake.event({
          id: "5",
          event: "PutAside",
          data: { name: "m4", address: "a:1", reason: "another label", ...when }
        }),
        Fake.event({ id: "6", event: "PutAside", data: { address: "b:2", reason: "another key", ...when } })
      ]
      const { out } = yield* watched([], Fake.agent({ "GET /v1/events": [{ events }, refusing] }))
      const end = "of those that were lost together nobody is missing any more"
      expect(out.split("\n").slice(0, -1).map((line) => line.slice("03:04:05.678 ".length))).toEqual([
        "lost together, and perhaps on the other side of a split: m0, m1, m2, m3, m4, m5, m6, m7 and 2 more; here: web-1",
        "m1 is back; still missing of those that were lost together: m2",
        `${end}: m2 is back`,
        `${end}: m3 said goodbye`,
        "somebody else is where the lost m4 was expected, at a:1: another label",
        "somebody else is where a seed was expected, at b:2: another key"
      ])
    }))

  it.effect("is an object for each event, as JSON", () =>
    Effect.gen(function*() {
      const { out } = yield* watched(["--json"], Fake.agent({ "GET /v1/events": [{ events }, refusing] }))
      const [, second] = out.split("\n").map((line) => JSON.parse(line))
      expect(second).toEqual({ event: "MemberFailed", ...JSON.parse(failedEvent.data) })
    }))

  it.effect("is no event that is none", () =>
    Effect.gen(function*() {
      const odd = { id: "1", event: "MemberJoined", data: "{\"member\":1}" }
      const { code, err } = yield* failed("monitor", Fake.agent({ "GET /v1/events": { events: [odd] } }))
      expect([code, err]).toEqual([1, expect.stringContaining("is no agent, or one of another version")])
    }))

  it.effect("is the values of a topic", () =>
    Effect.gen(function*() {
      const data = { value: Fake.content("hello"), from: "web-3", at: "2026-01-02T03:04:05.678Z", missed: 0 }
      const agent = Fake.agent({
        "GET /v1/topics/news": [{ events: [{ id: "1", event: "value", data: JSON.stringify(data) }] }, refusing]
      })
      expect((yield* watched(["--topic", "news"], agent)).out).toContain("03:04:05.678 web-3 hello\n")
    }))
})

describe("why", () => {
  const known = {
    "GET /v1/members/web-2": Fake.oneMember(Fake.member("web-2", { state: "dead" })),
    "GET /v1/verdicts": Fake.verdicts([verdict])
  }

  it.effect("tells each path, and each word that was given", () =>
    Effect.gen(function*() {
      const { code, out } = yield* run(["why", "web-2"], Fake.agent(known))
      expect(code).toBe(0)
      const lines = out.split("\n")
      expect(lines).toContain("last verdict\tfailed: it did not contradict in time")
      expect(lines).toContain("ping by UDP\tno answer in 500 ms")
      expect(lines).toContain("ping through web-3\tgot no answer either, and said so")
      expect(lines).toContain("ping by TCP\trefused: the host is there, and nothing listens")
      expect(lines).toContain("confirmed by\tweb-3, 300 ms after that")
    }))

  it.effect("says what helpers did in the words of the status page", () =>
    Effect.gen(function*() {
      const page = readFileSync("src/agent/page/page.html", "utf8")
      for (const answer of HelperAnswer.literals) {
        const probe = { ...verdict.probe, helpers: [{ name: "h", answer }] }
        const agent = Fake.agent({ ...known, "GET /v1/verdicts": Fake.verdicts([{ ...verdict, probe }]) })
        const told = /^ping through h\t(.*)$/m.exec((yield* run(["why", "web-2"], agent)).out)?.[1]
        expect(page).toContain(`${answer}: "${told}"`)
      }
    }))

  it.effect("says of a member that failed and is alive that it is back", () =>
    Effect.gen(function*() {
      const alive = Fake.agent({ ...known, "GET /v1/members/web-2": Fake.oneMember(Fake.member("web-2")) })
      expect((yield* run(["why", "web-2"], alive)).out).toContain("in time; it is back since\n")
      expect((yield* run(["why", "web-2"], Fake.agent(known))).out).not.toContain("back since")
    }))

  it.effect("tells of a member that is forgotten, and of one that nothing happened to", () =>
    Effect.gen(function*() {
      const unknown = { status: 404, body: { _tag: "UnknownMember", target: "web-2", message: "" } }
      const forgotten = Fake.agent({ ...known, "GET /v1/members/web-2": unknown })
      expect((yield* run(["why", "web-2"], forgotten)).out).toContain("web-2, which is not remembered any more")

      const calm = Fake.agent({ ...known, "GET /v1/verdicts": Fake.verdicts([]) })
      expect((yield* run(["why", "web-2"], calm)).out).toContain("none: nothing happened")

      const neither = Fake.agent({ "GET /v1/verdicts": Fake.verdicts([]), "GET /v1/members/web-2": unknown })
      const { code, err } = yield* failed("why web-2", neither)
      expect(code).toBe(1)
      expect(err).toContain("web-2")
    }))
})

describe("what an agent is asked to do", () => {
  const sent = Fake.news({ outcome: "Sent", sent: 4, confirmed: 2, members: 3 })

  it.effect("is a join, told seed by seed", () =>
    Effect.gen(function*() {
      const agent = Fake.agent({
        "POST /v1/join": Fake.joined({
          contacted: [{ seed: "a", address: "10.0.0.1:7946" }],
          ourselves: [],
          failed: [{ seed: "b:1", error: "SeedRefused", message: "seed b:1: refused" }],
          members: 2
        })
      })
      const { code, out } = yield* run(["join", "a", "b:1"], agent)
      expect(code).toBe(0)
      expect(out.split("\n")).toEqual([
        "a\tjoined 10.0.0.1:7946",
        "b:1\tseed b:1: refused",
        "2 members, this agent included"
      ])
      expect(agent.requests[0]?.body).toEqual({ seeds: ["a", "b:1"] })
    }))

  for (const seed of ["b/", "host:99999", "a b", "a/b/c", "::1:x", "[::1", "host:"]) {
    it.effect(`is no join of ${JSON.stringify(seed)}`, () =>
      Effect.gen(function*() {
        const agent = Fake.agent({})
        const { code, err } = yield* run(["join", seed], agent)
        expect([code, err.split("\n").length, agent.requests.length]).toEqual([2, 1, 0])
        expect(err).toContain("[name/]host[:port]")
      }))
  }

  it.effect("is a leave, and other metadata", () =>
    Effect.gen(function*() {
      const agent = Fake.agent({ "POST /v1/leave": sent, "PUT /v1/meta": sent })
      expect((yield* run(["leave"], agent)).out).toBe("goodbye: sent (4 times, 3 members, 2 confirmed)")
      expect((yield* run(["update-meta", "{\"role\":\"web\"}", "--json"], agent)).out).toContain("\"outcome\":\"Sent\"")
      expect(agent.requests[1]?.body).toEqual({ json: { role: "web" } })
    }))

  it.effect("is no metadata that is no JSON", () =>
    Effect.gen(function*() {
      const agent = Fake.agent({})
      const { code, err } = yield* failed("update-meta {role:web}", agent)
      expect([code, agent.requests.length]).toEqual([2, 0])
      expect(err).toContain("JSON is \"{role:web}\": expected JSON")
      expect((yield* failed("update-meta 1e999", Fake.agent({}))).err).toContain("JSON is \"1e999\": expected JSON")
    }))

  it.effect("is a message to a topic, or to a member, as text or from standard input", () =>
    Effect.gen(function*() {
      const agent = Fake.agent({
        "POST /v1/topics/news": { body: { others: 2 } },
        "POST /v1/topics/quiet": { body: { others: 0 } },
        "POST /v1/members/web-2/message": {}
      })
      expect((yield* run(["publish", "news", "hello"], agent)).out).toBe("published to news: 2 others take part")
      expect((yield* run(["send", "web-2", "--reliable"], { ...agent, stdin: "from a pipe" })).code).toBe(0)
      expect(agent.requests.map(({ body }) => body)).toEqual([
        { text: "hello" },
        { content: { base64: Buffer.from("from a pipe").toString("base64") }, reliable: true }
      ])
      expect((yield* run(["publish", "quiet", "hello"], agent)).out).toBe("published to quiet: nobody else takes part")
    }))

  it.effect("is a message without the line break that ends a text, and not an empty one", () =>
    Effect.gen(function*() {
      const agent = Fake.agent({ "POST /v1/topics/news": { body: { others: 1 } } })
      const read = ["hello\n", "hello\r\n", "hello\n\n", "\u0000\n"]
      for (const stdin of read) expect((yield* run(["publish", "news"], { ...agent, stdin })).code).toBe(0)
      expect(
        agent.requests.map(({ body }) => Buffer.from((body as { readonly base64: string }).base64, "base64").toString())
      )
        .toEqual(["hello", "hello", "hello\n", "\u0000"])
      for (const stdin of ["", "\n", "\r\n"]) {
        const { code, err } = yield* run(["publish", "news"], { ...agent, stdin })
        expect([code, err]).toEqual([2, expect.stringContaining("the message is empty")])
      }
      expect((yield* run(["publish", "news", ""], agent)).code).toBe(2)
      expect(agent.requests).toHaveLength(read.length)
    }))

  it.effect("is told in words of commands where the agent refuses it", () =>
    Effect.gen(function*() {
      const refusals = [
        [
          409,
          { _tag: "NotParticipating", operation: "updateMeta" },
          "has left its cluster; let it join again first (eff"
        ],
        [
          413,
          { _tag: "MessageTooLarge", carrier: "packet", size: 9000, limit: 1300 },
          "send it over a stream (--reliable)"
        ],
        [404, { _tag: "UnknownMember", target: "web-2" }, "knows no member \"web-2\"; effect-memberlist members lists"]
      ] as const
      for (const [status, body, told] of refusals) {
        const answer = { status, body: { ...body, message: "" } }
        const path = status === 409 ? "POST /v1/topics/news" : "POST /v1/members/web-2/message"
        const { code, err } = yield* run(
          status === 409 ? ["publish", "news", "x"] : ["send", "web-2", "x"],
          Fake.agent({ [path]: answer })
        )
        expect([code, err]).toEqual([1, expect.stringContaining(told)])
      }
    }))

  it.effect("is not read to its end where no request could hold it", () =>
    Effect.gen(function*() {
      const agent = Fake.agent({ "POST /v1/members/web-2/message": {} })
      const most = (Model.MAX_BODY - 1024) * 3 / 4
      expect((yield* run(["send", "web-2"], { ...agent, stdin: "x".repeat(most) })).code).toBe(0)
      const { code, err } = yield* run(["send", "web-2"], { ...agent, stdin: "x".repeat(most + 1) })
      expect([code, agent.requests.length]).toEqual([1, 1])
      expect(err).toContain(`standard input is too long: an agent takes at most ${most} bytes`)
    }))

  it.effect("is a ping, and a failure where nobody answers", () =>
    Effect.gen(function*() {
      const agent = Fake.agent({ "POST /v1/members/web-2/ping": { body: { millis: 1.234 } } })
      expect((yield* run(["ping", "web-2"], agent)).out).toBe("web-2: 1.23 ms")
      const body = { _tag: "UnknownMember", target: "web-9", message: "" }
      const unknown = Fake.agent({ "POST /v1/members/web-9/ping": { status: 404, body } })
      const { code, err } = yield* failed("ping web-9", unknown)
      expect([code, err]).toEqual([1, expect.stringContaining("the agent knows no member \"web-9\"")])
    }))
})

describe("keys", () => {
  const ring = [
    { fingerprint: "00aa11bb22cc33dd", primary: true, bits: 256 },
    { fingerprint: "00ff11bb22cc33dd", primary: false, bits: 128 }
  ]
  const base = { "GET /v1/info": Fake.about(Fake.info), "GET /v1/keys": Fake.keys(ring) }

  it.effect("are listed by their fingerprints", () =>
    Effect.gen(function*() {
      const { out } = yield* run(["keys", "list"], Fake.agent(base))
      expect(out.split("\n")).toEqual([
        "AGENT\tFINGERPRINT\tBITS\tUSE",
        "web-1\t00aa11bb22cc33dd\t256\tprimary",
        "web-1\t00ff11bb22cc33dd\t128\t"
      ])
    }))

  it.effect("are added from a file or from standard input, and never named in an error", () =>
    Effect.gen(function*() {
      const folder = mkdtempSync(Path.join(tmpdir(), "keys-"))
      const file = Path.join(folder, "key")
      const key = Buffer.alloc(32, 7).toString("base64")
      const agent = Fake.agent({ ...base, "POST /v1/keys": Fake.key({ ...ring[1]!, persisted: true }) })
      writeFileSync(file, `${key}\n`)
      expect((yield* run(["keys", "add", file], agent)).out).toBe("web-1\thas the key 00ff11bb22cc33dd")
      expect((yield* run(["keys", "add", "-", "--use"], { ...agent, stdin: key })).code).toBe(0)
      expect(agent.requests.map(({ body }) => body).filter((body) => body !== undefined)).toEqual([
        { key, use: false },
        { key, use: true }
      ])

      const asked = agent.requests.length
      for (const text of ["", "too short", Buffer.alloc(31).toString("base64"), "ä".repeat(44), key.repeat(200)]) {
        writeFileSync(file, text)
        const { code, err } = yield* failed(`keys add ${file}`, agent)
        expect(code).toBe(2)
        expect(err).toContain(`${file} has no key`)
      }
      const unreadable = [["none", "there is none"], ["", "it is a directory"]] as const
      for (const [name, why] of unreadable) {
        const { code, err } = yield* failed(`keys add ${folder}/${name}`, agent)
        expect([code, err]).toEqual([1, `effect-memberlist: cannot read ${folder}/${name}: ${why}`])
      }
      expect(agent.requests).toHaveLength(asked)
      rmSync(folder, { recursive: true })
    }))

  it.effect("are meant by the beginning of a fingerprint, where one alone begins so", () =>
    Effect.gen(function*() {
      const agent = Fake.agent({ ...base, "PUT /v1/keys/00ff11bb22cc33dd": Fake.key({ ...ring[1]!, persisted: true }) })
      expect((yield* run(["keys", "use", "00FF"], agent)).code).toBe(0)
      expect((yield* failed("keys use 0000", agent)).err).toContain("no key has the fingerprint 0000")
      expect((yield* failed("keys use 00", agent)).code).toBe(2)
    }))

  it.effect("are removed where they are, and a failure where nobody has them", () =>
    Effect.gen(function*() {
      const list = [Fake.member("web-1", { self: true }), Fake.member("web-2", { address: "10.0.0.2:7946" })]
      const agent = Fake.agent({
        ...base,
        "GET /v1/members": Fake.members(list),
        "10.0.0.2:7980 GET /v1/info": Fake.about({ ...Fake.info, name: "web-2" }),
        "10.0.0.2:7980 GET /v1/keys": Fake.keys(ring.slice(0, 1)),
        "127.0.0.1:7980 DELETE /v1/keys/00ff11bb22cc33dd": Fake.removed({ persisted: true })
      })
      const { code, out } = yield* run(["keys", "remove", "00ff", "--all"], agent)
      expect(code).toBe(0)
      expect(out.split("\n")).toEqual([
        "web-1\tdoes not have the key 00ff11bb22cc33dd any more",
        "web-2\tdoes not have the key"
      ])
      expect((yield* failed("keys remove abcd --all", agent)).err).toContain("no key has the fingerprint abcd")
    }))

  const trio = [
    Fake.member("web-1", { self: true }),
    Fake.member("web-2", { address: "10.0.0.2:7946" }),
    Fake.member("web-3", { address: "10.0.0.3:7946" })
  ]
  const fleet = {
    "GET /v1/info": Fake.about(Fake.info),
    "10.0.0.2:7980 GET /v1/info": Fake.about({ ...Fake.info, name: "web-2" }),
    "10.0.0.3:7980 GET /v1/info": Fake.about({ ...Fake.info, name: "web-3" }),
    "GET /v1/members": Fake.members(trio)
  }
  const [oldKey, nextKey] = ring.map((view) => ({ ...view }))
  const changes = (agent: ReturnType<typeof Fake.agent>) =>
    agent.requests.map(({ line }) => line).filter((line) => !line.startsWith("GET"))

  it.effect("are not used anywhere while one agent lacks them, and not removed while one uses them", () =>
    Effect.gen(function*() {
      const agent = Fake.agent({
        ...fleet,
        "GET /v1/keys": Fake.keys(ring),
        "10.0.0.3:7980 GET /v1/keys": Fake.keys([oldKey!])
      })
      const lacking = yield* failed("keys use 00ff --all", agent)
      expect([lacking.code, lacking.err]).toEqual([
        1,
        "effect-memberlist: nothing was changed: 1 of 3 agents (web-3) do not have the key 00ff11bb22cc33dd, and would "
        + "be cut off when others use it; give it to them first, with keys add FILE --all"
      ])
      const using = Fake.agent({
        ...fleet,
        "GET /v1/keys": Fake.keys([{ ...nextKey!, primary: true }, { ...oldKey!, primary: false }]),
        "10.0.0.3:7980 GET /v1/keys": Fake.keys(ring)
      })
      const used = yield* failed("keys remove 00aa --all", using)
      expect([used.code, used.err]).toEqual([
        1,
        "effect-memberlist: nothing was changed: 1 of 3 agents (web-3) seal with the key 00aa11bb22cc33dd; let all use "
        + "another first, with keys use FINGERPRINT --all"
      ])
      expect([...changes(agent), ...changes(using)]).toEqual([])
    }))

  it.effect("are not used or removed while a member cannot be asked, unless that is wanted", () =>
    Effect.gen(function*() {
      const answers = {
        ...fleet,
        "127.0.0.1:7980 GET /v1/keys": Fake.keys(ring),
        "10.0.0.2:7980 GET /v1/keys": Fake.keys(ring),
        "PUT /v1/keys/00ff11bb22cc33dd": Fake.key({ ...nextKey!, primary: true, persisted: true })
      }
      const agent = Fake.agent(answers)
      for (const line of ["keys use 00ff --all", "keys remove 00ff --all"]) {
        const { code, err } = yield* failed(line, agent)
        expect([code, err]).toEqual([1, expect.stringMatching(/nothing was changed: 1 of 3 members.*web-3.*--partial/)])
      }
      expect(changes(agent)).toEqual([])
      const { code, out } = yield* run(["keys", "use", "00ff", "--all", "--partial"], agent)
      expect([code, out.split("\n")]).toEqual([0, [
        "web-1\tuses the key 00ff11bb22cc33dd",
        "web-2\tuses the key 00ff11bb22cc33dd",
        expect.stringContaining("web-3\tnot asked: no agent answers at http://10.0.0.3:7980")
      ]])
    }))

  it.effect("are not changed at an agent in the name of another one on the same machine", () =>
    Effect.gen(function*() {
      const list = [Fake.member("web-1", { self: true }), Fake.member("web-2", { address: "127.0.0.1:7947" })]
      const agent = Fake.agent({
        ...base,
        "GET /v1/members": Fake.members(list),
        "POST /v1/keys": Fake.key({ ...nextKey!, persisted: true })
      })
      const { code, err } = yield* failed("keys use 00ff --all", agent)
      expect(code).toBe(1)
      expect(err).toContain(
        "1 of 2 members cannot be asked (web-2; the first: at http://127.0.0.1:7980 is the agent of web-1; that of "
          + "web-2 listens at another port, and is called by itself, with --http)"
      )
      expect(changes(agent)).toEqual([])
      const folder = mkdtempSync(Path.join(tmpdir(), "keys-"))
      const file = Path.join(folder, "key")
      writeFileSync(file, Buffer.alloc(32, 7).toString("base64"))
      const added = yield* run(["keys", "add", file, "--all"], agent)
      expect([added.code, added.out.split("\n")]).toEqual([1, [
        "web-1\thas the key 00ff11bb22cc33dd",
        expect.stringContaining("web-2\tat http://127.0.0.1:7980 is the agent of web-1")
      ]])
      expect(changes(agent)).toEqual(["POST /v1/keys"])
      rmSync(folder, { recursive: true })
    }))

  it.effect("of members that are gone are told of", () =>
    Effect.gen(function*() {
      const list = [
        Fake.member("web-1", { self: true }),
        Fake.member("web-2", { state: "dead" }),
        Fake.member("web-3", { state: "left" })
      ]
      const agent = Fake.agent({
        ...base,
        "GET /v1/members": Fake.members(list),
        "PUT /v1/keys/00ff11bb22cc33dd": Fake.key({ ...nextKey!, primary: true, persisted: true })
      })
      const { code, out } = yield* run(["keys", "use", "00ff", "--all"], agent)
      expect([code, out.split("\n")]).toEqual([0, [
        "web-1\tuses the key 00ff11bb22cc33dd",
        expect.stringContaining("web-2\tnot there: if it comes back with other keys"),
        expect.stringContaining("web-3\tnot there: if it comes back with other keys")
      ]])
      const keys = Fake.keys(ring)
      const listed = yield* run(
        ["keys", "list", "--all"],
        Fake.agent({
          ...base,
          "GET /v1/members": Fake.members(list),
          "GET /v1/keys": keys
        })
      )
      expect(listed.out.split("\n").slice(-2)).toEqual(["web-2\tnot there", "web-3\tnot there"])
      expect(agent.requests.map(({ line }) => line)).toContain("GET /v1/members?state=all")
    }))

  it.effect("are meant by one fingerprint at all agents together", () =>
    Effect.gen(function*() {
      const agent = Fake.agent({
        ...fleet,
        "GET /v1/keys": Fake.keys([oldKey!]),
        "10.0.0.3:7980 GET /v1/keys": Fake.keys([{ ...oldKey!, fingerprint: "00aa00000000000f" }])
      })
      expect((yield* run(["keys", "use", "00aa", "--all"], agent)).err).toContain("several keys have a fingerprint")
      expect(changes(agent)).toEqual([])
    }))

  it.effect("are had by all before one seals with a new key", () =>
    Effect.gen(function*() {
      const folder = mkdtempSync(Path.join(tmpdir(), "keys-"))
      const file = Path.join(folder, "key")
      writeFileSync(file, Buffer.alloc(32, 7).toString("base64"))
      const had = Fake.key({ ...nextKey!, persisted: true })
      const answers = { ...fleet, "GET /v1/keys": Fake.keys([oldKey!]), "10.0.0.2:7980 GET /v1/keys": Fake.keys([]) }
      const agent = Fake.agent({ ...answers, "POST /v1/keys": had })
      const uses = ({ requests }: typeof agent) =>
        requests.flatMap(({ body }) => body === undefined ? [] : [(body as { readonly use: boolean }).use])
      expect((yield* run(["keys", "add", file, "--use", "--all"], agent)).code).toBe(0)
      // two that encrypt already, then all
      expect(uses(agent)).toEqual([false, false, true, true, true])

      const ill = Fake.agent({ ...answers, "POST /v1/keys": had, "10.0.0.3:7980 POST /v1/keys": { status: 500 } })
      expect((yield* run(["keys", "add", file, "--use", "--all"], ill)).code).toBe(1)
      expect(uses(ill)).toEqual([false, false])
      rmSync(folder, { recursive: true })
    }))

  it.effect("that could not be written are told to be so", () =>
    Effect.gen(function*() {
      const reason =
        "not written to /secrets/key: its file system is read-only; the file must be changed before a restart"
      const agent = Fake.agent({
        ...base,
        "PUT /v1/keys/00ff11bb22cc33dd": Fake.key({ ...nextKey!, primary: true, persisted: false, reason })
      })
      expect((yield* run(["keys", "use", "00ff"], agent)).out).toBe(
        `web-1\tuses the key 00ff11bb22cc33dd; ${reason}`
      )
      expect(JSON.parse((yield* run(["keys", "use", "00ff", "--json"], agent)).out)).toEqual([
        { agent: "web-1", done: true, persisted: false, reason }
      ])
    }))

  it.effect("are those of every live member with --all, and a failure where one does not answer", () =>
    Effect.gen(function*() {
      const list = [
        Fake.member("web-1", { self: true }),
        Fake.member("web-2", { address: "10.0.0.2:7946" }),
        Fake.member("web-3", { address: "[fd00::3]:7946" })
      ]
      const agent = Fake.agent({
        "127.0.0.1:7980 GET /v1/info": Fake.about(Fake.info),
        "[fd00::3]:7980 GET /v1/info": Fake.about({ ...Fake.info, name: "web-3" }),
        "GET /v1/members": Fake.members(list),
        "127.0.0.1:7980 GET /v1/keys": Fake.keys(ring),
        "[fd00::3]:7980 GET /v1/keys": Fake.keys([])
      })
      const { code, err, out } = yield* run(["keys", "list", "--all"], agent)
      expect(out.split("\n").slice(3)).toEqual([
        expect.stringContaining("web-2\tno agent answers at http://10.0.0.2:7980"),
        "web-3\tno keys: not encrypted"
      ])
      expect([code, err]).toEqual([1, expect.stringContaining("1 of 3 agents did not do it, first web-2")])
    }))
})

describe("a command that cannot mean anything", () => {
  it.effect("is a wrong call, and asks no agent", () =>
    Effect.gen(function*() {
      const agent = Fake.agent({})
      for (
        const [args, told] of [
          [["publish", "", "x"], "TOPIC has no value: expected the name of a topic"],
          [["monitor", "--topic", ""], "--topic has no value: expected the name of a topic"],
          [["monitor", "--topic", "a", "--messages"], "--topic and --messages exclude each other"],
          [["agent", "--encrypt-file", ""], "--encrypt-file has no value: expected PATH"],
          [["members", "--http", "http://a:secret@b:1"], "--http is \"http://…@b:1\""]
        ] as const
      ) {
        const { code, err } = yield* run(args, agent)
        expect([code, err]).toEqual([2, expect.stringContaining(told)])
        expect(err.split("\n")).toHaveLength(1)
      }
      expect(agent.requests).toHaveLength(0)
    }))
})

describe("a request that the agent does not understand", () => {
  it.effect("is a wrong call of the command", () =>
    Effect.gen(function*() {
      const body = { _tag: "RequestInvalid", reason: "\"a\" is no seed; expected another", message: "" }
      const agent = Fake.agent({ "POST /v1/join": { status: 400, body } })
      const { code, err } = yield* run(["join", "a"], agent)
      expect([code, err]).toEqual([2, "effect-memberlist: \"a\" is no seed; expected another"])
    }))
})

describe("doctor", () => {
  const base = {
    "GET /v1/info": Fake.about(Fake.info),
    "GET /v1/health": Fake.condition(Fake.health),
    "GET /health/live": { body: { status: "live" } }
  }

  const doctored = (
    members: ReadonlyArray<ReturnType<typeof Fake.checked>>,
    fields: Parameters<typeof Fake.check>[1] = {}
  ) =>
    Fake.agent({
      ...base,
      "GET /v1/members": Fake.members([Fake.member("web-1", { self: true }), Fake.member("web-2")]),
      "POST /v1/check": Fake.check(members, fields)
    })

  it.effect("finds nothing in a cluster that is well", () =>
    Effect.gen(function*() {
      const { code, out } = yield* run(["doctor", "--json"], doctored([Fake.checked("web-2")]))
      expect(code).toBe(0)
      const findings: ReadonlyArray<{ readonly check: string; readonly status: string }> = JSON.parse(out)
      expect(findings.filter(({ status }) => status !== "ok")).toEqual([])
      expect(findings.map(({ check }) => check)).toEqual(
        expect.arrayContaining(["UDP with web-2", "TCP with web-2", "MTU with web-2", "clocks of agents"])
      )
    }))

  it.effect("looks at the members that are named", () =>
    Effect.gen(function*() {
      const agent = doctored([Fake.checked("web-2")], { others: 4 })
      const { out } = yield* run(["doctor", "web-2"], agent)
      expect(agent.requests.at(-1)).toMatchObject({ line: "POST /v1/check", body: { members: ["web-2"] } })
      expect(out).not.toContain("members tried")
      expect((yield* run(["doctor"], agent)).out).toContain("members tried\tok\t1 of 4")
      expect(agent.requests.at(-1)?.body).toEqual({})
    }))

  it.effect("says what to do about each way that fails", () =>
    Effect.gen(function*() {
      const fails = { udpOut: "fails", fullOut: "unknown", fullIn: "unknown" } as const
      const { code, err, out } = yield* run(
        ["doctor"],
        doctored([
          Fake.checked("a", fails),
          Fake.checked("b", { udpIn: "fails", fullIn: "unknown" }),
          Fake.checked("c", { tcpOut: "fails", streamError: "connection refused" }),
          Fake.checked("d", { tcpIn: "fails" }),
          Fake.checked("e", { fullOut: "fails", fullIn: "fails" })
        ])
      )
      expect(code).toBe(1)
      expect(err).toContain("checks failed: UDP with a, UDP with b, TCP with c, TCP with d, MTU with e")
      expect(out).toContain("UDP with a\tfailure\tpackets do not get there")
      expect(out).toContain("UDP with a: open UDP to 10.0.0.1:7946")
      expect(out).toContain("UDP with b: open UDP from 10.0.0.1:7946 to 10.0.0.5:7946")
      expect(out).toContain("TCP with c\tfailure\tstreams do not get there: connection refused")
      expect(out).toContain("TCP with d: open TCP from 10.0.0.1:7946 to 10.0.0.5:7946")
      expect(out).toContain("1398 bytes of content do not get there or back")
      expect(out).toContain("MTU with a\tunknown\tshort packets do not get through both ways")
    }))

  it.effect("compares clocks, keys and labels of agents", () =>
    Effect.gen(function*() {
      const [old, next] = ["79e5bac93e8c6bf6", "6bfffca72cce7618"]
      const said = (fields: Partial<Model.AgentCheck>) => ({
        agent: { clock: { ahead: 0, within: 1 }, label: "", keys: [old], ...fields }
      })
      const { code, out } = yield* run(
        ["doctor"],
        doctored([
          Fake.checked("late", said({ clock: { ahead: -5_200, within: 40 } })),
          Fake.checked("other", said({ label: "blue" })),
          Fake.checked("lacks", said({ keys: [] })),
          Fake.checked("more", said({ keys: [next, old] })),
          Fake.checked("go", { answers: "no agent", tcpIn: "unknown", fullOut: "unknown", fullIn: "unknown" })
        ], { keys: [old] })
      )
      expect(code).toBe(0)
      expect(out).toContain("clock of late\twarning\t5.2 s behind this agent's")
      expect(out).toContain("label of other\twarning\tit has \"blue\"")
      expect(out).toContain(`keys of lacks\twarning\tit lacks ${old}`)
      expect(out).toContain(`keys of more\twarning\tthis agent lacks ${next}`)
      expect(out).toContain("MTU with go\tunknown\tnot checked: it is no agent")
    }))

  it.effect("says nothing of packets where a member does not answer as an agent, or is gone", () =>
    Effect.gen(function*() {
      const unknown = { tcpIn: "unknown", fullOut: "unknown", fullIn: "unknown" } as const
      const { out } = yield* run(
        ["doctor"],
        doctored([
          Fake.checked("busy", { answers: "no", ...unknown }),
          Fake.checked("gone", { answers: "no agent", state: "dead", ...unknown })
        ])
      )
      expect(out).toContain("MTU with busy\tunknown\tnot checked: it does not answer as an agent")
      expect(out).toContain("MTU with gone\tunknown\tnot checked: to this agent it is dead")
    }))

  it.effect("fails where a member does not answer, and says what to do", () =>
    Effect.gen(function*() {
      const blocked = {
        ...ways,
        udpOut: "fails",
        udpIn: "fails",
        impaired: true,
        likelyCause: "UDP is blocked"
      } as const
      const unknown = { udpOut: "unknown", udpIn: "unknown", tcpIn: "unknown", fullOut: "unknown" } as const
      const { agent: _, ping: __, ...silent } = Fake.checked("web-2", { ...unknown, fullIn: "unknown", answers: "no" })
      const agent = Fake.agent({
        ...base,
        "GET /v1/health": Fake.condition({ ...Fake.health, counters: { "packet.rejected:LabelMismatch": 4 } }),
        "GET /v1/members": Fake.members([Fake.member("web-2", { reachability: blocked })]),
        "POST /v1/check": Fake.check([{ ...silent, pingError: "no response from node web-2 within 500 ms" }])
      })
      const { code, err, out } = yield* run(["doctor"], agent)
      expect(code).toBe(1)
      expect(err).toContain("checks failed: UDP with web-2")
      expect(out).toContain("no response from node web-2 within 500 ms")
      expect(out).toContain("UDP with web-2: UDP is blocked")
      expect(out).toContain("packets came with another label, or without one since it started")
    }))

  it.effect("fails where the agent is in no cluster, and tells of a key that is not used", () =>
    Effect.gen(function*() {
      const agent = Fake.agent({
        ...base,
        "GET /v1/health": Fake.condition({ ...Fake.health, readiness: { state: "Trying", ready: false } }),
        "GET /v1/members": Fake.members([]),
        "POST /v1/check": Fake.check([], { keys: ["00ff11bb22cc33dd"] })
      })
      const { code, out } = yield* run(["doctor"], agent)
      expect(code).toBe(1)
      expect(out).toContain("joined\tfailure\tTrying")
      expect(out).toContain("sealing\twarning\tthis agent has a key, and sends in clear")
    }))

  it.effect("tells once that the agent wants its token for that", () =>
    Effect.gen(function*() {
      const agent = Fake.agent({
        ...base,
        "GET /v1/members": Fake.members([]),
        "POST /v1/check": { status: 401, body: { _tag: "TokenRequired", given: false, message: "" } }
      })
      const { code, out } = yield* run(["doctor"], agent)
      expect(code).toBe(1)
      expect(out.match(/wants its token/g)).toHaveLength(1)
      expect(out).toContain("keys\tok")
    }))

  it.effect("looks up names", () =>
    Effect.gen(function*() {
      const { code, out } = yield* run(
        ["doctor", "--seeds-dns", "127.0.0.9"],
        doctored([])
      )
      expect(code).toBe(0)
      expect(out).toContain("DNS 127.0.0.9\tok\t127.0.0.9")
      // where a seed may have a port, its name may
      expect((yield* run(["doctor", "--seeds-dns", "127.0.0.9:7946"], doctored([]))).out).toContain("\tok\t127.0.0.9")
    }))

  it.effect("looks up the name that the agent's own seeds come from", () =>
    Effect.gen(function*() {
      const agent = Fake.agent({
        ...base,
        "GET /v1/info": Fake.about({ ...Fake.info, seeds: "DNS 127.0.0.9" }),
        "GET /v1/members": Fake.members([]),
        "POST /v1/check": Fake.check([])
      })
      expect((yield* run(["doctor"], agent)).out).toContain("DNS 127.0.0.9\tok\t127.0.0.9")
    }))
})

describe("plan", () => {
  const line = "plan --members 200 --detect 5s --budget 20kB/s --loss 1%"

  it.effect("is the settings, and what they will give", () =>
    Effect.gen(function*() {
      const { code, out } = yield* run(line.split(" "))
      expect(code).toBe(0)
      expect(out).toMatch(/^probeInterval\t\d+ millis\tMEMBERLIST_PROBE_INTERVAL$/m)
      expect(out).toMatch(/^failures known to all\thalf within .* s, 99 of 100 within .* s$/m)
    }))

  it.effect("is variables that an agent takes, as JSON", () =>
    Effect.gen(function*() {
      const { out } = yield* run([...line.split(" "), "--json"])
      const { forecast, settings, variables } = JSON.parse(out)
      expect(forecast.detection.all.p99).toBeLessThanOrEqual(5000)
      expect(settings.indirectChecks).toBeGreaterThanOrEqual(3)
      const { values } = yield* Variables.read.pipe(
        Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: variables }))
      )
      expect(String(values["probeInterval"])).toBe(String(Duration.fromInputUnsafe(settings.probeInterval)))
    }))

  it.effect("is refused where it is none, or cannot be had", () =>
    Effect.gen(function*() {
      expect(yield* failed("plan --members 1 --detect 5s", {})).toEqual({
        code: 2,
        err: "effect-memberlist: goal \"members\" is 1; expected a whole number from 2 to 65536"
      })
      const { code, err } = yield* failed("plan --members 100 --detect 1s", {})
      expect([code, err]).toEqual([1, expect.stringContaining("goal \"detect\" of 1s cannot be reached")])
      expect((yield* failed("plan --members 100 --detect 5", {})).code).toBe(2)
      expect((yield* failed("plan --members 100 --detect 5s --loss 300%", {})).code).toBe(2)
      expect((yield* failed("plan --detect 5s", {})).err).toContain("the flag --members is missing")
    }))
})
