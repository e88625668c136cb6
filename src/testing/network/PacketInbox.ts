/**
 * The packets that wait at an address for the node that reads them: as many as there is room for.
 *
 * As Effect's dropping `Queue`, and whoever waits is woken at the same place in the order of tasks, but for one reader:
 * with it and a timer for what is due together (`Deliveries.ts`) a packet through the network takes 2.6 µs where a
 * queue and a fiber took 4.3.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Scheduler from "effect/Scheduler"
import type { TransportError } from "../../MemberlistError.ts"
import type { Packet } from "../../Transport.ts"

type Batch = Effect.Effect<ReadonlyArray<Packet>, TransportError>

export class PacketInbox {
  private waiting: Array<Packet> = []
  private reader: ((batch: Batch) => void) | undefined
  private isWaking = false
  private end: Cause.Cause<TransportError> | undefined
  private readonly capacity: number
  private readonly dispatcher: Scheduler.SchedulerDispatcher

  constructor(capacity: number, dispatcher: Scheduler.SchedulerDispatcher) {
    this.capacity = capacity
    this.dispatcher = dispatcher
  }

  /** Takes a packet, if there is room for it. */
  offer(packet: Packet): boolean {
    if (this.end !== undefined || this.waiting.length >= this.capacity) return false
    this.waiting.push(packet)
    this.wake()
    return true
  }

  /** All that waits, oldest first; waits for at least one. For one reader. */
  readonly take: Batch = Effect.suspend(() =>
    this.next() ?? Effect.callback<ReadonlyArray<Packet>, TransportError>((resume) => {
      this.reader = resume
      return Effect.sync(() => {
        if (this.reader === resume) this.reader = undefined
      })
    })
  )

  /** Takes no more: once what waits is read, the reader gets this. */
  fail(cause: Cause.Cause<TransportError>): void {
    if (this.end !== undefined) return
    this.end = cause
    if (this.waiting.length === 0) this.release()
    else this.wake()
  }

  private next(): Batch | undefined {
    const { waiting } = this
    if (waiting.length > 0) {
      this.waiting = []
      return Effect.succeed(waiting)
    }
    return this.end === undefined ? undefined : Effect.failCause(this.end)
  }

  /** Wakes the reader in a task of its own, so that it gets all that comes at this moment in one go. */
  private wake(): void {
    if (this.isWaking || this.reader === undefined) return
    this.isWaking = true
    this.dispatcher.scheduleTask(() => {
      this.isWaking = false
      this.release()
    }, 0)
  }

  private release(): void {
    const { reader } = this
    if (reader === undefined) return
    const batch = this.next()
    if (batch === undefined) return
    this.reader = undefined
    reader(batch)
  }
}
