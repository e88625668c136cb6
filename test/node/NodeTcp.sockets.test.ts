import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Net from "node:net"
import { Worker } from "node:worker_threads"
import type { TransportError } from "../../src/MemberlistError.ts"
import * as NodeTcp from "../../src/node/NodeTcp.ts"
import * as Reporting from "../../src/node/Reporting.ts"
import type { TransportNotice } from "../../src/Transport.ts"
import { echo, readToEnd, serveOnce, transport } from "../support/Transports.ts"

const bytes = (...values: ReadonlyArray<number>) => Uint8Array.from(values)
const timeout = { timeout: Duration.seconds(5) }

/** A server outside Effect that does what it is told with each connection. */
const foreign = (onConnection: (conn: Net.Socket) => void) =>
  Effect.acquireRelease(
    Effect.promise(() =>
      new Promise<{ readonly server: Net.Server; readonly conns: Array<Net.Socket>; readonly port: number }>(
        (resolve) => {
          const conns: Array<Net.Socket> = []
          const server = Net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (conn) => {
            conn.on("error", () => undefined)
            conns.push(conn)
            onConnection(conn)
          })
          server.listen(0, "127.0.0.1", () => {
            const address = server.address()
            resolve({ server, conns, port: typeof address === "object" && address !== null ? address.port : 0 })
          })
        }
      )
    ),
    ({ conns, server }) =>
      Effect.promise(() => {
        for (const conn of conns) conn.destroy()
        return new Promise<void>((resolve) => server.close(() => resolve()))
      })
  )

/** Listens in a thread that stands still, so that nothing is ever accepted and the backlog fills up. */
const deafListener = Effect.map(
  Effect.acquireRelease(
    Effect.promise(() =>
      new Promise<{ readonly worker: Worker; readonly port: number }>((resolve, reject) => {
        const worker = new Worker(
          `const { parentPort } = require("node:worker_threads")
           const server = require("node:net").createServer()
           server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
             parentPort.postMessage(server.address().port)
             Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
           })`,
          { eval: true }
        )
        worker.once("error", reject)
        worker.once("message", (port: number) => resolve({ worker, port }))
      })
    ),
    ({ worker }) => Effect.promise(() => worker.terminate())
  ),
  ({ port }) => port
)

const elapsed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const start = yield* Clock.monotonicTimeNanos
    const value = yield* effect
    return [value, Number((yield* Clock.monotonicTimeNanos) - start) / 1e6] as const
  })

describe("a stream", () => {
  it.live("carries bytes both ways", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* transport(), yield* transport()]
      yield* Effect.forkScoped(b.serve(echo))
      const connection = yield* a.open(b.bound, timeout)
      assert.deepStrictEqual(connection.peer, b.bound)
      for (let i = 0; i < 3; i++) {
        yield* connection.write(bytes(i))
        assert.deepStrictEqual([...(yield* connection.pull)], [i])
      }
    }))
  for (const size of [1, 1024 * 1024, 20 * 1024 * 1024]) {
    it.live(`of ${size} bytes arrives whole when it is released right after writing`, () =>
      Effect.gen(function*() {
        const [a, b] = [yield* transport(), yield* transport()]
        const result = yield* serveOnce(b, readToEnd)
        const message = Buffer.alloc(size, "0123456789abcde")
        yield* Effect.scoped(Effect.flatMap(a.open(b.bound, timeout), (connection) => connection.write(message)))
        assert.isTrue(message.equals(yield* Deferred.await(result)))
      }))
  }
  it.live("arrives whole although the reader is slow and the answer as well", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* transport(), yield* transport()]
      const message = Buffer.alloc(3_000_000, "abcdefg")
      const result = yield* serveOnce(b, (connection) =>
        Effect.gen(function*() {
          yield* Effect.sleep("200 millis")
          let size = 0
          while (size < message.length) size += (yield* connection.pull).length
          yield* connection.write(message)
          return size
        }).pipe(Effect.orDie))
      const answer = yield* Effect.scoped(Effect.gen(function*() {
        const connection = yield* a.open(b.bound, timeout)
        yield* connection.write(message)
        return yield* readToEnd(connection)
      }))
      assert.strictEqual(yield* Deferred.await(result), message.length)
      assert.isTrue(message.equals(answer))
    }))
  it.live("answers a peer that has ended its side", () =>
    Effect.gen(function*() {
      const b = yield* transport()
      yield* Effect.forkScoped(
        b.serve((connection) => Effect.flatMap(readToEnd(connection), (all) => Effect.ignore(connection.write(all))))
      )
      const answer = yield* Effect.promise(() =>
        new Promise<string>((resolve, reject) => {
          const conn = Net.createConnection({ host: "127.0.0.1", port: b.bound.port, allowHalfOpen: true })
          conn.on("error", reject)
          conn.on("data", (data) => resolve(data.toString()))
          conn.end("hello")
        })
      )
      assert.strictEqual(answer, "hello")
    }))
})

