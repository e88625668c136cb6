/** Seeds from a real DNS server and a real file, joined over real sockets. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import type * as DnsPacket from "dns-packet"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import { Memberlist } from "../../src/Memberlist.ts"
import { MemberlistConfig, type Settings } from "../../src/MemberlistConfig.ts"
import * as NodeSeeds from "../../src/node/NodeSeeds.ts"
import * as NodeMemberlist from "../../src/NodeMemberlist.ts"
import { Seeds } from "../../src/Seeds.ts"
import { dnsServer, manyA, type OnTcp } from "../support/DnsServer.ts"

const NAME = "seeds.cluster.test"
const SERVICE = "_memberlist._tcp.cluster.test"

/** A whole node on the loopback. */
const node = Effect.fnUntraced(function*<E>(name: string, seeds?: Layer.Layer<Seeds, E>, settings: Settings = {}) {
  const live = NodeMemberlist.layer({
    ...MemberlistConfig.local,
    name,
    bindAddress: "127.0.0.1",
    bindPort: 0,
    leaveTimeout: 0,
    ...settings
  })
  return Context.get(yield* Layer.build(seeds === undefined ? live : Layer.provide(live, seeds)), Memberlist)
})

const names = ({ members }: Memberlist["Service"]) => Effect.map(members, (list) => list.map(({ name }) => name).sort())

/** Waits until these are the members, and nobody else. */
const becomes = ({ changes }: Memberlist["Service"], ...expected: ReadonlyArray<string>) =>
  changes.pipe(
    Stream.map((list) => list.map(({ name }) => name).sort().join()),
    Stream.takeUntil((found) => found === expected.join()),
    Stream.runDrain
  )

/** What a source tells first. */
const first = <E>(layer: Layer.Layer<Seeds, E>) =>
  Effect.gen(function*() {
    const { changes } = Context.get(yield* Layer.build(layer), Seeds)
    return (yield* Stream.runHead(changes)).pipe((found) => found._tag === "Some" ? found.value : undefined)
  })

const a = (data: string, name = NAME): DnsPacket.StringAnswer => ({ type: "A", name, ttl: 1, data })
const srv = (target: string, port: number, priority = 0, weight = 0): DnsPacket.SrvAnswer => ({
  type: "SRV",
  name: SERVICE,
  ttl: 1,
  data: { target, port, priority, weight }
})

