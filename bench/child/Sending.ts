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
  /** Whether each message tells when it was sent. */
  readonly stamped: boolean
}

export const read = (request: Request): Sending => ({
  to: String(request["to"]),
  count: Number(request["count"]),
  size: Number(request["size"]),
  reliable: request["reliable"] === true,
  burst: Number(request["burst"]),
  pauseMs: Number(request["pauseMs"]),
  stamped: request["stamped"] === true
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

/** Returns the value below which so large a part of the values lies. */
const quantile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

interface Summary {
  readonly medianMicros: number
  readonly p99Micros: number
  readonly meanMicros: number
}

/** Returns the time that a message took: the middle one of all, the one that one in a hundred exceeds, and the mean. */
export const summary = (micros: Float64Array): Summary => {
  const sorted = micros.toSorted()
  return {
    medianMicros: quantile(sorted, 0.5),
    p99Micros: quantile(sorted, 0.99),
    meanMicros: micros.reduce((sum, each) => sum + each, 0) / micros.length
  }
}

/** The system's clock in microseconds, which two processes of one machine share. */
const clock = (): number => (performance.timeOrigin + performance.now()) * 1000

/** What no hexadecimal noise begins with. */
const STAMPED = "T".charCodeAt(0)
const DIGITS = 16

/** Writes the time into the beginning of a message. */
export const stamp = (payload: Uint8Array): void => {
  const digits = String(Math.round(clock())).padStart(DIGITS, "0")
  payload[0] = STAMPED
  for (let i = 0; i < DIGITS; i++) payload[1 + i] = digits.charCodeAt(i)
}

/** How long the stamped messages took that came since the last time it was asked. */
export class Latencies {
  private micros: Array<number> = []

  note(payload: Uint8Array): void {
    if (payload[0] !== STAMPED) return
    this.micros.push(clock() - Number(Buffer.from(payload.subarray(1, 1 + DIGITS)).toString("latin1")))
  }

  take(): Summary {
    const taken = summary(Float64Array.from(this.micros))
    this.micros = []
    return taken
  }
}
