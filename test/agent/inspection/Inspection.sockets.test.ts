import { assert, it } from "@effect/vitest"
import { Memberlist, MemberlistConfig } from "effect-memberlist"
import { Agent } from "effect-memberlist/agent"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Dgram from "node:dgram"
import { once } from "node:events"
import * as Net from "node:net"
import { run } from "../../support/CommandLine.ts"

/** A port before an agent, at which what gets through goes on to it. */
interface Gate {
  readonly port: number
  /** The agent's own port. */
  to: number
}

/** What gets through: packets up to a length, and streams or none. */
const gate = Effect.fnUntraced(function*(
  { longest, streams }: { readonly longest: number; readonly streams: boolean }
): Effect.fn.Return<Gate, never, Scope.Scope> {
  const server = Net.createServer((inner) => {
    const outer = Net.connect(gate.to, "127.0.0.1")
    for (const [from, to] of [[inner, outer], [outer, inner]] as const) {
      from.on("error", () => to.destroy()).pipe(to)
    }
  })
  yield* Effect.promise(() => once(server.listen(0, "127.0.0.1"), "listening"))
  const { port } = server.address() as Net.AddressInfo
  const gate: Gate = { port, to: 0 }
  const socket = Dgram.createSocket("udp4", (packet) => {
    if (packet.length <= longest) socket.send(packet, gate.to, "127.0.0.1")
  })
  if (longest > 0) yield* Effect.promise(() => new Promise<void>((resolve) => socket.bind(port, "127.0.0.1", resolve)))
  // nothing listens there any more: a stream is refused
  if (!streams) yield* Effect.promise(() => new Promise((resolve) => server.close(resolve)))
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      server.close()
      socket.close()
    })
  )
  return gate
})

/** An agent, and where it is; behind a gate, others know no other port of it. */
const start = Effect.fnUntraced(function*(name: string, seeds: ReadonlyArray<string>, before?: Gate) {
  const layer = Agent.layer({
    http: { host: "127.0.0.1", port: 0 },
    seeds,
    node: {
      ...MemberlistConfig.local,
      name,
      bindAddress: "127.0.0.1",
      bindPort: 0,
      ...before === undefined ? {} : { advertiseAddress: "127.0.0.1", advertisePort: before.port }
    }
  }).pipe(Layer.provide(Logger.layer([])))
  const context = yield* Layer.build(layer)
  const { info } = Context.get(context, Memberlist)
  if (before !== undefined) before.to = Number(info.bound.split(":").at(-1))
  return { url: Context.get(context, Agent).url, address: info.advertised, cluster: Context.get(context, Memberlist) }
})

it.live("doctor finds which way is closed between agents, and in which direction, on real sockets", () =>
  Effect.gen(function*() {
    const a = yield* start("a", [])
    const closed = {
      "no-tcp": yield* gate({ longest: 65_535, streams: false }),
      "no-udp": yield* gate({ longest: 0, streams: true }),
      "short": yield* gate({ longest: 600, streams: true })
    }
    for (const [name, before] of Object.entries(closed)) yield* start(name, [a.address], before)
    yield* start("well", [a.address])
    // all are known, with the mark of agents in their metadata
    yield* Effect.repeat(a.cluster.members, {
      until: (members) => members.length === 5 && members.every(({ meta }) => meta.length > 0),
      schedule: Schedule.spaced("20 millis")
    })

    const { code, err, out } = yield* run(["doctor", "--http", a.url], { fetch: globalThis.fetch })
    const found = out.split("\n")
    const about = (check: string) => found.find((line) => line.startsWith(`${check}\t`))?.split("\t").slice(1).join(" ")
    for (const name of ["UDP with no-tcp", "UDP with short", "UDP with well"]) {
      assert.match(about(name) ?? "", /^ok there and back in/, name)
    }
    assert.strictEqual(about("UDP with no-udp"), "failure packets do not get there")
    assert.match(about("TCP with no-tcp") ?? "", /^failure streams do not get there: .*refused/i)
    for (const name of ["TCP with no-udp", "TCP with short", "TCP with well"]) {
      assert.match(about(name) ?? "", /^ok there in .* ms, and from it$/, name)
    }
    assert.match(about("MTU with short") ?? "", /^failure short packets get through, .* do not get there$/)
    assert.match(about("MTU with well") ?? "", /^ok packets with 1\d\d\d bytes of content get there and back$/)
    assert.match(about("clocks of agents") ?? "", /^ok 4 other agents, at most/)
    assert.strictEqual(code, 1)
    assert.match(err, /checks failed: .*UDP with no-udp, TCP with no-tcp, MTU with short$/)

    const well = yield* run(["doctor", "--http", a.url, "well"], { fetch: globalThis.fetch })
    assert.notMatch(well.out, /\tfailure\t/)
    assert.strictEqual(well.code, 0)
  }).pipe(Effect.scoped))
