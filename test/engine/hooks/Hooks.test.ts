import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import type { Delegate } from "../../../src/Delegate.ts"
import * as HookCalls from "../../../src/engine/hooks/HookCalls.ts"
import * as Notices from "../../../src/engine/hooks/Notices.ts"
import { LIMITS } from "../../../src/engine/Work.ts"
import type { Member } from "../../../src/Member.ts"
import { JoinRejected } from "../../../src/MemberlistError.ts"
import * as Frame from "../../../src/wire/stream/Frame.ts"
import { clusterTest, joinAt, passing, start, startMany, type TestNode, view } from "../../support/Cluster.ts"
import { type FakePeer, fakePeer, introduce } from "../../support/FakePeer.ts"

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (payload: Uint8Array) => new TextDecoder().decode(payload)
const ip = (last: number) => Uint8Array.of(10, 0, 0, last)
const key = bytes("0123456789abcdef")

const countOf = (node: TestNode, counter: string) =>
  Effect.map(node.cluster.counters, (counters) => new Map<string, number>(counters).get(counter) ?? 0)

const join = (peer: FakePeer, userState = new Uint8Array()) =>
  Frame.encodePushPull({ join: true, nodes: [peer.row()], userState })

/** How long an effect took, in virtual milliseconds. */
const timed = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
  const before = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
  yield* effect
  return (yield* Effect.clockWith((clock) => clock.currentTimeMillis)) - before
})

