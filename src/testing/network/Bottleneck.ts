/**
 * A line of limited bandwidth with a queue of limited length in front of it.
 *
 * @since 0.1.0
 */
export class Bottleneck {
  /** When the last byte accepted so far will have left, in milliseconds. */
  private free = 0
  private readonly bytesPerMilli: number
  private readonly queue: number

  /** `queue`: how many milliseconds a packet may wait before it is dropped instead. */
  constructor(bytesPerSecond: number, queue: number) {
    this.bytesPerMilli = bytesPerSecond / 1000
    this.queue = queue
  }

  /** Whether a packet that gets here at `now` finds room. */
  hasRoom(now: number): boolean {
    return this.free - now <= this.queue
  }

  /** Takes bytes that get here at `now`; answers when the last of them has left. */
  take(now: number, bytes: number): number {
    this.free = Math.max(this.free, now) + bytes / this.bytesPerMilli
    return this.free
  }
}
