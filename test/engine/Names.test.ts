import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import * as Message from "../../src/wire/message/Message.ts"
import * as Frame from "../../src/wire/stream/Frame.ts"
import { clusterTest, joinAt, passing, start, stateOf, type TestNode, view } from "../support/Cluster.ts"
import { type FakePeer, fakePeer, introduce, readMessage } from "../support/FakePeer.ts"

/** No traffic but what a test causes. */
const quiet = { gossipInterval: 0, pushPullInterval: 0, probeInterval: 0, enableCompression: false } as const

/** Three that are not UTF-8, as they are written here: another encoding's é, a sequence cut short, a surrogate. */
const NOT_UTF8 = ["caf#", "ab!", "$$$x"]

/** Puts bytes that are not UTF-8 where a message has the characters that stand for them. */
const strange = (message: Uint8Array): Uint8Array => {
  const text = Buffer.from(message).toString("latin1")
  return Buffer.from(text.replaceAll("#", "\xe9").replaceAll("!", "\xc3").replaceAll("$$$", "\xed\xa0\x80"), "latin1")
}

const LONG = "n".repeat(3_000)

const NAMES: ReadonlyArray<readonly [string, string]> = [
  ...NOT_UTF8.map((name) => [`not UTF-8 (${name})`, name] as const),
  ["3,000 characters long", LONG]
]

const soon = TestClock.adjust("50 millis")

const counter = (node: TestNode, name: string) =>
  Effect.map(node.cluster.counters, (counters) => new Map<string, number>(counters).get(name) ?? 0)

const acks = (peer: FakePeer) => peer.all("Ack").map(({ seqNo }) => seqNo)

/** A list that has `name` in every state, and others alive. */
const list = (peer: FakePeer, name: string, others: ReadonlyArray<string>, join: boolean) =>
  strange(Frame.encodePushPull({
    join,
    nodes: [
      ...[0, 1, 2, 3].map((state) => peer.row({ name, state })),
      ...others.map((other, i) => peer.row({ name: other, port: 9_000 + i }))
    ],
    userState: new Uint8Array()
  }))

