/** Sockets in memory for calls between members: Effect's protocols over them run in virtual time, as over TCP. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Socket from "effect/socket/Socket"
import * as SocketServer from "effect/socket/SocketServer"
import { ListenFailed } from "../../src/rpc/CallError.ts"
import * as Wiring from "../../src/rpc/Wiring.ts"

type Frames = Queue.Queue<Uint8Array | string, Socket.SocketError>

const closed = (code: number) => new Socket.SocketError({ reason: new Socket.SocketCloseError({ code }) })

const refused = new Socket.SocketError({
  reason: new Socket.SocketOpenError({ kind: "Unknown", cause: new Error("connection refused") })
})

/** One connection, from the side that opened it. */
class Wire {
  readonly toServer: Frames
  readonly toClient: Frames
  /** Nothing arrives any more, and nobody is told. */
  isSilent = false
  private isBroken = false

  constructor(toServer: Frames, toClient: Frames) {
    this.toServer = toServer
    this.toClient = toClient
  }

  break(code = 1006): void {
    if (this.isBroken) return
    this.isBroken = true
    Queue.failCauseUnsafe(this.toServer, Cause.fail(closed(code)))
    Queue.failCauseUnsafe(this.toClient, Cause.fail(closed(code)))
  }
}

interface Server {
  readonly accept: (wire: Wire) => Effect.Effect<void>
}

/** The servers and connections of a test, by `ip:port`. */
export class CallWires {
  readonly servers = new Map<string, Server>()
  /** Those that were opened, in their order, with where they go. */
  readonly opened: Array<{ readonly to: string; readonly wire: Wire }> = []
  /** Addresses that do not answer: opening waits. */
  readonly deaf = new Set<string>()
  /** What a caller sent last that is a request. */
  lastRequest: string | undefined
  private nextPort = 9_000

  /** The connections to an address that are open. */
  open(to: string): ReadonlyArray<Wire> {
    return this.opened.filter(({ to: address, wire }) => address === to && wire.toClient.state._tag !== "Done")
      .map(({ wire }) => wire)
  }

  /** What goes over the connections to an address is lost, and nothing opens there. */
  silence(to: string): void {
    this.deaf.add(to)
    for (const wire of this.open(to)) wire.isSilent = true
  }

  break(to: string): void {
    for (const wire of this.open(to)) wire.break()
  }

  private end(
    wire: () => Wire | undefined,
    input: (wire: Wire) => Frames,
    output: (wire: Wire) => Frames,
    opening: Effect.Effect<void, Socket.SocketError>
  ): Socket.Socket {
    const isOpen = Latch.makeUnsafe(false)
    const offer = (chunk: Uint8Array | string | Socket.CloseEvent): Effect.Effect<void, Socket.SocketError> =>
      isOpen.whenOpen(Effect.sync(() => {
        const current = wire()
        if (current === undefined || current.isSilent) return
        if (Socket.isCloseEvent(chunk)) return current.break(chunk.code)
        if (typeof chunk === "string" && chunk.includes("\"Request\"")) this.lastRequest = chunk
        Queue.offerUnsafe(output(current), chunk)
      }))
    return Socket.make({
      reader: Effect.gen(function*() {
        yield* opening
        const current = wire()
        if (current === undefined) return yield* Effect.die(new Error("an open socket without a wire"))
        yield* Effect.addFinalizer(() =>
          Effect.sync(() => {
            if (!current.isSilent) return current.break(1000)
            Queue.failCauseUnsafe(input(current), Cause.fail(closed(1006)))
          })
        )
        isOpen.openUnsafe()
        return { pull: Queue.takeAll(input(current)), upgrade: () => Effect.die(new Error("no TLS in memory")) }
      }),
      writer: Effect.succeed({
        write: offer,
        writeAll: (chunks) => Effect.forEach(chunks, offer, { discard: true })
      })
    })
  }

  readonly connector = Layer.succeed(
    Wiring.Connector,
    Wiring.Connector.of({
      connect: ({ ip, port }) =>
        Effect.suspend(() => {
          const to = `${ip}:${port}`
          let current: Wire | undefined
          const opening = Effect.gen({ self: this }, function*() {
            yield* Effect.sleep("1 millis")
            if (this.deaf.has(to)) return yield* Effect.never
            const server = this.servers.get(to)
            if (server === undefined) return yield* Effect.fail(refused)
            current = new Wire(
              yield* Queue.unbounded<Uint8Array | string, Socket.SocketError>(),
              yield* Queue.unbounded<Uint8Array | string, Socket.SocketError>()
            )
            this.opened.push({ to, wire: current })
            yield* server.accept(current)
          })
          const socket = this.end(() => current, (wire) => wire.toClient, (wire) => wire.toServer, opening)
          return Wiring.overSocket(socket, {})
        })
    })
  )

  /** Listens at an IP address, on a port of its own each time. */
  listener(ip: string): Layer.Layer<Wiring.Listener> {
    return Layer.succeed(
      Wiring.Listener,
      Wiring.Listener.of({
        listen: ({ calls }) =>
          Effect.gen({ self: this }, function*() {
            const port = this.nextPort++
            const to = `${ip}:${port}`
            const address = NetAddress.inetAddressFromIpString(ip, port)
            if (Result.isFailure(address)) {
              return yield* Effect.fail(new ListenFailed({ calls, address: to, reason: "no IP address" }))
            }
            const server = SocketServer.SocketServer.of({
              address: address.success,
              run: (handler) =>
                Effect.scoped(Effect.gen({ self: this }, function*() {
                  const context = yield* Effect.context<never>()
                  const scope = yield* Effect.scope
                  const accept = (wire: Wire) => {
                    const socket = this.end(
                      () => wire,
                      ({ toServer }) => toServer,
                      ({ toClient }) => toClient,
                      Effect.void
                    )
                    return Effect.asVoid(
                      Effect.forkIn(Effect.provideContext(Effect.ignoreCause(handler(socket)), context as never), scope)
                    )
                  }
                  yield* Effect.acquireRelease(
                    Effect.sync(() => this.servers.set(to, { accept })),
                    () => Effect.sync(() => this.servers.delete(to))
                  )
                  return yield* Effect.never
                }))
            })
            return { port, protocol: yield* Wiring.overServer(server, {}) }
          })
      })
    )
  }
}
