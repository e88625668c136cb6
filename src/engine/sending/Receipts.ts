/**
 * Who got a claim of ours: whoever calls `leave` or `updateMeta` may want to know. A receipt lives while its broadcast
 * is queued, and a newer claim of ours replaces the broadcast, so there are never more than a few.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Address from "../../base/Address.ts"
import * as Signal from "../Signal.ts"

/**
 * What became of news of ours.
 *
 * @category models
 * @since 0.1.0
 */
export interface NewsReport {
  /**
   * - `Sent`: as often as gossip sends any news, `retransmitMult` × ⌈log₁₀(members + 1)⌉ times.
   * - `Unreached`: as often as gossip sends any news, but to none of the members there were: they died meanwhile, or
   *   the transport refused each packet.
   * - `Queued`: not that often so far, because it was not waited for, or not for long enough. It is still being sent.
   * - `Superseded`: not that often, because newer news of ours took its place.
   * - `Alone`: there is nobody to tell.
   * - `AlreadyLeft`: nothing was done, because an earlier leave is complete.
   * - `Unchanged`: nothing was done, because the function given to `updateMeta` returned the bytes that it was given.
   */
  readonly outcome: "Sent" | "Unreached" | "Queued" | "Superseded" | "Alone" | "AlreadyLeft" | "Unchanged"
  /** To how many members it was sent, as far as the transport took it. */
  readonly sent: number
  /** How many of them have it for certain: they answered the ping that it rode on, or completed a push/pull since. */
  readonly confirmed: number
  /** How many live members there were to tell. */
  readonly members: number
}

export interface Receipt {
  /** The news was queued as these bytes. */
  readonly queued: (message: Uint8Array) => void
  /** It left the queue. Harmless when it did before. */
  readonly finished: (how: "Sent" | "Superseded") => void
  /** Whether the news was queued at all. */
  readonly isQueued: () => boolean
  readonly isSettled: () => boolean
  /** Waits until it has left the queue. */
  readonly wait: Effect.Effect<void>
  readonly report: () => NewsReport
}

export interface Receipts {
  /** A receipt for news that these others are to get, who are asked for once. Nobody else is counted. */
  readonly make: (audience: () => Audience) => Receipt
  /** Notes what rides on a packet; with `ping`, on the ping of that sequence number. */
  readonly sent: (messages: ReadonlyArray<Uint8Array>, to: Address.PeerAddress, ping?: number) => void
  /** The transport did not send the packet to there that these were to ride on. */
  readonly unsent: (messages: ReadonlyArray<Uint8Array>, to: Address.PeerAddress) => void
  /** A ping was answered. */
  readonly answered: (ping: number) => void
  /** A push/pull is about to begin; its result is to be called when it is complete. */
  readonly exchanging: (to: Address.PeerAddress) => () => void
}

/** The members that news is for. */
export interface Audience {
  readonly members: number
  /** Their addresses, `ip:port`. Several may share one. */
  readonly places: ReadonlySet<string>
}

interface Open {
  readonly message: Uint8Array
  readonly places: ReadonlySet<string>
  /** How often it was sent to each. */
  readonly sentTo: Map<string, number>
  readonly confirmed: Set<string>
  /** Pings it rode on, and where they went. */
  readonly pings: Map<number, string>
}

const nothing = () => {}

const add = (counts: Map<string, number>, key: string, by: number): void => {
  const count = (counts.get(key) ?? 0) + by
  if (count > 0) counts.set(key, count)
  else counts.delete(key)
}

export const make = (): Receipts => {
  const open = new Set<Open>()
  // a transport may fail when the last transmission has settled the receipt
  const byMessage = new WeakMap<Uint8Array, Open>()
  return {
    make: (audience) => {
      let found: Audience | undefined
      const others = () => found ??= audience()
      const waiting = new Set<Signal.Signal>()
      let outcome: "Sent" | "Superseded" | undefined
      let own: Open | undefined
      return {
        queued: (message) => {
          own = { message, places: others().places, sentTo: new Map(), confirmed: new Set(), pings: new Map() }
          open.add(own)
          byMessage.set(message, own)
        },
        finished: (how) => {
          outcome ??= how
          if (own !== undefined) open.delete(own)
          for (const signal of waiting) signal.notify()
        },
        isQueued: () => own !== undefined,
        isSettled: () => outcome !== undefined,
        wait: Effect.flatMap(Signal.make, (signal) =>
          Effect.suspend(() => {
            if (outcome !== undefined) return Effect.void
            waiting.add(signal)
            return Effect.ensuring(signal.wait, Effect.sync(() => waiting.delete(signal)))
          })),
        report: () => {
          const { members } = others()
          const sent = own?.sentTo.size ?? 0
          const reached = outcome !== "Sent" || sent > 0 || members === 0
          return {
            outcome: reached ? outcome ?? "Queued" : "Unreached",
            sent,
            confirmed: own?.confirmed.size ?? 0,
            members
          }
        }
      }
    },
    sent: (messages, to, ping) => {
      for (const { message, pings, places, sentTo } of open) {
        if (!messages.includes(message) || !places.has(Address.format(to))) continue
        add(sentTo, Address.format(to), 1)
        if (ping !== undefined) pings.set(ping, Address.format(to))
      }
    },
    unsent: (messages, to) => {
      for (const message of messages) {
        const own = byMessage.get(message)
        if (own?.places.has(Address.format(to)) === true) add(own.sentTo, Address.format(to), -1)
      }
    },
    answered: (ping) => {
      for (const { confirmed, pings } of open) {
        const to = pings.get(ping)
        if (to !== undefined) confirmed.add(to)
      }
    },
    exchanging: (to) => {
      if (open.size === 0) return nothing
      const told = [...open]
      return () => {
        for (const { confirmed, places, sentTo } of told) {
          if (!places.has(Address.format(to))) continue
          add(sentTo, Address.format(to), 1)
          confirmed.add(Address.format(to))
        }
      }
    }
  }
}
