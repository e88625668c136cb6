import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { ipBytes } from "../../../src/base/Address.ts"
import type { IndirectPing } from "../../../src/wire/message/Message.ts"
import { clusterTest, start } from "../../support/Cluster.ts"
import { type FakePeer, fakePeer } from "../../support/FakePeer.ts"

const quiet = { gossipInterval: 0, pushPullInterval: 0, probeInterval: 0, probeTimeout: "100 millis" } as const

const request = (asker: FakePeer, target: string, more: Partial<IndirectPing> = {}): IndirectPing => ({
  _tag: "IndirectPing",
  seqNo: 100,
  target: ipBytes(target) ?? new Uint8Array(),
  port: 7946,
  node: "t",
  nack: true,
  sourceAddr: ipBytes(asker.ip) ?? new Uint8Array(),
  sourcePort: asker.port,
  sourceNode: asker.name,
  ...more
})

const answers = (peer: FakePeer) =>
  peer.heard.flatMap(({ message }) => "seqNo" in message ? [`${message._tag} ${message.seqNo}`] : [])

describe("an indirect ping", () => {
  clusterTest(
    "becomes a ping of ours under a number of our own, whose ack is passed on under the asker's number",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const asker = yield* fakePeer("asker", "10.0.0.8")
      const target = yield* fakePeer("t", "10.0.0.9")
      yield* asker.send(node, request(asker, target.ip))
      yield* TestClock.adjust("50 millis")
      const [ping] = target.all("Ping")
      assert.strictEqual(ping?.node, "t")
      assert.strictEqual(ping?.sourceNode, "a")
      assert.notStrictEqual(ping?.seqNo, 100)
      assert.deepStrictEqual(answers(asker), ["Ack 100"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(answers(asker), ["Ack 100"])
    })
  )

  clusterTest(
    "may be about the one who is asked",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const asker = yield* fakePeer("asker", "10.0.0.8")
      yield* asker.send(node, request(asker, node.ip, { node: "a" }))
      yield* TestClock.adjust("50 millis")
      assert.deepStrictEqual(answers(asker), ["Ack 100"])
    })
  )

  clusterTest(
    "of a silent target is answered with a nack when the probe timeout is over, to those who asked for one",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const asker = yield* fakePeer("asker", "10.0.0.8")
      const old = yield* fakePeer("old", "10.0.0.7")
      yield* fakePeer("t", "10.0.0.9", { onMessage: "none" })
      yield* asker.send(node, request(asker, "10.0.0.9"))
      yield* old.send(node, request(old, "10.0.0.9", { nack: false }))
      yield* TestClock.adjust("90 millis")
      assert.deepStrictEqual(answers(asker), [])
      yield* TestClock.adjust("50 millis")
      assert.deepStrictEqual(answers(asker), ["Nack 100"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(answers(old), [])
    })
  )

  clusterTest(
    "with port 0 means our own port, and is answered to where it came from when it names no source",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const asker = yield* fakePeer("asker", "10.0.0.8")
      const target = yield* fakePeer("t", "10.0.0.9")
      yield* asker.send(
        node,
        request(asker, target.ip, { port: 0, sourceAddr: new Uint8Array(), sourcePort: 0, sourceNode: "" })
      )
      yield* TestClock.adjust("50 millis")
      assert.strictEqual(target.all("Ping").length, 1)
      assert.deepStrictEqual(answers(asker), ["Ack 100"])
    })
  )

  clusterTest(
    "of a target without a usable address is refused and counted",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const asker = yield* fakePeer("asker", "10.0.0.8")
      yield* asker.send(node, request(asker, "10.0.0.9", { target: new Uint8Array(3) }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(answers(asker), [])
      assert.strictEqual((yield* node.cluster.counters).get("packet.rejected:InvalidAddress"), 1)
    })
  )
})
