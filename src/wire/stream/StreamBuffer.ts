/**
 * The bytes of a stream that were received and not yet consumed.
 *
 * It grows by doubling with what arrives, never with what is announced, and drops consumed bytes when it must make
 * room, so that appending costs a constant per byte whatever the sizes of the chunks.
 *
 * @stability unstable
 * @since 0.1.0
 */

import { Buffer } from "node:buffer"
import { MAX_STREAM_BYTES } from "../../base/Limits.ts"
import { grown } from "../Growth.ts"

const SHORT = 2_048

/**
 * @category models
 * @since 0.1.0
 */
export class StreamBuffer {
  bytes: Uint8Array = NO_BYTES
  /** First unconsumed byte. */
  start = 0
  /** One past the last byte received. */
  end = 0
  /** The memory of `bytes` that nobody else has made, or has a part of. */
  private own: Uint8Array<ArrayBuffer> | undefined = undefined

  get length(): number {
    return this.end - this.start
  }

  append(chunk: Uint8Array): void {
    if (this.length === 0 && this.own === undefined) {
      // most streams bring one short chunk, for which Node.js has memory at hand
      return chunk.length <= SHORT ? this.replace(Buffer.from(chunk)) : this.keep(copied(chunk))
    }
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
    // text is decoded by `Buffer`, which else has to be made for each
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.start = 0
    this.end = bytes.length
  }

  /**
   * Empties it and gives its memory back at once: what an idle process drops may not be collected for minutes. Nothing
   * may still want a view of it.
   */
  free(): void {
    this.own?.buffer.transfer(0)
    this.replace(NO_BYTES)
  }

  /**
   * Grows, and gives the old memory back at once: nobody has a view of it while more is to come. Doubling keeps that
   * rare.
   */
  private makeRoom(size: number): void {
    const { length } = this
    const needed = length + size
    if (this.own === undefined) this.keep(grown(copied(this.view(length)), length, needed, MAX_STREAM_BYTES))
    else {
      this.bytes.copyWithin(0, this.start, this.end)
      this.keep(needed <= this.own.length / 2 ? this.own : grown(this.own, length, needed, MAX_STREAM_BYTES))
    }
    this.end = length
  }

  private keep(own: Uint8Array<ArrayBuffer>): void {
    this.replace(own)
    this.own = own
  }
}

const NO_BYTES = new Uint8Array(0)

/** Bytes in memory that is ours alone. */
const copied = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)
