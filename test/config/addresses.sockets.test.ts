import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Net from "node:net"
import { ipText } from "../../src/base/Address.ts"
import { Memberlist, MemberlistLive } from "../../src/Memberlist.ts"
import { MemberlistConfig, type Settings } from "../../src/MemberlistConfig.ts"
import * as NodeTransport from "../../src/node/NodeTransport.ts"
import { transport } from "../support/Transports.ts"

/** A whole node on real sockets. */
const node = Effect.fnUntraced(function*(name: string, settings: Settings) {
  const live = MemberlistLive.pipe(
    Layer.provide(NodeTransport.layer),
    Layer.provide(MemberlistConfig.layer({
      ...MemberlistConfig.local,
      name,
      bindAddress: "127.0.0.1",
      bindPort: 0,
      leaveTimeout: 0,
      ...settings
    }))
  )
  return Context.get(yield* Layer.build(live), Memberlist)
})

/** Connects and waits for the other side to hang up; answers whether it did so within the time. */
const hangsUp = (port: number, millis: number) =>
  Effect.promise(() =>
    new Promise<boolean>((resolve) => {
      const socket = Net.createConnection({ port, host: "127.0.0.1" })
      const timer = setTimeout(() => done(false), millis)
      const done = (answer: boolean) => {
        clearTimeout(timer)
        socket.destroy()
        resolve(answer)
      }
      socket.on("error", () => done(true))
      socket.on("close", () => done(true))
    })
  )

describe("bindAddress", () => {
  const forms: ReadonlyArray<readonly [bindAddress: string, reached: ReadonlyArray<string>]> = [
    ["127.0.0.1", ["127.0.0.1"]],
    ["::1", ["::1"]],
    ["0.0.0.0", ["127.0.0.1"]],
    ["::", ["127.0.0.1", "::1"]],
    ["::ffff:127.0.0.1", ["127.0.0.1"]]
  ]
  for (const [bindAddress, reached] of forms) {
    it.live(`${bindAddress} is reached at ${reached.join(" and ")}`, () =>
      Effect.gen(function*() {
        const advertiseAddress = bindAddress.includes("127") ? undefined : reached[0]
        const { port } = yield* (yield* node("a", { bindAddress, advertiseAddress })).localMember
        for (const ip of reached) {
          const joiner = yield* node(`b${ip}`, { bindAddress: ip })
          const report = yield* joiner.join([ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`])
          assert.strictEqual(report.contacted.length, 1)
        }
      }))
  }
})

describe("bindPort", () => {
  it.live("0 gives one port for both protocols, which is announced and is the default for seeds", () =>
    Effect.gen(function*() {
      const a = yield* transport({ bindPort: 0 })
      assert.isAbove(a.bound.port, 0)
      assert.strictEqual(a.advertised.port, a.bound.port)
      const fixed = yield* transport({ bindPort: 0, bindAddress: "127.0.0.2" })
      assert.strictEqual(fixed.bound.ip, "127.0.0.2")
    }))
})

describe("advertiseAddress and advertisePort", () => {
  it.live("are what the others are told instead of where the node listens", () =>
    Effect.gen(function*() {
      const a = yield* node("a", { advertiseAddress: "192.0.2.1", advertisePort: 9000 })
      const { address } = yield* a.localMember
      assert.strictEqual(address, "192.0.2.1:9000")
    }))

  it.live("may name the address alone: the port is the bound one", () =>
    Effect.gen(function*() {
      const a = yield* transport({ advertiseAddress: "192.0.2.1" })
      assert.strictEqual(ipText(a.advertised.addr), "192.0.2.1")
      assert.strictEqual(a.advertised.port, a.bound.port)
    }))

  it.live("do nothing with a port alone, as in memberlist, and say so", () =>
    Effect.gen(function*() {
      const a = yield* transport({ advertisePort: 9000 })
      assert.strictEqual(a.advertised.port, a.bound.port)
      const config = yield* MemberlistConfig.make({ name: "a", advertisePort: 9000 })
      assert.match(MemberlistConfig.warnings(config)[0] ?? "", /advertisePort has no effect/)
    }))
})

describe("maxInboundStreams", () => {
  it.live("1 closes an idle connection as soon as there is a second one", () =>
    Effect.gen(function*() {
      const a = yield* node("a", { maxInboundStreams: 1, tcpTimeout: "5 seconds" })
      const { port } = yield* a.localMember
      const held = yield* Effect.acquireRelease(
        Effect.promise(() =>
          new Promise<Net.Socket>((resolve) => {
            const socket = Net.createConnection({ port, host: "127.0.0.1" }, () => resolve(socket)).resume()
            socket.on("error", () => undefined)
          })
        ),
        (socket) => Effect.sync(() => socket.destroy())
      )
      yield* Effect.sleep("100 millis")
      assert.isFalse(held.destroyed)
      assert.isFalse(yield* hangsUp(port, 300))
      assert.isTrue(held.destroyed)
      assert.strictEqual((yield* a.counters).get("stream.evicted:PlaceNeeded"), 1)
    }))

  it.live("is no limit for as many as it says", () =>
    Effect.gen(function*() {
      const a = yield* node("a", { maxInboundStreams: 2, tcpTimeout: "5 seconds" })
      const { port } = yield* a.localMember
      assert.isFalse(yield* hangsUp(port, 300))
    }))
})

describe("packetBuffer", () => {
  it.live("holds what arrives while nobody reads, and no more", () =>
    Effect.gen(function*() {
      const a = yield* transport({ packetBuffer: 4 })
      const b = yield* transport({})
      for (let i = 0; i < 20; i++) yield* b.send(a.bound, Uint8Array.of(i))
      yield* Effect.sleep("200 millis")
      assert.isAtMost((yield* a.packets).length, 5)
    }))
})
