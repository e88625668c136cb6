import { assert, describe } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"
import { type ObservedNode, Observer } from "../../src/engine/StepObserver.ts"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import { type Connection, Transport } from "../../src/Transport.ts"
import * as Compression from "../../src/wire/Compression.ts"
import * as Message from "../../src/wire/message/Message.ts"
import * as Frame from "../../src/wire/stream/Frame.ts"
import { clusterTest, type NodeOptions, passing, start, type TestNode } from "../support/Cluster.ts"
import { fakePeer, readMessage } from "../support/FakePeer.ts"
import { bytes, counted } from "../support/Fields.ts"

const MIB = 1_048_576
const KEY = bytes("0123456789abcdef")
const none = new Uint8Array()
const quiet = {
  gossipInterval: 0,
  pushPullInterval: 0,
  probeInterval: 0,
  leaveTimeout: 0,
  enableCompression: false
} as const

/** A node, and its own state beside it: what a test may look at and the application may not. */
const observed = Effect.fnUntraced(function*(options: NodeOptions) {
  let seen: ObservedNode | undefined
  const node = yield* start("a", "10.0.0.1", options).pipe(
    Effect.provideService(Observer, ({ node }) => {
      seen = node
    })
  )
  if (seen === undefined) return yield* Effect.die("a node that does not announce itself")
  const { places } = seen
  const ledger = () => ({ streams: places.taken(), bytes: places.bytes(), exchanges: places.exchanges() })
  return { node, ledger }
})

const empty = { streams: 0, bytes: 0, exchanges: 0 }

/** Opens streams from one address, which stay open while the test runs; a port of its own makes it a stranger. */
const stranger = Effect.fnUntraced(function*(ip: string) {
  const transport = Context.get(yield* Layer.build(SimulatedNetwork.transport(ip, 7_000)), Transport)
  const dial = (to: TestNode) =>
    Effect.orDie(transport.open({ ip: to.ip, port: 7_946 }, { timeout: Duration.seconds(10) }))
  /** Opens a stream for each message, all at once; writes as far as the node lets it, and never reads. */
  const send = Effect.fnUntraced(function*(to: TestNode, ...messages: ReadonlyArray<Uint8Array>) {
    const connections: ReadonlyArray<Connection> = yield* passing(
      Effect.forEach(messages, () => dial(to), { concurrency: "unbounded" })
    )
    for (const [i, connection] of connections.entries()) {
      yield* Effect.forkScoped(Effect.ignore(connection.write(messages[i] ?? none)), { startImmediately: true })
    }
    yield* TestClock.adjust("10 millis")
  })
  return { dial, send }
})

/** Not empty: a request without anything is only asked before a join, and no hook is. */
const request = Frame.encodePushPull({ join: false, nodes: [], userState: Uint8Array.of(0) })

const sealed = (message: Uint8Array) =>
  Frame.frame(message, {
    compress: false,
    label: none,
    encryption: { key: KEY, version: 1, nonce: new Uint8Array(12).fill(7) }
  })

/** 20 push/pulls, one after the other; how many were answered within a second. */
const honest = Effect.fnUntraced(function*(ip: string, node: TestNode, key?: Uint8Array) {
  const peer = yield* fakePeer("p", ip, key === undefined ? {} : { inbound: { keys: [key] } })
  const bytes = key === undefined ? request : sealed(request)
  let answered = 0
  for (let i = 0; i < 20; i++) {
    const [took, answer] = yield* Effect.timed(peer.ask(node, bytes))
    if (answer !== "closed" && answer._tag === "PushPull" && Duration.toMillis(took) < 1_000) answered++
  }
  return answered
})

