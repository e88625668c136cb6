/**
 * What others say about unknown members is verified before it is believed and passed on (memberlist #312): a whole node,
 * and peers made of bytes, in virtual time.
 */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { MAX_RELAYED } from "../../../src/engine/recovery/Verifier.ts"
import { JoinRejected } from "../../../src/MemberlistError.ts"
import { MAX_OF_SOURCE } from "../../../src/swim/recovery/Hearsay.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import type { Connection } from "../../../src/Transport.ts"
import * as Message from "../../../src/wire/message/Message.ts"
import * as Frame from "../../../src/wire/stream/Frame.ts"
import { clusterTest, joinAt, type NodeOptions, start, startMany, type TestNode, view } from "../../support/Cluster.ts"
import { type FakePeer, fakePeer, introduce, nacking, plainly, readMessage } from "../../support/FakePeer.ts"

/** Nothing but what a test causes happens. */
const quiet = { gossipInterval: "20 millis", pushPullInterval: 0, enableCompression: false } as const

const begin = (options: NodeOptions = {}) =>
  start("a", "10.0.0.1", { ...options, config: { ...quiet, ...options.config } })

const list = (rows: ReadonlyArray<Message.NodeState>, join = false) =>
  Frame.encodePushPull({ join, nodes: rows, userState: new Uint8Array() })

/** `from` begins an exchange, in which its list has these rows. */
const tell = (node: TestNode, from: FakePeer, ...rows: ReadonlyArray<Message.NodeState>) => from.ask(node, list(rows))

/** The names on the node's own list, as it gives it to whoever asks. */
const given = Effect.fnUntraced(function*(node: TestNode, to: FakePeer) {
  const answer = yield* to.ask(node, list([]))
  return answer !== "closed" && answer._tag === "PushPull" ? answer.nodes.map(({ name }) => name).sort() : []
})

const count = (node: TestNode, key: string) =>
  Effect.map(node.cluster.counters, (counters) => counters.get(key as never) ?? 0)

const joined = (node: TestNode, name: string) => node.seen.includes(`MemberJoined ${name}`)

/** Answers pings over TCP alone. */
const onStreamOnly = {
  onMessage: "none",
  onStream: (connection: Connection) =>
    Effect.gen(function*() {
      const message = yield* readMessage(connection, "responder")
      if (message === "closed" || message._tag !== "Ping") return
      const ack: Message.Ack = { _tag: "Ack", seqNo: message.seqNo, payload: null }
      yield* Effect.ignore(connection.write(Frame.frame(Message.encode(ack), plainly)))
    })
} as const

/** Answers each exchange that a node begins with these rows. */
const listing = (rows: () => ReadonlyArray<Message.NodeState>) => (connection: Connection) =>
  Effect.gen(function*() {
    if ((yield* readMessage(connection, "responder")) === "closed") return
    yield* Effect.ignore(connection.write(Frame.frame(list(rows()), plainly)))
  })

