import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { Memberlist } from "../src/Memberlist.ts"
import { ConfigInvalid } from "../src/MemberlistError.ts"
import * as MemberMeta from "../src/MemberMeta.ts"
import * as MemberRpc from "../src/MemberRpc.ts"
import { Ring } from "../src/Ring.ts"
import { Announced } from "../src/rpc/Endpoint.ts"
import { SimulatedNetwork } from "../src/testing/network/SimulatedNetwork.ts"
import { CallWires } from "./support/CallWires.ts"
import { clusterTest, joinAt, passing, start, startMany, type TestNode } from "./support/Cluster.ts"
import { measuring } from "./support/Telemetry.ts"

class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String }) {}

const Group = RpcGroup.make(
  Rpc.make("Echo", { payload: { text: Schema.String }, success: Schema.String }),
  Rpc.make("Refuse", { payload: { why: Schema.String }, error: Refused }),
  Rpc.make("Die", { payload: {} }),
  Rpc.make("Wait", { payload: { id: Schema.String }, success: Schema.String }),
  Rpc.make("Count", { payload: { to: Schema.Int }, success: Schema.Int, stream: true }),
  Rpc.make("Chunks", { payload: { of: Schema.Int, to: Schema.Int }, success: Schema.Int, stream: true })
)
const Calls = MemberRpc.make("calls", Group)
const OtherGroup = RpcGroup.make(Rpc.make("Other", { payload: {}, success: Schema.String }))
const Others = MemberRpc.make("others", OtherGroup)

/** What the handlers of a member were asked, and what became of it. */
interface Served {
  readonly begun: Array<string>
  readonly interrupted: Array<string>
}

const handlers = (name: string, served: Served) =>
  Group.toLayer({
    Echo: ({ text }) =>
      Effect.sync(() => {
        served.begun.push(text)
        return `${name}: ${text}`
      }),
    Refuse: ({ why }) => why === "never" ? Effect.never : Effect.fail(new Refused({ why })),
    Die: () => Effect.die(new Error("a bug")),
    // "3 s" waits so long, and anything else has no end
    Wait: ({ id }) =>
      Effect.sync(() => served.begun.push(id)).pipe(
        Effect.andThen(id.endsWith(" s") ? Effect.sleep(`${Number.parseInt(id)} seconds`) : Effect.never),
        Effect.as(`${name} waited`),
        Effect.onInterrupt(() => Effect.sync(() => served.interrupted.push(id)))
      ),
    Chunks: ({ of, to }) => Stream.rechunk(Stream.range(1, to), of),
    // one above ten never comes
    Count: ({ to }) =>
      Stream.concat(
        Stream.fromArray(Array.from({ length: Math.min(to, 10) }, (_, i) => i + 1)),
        to > 10 ? Stream.never : Stream.empty
      ).pipe(Stream.ensuring(Effect.sync(() => served.interrupted.push(`count ${to}`))))
  })

/** Serves on a node until the scope ends. */
const serve = Effect.fnUntraced(function*(
  wires: CallWires,
  { cluster, ip, name }: TestNode,
  options?: MemberRpc.ServeOptions
) {
  const served: Served = { begun: [], interrupted: [] }
  yield* Layer.build(Layer.fresh(
    Calls.serve(options).pipe(
      Layer.provide(handlers(name, served)),
      Layer.provide(wires.listener(ip))
    )
  )).pipe(Effect.provideService(Memberlist, cluster))
  return served
})

/** The calls of a node until the scope ends. */
const callsOf = (wires: CallWires, { cluster }: TestNode, options?: MemberRpc.Options) =>
  Layer.build(Layer.fresh(Calls.layer(options).pipe(Layer.provide(wires.connector)))).pipe(
    Effect.provideService(Memberlist, cluster),
    Effect.map(Context.get(Calls))
  )

/** A caller `a`, and `b` that serves, as `a` knows. */
const pair = Effect.fnUntraced(function*(options?: MemberRpc.Options) {
  const wires = new CallWires()
  const [a, b] = yield* startMany(2)
  const served = yield* serve(wires, b!)
  const calls = yield* callsOf(wires, a!, options)
  yield* TestClock.adjust("2 seconds")
  return { a: a!, b: b!, wires, served, calls, at: "10.0.0.2:9000", toB: calls.on({ name: "b" }) }
})

/** The tag and the fields of what an effect fails with, after its time. */
const failureOf = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
  const exit = yield* passing(Effect.exit(effect))
  return reasonOf(exit)
})

const reasonOf = <A, E>(exit: Exit.Exit<A, E>): unknown => {
  if (Exit.isSuccess(exit)) return exit.value
  const [reason] = exit.cause.reasons
  if (reason === undefined || !Cause.isFailReason(reason)) return exit.cause
  return reason.error instanceof Error ? { ...reason.error } : reason.error
}

/** Runs on in the scope of the test. */
const begin = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkScoped(effect, { startImmediately: true })

/** How a fiber ended, without time for it to do so. */
const ended = <A, E>(fiber: Fiber.Fiber<A, E>): unknown => {
  const exit = fiber.pollUnsafe()
  return exit === undefined ? "under way" : reasonOf(exit)
}

const gone = (became: string, mayHaveRun = true) => ({
  _tag: "MemberGone",
  member: "b",
  calls: "calls",
  became,
  mayHaveRun
})