describe("the end of a stream", () => {
  it.live("in order is Done for the reader, and no error", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* transport(), yield* transport()]
      yield* Effect.forkScoped(b.serve(() => Effect.void))
      const connection = yield* a.open(b.bound, timeout)
      assert.isTrue(Cause.isDone(yield* Effect.flip(connection.pull)))
      assert.isTrue(Cause.isDone(yield* Effect.flip(connection.pull)))
    }))
  it.live("by reset is an error of kind Closed, and writing does not hang", () =>
    Effect.gen(function*() {
      const a = yield* transport()
      const { port } = yield* foreign((conn) => void setTimeout(() => conn.resetAndDestroy(), 50))
      const connection = yield* a.open({ ip: "127.0.0.1", port }, timeout)
      assert.deepInclude({ ...(yield* Effect.flip(connection.pull)) }, {
        operation: "read",
        kind: "Closed",
        scope: "Remote"
      })
      const write = Effect.forever(connection.write(new Uint8Array(100_000)))
      assert.deepInclude({ ...(yield* Effect.flip(write)) }, { operation: "write", kind: "Closed", scope: "Remote" })
    }).pipe(Effect.timeout("5 seconds")))
  it.live("comes at once for the peer when our side fails", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* transport(), yield* transport()]
      const result = yield* serveOnce(b, readToEnd)
      yield* Effect.exit(Effect.scoped(Effect.andThen(a.open(b.bound, timeout), Effect.fail("no"))))
      const [, millis] = yield* elapsed(Deferred.await(result))
      assert.isBelow(millis, 2000)
    }))
  it.live("is not awaited beyond tcpTimeout when the peer does not read", () =>
    Effect.gen(function*() {
      const a = yield* transport({ tcpTimeout: "300 millis" })
      const { port } = yield* foreign(() => undefined)
      const scope = yield* Scope.make()
      const connection = yield* Scope.provide(a.open({ ip: "127.0.0.1", port }, timeout), scope)
      // fill both kernel buffers, and leave some more in ours
      const writing = yield* Effect.forkChild(Effect.exit(connection.write(new Uint8Array(30_000_000))))
      yield* Effect.sleep("200 millis")
      assert.isUndefined(writing.pollUnsafe())
      const [, millis] = yield* elapsed(Scope.close(scope, Exit.void))
      assert.isBelow(millis, 2000)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(writing)))
    }))
})

