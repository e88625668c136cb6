/**
 * What carries calls: Effect's own protocols, made for an address. `effect-memberlist/NodeMemberRpc` has layers over
 * TCP, TLS and HTTP; a test can have one in memory.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as RpcClient from "effect/rpc/RpcClient"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as RpcServer from "effect/rpc/RpcServer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as SocketServer from "effect/socket/SocketServer"
import type { ListenFailed } from "./CallError.ts"
import type { Endpoint } from "./Endpoint.ts"

/**
 * Connects to an address, for the calls of a name. The connection is closed with the scope. It may be opened later, and
 * what it fails with then is told by Effect's protocol.
 *
 * **Gotchas**
 *
 * A protocol must not send a request twice. That of Effect's sockets connects again after a failure, and sends nothing
 * of what was under way; here it is given up, and the next call connects anew.
 *
 * @category services
 * @since 0.1.0
 */
export class Connector extends Context.Service<Connector, {
  readonly connect: (
    to: Endpoint,
    calls: string
  ) => Effect.Effect<RpcClient.Protocol["Service"], never, Scope.Scope>
}>()("effect-memberlist/MemberRpc/Connector") {}

/**
 * Listens for the calls of a name, until the scope closes, and tells the port that it really has.
 *
 * @category services
 * @since 0.1.0
 */
export class Listener extends Context.Service<Listener, {
  readonly listen: (options: {
    readonly calls: string
    /** The IP address that the node itself listens at, or a wildcard. */
    readonly bound: string
  }) => Effect.Effect<
    { readonly port: number; readonly protocol: RpcServer.Protocol["Service"] },
    ListenFailed,
    Scope.Scope
  >
}>()("effect-memberlist/MemberRpc/Listener") {}

/** A message that is larger than allowed, found before it is sent. */
export class OverLimit extends Error {
  readonly size: number
  readonly limit: number

  constructor(size: number, limit: number) {
    super(`${size} of at most ${limit}`)
    this.size = size
    this.limit = limit
  }
}

/**
 * How messages are written, which has to be the same at both ends.
 *
 * @category models
 * @since 0.1.0
 */
export interface MessageOptions {
  /** The most characters or bytes of one message. Default: 4 MiB. */
  readonly maxMessageSize?: number | undefined
  /**
   * How messages are written, with a bound of its own on what it receives. Default: lines of JSON, of at most
   * `maxMessageSize`.
   */
  readonly serialization?: RpcSerialization.RpcSerialization["Service"] | undefined
}

const MAX_MESSAGE = 4 * 1024 * 1024

/**
 * The largest message that is taken.
 *
 * @category getters
 * @since 0.1.0
 */
export const maxMessageSize = (options: MessageOptions): number => options.maxMessageSize ?? MAX_MESSAGE

/**
 * How a server reads and writes messages: what it receives is bounded.
 *
 * @category constructors
 * @since 0.1.0
 */
export const receiving = (options: MessageOptions): RpcSerialization.RpcSerialization["Service"] =>
  options.serialization ?? RpcSerialization.makeNdjson({ maxBufferSize: maxMessageSize(options) })

/**
 * How a client does: its requests are refused before they are sent, where they are too large.
 *
 * @category constructors
 * @since 0.1.0
 */
export const sending = (options: MessageOptions): RpcSerialization.RpcSerialization["Service"] => {
  const serialization = receiving(options)
  const limit = maxMessageSize(options)
  return {
    ...serialization,
    makeUnsafe: () => {
      const parser = serialization.makeUnsafe()
      return {
        decode: (bytes) => parser.decode(bytes),
        encode: (message) => {
          const encoded = parser.encode(message)
          if (encoded !== undefined && encoded.length > limit) throw new OverLimit(encoded.length, limit)
          return encoded
        }
      }
    }
  }
}

/**
 * How long a connection may be silent.
 *
 * @category models
 * @since 0.1.0
 */
export interface SilenceOptions {
  /** How often a member is asked over its connection whether it is there. Default: 10 seconds. */
  readonly pingInterval?: Duration.Input | undefined
  /**
   * How long nothing may come before the connection is given up. Longer than a suspicion lasts, so that membership
   * decides first. Default: 30 seconds.
   */
  readonly pingTimeout?: Duration.Input | undefined
}

/**
 * Effect's protocol over a socket, which is opened once.
 *
 * @category constructors
 * @since 0.1.0
 */
export const overSocket = (
  socket: Socket.Socket,
  options: MessageOptions & SilenceOptions
): Effect.Effect<RpcClient.Protocol["Service"], never, Scope.Scope> =>
  RpcClient.makeProtocolSocket({
    pingInterval: options.pingInterval ?? "10 seconds",
    pingTimeout: options.pingTimeout ?? "30 seconds",
    // a connection that failed is given up
    retryPolicy: Schedule.recurs(0)
  }).pipe(
    Effect.provideService(Socket.Socket, socket),
    Effect.provideService(RpcSerialization.RpcSerialization, sending(options))
  )

/**
 * Effect's protocol over the sockets that a server accepts.
 *
 * @category constructors
 * @since 0.1.0
 */
export const overServer = (
  server: SocketServer.SocketServer["Service"],
  options: MessageOptions
): Effect.Effect<RpcServer.Protocol["Service"], never, Scope.Scope> =>
  RpcServer.makeProtocolSocketServer.pipe(
    Effect.provideService(SocketServer.SocketServer, server),
    Effect.provideService(RpcSerialization.RpcSerialization, receiving(options))
  )
