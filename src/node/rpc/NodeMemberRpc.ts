/**
 * What carries the calls of `MemberRpc` on Node.js: Effect's protocols over TCP, TLS and HTTP.
 *
 * ```ts
 * import { Layer } from "effect"
 * import * as NodeMemberRpc from "effect-memberlist/NodeMemberRpc"
 *
 * // both ends of TCP, on a port that the system chooses
 * const Wires = NodeMemberRpc.layerSocket()
 * ```
 *
 * **Gotchas**
 *
 * Calls are not covered by the cluster's key: whoever reaches the port may call. `tls` on both sides, with certificates
 * that each demands of the other, keeps others out: `docs/rpc.md`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import type * as Undici from "@effect/platform-node/Undici"
import * as ByteSize from "effect/ByteSize"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RpcClient from "effect/rpc/RpcClient"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as RpcServer from "effect/rpc/RpcServer"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import type * as SocketServer from "effect/socket/SocketServer"
import * as Net from "node:net"
import * as Tls from "node:tls"
import { format } from "../../base/Address.ts"
import { ListenFailed } from "../../rpc/CallError.ts"
import type { Endpoint } from "../../rpc/Endpoint.ts"
import * as Wiring from "../../rpc/Wiring.ts"

/**
 * How members are called over TCP.
 *
 * @category models
 * @since 0.1.0
 */
export interface ConnectOptions extends Wiring.MessageOptions, Wiring.SilenceOptions {
  /** How long opening a connection may take, TLS included. Default: 5 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** TLS, with these options. Members are called by their IP addresses, which certificates have to name. */
  readonly tls?: Tls.ConnectionOptions | undefined
}

/**
 * How a member listens for calls over TCP.
 *
 * @category models
 * @since 0.1.0
 */
export interface ListenOptions extends Wiring.MessageOptions {
  /** An address of this machine, or a wildcard. Default: the one that the node itself listens at. */
  readonly host?: string | undefined
  /** Default: 0, which lets the system choose. Several groups of calls on one node need a port each. */
  readonly port?: number | undefined
  /** How many connections may be open. More are closed as they come. Default: 1,024. */
  readonly maxConnections?: number | undefined
  /**
   * How many bytes of answers may wait for a caller to read them, with one more answer. Beyond that its connection is
   * closed. Default: 64 MiB.
   */
  readonly maxUnread?: number | undefined
  /** TLS, with these options. */
  readonly tls?: Tls.TlsOptions | undefined
}

const dial = ({ ip, port }: Endpoint, { tls }: ConnectOptions) =>
  Effect.acquireRelease(
    Effect.callback<Net.Socket, Socket.SocketError>((resume) => {
      const address = { host: ip, port, noDelay: true, keepAlive: true }
      const conn = tls === undefined ? Net.createConnection(address) : Tls.connect({ ...tls, ...address })
      // each call that waits for room listens, and Node.js takes more than ten for a leak
      conn.setMaxListeners(0)
      // stays for the life of the socket: an unheard error would end the process
      conn.on("error", (cause) =>
        resume(Effect.fail(new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause }) }))))
      conn.once(tls === undefined ? "connect" : "secureConnect", () =>
        resume(Effect.succeed(conn)))
      return Effect.sync(() => {
        conn.destroy()
      })
    }),
    (conn) =>
      Effect.sync(() => {
        // a member that does not read keeps no memory here
        if (conn.writableLength > 0) {
          conn.destroy()
        } else conn.destroySoon()
      }),
    { interruptible: true }
  )

/** Waits until what was written has gone to the system, or the connection has ended. */
const drained = (conn: Net.Socket): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const done = () => resume(Effect.void)
    const stop = () => {
      for (const event of ["drain", "close"]) conn.off(event, done)
    }
    for (const event of ["drain", "close"]) conn.once(event, done)
    return Effect.sync(stop)
  })

/**
 * Sends a request when there is room for it. A member that does not read would otherwise have us keep each request that
 * was given up meanwhile.
 */
const roomy = (
  protocol: RpcClient.Protocol["Service"],
  opened: Deferred.Deferred<Net.Socket>
): RpcClient.Protocol["Service"] => ({
  ...protocol,
  send: (clientId, request, transferables) => {
    const send = protocol.send(clientId, request, transferables)
    if (request._tag !== "Request") return send
    const whenRoom = (conn: Net.Socket): typeof send =>
      Effect.suspend(() =>
        conn.writableNeedDrain && !conn.destroyed ? Effect.andThen(drained(conn), whenRoom(conn)) : send
      )
    // one that is not opened ends its calls
    return Effect.flatMap(Deferred.await(opened), whenRoom)
  }
})

