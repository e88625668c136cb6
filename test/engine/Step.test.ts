import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import type { Node } from "../../src/engine/Node.ts"
import * as Step from "../../src/engine/Step.ts"
import { LIMITS } from "../../src/engine/Work.ts"
import type { Directive } from "../../src/swim/membership/Directive.ts"
import * as Frame from "../../src/wire/stream/Frame.ts"
import { clusterTest, joinAt, start, stateOf, view } from "../support/Cluster.ts"
import { fakePeer, introduce, mute, readMessage } from "../support/FakePeer.ts"
import { idle } from "../support/Observations.ts"
import { cluster, entry, SELF, suspect } from "../support/Rules.ts"

const quiet = { gossipInterval: 0, pushPullInterval: 0, probeInterval: 0, leaveTimeout: 0 } as const

describe("a merge that suspects two members, of which the first is slow to be told", () => {
  const suspecting = Effect.fnUntraced(function*(millis: number) {
    let slow = false
    const node = yield* start("a", "10.0.0.1", {
      config: quiet,
      transport: (inner) => ({
        ...inner,
        send: (to, bytes) => slow && to.ip === "10.0.0.8" ? Effect.sleep(millis) : inner.send(to, bytes)
      })
    })
    const members = [yield* fakePeer("m1", "10.0.0.8", mute), yield* fakePeer("m2", "10.0.0.9", mute)]
    yield* introduce(node, ...members)
    yield* introduce(node, ...members)
    slow = true
    return { node, nodes: members.map((member) => member.row({ state: 1 })) }
  })

  clusterTest(
    "ends both suspicions, although whoever joined was interrupted at once",
    Effect.gen(function*() {
      const { node, nodes } = yield* suspecting(1_000)
      const answer = Frame.encodePushPull({ join: true, nodes, userState: new Uint8Array() })
      yield* fakePeer("s", "10.0.0.20", {
        onStream: (connection) =>
          Effect.asVoid(Effect.andThen(readMessage(connection, "responder"), Effect.ignore(connection.write(answer))))
      })
      const joining = yield* Effect.forkChild(node.cluster.join(["10.0.0.20:7946"]), { startImmediately: true })
      yield* TestClock.adjust("200 millis")
      yield* Effect.forkChild(Fiber.interrupt(joining))
      yield* TestClock.adjust("5 minutes")
      assert.notStrictEqual(yield* stateOf(node, "m1"), "suspect")
      assert.notStrictEqual(yield* stateOf(node, "m2"), "suspect")
      assert.includeMembers([...node.seen], ["MemberFailed m1", "MemberFailed m2"])
    })
  )

  clusterTest(
    "holds nobody up",
    Effect.gen(function*() {
      const { node, nodes } = yield* suspecting(60_000)
      const peer = yield* fakePeer("p", "10.0.0.20")
      const strangers = Array.from({ length: 1_500 }, (_, i) => peer.row({ name: `n${i}`, port: 1_000 + i }))
      const list = (rows: typeof nodes) =>
        Frame.encodePushPull({ join: false, nodes: rows, userState: new Uint8Array() })
      yield* peer.ask(node, list([...strangers.slice(0, 1_000), ...nodes, ...strangers.slice(1_000)]))
      yield* TestClock.adjust("100 millis")
      const before = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      assert.notStrictEqual(yield* peer.ask(node, list([])), "closed")
      const after = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      assert.isBelow(after - before, 1_000)
    })
  )
})

describe("a merge that suspects a thousand members at once", () => {
  clusterTest(
    "leaves none of them suspect, although whoever joined is interrupted at the first event",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      let state = 0
      const seed = yield* fakePeer("s", "10.0.0.20", {
        onStream: (connection) =>
          Effect.suspend(() => {
            const nodes = Array.from({ length: 1_000 }, (_, i) => seed.row({ name: `m${i}`, port: 1_000 + i, state }))
            const answer = Frame.encodePushPull({ join: true, nodes, userState: new Uint8Array() })
            return Effect.andThen(readMessage(connection, "responder"), Effect.ignore(connection.write(answer)))
          })
      })
      yield* joinAt(node, seed.ip)
      state = 2
      const joining = yield* Effect.forkChild(node.cluster.join([seed.ip]), { startImmediately: true })
      const first = Stream.filter(node.cluster.events, ({ _tag }) => _tag === "MemberSuspected")
      yield* Effect.forkChild(Effect.andThen(Stream.runHead(first), Fiber.interrupt(joining)), {
        startImmediately: true
      })
      yield* TestClock.adjust("10 minutes")
      const ends = node.seen.filter((event) => /^Member(Suspected|Failed) m/.test(event))
      assert.strictEqual(ends.length, 2_000)
      assert.deepStrictEqual(yield* view(node), ["a alive"])
    })
  )
})

describe("claims that are to be sent straight to somebody", () => {
  it.effect("while as many as may be are on their way are left to gossip, and counted; and sent again when those ended", () =>
    Effect.gen(function*() {
      let sending = 0
      const silent = yield* idle(SELF)
      const send = () => Effect.andThen(Effect.sync(() => void sending++), Effect.sleep("1 second"))
      const node: Node = { ...silent, transport: { ...silent.transport, send } }
      const untold = () => node.counters.totals().get("claim.untold:TooMany") ?? 0
      const names = Array.from({ length: LIMITS.claim + 5 }, (_, i) => `m${i}`)
      const table = cluster(...names)
      const tells = names.map((name): Directive => ({
        _tag: "Tell",
        member: entry(table, name),
        claim: suspect(name, 1, SELF)
      }))
      yield* Step.run(node, (m) => [m, tells])
      assert.deepStrictEqual([sending, untold()], [LIMITS.claim, 5])
      yield* TestClock.adjust("1 second")
      yield* Step.run(node, (m) => [m, tells.slice(0, 3)])
      assert.deepStrictEqual([sending, untold()], [LIMITS.claim + 3, 5])
    }))
})
