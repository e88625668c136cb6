import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Dgram from "node:dgram"
import * as Net from "node:net"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"
import * as NodeTransport from "../../src/node/NodeTransport.ts"
import { Transport, type TransportNotice } from "../../src/Transport.ts"
import { echo, take, transport } from "../support/Transports.ts"

const bytes = (...values: ReadonlyArray<number>) => Uint8Array.from(values)

/** A foreign socket that holds a port. */
const holdUdp = Effect.acquireRelease(
  Effect.promise(() =>
    new Promise<Dgram.Socket>((resolve) => {
      const socket = Dgram.createSocket("udp4")
      socket.bind(0, "127.0.0.1", () => resolve(socket))
    })
  ),
  (socket) => Effect.promise(() => new Promise<void>((resolve) => socket.close(resolve)))
)

const holdTcp = Effect.acquireRelease(
  Effect.promise(() =>
    new Promise<Net.Server>((resolve) => {
      const server = Net.createServer()
      server.listen(0, "127.0.0.1", () => resolve(server))
    })
  ),
  (server) => Effect.promise(() => new Promise<void>((resolve) => server.close(() => resolve())))
)

const portOf = (holder: Dgram.Socket | Net.Server): number => {
  const address = holder.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

describe("binding", () => {
  it.live("port 0 gives one free port for both protocols", () =>
    Effect.gen(function*() {
      const a = yield* transport()
      assert.isAbove(a.bound.port, 0)
      assert.strictEqual(a.bound.ip, "127.0.0.1")
      const again = yield* Effect.flip(transport({ bindPort: a.bound.port }))
      assert.deepInclude({ ...again }, { _tag: "BindFailed", protocol: "tcp", kind: "AddressInUse" })
      const b = yield* transport()
      yield* Effect.forkScoped(a.serve(echo))
      yield* b.send(a.bound, bytes(1))
      assert.strictEqual((yield* take(a, 1)).length, 1)
      yield* b.open(a.bound, { timeout: yield* Effect.map(MemberlistConfigOf, (config) => config.tcpTimeout) })
    }))
  it.live("is refused where packets may be longer than UDP carries", () =>
    Effect.gen(function*() {
      yield* transport({ udpBufferSize: 65_507 })
      const error = yield* Effect.flip(transport({ udpBufferSize: 65_508 }))
      assert.deepInclude({ ...error }, { _tag: "ConfigInvalid", field: "udpBufferSize", value: "65508" })
      assert.match(error.message, /at most 65507 with this transport/)
    }))
  it.live("two nodes in one program have two transports", () =>
    Effect.gen(function*() {
      const node = (name: string) =>
        NodeTransport.layer.pipe(
          Layer.provide(MemberlistConfig.layer({ name, bindAddress: "127.0.0.1", bindPort: 0 }))
        )
      class First extends Context.Service<First, Transport["Service"]>()("test/First") {}
      class Second extends Context.Service<Second, Transport["Service"]>()("test/Second") {}
      const named = <I>(key: Context.Key<I, Transport["Service"]>, name: string) =>
        Layer.effect(key, Transport).pipe(Layer.provide(node(name)))
      const context = yield* Layer.build(Layer.mergeAll(named(First, "a"), named(Second, "b")))
      assert.notStrictEqual(Context.get(context, First).bound.port, Context.get(context, Second).bound.port)
    }))
  it.live("an address that the host does not have is refused for what it is", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(transport({ bindAddress: "198.51.100.77" }))
      assert.deepInclude({ ...error }, { _tag: "BindFailed", protocol: "tcp", kind: "AddressNotAvailable" })
      assert.match(error.message, /198\.51\.100\.77:0.*no such address/)
    }))
  it.live("a port taken for TCP is refused", () =>
    Effect.gen(function*() {
      const held = yield* holdTcp
      const error = yield* Effect.flip(transport({ bindPort: portOf(held) }))
      assert.deepInclude({ ...error }, { _tag: "BindFailed", protocol: "tcp", kind: "AddressInUse" })
    }))
  it.live("a port taken for UDP is refused, and the TCP half is closed again", () =>
    Effect.gen(function*() {
      const port = yield* Effect.scoped(Effect.gen(function*() {
        const held = yield* holdUdp
        const error = yield* Effect.flip(transport({ bindPort: portOf(held) }))
        assert.deepInclude({ ...error }, { _tag: "BindFailed", protocol: "udp", kind: "AddressInUse" })
        return portOf(held)
      }))
      const a = yield* transport({ bindPort: port })
      assert.strictEqual(a.bound.port, port)
    }))
  it.live("a wildcard without a private address, or an explicit address, is announced as decided", () =>
    Effect.gen(function*() {
      const a = yield* transport({ advertiseAddress: "203.0.113.5", advertisePort: 17946 })
      assert.deepStrictEqual(a.advertised, { addr: bytes(203, 0, 113, 5), port: 17946 })
      const b = yield* transport({ advertiseAddress: "fd00::9" })
      assert.deepStrictEqual([b.advertised.addr.length, b.advertised.port], [16, b.bound.port])
      const c = yield* transport({ advertisePort: 17946 })
      assert.deepStrictEqual(c.advertised, { addr: bytes(127, 0, 0, 1), port: c.bound.port })
    }))
  it.live("an advertised host name that got past the configuration is refused", () =>
    Effect.gen(function*() {
      const config = yield* MemberlistConfigOf
      const error = yield* Effect.flip(Effect.scoped(
        NodeTransport.make.pipe(
          Effect.provideService(MemberlistConfig, { ...config, advertiseAddress: "node.example" })
        )
      ))
      assert.strictEqual(error._tag, "AdvertiseAddressInvalid")
    }))
})