/**
 * Calls members over TCP or TLS.
 *
 * @category layers
 * @since 0.1.0
 */
export const connectSocket = (options: ConnectOptions = {}): Layer.Layer<Wiring.Connector> =>
  Layer.succeed(
    Wiring.Connector,
    Wiring.Connector.of({
      connect: Effect.fnUntraced(function*(to) {
        const opened = Deferred.makeUnsafe<Net.Socket>()
        const socket = yield* NodeSocket.fromDuplex(
          Effect.tap(dial(to, options), (conn) => Deferred.succeed(opened, conn)),
          { openTimeout: options.connectTimeout ?? "5 seconds" }
        )
        return roomy(yield* Wiring.overSocket(socket, options), opened)
      })
    })
  )

/** The server provides each handler with its native socket, which its type does not tell. */
const withNative = (use: (native: Net.Socket) => void): Effect.Effect<void> =>
  Effect.map(Effect.serviceOption(NodeSocket.NetSocket), (native) => {
    if (Option.isSome(native)) use(native.value)
  })

/**
 * Closes the connection of a caller that does not read its answers, of which small questions make as many as it likes.
 */
const bounded = (writer: Socket.Writer, most: number, close: Effect.Effect<void>): Socket.Writer => {
  let waiting = 0
  const counted = (length: number, write: Effect.Effect<void, Socket.SocketError>) =>
    Effect.suspend(() => {
      if (waiting > most) return close
      waiting += length
      return Effect.ensuring(write, Effect.sync(() => void (waiting -= length)))
    })
  return {
    write: (chunk) =>
      counted(typeof chunk === "string" || chunk instanceof Uint8Array ? chunk.length : 0, writer.write(chunk)),
    writeAll: (chunks) => counted(chunks.reduce((sum, { length }) => sum + length, 0), writer.writeAll(chunks))
  }
}

/** Closes connections beyond a number as they come. Whoever breaks one, by a reset or by nonsense, fills no log. */
const limited = (
  server: SocketServer.SocketServer["Service"],
  { maxConnections, maxUnread }: { readonly maxConnections: number; readonly maxUnread: number }
): SocketServer.SocketServer["Service"] => {
  let open = 0
  return {
    ...server,
    run: (handler) =>
      server.run((socket) =>
        Effect.suspend(() => {
          const close = withNative((native) => native.destroy())
          if (open >= maxConnections) return close
          open++
          const writer = Effect.flatMap(socket.writer, (writer) =>
            Effect.map(
              Effect.context<never>(),
              (context) => bounded(writer, maxUnread, Effect.provideContext(close, context))
            ))
          // each answer that waits for room listens, and Node.js takes more than ten for a leak
          return Effect.andThen(withNative((native) => native.setMaxListeners(0)), handler({ ...socket, writer })).pipe(
            Effect.ignoreCause({ log: "Debug", message: "a connection of a caller ended" }),
            Effect.ensuring(Effect.sync(() => {
              open--
            }))
          )
        })
      )
  }
}

/** Milliseconds of silence after which the system asks whether a caller is there. */
const KEEP_ALIVE = 10_000

/** Milliseconds for the first words of TLS, of which strangers can begin as many as they like. */
const HANDSHAKE = 10_000

/**
 * Listens for calls over TCP or TLS.
 *
 * @category layers
 * @since 0.1.0
 */
export const listenSocket = (options: ListenOptions = {}): Layer.Layer<Wiring.Listener> =>
  Layer.succeed(
    Wiring.Listener,
    Wiring.Listener.of({
      listen: Effect.fnUntraced(function*({ bound, calls }) {
        const { host = bound, maxConnections = 1_024, maxUnread = 67_108_864, port = 0, tls } = options
        // a caller that is gone without a word is noticed by the system, as no ping goes in this direction
        const place = { host, port, exclusive: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE }
        const address = format({ ip: host, port })
        const server = yield* Effect.mapError(
          tls === undefined
            ? NodeSocketServer.make(place)
            : NodeSocketServer.makeTls({ handshakeTimeout: HANDSHAKE, ...tls, ...place }),
          ({ reason }) =>
            new ListenFailed({
              calls,
              address,
              reason: reason.cause instanceof Error ? reason.cause.message : String(reason.cause)
            })
        )
        const protocol = yield* Wiring.overServer(limited(server, { maxConnections, maxUnread }), options)
        return { port: server.address._tag === "UnixPathAddress" ? port : server.address.port, protocol }
      })
    })
  )