describe("a call to a member", () => {
  clusterTest(
    "is answered, or fails as the group says, whether the member is somebody else or this node",
    Effect.gen(function*() {
      const { a, calls, toB, wires } = yield* pair()
      yield* serve(wires, a)
      assert.strictEqual(yield* passing(toB.Echo({ text: "x" })), "b: x")
      assert.strictEqual(yield* passing(calls.on({ name: "a" }).Echo({ text: "x" })), "a: x")
      assert.deepStrictEqual(yield* failureOf(toB.Refuse({ why: "no" })), { _tag: "Refused", why: "no" })
      assert.deepStrictEqual(yield* passing(Stream.runCollect(toB.Count({ to: 3 }))), [1, 2, 3])
      const queued = Effect.scoped(Effect.flatMap(toB.Count({ to: 3 }, { asQueue: true }), Queue.takeAll))
      assert.deepStrictEqual(yield* passing(queued), [1, 2, 3])
      assert.deepStrictEqual((yield* calls.members).map(({ name }) => name).sort(), ["a", "b"])
    })
  )

  clusterTest(
    "ends when the member fails, and suspicion alone ends nothing",
    Effect.gen(function*() {
      const { a, at, b, served, toB, wires } = yield* pair()
      const net = yield* SimulatedNetwork
      const call = yield* begin(toB.Wait({ id: "long" }))
      const stream = yield* begin(Stream.runDrain(toB.Count({ to: 11 })))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(served.begun, ["long"])
      wires.silence(at)
      yield* net.crash(b.ip)
      let suspected = false
      for (;;) {
        yield* TestClock.adjust("50 millis")
        const { state } = yield* a.cluster.member("b").pipe(Effect.flatMap(Effect.fromOption))
        if (state === "dead") break
        suspected ||= state === "suspect"
        assert.strictEqual(ended(call), "under way")
      }
      assert.isTrue(suspected)
      assert.deepStrictEqual([ended(call), ended(stream)], [gone("failed"), gone("failed")])
      // and whoever calls now is told at once
      assert.deepStrictEqual(yield* failureOf(toB.Echo({ text: "x" })), { _tag: "UnknownMember", target: "b" })
    })
  )

  clusterTest(
    "ends when the member leaves, also one that waits for its connection, which has not run",
    Effect.gen(function*() {
      const { b, calls, wires, ...rest } = yield* pair()
      wires.deaf.add(rest.at)
      const waiting = yield* begin(calls.on({ name: "b" }).Echo({ text: "x" }))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(ended(waiting), "under way")
      const leaving = yield* begin(b.cluster.leave())
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(ended(waiting), gone("left"))
      yield* passing(Fiber.join(leaving))
      assert.deepStrictEqual(rest.served.begun, [])
    })
  )

  clusterTest(
    "follows a name that moved: what was under way ends, and the next goes where it serves now",
    Effect.gen(function*() {
      const wires = new CallWires()
      const config = { nameConflictPolicy: "replace" } as const
      const [a, b] = yield* startMany(2, { config })
      const calls = yield* callsOf(wires, a!)
      const first = yield* Scope.make()
      yield* Scope.provide(serve(wires, b!), first)
      yield* TestClock.adjust("2 seconds")
      const toB = calls.on({ name: "b" })
      assert.strictEqual(yield* passing(toB.Echo({ text: "1" })), "b: 1")
      const call = yield* begin(toB.Wait({ id: "long" }))
      yield* TestClock.adjust("1 second")
      // a machine that is gone says nothing; the name comes back elsewhere before anybody noticed
      wires.silence("10.0.0.2:9000")
      const net = yield* SimulatedNetwork
      yield* net.crash(b!.ip)
      const again = yield* start("b", "10.0.0.9", { config })
      const served = yield* serve(wires, again)
      yield* joinAt(again, a!.address)
      for (let i = 0; i < 1200 && ended(call) === "under way"; i++) yield* TestClock.adjust("50 millis")
      assert.deepStrictEqual(ended(call), gone("moved"))
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(yield* passing(toB.Echo({ text: "2" })), "b: 2")
      assert.deepStrictEqual(served.begun, ["2"])
      assert.deepStrictEqual(wires.opened.map(({ to }) => to), ["10.0.0.2:9000", "10.0.0.9:9001"])
      yield* Scope.close(first, Exit.void)
    })
  )

  clusterTest(
    "ends where the member itself serves at another address",
    Effect.gen(function*() {
      const { a, calls, wires } = yield* pair()
      const first = yield* Scope.make()
      yield* Scope.provide(serve(wires, a), first)
      const call = yield* begin(calls.on({ name: "a" }).Wait({ id: "long" }))
      yield* TestClock.adjust("1 second")
      wires.silence("10.0.0.1:9001")
      yield* Scope.close(first, Exit.void)
      assert.strictEqual(ended(call), "under way")
      yield* serve(wires, a)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(ended(call), { ...gone("moved"), member: "a" })
    })
  )

  clusterTest(
    "is never sent again when its connection breaks, and the next one connects anew",
    Effect.gen(function*() {
      const { at, served, toB, wires } = yield* pair()
      const call = yield* begin(toB.Wait({ id: "first" }))
      const stream = yield* begin(Stream.runDrain(toB.Count({ to: 11 })))
      yield* TestClock.adjust("1 second")
      wires.break(at)
      yield* TestClock.adjust("1 millis")
      const broken = {
        _tag: "CallBroken",
        member: "b",
        calls: "calls",
        address: at,
        reason: "SocketCloseError: 1006",
        mayHaveRun: true
      }
      assert.deepStrictEqual([ended(call), ended(stream)], [broken, broken])
      // at once, and not after the pause that Effect's client makes before it connects again
      const next = yield* begin(toB.Echo({ text: "second" }))
      yield* TestClock.adjust("2 millis")
      assert.strictEqual(ended(next), "b: second")
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(served, { begun: ["first", "second"], interrupted: ["first", "count 11"] })
      assert.strictEqual(wires.opened.length, 2)
    })
  )

  clusterTest(
    "that finds nobody at the address has not run",
    Effect.gen(function*() {
      const { at, toB, wires } = yield* pair()
      wires.servers.delete(at)
      assert.deepStrictEqual(yield* failureOf(toB.Echo({ text: "x" })), {
        _tag: "CallBroken",
        member: "b",
        calls: "calls",
        address: at,
        reason: "SocketOpenError: connection refused",
        mayHaveRun: false
      })
    })
  )

  clusterTest(
    "that is interrupted interrupts the handler, and waits for nobody",
    Effect.gen(function*() {
      const { at, served, toB, wires } = yield* pair()
      const call = yield* begin(toB.Wait({ id: "long" }))
      const stream = yield* begin(Stream.runDrain(toB.Count({ to: 11 })))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(call)
      yield* Fiber.interrupt(stream)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(served.interrupted, ["long", "count 11"])
      wires.silence(at)
      wires.break(at)
      yield* TestClock.adjust("1 millis")
      const waiting = yield* begin(toB.Echo({ text: "x" }))
      yield* TestClock.adjust("1 second")
      yield* begin(Fiber.interrupt(waiting))
      // no time passes
      yield* TestClock.adjust("0 millis")
      assert.isDefined(waiting.pollUnsafe())
      assert.deepStrictEqual(served.begun, ["long"])
    })
  )

  clusterTest(
    "that dies there fails, and the others on the connection go on",
    Effect.gen(function*() {
      const { served, toB, wires } = yield* pair()
      const other = yield* begin(toB.Wait({ id: "3 s" }))
      assert.deepStrictEqual(yield* failureOf(toB.Die({})), {
        _tag: "CallDied",
        member: "b",
        calls: "calls",
        reason: "it died there: a bug",
        mayHaveRun: true
      })
      assert.strictEqual(yield* passing(Fiber.join(other)), "b waited")
      assert.deepStrictEqual(served.begun, ["3 s"])
      assert.strictEqual(wires.opened.length, 1)
    })
  )

  clusterTest(
    "that its schema does not encode is a defect of the program, and one that is too large an error; both are not sent",
    Effect.gen(function*() {
      const { served, toB } = yield* pair()
      const wrong = toB.Echo({ text: 7 } as unknown as { readonly text: string })
      assert.isTrue(Exit.hasDies(yield* passing(Effect.exit(wrong))))
      const large = yield* failureOf(toB.Echo({ text: "x".repeat(5_000_000) }))
      assert.deepInclude(large as object, { _tag: "RequestTooLarge", member: "b", limit: 4 * 1024 * 1024 })
      assert.strictEqual(yield* passing(toB.Echo({ text: "x" })), "b: x")
      assert.deepStrictEqual(served.begun, ["x"])
    })
  )

  clusterTest(
    "ends when something else answers there",
    Effect.gen(function*() {
      const { at, toB, wires } = yield* pair()
      const hostile = (frame: string) =>
        Effect.gen(function*() {
          const call = yield* begin(toB.Wait({ id: "long" }))
          yield* TestClock.adjust("1 second")
          for (const wire of wires.open(at)) Queue.offerUnsafe(wire.toClient, frame)
          yield* TestClock.adjust("1 millis")
          const end = ended(call) as { readonly _tag?: string }
          return end._tag ?? end
        })
      assert.strictEqual(yield* hostile("HTTP/1.1 400 Bad Request\r\n\r\n"), "CallBroken")
      assert.strictEqual(yield* hostile("x".repeat(5_000_000)), "CallBroken")
      assert.strictEqual(yield* hostile("{\"_tag\":\"Defect\",\"defect\":\"no\"}\n"), "CallDied")
      assert.strictEqual(yield* hostile("{\"_tag\":\"Defect\",\"defect\":{\"toString\":1}}\n"), "CallDied")
      const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`
      assert.strictEqual(yield* hostile(`{"_tag":"Defect","defect":${deep}}\n`), "CallDied")
      for (
        const frame of [
          "{\"_tag\":\"Defect\"}\n",
          "null\n",
          // what only this side may say of a connection
          "{\"_tag\":\"ClientProtocolError\"}\n",
          "{\"_tag\":\"ClientProtocolError\",\"error\":{\"_tag\":\"RpcClientError\",\"reason\":{}}}\n"
        ]
      ) {
        assert.strictEqual(yield* hostile(frame), "CallBroken", frame)
      }
      // and what asks nothing of anybody is passed over
      assert.strictEqual(yield* hostile("7\n{}\n[]\n{\"_tag\":\"?\",\"requestId\":1}\n"), "under way")
      assert.strictEqual(yield* passing(toB.Echo({ text: "x" })), "b: x")
    })
  )

  clusterTest(
    "ends with one error, whatever an answer says that it failed with",
    Effect.gen(function*() {
      const { at, toB, wires } = yield* pair()
      const refused = { _tag: "Fail", error: { _tag: "Refused", why: "no" } }
      const answered = (cause: ReadonlyArray<object>) =>
        Effect.gen(function*() {
          const call = yield* begin(toB.Refuse({ why: "never" }))
          yield* TestClock.adjust("1 second")
          const requestId = Number(/"id":"?(\d+)/.exec(wires.lastRequest ?? "")?.[1])
          const frame = JSON.stringify({ _tag: "Exit", requestId, exit: { _tag: "Failure", cause } })
          for (const wire of wires.open(at)) Queue.offerUnsafe(wire.toClient, `${frame}\n`)
          yield* TestClock.adjust("1 millis")
          const exit = call.pollUnsafe()
          return exit !== undefined && Exit.isFailure(exit)
            ? exit.cause.reasons.map((reason) => Cause.isFailReason(reason) ? reason.error._tag : reason._tag)
            : []
        })
      assert.deepStrictEqual(yield* answered([]), ["CallDied"])
      assert.deepStrictEqual(yield* answered([refused, { _tag: "Die", defect: "no" }]), ["Refused"])
      assert.deepStrictEqual(yield* answered([{ _tag: "Interrupt", fiberId: 1 }, refused]), ["Refused"])
      assert.deepStrictEqual(yield* answered([{ _tag: "Die", defect: "no" }, refused]), ["CallDied"])
    })
  )

  clusterTest(
    "ends with the layers: that of the caller, and that of the member",
    Effect.gen(function*() {
      const wires = new CallWires()
      const [a, b] = yield* startMany(2)
      const [calling, serving] = [yield* Scope.make(), yield* Scope.make()]
      const served = yield* Scope.provide(serve(wires, b!), serving)
      const calls = yield* callsOf(wires, a!)
      const others = yield* Scope.provide(callsOf(wires, a!), calling)
      yield* TestClock.adjust("2 seconds")
      const [first, second] = [
        yield* begin(others.on({ name: "b" }).Wait({ id: "first" })),
        yield* begin(calls.on({ name: "b" }).Wait({ id: "second" }))
      ]
      yield* TestClock.adjust("1 second")
      yield* Scope.close(calling, Exit.void)
      yield* TestClock.adjust("1 millis")
      const closed = { _tag: "CallsClosed", member: "b", calls: "calls" }
      assert.deepStrictEqual(ended(first), { ...closed, mayHaveRun: true })
      assert.deepStrictEqual(yield* failureOf(others.on({ name: "b" }).Echo({ text: "x" })), {
        ...closed,
        mayHaveRun: false
      })
      assert.deepStrictEqual(served, { begun: ["first", "second"], interrupted: ["first"] })

      yield* passing(Scope.close(serving, Exit.void))
      yield* TestClock.adjust("1 millis")
      const died = {
        _tag: "CallDied",
        member: "b",
        calls: "calls",
        reason: "it was interrupted there",
        mayHaveRun: true
      }
      assert.deepStrictEqual(ended(second), died)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* failureOf(calls.on({ name: "b" }).Echo({ text: "x" })), {
        _tag: "NotServing",
        member: "b",
        calls: "calls"
      })
      // and the name is free again
      yield* serve(wires, b!)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* passing(calls.on({ name: "b" }).Echo({ text: "y" })), "b: y")
    })
  )
})

describe("a member", () => {
  clusterTest(
    "goes on serving whatever is sent to it",
    Effect.gen(function*() {
      const { at, toB, wires } = yield* pair()
      const request = { _tag: "Request", id: 1, tag: "Echo", payload: { text: "x" }, headers: [] }
      const frames = [
        "GET / HTTP/1.1\r\n\r\n",
        "x".repeat(5_000_000),
        ...[
          null,
          {},
          { _tag: "Request" },
          { ...request, tag: "__proto__" },
          { ...request, tag: "None" },
          { ...request, payload: null },
          { ...request, headers: 7 },
          { ...request, id: {} },
          { _tag: "Interrupt" },
          { _tag: "Ack", requestId: "none" }
        ].map((message) => `${JSON.stringify(message)}\n`)
      ]
      for (const frame of frames) {
        yield* passing(toB.Echo({ text: "before" }))
        for (const wire of wires.open(at)) Queue.offerUnsafe(wire.toServer, frame)
        yield* TestClock.adjust("1 second")
        const next = yield* passing(Effect.exit(toB.Echo({ text: "next" })))
        const last = yield* passing(toB.Echo({ text: "last" }))
        assert.strictEqual(last, "b: last", `${frame.slice(0, 20)} ${String(reasonOf(next))}`)
      }
    })
  )
})

describe("calls", () => {
  clusterTest(
    "are interrupted at any moment, and leave nothing behind",
    Effect.gen(function*() {
      const { at, served, toB, wires } = yield* pair({ idleTimeToLive: "5 seconds" })
      for (let round = 0; round < 60; round++) {
        const delay = `${yield* Random.nextIntBetween(0, 3_000)} micros` as const
        const calls = [
          yield* begin(toB.Wait({ id: "long" })),
          yield* begin(Stream.runDrain(toB.Count({ to: 11 }))),
          yield* begin(toB.Echo({ text: "x" }))
        ]
        yield* TestClock.adjust(delay)
        if (round % 7 === 0) wires.break(at)
        yield* begin(Fiber.interruptAll(calls))
        yield* TestClock.adjust(round % 3 === 0 ? "1 millis" : "0 millis")
        assert.isTrue(calls.every((call) => call.pollUnsafe() !== undefined))
      }
      yield* TestClock.adjust("2 seconds")
      const waits = served.begun.filter((id) => id === "long").length
      assert.isAbove(waits, 0)
      assert.strictEqual(served.interrupted.filter((id) => id === "long").length, waits)
      assert.strictEqual(yield* passing(toB.Echo({ text: "y" })), "b: y")
      yield* TestClock.adjust("6 seconds")
      assert.strictEqual(wires.open(at).length, 0)
    })
  )

  clusterTest(
    "end at once with their layer, also those that wait for a connection or for room in a queue",
    Effect.gen(function*() {
      const { a, at, calls, wires } = yield* pair()
      yield* serve(wires, a)
      const scope = yield* Scope.make()
      const others = yield* Scope.provide(callsOf(wires, a), scope)
      wires.deaf.add(at)
      const closed = { _tag: "CallsClosed", member: "b", calls: "calls", mayHaveRun: true }
      const waiting = yield* begin(others.on({ name: "b" }).Echo({ text: "x" }))
      const queue = yield* others.on({ name: "a" }).Count({ to: 11 }, { asQueue: true })
      const taking = yield* begin(Effect.andThen(Queue.takeN(queue, 10), Queue.take(queue)))
      yield* TestClock.adjust("1 second")
      const closing = yield* begin(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("0 millis")
      assert.isDefined(closing.pollUnsafe())
      assert.deepStrictEqual([ended(waiting), ended(taking)], [closed, { ...closed, member: "a" }])
      assert.strictEqual(yield* passing(calls.on({ name: "a" }).Echo({ text: "x" })), "a: x")
    })
  )

  clusterTest(
    "that fail are counted by the reason, and the errors of the group are not",
    measuring((read) =>
      Effect.gen(function*() {
        const { calls, toB } = yield* pair()
        yield* failureOf(toB.Refuse({ why: "no" }))
        yield* failureOf(calls.on({ name: "c" }).Echo({ text: "x" }))
        yield* failureOf(Stream.runDrain(calls.on({ name: "a" }).Count({ to: 1 })))
        yield* failureOf(calls.on({ name: "a" }).Echo({ text: "x" }))
        const count = (reason: string) => read.number("memberlist.rpc.failed", { calls: "calls", reason })
        assert.deepStrictEqual(
          [count("UnknownMember"), count("NotServing"), count("Refused")],
          [1, 2, 0]
        )
      })
    )
  )
})

describe("an address that is not called", () => {
  const announcing = Effect.fnUntraced(function*(value: Announced, config: { cidrsAllowed?: Array<string> } = {}) {
    const wires = new CallWires()
    const [a, b] = yield* startMany(2, { config })
    const meta = MemberMeta.make(Announced, { name: Calls.section })
    yield* Effect.provideService(Layer.build(Layer.fresh(meta.layer(value))), Memberlist, b!.cluster)
    const calls = yield* callsOf(wires, a!)
    yield* TestClock.adjust("2 seconds")
    const failure = yield* failureOf(calls.on({ name: "b" }).Echo({ text: "x" }))
    assert.deepStrictEqual(wires.opened, [])
    return failure as { readonly _tag: string; readonly value?: string; readonly address?: string }
  })

  clusterTest(
    "is one outside of cidrsAllowed",
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* announcing({ port: 80, host: "10.1.0.1" }, { cidrsAllowed: ["10.0.0.0/24"] }),
        { _tag: "EndpointRefused", member: "b", calls: "calls", address: "10.1.0.1:80" } as never
      )
    })
  )

  for (
    const [what, value, shown] of [
      ["a host name", { port: 80, host: "example.org" }, "example.org:80"],
      ["port 0", { port: 0 }, "10.0.0.2:0"],
      ["every address", { port: 80, host: "0.0.0.0" }, "0.0.0.0:80"],
      ["many machines", { port: 80, host: "239.0.0.1" }, "239.0.0.1:80"],
      ["our own machine", { port: 80, host: "127.0.0.1" }, "127.0.0.1:80"],
      ["our own machine, written otherwise", { port: 80, host: "::ffff:127.0.0.1" }, "[::ffff:127.0.0.1]:80"]
    ] as const
  ) {
    clusterTest(
      `is that of ${what}`,
      Effect.gen(function*() {
        const { _tag, value: told } = yield* announcing(value)
        assert.deepStrictEqual([_tag, told], ["EndpointInvalid", shown])
      })
    )
  }

  for (
    const [what, ip, shown] of [
      ["our own machine", "127.0.0.1", "127.0.0.1:80"],
      ["every address", "0.0.0.0", "0.0.0.0:80"],
      ["many machines", "239.0.0.1", "239.0.0.1:80"]
    ] as const
  ) {
    clusterTest(
      `is that of ${what} where a member says that it is there itself`,
      Effect.gen(function*() {
        const wires = new CallWires()
        const [a] = yield* startMany(1)
        const c = yield* start("c", ip)
        yield* joinAt(c, a!.address)
        const meta = MemberMeta.make(Announced, { name: Calls.section })
        yield* Effect.provideService(Layer.build(Layer.fresh(meta.layer({ port: 80 }))), Memberlist, c.cluster)
        const calls = yield* callsOf(wires, a!)
        yield* TestClock.adjust("2 seconds")
        const failure = yield* failureOf(calls.on({ name: "c" }).Echo({ text: "x" }))
        assert.deepInclude(failure as object, { _tag: "EndpointInvalid", value: shown })
      })
    )
  }

  clusterTest(
    "is what does not decode, and one of a member that serves nothing or is unknown",
    Effect.gen(function*() {
      const { a, calls, wires } = yield* pair()
      const c = yield* start("c", "10.0.0.3")
      yield* joinAt(c, a.address)
      const meta = MemberMeta.make(Schema.String, { name: Calls.section })
      yield* Effect.provideService(Layer.build(Layer.fresh(meta.layer("10.0.0.3:80"))), Memberlist, c.cluster)
      yield* TestClock.adjust("2 seconds")
      const tag = (name: string) =>
        Effect.map(failureOf(calls.on({ name }).Echo({ text: "x" })), (error) => (error as { _tag: string })._tag)
      assert.deepStrictEqual(
        [yield* tag("c"), yield* tag("a"), yield* tag("nobody")],
        ["EndpointInvalid", "NotServing", "UnknownMember"]
      )
      assert.deepStrictEqual(wires.opened, [])
      const member = (yield* a.cluster.members).find(({ name }) => name === "c")
      assert.isFalse(Calls.serves(member!))
    })
  )

  it("are not made for less than one member", () => {
    for (const maxClients of [0, -1, Number.NaN]) assert.throws(() => Calls.layer({ maxClients }), ConfigInvalid)
  })

  clusterTest(
    "is refused where it is announced, too",
    Effect.gen(function*() {
      const wires = new CallWires()
      const [a] = yield* startMany(1)
      const error = yield* failureOf(serve(wires, a!, { host: "a.example.org" }))
      assert.deepInclude(error as object, { _tag: "ConfigInvalid", value: "\"a.example.org\"" })
      // and so is a server on which no call would ever begin
      for (const concurrency of [0, 0.5, Number.NaN]) {
        const error = yield* failureOf(serve(wires, a!, { concurrency }))
        assert.deepInclude(error as object, { _tag: "ConfigInvalid", value: String(concurrency) })
      }
      assert.deepStrictEqual([...wires.servers], [])
    })
  )
})

describe("the connections of a node", () => {
  clusterTest(
    "are shared, closed when they were idle for a minute, and opened again",
    Effect.gen(function*() {
      const { at, toB, wires } = yield* pair()
      yield* passing(Effect.all([toB.Echo({ text: "1" }), toB.Echo({ text: "2" })], { concurrency: 2 }))
      yield* TestClock.adjust("50 seconds")
      yield* passing(toB.Echo({ text: "3" }))
      yield* TestClock.adjust("50 seconds")
      assert.deepStrictEqual([wires.opened.length, wires.open(at).length], [1, 1])
      yield* TestClock.adjust("11 seconds")
      assert.strictEqual(wires.open(at).length, 0)
      yield* passing(toB.Echo({ text: "4" }))
      assert.strictEqual(wires.opened.length, 2)
    })
  )

  clusterTest(
    "stay open under a long call, also one that nothing comes of",
    Effect.gen(function*() {
      const { at, toB, wires } = yield* pair({ idleTimeToLive: "1 second" })
      const call = yield* begin(toB.Wait({ id: "90 s" }))
      yield* TestClock.adjust("91 seconds")
      assert.strictEqual(ended(call), "b waited")
      assert.strictEqual(wires.opened.length, 1)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(wires.open(at).length, 0)
    })
  )

  clusterTest(
    "are bounded: one that is idle makes room, and a call that finds none fails",
    Effect.gen(function*() {
      const { a, calls, toB, wires } = yield* pair({ maxClients: 1 })
      yield* serve(wires, a)
      yield* passing(toB.Echo({ text: "1" }))
      const toA = calls.on({ name: "a" })
      const call = yield* begin(toA.Wait({ id: "long" }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(wires.opened.map(({ to }) => to), ["10.0.0.2:9000", "10.0.0.1:9001"])
      assert.strictEqual(wires.open("10.0.0.2:9000").length, 0)
      assert.deepStrictEqual(yield* failureOf(toB.Echo({ text: "2" })), {
        _tag: "ClientsFull",
        member: "b",
        calls: "calls",
        limit: 1
      })
      yield* Fiber.interrupt(call)
      assert.strictEqual(yield* passing(toB.Echo({ text: "3" })), "b: 3")
    })
  )

  clusterTest(
    "make room at once, also while one that is closed has not ended",
    Effect.gen(function*() {
      const { a, wires } = yield* pair()
      const c = yield* start("c", "10.0.0.3")
      yield* joinAt(c, a.address)
      for (const node of [a, c]) yield* serve(wires, node)
      yield* TestClock.adjust("2 seconds")
      const slow = Layer.effect(
        MemberRpc.Connector,
        Effect.map(MemberRpc.Connector, ({ connect }) =>
          MemberRpc.Connector.of({
            connect: (to, name) =>
              Effect.andThen(Effect.addFinalizer(() => Effect.sleep("1 second")), connect(to, name))
          }))
      ).pipe(Layer.provide(wires.connector))
      const scope = yield* Scope.make()
      const calls = yield* Layer.buildWithScope(Calls.layer({ maxClients: 2 }).pipe(Layer.provide(slow)), scope).pipe(
        Effect.provideService(Memberlist, a.cluster),
        Effect.map(Context.get(Calls))
      )
      const echo = (name: string) => calls.on({ name }).Echo({ text: "x" })
      yield* passing(echo("b"))
      yield* passing(echo("c"))
      const third = yield* begin(echo("a"))
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(ended(third), "a: x")
      const back = yield* begin(Effect.all([echo("b"), echo("c")], { concurrency: 2 }))
      yield* TestClock.adjust("10 millis")
      assert.deepStrictEqual(ended(back), ["b: x", "c: x"])
      yield* passing(Scope.close(scope, Exit.void))
    })
  )

  clusterTest(
    "are tried again after one that could not even be made",
    Effect.gen(function*() {
      const { a, wires } = yield* pair()
      let made = 0
      const failing = Layer.effect(
        MemberRpc.Connector,
        Effect.map(MemberRpc.Connector, ({ connect }) =>
          MemberRpc.Connector.of({
            connect: (to, name) => made++ === 0 ? Effect.die(new Error("a bug")) : connect(to, name)
          }))
      ).pipe(Layer.provide(wires.connector))
      const calls = yield* Layer.build(Layer.fresh(Calls.layer().pipe(Layer.provide(failing)))).pipe(
        Effect.provideService(Memberlist, a.cluster),
        Effect.map(Context.get(Calls))
      )
      const toB = calls.on({ name: "b" })
      assert.isTrue(Exit.hasDies(yield* passing(Effect.exit(toB.Echo({ text: "x" })))))
      assert.strictEqual(yield* passing(toB.Echo({ text: "y" })), "b: y")
    })
  )

  clusterTest(
    "that are silent for half a minute are given up",
    Effect.gen(function*() {
      const { at, toB, wires } = yield* pair()
      const call = yield* begin(toB.Wait({ id: "long" }))
      yield* TestClock.adjust("1 second")
      wires.silence(at)
      yield* TestClock.adjust("25 seconds")
      assert.strictEqual(ended(call), "under way")
      yield* TestClock.adjust("20 seconds")
      assert.deepInclude(ended(call) as object, { _tag: "CallBroken", mayHaveRun: true })
    })
  )
})

describe("a stream with a slow reader", () => {
  clusterTest(
    "holds up no other call, keeps its connection, and is given all values in their order",
    Effect.gen(function*() {
      const { toB, wires } = yield* pair()
      const given: Array<number> = []
      const reading = yield* begin(
        Stream.runForEach(
          toB.Chunks({ of: 10, to: 60 }),
          (value) => Effect.andThen(Effect.sleep("10 seconds"), Effect.sync(() => given.push(value)))
        )
      )
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(yield* passing(toB.Echo({ text: "x" })), "b: x")
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(given, Array.from({ length: 60 }, (_, i) => i + 1))
      assert.isDefined(reading.pollUnsafe())
      assert.strictEqual(wires.opened.length, 1)
    })
  )

  /** A reader that takes a second for each value after the first ten, and what a hostile member can send it. */
  const read = Effect.gen(function*() {
    const { at, toB, wires } = yield* pair()
    const given: Array<number> = []
    const reading = yield* begin(
      Stream.runForEach(
        toB.Count({ to: 11 }).pipe(Stream.drop(10)),
        (value) => Effect.andThen(Effect.sleep("1 second"), Effect.sync(() => given.push(value)))
      )
    )
    yield* TestClock.adjust("1 second")
    const requestId = Number(/"id":"?(\d+)/.exec(wires.lastRequest ?? "")?.[1])
    const send = (message: object) => {
      for (const { toClient } of wires.open(at)) {
        Queue.offerUnsafe(toClient, `${JSON.stringify({ ...message, requestId })}\n`)
      }
    }
    const sendChunk = (from: number, count: number) =>
      send({ _tag: "Chunk", values: Array.from({ length: count }, (_, i) => from + i) })
    const sendEnd = () => send({ _tag: "Exit", exit: { _tag: "Success", value: null } })
    return { given, reading, sendChunk, sendEnd, toB }
  })

  clusterTest(
    "of a member that sends more than it was asked for makes that member wait, and has all values all the same",
    Effect.gen(function*() {
      const { given, reading, sendChunk, sendEnd, toB } = yield* read
      for (let i = 0; i < 20; i++) sendChunk(i * 10, 10)
      sendEnd()
      const other = yield* begin(toB.Echo({ text: "x" }))
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual([ended(reading), ended(other)], ["under way", "under way"])
      yield* TestClock.adjust("200 seconds")
      assert.deepStrictEqual(given, Array.from({ length: 200 }, (_, i) => i))
      assert.deepStrictEqual([ended(reading), ended(other)], [undefined, "b: x"])
    })
  )

  clusterTest(
    "ends once, behind its values, whatever comes after its end",
    Effect.gen(function*() {
      const { given, reading, sendChunk, sendEnd, toB } = yield* read
      sendChunk(0, 10)
      yield* TestClock.adjust("10 millis")
      // more than waits for a reader, who is busy
      sendChunk(10, 90)
      sendEnd()
      for (let i = 0; i < 10; i++) sendChunk(100, 40)
      sendEnd()
      const other = yield* begin(toB.Echo({ text: "x" }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([ended(reading), ended(other)], ["under way", "b: x"])
      yield* TestClock.adjust("100 seconds")
      assert.deepStrictEqual(given, Array.from({ length: 100 }, (_, i) => i))
      assert.isUndefined(ended(reading))
    })
  )
})

describe("all members that match", () => {
  /** Five members that serve, `a` among them, which asks. */
  const five = Effect.gen(function*() {
    const wires = new CallWires()
    const nodes = yield* startMany(5)
    const served = yield* Effect.forEach(nodes, (node) => serve(wires, node))
    const calls = yield* callsOf(wires, nodes[0]!)
    yield* TestClock.adjust("3 seconds")
    return { calls, nodes, served, wires }
  })

  const told = <A, E>(replies: ReadonlyArray<MemberRpc.Reply<A, E>>) =>
    replies.map(({ member, result }) =>
      `${member.name} ${
        Result.isSuccess(result) ? String(result.success) : (result.failure as { readonly _tag: string })._tag
      }`
    ).sort()

  clusterTest(
    "are asked, and each has one reply: a value, its error, or that of its connection",
    Effect.gen(function*() {
      const { calls, wires } = yield* five
      wires.servers.delete("10.0.0.3:9002")
      const ask = calls.all(
        (client, { name }): Effect.Effect<string | void, Refused | MemberRpc.CallError> =>
          name === "d" ? client.Refuse({ why: "no" }) : client.Echo({ text: "x" }),
        {
          where: ({ name }) => name !== "e"
        }
      )
      assert.deepStrictEqual(told(yield* passing(Stream.runCollect(ask))), [
        "a a: x",
        "b b: x",
        "c CallBroken",
        "d Refused"
      ])
    })
  )

  clusterTest(
    "are asked so many at a time, until the deadline, and whoever is late is interrupted and named",
    Effect.gen(function*() {
      const { calls, served } = yield* five
      const asking = yield* begin(Stream.runCollect(
        calls.all((client, { name }) => client.Wait({ id: name === "a" || name === "b" ? "2 s" : "long" }), {
          concurrency: 2,
          deadline: "5 seconds"
        })
      ))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(served.flatMap(({ begun }) => begun).length, 2)
      yield* TestClock.adjust("3900 millis")
      assert.strictEqual(ended(asking), "under way")
      yield* TestClock.adjust("150 millis")
      const exit = asking.pollUnsafe()
      assert.isTrue(exit !== undefined && Exit.isSuccess(exit))
      const replies = exit !== undefined && Exit.isSuccess(exit) ? exit.value : []
      assert.strictEqual(replies.length, 5)
      const late = told(replies).filter((text) => text.endsWith("DeadlinePassed"))
      assert.isAtLeast(late.length, 3)
      const begun = served.flatMap(({ begun }) => begun)
      const asked = replies.flatMap(({ result }) =>
        Result.isFailure(result) && result.failure._tag === "DeadlinePassed" ? [result.failure.asked] : []
      )
      assert.strictEqual(asked.filter(Boolean).length, begun.filter((id) => id === "long").length)
      assert.include(asked, false)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(served.flatMap(({ begun }) => begun), begun)
      assert.strictEqual(
        served.flatMap(({ interrupted }) => interrupted).length,
        begun.filter((id) => id === "long").length
      )
    })
  )

  clusterTest(
    "are asked no further when the reader stops",
    Effect.gen(function*() {
      const { calls, served } = yield* five
      const first = calls.all((client, { name }) => client.Wait({ id: name === "c" ? "1 s" : "long" })).pipe(
        Stream.take(1),
        Stream.runCollect
      )
      assert.deepStrictEqual(told(yield* passing(first)), ["c c waited"])
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(served.flatMap(({ interrupted }) => interrupted).length, 4)
    })
  )

  clusterTest(
    "and the owner of a key is called where the ring says",
    Effect.gen(function*() {
      const { calls, nodes } = yield* five
      const ring = yield* Effect.provideService(
        Ring.make({ eligible: Calls.serves }),
        Memberlist,
        nodes[0]!.cluster
      )
      const owner = yield* ring.ownerOf("user/42")
      const asked = Effect.flatMap(calls.owner("user/42"), (client) => client.Echo({ text: "x" }))
      assert.strictEqual(yield* passing(Effect.provideService(asked, Ring, ring)), `${owner.name}: x`)
    })
  )
})

describe("several calls on one node", () => {
  clusterTest(
    "have an address each, beside other metadata, and one name is served once",
    Effect.gen(function*() {
      const { a, b, calls, wires } = yield* pair()
      const handler = OtherGroup.toLayer({ Other: () => Effect.succeed("other") })
      yield* Layer.build(Others.serve().pipe(Layer.provide(handler), Layer.provide(wires.listener(b.ip)))).pipe(
        Effect.provideService(Memberlist, b.cluster)
      )
      const others = yield* Layer.build(Others.layer().pipe(Layer.provide(wires.connector))).pipe(
        Effect.provideService(Memberlist, a.cluster),
        Effect.map(Context.get(Others))
      )
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* passing(others.on({ name: "b" }).Other({})), "other")
      assert.strictEqual(yield* passing(calls.on({ name: "b" }).Echo({ text: "x" })), "b: x")
      assert.deepStrictEqual(wires.opened.map(({ to }) => to), ["10.0.0.2:9001", "10.0.0.2:9000"])
      const again = yield* failureOf(Effect.scoped(serve(wires, b)))
      assert.deepInclude(again as object, { _tag: "MetaNameTaken" })
      assert.strictEqual(yield* passing(calls.on({ name: "b" }).Echo({ text: "y" })), "b: y")
    })
  )

  it("need names that are short and plain", () => {
    for (const name of ["", "a b", "/x", "x".repeat(65), "ü"]) {
      assert.throws(() => MemberRpc.make(name, Group), ConfigInvalid, undefined, name)
    }
    assert.strictEqual(Calls.section, "r:calls")
  })
})
