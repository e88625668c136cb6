/**
 * Numbers, texts and bytes of the frames of topics and maps, and of what is kept on a disk. No bytes make the reader do
 * more than their length allows.
 *
 * @since 0.1.0
 */

const utf8 = new TextEncoder()
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Thrown by the reader alone: the bytes end too soon, or break a bound. */
export class BytesMalformed extends Error {
  override readonly name = "BytesMalformed"
}
// made once: an attacker's bytes must not make us write down where we were
const malformed = new BytesMalformed()

export const refuse = (): never => {
  throw malformed
}

export class ByteWriter {
  private bytes: Uint8Array
  private at = 0

  constructor(room = 256) {
    this.bytes = new Uint8Array(room)
  }

  get length(): number {
    return this.at
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.at++] = value
  }

  flag(value: boolean): void {
    this.byte(value ? 1 : 0)
  }

  uint32(value: number): void {
    for (const shift of [24, 16, 8, 0]) this.byte((value >>> shift) & 255)
  }

  raw(value: Uint8Array): void {
    this.reserve(value.length)
    this.bytes.set(value, this.at)
    this.at += value.length
  }

  /** Seven bits a byte, the lowest first; each but the last has the highest bit set. */
  varint(value: number): void {
    let left = value
    while (left > 127) {
      this.byte((left % 128) | 128)
      left = Math.floor(left / 128)
    }
    this.byte(left)
  }

  /** Seven bytes, the highest first. */
  hash(value: number): void {
    for (let factor = 2 ** 48; factor >= 1; factor /= 256) this.byte(Math.floor(value / factor) % 256)
  }

  text(value: string): void {
    this.bytesOf(utf8.encode(value))
  }

  bytesOf(value: Uint8Array): void {
    this.varint(value.length)
    this.raw(value)
  }

  take(): Uint8Array {
    return this.bytes.subarray(0, this.at)
  }

  private reserve(more: number): void {
    if (this.at + more <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(2 * this.bytes.length, this.at + more))
    grown.set(this.bytes)
    this.bytes = grown
  }
}

export class ByteReader {
  private at = 0
  private readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  byte(): number {
    return this.bytes[this.at++] ?? refuse()
  }

  flag(): boolean {
    const value = this.byte()
    return value <= 1 ? value === 1 : refuse()
  }

  uint32(): number {
    return ((this.byte() << 24) | (this.byte() << 16) | (this.byte() << 8) | this.byte()) >>> 0
  }

  raw(length: number): Uint8Array {
    if (length > this.left) refuse()
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  varint(most: number): number {
    let value = 0
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      const byte = this.byte()
      value += (byte & 127) * factor
      if (byte < 128) return value <= most ? value : refuse()
    }
    return refuse()
  }

  hash(): number {
    let value = 0
    for (let i = 0; i < 7; i++) value = value * 256 + this.byte()
    return value < 2 ** 52 ? value : refuse()
  }

  text(most: number): string {
    return this.utf8(this.varint(most))
  }

  /** A text of so many bytes. */
  utf8(length: number): string {
    const bytes = this.raw(length)
    try {
      return strict.decode(bytes)
    } catch {
      return refuse()
    }
  }

  /** A copy: what comes from the network may be a view of something larger. */
  bytesOf(most: number): Uint8Array {
    return this.raw(this.varint(most)).slice()
  }

  /** All that is left, as a copy. */
  rest(): Uint8Array {
    return this.raw(this.left).slice()
  }

  end(): void {
    if (this.left > 0) refuse()
  }
}