describe("maxInboundStreams", () => {
  for (
    const [who, ip] of [
      ["members elsewhere", "10.0.0.9"],
      ["members behind the same address", "10.0.0.66"]
    ] as const
  ) {
    clusterTest(
      `of 64, taken by 300 slow streams that come again and again, keep no push/pull out of ${who}`,
      Effect.gen(function*() {
        const { ledger, node } = yield* observed({ config: { ...quiet, maxInboundStreams: 64 } })
        const attacker = yield* stranger("10.0.0.66")
        yield* attacker.send(node, ...Array.from({ length: 300 }, () => Uint8Array.of(Message.MessageType.PushPull)))
        assert.strictEqual(ledger().streams, 64)
        // 50 more in every second
        yield* Effect.forkScoped(Effect.forever(Effect.gen(function*() {
          yield* Effect.sleep("20 millis")
          const connection = yield* attacker.dial(node)
          yield* Effect.ignore(connection.write(Uint8Array.of(Message.MessageType.PushPull)))
        })))
        assert.strictEqual(yield* honest(ip, node), 20)
        assert.isAbove(yield* counted(node, "stream.evicted:PlaceNeeded"), 236)
        assert.isAtMost(ledger().streams, 64)
      })
    )
  }

  clusterTest(
    "is counted by what is being served: what ends, how ever it ends, leaves nothing behind",
    Effect.gen(function*() {
      const { ledger, node } = yield* observed({ config: { ...quiet, maxInboundStreams: 8 } })
      const attacker = yield* stranger("10.0.0.66")
      const whole = Frame.encodePushPull({ join: false, nodes: [], userState: new Uint8Array(2_000) })
      // each ends at another point: before a byte, inside the request, while it is answered, behind that
      yield* attacker.send(node, ...Array.from({ length: 21 }, (_, i) => whole.subarray(0, 100 * i)))
      assert.strictEqual(ledger().streams, 8)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(ledger(), empty)
      yield* attacker.send(node, ...Array.from({ length: 5 }, () => whole.subarray(0, 1_500)))
      assert.strictEqual(ledger().streams, 5)
      assert.isAbove(ledger().bytes, 0)
      yield* passing(node.stop)
      assert.deepStrictEqual(ledger(), empty)
    })
  )
})

