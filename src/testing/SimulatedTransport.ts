/**
 * One node's `Transport` over a simulated network.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { format, ipBytes, ipText, type PeerAddress } from "../Address.ts"
import { SeedUnresolvable, TransportError } from "../MemberlistError.ts"
import type { Connection, Packet, Transport } from "../Transport.ts"
import { nowOf } from "./Deliveries.ts"
import type { Fabric } from "./Fabric.ts"
import type { Endpoint } from "./SimulatedHost.ts"
import { makePair, type Side } from "./SimulatedStream.ts"

/** The largest UDP payload over IPv4. */
const MAX_DATAGRAM = 65_507

const failure = (
  operation: TransportError["operation"],
  kind: TransportError["kind"],
  to: PeerAddress,
  scope: TransportError["scope"] = "Remote"
) =>
  new TransportError({
    operation,
    kind,
    scope,
    address: format(to),
    cause: new Error(`simulated: ${kind.toLowerCase()}`)
  })

/**
 * Sends a packet. Random numbers are drawn whatever becomes of it, so that a fault on one link does not change what
 * happens on the others.
 */
const transmit = (
  fabric: Fabric,
  from: Endpoint,
  to: PeerAddress,
  payload: Uint8Array
): Effect.Effect<void, TransportError> => {
  if (payload.length > MAX_DATAGRAM) return Effect.fail(failure("send", "TooLarge", to, "Local"))
  const fate = fabric.random()
  const delay = fabric.links.delayOf(from.host.ip, to.ip, fabric.random())
  from.host.traffic.packetsSent++
  from.host.traffic.bytesSent += payload.length
  fabric.stats.packetsSent++
  fabric.stats.bytesSent += payload.length
  const refused = fabric.refusal(from.host, to.ip, fate)
  if (refused !== undefined) {
    fabric.stats.dropped[refused]++
    return Effect.void
  }
  const copy = payload.slice()
  return fabric.deliveries.schedule(
    delay,
    (now) => fabric.deliver({ payload: copy, from: from.address, receivedAt: now }, to)
  )
}

/** The routes of a stream in both directions. */
const routes = (fabric: Fabric, from: string, to: string) => {
  const route = (a: string, b: string) => ({
    passes: () => fabric.streamPasses(a, b),
    delay: () => fabric.links.delayOf(a, b, fabric.random()),
    deliveries: fabric.deliveries
  })
  return { there: route(from, to), back: route(to, from) }
}

/** Makes the stream and hands its other end to the listener; `undefined` when the listener has no room. */
const connect = (
  fabric: Fabric,
  from: Endpoint,
  listener: Endpoint
): Effect.Effect<Side, TransportError, Scope.Scope> =>
  Effect.gen(function*() {
    const pair = makePair({
      client: { ip: from.host.ip, port: from.host.nextPort() },
      server: listener.address,
      ...routes(fabric, from.host.ip, listener.host.ip),
      window: fabric.options.streamWindow,
      gates: { client: from.host.gate, server: listener.host.gate },
      onDone: () => fabric.streams.delete(stream)
    })
    const stream = { hosts: [from.host.ip, listener.host.ip], endpoints: [from, listener], side: pair.client }
    fabric.streams.add(stream)
    yield* Effect.addFinalizer(() => pair.client.close)
    listener.accepted++
    Queue.offerUnsafe(listener.backlog, pair.server)
    from.host.traffic.streamsOpened++
    listener.host.traffic.streamsAccepted++
    return pair.client
  })

const open = (fabric: Fabric, from: Endpoint) =>
  Effect.fnUntraced(function*(to: PeerAddress, options: { readonly timeout: Duration.Duration }) {
    yield* from.host.gate
    const { back, there } = routes(fabric, from.host.ip, to.ip)
    const delays = [there.delay(), back.delay()] as const
    const timeout = Duration.toMillis(options.timeout)
    const reachable = from.host.crashed === undefined && there.passes() && back.passes()
    if (!reachable || delays[0] + delays[1] > timeout) {
      yield* Effect.sleep(options.timeout)
      return yield* failure("open", "Timeout", to)
    }
    yield* Effect.sleep(Duration.millis(delays[0]))
    const listener = fabric.listener(to)
    const side = listener === undefined ? undefined : yield* connect(fabric, from, listener)
    yield* Effect.sleep(Duration.millis(delays[1]))
    if (side === undefined) {
      fabric.stats.streamsRefused++
      return yield* failure("open", "Refused", to)
    }
    return side.connection
  })

const serve = (endpoint: Endpoint) => (handler: (connection: Connection) => Effect.Effect<void>) =>
  Effect.scoped(Effect.gen(function*() {
    const handlers = yield* FiberSet.make<void>()
    const handle = (side: Side) =>
      Effect.andThen(endpoint.host.gate, handler(side.connection)).pipe(
        Effect.ensuring(Effect.suspend(() => {
          endpoint.accepted--
          return side.close
        }))
      )
    for (;;) {
      const side = yield* Queue.take(endpoint.backlog)
      yield* FiberSet.run(handlers, handle(side), { startImmediately: true })
    }
  }))

const resolve = (fabric: Fabric, host: string): Effect.Effect<ReadonlyArray<string>, SeedUnresolvable> => {
  const literal = ipText(ipBytes(host) ?? new Uint8Array())
  if (literal !== undefined) return Effect.succeed([literal])
  const found = fabric.options.hosts[host]
  return found === undefined
    ? Effect.fail(new SeedUnresolvable({ host, cause: new Error("not in the simulated network's host table") }))
    : Effect.succeed(found)
}

/** The transport of one bound address. */
export const make = (fabric: Fabric, endpoint: Endpoint): Transport["Service"] => {
  const { host } = endpoint
  const received = Effect.flatMap(
    Queue.takeAll(endpoint.inbox),
    (batch): Effect.Effect<ReadonlyArray<Packet>> => host.paused ? Effect.as(host.gate, batch) : Effect.succeed(batch)
  )
  return {
    bound: endpoint.address,
    advertised: { addr: ipBytes(endpoint.address.ip) ?? new Uint8Array(), port: endpoint.address.port },
    packets: received,
    send: (to, payload) =>
      Effect.suspend(() =>
        host.paused
          ? Effect.andThen(host.gate, Effect.suspend(() => transmit(fabric, endpoint, to, payload)))
          : transmit(fabric, endpoint, to, payload)
      ),
    serve: serve(endpoint),
    open: open(fabric, endpoint),
    resolve: (name) => resolve(fabric, name)
  }
}

/** Tries again everything that a cut link or a crashed host held back. */
export const pumpAll = (fabric: Fabric): Effect.Effect<void> =>
  Clock.clockWith((clock) => {
    const now = nowOf(clock)
    for (const { side } of [...fabric.streams]) side.pump(now)
    return Effect.void
  })
