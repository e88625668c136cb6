/**
 * A transport for networks that let no UDP through: each packet has a TCP connection of its own. `docs/transport.md` explains
 * it.
 */
import { Clock, Effect, FiberSet, Layer, Queue } from "effect"
import {
  type Connection,
  MemberlistConfig,
  NodeAdvertiseAddress,
  NodeResolver,
  NodeTcp,
  type Packet,
  type PeerAddress,
  Transport
} from "effect-memberlist"

/** How a connection begins: what it is for, and the port of the node that opened it. */
const HEADER = 3
const PACKET = 0
const STREAM = 1
const header = (kind: number, port: number) => Uint8Array.of(kind, port >> 8, port & 0xff)

/** Packets on their way out; of more, the newest are dropped. */
const MAX_SENDING = 256

/** Reads the first bytes, and gives the connection back as if they had never been there. */
const split = Effect.fnUntraced(function*(connection: Connection, size: number) {
  let read: Uint8Array = new Uint8Array()
  while (read.length < size) read = Buffer.concat([read, yield* connection.pull])
  let left = read.subarray(size)
  const pull: Connection["pull"] = Effect.suspend(() => {
    if (left.length === 0) return connection.pull
    const rest = left
    left = new Uint8Array()
    return Effect.succeed(rest)
  })
  return { head: read.subarray(0, size), rest: { ...connection, pull } }
})

/** Everything that comes until the peer ends its side; nothing when that is more than a packet may be. */
const readPacket = Effect.fnUntraced(function*(connection: Connection, limit: number) {
  const parts: Array<Uint8Array> = []
  for (let size = 0; size <= limit;) {
    // the end of a stream is no failure: it is `Done`
    const bytes = yield* Effect.catchTag(connection.pull, "Done", () => Effect.succeed(undefined))
    if (bytes === undefined) return Buffer.concat(parts)
    parts.push(bytes)
    size += bytes.length
  }
  return undefined
})

const make = Effect.gen(function*() {
  const config = yield* MemberlistConfig
  const tcp = yield* NodeTcp.listen({
    address: config.bindAddress,
    port: config.bindPort,
    maxInbound: 2 * config.maxInboundStreams,
    flushTimeout: config.tcpTimeout
  })
  const received = yield* Queue.sliding<Packet>(config.packetBuffer)

  const sending = yield* FiberSet.make()
  // What was sent last is the goodbye: it is out before the socket closes.
  yield* Effect.addFinalizer(() =>
    FiberSet.awaitEmpty(sending).pipe(Effect.interruptible, Effect.timeoutOption(config.probeTimeout))
  )
  const deliver = (to: PeerAddress, payload: Uint8Array) =>
    tcp.open(to, { timeout: config.probeTimeout }).pipe(
      Effect.flatMap((connection) => connection.write(Buffer.concat([header(PACKET, tcp.port), payload]))),
      Effect.scoped,
      Effect.ignore // a packet may be lost
    )

  const take = (connection: Connection, port: number) =>
    Effect.gen(function*() {
      const payload = yield* readPacket(connection, config.udpBufferSize)
      if (payload === undefined) return
      const receivedAt = Number(yield* Clock.monotonicTimeNanos) / 1e6
      yield* Queue.offer(received, { payload, from: { ip: connection.peer.ip, port }, receivedAt })
    })

  return Transport.of({
    bound: { ip: config.bindAddress, port: tcp.port },
    advertised: { addr: yield* NodeAdvertiseAddress.find(config), port: tcp.port },
    packets: Queue.takeAll(received),
    // Handing a packet over takes no time: whoever probes a dead host goes on with others.
    send: (to, payload) =>
      Effect.suspend(() =>
        FiberSet.size(sending).pipe(
          Effect.flatMap((size) =>
            size < MAX_SENDING ? Effect.asVoid(FiberSet.run(sending, deliver(to, payload))) : Effect.void
          )
        )
      ),
    serve: (handler) =>
      tcp.serve((connection) =>
        split(connection, HEADER).pipe(
          Effect.timeout(config.tcpTimeout),
          Effect.flatMap(({ head: [kind = STREAM, high = 0, low = 0], rest }) =>
            kind === PACKET
              ? Effect.timeout(take(rest, high * 256 + low), config.tcpTimeout)
              : handler(rest)
          ),
          Effect.ignore // who opens a connection and says nothing is no failure of ours
        )
      ),
    open: (to, options) =>
      Effect.tap(tcp.open(to, options), (connection) => connection.write(header(STREAM, tcp.port))),
    resolve: NodeResolver.make({
      open: tcp.open,
      dnsConfigPath: config.dnsConfigPath,
      timeout: config.tcpTimeout
    })
  })
})

export const layer = Layer.fresh(Layer.effect(Transport, make))