describe("a third member that a peer's list names", () => {
  clusterTest(
    "is pinged at once, by its name and with nothing else, and listed when it answers",
    Effect.gen(function*() {
      const node = yield* begin()
      const late = yield* fakePeer("late", "10.0.0.9")
      const third = yield* fakePeer("x", "10.0.0.8")
      // news that would ride on every packet
      yield* introduce(node, late)
      yield* node.cluster.broadcast(Uint8Array.of(1))
      yield* tell(node, late, third.row({ incarnation: 7 }))
      yield* TestClock.adjust("12 millis")
      assert.isTrue(joined(node, "x"))
      const [first] = third.datagrams
      assert.deepStrictEqual(
        third.heard.filter(({ datagram }) => datagram === first).map(({ message }) => message._tag),
        [
          "Ping"
        ]
      )
      assert.strictEqual(third.all("Ping")[0]?.node, "x")
      assert.strictEqual(yield* count(node, "hearsay.confirmed:Answered"), 1)
      yield* TestClock.adjust("1 second")
      // now it is passed on
      assert.deepInclude(late.all("Alive").find(({ node }) => node === "x"), { incarnation: 7 })
    })
  )

  clusterTest(
    "is neither listed nor passed on before, by gossip or to whoever asks for the list",
    Effect.gen(function*() {
      const node = yield* begin()
      const late = yield* fakePeer("late", "10.0.0.9")
      const third = yield* fakePeer("x", "10.0.0.8", { onMessage: "none" })
      yield* introduce(node, late)
      yield* tell(node, late, third.row())
      assert.deepStrictEqual(yield* given(node, late), ["a", "late"])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* given(node, late), ["a", "late"])
      assert.deepStrictEqual(late.all("Alive").filter((alive) => alive.node === "x"), [])
      assert.deepStrictEqual(node.seen.filter((event) => event.endsWith(" x")), [])
      assert.strictEqual(yield* count(node, "claim.ignored:HearsayUnanswered"), 1)
      assert.strictEqual(yield* node.cluster.health, 0)
    })
  )

  clusterTest(
    "is listed when only a helper got through to it",
    Effect.gen(function*() {
      const node = yield* begin()
      const late = yield* fakePeer("late", "10.0.0.9")
      const third = yield* fakePeer("x", "10.0.0.8", { onMessage: "none" })
      const helper = yield* fakePeer("h", "10.0.0.7", {
        onMessage: (peer, message, from) =>
          message._tag === "Ping" || message._tag === "IndirectPing"
            ? peer.send(from, { _tag: "Ack", seqNo: message.seqNo, payload: null })
            : Effect.void
      })
      yield* introduce(node, helper)
      yield* tell(node, late, third.row())
      yield* TestClock.adjust("600 millis")
      assert.isTrue(joined(node, "x"))
      assert.strictEqual(yield* count(node, "hearsay.confirmed:Relayed"), 1)
    })
  )

  clusterTest(
    "is listed when it answers over TCP alone",
    Effect.gen(function*() {
      const node = yield* begin()
      const late = yield* fakePeer("late", "10.0.0.9")
      const third = yield* fakePeer("x", "10.0.0.8", onStreamOnly)
      yield* introduce(node, yield* fakePeer("h", "10.0.0.7", nacking))
      yield* tell(node, late, third.row())
      yield* TestClock.adjust("1100 millis")
      assert.isTrue(joined(node, "x"))
      assert.strictEqual(yield* count(node, "hearsay.confirmed:TcpOnly"), 1)
    })
  )

  clusterTest(
    "is not listed when somebody of another name is there",
    Effect.gen(function*() {
      const node = yield* begin()
      const late = yield* fakePeer("late", "10.0.0.9")
      const other = yield* fakePeer("y", "10.0.0.8")
      yield* tell(node, late, other.row({ name: "x" }))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* view(node), ["a alive"])
    })
  )

  clusterTest(
    "that did not answer is not asked again for a minute, however often it is told of, and then it is",
    Effect.gen(function*() {
      const node = yield* begin()
      const late = yield* fakePeer("late", "10.0.0.9")
      const third = yield* fakePeer("x", "10.0.0.8", { onMessage: "none" })
      for (let i = 0; i < 10; i++) {
        yield* tell(node, late, third.row())
        yield* TestClock.adjust("5 seconds")
      }
      assert.strictEqual(third.all("Ping").length, 1)
      assert.strictEqual(yield* count(node, "claim.ignored:HearsayRefuted"), 9)
      yield* TestClock.adjust("15 seconds")
      yield* tell(node, late, third.row())
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(third.all("Ping").length, 2)
      // a higher incarnation is news
      yield* tell(node, late, third.row({ incarnation: 2 }))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(third.all("Ping").length, 3)
    })
  )

  clusterTest(
    "is listed at once when a second peer says so, although nobody has got an answer so far",
    Effect.gen(function*() {
      const node = yield* begin()
      const late = yield* fakePeer("late", "10.0.0.9")
      const other = yield* fakePeer("other", "10.0.0.7")
      const third = yield* fakePeer("x", "10.0.0.8", { onMessage: "none" })
      yield* tell(node, late, third.row())
      yield* tell(node, late, third.row())
      assert.isFalse(joined(node, "x"))
      yield* tell(node, other, third.row())
      yield* TestClock.adjust("10 millis")
      assert.isTrue(joined(node, "x"))
      assert.strictEqual(yield* count(node, "hearsay.confirmed:SecondSource"), 1)
    })
  )

  clusterTest(
    "is listed at once when gossip says so",
    Effect.gen(function*() {
      const node = yield* begin()
      const late = yield* fakePeer("late", "10.0.0.9")
      const third = yield* fakePeer("x", "10.0.0.8", { onMessage: "none" })
      yield* tell(node, late, third.row())
      yield* late.send(node, third.alive())
      yield* TestClock.adjust("10 millis")
      assert.isTrue(joined(node, "x"))
      // its probe is over without an answer, which is no news of a member
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* count(node, "claim.ignored:HearsayUnanswered"), 0)
    })
  )

  clusterTest(
    "that says goodbye while it is asked is not listed, although it still answers",
    Effect.gen(function*() {
      const node = yield* begin()
      const late = yield* fakePeer("late", "10.0.0.9")
      const third = yield* fakePeer("x", "10.0.0.8", {
        onMessage: (peer, message, from) =>
          message._tag === "Ping"
            ? peer.send(from, { _tag: "Dead", incarnation: 1, node: "x", from: "x" }).pipe(
              Effect.andThen(Effect.sleep("50 millis")),
              Effect.andThen(peer.send(from, { _tag: "Ack", seqNo: message.seqNo, payload: null }))
            )
            : Effect.void
      })
      yield* tell(node, late, third.row())
      yield* TestClock.adjust("5 seconds")
      yield* tell(node, late, third.row())
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* view(node), ["a alive"])
      assert.strictEqual(third.all("Ping").length, 1)
    })
  )

  clusterTest(
    "is verified in a periodic exchange that we began, and the peer's row about itself is not",
    Effect.gen(function*() {
      const peer: FakePeer = yield* fakePeer("p", "10.0.0.9", {
        onStream: (connection) => listing(() => [peer.row({ name: "q" }), third.row(), dead.row()])(connection)
      })
      const third = yield* fakePeer("x", "10.0.0.8")
      const dead = yield* fakePeer("y", "10.0.0.7", { onMessage: "none" })
      const node = yield* begin({ config: { pushPullInterval: "2 seconds", probeInterval: "2 seconds" } })
      yield* introduce(node, peer)
      yield* TestClock.adjust("4100 millis")
      // the address we asked has another name today, which we learn from itself
      assert.deepStrictEqual((yield* view(node)).filter((line) => line !== "p suspect" && line !== "p alive"), [
        "a alive",
        "q alive",
        "x alive"
      ])
      assert.strictEqual(yield* count(node, "hearsay.confirmed:Answered"), 1)
    })
  )
})

