/**
 * Seeded streams of random numbers. Each purpose has a stream of its own, derived from the seed and the purpose's name,
 * so that drawing more or less for one never changes what another one draws.
 *
 * @since 0.1.0
 */
import type * as Random from "effect/Random"

/** 128 bits from a text (cyrb128). */
const hash = (text: string): readonly [number, number, number, number] => {
  let a = 1779033703
  let b = 3144134277
  let c = 1013904242
  let d = 2773480762
  for (let i = 0; i < text.length; i++) {
    const k = text.charCodeAt(i)
    a = b ^ Math.imul(a ^ k, 597399067)
    b = c ^ Math.imul(b ^ k, 2869860233)
    c = d ^ Math.imul(c ^ k, 951274213)
    d = a ^ Math.imul(d ^ k, 2716044179)
  }
  a = Math.imul(c ^ (a >>> 18), 597399067)
  b = Math.imul(d ^ (b >>> 22), 2869860233)
  c = Math.imul(a ^ (c >>> 17), 951274213)
  d = Math.imul(b ^ (d >>> 19), 2716044179)
  return [a ^ b ^ c ^ d, b ^ a, c ^ a, d ^ a]
}

/** One stream (sfc32). It is also a `Random` for Effect. */
export class Draws implements Random.Random {
  private a: number
  private b: number
  private c: number
  private d: number

  constructor(seed: string | number, purpose: string) {
    const [a, b, c, d] = hash(`${seed}/${purpose}`)
    this.a = a
    this.b = b
    this.c = c
    this.d = d
    for (let i = 0; i < 12; i++) this.bits()
  }

  private bits(): number {
    const sum = (((this.a + this.b) | 0) + this.d) | 0
    this.d = (this.d + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** Uniform in [0, 1), in steps of 2⁻³². */
  next(): number {
    return this.bits() / 0x1_0000_0000
  }

  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  /** One of the items, which must not be none. */
  pick<A>(items: ReadonlyArray<A>): A {
    const item = items[this.between(0, items.length - 1)]
    if (item === undefined) throw new RangeError("nothing to pick from")
    return item
  }

  nextDoubleUnsafe(): number {
    return (this.bits() * 0x20_0000 + (this.bits() >>> 11)) / 0x20_0000_0000_0000
  }

  nextIntUnsafe(): number {
    return Math.floor((this.nextDoubleUnsafe() * 2 - 1) * Number.MAX_SAFE_INTEGER)
  }
}
