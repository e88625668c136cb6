/** What the errors that people meet first say. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { MemberlistConfig, type Settings } from "../src/MemberlistConfig.ts"
import { JoinFailed, NodeNameRequired, PingTimeout, SeedUnresolvable, TransportError } from "../src/MemberlistError.ts"
import { clusterTest, joinAt, passing, start } from "./support/Cluster.ts"
import { fakePeer } from "./support/FakePeer.ts"

const refused = (address: string, cause: string) =>
  new TransportError({ operation: "open", kind: "Refused", scope: "Remote", address, cause: new Error(cause) })

const occurrences = (text: string, part: string) => text.split(part).length - 1

describe("a ping that is not answered", () => {
  clusterTest(
    "names the address, where that is all it was given",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const error = yield* Effect.flip(passing(a.cluster.ping({ address: "10.0.0.9:7946" })))
      assert.instanceOf(error, PingTimeout)
      assert.strictEqual(error.message, "no response from node 10.0.0.9:7946 within 500 ms")
    })
  )
})

describe("a join that fails", () => {
  it("says an address once", () => {
    const error = new JoinFailed({
      failed: [{ seed: "10.0.0.1:7946", error: refused("10.0.0.1:7946", "connect ECONNREFUSED 10.0.0.1:7946") }]
    })
    assert.strictEqual(
      error.message,
      "could not join through the seed: open 10.0.0.1:7946: refused (connect ECONNREFUSED)"
    )
  })

  it("says an IPv6 address once, which Node.js writes without brackets", () => {
    const { message } = refused("[fd00::1]:7946", "connect ECONNREFUSED fd00::1:7946")
    assert.strictEqual(message, "open [fd00::1]:7946: refused (connect ECONNREFUSED)")
  })

  it("says a seed's name beside its addresses, and counts seeds, not addresses", () => {
    const error = new JoinFailed({
      failed: [
        { seed: "seeds.test", error: refused("10.0.0.1:7946", "connect ECONNREFUSED 10.0.0.1:7946") },
        { seed: "seeds.test", error: refused("10.0.0.2:7946", "connect ECONNREFUSED 10.0.0.2:7946") },
        {
          seed: "nowhere.test",
          error: new SeedUnresolvable({ host: "nowhere.test", cause: new Error("getaddrinfo ENOTFOUND nowhere.test") })
        },
        { seed: "e", error: refused("10.0.0.4:7946", "reset") },
        { seed: "10.0.0.3", error: new NodeNameRequired({ address: "10.0.0.3" }) }
      ]
    })
    assert.match(error.message, /^could not join through any of 4 seeds: /)
    assert.include(error.message, "seeds.test: open 10.0.0.2:7946: refused (connect ECONNREFUSED)")
    assert.include(error.message, "e: open 10.0.0.4:7946: refused (reset)")
    assert.strictEqual(occurrences(error.message, "nowhere.test"), 1)
  })

  const programs: ReadonlyArray<readonly [what: string, answer: string, told: RegExp]> = [
    ["an HTTP server", "HTTP/1.1 400 Bad Request\r\n\r\n", /does not speak memberlist but HTTP$/],
    ["a TLS server", "\x15\x03\x01\x00\x02\x02\x46", /does not speak memberlist but TLS$/],
    ["an SSH server", "SSH-2.0-OpenSSH_9.7\r\n", /does not speak memberlist but text/]
  ]
  for (const [what, answer, told] of programs) {
    for (const [how, secretKey] of [["", undefined], [", with a key", Redacted.make(new Uint8Array(16))]] as const) {
      clusterTest(
        `at the port of ${what} says so${how}`,
        Effect.gen(function*() {
          yield* fakePeer("other", "10.0.0.2", {
            onStream: (connection) => Effect.ignore(connection.write(Buffer.from(answer, "latin1")))
          })
          const a = yield* start("a", "10.0.0.1", { config: { secretKey } })
          const error = yield* Effect.flip(joinAt(a, "10.0.0.2"))
          assert.match(error.message, told)
          assert.notInclude(error.message, "message type")
          assert.strictEqual((yield* a.cluster.counters).get("join.failed:ExchangeRejected"), 1)
        })
      )
    }
  }

  clusterTest(
    "for what is not known still says what came",
    Effect.gen(function*() {
      yield* fakePeer("other", "10.0.0.2", {
        onStream: (connection) => Effect.ignore(connection.write(Uint8Array.of(200, 1, 2, 3)))
      })
      const a = yield* start("a", "10.0.0.1")
      assert.match((yield* Effect.flip(joinAt(a, "10.0.0.2"))).message, /message type 200/)
    })
  )
})

describe("a configuration that is refused", () => {
  const failing = (settings: Settings) => Effect.flip(MemberlistConfig.make({ name: "a", ...settings }))

  for (const settings of [{ bindPort: -1 }, { secretKey: Redacted.make(new Uint8Array(5)) }]) {
    it.effect(`with ${Object.keys(settings)[0]} is one line, without our own functions`, () =>
      Effect.gen(function*() {
        const error = yield* failing(settings)
        assert.strictEqual(error.stack, `${error.name}: ${error.message}`)
        assert.notMatch(Cause.pretty(Cause.fail(error)), /\n/)
      }))
  }

  const nearly: ReadonlyArray<readonly [given: string, told: RegExp]> = [
    ["500", /expected a number with its unit, such as "500 millis" or "500 seconds": a finite duration/],
    ["1.5", /"1\.5 millis"/],
    ["250ms", /expected the unit in full, "250 millis": a finite duration/],
    ["10s", /"10 seconds"/]
  ]
  for (const [given, told] of nearly) {
    it.effect(`with a duration of "${given}" says what is missing`, () =>
      Effect.gen(function*() {
        assert.match((yield* failing({ probeTimeout: given as never })).message, told)
      }))
  }

  it.effect("with something else for a duration says what one is", () =>
    Effect.gen(function*() {
      assert.match(
        (yield* failing({ probeTimeout: "soon" as never })).message,
        /"soon"; expected a finite duration of at least/
      )
    }))
})
