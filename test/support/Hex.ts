/** Bytes as hex text, spaces and line ends ignored, as the protocol's examples are written. */
export const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replace(/\s+/g, ""), "hex"))

/** The hex text of bytes. */
export const hex = (value: Uint8Array): string => Buffer.from(value).toString("hex")

/** Hex text without its spaces. */
export const packed = (text: string): string => text.replace(/\s+/g, "")

/** A small seeded generator (mulberry32), for tests that draw many values from one seed. */
export const generator = (seed: number): () => number => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** One of: cut short, one bit flipped, one byte replaced, another piece spliced in. */
export const mutate = (input: Uint8Array, random: () => number): Uint8Array => {
  const int = (n: number) => Math.floor(random() * n)
  const out = Uint8Array.from(input)
  const at = int(Math.max(1, out.length))
  switch (int(4)) {
    case 0:
      return out.subarray(0, at)
    case 1:
      if (out.length > 0) out[at] = (out[at] ?? 0) ^ (1 << int(8))
      return out
    case 2:
      if (out.length > 0) out[at] = int(256)
      return out
    default: {
      const from = int(Math.max(1, out.length))
      return Uint8Array.from([...out.subarray(0, at), ...out.subarray(from), ...out.subarray(at)])
    }
  }
}
