/** How messages are sent to be measured, the same way by every program. */
import type { Request } from "./Commands.ts"

export interface Sending {
  readonly to: string
  readonly count: number
  readonly size: number
  readonly reliable: boolean
  /** After so many messages the sender pauses, so that the receiver keeps up; 0 is never. */
  readonly burst: number
  readonly pauseMs: number
}

export const read = (request: Request): Sending => ({
  to: String(request["to"]),
  count: Number(request["count"]),
  size: Number(request["size"]),
  reliable: request["reliable"] === true,
  burst: Number(request["burst"]),
  pauseMs: Number(request["pauseMs"])
})

/** Hexadecimal noise. */
export const text = (size: number): Uint8Array => {
  let x = 1
  return Uint8Array.from({ length: size }, () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return "0123456789abcdef".charCodeAt((x >>> 0) % 16)
  })
}

/** Returns the time that a message took: the middle one of all, and the mean. */
export const summary = (micros: Float64Array): { readonly medianMicros: number; readonly meanMicros: number } => ({
  medianMicros: micros.toSorted()[Math.floor(micros.length / 2)] ?? 0,
  meanMicros: micros.reduce((sum, each) => sum + each, 0) / micros.length
})