describe("seeds from DNS", () => {
  it.live("are all addresses of a name, each with the port", () =>
    Effect.gen(function*() {
      const server = yield* dnsServer({ [NAME]: [...manyA(NAME, 300), { type: "AAAA", name: NAME, data: "fd00::1" }] })
      const seeds = yield* first(NodeSeeds.layerDns({ name: NAME, port: 99, dnsConfigPath: server.path }))
      assert.strictEqual(seeds?.length, 301)
      assert.deepStrictEqual([seeds?.[0], seeds?.[300]], ["10.1.0.0:99", "[fd00::1]:99"])
      const own = yield* first(NodeSeeds.layerDns({ name: NAME, dnsConfigPath: server.path }))
      assert.deepStrictEqual([own?.[0], own?.[300]], ["10.1.0.0", "fd00::1"])
    }))

  it.live("are the hosts of a service, the most wanted first", () =>
    Effect.gen(function*() {
      const targets = [srv("c.test", 3, 9), srv("b.test", 2, 1, 1), srv("a.test", 1, 1, 7), srv(".", 4), srv("x y", 5)]
      const server = yield* dnsServer({ [SERVICE]: targets })
      const seeds = yield* first(NodeSeeds.layerSrv({ name: SERVICE, dnsConfigPath: server.path }))
      assert.deepStrictEqual(seeds, ["no host: \"x y\":5", "a.test:1", "b.test:2", "c.test:3"])
      assert.deepStrictEqual(server.asked, [`tcp SRV ${SERVICE}`])
    }))

  it.live("bring pods together that start in order behind one name, and none waits for another", () =>
    Effect.gen(function*() {
      const records: Record<string, Array<DnsPacket.Answer>> = {}
      const server = yield* dnsServer(records)
      const seeds = (port?: number) =>
        NodeSeeds.layerDns({ name: NAME, port, dnsConfigPath: server.path, interval: 100, timeout: 500 })
      // not even known itself: the name has no address yet
      const first = yield* node("a", seeds())
      const { port } = yield* first.localMember
      assert.strictEqual((yield* first.readiness)._tag, "Trying")
      records[NAME] = [a("127.0.0.1")]
      assert.deepStrictEqual(yield* first.ready, { _tag: "Alone", reason: "OnlyOurselves" })
      const second = yield* node("b", seeds(port), { bindAddress: "127.0.0.2", bindPort: port })
      records[NAME] = [a("127.0.0.1"), a("127.0.0.2")]
      assert.deepStrictEqual(yield* second.ready, { _tag: "Joined" })
      records[NAME].push(a("127.0.0.3"))
      const third = yield* node("c", seeds(port), { bindAddress: "127.0.0.3", bindPort: port })
      for (const pod of [first, second, third]) yield* becomes(pod, "a", "b", "c")
    }))

  it.live("that are hosts of a service are looked up, and joined at their ports", () =>
    Effect.gen(function*() {
      const records: Record<string, Array<DnsPacket.Answer>> = { "a.cluster.test": [a("127.0.0.1", "a.cluster.test")] }
      const server = yield* dnsServer(records)
      const one = yield* node("a")
      records[SERVICE] = [srv("a.cluster.test", (yield* one.localMember).port), srv("gone.cluster.test", 1)]
      const seeds = NodeSeeds.layerSrv({ name: SERVICE, dnsConfigPath: server.path })
      const two = yield* node("b", seeds, { dnsConfigPath: server.path })
      assert.deepStrictEqual(yield* two.ready, { _tag: "Joined" })
      assert.deepStrictEqual(yield* names(one), ["a", "b"])
      assert.strictEqual(two.info.seeds, `DNS SRV ${SERVICE}`)
    }))
})

// they wait
describe.concurrent("seeds from DNS", () => {
  const nonsense: ReadonlyArray<readonly [what: string, onTcp: OnTcp]> = [
    ["nothing", (_, socket) => socket.destroy()],
    ["bytes that are no answer", (_, socket) => socket.end(Buffer.from([0, 3, 1, 2, 3]))],
    ["half of an answer", (_, socket) => socket.end(Buffer.from([0xff, 0xff, 1, 2, 3]))]
  ]
  for (const [what, onTcp] of nonsense) {
    it.live(`from a server that answers ${what} are none: why is said, and it is asked again`, () =>
      Effect.gen(function*() {
        const records: Record<string, Array<DnsPacket.Answer>> = {}
        const broken = yield* dnsServer(records, onTcp)
        const seeds = NodeSeeds.layerDns({ name: NAME, dnsConfigPath: broken.path, timeout: 300 })
        const lost = yield* node("a", seeds, { readyTimeout: "1200 millis" })
        const error = yield* Effect.flip(lost.ready)
        assert.strictEqual(error._tag, "NotReady")
        assert.include(error.message, `no seeds from DNS ${NAME}: host "${NAME}" has no address`)
        const counted = new Map<string, number>(yield* lost.counters)
        assert.isAtLeast(counted.get("seeds.failed:Lookup") ?? 0, 1)
        assert.isAtLeast(broken.asked.length, 2)
      }))
  }
})

describe("seeds from a file", () => {
  it.live("are read when it is written, and again when it changes", () =>
    Effect.gen(function*() {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(Path.join(tmpdir(), "seeds-"))),
        (path) => Effect.sync(() => rmSync(path, { recursive: true }))
      )
      const path = Path.join(folder, "seeds")
      const one = yield* node("a")
      const seeds = Layer.provide(NodeSeeds.layerFile({ path, interval: 50 }), NodeFileSystem.layer)
      const two = yield* node("b", seeds)
      writeFileSync(path, "# nobody yet\n")
      assert.deepStrictEqual(yield* two.ready, { _tag: "Alone", reason: "NoSeeds" })
      writeFileSync(path, `# the first\n${(yield* one.localMember).address}\n`)
      yield* becomes(two, "a", "b")
    }))
})