describe("a hook that never answers", () => {
  clusterTest(
    "admit: the claim is ignored after a quarter of the TCP timeout, and acks and other claims go on",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", {
        delegate: { admit: ({ name }) => name === "stuck" ? Effect.never : Effect.void }
      })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* peer.send(a, peer.alive({ node: "stuck" }), peer.alive({ node: "next", addr: ip(8) }))
      yield* TestClock.adjust("1 second")
      yield* peer.send(a, peer.ping(7))
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(peer.all("Ack").length, 1)
      assert.deepStrictEqual(yield* view(a), ["a alive"])
      yield* TestClock.adjust("1500 millis")
      assert.deepStrictEqual((yield* view(a)).map((line) => line.split(" ")[0]), ["a", "next"])
      assert.strictEqual(yield* countOf(a, "hook.late:admit"), 1)
      assert.strictEqual(yield* countOf(a, "claim.ignored:NotAdmitted"), 1)
    })
  )

  clusterTest(
    "admit: a whole list is done with within the TCP timeout, and admits nobody who was not judged",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", {
        delegate: { admit: ({ name }) => name === "a" ? Effect.void : Effect.never }
      })
      const peer = yield* fakePeer("p", "10.0.0.9")
      const nodes = Array.from({ length: 50 }, (_, i) => peer.row({ name: `n${i}`, addr: ip(100 + i) }))
      yield* peer.ask(a, Frame.encodePushPull({ join: true, nodes, userState: new Uint8Array() }))
      yield* TestClock.adjust("11 seconds")
      assert.deepStrictEqual(yield* view(a), ["a alive"])
      assert.strictEqual(yield* countOf(a, "claim.ignored:NotAdmitted"), 50)
      assert.strictEqual(yield* countOf(a, "hook.late:admit"), 4)
    })
  )

  clusterTest(
    "merge: the joiner is told in time that it was rejected",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { delegate: { merge: () => Effect.never } })
      const b = yield* start("b", "10.0.0.2")
      const error = yield* Effect.flip(joinAt(b, a.address))
      assert.strictEqual(error.failed[0]?.error._tag, "JoinRejected")
      assert.include(error.message, "merge hook gave no answer")
      assert.strictEqual(yield* countOf(a, "hook.late:merge"), 1)
    })
  )

  clusterTest(
    "merge: our own join fails, and its other seeds are tried",
    Effect.gen(function*() {
      yield* start("a", "10.0.0.1")
      yield* start("c", "10.0.0.3")
      const stuckOnA = (members: ReadonlyArray<Member>) =>
        members.some(({ name }) => name === "a") ? Effect.never : Effect.void
      const b = yield* start("b", "10.0.0.2", { delegate: { merge: stuckOnA } })
      const report = yield* joinAt(b, "10.0.0.1", "10.0.0.3")
      assert.deepStrictEqual(report.contacted.map(({ seed }) => seed), ["10.0.0.3"])
      assert.deepStrictEqual(report.failed.map(({ error }) => error._tag), ["JoinRejected"])
    })
  )

  clusterTest(
    "localState: the exchange goes on without user state",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { delegate: { localState: () => Effect.never } })
      const b = yield* start("b", "10.0.0.2")
      assert.strictEqual((yield* joinAt(b, a.address)).contacted.length, 1)
      assert.strictEqual(yield* countOf(a, "hook.late:localState"), 1)
    })
  )

  clusterTest(
    "ackPayload: acks go without, and none waits for another's",
    Effect.gen(function*() {
      let calls = 0
      const a = yield* start("a", "10.0.0.1", {
        delegate: { ackPayload: Effect.suspend(() => calls++ === 0 ? Effect.never : Effect.succeed(bytes("load"))) }
      })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* peer.send(a, peer.ping(1))
      yield* TestClock.adjust("10 millis")
      yield* peer.send(a, peer.ping(2))
      yield* TestClock.adjust("20 millis")
      const answered = () => peer.all("Ack").map(({ payload, seqNo }) => [seqNo, payload === null ? "" : text(payload)])
      assert.deepStrictEqual(answered(), [[2, "load"]])
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(answered(), [[2, "load"], [1, ""]])
    })
  )

  clusterTest(
    "ackPayload: when too many acks wait for it, further ones go without at once",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { delegate: { ackPayload: Effect.never } })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* introduce(a, peer)
      peer.forget()
      for (let i = 1; i <= LIMITS.ack + 10; i++) {
        yield* peer.send(a, peer.ping(i))
        // no more at once than may wait for the responder
        if (i % 200 === 0) yield* TestClock.adjust("10 millis")
      }
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(peer.all("Ack").length, 10)
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(peer.all("Ack").length, LIMITS.ack + 10)
    })
  )

  clusterTest(
    "ackPayload and broadcasts: nobody is suspected",
    Effect.gen(function*() {
      const delegate = { ackPayload: Effect.never, broadcasts: () => Effect.never }
      const nodes = yield* startMany(3, { delegate })
      yield* TestClock.adjust("60 seconds")
      for (const node of nodes) {
        assert.deepStrictEqual(yield* view(node), ["a alive", "b alive", "c alive"])
        assert.strictEqual(yield* countOf(node, "probe.failed"), 0)
        assert.isAbove(yield* countOf(node, "hook.late:ackPayload"), 0)
        assert.isAbove(yield* countOf(node, "hook.late:broadcasts"), 0)
      }
    })
  )

  clusterTest(
    "and cannot be interrupted: it is called until sixteen calls are stuck, and again when one ends",
    Effect.gen(function*() {
      let calls = 0
      const ends: Array<Fiber.Fiber<void>> = []
      const stuck = Effect.gen(function*() {
        calls++
        const end = yield* Effect.forkChild(Effect.never)
        ends.push(end)
        yield* Fiber.await(end)
        return bytes("late")
      }).pipe(Effect.uninterruptible)
      const a = yield* start("a", "10.0.0.1", { delegate: { ackPayload: stuck } })
      const peer = yield* fakePeer("p", "10.0.0.9")
      for (let i = 1; i <= 30; i++) {
        yield* peer.send(a, peer.ping(i))
        yield* TestClock.adjust("150 millis")
      }
      assert.strictEqual(peer.all("Ack").length, 30)
      assert.strictEqual(calls, HookCalls.MAX_STUCK)
      assert.strictEqual(yield* countOf(a, "hook.late:ackPayload"), 30)
      yield* Fiber.interrupt(ends[0]!)
      yield* peer.send(a, peer.ping(31))
      yield* TestClock.adjust("150 millis")
      assert.strictEqual(calls, HookCalls.MAX_STUCK + 1)
      // Otherwise the node's scope could not close.
      for (const end of ends) yield* Fiber.interrupt(end)
    })
  )

  clusterTest(
    "conflict, pingComplete, mergeRemoteState: only the same hook waits, and its oldest notices make room",
    Effect.gen(function*() {
      const told: Array<string> = []
      const delegate: Delegate = {
        conflict: (_, other) => Effect.andThen(Effect.sync(() => void told.push(other.address)), Effect.never),
        pingComplete: () => Effect.never,
        mergeRemoteState: (state) => Effect.sync(() => void told.push(text(state)))
      }
      const config = { probeInterval: "100 millis", probeTimeout: "50 millis" } as const
      const a = yield* start("a", "10.0.0.1", { delegate, config })
      const b = yield* start("b", "10.0.0.2")
      yield* joinAt(b, a.address)
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* peer.send(a, peer.alive({ node: "b", incarnation: 9, port: 1 }))
      yield* TestClock.adjust("100 seconds")
      yield* peer.ask(a, join(peer, bytes("state")))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(told, ["10.0.0.9:1", "state"])
      assert.deepStrictEqual((yield* view(a)).slice(0, 2), ["a alive", "b alive"])
      // There were at most 1000 ticks, and one notice is being served.
      const dropped = yield* countOf(a, "hook.dropped:pingComplete")
      assert.isAtLeast(dropped, 100)
      assert.isAtMost(dropped, 999 - Notices.MAX_NOTICES)
    })
  )

  clusterTest(
    "mergeRemoteState: a join waits for it, but not forever",
    Effect.gen(function*() {
      yield* start("a", "10.0.0.1", { delegate: { localState: () => Effect.succeed(bytes("state")) } })
      const b = yield* start("b", "10.0.0.2", { delegate: { mergeRemoteState: () => Effect.never } })
      const millis = yield* timed(joinAt(b, "10.0.0.1"))
      assert.isAtLeast(millis, 2500)
      assert.isAtMost(millis, 2700)
    })
  )
})

