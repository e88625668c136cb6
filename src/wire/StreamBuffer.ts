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

  /**
   * Moves to new memory even when compacting would do, because bytes handed out as views must not change; doubling
   * keeps that rare.
   */
  private makeRoom(size: number): void {
    const needed = this.length + size
    const next = new Uint8Array(Math.max(needed, this.length * 2, INITIAL_BYTES))
    next.set(this.bytes.subarray(this.start, this.end))
    this.bytes = next
    this.end -= this.start
    this.start = 0
  }
}