describe("opening", () => {
  const outcome = <A>(effect: Effect.Effect<A, TransportError, Scope.Scope>) =>
    Effect.map(Effect.flip(Effect.scoped(effect)), ({ kind, operation, scope }) => ({ kind, operation, scope }))

  it.live("is refused where nobody listens, as the network's fault", () =>
    Effect.gen(function*() {
      const a = yield* transport()
      const port = yield* Effect.scoped(Effect.map(transport(), (closed) => closed.bound.port))
      assert.deepStrictEqual(yield* outcome(a.open({ ip: "127.0.0.1", port }, timeout)), {
        kind: "Refused",
        operation: "open",
        scope: "Remote"
      })
    }))
  it.live("takes no longer than its timeout", () =>
    Effect.gen(function*() {
      const a = yield* transport()
      const to = { ip: "127.0.0.1", port: yield* deafListener }
      const attempt = outcome(Effect.asVoid(a.open(to, { timeout: Duration.millis(200) }))).pipe(elapsed)
      // the system itself answers for the first ones
      const scope = yield* Effect.scope
      for (let i = 0; i < 4; i++) {
        yield* Effect.forkIn(Effect.ignore(Scope.provide(a.open(to, timeout), scope)), scope)
      }
      yield* Effect.sleep("100 millis")
      const [error, millis] = yield* attempt
      assert.deepStrictEqual(error, { kind: "Timeout", operation: "open", scope: "Remote" })
      assert.isBelow(millis, 2000)
    }))
  it.live("takes no longer where the transport ends meanwhile", () =>
    Effect.gen(function*() {
      const flushTimeout = Duration.millis(300)
      const scope = yield* Scope.make()
      const a = yield* Scope.provide(
        NodeTcp.listen({ address: "127.0.0.1", port: 0, maxInbound: 1, flushTimeout }),
        scope
      )
      const to = { ip: "127.0.0.1", port: yield* deafListener }
      const own = yield* Effect.scope
      const open = Scope.provide(a.open(to, { timeout: flushTimeout }), own)
      // the system itself answers for the first ones
      const attempts = yield* Effect.forEach([1, 2, 3, 4, 5], () => Effect.forkIn(Effect.exit(open), own))
      yield* Effect.sleep("50 millis")
      yield* Scope.close(scope, Exit.void)
      const ends = yield* Effect.forEach(attempts, (fiber) => Effect.timeoutOption(Fiber.join(fiber), "1 second"))
      assert.isTrue(ends.every(Option.isSome))
      assert.isTrue(ends.some((end) => Option.isSome(end) && Exit.isFailure(end.value)))
    }))
})