describe("a hook that dies", () => {
  const dies = () => Effect.die(new Error("broken hook"))
  const throws = () => {
    throw new Error("broken hook")
  }
  const interrupts = () => Effect.interrupt

  clusterTest(
    "admit and merge: nobody is let in",
    Effect.gen(function*() {
      for (const [i, broken] of [dies, throws, interrupts].entries()) {
        const strict = yield* start("a", `10.0.${i}.1`, {
          delegate: { admit: ({ name }) => name === "a" ? Effect.void : broken() }
        })
        const closed = yield* start("c", `10.0.${i}.2`, { delegate: { merge: broken } })
        const b = yield* start("b", `10.0.${i}.3`)
        const error = yield* Effect.flip(joinAt(b, closed.address))
        assert.strictEqual(error.failed[0]?.error._tag, "JoinRejected")
        yield* joinAt(b, strict.address)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* view(strict), ["a alive"])
        assert.isAtLeast(yield* countOf(strict, "hook.died:admit"), 1)
        assert.strictEqual(yield* countOf(closed, "hook.died:merge"), 1)
        for (const node of [strict, closed, b]) yield* passing(node.stop)
      }
    })
  )

  clusterTest(
    "any other: the cluster goes on as if it were absent, and no loop is restarted",
    Effect.gen(function*() {
      for (const [i, broken] of [dies, throws, interrupts].entries()) {
        const delegate: Delegate = {
          ackPayload: Effect.suspend(broken),
          broadcasts: broken,
          localState: broken,
          conflict: broken,
          pingComplete: broken,
          mergeRemoteState: broken
        }
        const a = yield* start("a", `10.0.${i}.1`, { delegate })
        const b = yield* start("b", `10.0.${i}.2`, { delegate: { localState: () => Effect.succeed(bytes("state")) } })
        yield* joinAt(b, a.address)
        const peer = yield* fakePeer("p", `10.0.${i}.9`)
        yield* peer.send(a, peer.alive({ node: "b", incarnation: 9 }))
        yield* TestClock.adjust("10 seconds")
        for (const node of [a, b]) assert.deepStrictEqual(yield* view(node), ["a alive", "b alive"])
        for (const hook of Object.keys(delegate)) assert.isAtLeast(yield* countOf(a, `hook.died:${hook}`), 1, hook)
        const restarts = [...(yield* a.cluster.counters).keys()].filter((name) => name.startsWith("fiber.restarted"))
        assert.deepStrictEqual(restarts, [])
        for (const node of [a, b]) yield* passing(node.stop)
      }
    })
  )
})

