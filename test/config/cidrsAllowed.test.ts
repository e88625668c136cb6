import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { MemberlistConfig, type Settings } from "../../src/MemberlistConfig.ts"
import * as Frame from "../../src/wire/stream/Frame.ts"
import { clusterTest, joinAt, passing, start, stateOf, view } from "../support/Cluster.ts"
import { type FakePeer, fakePeer } from "../support/FakePeer.ts"
import { address, bytes, counted, introduce, refusals, text } from "../support/Fields.ts"

const OURS = "10.0.0.0/24"
const config = { cidrsAllowed: [OURS] }
const strict = { cidrsAllowed: [OURS], cidrsStrict: true }

const pushPull = (...nodes: ReadonlyArray<ReturnType<FakePeer["row"]>>) =>
  Frame.encodePushPull({ join: true, nodes, userState: new Uint8Array() })

describe("cidrsAllowed", () => {
  clusterTest(
    "is asked about any address, and no host name is in it; without it every address is",
    Effect.gen(function*() {
      const inside = ["10.0.0.7", "::ffff:10.0.0.7"]
      const outside = ["10.0.1.7", "fd00::7", "127.0.0.1"]
      const none = ["example.org", "10.0.0.7:80", "10.0.0", ""]
      const all = [...inside, ...outside, ...none]
      const { cluster } = yield* start("a", "10.0.0.1", { config })
      assert.deepStrictEqual(all.filter(cluster.admits), inside)
      const { cluster: open } = yield* start("b", "10.0.0.2")
      assert.deepStrictEqual(all.filter(open.admits), [...inside, ...outside])
    })
  )

  clusterTest(
    "keeps alive messages out whose source, or whose address, is elsewhere",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config })
      const inside = yield* fakePeer("inside", "10.0.0.9")
      const outside = yield* fakePeer("outside", "10.9.0.9")
      yield* outside.send(a, inside.alive())
      yield* outside.send(a, outside.alive())
      yield* inside.send(a, outside.alive())
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(yield* view(a), ["a alive"])
      assert.strictEqual(yield* counted(a, "packet.rejected:SourceNotAllowed"), 2)
      assert.strictEqual(yield* counted(a, "claim.ignored:AddressNotAllowed"), 1)
      yield* inside.send(a, inside.alive())
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(yield* view(a), ["a alive", "inside alive"])
    })
  )

  clusterTest(
    "keeps members elsewhere out of a push/pull's list, and a known member from moving there",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config })
      const inside = yield* fakePeer("inside", "10.0.0.9")
      yield* inside.ask(a, pushPull(inside.row(), inside.row({ name: "far", addr: address("10.9.0.9") })))
      assert.deepStrictEqual(yield* view(a), ["a alive", "inside alive"])
      yield* inside.send(a, inside.alive({ incarnation: 2, addr: address("10.9.0.9") }))
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(yield* counted(a, "claim.ignored:AddressNotAllowed"), 2)
      assert.strictEqual(yield* counted(a, "member.conflict"), 0)
    })
  )

  clusterTest(
    "sees an IPv4 address also in its IPv4-mapped form",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config })
      const inside = yield* fakePeer("inside", "10.0.0.9")
      yield* inside.send(a, inside.alive({ addr: Uint8Array.of(...MAPPED, 10, 0, 0, 9) }))
      yield* inside.send(a, inside.alive({ node: "far", addr: Uint8Array.of(...MAPPED, 10, 9, 0, 9) }))
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(yield* view(a), ["a alive", "inside alive"])
    })
  )

  clusterTest(
    "does not, as in memberlist, concern accusations, pings, messages and streams",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config })
      const inside = yield* fakePeer("inside", "10.0.0.9")
      const outside = yield* fakePeer("outside", "10.9.0.9")
      yield* introduce(inside, a)
      yield* outside.send(a, outside.ping(1), { _tag: "User", payload: bytes("hello") })
      yield* outside.send(a, { _tag: "Suspect", node: "inside", incarnation: 1, from: "outside" })
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(outside.all("Ack").length, 1)
      assert.deepStrictEqual(a.messages.map(({ payload }) => text(payload)), ["hello"])
      assert.strictEqual(yield* stateOf(a, "inside"), "suspect")
      assert.notStrictEqual(yield* outside.ask(a, pushPull()), "closed")
    })
  )

  const same: ReadonlyArray<readonly [written: string, read: ReadonlyArray<string>]> = [
    ["::ffff:10.0.0.0/104", ["10.0.0.0/8"]],
    ["::ffff:10.1.2.3/128", ["10.1.2.3/32"]],
    ["::ffff:0:0/96", ["0.0.0.0/0"]],
    ["::ffff:a00:0/104", ["10.0.0.0/8"]],
    ["fd00::1/8", ["fd00::/8"]],
    ["::/0", ["::/0"]]
  ]
  for (const [written, read] of same) {
    it.effect(`reads ${written} as ${read.join()}`, () =>
      Effect.gen(function*() {
        const made = yield* MemberlistConfig.make({ name: "a", cidrsAllowed: [written] })
        assert.deepStrictEqual(made.cidrsAllowed, read)
      }))
  }

  clusterTest(
    "lists IPv4 and IPv6 apart: a list of one refuses the other",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: { cidrsAllowed: ["10.0.0.0/8", "fd00::/8"] } })
      const inside = yield* fakePeer("inside", "fd00::9")
      const outside = yield* fakePeer("outside", "2001:db8::9")
      yield* inside.send(a, inside.alive())
      yield* outside.send(a, outside.alive())
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(yield* view(a), ["a alive", "inside alive"])
    })
  )
})

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

