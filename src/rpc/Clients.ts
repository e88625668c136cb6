/**
 * A client for each address that is called: opened with the first call, shared, closed when idle, and given up with its
 * first failure.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as RcMap from "effect/RcMap"
import type * as Rpc from "effect/rpc/Rpc"
import * as RpcClient from "effect/rpc/RpcClient"
import { RpcClientDefect, RpcClientError } from "effect/rpc/RpcClientError"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import type { FromServerEncoded } from "effect/rpc/RpcMessage"
import type * as Scope from "effect/Scope"
import * as Endpoint from "./Endpoint.ts"
import type { Flight } from "./Flights.ts"
import { Connector } from "./Wiring.ts"

/** The call that a fiber makes. Effect's client runs what sends its request with the caller's context. */
export const CurrentFlight = Context.Reference<Pick<Flight, "sent"> | undefined>(
  "effect-memberlist/MemberRpc/CurrentFlight",
  { defaultValue: () => undefined }
)

/** Milliseconds that a word about an interrupted call may wait to be sent. */
const FAREWELL = 1_000

/** The client for an address. */
export interface Client<Rpcs extends Rpc.Any> {
  readonly call: RpcClient.RpcClient.Flat<Rpcs, RpcClientError>
  /** Fails when the connection has, whatever Effect's client makes of that: nothing comes over it any more. */
  readonly failed: Deferred.Deferred<never, RpcClientError>
}

/** The clients of a group. */
export interface Clients<Rpcs extends Rpc.Any> {
  /** The client for an address, kept open until the scope closes, and for the idle time after it. */
  readonly to: (
    endpoint: Endpoint.Endpoint
  ) => Effect.Effect<Client<Rpcs>, Cause.ExceededCapacityError, Scope.Scope>
}

/** One connection: an address has another one after a failure. */
interface Key {
  /** Keys are compared by what they contain. */
  readonly id: number
  readonly endpoint: Endpoint.Endpoint
}

/** The values of a stream that wait for its reader. */
interface Waiting {
  readonly fiber: Fiber.Fiber<void>
  /** Whether its end waits behind them; nothing of it comes after that. */
  hasEnd: boolean
}

/**
 * Handles each stream by itself, so that one with a slow reader holds up no other call on its connection, nor the
 * answers to its pings. A member sends more of a stream when we have said that we took what came before; one that
 * sends more all the same waits, and its whole connection with it.
 */
const perRequest = (handle: (message: FromServerEncoded) => Effect.Effect<void>, scope: Scope.Scope) => {
  const waiting = new Map<string | number, Waiting>()

  const start = (id: string | number, handled: Effect.Effect<void>) =>
    Effect.map(Effect.forkIn(handled, scope, { startImmediately: true }), (fiber) => {
      if (fiber.pollUnsafe() !== undefined) return
      const entry = { fiber, hasEnd: false }
      waiting.set(id, entry)
      fiber.addObserver(() => {
        if (waiting.get(id) === entry) waiting.delete(id)
      })
    })

  return (message: FromServerEncoded): Effect.Effect<void> => {
    if (message._tag !== "Chunk" && message._tag !== "Exit") return handle(message)
    const { requestId } = message
    const before = waiting.get(requestId)
    if (before === undefined) return message._tag === "Exit" ? handle(message) : start(requestId, handle(message))
    if (before.hasEnd) return Effect.void
    const after = (next: () => Effect.Effect<void>) => Effect.andThen(Fiber.await(before.fiber), Effect.suspend(next))
    if (message._tag === "Chunk") return after(() => start(requestId, handle(message)))
    before.hasEnd = true
    return Effect.asVoid(Effect.forkIn(after(() => handle(message)), scope, { startImmediately: true }))
  }
}

/**
 * Notes that a request was handed over, and that the connection failed, before a caller is told of it: a call that
 * begins then is not given what has failed.
 */