describe("a hook that is told", () => {
  clusterTest(
    "is told one thing after the other, in the order of what caused it, however long it takes",
    Effect.gen(function*() {
      const told: Array<string> = []
      const slow = (what: string) =>
        Effect.gen(function*() {
          told.push(`> ${what}`)
          yield* Effect.sleep("1 second")
          told.push(`< ${what}`)
        })
      const a = yield* start("a", "10.0.0.1", {
        delegate: {
          conflict: (_, other) => slow(String(other.port)),
          mergeRemoteState: (state) => slow(text(state))
        }
      })
      const peer = yield* fakePeer("p", "10.0.0.9")
      for (const port of [peer.port, 1, 2, 3]) {
        yield* peer.send(a, peer.alive({ incarnation: 9, port }))
        yield* TestClock.adjust("10 millis")
      }
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(told, ["> 1", "< 1", "> 2", "< 2", "> 3", "< 3"])
      told.length = 0
      for (const state of ["x", "y"]) yield* peer.ask(a, join(peer, bytes(state)))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(told, ["> x", "< x", "> y", "< y"])
    })
  )

  clusterTest(
    "never runs inside the step that caused it",
    Effect.gen(function*() {
      const ages: Array<number> = []
      let members: TestNode["cluster"]["members"] = Effect.succeed([])
      const a = yield* start("a", "10.0.0.1", {
        delegate: { conflict: () => Effect.map(members, ({ length }) => void ages.push(length)) }
      })
      members = a.cluster.members
      const peer = yield* fakePeer("p", "10.0.0.9")
      // One list: the conflict in its first row is told when the whole list was merged.
      yield* peer.send(a, peer.alive({ node: "n", addr: ip(8) }))
      yield* TestClock.adjust("1 second")
      const rows = [peer.row({ name: "n", addr: ip(8), port: 1 }), peer.row()]
      yield* peer.ask(a, Frame.encodePushPull({ join: false, nodes: rows, userState: new Uint8Array() }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(ages, [3])
    })
  )
})

/** Every method of the service, called as it may be called from a hook of node `a`, with `b` and `c` as its peers. */
const methods: Readonly<Record<string, (cluster: TestNode["cluster"]) => Effect.Effect<unknown, unknown>>> = {
  localMember: (cluster) => cluster.localMember,
  members: (cluster) => cluster.members,
  member: (cluster) => cluster.member("b"),
  changes: (cluster) => Stream.runDrain(Stream.take(cluster.changes, 1)),
  events: (cluster) => Stream.runDrain(Stream.take(cluster.events, 1)),
  join: (cluster) => cluster.join(["10.0.0.2"]),
  joinScoped: (cluster) => Effect.scoped(cluster.joinScoped(["10.0.0.2"])),
  joinAfterwards: (cluster) => cluster.join(["10.0.0.2", "10.0.0.3"]),
  leave: (cluster) => cluster.leave(),
  joinAgain: (cluster) => cluster.join(["10.0.0.2", "10.0.0.3"]),
  updateMeta: (cluster) => cluster.updateMeta(bytes("meta"), { wait: "1 hour" }),
  send: (cluster) => cluster.send({ name: "b" }, bytes("x")),
  sendReliable: (cluster) => cluster.send({ name: "b" }, bytes("x"), { reliable: true }),
  broadcast: (cluster) => cluster.broadcast(bytes("x")),
  messages: (cluster) => Effect.timeoutOption(Stream.runDrain(Stream.take(cluster.messages, 1)), "1 second"),
  ping: (cluster) => cluster.ping({ name: "b" }),
  health: (cluster) => cluster.health,
  keyring: (cluster) =>
    Effect.gen(function*() {
      yield* cluster.keyring.add(key)
      yield* cluster.keyring.use(key)
    }),
  counters: (cluster) => cluster.counters
}

/** The delegate with one hook, which runs `effect` each time. */
const only = (hook: keyof Delegate, effect: Effect.Effect<void>): Delegate => {
  const delegates: Readonly<Record<keyof Delegate, Delegate>> = {
    admit: { admit: ({ name }) => name === "a" ? Effect.void : effect },
    merge: { merge: () => effect },
    conflict: { conflict: () => effect },
    ackPayload: { ackPayload: Effect.as(effect, bytes("load")) },
    pingComplete: { pingComplete: () => effect },
    localState: { localState: () => Effect.as(effect, bytes("state")) },
    mergeRemoteState: { mergeRemoteState: () => effect },
    broadcasts: { broadcasts: () => Effect.as(effect, [bytes("news")]) }
  }
  return delegates[hook]
}

const hooks = [
  "admit",
  "merge",
  "conflict",
  "ackPayload",
  "pingComplete",
  "localState",
  "mergeRemoteState",
  "broadcasts"
] as const satisfies ReadonlyArray<keyof Delegate>

describe("a hook may call the service", () => {
  for (const hook of hooks) {
    clusterTest(
      `${hook}: whatever method is called, and waited for, the cluster goes on`,
      Effect.gen(function*() {
        // The test decides which method the next call of the hook runs; all other calls do nothing.
        let next: string | undefined
        let cluster: TestNode["cluster"] | undefined
        const called: Array<string> = []
        const call = Effect.suspend(() => {
          const method = next === undefined ? undefined : methods[next]
          if (next === undefined || method === undefined || cluster === undefined) return Effect.void
          called.push(next)
          next = undefined
          return Effect.ignore(method(cluster))
        })
        const config = { pushPullInterval: "5 seconds", keyring: undefined } as const
        const a = yield* start("a", "10.0.0.1", { delegate: only(hook, call), config })
        cluster = a.cluster
        const peers = { delegate: { localState: () => Effect.succeed(bytes("state")) }, config }
        const b = yield* start("b", "10.0.0.2", peers)
        const c = yield* start("c", "10.0.0.3", peers)
        const peer = yield* fakePeer("p", "10.0.0.9")
        yield* joinAt(b, a.address)
        yield* joinAt(c, a.address)
        let port = 1
        for (const name of Object.keys(methods)) {
          if (name === "keyring") continue
          next = name
          // Everything that leads to some hook: a claim, a conflict, a ping, a join.
          yield* Effect.ignore(passing(b.cluster.updateMeta(bytes(name))))
          yield* peer.send(a, peer.alive({ node: "c", incarnation: 1000, port: port++ }), peer.ping(1000 + port))
          yield* Effect.ignore(joinAt(c, a.address))
          yield* TestClock.adjust("8 seconds")
        }
        assert.deepStrictEqual(called, Object.keys(methods).filter((name) => name !== "keyring"))
        // Whatever was left undone, the three know each other and hear each other.
        yield* joinAt(a, b.address, c.address)
        yield* b.cluster.updateMeta(bytes("after"))
        yield* TestClock.adjust("15 seconds")
        for (const node of [a, b, c]) {
          const members = (yield* node.cluster.members).filter(({ name }) => name !== "p")
          assert.deepStrictEqual(members.map(({ name }) => name).sort(), ["a", "b", "c"], node.name)
          assert.strictEqual(members.find(({ name }) => name === "b")?.metaText, "after", node.name)
          assert.strictEqual(yield* countOf(node, "fiber.restarted"), 0)
        }
        // Last, because the others do not have the key.
        next = "keyring"
        yield* peer.send(a, peer.alive({ node: "c", incarnation: 1000, port: port++ }), peer.ping(9999))
        yield* Effect.ignore(joinAt(c, a.address))
        yield* Effect.ignore(passing(b.cluster.updateMeta(bytes("keyring"))))
        yield* TestClock.adjust("8 seconds")
        assert.strictEqual(called.at(-1), "keyring")
        assert.strictEqual((yield* a.cluster.keyring.keys).length, 1)
      })
    )
  }

  clusterTest(
    "from every hook at once and every time, and nothing stops",
    Effect.gen(function*() {
      let cluster: TestNode["cluster"] | undefined
      const turns = [
        (cluster: TestNode["cluster"]) => cluster.join(["10.0.0.2"]),
        (cluster: TestNode["cluster"]) => cluster.ping({ name: "b" }),
        (cluster: TestNode["cluster"]) => cluster.broadcast(bytes("x")),
        (cluster: TestNode["cluster"]) => cluster.send({ name: "b" }, bytes("x"), { reliable: true })
      ]
      let turn = 0
      const call = Effect.suspend(() => {
        const method = turns[turn++ % turns.length]
        return cluster === undefined || method === undefined ? Effect.void : Effect.ignore(method(cluster))
      })
      const delegate = Object.assign({}, ...hooks.map((hook) => only(hook, call)))
      const a = yield* start("a", "10.0.0.1", { delegate })
      cluster = a.cluster
      const b = yield* start("b", "10.0.0.2")
      yield* joinAt(b, a.address)
      yield* TestClock.adjust("30 seconds")
      yield* b.cluster.updateMeta(bytes("still here"))
      yield* TestClock.adjust("10 seconds")
      const seen = (yield* a.cluster.members).find(({ name }) => name === "b")
      assert.strictEqual(seen?.metaText, "still here")
      assert.deepStrictEqual(yield* view(b), ["a alive", "b alive"])
      assert.isAbove(yield* countOf(a, "hook.reentered:broadcasts"), 0)
    })
  )
})

describe("a fiber that a hook leaves behind", () => {
  /** A hook that starts a join a second later, or right away, and goes on for so many milliseconds itself. */
  const joining = Effect.fnUntraced(function*(later: number, goesOn: number) {
    let asked = 0
    let cluster: TestNode["cluster"] | undefined
    const hook = Effect.gen(function*() {
      if (++asked > 1 || cluster === undefined) return bytes("state")
      const join = Effect.ignore(cluster.join(["10.0.0.2"]))
      yield* Effect.forkDetach(Effect.delay(join, later))
      if (goesOn > 0) yield* Effect.sleep(goesOn)
      return bytes("state")
    })
    const a = yield* start("a", "10.0.0.1", { delegate: { localState: () => hook }, config: { pushPullInterval: 0 } })
    cluster = a.cluster
    const b = yield* start("b", "10.0.0.2", { config: { pushPullInterval: 0 } })
    yield* joinAt(b, a.address)
    yield* TestClock.adjust("10 seconds")
    return { asked, reentered: yield* countOf(a, "hook.reentered:localState") }
  })

  clusterTest(
    "is no longer inside the hook when the hook's call has ended, and calls it again",
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* joining(1_000, 0), { asked: 2, reentered: 0 })
    })
  )

  clusterTest(
    "is inside it for as long as the call runs, which may be waiting for it",
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* joining(100, 1_000), { asked: 1, reentered: 1 })
    })
  )
})

