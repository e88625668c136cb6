import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Redacted, Scope, Stream } from "effect"
import { Memberlist, MemberlistConfig, type MemberlistSettings } from "effect-memberlist"
import { readFileSync } from "node:fs"
import * as TcpTransport from "../../../examples/tcp-transport.ts"

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8")

const build = (name: string, settings: MemberlistSettings = {}) =>
  Effect.map(
    Layer.build(Memberlist.layer.pipe(
      Layer.provide(TcpTransport.layer),
      Layer.provide(MemberlistConfig.layer({
        ...MemberlistConfig.local,
        name,
        bindAddress: "127.0.0.1",
        bindPort: 0,
        ...settings
      }))
    )),
    Context.get(Memberlist)
  )

/** The first event of a kind about a member. */
const told = (cluster: Memberlist["Service"], tag: string, name: string) =>
  cluster.events.pipe(
    Stream.filter((event) => event._tag === tag && event.member.name === name),
    Stream.runHead
  )

const udpSockets = () => process.getActiveResourcesInfo().filter((resource) => resource === "UDPWrap").length

describe("the page about transports", () => {
  it("shows the example that is compiled and run", () => {
    const [, code] = read("docs/transport.md").split("```ts\n")
    assert.strictEqual(code?.split("```")[0], read("examples/tcp-transport.ts"))
  })
})

describe("a transport of one's own, over TCP alone", () => {
  const KEY = Redacted.make(new Uint8Array(32).fill(7))
  for (const [how, settings] of [["in clear", {}], ["sealed", { secretKey: KEY }]] as const) {
    it.live(`carries a cluster of two, ${how}: joins, probes, messages and the goodbye, and no UDP`, () =>
      Effect.gen(function*() {
        const before = udpSockets()
        const a = yield* build("a", settings)
        const scope = yield* Scope.fork(yield* Scope.Scope)
        const b = yield* Scope.provide(build("b", settings), scope)
        const joined = yield* Effect.forkChild(told(a, "MemberJoined", "b"), { startImmediately: true })
        const left = yield* Effect.forkChild(told(a, "MemberLeft", "b"), { startImmediately: true })
        const heard = yield* Deferred.make<ReadonlyArray<string>>()
        yield* a.messages.pipe(
          Stream.take(2),
          Stream.map(({ payload, via }) => `${new TextDecoder().decode(payload)} by ${via}`),
          Stream.runCollect,
          Effect.flatMap((all) => Deferred.succeed(heard, all)),
          Effect.forkScoped({ startImmediately: true })
        )
        yield* b.join([a.info.advertised])
        yield* Fiber.join(joined)
        yield* b.send({ name: "a" }, new TextEncoder().encode("hello"))
        yield* b.send({ name: "a" }, new TextEncoder().encode("x".repeat(100_000)), { reliable: true })
        const all = (yield* Deferred.await(heard)).map((text) => text.replace(/^x+/, "xs"))
        assert.sameMembers([...all], ["hello by packet", "xs by stream"])
        yield* b.ping({ name: "a" })
        // some rounds of probing
        yield* Effect.sleep("2500 millis")
        assert.strictEqual(yield* a.health, 0)
        assert.isUndefined((yield* a.counters).get("probe.failed"))
        assert.strictEqual(udpSockets(), before)
        yield* Scope.close(scope, Exit.void)
        yield* Fiber.join(left)
      }))
  }
})
