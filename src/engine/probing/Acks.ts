/**
 * Waiting for the answer to a ping: who waits for which sequence number. The number is the only thing an ack is matched
 * by, so it starts at a random point.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { PeerAddress } from "../../base/Address.ts"
import { isSame } from "../../swim/probing/Evidence.ts"
import * as Cutoff from "../Cutoff.ts"

/** What a waiting probe, ping or relay is told. */
export interface AckHandler {
  readonly onAck: (payload: Uint8Array | null, receivedAt: number, from?: PeerAddress) => void
  readonly onNack: ((from?: PeerAddress) => void) | undefined
}

/** What became of an ack or a nack. */
export type Delivery =
  | "Delivered"
  /** Its number is one of those given out lately, and the wait for it is over. */
  | "Late"
  /** Nobody has waited for its number lately: it is very late, or forged. */
  | "Unexpected"

/** How many of the last numbers are told from those that were never given out: a minute's worth, and more. */
const LATELY = 4096

export interface Acks {
  /** The next sequence number (u32, wraps). */
  readonly next: () => number
  readonly register: (seqNo: number, handler: AckHandler) => void
  /** Ends the wait; harmless when it is over. */
  readonly forget: (seqNo: number) => void
  /** Delivers an ack, and where it came from, and ends the wait. */
  readonly ack: (seqNo: number, payload: Uint8Array | null, receivedAt: number, from?: PeerAddress) => Delivery
  /** Delivers a nack, and where it came from; the wait goes on. */
  readonly nack: (seqNo: number, from?: PeerAddress) => Delivery
  readonly waiting: () => number
}

/** `start` is a random u32: an off-path attacker must guess it to forge an ack. */
export const make = (start: number): Acks => {
  const handlers = new Map<number, AckHandler>()
  let last = start >>> 0
  let given = 0
  // the last numbers given out are one after the other, so nothing has to be remembered
  const missed = (seqNo: number): Delivery => (last - seqNo) >>> 0 < given ? "Late" : "Unexpected"
  return {
    next: () => {
      last = (last + 1) >>> 0
      if (given < LATELY) given++
      return last
    },
    register: (seqNo, handler) => void handlers.set(seqNo, handler),
    forget: (seqNo) => void handlers.delete(seqNo),
    ack: (seqNo, payload, receivedAt, from) => {
      const handler = handlers.get(seqNo)
      if (handler === undefined) return missed(seqNo)
      handlers.delete(seqNo)
      handler.onAck(payload, receivedAt, from)
      return "Delivered"
    },
    nack: (seqNo, from) => {
      const handler = handlers.get(seqNo)
      if (handler === undefined) return missed(seqNo)
      if (handler.onNack === undefined) return "Unexpected"
      handler.onNack(from)
      return "Delivered"
    },
    waiting: () => handlers.size
  }
}

export interface Answer {
  readonly payload: Uint8Array | null
  readonly receivedAt: number
  /** Where it came from, as far as that is known: the member, a helper, or another address of one of them. */
  readonly from: PeerAddress | undefined
}

/** Addresses of nacks that are kept for one wait; a correct helper sends one, and few are asked. */
export const MAX_NACKERS = 64

export interface Wait {
  readonly seqNo: number
  /** The answer, or none when `deadline` (monotonic milliseconds) passes first. */
  readonly until: (deadline: number) => Effect.Effect<Option.Option<Answer>>
  /** How many helpers said they had no answer either. */
  readonly nacks: () => number
  /** Where their words came from: each address once, at most `MAX_NACKERS`. */
  readonly nackers: () => ReadonlyArray<PeerAddress>
}

const nobody: ReadonlyArray<PeerAddress> = []

/** Registers a wait under a new sequence number for as long as `use` runs. `now`: monotonic milliseconds. */
export const withWait = <A, E>(
  { acks, now }: { readonly acks: Acks; readonly now: () => number },
  use: (wait: Wait) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const seqNo = acks.next()
    let answer: Option.Option<Answer> = Option.none()
    let answered: ((answer: Option.Option<Answer>) => void) | undefined
    let nacks = 0
    let nackers = nobody
    const handler: AckHandler = {
      onAck: (payload, receivedAt, from) => {
        answer = Option.some({ payload, receivedAt, from })
        answered?.(answer)
      },
      onNack: (from) => {
        nacks++
        if (from === undefined || nackers.length >= MAX_NACKERS || nackers.some((known) => isSame(known, from))) return
        nackers = [...nackers, from]
      }
    }
    const wait: Wait = {
      seqNo,
      until: (deadline) =>
        Cutoff.within(
          () => Math.max(0, deadline - now()),
          Option.none<Answer>(),
          () => Option.isSome(answer) ? answer : undefined,
          (told: NonNullable<typeof answered>) => {
            answered = told
            return () => {
              answered = undefined
            }
          }
        ),
      nacks: () => nacks,
      nackers: () => nackers
    }
    const registered = Effect.suspend(() => {
      acks.register(seqNo, handler)
      return use(wait)
    })
    // Registered inside, so that no interruption can come between the two.
    return Effect.ensuring(registered, Effect.sync(() => acks.forget(seqNo)))
  })