describe("first-hand news is believed at once:", () => {
  clusterTest(
    "a peer's row about itself, told by where its stream comes from",
    Effect.gen(function*() {
      const node = yield* begin({ config: { probeInterval: "1 hour" } })
      const peer = yield* fakePeer("p", "10.0.0.9", { onMessage: "none" })
      yield* tell(node, peer, peer.row({ port: 4321 }))
      yield* TestClock.adjust("10 millis")
      assert.deepStrictEqual(yield* view(node), ["a alive", "p alive"])
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(peer.all("Ping"), [])
    })
  )

  clusterTest(
    "but not where several rows have that IP, which costs each of them a ping",
    Effect.gen(function*() {
      const node = yield* begin()
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* tell(node, peer, peer.row(), peer.row({ name: "q" }))
      yield* TestClock.adjust("12 millis")
      assert.deepStrictEqual(yield* view(node), ["a alive", "p alive"])
      assert.deepStrictEqual(peer.all("Ping").map((ping) => ping.node).slice(0, 2).sort(), ["p", "q"])
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* view(node), ["a alive", "p alive"])
    })
  )

  clusterTest(
    "everything that our own join brings",
    Effect.gen(function*() {
      const rows = () => [seed.row(), third.row()]
      const seed: FakePeer = yield* fakePeer("s", "10.0.0.9", {
        onStream: (connection) => listing(rows)(connection)
      })
      const third = yield* fakePeer("x", "10.0.0.8", { onMessage: "none" })
      const node = yield* begin()
      yield* joinAt(node, seed.ip)
      assert.includeMembers([...node.seen], ["MemberJoined s", "MemberJoined x"])
      assert.strictEqual(yield* count(node, "hearsay.confirmed:Answered"), 0)
    })
  )

  clusterTest(
    "an alive that gossip brings",
    Effect.gen(function*() {
      const node = yield* begin()
      const peer = yield* fakePeer("p", "10.0.0.9")
      const third = yield* fakePeer("x", "10.0.0.8", { onMessage: "none" })
      yield* peer.send(node, third.alive())
      yield* TestClock.adjust("6 millis")
      assert.isTrue(joined(node, "x"))
    })
  )
})

