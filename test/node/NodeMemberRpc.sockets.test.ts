import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Http from "node:http"
import * as Https from "node:https"
import * as Net from "node:net"
import { Memberlist } from "../../src/Memberlist.ts"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"
import * as MemberMeta from "../../src/MemberMeta.ts"
import * as MemberRpc from "../../src/MemberRpc.ts"
import * as NodeMemberRpc from "../../src/node/rpc/NodeMemberRpc.ts"
import * as NodeMemberlist from "../../src/NodeMemberlist.ts"
import { Announced } from "../../src/rpc/Endpoint.ts"
import { certificateFor } from "../support/Certificate.ts"

const Group = RpcGroup.make(
  Rpc.make("Echo", { payload: { text: Schema.String }, success: Schema.String }),
  Rpc.make("Wait", { payload: {} }),
  Rpc.make("Repeat", { payload: { length: Schema.Int }, success: Schema.String }),
  Rpc.make("Count", { payload: { to: Schema.Int }, success: Schema.Int, stream: true })
)
const Calls = MemberRpc.make("calls", Group)

interface Served {
  readonly begun: Array<string>
  readonly interrupted: Array<string>
}

const handlers = (served: Served) =>
  Group.toLayer({
    Echo: ({ text }) =>
      Effect.sync(() => {
        served.begun.push(text)
        return text
      }),
    Wait: () =>
      Effect.sync(() => served.begun.push("wait")).pipe(
        Effect.andThen(Effect.never),
        Effect.onInterrupt(() => Effect.sync(() => served.interrupted.push("wait")))
      ),
    Repeat: ({ length }) => Effect.succeed("x".repeat(length)),
    Count: ({ to }) =>
      Stream.concat(
        Stream.fromArray(Array.from({ length: Math.min(to, 10) }, (_, i) => i + 1)),
        to > 10 ? Stream.never : Stream.empty
      )
  })

/** Waits until something holds, by asking again: what is waited for is another fiber or the system. */
const until = (holds: () => boolean) =>
  Effect.gen(function*() {
    while (!holds()) yield* Effect.sleep("5 millis")
  })

const memberlist = (name: string) =>
  Effect.map(
    Layer.build(NodeMemberlist.layer({ ...MemberlistConfig.local, name, bindAddress: "127.0.0.1", bindPort: 0 })),
    Context.get(Memberlist)
  )

type Carrying = Layer.Layer<MemberRpc.Listener, MemberRpc.ListenFailed | Cause.UnknownError>

/** Serves on a node until the scope closes. */
const serve = Effect.fnUntraced(function*(cluster: Memberlist["Service"], listener: Carrying) {
  const served: Served = { begun: [], interrupted: [] }
  yield* Layer.build(Layer.fresh(Calls.serve().pipe(Layer.provide(handlers(served)), Layer.provide(listener)))).pipe(
    Effect.provideService(Memberlist, cluster)
  )
  return served
})

const callsOf = (cluster: Memberlist["Service"], connector: Layer.Layer<MemberRpc.Connector>) =>
  Layer.build(Layer.fresh(Calls.layer().pipe(Layer.provide(connector)))).pipe(
    Effect.provideService(Memberlist, cluster),
    Effect.map(Context.get(Calls))
  )

/** Serves on the HTTP server of a program, beside another route. */
const serveHttp = (
  cluster: Memberlist["Service"],
  served: Served,
  evaluate: () => Http.Server = Http.createServer,
  options?: NodeMemberRpc.HttpOptions
) =>
  Layer.build(Layer.fresh(
    HttpRouter.serve(
      Layer.mergeAll(
        Calls.serve().pipe(Layer.provide(handlers(served)), Layer.provide(NodeMemberRpc.listenHttp(options))),
        HttpRouter.add("GET", "/health", Effect.succeed(HttpServerResponse.text("well")))
      ),
      { disableListenLog: true, disableLogger: true }
    ).pipe(
      Layer.provide(NodeHttpServer.layer(evaluate, {
        host: "127.0.0.1",
        port: 0,
        gracefulShutdownTimeout: "10 millis"
      }))
    )
  )).pipe(Effect.provideService(Memberlist, cluster))

