/**
 * What TCP does where packets are lost, as rules without time and chance of their own: when a connection is asked for
 * again, and when a segment is sent again. The numbers are those of Linux.
 *
 * Left out is what only makes bulk transfers faster: duplicate acknowledgements, that is fast retransmission, and a
 * window beyond the first one.
 *
 * @since 0.1.0
 */

/** How often a SYN is sent again (`tcp_syn_retries`), and how long after the first one. */
const SYN_RETRIES = 6
const SYN_TIMEOUT = 1_000
/** How often a segment is sent again (`tcp_retries2`), and the shortest and the longest time before. */
const SEGMENT_RETRIES = 15
const MIN_TIMEOUT = 200
const MAX_TIMEOUT = 120_000
/** Segments that may be on their way before the first is acknowledged. */
const WINDOW = 10

/** The payload of an Ethernet packet without the headers of IPv4 and TCP. */
export const SEGMENT_BYTES = 1_460

/** Whether one more packet gets through. */
export type Passes = () => boolean

/** The two directions, as the sender sees them. */
export interface Ways {
  readonly there: Passes
  readonly back: Passes
}

/** A connection that is asked for: SYN, and SYN-ACK. */
export class Handshake {
  private attempts = 0
  /** A SYN has arrived. From then on the other side repeats its SYN-ACK at the same pace. */
  private known = false

  /** Asks once more; answers how many milliseconds to wait before the next time, unless it is over. */
  attempt({ back, there }: Ways): number | "Connected" | "GivenUp" {
    if (this.attempts > SYN_RETRIES) return "GivenUp"
    const arrived = there()
    this.known ||= arrived
    if (this.known && back()) return "Connected"
    return SYN_TIMEOUT * 2 ** this.attempts++
  }
}

/** What came of sending some segments. */
export interface Flight<S> {
  /** What the receiver can read now: in order, and without a gap. */
  readonly readable: ReadonlyArray<S>
  /**
   * `"Done"`: all is acknowledged. `"GivenUp"`: the connection is broken. Else how many milliseconds after the sending
   * the next flight begins.
   */
  readonly next: number | "Done" | "GivenUp"
}

/** The sender of one direction of a stream, and what its receiver has. */
export class SegmentSender<S> {
  /** What the sender knows of nothing more than that it sent it. */
  private readonly unacknowledged: Array<{ readonly segment: S; received: boolean }> = []
  /** How many of them the receiver could read already: only their acknowledgement is lost. */
  private read = 0
  private window = WINDOW
  /** Timeouts since the last acknowledgement. */
  private timeouts = 0

  /** Whether nothing waits to be sent or acknowledged. */
  get idle(): boolean {
    return this.unacknowledged.length === 0
  }

  /** Queues segments behind those that wait. */
  offer(segments: ReadonlyArray<S>): void {
    for (const segment of segments) this.unacknowledged.push({ segment, received: false })
  }

  /** Sends what the window allows. Segments and acknowledgements take `roundTrip` milliseconds together. */
  flight({ back, there }: Ways, roundTrip: number): Flight<S> {
    const queue = this.unacknowledged
    // the first one is sent again although it was received, because nothing else brings an acknowledgement
    const sent = queue.filter(({ received }, i) => i === 0 || !received).slice(0, this.window)
    const last = sent.at(-1)
    let prefix = this.read
    let acknowledged = 0
    for (const each of sent) {
      if (!there()) continue
      each.received = true
      while (queue[prefix]?.received === true) prefix++
      if (back()) acknowledged = prefix
    }
    const readable = queue.slice(this.read, prefix).map(({ segment }) => segment)
    const whole = last === undefined || queue.indexOf(last) < acknowledged
    queue.splice(0, acknowledged)
    this.read = prefix - acknowledged
    return { readable, next: this.after(acknowledged > 0, whole, roundTrip) }
  }

  private after(progress: boolean, whole: boolean, roundTrip: number): Flight<S>["next"] {
    if (progress) this.timeouts = 0
    if (whole) {
      this.window = this.idle ? WINDOW : Math.min(2 * this.window, WINDOW)
      return this.idle ? "Done" : roundTrip
    }
    const wait = Math.min(Math.max(MIN_TIMEOUT, 2 * roundTrip) * 2 ** this.timeouts, MAX_TIMEOUT)
    this.timeouts++
    this.window = 1
    return this.timeouts > SEGMENT_RETRIES ? "GivenUp" : wait
  }
}
