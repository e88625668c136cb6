/**
 * The bytes of a stream that were received and not yet consumed.
 *
 * It grows by doubling with what arrives, never with what is announced, and drops consumed bytes when it must make room,
 * so that appending costs a constant per byte whatever the sizes of the chunks.
 *
 * @stability unstable
 * @since 0.1.0
 */

const INITIAL_BYTES = 1_024

/**
 * @category models
 * @since 0.1.0
 */
export class StreamBuffer {
  bytes: Uint8Array = new Uint8Array(INITIAL_BYTES)
  /** First unconsumed byte. */
  start = 0
  /** One past the last byte received. */
  end = 0
  /** The memory of `bytes` that nobody else has made, or has a part of. */
  private own: ArrayBuffer | undefined = undefined

  get length(): number {
    return this.end - this.start
  }

  append(chunk: Uint8Array): void {
    if (this.end + chunk.length > this.bytes.length) this.makeRoom(chunk.length)
    this.bytes.set(chunk, this.end)
    this.end += chunk.length
  }

  /** The unconsumed bytes up to `size` of them, as a view. */
  view(size: number): Uint8Array {
    return this.bytes.subarray(this.start, this.start + size)
  }

  /** Goes on with these bytes instead. */
  replace(bytes: Uint8Array): void {
    this.own = undefined
    this.bytes = bytes
    this.start = 0
    this.end = bytes.length
  }

  /**
   * Empties it and gives its memory back at once: what an idle process drops may not be collected for minutes. Nothing may
   * still want a view of it.
   */
  free(): void {
    this.own?.transfer(0)
    this.replace(new Uint8Array(0))
  }

  /**
   * Grows, and gives the old memory back at once: nobody has a view of it while more is to come. Doubling keeps that rare.
   */
  private makeRoom(size: number): void {
    const { length } = this
    const capacity = Math.max(length + size, length * 2, INITIAL_BYTES)
    const next = this.own === undefined ? this.copied(capacity) : this.moved(this.own, capacity)
    this.replace(next)
    this.end = length
    this.own = next.buffer
  }

  private copied(capacity: number): Uint8Array<ArrayBuffer> {
    const next = new Uint8Array(capacity)
    next.set(this.bytes.subarray(this.start, this.end))
    return next
  }

  private moved(own: ArrayBuffer, capacity: number): Uint8Array<ArrayBuffer> {
    this.bytes.copyWithin(0, this.start, this.end)
    return new Uint8Array(own.transfer(capacity))
  }
}