const MemberlistConfigOf = MemberlistConfig.make({ name: "a", bindAddress: "127.0.0.1", bindPort: 0 })

describe("packets", () => {
  it.live("arrive whole, in order on the loopback, with sender and time", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* transport(), yield* transport()]
      const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)
      const before = yield* now
      for (let i = 0; i < 20; i++) yield* a.send(b.bound, bytes(i, i))
      const packets = yield* take(b, 20)
      const after = yield* now
      assert.deepStrictEqual(packets.map((packet) => packet.payload[0]), Array.from({ length: 20 }, (_, i) => i))
      for (const packet of packets) {
        assert.deepStrictEqual(packet.from, a.bound)
        assert.isTrue(packet.receivedAt >= before && packet.receivedAt <= after)
      }
    }))
  it.live("carry the time at which they arrived, however late they are read", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* transport(), yield* transport()]
      yield* a.send(b.bound, bytes(1))
      yield* Effect.sleep("200 millis")
      const before = Number(yield* Clock.monotonicTimeNanos) / 1e6
      const [packet] = yield* b.packets
      assert.isBelow(packet?.receivedAt ?? Infinity, before)
    }))
  it.live("can be answered to where they came from", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* transport(), yield* transport()]
      yield* a.send(b.bound, bytes(1))
      const [packet] = yield* take(b, 1)
      if (packet !== undefined) yield* b.send(packet.from, bytes(2))
      assert.deepStrictEqual((yield* take(a, 1)).map(({ payload }) => [...payload]), [[2]])
    }))
  it.live("of 65,507 bytes pass, larger ones fail as our own mistake", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* transport(), yield* transport()]
      yield* a.send(b.bound, new Uint8Array(65_507).fill(3))
      assert.strictEqual((yield* take(b, 1))[0]?.payload.length, 65_507)
      const error = yield* Effect.flip(a.send(b.bound, new Uint8Array(65_508)))
      assert.deepInclude({ ...error }, { operation: "send", kind: "TooLarge", scope: "Local" })
    }))
  it.live("to a port where nobody listens are lost silently", () =>
    Effect.gen(function*() {
      const a = yield* transport()
      const port = yield* Effect.scoped(Effect.map(holdUdp, portOf))
      yield* a.send({ ip: "127.0.0.1", port }, bytes(1))
      yield* a.send({ ip: "127.0.0.1", port }, bytes(1))
    }))
  it.live("from an IPv4 socket to IPv6 fail as the network's fault", () =>
    Effect.gen(function*() {
      const a = yield* transport()
      const error = yield* Effect.flip(a.send({ ip: "::1", port: 1 }, bytes(1)))
      assert.deepInclude({ ...error }, { kind: "Unreachable", scope: "Remote", address: "[::1]:1" })
    }))
  it.live("beyond packetBuffer are dropped", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* transport(), yield* transport({ packetBuffer: 4 })]
      for (let i = 0; i < 50; i++) yield* a.send(b.bound, bytes(i))
      yield* Effect.sleep("100 millis")
      assert.strictEqual((yield* b.packets).length, 4)
      const told: Array<TransportNotice> = []
      b.onNotice?.((notice) => void told.push(notice))
      assert.deepStrictEqual(told.filter(({ _tag }) => _tag !== "PortChosen"), [
        { _tag: "PacketsDropped", count: 46, detail: "4 were waiting" }
      ])
    }))
  it.live("end as closed with the transport", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const a = yield* Scope.provide(transport(), scope)
      const waiting = yield* Effect.forkChild(Effect.flip(a.packets), { startImmediately: true })
      yield* Scope.close(scope, Exit.void)
      assert.deepInclude({ ...(yield* Fiber.join(waiting)) }, { operation: "receive", kind: "Closed" })
      assert.strictEqual((yield* Effect.flip(a.send({ ip: "127.0.0.1", port: 9 }, bytes(1)))).scope, "Local")
    }))
})

