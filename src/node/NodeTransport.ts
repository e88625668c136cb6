/**
 * The real network: UDP for packets, TCP for streams, on the same port.
 *
 * ```ts
 * import { MemberlistConfig, NodeTransport } from "effect-memberlist"
 * import { Layer } from "effect"
 *
 * const TransportLive = NodeTransport.layer.pipe(
 *   Layer.provide(MemberlistConfig.layer({ ...MemberlistConfig.lan, name: "orders-1" }))
 * )
 * ```
 *
 * `0.0.0.0` listens on IPv4, `::` on IPv6 and IPv4 (Go's memberlist listens on both for either). Peers that arrive in
 * the IPv4-mapped form are shown and answered by their IPv4 address.
 *
 * memberlist: `NetTransport`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { ipBytes, ipText } from "../base/Address.ts"
import { withoutTrace } from "../base/PlainText.ts"
import { MemberlistConfig } from "../MemberlistConfig.ts"
import { type AdvertiseAddressInvalid, type BindFailed, ConfigInvalid } from "../MemberlistError.ts"
import { Transport } from "../Transport.ts"
import * as NodeAdvertiseAddress from "./NodeAdvertiseAddress.ts"
import * as NodeLateness from "./NodeLateness.ts"
import * as NodeResolver from "./NodeResolver.ts"
import * as NodeTcp from "./NodeTcp.ts"
import * as NodeUdp from "./NodeUdp.ts"
import * as Reporting from "./Reporting.ts"

type Config = MemberlistConfig["Service"]

/**
 * Accepted connections beyond `maxInboundStreams` that may be open: some flush what their peers have not read yet, some
 * have just been ended to make room.
 */
const CLOSING = 256

/** How often another port is tried when the system's choice for TCP is taken for UDP. As in the reference. */
const BIND_ATTEMPTS = 10

interface Sockets {
  readonly tcp: NodeTcp.Tcp
  readonly udp: NodeUdp.Udp
}

/** The largest payload of a UDP datagram over IPv4, bytes. */
const MAX_DATAGRAM = 65_507

/** Larger packets would fail one by one, long after the start. */
const checkPacketSize = ({ udpBufferSize }: Config): Effect.Effect<void, ConfigInvalid> =>
  udpBufferSize <= MAX_DATAGRAM ? Effect.void : Effect.fail(
    withoutTrace(
      new ConfigInvalid({
        field: "udpBufferSize",
        value: String(udpBufferSize),
        expected: `at most ${MAX_DATAGRAM} with this transport, the bytes that a UDP datagram carries`
      })
    )
  )

const bindOnce = Effect.fnUntraced(function*(
  config: Config,
  notify: Reporting.Notify
): Effect.fn.Return<Sockets, BindFailed, Scope.Scope> {
  const tcp = yield* NodeTcp.listen({
    address: config.bindAddress,
    port: config.bindPort,
    maxInbound: config.maxInboundStreams + CLOSING,
    flushTimeout: config.tcpTimeout,
    notify
  })
  const udp = yield* NodeUdp.bind({
    address: config.bindAddress,
    port: tcp.port,
    capacity: config.packetBuffer,
    notify
  })
  return { tcp, udp }
})

/**
 * Repeats an attempt whose UDP half found the port taken that the system had chosen for TCP. A failed attempt leaves
 * nothing open.
 *
 * @internal
 */
export const bindWith = Effect.fnUntraced(function*<A>(
  attempt: Effect.Effect<A, BindFailed, Scope.Scope>,
  options: { readonly chosenBySystem: boolean; readonly onRetry?: (error: BindFailed) => Effect.Effect<void> }
): Effect.fn.Return<A, BindFailed, Scope.Scope> {
  const parent = yield* Scope.Scope
  for (let tried = 1;; tried++) {
    const scope = yield* Scope.fork(parent)
    const result = yield* Effect.result(Scope.provide(attempt, scope))
    if (Result.isSuccess(result)) return result.success
    yield* Scope.close(scope, Exit.void)
    const { kind, protocol } = result.failure
    const another = options.chosenBySystem && protocol === "udp" && kind === "AddressInUse" && tried < BIND_ATTEMPTS
    if (!another) return yield* result.failure
    if (options.onRetry !== undefined) yield* options.onRetry(result.failure)
  }
})

/**
 * Opens the sockets of one node. They are closed with the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<
  Transport["Service"],
  BindFailed | AdvertiseAddressInvalid | ConfigInvalid,
  MemberlistConfig | Scope.Scope
> = Effect.gen(function*() {
  const config = yield* MemberlistConfig
  yield* checkPacketSize(config)
  const notices = Reporting.make()
  const chosenBySystem = config.bindPort === 0
  const { tcp, udp } = yield* bindWith(bindOnce(config, notices.notify), {
    chosenBySystem,
    onRetry: ({ address, message }) =>
      Effect.sync(() => notices.notify({ _tag: "BindRetried", address, detail: message }))
  })
  if (chosenBySystem) notices.notify({ _tag: "PortChosen", bound: { ip: config.bindAddress, port: tcp.port } })
  const addr = yield* NodeAdvertiseAddress.find(config)
  const explicitPort = config.advertiseAddress === undefined ? undefined : config.advertisePort
  return Transport.of({
    bound: { ip: ipText(ipBytes(config.bindAddress) ?? new Uint8Array()) ?? config.bindAddress, port: tcp.port },
    advertised: { addr, port: explicitPort ?? tcp.port },
    packets: udp.packets,
    send: udp.send,
    serve: tcp.serve,
    open: tcp.open,
    resolve: NodeResolver.make({
      open: tcp.open,
      dnsConfigPath: config.dnsConfigPath,
      timeout: config.tcpTimeout,
      notify: notices.notify
    }),
    onNotice: notices.onNotice
  })
})

/**
 * UDP and TCP as `MemberlistConfig` says. Every use of this layer opens sockets of its own: two nodes in one program do
 * not share a transport. With it comes how late the process is (`NodeLateness`).
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Transport, BindFailed | AdvertiseAddressInvalid | ConfigInvalid, MemberlistConfig> =
  Layer.fresh(Layer.merge(Layer.effect(Transport, make), NodeLateness.layer))