for (const [what, name] of NAMES) {
  describe(`a name that is ${what}`, () => {
    clusterTest(
      "costs only its own row of a list that a peer sends",
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: quiet })
        const peer = yield* fakePeer("p", "10.0.0.9")
        for (const join of [false, true]) {
          const answer = yield* peer.ask(node, list(peer, name, ["good", "fine"], join))
          assert.strictEqual(answer === "closed" ? answer : answer._tag, "PushPull")
        }
        yield* soon
        assert.sameMembers((yield* node.cluster.members).map((member) => member.name), ["a", "good", "fine"])
        assert.strictEqual(yield* counter(node, `claim.ignored:${name === LONG ? "NameTooLong" : "NameInvalid"}`), 8)
      })
    )

    clusterTest(
      "costs only its own row of a list that we join",
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: quiet })
        const peer: FakePeer = yield* fakePeer("p", "10.0.0.9", {
          onStream: (connection) =>
            Effect.gen(function*() {
              yield* readMessage(connection, "responder")
              yield* connection.write(list(peer, name, ["good"], true))
            }).pipe(Effect.ignore)
        })
        const report = yield* joinAt(node, "10.0.0.9:7946")
        assert.strictEqual(report.contacted.length, 1)
        assert.sameMembers((yield* node.cluster.members).map((member) => member.name), ["a", "good"])
      })
    )

    clusterTest(
      "is answered when it pings, over UDP and TCP, and when it asks to ping somebody whatever that one is called",
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: quiet })
        const peer = yield* fakePeer("p", "10.0.0.9")
        const target = yield* fakePeer("t", "10.0.0.8", {
          onMessage: (peer, message, from) =>
            message._tag === "Ping"
              ? peer.send(from, { _tag: "Ack", seqNo: message.seqNo, payload: null })
              : Effect.void
        })
        const ping = (seqNo: number, node = ""): Message.Ping => ({ ...peer.ping(seqNo, node), sourceNode: name })
        yield* peer.sendBytes(node, strange(Message.encode(ping(1))))
        yield* peer.sendBytes(node, strange(Message.encode(ping(2, "a"))))
        yield* peer.sendBytes(
          node,
          strange(Message.encode({
            ...ping(3, name),
            _tag: "IndirectPing",
            target: Uint8Array.of(10, 0, 0, 8),
            port: 7946,
            nack: true
          }))
        )
        yield* soon
        assert.sameMembers(acks(peer), [1, 2, 3])
        const heard = target.datagrams.map((datagram) => Buffer.from(datagram).toString("latin1"))
        // the one that is asked for gets its name byte for byte
        assert.isTrue(heard.some((text) => text.includes(Buffer.from(strange(Buffer.from(name))).toString("latin1"))))
        const answer = yield* peer.ask(node, strange(Message.encode(ping(4))))
        assert.deepStrictEqual(answer, { _tag: "Ack", seqNo: 4, payload: null })
      })
    )

    clusterTest(
      "counts when it accuses: the suspected is suspect, the dead is dead, and we contradict",
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: quiet })
        const [b, c] = [yield* fakePeer("b", "10.0.0.8", { onMessage: "none" }), yield* fakePeer("c", "10.0.0.7")]
        yield* introduce(node, b, c)
        const accuse = (_tag: "Suspect" | "Dead", about: string) =>
          c.sendBytes(node, strange(Message.encode({ _tag, node: about, from: name, incarnation: 1 })))
        yield* accuse("Suspect", "b")
        yield* accuse("Dead", "c")
        yield* accuse("Suspect", "a")
        yield* soon
        assert.strictEqual(yield* stateOf(node, "b"), "suspect")
        assert.strictEqual(yield* stateOf(node, "c"), "dead")
        assert.deepInclude(node.seen, "MemberFailed c")
        assert.strictEqual((yield* node.cluster.localMember).incarnation, 2)
      })
    )

    clusterTest(
      "is no member when it announces itself, nor anybody to accuse, and the rest of its packet is served",
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: quiet })
        const peer = yield* fakePeer("p", "10.0.0.9")
        const parts: ReadonlyArray<Message.PacketMessage> = [
          peer.alive({ node: name }),
          { _tag: "Suspect", node: name, from: "p", incarnation: 1 },
          { _tag: "Dead", node: name, from: name, incarnation: 1 },
          peer.alive(),
          peer.ping(7)
        ]
        for (const [i, part] of parts.entries()) if (i < 3) yield* peer.sendBytes(node, strange(Message.encode(part)))
        const compound = Buffer.concat(parts.map((part) => strange(Message.encode(part))))
        yield* peer.sendBytes(node, Buffer.concat([head(parts), compound]))
        yield* soon
        assert.deepStrictEqual(yield* view(node), ["a alive", "p alive"])
        assert.deepStrictEqual(acks(peer), [7])
        assert.strictEqual(yield* counter(node, `claim.ignored:${name === LONG ? "NameTooLong" : "NameInvalid"}`), 6)
      })
    )
  })
}

/** What stands before the parts of a compound message. */
const head = (parts: ReadonlyArray<Message.PacketMessage>): Uint8Array => {
  const sizes = parts.map((part) => strange(Message.encode(part)).length)
  return Uint8Array.of(7, sizes.length, ...sizes.flatMap((size) => [size >>> 8, size & 0xff]))
}

describe("an accusation by a name that is not UTF-8", () => {
  const gossiping = { ...quiet, gossipInterval: "100 millis", gossipNodes: 5 } as const

  clusterTest(
    "is gossiped on byte for byte, and another such name confirms it while the same one does not",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: gossiping })
      const peers = yield* Effect.forEach(
        [2, 3, 4, 5, 6],
        (i) => fakePeer(`p${i}`, `10.0.0.${i}`, { onMessage: "none" })
      )
      yield* introduce(node, ...peers)
      yield* passing(Effect.sleep("3 seconds"))
      const [sender, other] = peers as [FakePeer, FakePeer]
      const accusation = (from: string) =>
        strange(Message.encode({ _tag: "Suspect", node: "p6", from, incarnation: 1 }))
      for (const [from, isNews] of [["caf#", true], ["caf#", false], ["caf!", true]] as const) {
        other.forget()
        yield* sender.sendBytes(node, accusation(from))
        yield* TestClock.adjust("2 seconds")
        const passedOn = other.datagrams.filter((datagram) =>
          Buffer.from(datagram).includes(Buffer.from(accusation(from)))
        )
        assert.strictEqual(passedOn.length > 0, isNews, from)
      }
    })
  )
})