describe("dual stack", () => {
  it.live(":: hears IPv4 members by their IPv4 address and answers them", () =>
    Effect.gen(function*() {
      const six = yield* transport({ bindAddress: "::", advertiseAddress: "127.0.0.1" })
      const four = yield* transport()
      assert.strictEqual(six.bound.ip, "::")
      yield* four.send({ ip: "127.0.0.1", port: six.bound.port }, bytes(1))
      const [packet] = yield* take(six, 1)
      assert.deepStrictEqual(packet?.from, four.bound)
      // once by the address that was received, once by one that was not
      if (packet !== undefined) yield* six.send(packet.from, bytes(2))
      yield* six.send({ ...four.bound }, bytes(3))
      assert.deepStrictEqual((yield* take(four, 2)).map(({ payload }) => payload[0]), [2, 3])
    }))
  it.live(":: accepts streams of both families", () =>
    Effect.gen(function*() {
      const six = yield* transport({ bindAddress: "::", advertiseAddress: "127.0.0.1" })
      const peers: Array<string> = []
      yield* Effect.forkScoped(six.serve((connection) => {
        peers.push(connection.peer.ip)
        return echo(connection)
      }))
      const from = yield* transport({ bindAddress: "::1" })
      const { tcpTimeout } = yield* MemberlistConfigOf
      for (const ip of ["127.0.0.1", "::1"]) {
        const answer = yield* Effect.scoped(Effect.gen(function*() {
          const connection = yield* from.open({ ip, port: six.bound.port }, { timeout: tcpTimeout })
          yield* connection.write(bytes(5))
          return yield* connection.pull
        }))
        assert.strictEqual(answer[0], 5)
      }
      assert.deepStrictEqual(peers, ["127.0.0.1", "::1"])
    }))
})

describe("resolve", () => {
  it.live("gives literals back in their canonical form", () =>
    Effect.gen(function*() {
      const a = yield* transport()
      assert.deepStrictEqual(yield* a.resolve("10.0.0.1"), ["10.0.0.1"])
      assert.deepStrictEqual(yield* a.resolve("::ffff:10.0.0.1"), ["10.0.0.1"])
      assert.deepStrictEqual(yield* a.resolve("FD00:0::1"), ["fd00::1"])
    }))
  it.live("looks names up", () =>
    Effect.gen(function*() {
      const a = yield* transport()
      const found = yield* a.resolve("localhost")
      assert.isTrue(found.includes("127.0.0.1") || found.includes("::1"))
    }))
  it.live("fails for a name without an address", () =>
    Effect.gen(function*() {
      const a = yield* transport({ tcpTimeout: "2 seconds" })
      const error = yield* Effect.flip(a.resolve("nobody.invalid"))
      assert.strictEqual(error._tag, "SeedUnresolvable")
      assert.match(error.message, /nobody\.invalid/)
    }))
})

describe("lifetime", () => {
  /** A node with traffic: a packet, an open stream on either side, and something waiting everywhere. */
  const busyNode = Effect.scoped(Effect.gen(function*() {
    const { tcpTimeout } = yield* MemberlistConfigOf
    const a = yield* transport()
    yield* Effect.forkScoped(Effect.ignore(a.serve(echo)))
    yield* a.send(a.bound, bytes(1))
    yield* take(a, 1)
    yield* Effect.forkScoped(Effect.ignore(a.packets))
    const connection = yield* a.open(a.bound, { timeout: tcpTimeout })
    yield* connection.write(bytes(1))
    yield* connection.pull
    yield* Effect.forkScoped(Effect.ignore(connection.pull))
  }))
  const resources = Effect.sync(() =>
    process.getActiveResourcesInfo().filter((kind) => /TCP|UDP|Socket|Server|Pipe/i.test(kind)).sort()
  )

  it.live("50 nodes opened and closed leave no socket behind", () =>
    Effect.gen(function*() {
      yield* busyNode
      yield* Effect.sleep("50 millis")
      const before = yield* resources
      for (let i = 0; i < 50; i++) yield* busyNode
      yield* Effect.sleep("200 millis")
      assert.deepStrictEqual(yield* resources, before)
    }))
})