describe("hearsay is believed at once", () => {
  const cases: Readonly<Record<string, NodeOptions["config"]>> = {
    "without recovery": { recovery: false },
    "with the paper's profile": { profile: "paper" },
    "by a node that does not probe": { probeInterval: 0 }
  }
  for (const [name, config = {}] of Object.entries(cases)) {
    clusterTest(
      name,
      Effect.gen(function*() {
        const node = yield* begin({ config })
        const late = yield* fakePeer("late", "10.0.0.9")
        const third = yield* fakePeer("x", "10.0.0.8", { onMessage: "none" })
        yield* tell(node, late, third.row())
        yield* TestClock.adjust("1 millis")
        assert.isTrue(joined(node, "x"))
        assert.strictEqual(yield* count(node, "hearsay.confirmed:Answered"), 0)
      })
    )
  }
})

describe("the delegate", () => {
  clusterTest(
    "is asked once about each row of each list, before anything is sent to whoever it is about",
    Effect.gen(function*() {
      const admits: Array<string> = []
      const merges: Array<ReadonlyArray<string>> = []
      const node = yield* begin({
        delegate: {
          admit: (member) =>
            Effect.suspend(() => {
              admits.push(member.name)
              return member.name === "no" ? Effect.fail(new JoinRejected({ reason: "no" })) : Effect.void
            }),
          merge: (members) => Effect.sync(() => void merges.push(members.map(({ name }) => name)))
        }
      })
      const late = yield* fakePeer("late", "10.0.0.9")
      const third = yield* fakePeer("x", "10.0.0.8")
      const vetoed = yield* fakePeer("no", "10.0.0.7")
      admits.length = 0
      yield* late.ask(node, list([late.row(), third.row(), vetoed.row()], true))
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(admits, ["late", "x", "no"])
      assert.deepStrictEqual(merges, [["late", "x", "no"]])
      assert.deepStrictEqual(yield* view(node), ["a alive", "late alive", "x alive"])
      assert.deepStrictEqual(vetoed.all("Ping"), [])
    })
  )
})

describe("a flood of made-up rows", () => {
  const FLOOD = 10_000

  clusterTest(
    "costs a bounded number of probes, of a packet and a stream each, and lists nobody",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const [a, b, c] = yield* startMany(3)
      if (a === undefined || b === undefined || c === undefined) return assert.fail("three nodes")
      const liar = yield* fakePeer("liar", "10.0.0.9", { onMessage: "none" })
      const before = yield* network.traffic(a.ip)
      const helped = yield* network.traffic(b.ip)
      const rows = Array.from(
        { length: FLOOD },
        (_, i) => liar.row({ name: `n${i}`, addr: Uint8Array.of(10, 9, i >> 8, i & 255) })
      )
      yield* tell(a, liar, ...rows)
      const seconds = 60
      yield* TestClock.adjust(seconds * 1_000)
      const after = yield* network.traffic(a.ip)
      const dropped = yield* count(a, "claim.ignored:HearsayTooMuch")
      assert.strictEqual(dropped, FLOOD - MAX_OF_SOURCE)
      const probed = yield* count(a, "claim.ignored:HearsayUnanswered")
      assert.isAtMost(probed, MAX_OF_SOURCE)
      assert.isAtMost(after.streamsOpened - before.streamsOpened, MAX_OF_SOURCE + seconds)
      // one ping of its own for each; the rest is what a member always sends
      const usual = 5 * seconds
      assert.isAtMost(after.packetsSent - before.packetsSent, MAX_OF_SOURCE + 3 * MAX_RELAYED + usual)
      assert.isBelow(after.bytesSent - before.bytesSent, list(rows).length / 2)
      // others are not asked for help with hundreds, so that they have places left for probes of members
      assert.isAtMost((yield* network.traffic(b.ip)).packetsSent - helped.packetsSent, usual)
      assert.strictEqual(yield* count(b, "packet.rejected:TooManyRelays"), 0)
      for (const node of [a, b, c]) assert.strictEqual((yield* node.cluster.members).length, 3)
      assert.strictEqual(yield* count(a, "hearsay.confirmed:Answered"), 0)
    })
  )

  clusterTest(
    "does not hold up what others tell of",
    Effect.gen(function*() {
      const node = yield* begin()
      const liar = yield* fakePeer("liar", "10.0.0.9", { onMessage: "none" })
      const honest = yield* fakePeer("honest", "10.0.0.8")
      const third = yield* fakePeer("x", "10.0.0.7")
      const rows = Array.from(
        { length: FLOOD },
        (_, i) => liar.row({ name: `n${i}`, addr: Uint8Array.of(10, 9, 1, 1) })
      )
      yield* tell(node, liar, ...rows)
      yield* TestClock.adjust("10 millis")
      yield* tell(node, honest, third.row())
      yield* TestClock.adjust("1100 millis")
      assert.isTrue(joined(node, "x"))
    })
  )

  clusterTest(
    "uses up no news: what waits to be told reaches the members",
    Effect.gen(function*() {
      const node = yield* begin({ config: { gossipInterval: "1 second" } })
      const liar = yield* fakePeer("liar", "10.0.0.9", { onMessage: "none" })
      const member = yield* fakePeer("m", "10.0.0.8")
      yield* introduce(node, member)
      yield* TestClock.adjust("20 seconds")
      const rows = Array.from({ length: 500 }, (_, i) => liar.row({ name: `n${i}`, addr: liar.row().addr }))
      yield* tell(node, liar, ...rows)
      liar.forget()
      member.forget()
      yield* node.cluster.updateMeta(Uint8Array.of(7))
      yield* TestClock.adjust("5 seconds")
      assert.isAbove(liar.all("Ping").length, 60)
      assert.deepStrictEqual(liar.all("Alive"), [])
      assert.isAbove(member.all("Alive").filter(({ meta }) => meta?.[0] === 7).length, 0)
    })
  )
})