describe("serving", () => {
  it.live("closes a connection when its handler ends and all when it is interrupted", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* transport(), yield* transport()]
      const serving = yield* Effect.forkScoped(b.serve(echo))
      const connection = yield* a.open(b.bound, timeout)
      yield* connection.write(bytes(1))
      yield* connection.pull
      yield* Fiber.interrupt(serving)
      yield* Effect.flip(connection.pull)
      yield* Effect.forkScoped(b.serve(echo))
      const again = yield* a.open(b.bound, timeout)
      yield* again.write(bytes(2))
      assert.deepStrictEqual([...(yield* again.pull)], [2])
    }))
  it.live("begins with the connections that came before it, and what they brought", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* transport(), yield* transport()]
      const early = yield* a.open(b.bound, timeout)
      yield* early.write(bytes(1))
      // it ends before anybody looks at it
      yield* Effect.scoped(a.open(b.bound, timeout))
      yield* Effect.sleep("20 millis")
      yield* Effect.forkScoped(b.serve(echo))
      assert.deepStrictEqual([...(yield* early.pull)], [1])
    }))
  it.live("keeps nothing of a thousand messages, one after the other", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* transport(), yield* transport()]
      const sizes: Array<number> = []
      yield* Effect.forkScoped(
        b.serve((connection) => Effect.map(readToEnd(connection), ({ length }) => void sizes.push(length)))
      )
      const handles = () => process.getActiveResourcesInfo().filter((kind) => kind === "TCPSocketWrap").length
      const before = handles()
      for (let i = 0; i < 1_000; i++) {
        yield* Effect.scoped(Effect.flatMap(a.open(b.bound, timeout), (connection) => connection.write(bytes(1, 2, 3))))
      }
      while (sizes.length < 1_000 || handles() > before) yield* Effect.sleep("5 millis")
      assert.deepStrictEqual([...new Set(sizes)], [3])
    }).pipe(Effect.timeout("10 seconds")))
  it.live("goes on after a handler that dies", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* transport(), yield* transport()]
      let handled = 0
      yield* Effect.forkScoped(b.serve((connection) => handled++ === 0 ? Effect.die("bug") : echo(connection)))
      const first = yield* a.open(b.bound, timeout)
      yield* Effect.flip(first.pull)
      const second = yield* a.open(b.bound, timeout)
      yield* second.write(bytes(2))
      assert.deepStrictEqual([...(yield* second.pull)], [2])
    }))
  it.live("refuses connections beyond its own limit, tells of each, and recovers", () =>
    Effect.gen(function*() {
      const a = yield* transport()
      const told: Array<TransportNotice> = []
      const { port, serve } = yield* NodeTcp.listen({
        address: "127.0.0.1",
        port: 0,
        maxInbound: 2,
        flushTimeout: Duration.seconds(10),
        notify: (notice) => void told.push(notice)
      })
      const b = { bound: { ip: "127.0.0.1", port } }
      yield* Effect.forkScoped(serve(echo))
      const talk = (connection: Effect.Success<ReturnType<typeof a.open>>) =>
        Effect.andThen(connection.write(bytes(7)), connection.pull)
      const scope = yield* Scope.make()
      const held = yield* Scope.provide(a.open(b.bound, timeout), scope)
      yield* talk(held)
      yield* talk(yield* a.open(b.bound, timeout))
      for (let i = 0; i < 3; i++) {
        const refused = yield* a.open(b.bound, timeout)
        yield* Effect.flip(refused.pull)
      }
      assert.deepStrictEqual(told.map((notice) => notice._tag === "StreamRefused" ? notice.detail : notice), [
        "2 are open",
        "2 are open",
        "2 are open"
      ])
      yield* Scope.close(scope, Exit.void)
      yield* Effect.sleep("50 millis")
      yield* talk(yield* a.open(b.bound, timeout))
    }))
  it("gives the place of the connection that flushes longest to a new one, and refuses it when there is none", () => {
    const limit = NodeTcp.makeLimit(2, Reporting.silent)
    const [first, second, third, fourth] = [new Net.Socket(), new Net.Socket(), new Net.Socket(), new Net.Socket()]
    assert.deepStrictEqual([first, second, third].map(limit.tryEnter), [true, true, false])
    limit.flush(second)
    limit.flush(first)
    assert.isTrue(limit.tryEnter(third))
    assert.deepStrictEqual([first, second].map(({ destroyed }) => destroyed), [false, true])
    // one that has given up its place can neither give it up again nor leave twice
    limit.flush(second)
    limit.leave(second)
    assert.isTrue(limit.tryEnter(fourth))
    assert.isTrue(first.destroyed)
    assert.isFalse(limit.tryEnter(second))
  })
  it.live("closes at once when its handler could not write everything to a peer that does not read", () =>
    Effect.gen(function*() {
      const b = yield* transport({ tcpTimeout: "1 minute" })
      yield* Effect.forkScoped(
        b.serve((connection) =>
          Effect.ignore(Effect.timeout(connection.write(new Uint8Array(30_000_000)), "200 millis"))
        )
      )
      const conn = Net.createConnection({ host: "127.0.0.1", port: b.bound.port }).pause()
      const closed = new Promise<void>((resolve) => conn.on("error", () => resolve()).on("close", () => resolve()))
      yield* Effect.sleep("400 millis")
      conn.resume()
      yield* Effect.promise(() => closed)
      assert.isBelow(conn.bytesRead, 30_000_000)
    }))
  it.live("does not hold up the transport's end by a peer that never reads", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const b = yield* Scope.provide(transport(), scope)
      yield* Effect.forkIn(
        Effect.ignore(b.serve((connection) => Effect.ignore(connection.write(new Uint8Array(30_000_000))))),
        scope
      )
      const conn = Net.createConnection({ host: "127.0.0.1", port: b.bound.port }).pause()
      conn.on("error", () => undefined)
      yield* Effect.sleep("200 millis")
      const [, millis] = yield* elapsed(Scope.close(scope, Exit.void))
      conn.destroy()
      assert.isBelow(millis, 2000)
    }))
})