/**
 * Both ends over TCP, or over TLS where `connect.tls` and `listen.tls` say so.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSocket = (
  options: { readonly connect?: ConnectOptions | undefined; readonly listen?: ListenOptions | undefined } = {}
): Layer.Layer<Wiring.Connector | Wiring.Listener> =>
  Layer.merge(connectSocket(options.connect), listenSocket(options.listen))

/**
 * Where calls lie on an HTTP server.
 *
 * @category models
 * @since 0.1.0
 */
export interface HttpOptions extends Wiring.MessageOptions {
  /** What stands before the name of the calls: the same at both ends. Default: `/rpc/`. */
  readonly prefix?: `/${string}` | undefined
}

/**
 * How members are called over HTTP.
 *
 * @category models
 * @since 0.1.0
 */
export interface HttpConnectOptions extends HttpOptions {
  /** `https:` where members serve with TLS. Default: `http:`. */
  readonly scheme?: "http:" | "https:" | undefined
  /** Undici's options for the connections to one member: `connect` has those of TLS. */
  readonly agent?: Undici.Agent.Options | undefined
}

/**
 * Calls members over HTTP, each call in a request of its own. Redirections are not followed.
 *
 * @category layers
 * @since 0.1.0
 */
export const connectHttp = (options: HttpConnectOptions = {}): Layer.Layer<Wiring.Connector> =>
  Layer.succeed(
    Wiring.Connector,
    Wiring.Connector.of({
      connect: Effect.fnUntraced(function*(to, calls) {
        const { agent, prefix = "/rpc/", scheme = "http:" } = options
        const dispatcher = yield* NodeHttpClient.makeDispatcherOptions(agent)
        const client = yield* Effect.provideService(
          NodeHttpClient.makeUndici,
          NodeHttpClient.Dispatcher,
          dispatcher
        )
        return yield* RpcClient.makeProtocolHttp(
          client.pipe(
            HttpClient.mapRequest(HttpClientRequest.prependUrl(`${scheme}//${format(to)}${prefix}${calls}`)),
            HttpClient.filterStatusOk
          )
        ).pipe(Effect.provideService(RpcSerialization.RpcSerialization, Wiring.sending(options)))
      })
    })
  )

type Answer = Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest | Scope.Scope>

/** What answers at the paths of a router, where anything does: routes cannot be taken back, and are taken up again. */
const answering = new WeakMap<HttpRouter.HttpRouter, Map<string, Answer | undefined>>()

const answersOf = (router: HttpRouter.HttpRouter): Map<string, Answer | undefined> => {
  const answers = answering.get(router) ?? new Map<string, Answer | undefined>()
  answering.set(router, answers)
  return answers
}

/**
 * Listens for calls on the HTTP server of the program, beside its other routes.
 *
 * @category layers
 * @since 0.1.0
 */
export const listenHttp = (
  options: HttpOptions = {}
): Layer.Layer<Wiring.Listener, never, HttpRouter.HttpRouter | HttpServer.HttpServer> =>
  Layer.effect(
    Wiring.Listener,
    Effect.gen(function*() {
      const router = yield* HttpRouter.HttpRouter
      const { address } = yield* HttpServer.HttpServer
      return Wiring.Listener.of({
        listen: Effect.fnUntraced(function*({ calls }) {
          if (address._tag === "UnixPathAddress") {
            return yield* Effect.fail(
              new ListenFailed({ calls, address: address.path, reason: "the HTTP server listens on a path" })
            )
          }
          const path = `${options.prefix ?? "/rpc/"}${calls}` as const
          const answers = answersOf(router)
          if (answers.get(path) !== undefined) {
            return yield* Effect.fail(
              new ListenFailed({ calls, address: path, reason: "another layer serves them there on this HTTP server" })
            )
          }
          const { httpEffect, protocol } = yield* RpcServer.makeProtocolWithHttpEffect().pipe(
            Effect.provideService(RpcSerialization.RpcSerialization, Wiring.receiving(options))
          )
          if (!answers.has(path)) {
            yield* router.add(
              "POST",
              path,
              Effect.suspend(() => answers.get(path) ?? Effect.succeed(HttpServerResponse.empty({ status: 503 })))
            )
          }
          const answer = Effect.provideService(
            httpEffect,
            HttpIncomingMessage.MaxBodySize,
            ByteSize.fromInputUnsafe(Wiring.maxMessageSize(options))
          )
          // nobody reads what comes after the scope
          yield* Effect.acquireRelease(
            Effect.sync(() => answers.set(path, answer)),
            () => Effect.sync(() => answers.set(path, undefined))
          )
          return { port: address.port, protocol }
        })
      })
    })
  )
