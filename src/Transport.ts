/**
 * What the protocol needs from a network: unreliable packets, reliable streams, and the address peers should use.
 *
 * The protocol never sees a socket. `NodeTransport.layer` gives it UDP and TCP, `effect-memberlist/testing` a simulated
 * network, and an application may provide its own.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import type { PeerAddress } from "./base/Address.ts"
import type { SeedUnresolvable, TransportError } from "./MemberlistError.ts"

/**
 * A datagram as it arrived.
 *
 * @category models
 * @since 0.1.0
 */
export interface Packet {
  readonly payload: Uint8Array
  readonly from: PeerAddress
  /** Monotonic milliseconds (`Clock.monotonicTimeNanos`), read as early as possible; used for round-trip times. */
  readonly receivedAt: number
}

/**
 * One reliable byte stream. It lives as long as the scope it was opened in; releasing that scope flushes what was
 * written and closes, at once when a write was interrupted.
 *
 * @category models
 * @since 0.1.0
 */
export interface Connection {
  readonly peer: PeerAddress
  /**
   * The next bytes, at least one. `Cause.Done` says that the peer has ended its side in order; a stream that broke is a
   * `TransportError` with kind `Closed`.
   */
  readonly pull: Pull.Pull<Uint8Array, TransportError>
  /** Hands the bytes to the stream in order; waits while the peer is slower than we are. */
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, TransportError>
}

/**
 * Something that a transport did by itself, or could not do, and that its operator may want to know. The node counts
 * and logs it, with the limits and annotations of its other entries.
 *
 * @category models
 * @since 0.1.0
 */
export type TransportNotice =
  /** The system chose the port. */
  | { readonly _tag: "PortChosen"; readonly bound: PeerAddress }
  /** An attempt to bind an address failed, and there will be another. */
  | { readonly _tag: "BindRetried"; readonly address: string; readonly detail: string }
  /** Packets were dropped before the node asked for them. */
  | { readonly _tag: "PacketsDropped"; readonly count: number; readonly detail: string }
  /** An inbound stream was closed at once, because of a limit of the transport's own. */
  | { readonly _tag: "StreamRefused"; readonly peer: PeerAddress; readonly detail: string }
  /** An inbound stream ended before its handler was called. */
  | { readonly _tag: "StreamEnded"; readonly peer: PeerAddress; readonly detail: string }
  /** The handler of an inbound stream died. */
  | { readonly _tag: "StreamDied"; readonly peer: PeerAddress; readonly cause: Cause.Cause<unknown> }
  /** One way to look a host up failed, and another is tried. */
  | { readonly _tag: "LookupFailed"; readonly host: string; readonly detail: string }

/**
 * The service that moves bytes. memberlist: `Transport`, `NodeAwareTransport`.
 *
 * @category services
 * @since 0.1.0
 */
export class Transport extends Context.Service<Transport, {
  /** Where this node listens, with the real port when port 0 was asked for. */
  readonly bound: PeerAddress
  /**
   * The address bytes and port to announce to peers (behaviour of memberlist's `FinalAdvertiseAddr`): the configured
   * advertise address, else the bound one, else, for a wildcard, the first private address of this host.
   */
  readonly advertised: { readonly addr: Uint8Array; readonly port: number }
  /** Every packet received since the last call, oldest first; waits for at least one. One consumer. */
  readonly packets: Effect.Effect<ReadonlyArray<Packet>, TransportError>
  /**
   * Sends one datagram. Succeeding means it was handed to the network, not that it arrived. `to.name` is the member,
   * where it is known; `requireNodeNames` makes sure that it is.
   */
  readonly send: (to: PeerAddress, payload: Uint8Array) => Effect.Effect<void, TransportError>
  /**
   * Accepts streams forever, each handler in a fiber of its own whose end closes its connection. The protocol limits
   * how many it serves, by interrupting handlers; a limit of the transport's own should be higher.
   */
  readonly serve: (handler: (connection: Connection) => Effect.Effect<void>) => Effect.Effect<never, TransportError>
  /** Opens a stream, or fails after `timeout`. */
  readonly open: (
    to: PeerAddress,
    options: { readonly timeout: Duration.Duration }
  ) => Effect.Effect<Connection, TransportError, Scope.Scope>
  /** All addresses of a host name, IP literals first unchanged. */
  readonly resolve: (host: string) => Effect.Effect<ReadonlyArray<string>, SeedUnresolvable>
  /**
   * Sets who is told of the transport's notices: those of before first, then each at once. The listener is synchronous
   * and never throws. Optional: a transport may have nothing to tell.
   */
  readonly onNotice?: ((listener: (notice: TransportNotice) => void) => void) | undefined
}>()("effect-memberlist/Transport") {}