const watched = (
  protocol: RpcClient.Protocol["Service"],
  scope: Scope.Scope,
  giveUp: (error: RpcClientError) => Effect.Effect<void>
): RpcClient.Protocol["Service"] => ({
  ...protocol,
  run: (clientId, f) => {
    // over HTTP each call has a response of its own, and waits for its own reader alone
    const handle = protocol.supportsAck ? perRequest(f, scope) : f
    return protocol.run(
      clientId,
      (message) =>
        Effect.suspend(() => {
          if (message._tag !== "ClientProtocolError") return handle(message)
          // one that a member wrote is a message like any other, and nothing that it may say
          if (!(message.error instanceof RpcClientError)) throw new TypeError("an error of the protocol as a message")
          return Effect.andThen(giveUp(message.error), f(message))
        }).pipe(
          // what a member sends must not end what reads it
          Effect.catchDefect((cause) =>
            giveUp(
              new RpcClientError({
                reason: new RpcClientDefect({ message: "what came is no message of the protocol", cause })
              })
            )
          )
        )
    )
  },
  send: (clientId, request, transferables) => {
    if (request._tag === "Request") {
      return Effect.flatMap(CurrentFlight, (flight) => {
        if (flight !== undefined) flight.sent = true
        return protocol.send(clientId, request, transferables)
      })
    }
    const sent = protocol.send(clientId, request, transferables)
    if (request._tag !== "Interrupt") return sent
    // a caller that was interrupted does not wait for a connection that is not open, or a member that does not read
    return Effect.asVoid(
      Effect.forkIn(Effect.ignore(Effect.timeoutOption(sent, FAREWELL)), scope, { startImmediately: true })
    )
  }
})

/** Keeps the clients of a group until the scope closes. */
export const make = Effect.fnUntraced(function*<Rpcs extends Rpc.Any>(
  group: RpcGroup.RpcGroup<Rpcs>,
  calls: string,
  options: { readonly idleTimeToLive: Duration.Input; readonly maxClients: number }
): Effect.fn.Return<Clients<Rpcs>, never, Connector | Rpc.MiddlewareClient<Rpcs> | Scope.Scope> {
  const connector = yield* Connector
  const scope = yield* Effect.scope
  let made = 0
  /** The connections that calls are given, by address. */
  const keys = new Map<string, Key>()

  const keyOf = (endpoint: Endpoint.Endpoint): Key => {
    const address = Endpoint.text(endpoint)
    const key = keys.get(address) ?? { id: made++, endpoint }
    keys.set(address, key)
    return key
  }
  const forget = (key: Key): void => {
    const address = Endpoint.text(key.endpoint)
    if (keys.get(address) === key) keys.delete(address)
  }

  const clients: RcMap.RcMap<Key, Client<Rpcs>, Cause.ExceededCapacityError> = yield* RcMap.make({
    lookup: Effect.fnUntraced(function*(key: Key) {
      yield* Effect.addFinalizer(() => Effect.sync(() => forget(key)))
      const protocol = yield* connector.connect(key.endpoint, calls)
      const failed = Deferred.makeUnsafe<never, RpcClientError>()
      const giveUp = (error: RpcClientError) =>
        Effect.suspend(() => {
          forget(key)
          Deferred.doneUnsafe(failed, Exit.fail(error))
          // what closes a client cannot run in the client, which would wait for itself
          return Effect.asVoid(Effect.forkIn(RcMap.invalidate(clients, key), scope))
        })
      const call = yield* Effect.provideService(
        RpcClient.make(group, { flatten: true }),
        RpcClient.Protocol,
        watched(protocol, yield* Effect.scope, giveUp)
      )
      return { call, failed }
    }, (made, key) => Effect.onError(made, () => Effect.sync(() => forget(key)))),
    idleTimeToLive: options.idleTimeToLive,
    capacity: options.maxClients
  })

  /** Closes the client that has been idle for the longest time, if any is. */
  const makeRoom = Effect.suspend(() => {
    if (clients.state._tag === "Closed") return Effect.void
    const idle = [...clients.state.map].filter(([, { refCount }]) => refCount === 0)
    const [oldest] = idle.sort(([, a], [, b]) => a.expiresAt - b.expiresAt)
    if (oldest === undefined) return Effect.void
    // there is room at once, before what is closed has ended, and before anybody else can take it
    return Effect.forkIn(RcMap.invalidate(clients, oldest[0]), scope, { startImmediately: true })
  })

  const get = (endpoint: Endpoint.Endpoint) =>
    Effect.suspend(() => {
      const key = keyOf(endpoint)
      // one that has no room is none
      return Effect.tapError(RcMap.get(clients, key), () => Effect.sync(() => forget(key)))
    })
  return {
    to: (endpoint) => Effect.catch(get(endpoint), () => Effect.andThen(makeRoom, get(endpoint)))
  }
})