describe("a name conflict", () => {
  clusterTest(
    "is an event with both addresses, and calls the delegate once, however often it is heard",
    Effect.gen(function*() {
      const told: Array<string> = []
      const a = yield* start("a", "10.0.0.1", {
        delegate: {
          conflict: (existing, other) => Effect.sync(() => void told.push(`${existing.address} ${other.address}`))
        }
      })
      const b = yield* start("b", "10.0.0.2")
      yield* joinAt(b, a.address)
      const peer = yield* fakePeer("p", "10.0.0.9")
      for (let i = 0; i < 20; i++) {
        yield* peer.send(a, peer.alive({ node: "b", incarnation: 10 + i, meta: bytes("twin") }))
        yield* TestClock.adjust("1 second")
      }
      const events = a.events.filter((event) => event._tag === "MemberConflict")
      assert.deepStrictEqual(
        events.map(({ member, missed, other, replaced }) => [
          member.address,
          member.state,
          other.address,
          other.metaText,
          missed,
          replaced
        ]),
        [["10.0.0.2:7946", "alive", "10.0.0.9:7946", "twin", 0, false]]
      )
      assert.deepStrictEqual(told, ["10.0.0.2:7946 10.0.0.9:7946"])
      assert.strictEqual(yield* countOf(a, "claim.ignored:AddressConflict"), 20)
      assert.strictEqual(yield* countOf(a, "member.conflict"), 1)
      yield* TestClock.adjust("60 seconds")
      yield* peer.send(a, peer.alive({ node: "b", incarnation: 99 }))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(told.length, 2)
      assert.deepStrictEqual(yield* view(a), ["a alive", "b alive"])
    })
  )

  clusterTest(
    "about this node's own name is told too, and the name is kept under either policy",
    Effect.gen(function*() {
      const peer = yield* fakePeer("p", "10.0.0.9")
      for (const nameConflictPolicy of ["keep", "replace"] as const) {
        const a = yield* start("a", "10.0.0.1", { config: { nameConflictPolicy } })
        yield* peer.send(a, peer.alive({ node: "a", incarnation: 10 }))
        yield* TestClock.adjust("1 second")
        const event = a.events.find((event) => event._tag === "MemberConflict")
        assert.strictEqual(event?.other.address, "10.0.0.9:7946")
        assert.strictEqual((yield* a.cluster.localMember).address, a.address)
        yield* passing(a.stop)
      }
    })
  )
})

describe("a veto", () => {
  clusterTest(
    "of the joiner fails its join with its own reason, and names no other side",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2", {
        delegate: { merge: () => Effect.fail(new JoinRejected({ reason: "not them" })) }
      })
      const error = yield* Effect.flip(joinAt(b, a.address))
      assert.deepStrictEqual(error.failed[0]?.error, new JoinRejected({ reason: "not them" }))
      // it was asked for its list, and never told of the joiner
      yield* TestClock.adjust("10 seconds")
      assert.notInclude(a.seen, "MemberJoined b")
    })
  )

  clusterTest(
    "of our own announcement ends the start, with the hook's reason",
    Effect.gen(function*() {
      const error = yield* Effect.flip(start("a", "10.0.0.1", {
        delegate: { admit: () => Effect.fail(new JoinRejected({ reason: "no name like that" })) }
      }))
      assert.include(String(error), "no name like that")
    })
  )
})
