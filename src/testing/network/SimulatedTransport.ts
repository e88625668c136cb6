/**
 * One node's `Transport` over a simulated network.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { format, ipBytes, ipText, type PeerAddress } from "../../base/Address.ts"
import { SeedUnresolvable, TransportError } from "../../MemberlistError.ts"
import type { Connection, Packet, Transport } from "../../Transport.ts"
import type { Fabric } from "./Fabric.ts"
import { sample } from "./Latency.ts"
import { hit, type Link } from "./Links.ts"
import { Handshake } from "./Retransmission.ts"
import type { Endpoint, Host } from "./SimulatedHost.ts"
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

/** How much later than usual, for one random number in [0, 1). */
const extraDelay = (link: Link, random: number): number => {
  let sum = 0
  for (const condition of link.conditions) {
    if (condition.extra === undefined) continue
    condition.hits++
    sum += sample(condition.extra, random)
  }
  return sum
}

/** When what is sent now has passed every bottleneck, in milliseconds from now. */
const queueing = (link: Link, now: number, bytes: number): number => {
  if (link.bottlenecks.length === 0) return 0
  let time = now
  for (const bottleneck of link.bottlenecks) time = bottleneck.take(time, bytes)
  return time - now
}

/** Refuses what a program does that has closed its transport. */
const refuse = (fabric: Fabric, operation: "send" | "open", to: PeerAddress): Effect.Effect<never, TransportError> =>
  Effect.suspend(() => {
    fabric.stats.afterClose++
    return Effect.fail(failure(operation, "Closed", to, "Local"))
  })

/**
 * Sends a packet. Every random number that may be needed is drawn, whatever becomes of the packet, and each kind from a
 * stream of its own: a fault on one link, or of one kind, does not change what chance decides elsewhere.
 */
const transmit = (
  fabric: Fabric,
  from: Endpoint,
  to: PeerAddress,
  payload: Uint8Array
): Effect.Effect<void, TransportError> => {
  if (from.closed) return refuse(fabric, "send", to)
  if (payload.length > MAX_DATAGRAM) return Effect.fail(failure("send", "TooLarge", to, "Local"))
  const { deliveries, stats } = fabric
  const { host } = from
  const { chances } = host
  const link = fabric.links.between(host.ip, to.ip)
  const loss = chances.loss.next()
  const duplicate = chances.duplicate.next()
  const reorder = chances.reorder.next()
  const held = chances.held.next()
  const extra = chances.extra.next()
  const second = chances.second.next()
  let delay = sample(link.latency, chances.latency.next())
  host.traffic.packetsSent++
  host.traffic.bytesSent += payload.length
  stats.packetsSent++
  stats.bytesSent += payload.length
  const now = deliveries.now()
  const lost = fabric.refusal(host, link, payload.length) ?? byChance(link, loss) ?? congestion(link, now)
  if (lost !== undefined) {
    stats.dropped[lost]++
    return Effect.void
  }
  delay += extraDelay(link, extra) + queueing(link, now, payload.length)
  if (link.reorder !== undefined && reorder < link.reorder.probability) {
    stats.reordered++
    hit(link, (condition) => condition.reorder !== undefined)
    delay += sample(link.reorder.delay, held)
  }
  const packet = { payload: payload.slice(), from: from.address, receivedAt: 0 }
  const arrive = () => fabric.deliver(packet, to)
  const sent = deliveries.schedule(delay, arrive)
  if (duplicate >= link.duplicate) return sent
  stats.duplicated++
  hit(link, (condition) => condition.duplicate !== undefined)
  return Effect.andThen(sent, deliveries.schedule(sample(link.latency, second) + extraDelay(link, second), arrive))
}

const byChance = (link: Link, random: number): "Loss" | undefined => {
  if (random >= link.loss) return undefined
  hit(link, ({ loss }) => loss !== undefined)
  return "Loss"
}

const congestion = (link: Link, now: number): "Congestion" | undefined => {
  if (link.bottlenecks.length === 0) return undefined
  hit(link, ({ bottleneck }) => bottleneck !== undefined)
  return link.bottlenecks.every((bottleneck) => bottleneck.hasRoom(now)) ? undefined : "Congestion"
}

/** The routes of a stream in both directions. */
const routes = (fabric: Fabric, from: Host, to: string) => {
  const { chances } = from
  const route = (a: string, b: string) => ({
    passes: () => fabric.streamPasses(a, b),
    isLossy: () => fabric.links.between(a, b).loss > 0,
    arrives: () => {
      const random = chances.segment.next()
      if (!fabric.streamPasses(a, b)) return false
      if (byChance(fabric.links.between(a, b), random) === undefined) return true
      fabric.stats.segmentsLost++
      return false
    },
    delay: (bytes: number) => {
      const link = fabric.links.between(a, b)
      const random = chances.stream.next()
      return sample(link.latency, random) + extraDelay(link, random) +
        queueing(link, fabric.deliveries.now(), bytes)
    },
    deliveries: fabric.deliveries
  })
  return { there: route(from.ip, to), back: route(to, from.ip) }
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
      ...routes(fabric, from.host, listener.host.ip),
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

/** Asks for a connection as often as TCP does, until `timeout`; answers how long the packets that made it took. */
const shakeHands = Effect.fnUntraced(function*(fabric: Fabric, from: Host, to: string, timeout: number) {
  const { back, there } = routes(fabric, from, to)
  const handshake = new Handshake()
  const ways = { there: () => from.crashed === undefined && there.arrives(), back: back.arrives }
  for (let waited = 0;;) {
    const delays = [there.delay(0), back.delay(0)] as const
    const next = handshake.attempt(ways)
    if (next === "GivenUp") return undefined
    if (next === "Connected" && waited + delays[0] + delays[1] <= timeout) return delays
    if (next === "Connected" || waited + next >= timeout) {
      yield* Effect.sleep(timeout - waited)
      return undefined
    }
    yield* Effect.sleep(next)
    waited += next
  }
})

const open = (fabric: Fabric, from: Endpoint) =>
  Effect.fnUntraced(function*(to: PeerAddress, options: { readonly timeout: Duration.Duration }) {
    yield* from.host.gate
    if (from.closed) return yield* refuse(fabric, "open", to)
    const delays = yield* shakeHands(fabric, from.host, to.ip, Duration.toMillis(options.timeout))
    if (delays === undefined) return yield* failure("open", "Timeout", to)
    yield* fabric.deliveries.sleep(delays[0])
    const listener = fabric.listener(to)
    const side = listener === undefined ? undefined : yield* connect(fabric, from, listener)
    yield* fabric.deliveries.sleep(delays[1])
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
    endpoint.inbox.take,
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
  Effect.sync(() => {
    const now = fabric.deliveries.now()
    for (const { side } of [...fabric.streams]) side.pump(now)
  })