describe("maxInboundBytes", () => {
  const limit = 4 * MIB
  const config = { ...quiet, maxInboundBytes: limit }

  clusterTest(
    "bound what sealed frames hold before they can be opened, and members get through",
    Effect.gen(function*() {
      const { ledger, node } = yield* observed({ config: { ...config, secretKey: Redacted.make(KEY) } })
      const attacker = yield* stranger("10.0.0.9")
      const frame = new Uint8Array(MIB + 5)
      // announces 16 MiB
      frame.set([Message.MessageType.Encrypt, 1, 0, 0, 0])
      for (let i = 0; i < 5; i++) {
        yield* attacker.send(node, frame, frame, frame, frame)
        assert.isAtMost(ledger().bytes, limit)
      }
      assert.isAbove(ledger().bytes, MIB)
      assert.isAbove(yield* counted(node, "stream.evicted:BytesNeeded"), 5)
      assert.strictEqual(yield* honest("10.0.0.9", node, KEY), 20)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(ledger(), empty)
    })
  )

  clusterTest(
    "bound what small messages decompress to while they are served, and members get through",
    Effect.gen(function*() {
      const { ledger, node } = yield* observed({
        config,
        // as long as somebody waits, the request is held
        delegate: { localState: () => Effect.as(Effect.sleep("300 millis"), none) }
      })
      const attacker = yield* stranger("10.0.0.9")
      const bomb = Compression.wrap(
        Frame.encodePushPull({ join: false, nodes: [], userState: new Uint8Array(1.5 * MIB) })
      )
      assert.isBelow(bomb.length, 30_000)
      yield* attacker.send(node, ...Array.from({ length: 10 }, () => bomb))
      // what is being decompressed counts as well, so that the last two need not fit beside each other
      const { bytes, exchanges } = ledger()
      assert.isTrue(exchanges === 1 || exchanges === 2)
      assert.isAtMost(bytes, limit)
      assert.strictEqual(yield* counted(node, "stream.evicted:BytesNeeded"), 10 - exchanges)
      assert.strictEqual(yield* honest("10.0.0.9", node), 20)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(ledger(), empty)
    })
  )

  clusterTest(
    "bound the rows of a list that does not end",
    Effect.gen(function*() {
      const { ledger, node } = yield* observed({ config })
      const attacker = yield* stranger("10.0.0.9")
      const row = { name: "", addr: none, port: 0, meta: none, incarnation: 0, state: 0, vsn: none }
      const list = Frame.encodePushPull({
        join: false,
        nodes: Array.from({ length: 5_000 }, () => row),
        userState: none
      })
      assert.isBelow(list.length, MIB)
      yield* attacker.send(node, ...Array.from({ length: 4 }, () => list.subarray(0, list.length - 1)))
      assert.isAtMost(ledger().bytes, limit)
      assert.strictEqual(yield* counted(node, "stream.evicted:BytesNeeded"), 3)
    })
  )

  clusterTest(
    "bound the answers that peers do not read, which keep neither places nor push/pulls from members",
    Effect.gen(function*() {
      let encoded = 0
      const { ledger, node } = yield* observed({
        config: { ...config, maxPushPulls: 16 },
        delegate: {
          localState: () =>
            Effect.sync(() => {
              encoded++
              return new Uint8Array(0.5 * MIB)
            })
        }
      })
      const attacker = yield* stranger("10.0.0.9")
      for (let i = 0; i < 10; i++) {
        yield* attacker.send(node, request, request, request)
        assert.isAtMost(ledger().bytes, limit)
      }
      assert.isAbove(ledger().bytes, MIB)
      assert.strictEqual(encoded, 30)
      assert.strictEqual(yield* honest("10.0.0.9", node), 20)
      assert.isAtMost(ledger().bytes, limit)
      // who waited for room got it from those who did not read
      assert.isAtLeast(yield* counted(node, "stream.evicted:BytesNeeded"), 5)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(ledger(), empty)
    }),
    { streamWindow: 65_536 }
  )

  clusterTest(
    "are enough for members that join all at once and read what they asked for, whatever they get in all",
    Effect.gen(function*() {
      const { ledger, node } = yield* observed({ config: { ...config, maxInboundBytes: 8 * MIB } })
      const first = yield* fakePeer("p", "10.0.0.200")
      const nodes = Array.from({ length: 3_000 }, (_, i) => first.row({ name: `n${i}`, meta: new Uint8Array(400) }))
      yield* first.ask(node, Frame.encodePushPull({ join: true, nodes, userState: none }))
      yield* TestClock.adjust("1 second")
      const joiners = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, i) => `10.0.1.${i}`),
        (ip) => fakePeer(ip, ip)
      )
      const answers = yield* passing(Effect.forEach(
        joiners,
        Effect.fnUntraced(function*(joiner) {
          const connection = yield* joiner.dial(node)
          const list = Frame.encodePushPull({ join: true, nodes: [joiner.row()], userState: none })
          yield* Effect.ignore(connection.write(list))
          return yield* readMessage(connection, "initiator")
        }, Effect.scoped),
        { concurrency: "unbounded" }
      ))
      assert.strictEqual(answers.filter((answer) => answer !== "closed").length, 20)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(ledger(), empty)
    })
  )
})

describe("maxPushPulls", () => {
  clusterTest(
    "of 8, taken by peers that do not read their answers, keep no push/pull out",
    Effect.gen(function*() {
      const { ledger, node } = yield* observed({
        config: { ...quiet, maxPushPulls: 8 },
        delegate: { localState: () => Effect.succeed(new Uint8Array(0.2 * MIB)) }
      })
      const attacker = yield* stranger("10.0.0.9")
      yield* attacker.send(node, ...Array.from({ length: 8 }, () => request))
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(ledger().exchanges, 8)
      assert.strictEqual(yield* honest("10.0.0.9", node), 20)
      assert.isAtLeast(yield* counted(node, "stream.evicted:ExchangeNeeded"), 1)
    }),
    { streamWindow: 65_536 }
  )
})