/** Two members that know each other, and once `b` serves, `a` knows. */
const pair = Effect.gen(function*() {
  const [a, b] = yield* Effect.all([memberlist("a"), memberlist("b")], { concurrency: 2 })
  yield* b.join([a.info.advertised])
  return { a, b }
})

const knowing = (a: Memberlist["Service"]) =>
  Stream.runHead(Stream.filter(a.changes, (members) => members.some(Calls.serves)))

const failure = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => ({ ...error as object }) as { readonly [field: string]: unknown })

describe("calls over TCP", { concurrent: true }, () => {
  it.live("are answered at the port that the system chose, and broken ones end and are not repeated", () =>
    Effect.gen(function*() {
      const { a, b } = yield* pair
      const scope = yield* Scope.make()
      const served = yield* Scope.provide(serve(b, NodeMemberRpc.listenSocket()), scope)
      const toB = (yield* callsOf(a, NodeMemberRpc.connectSocket())).on({ name: "b" })
      yield* knowing(a)
      const texts = Array.from({ length: 100 }, (_, i) => `ü${i}`)
      const echoes = Effect.forEach(texts, (text) => toB.Echo({ text }), { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* echoes, texts)
      assert.deepStrictEqual(yield* Stream.runCollect(toB.Count({ to: 5 })), [1, 2, 3, 4, 5])

      const interrupted = yield* Effect.forkScoped(toB.Wait({}))
      yield* until(() => served.begun.includes("wait"))
      yield* Fiber.interrupt(interrupted)
      yield* until(() => served.interrupted.length === 1)

      const calls = yield* Effect.forkScoped(Effect.all([
        failure(toB.Wait({})),
        failure(Stream.runDrain(toB.Count({ to: 11 })))
      ], { concurrency: 2 }))
      yield* until(() => served.begun.filter((text) => text === "wait").length === 2)
      yield* Scope.close(scope, Exit.void)
      for (const { _tag, mayHaveRun, member } of yield* Fiber.join(calls)) {
        assert.include(["CallDied", "CallBroken"], _tag)
        assert.deepStrictEqual([member, mayHaveRun], ["b", true])
      }
      assert.deepStrictEqual(served.interrupted, ["wait", "wait"])
      // and at another port, once it serves again
      yield* serve(b, NodeMemberRpc.listenSocket())
      yield* knowing(a)
      assert.strictEqual(
        yield* Effect.retry(toB.Echo({ text: "again" }), {
          while: ({ _tag }) => _tag === "CallBroken" || _tag === "NotServing"
        }),
        "again"
      )
    }))

  it.live("of a member that dies while it answers are sent once", () =>
    Effect.gen(function*() {
      const { a, b } = yield* pair
      const requests: Array<string> = []
      const server = yield* Effect.acquireRelease(
        Effect.callback<Net.Server>((resume) => {
          const server = Net.createServer((conn) => {
            conn.on("error", () => {})
            conn.once("data", (data) => {
              requests.push(...data.toString().split("\n").filter((line) => line.includes("\"Request\"")))
              conn.write("{\"_tag\":\"Ex")
              conn.resetAndDestroy()
            })
          }).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const { port } = server.address() as Net.AddressInfo
      const meta = MemberMeta.make(Announced, { name: Calls.section })
      yield* Effect.provideService(Layer.build(meta.layer({ port })), Memberlist, b)
      const toB = (yield* callsOf(a, NodeMemberRpc.connectSocket())).on({ name: "b" })
      yield* knowing(a)
      const error = yield* failure(toB.Echo({ text: "once" }))
      assert.deepInclude(error, { _tag: "CallBroken", member: "b", mayHaveRun: true })
      // longer than the first pause after which Effect's own client would connect again
      yield* Effect.sleep("900 millis")
      assert.strictEqual(requests.length, 1)
    }))

  it.live("that are given up while a member does not read are not kept for it, however many", () =>
    Effect.gen(function*() {
      const { a, b } = yield* pair
      const conns: Array<Net.Socket> = []
      let received = 0
      const server = yield* Effect.acquireRelease(
        Effect.callback<Net.Server>((resume) => {
          const server = Net.createServer({ pauseOnConnect: true }, (conn) => {
            conns.push(conn)
            conn.on("error", () => {}).on("data", (data) => void (received += data.length))
          }).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) =>
          Effect.sync(() => {
            for (const conn of conns) conn.destroy()
            server.close()
          })
      )
      const warnings: Array<string> = []
      const warned = ({ name }: Error) => void warnings.push(name)
      yield* Effect.acquireRelease(
        Effect.sync(() => process.on("warning", warned)),
        () => Effect.sync(() => process.off("warning", warned))
      )
      const { port } = server.address() as Net.AddressInfo
      const meta = MemberMeta.make(Announced, { name: Calls.section })
      yield* Effect.provideService(Layer.build(meta.layer({ port })), Memberlist, b)
      const toB = (yield* callsOf(a, NodeMemberRpc.connectSocket())).on({ name: "b" })
      yield* knowing(a)
      const text = "x".repeat(1_000_000)
      for (let round = 0; round < 2; round++) {
        const late = Effect.forEach(
          Array.from({ length: 40 }),
          () => Effect.timeoutOption(toB.Echo({ text }), "500 millis"),
          { concurrency: "unbounded" }
        )
        assert.isTrue((yield* late).every(Option.isNone))
      }
      for (const conn of conns) conn.resume()
      yield* Effect.sleep("500 millis")
      // those of the first round may all have been written before one of them filled the buffer; none of the second
      assert.isAbove(received, 0)
      assert.isBelow(received, 45_000_000)
      assert.deepStrictEqual(warnings, [])
      assert.strictEqual(conns.length, 1)
    }))

  it.live("of somebody who does not read the answers are not kept without end", () =>
    Effect.gen(function*() {
      const { a, b } = yield* pair
      yield* serve(b, NodeMemberRpc.listenSocket({ maxUnread: 4_000_000 }))
      const { port } = MemberMeta.make(Announced, { name: Calls.section }).get(yield* b.localMember).pipe(
        Option.getOrThrow
      )
      let received = 0
      const requests = Array.from({ length: 300 }, (_, id) =>
        JSON.stringify({ _tag: "Request", id: String(id), tag: "Repeat", payload: { length: 1_000_000 }, headers: [] }))
      yield* Effect.callback<void>((resume) => {
        const conn = Net.connect(port, "127.0.0.1").on("error", () => {}).on("close", () =>
          resume(Effect.void)).pause()
        conn.write(`${requests.join("\n")}\n`)
        // what was on its way, up to the end of the connection
        setTimeout(() =>
          conn.on("data", (data) => void (received += data.length)).resume(), 300)
      })
      assert.isBelow(received, 30_000_000)
      const toB = (yield* callsOf(a, NodeMemberRpc.connectSocket())).on({ name: "b" })
      yield* knowing(a)
      // who reads them gets them all, more than may wait
      const answers = yield* Effect.forEach(
        Array.from({ length: 12 }),
        () => toB.Repeat({ length: 1_000_000 }),
        { concurrency: 2 }
      )
      assert.strictEqual(answers.length, 12)
    }))

  it.live("of somebody who breaks a connection, or talks nonsense, fill no log", () =>
    Effect.gen(function*() {
      const { b } = yield* pair
      const logged: Array<string> = []
      const logger = Logger.make<unknown, void>(({ message }) => void logged.push(String(message)))
      yield* serve(b, NodeMemberRpc.listenSocket()).pipe(Effect.provide(Logger.layer([logger])))
      const { port } = MemberMeta.make(Announced, { name: Calls.section }).get(yield* b.localMember).pipe(
        Option.getOrThrow
      )
      const request = { _tag: "Request", id: "1", tag: "Echo", payload: { text: "x" }, headers: [] }
      for (const frame of ["", JSON.stringify(request), JSON.stringify({ ...request, headers: [["a"], 5] })]) {
        yield* Effect.callback<void>((resume) => {
          const conn = Net.connect(port, "127.0.0.1").on("error", () => {}).on("close", () => resume(Effect.void))
          conn.write(`${frame}\n`)
          setTimeout(() => conn.resetAndDestroy(), 50)
        })
      }
      yield* Effect.sleep("50 millis")
      assert.deepStrictEqual(logged, [])
    }))

  it.live("are refused as typed errors: too many connections, a port in use, messages that are too large", () =>
    Effect.gen(function*() {
      const { a, b } = yield* pair
      const small = { maxMessageSize: 10_000 }
      yield* serve(b, NodeMemberRpc.listenSocket({ ...small, maxConnections: 1 }))
      const first = (yield* callsOf(a, NodeMemberRpc.connectSocket(small))).on({ name: "b" })
      const second = (yield* callsOf(a, NodeMemberRpc.connectSocket(small))).on({ name: "b" })
      yield* knowing(a)
      assert.strictEqual(yield* first.Echo({ text: "x" }), "x")
      assert.deepInclude(yield* failure(second.Echo({ text: "x" })), { _tag: "CallBroken" })
      const large = yield* failure(first.Echo({ text: "x".repeat(20_000) }))
      assert.deepInclude(large, { _tag: "RequestTooLarge", limit: 10_000 })
      assert.deepInclude(yield* failure(first.Repeat({ length: 20_000 })), { _tag: "CallBroken" })
      assert.strictEqual(yield* Effect.retry(first.Echo({ text: "y" }), { times: 100 }), "y")
      const port = Number(b.info.bound.split(":")[1])
      const taken = yield* failure(Effect.scoped(serve(a, NodeMemberRpc.listenSocket({ port }))))
      assert.deepInclude(taken, { _tag: "ListenFailed", address: `127.0.0.1:${port}` })
    }))
})

describe("calls over HTTP", { concurrent: true }, () => {
  it.live("share the server of a program, end with it, and are interrupted there when they are here", () =>
    Effect.gen(function*() {
      const { a, b } = yield* pair
      const served: Served = { begun: [], interrupted: [] }
      const scope = yield* Scope.make()
      yield* Scope.provide(serveHttp(b, served, Http.createServer, { maxMessageSize: 10_000 }), scope)
      const toB = (yield* callsOf(a, NodeMemberRpc.connectHttp())).on({ name: "b" })
      yield* knowing(a)
      assert.deepStrictEqual(
        yield* Effect.forEach(["1", "2", "3"], (text) => toB.Echo({ text }), { concurrency: 3 }),
        ["1", "2", "3"]
      )
      assert.deepStrictEqual(yield* Stream.runCollect(toB.Count({ to: 5 })), [1, 2, 3, 4, 5])
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(toB.Count({ to: 11 }), 10)), [
        ...Array.from({ length: 10 }, (_, i) => i + 1)
      ])
      assert.deepInclude(yield* failure(toB.Echo({ text: "x".repeat(20_000) })), { _tag: "CallBroken" })
      const interrupted = yield* Effect.forkScoped(toB.Wait({}))
      yield* until(() => served.begun.includes("wait"))
      yield* Fiber.interrupt(interrupted)
      yield* until(() => served.interrupted.length === 1)
      const calls = yield* Effect.forkScoped(Effect.all([
        failure(toB.Wait({})),
        failure(Stream.runDrain(toB.Count({ to: 11 })))
      ], { concurrency: 2 }))
      yield* until(() => served.begun.filter((text) => text === "wait").length === 2)
      yield* Scope.close(scope, Exit.void)
      for (const { _tag, member } of yield* Fiber.join(calls)) {
        assert.include(["CallDied", "CallBroken"], _tag)
        assert.strictEqual(member, "b")
      }
    }))

  it.live("of a member that dies while it answers are sent once, before the answer and in the middle of it", () =>
    Effect.gen(function*() {
      const { a, b } = yield* pair
      const requests: Array<Net.Socket> = []
      const answer = async (request: Http.IncomingMessage, response: Http.ServerResponse) => {
        const { id } = JSON.parse((await request.toArray()).join("")) as { readonly id: string }
        requests.push(request.socket)
        if (requests.length <= 10) {
          const exit = { _tag: "Success", value: "x" }
          return void response.end(`${JSON.stringify({ _tag: "Exit", requestId: id, exit })}\n`)
        }
        if (requests.length === 11) return void request.socket.destroy()
        response.write("{\"_tag\":\"Ex", () => request.socket.destroy())
      }
      const server = yield* Effect.acquireRelease(
        Effect.callback<Http.Server>((resume) => {
          const server = Http.createServer((request, response) => void answer(request, response))
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const { port } = server.address() as Net.AddressInfo
      const meta = MemberMeta.make(Announced, { name: Calls.section })
      yield* Effect.provideService(Layer.build(meta.layer({ port })), Memberlist, b)
      const toB = (yield* callsOf(a, NodeMemberRpc.connectHttp())).on({ name: "b" })
      yield* knowing(a)
      for (let i = 0; i < 10; i++) assert.strictEqual(yield* toB.Echo({ text: "x" }), "x")
      assert.deepInclude(yield* failure(toB.Echo({ text: "x" })), { _tag: "CallBroken", mayHaveRun: true })
      assert.deepInclude(yield* failure(toB.Echo({ text: "x" })), { _tag: "CallBroken", mayHaveRun: true })
      yield* Effect.sleep("900 millis")
      assert.strictEqual(requests.length, 12)
      // the connection had been used before, which is when clients of HTTP are tempted to repeat a request
      assert.include(requests.slice(0, 10), requests[10])
    }))

  it.live("are answered where they are served again on the same server, and by one layer at a time", () =>
    Effect.gen(function*() {
      const { a, b } = yield* pair
      const served: Served = { begun: [], interrupted: [] }
      const servers = Context.pick(HttpRouter.HttpRouter, HttpServer.HttpServer)
      const context = yield* Deferred.make<Context.Context<HttpRouter.HttpRouter | HttpServer.HttpServer>>()
      const noted = Effect.contextWith((all: Context.Context<HttpRouter.HttpRouter | HttpServer.HttpServer>) =>
        Deferred.succeed(context, servers(all))
      )
      yield* Layer.build(
        HttpRouter.serve(Layer.effectDiscard(noted), { disableListenLog: true, disableLogger: true }).pipe(
          Layer.provide(NodeHttpServer.layer(Http.createServer, {
            host: "127.0.0.1",
            port: 0,
            gracefulShutdownTimeout: "10 millis"
          }))
        )
      )
      const serveOnce = Layer.build(
        Layer.fresh(Calls.serve().pipe(Layer.provide(handlers(served)), Layer.provide(NodeMemberRpc.listenHttp())))
      ).pipe(Effect.provide(yield* Deferred.await(context)), Effect.provideService(Memberlist, b))
      const toB = (yield* callsOf(a, NodeMemberRpc.connectHttp())).on({ name: "b" })
      for (const text of ["1", "2", "3"]) {
        yield* Effect.scoped(Effect.gen(function*() {
          yield* serveOnce
          assert.strictEqual(
            yield* Effect.retry(toB.Echo({ text }), { while: ({ _tag }) => _tag === "NotServing" }),
            text
          )
          assert.deepInclude(yield* failure(serveOnce), { _tag: "ListenFailed", address: "/rpc/calls" })
        }))
        yield* Effect.repeat(Effect.exit(toB.Echo({ text: "none" })), {
          until: (exit) => Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof MemberRpc.NotServing
        })
      }
      assert.deepStrictEqual(served.begun, ["1", "2", "3"])
    }))

  it.live("end with an error where the server has no handlers any more, or no such path, or is gone", () =>
    Effect.gen(function*() {
      const { a, b } = yield* pair
      const [server, serving] = [yield* Scope.make(), yield* Scope.make()]
      const served: Served = { begun: [], interrupted: [] }
      let port = 0
      const listening = Layer.buildWithScope(
        Calls.serve().pipe(Layer.provide(handlers(served)), Layer.provide(NodeMemberRpc.listenHttp())),
        serving
      )
      const noted = Effect.map(HttpServer.HttpServer, ({ address }) => {
        if (address._tag !== "UnixPathAddress") port = address.port
      })
      yield* Scope.provide(
        Layer.build(
          HttpRouter.serve(Layer.effectDiscard(Effect.andThen(listening, noted)), {
            disableListenLog: true,
            disableLogger: true
          }).pipe(Layer.provide(NodeHttpServer.layer(Http.createServer, {
            host: "127.0.0.1",
            port: 0,
            gracefulShutdownTimeout: "10 millis"
          })))
        ),
        server
      ).pipe(Effect.provideService(Memberlist, b))
      const toB = (yield* callsOf(a, NodeMemberRpc.connectHttp())).on({ name: "b" })
      const elsewhere = (yield* callsOf(a, NodeMemberRpc.connectHttp({ prefix: "/other/" }))).on({ name: "b" })
      yield* knowing(a)
      assert.strictEqual(yield* toB.Echo({ text: "x" }), "x")
      assert.deepInclude(yield* failure(elsewhere.Echo({ text: "x" })), { _tag: "CallBroken", member: "b" })
      yield* Scope.close(serving, Exit.void)
      // as a caller that the news has not reached
      const meta = MemberMeta.make(Announced, { name: Calls.section })
      yield* Effect.provideService(Layer.build(meta.layer({ port })), Memberlist, b)
      yield* knowing(a)
      assert.deepInclude(yield* failure(toB.Echo({ text: "x" })), { _tag: "CallBroken", member: "b" })
      yield* Scope.close(server, Exit.void)
      const refused = yield* failure(toB.Echo({ text: "x" }))
      assert.deepInclude(refused, { _tag: "CallBroken", member: "b", mayHaveRun: false })
      assert.match(String(refused["reason"]), /ECONNREFUSED/)
      assert.deepStrictEqual(served.begun, ["x"])
    }))
})

describe("calls over TLS", { concurrent: true }, () => {
  const { cert, key } = certificateFor("127.0.0.1")
  const ours = { cert, key, ca: [cert] }

  it.live("go between members whose certificates each demands of the other, and nobody else is answered", () =>
    Effect.gen(function*() {
      const { a, b } = yield* pair
      const tls = { ...ours, requestCert: true, rejectUnauthorized: true }
      const served = yield* serve(b, NodeMemberRpc.listenSocket({ tls }))
      const calling = (options: NodeMemberRpc.ConnectOptions) =>
        Effect.map(callsOf(a, NodeMemberRpc.connectSocket(options)), ({ on }) => on({ name: "b" }))
      const toB = yield* calling({ tls: ours })
      yield* knowing(a)
      assert.strictEqual(yield* toB.Echo({ text: "secret" }), "secret")
      const { cert: other, key: otherKey } = certificateFor("127.0.0.1")
      const refused = [
        // in clear, without a certificate, with that of somebody else, and as somebody who does not trust the member
        yield* calling({}),
        yield* calling({ tls: { ca: [cert] } }),
        yield* calling({ tls: { ca: [cert], cert: other, key: otherKey } }),
        yield* calling({ tls: { ...ours, ca: [other] } })
      ]
      const errors = yield* Effect.forEach(refused, (client) => failure(client.Echo({ text: "no" })), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(errors.map(({ _tag }) => _tag), ["CallBroken", "CallBroken", "CallBroken", "CallBroken"])
      assert.deepStrictEqual(served.begun, ["secret"])
    }))

  it.live("go over HTTPS in the same way", () =>
    Effect.gen(function*() {
      const { a, b } = yield* pair
      const served: Served = { begun: [], interrupted: [] }
      const scope = yield* Scope.make()
      yield* Scope.provide(
        serveHttp(b, served, () => Https.createServer({ ...ours, requestCert: true, rejectUnauthorized: true })),
        scope
      )
      const calling = (connect: { readonly ca: Array<string>; readonly cert?: string; readonly key?: string }) =>
        Effect.map(
          callsOf(a, NodeMemberRpc.connectHttp({ scheme: "https:", agent: { connect } })),
          ({ on }) => on({ name: "b" })
        )
      const [toB, stranger] = [yield* calling(ours), yield* calling({ ca: [cert] })]
      yield* knowing(a)
      assert.strictEqual(yield* toB.Echo({ text: "secret" }), "secret")
      assert.deepInclude(yield* failure(stranger.Echo({ text: "no" })), { _tag: "CallBroken" })
      assert.deepStrictEqual(served.begun, ["secret"])
      yield* Scope.close(scope, Exit.void)
    }))
})
