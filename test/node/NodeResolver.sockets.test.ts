import { assert, describe, it } from "@effect/vitest"
import * as DnsPacket from "dns-packet"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Dns from "node:dns/promises"
import type * as Net from "node:net"
import { Memberlist, MemberlistLive } from "../../src/Memberlist.ts"
import { MemberlistConfig, type Settings } from "../../src/MemberlistConfig.ts"
import * as NodeResolver from "../../src/node/NodeResolver.ts"
import * as NodeTcp from "../../src/node/NodeTcp.ts"
import * as NodeTransport from "../../src/node/NodeTransport.ts"
import { type DnsServer, dnsServer, manyA, type OnTcp } from "../support/DnsServer.ts"
import { transport } from "../support/Transports.ts"

const SEEDS = "seeds.cluster.test"

const close: OnTcp = (_, socket) => socket.destroy()

/** A resolver whose operating system is a stub. */
const resolver = Effect.fnUntraced(function*(dnsConfigPath: string) {
  const { open } = yield* NodeTcp.listen({
    address: "127.0.0.1",
    port: 0,
    maxInbound: 1,
    flushTimeout: Duration.seconds(1)
  })
  const asked: Array<string> = []
  const resolve = NodeResolver.make({
    open,
    dnsConfigPath,
    timeout: Duration.seconds(5),
    system: (host) => {
      asked.push(host)
      return Promise.resolve(["192.0.2.1"])
    }
  })
  return { resolve, asked }
})

/** A whole node on the loopback. */
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

/** A well-framed answer with an address of so many bytes, the last two of which are missing. */
const cutAnswer = ({ id = 0 }: DnsPacket.DecodedPacket, bytes: number): Uint8Array => {
  const data = bytes === 4 ? "10.1.0.0" : "fd00::"
  const whole = DnsPacket.encode({
    type: "response",
    id,
    answers: [{ type: bytes === 4 ? "A" : "AAAA", name: SEEDS, data }]
  })
  return Buffer.from([0, whole.length - 2, ...whole.subarray(0, -2)])
}

/** What plain DNS over UDP makes of the name. */
const overUdp = (server: DnsServer) =>
  Effect.promise(() => {
    const plain = new Dns.Resolver()
    plain.setServers([`127.0.0.1:${server.port}`])
    return plain.resolve4(SEEDS)
  })