describe("a node that is released", () => {
  for (const millis of [0, 3, 7, 300, 700, 1_000, 1_500]) {
    clusterTest(
      `${millis} ms after it was told of a hundred unknown members sends nothing to them any more`,
      Effect.gen(function*() {
        const node = yield* begin()
        const late = yield* fakePeer("late", "10.0.0.9")
        const third = yield* fakePeer("x", "10.0.0.8", { onMessage: "none" })
        const rows = Array.from({ length: 100 }, (_, i) => third.row({ name: `n${i}` }))
        yield* tell(node, late, ...rows)
        yield* TestClock.adjust(millis)
        yield* node.stop
        yield* TestClock.adjust("10 millis")
        third.forget()
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(third.heard, [])
      })
    )
  }

  clusterTest(
    "or that left, goes on in the same way until its layer is released",
    Effect.gen(function*() {
      const node = yield* begin()
      const late = yield* fakePeer("late", "10.0.0.9")
      const third = yield* fakePeer("x", "10.0.0.8")
      const dead = yield* fakePeer("y", "10.0.0.7", { onMessage: "none" })
      yield* Effect.forkChild(node.cluster.leave(), { startImmediately: true })
      yield* TestClock.adjust("10 seconds")
      yield* tell(node, late, third.row(), dead.row())
      yield* TestClock.adjust("5 seconds")
      assert.isTrue(joined(node, "x"))
      assert.isFalse(joined(node, "y"))
    })
  )
})

describe("a peer that begins an exchange and ends its stream at once", () => {
  clusterTest(
    "leaves nothing behind that nobody verifies",
    Effect.gen(function*() {
      const node = yield* begin()
      const late = yield* fakePeer("late", "10.0.0.9")
      const third = yield* fakePeer("x", "10.0.0.8")
      for (let millis = 0; millis < 20; millis++) {
        yield* Effect.scoped(Effect.gen(function*() {
          const connection = yield* Effect.forkChild(late.dial(node), { startImmediately: true })
          yield* TestClock.adjust("20 millis")
          const open = connection.pollUnsafe()
          if (open?._tag !== "Success") return
          yield* Effect.ignore(open.value.write(list([third.row({ name: `x${millis}` })])))
          yield* TestClock.adjust(millis)
        }))
      }
      yield* TestClock.adjust("5 seconds")
      const kept = yield* Effect.map(
        node.cluster.counters,
        (counters) => counters.get("claim.ignored:HearsayUnanswered") ?? 0
      )
      assert.isAbove(kept, 0)
      assert.strictEqual(kept, new Set(third.all("Ping").map((ping) => ping.node)).size)
    })
  )
})