describe("cidrsStrict", () => {
  clusterTest(
    "drops every packet from elsewhere unread",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: strict })
      const inside = yield* fakePeer("inside", "10.0.0.9")
      const outside = yield* fakePeer("outside", "10.9.0.9")
      yield* introduce(inside, a)
      yield* outside.send(a, outside.ping(1), { _tag: "User", payload: bytes("hello") })
      yield* outside.send(a, { _tag: "Suspect", node: "inside", incarnation: 1, from: "outside" })
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual([outside.heard, a.messages], [[], []])
      assert.strictEqual(yield* stateOf(a, "inside"), "alive")
      assert.strictEqual(yield* counted(a, "packet.rejected:SourceNotAllowed"), 2)
    })
  )

  clusterTest(
    "closes every stream from elsewhere, so that a node there cannot join",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: strict })
      const outside = yield* start("outside", "10.9.0.9")
      const [refusal] = yield* refusals(outside, a.address)
      // closed while it was still writing, or while it waited for the answer
      assert.include(["ExchangeRejected", "TransportError"], refusal)
      yield* Effect.ignore(passing(outside.cluster.send({ address: a.address }, bytes("hello"), { reliable: true })))
      assert.deepStrictEqual([yield* view(a), a.messages], [["a alive"], []])
      assert.strictEqual(yield* counted(a, "stream.rejected:SourceNotAllowed"), 2)
    })
  )

  clusterTest(
    "answers no ping that wants its answer elsewhere, so that nobody is flooded with our acks",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: strict })
      const inside = yield* fakePeer("inside", "10.0.0.9")
      const victim = yield* fakePeer("victim", "10.9.0.9")
      const elsewhere = { sourceAddr: address(victim.ip), sourcePort: 7946, sourceNode: "victim" }
      const request = { _tag: "IndirectPing", seqNo: 3, port: 7946, nack: true } as const
      yield* inside.send(a, { ...inside.ping(1), ...elsewhere })
      yield* inside.send(a, { ...request, target: address(inside.ip), node: "inside", ...elsewhere })
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual([victim.heard, inside.heard], [[], []])
      assert.strictEqual(yield* counted(a, "packet.rejected:AnswerNotAllowed"), 2)
      yield* inside.send(a, inside.ping(2))
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(inside.all("Ack").map(({ seqNo }) => seqNo), [2])
    })
  )

  clusterTest(
    "probes nobody elsewhere for others",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: strict })
      const inside = yield* fakePeer("inside", "10.0.0.9")
      const victim = yield* fakePeer("victim", "10.9.0.9")
      const { node: _, ...source } = inside.ping(1)
      yield* inside.send(a, {
        ...source,
        _tag: "IndirectPing",
        target: address(victim.ip),
        port: 7946,
        node: "victim",
        nack: false
      })
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(victim.heard, [])
      assert.strictEqual(yield* counted(a, "packet.rejected:TargetNotAllowed"), 1)
    })
  )

  clusterTest(
    "does not disturb a cluster whose members are all inside",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: strict })
      const b = yield* start("b", "10.0.0.2", { config: strict })
      yield* joinAt(b, a.address)
      yield* TestClock.adjust("40 seconds")
      for (const node of [a, b]) assert.deepStrictEqual(yield* view(node), ["a alive", "b alive"])
      assert.strictEqual(yield* counted(a, "probe.failed"), 0)
    })
  )

  it.effect("without cidrsAllowed is told to have no effect", () =>
    Effect.gen(function*() {
      const settings: Settings = { name: "a", cidrsStrict: true }
      const [warning] = MemberlistConfig.warnings(yield* MemberlistConfig.make(settings))
      assert.match(warning ?? "", /cidrsStrict has no effect without cidrsAllowed/)
    }))
})
