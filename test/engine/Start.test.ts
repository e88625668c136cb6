import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"
import { Keyring } from "../../src/Keyring.ts"
import * as Encryption from "../../src/wire/Encryption.ts"
import * as Message from "../../src/wire/message/Message.ts"
import { clusterTest, start, startMany, view } from "../support/Cluster.ts"
import { fakePeer } from "../support/FakePeer.ts"

const quiet = { gossipInterval: 0, pushPullInterval: 0, probeInterval: 0, enableCompression: false } as const
const bytes = (text: string) => new TextEncoder().encode(text)
const KEY = bytes("0123456789abcdef")
const OTHER = bytes("fedcba9876543210")

/** Whether the node takes a plain ping for its business. */
const takesPlaintext = Effect.fnUntraced(function*(node: { readonly ip: string }) {
  const peer = yield* fakePeer("p", "10.0.0.9")
  yield* peer.send(node, peer.ping(1))
  yield* TestClock.adjust("50 millis")
  return peer.all("Ack").length === 1
})

describe("a started node", () => {
  clusterTest(
    "is its cluster's only member, alive, with the versions and the metadata it was given",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", {
        config: {
          protocolVersion: 1,
          delegateProtocolVersion: 13,
          delegateProtocolMin: 12,
          delegateProtocolMax: 24,
          meta: bytes("web")
        }
      })
      assert.deepStrictEqual(yield* view(node), ["a alive"])
      const us = yield* node.cluster.localMember
      assert.deepStrictEqual(
        { ...us.versions },
        { min: 1, max: 5, current: 1, delegateMin: 12, delegateMax: 24, delegateCurrent: 13 }
      )
      assert.strictEqual(us.metaText, "web")
      assert.strictEqual(us.incarnation, 1)
      assert.strictEqual(us.address, "10.0.0.1:7946")
    })
  )

  clusterTest(
    "shows its metadata to whoever joins, and theirs to it",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: { meta: bytes("web") } })
      const b = yield* start("b", "10.0.0.2", { config: { meta: bytes("lb") } })
      yield* Effect.forkChild(b.cluster.join([a.address]))
      yield* TestClock.adjust("2 seconds")
      for (const node of [a, b]) {
        const metas = (yield* node.cluster.members).map(({ metaText, name }) => `${name} ${metaText}`)
        assert.sameMembers(metas, ["a web", "b lb"])
      }
    })
  )

  clusterTest(
    "encrypts with a ring that was given, without a secret key in the configuration",
    Effect.gen(function*() {
      const keyring = yield* Effect.orDie(Keyring.make({ primary: KEY }))
      const node = yield* start("a", "10.0.0.1", { config: quiet, keyring })
      assert.isFalse(yield* takesPlaintext(node))
      assert.strictEqual((yield* node.cluster.counters).get("packet.rejected:Undecryptable"), 1)
    })
  )

  clusterTest(
    "makes a secret key the primary of the ring that was given",
    Effect.gen(function*() {
      const keyring = yield* Effect.orDie(Keyring.make({ primary: KEY }))
      const node = yield* start("a", "10.0.0.1", { config: { ...quiet, secretKey: Redacted.make(OTHER) }, keyring })
      assert.deepStrictEqual(yield* node.cluster.keyring.keys, [OTHER, KEY])
    })
  )

  clusterTest(
    "does not encrypt with an empty secret key",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: { ...quiet, secretKey: Redacted.make(new Uint8Array()) } })
      assert.isTrue(yield* takesPlaintext(node))
      assert.deepStrictEqual(yield* node.cluster.keyring.keys, [])
    })
  )

  clusterTest(
    "seals with the old cipher form when it speaks protocol version 1",
    Effect.gen(function*() {
      for (const [version, ip] of [[1, "10.0.0.1"], [2, "10.0.0.2"]] as const) {
        const node = yield* start(`v${version}`, ip, {
          config: { ...quiet, protocolVersion: version, secretKey: Redacted.make(KEY) }
        })
        const peer = yield* fakePeer(`p${version}`, `10.0.1.${version}`, {
          inbound: { keys: [KEY], verifyIncoming: true }
        })
        const seal: Encryption.Seal = { key: KEY, version: 1, nonce: new Uint8Array(12) }
        yield* peer.sendBytes(node, Encryption.encrypt(Message.encode(peer.ping(1)), seal, new Uint8Array()))
        yield* TestClock.adjust("50 millis")
        assert.strictEqual(peer.all("Ack").length, 1)
        assert.strictEqual(peer.datagrams[0]?.[0], version - 1)
      }
    })
  )
})

describe("members", () => {
  clusterTest(
    "are snapshots: what a program does to one changes nothing",
    Effect.gen(function*() {
      const [a] = yield* startMany(2)
      const [first] = yield* a!.cluster.members
      const list = (yield* a!.cluster.members) as Array<unknown>
      list.length = 0
      assert.strictEqual((yield* a!.cluster.members).length, 2)
      assert.strictEqual((yield* a!.cluster.members).find(({ name }) => name === first?.name)?.state, "alive")
    })
  )
})
