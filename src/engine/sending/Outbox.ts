/**
 * What waits to be sent, and what sending needs.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as MutableRef from "effect/MutableRef"
import * as BroadcastQueue from "../../swim/gossip/BroadcastQueue.ts"
import { Writer } from "../../wire/msgpack/MessagePackWriter.ts"
import * as Signal from "../Signal.ts"
import * as Nonces from "./Nonces.ts"
import * as Receipts from "./Receipts.ts"
import * as Turns from "./Turns.ts"

/** A queued message; whoever waits for news about ourselves has a receipt for it. */
export interface Queued extends BroadcastQueue.Broadcast {
  readonly receipt?: Receipts.Receipt | undefined
}

export type Queue = MutableRef.MutableRef<BroadcastQueue.BroadcastQueue<Queued>>

export interface Outbox {
  /** What members say about members. */
  readonly gossip: Queue
  /** What the application broadcasts. */
  readonly user: Queue
  /** Told when something is queued in either of them. */
  readonly news: Signal.Signal
  /** How many bytes messages of the application were owed by packets that carried news of members instead. */
  readonly fairness: MutableRef.MutableRef<number>
  /** Who got what we said last about ourselves. */
  readonly receipts: Receipts.Receipts
  /** Writes what this node sends; no other node's messages pass through it. */
  readonly writer: Writer
  /** A nonce never used before with any key of ours. */
  readonly nonce: () => Uint8Array
  /** In which order streams get on with more than a moment's work. */
  readonly turns: Turns.Turns
}

const queue = (): Queue => MutableRef.make<BroadcastQueue.BroadcastQueue<Queued>>(BroadcastQueue.empty)

export const make: Effect.Effect<Outbox> = Effect.gen(function*() {
  return {
    gossip: queue(),
    user: queue(),
    news: yield* Signal.make,
    fairness: MutableRef.make(0),
    receipts: Receipts.make(),
    writer: new Writer(),
    nonce: Nonces.make(),
    turns: yield* Turns.make
  }
})