describe("a seed's host name with a dot", () => {
  it.live("is looked up over TCP at the server of `dnsConfigPath`, so that a large answer is not cut", () =>
    Effect.gen(function*() {
      const server = yield* dnsServer({ [SEEDS]: manyA(SEEDS, 300) })
      assert.strictEqual((yield* overUdp(server)).length, 3)
      const node = yield* transport({ dnsConfigPath: server.path })
      const found = yield* node.resolve(SEEDS)
      assert.strictEqual(found.length, 300)
      assert.deepStrictEqual([found[0], found[299]], ["10.1.0.0", "10.1.1.43"])
      assert.deepStrictEqual(server.asked, [`udp A ${SEEDS}`, `tcp A ${SEEDS}`, `tcp AAAA ${SEEDS}`])
    }))

  it.live("gives the addresses of both families, through an alias, each once", () =>
    Effect.gen(function*() {
      const server = yield* dnsServer({
        [SEEDS]: [
          { type: "CNAME", name: SEEDS, data: "other.test" },
          { type: "A", name: "other.test", data: "10.0.0.1" },
          { type: "A", name: "other.test", data: "10.0.0.1" },
          { type: "AAAA", name: "other.test", data: "FD00:0::1" }
        ]
      })
      const { asked, resolve } = yield* resolver(server.path)
      assert.deepStrictEqual(yield* resolve(SEEDS), ["10.0.0.1", "fd00::1"])
      assert.deepStrictEqual(asked, [])
    }))

  const failures: ReadonlyArray<readonly [why: string, onTcp: OnTcp | undefined]> = [
    ["does not know it", undefined],
    ["closes", close],
    ["sends what is no answer", (_, socket) => socket.write(Buffer.from([0, 3, 1, 2, 3]))],
    [
      "answers another question",
      (query, socket) =>
        socket.write(DnsPacket.streamEncode({
          type: "response",
          id: ((query.id ?? 0) + 7) % 65_536,
          answers: [...manyA(SEEDS, 1)]
        }))
    ],
    ["sends half of an answer", (_, socket) => socket.end(Buffer.from([0, 30, 1, 2, 3]))],
    ...[[4, "IPv4"], [16, "IPv6"]].map(([bytes, family]) =>
      [
        `sends an answer whose ${family} address is cut`,
        (query: DnsPacket.DecodedPacket, socket: Net.Socket) => socket.end(cutAnswer(query, Number(bytes)))
      ] as const
    ),
    ["never answers", () => undefined]
  ]
  for (const [why, onTcp] of failures) {
    it.live(`is asked of the system when the server ${why}`, () =>
      Effect.gen(function*() {
        const server = yield* dnsServer({}, onTcp)
        const { asked, resolve } = yield* resolver(server.path)
        assert.deepStrictEqual(yield* resolve(SEEDS), ["192.0.2.1"])
        assert.deepStrictEqual(asked, [SEEDS])
        assert.include(server.asked, `tcp A ${SEEDS}`)
      }))
  }

  it.live("gives what the server told before it closed", () =>
    Effect.gen(function*() {
      const server = yield* dnsServer({}, (query, socket) => {
        if (query.questions?.[0]?.type !== "A") return
        socket.end(DnsPacket.streamEncode({ type: "response", id: query.id ?? 0, answers: [...manyA(SEEDS, 2)] }))
      })
      const { resolve } = yield* resolver(server.path)
      assert.deepStrictEqual(yield* resolve(SEEDS), ["10.1.0.0", "10.1.0.1"])
    }))

  it.live("is asked of the system alone when the file is missing, when none is named, and when it is too long", () =>
    Effect.gen(function*() {
      const server = yield* dnsServer({ [SEEDS]: manyA(SEEDS, 1) })
      for (const path of ["/nowhere/resolv.conf", ""]) {
        const { resolve } = yield* resolver(path)
        assert.deepStrictEqual(yield* resolve(SEEDS), ["192.0.2.1"])
      }
      const { resolve } = yield* resolver(server.path)
      assert.deepStrictEqual(yield* resolve(`${"x".repeat(64)}.test`), ["192.0.2.1"])
      assert.deepStrictEqual(server.asked, [])
    }))
})

describe("a node that joins by a host name with a dot", () => {
  it.live("meets a member that an answer over UDP would have left out", () =>
    Effect.gen(function*() {
      const member = yield* node("member", {})
      const { address, port } = yield* member.localMember
      assert.strictEqual(address, `127.0.0.1:${port}`)
      const nobody = manyA(SEEDS, 3).map((record) => ({ ...record, data: "127.0.0.9" }))
      const records = { [SEEDS]: [...nobody, { type: "A", name: SEEDS, data: "127.0.0.1" } as const] }
      const server = yield* dnsServer(records)
      assert.notInclude(yield* overUdp(server), "127.0.0.1")
      const joiner = yield* node("joiner", { dnsConfigPath: server.path })
      const report = yield* joiner.join([`${SEEDS}:${port}`])
      assert.deepStrictEqual(report.contacted.map(({ address }) => address), [address])
    }))
})

describe("a seed's host name without a dot", () => {
  it.live("is the system's to complete", () =>
    Effect.gen(function*() {
      const server = yield* dnsServer({ seeds: manyA("seeds", 1) })
      const { asked, resolve } = yield* resolver(server.path)
      assert.deepStrictEqual(yield* resolve("seeds"), ["192.0.2.1"])
      assert.deepStrictEqual(asked, ["seeds"])
      assert.deepStrictEqual(server.asked, [])
    }))
})
