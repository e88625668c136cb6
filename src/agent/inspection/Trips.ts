/**
 * What came of trying the ways to a member and back, and what follows from it. Pure.
 *
 * @since 0.1.0
 */
import type { Way } from "../AgentTopic.ts"
import type * as Model from "../Model.ts"

/** What was tried by one way, and answered by another. */
export type Trip = `${Way}>${Way}`

/** All that came back. */
export interface Evidence {
  /** Whether the member's ack to a ping by UDP came. */
  readonly pinged: boolean
  /** Whether its ack to a ping over a stream came. */
  readonly streamed: boolean
  /** What the agent there answered; empty where there is no agent, or nothing came. */
  readonly trips: ReadonlySet<Trip>
}

/** All that can be known is known with these. */
const COMPLETE: ReadonlyArray<Trip> = ["packet>packet", "full>full", "stream>stream"]

/** Returns whether more tries would tell nothing. */
export const isComplete = (trips: ReadonlySet<Trip>): boolean => COMPLETE.every((trip) => trips.has(trip))

type State = Model.CheckView["members"][number]["udpOut"]

/**
 * Returns which ways work. A way fails where the agent there can be talked to, and yet nothing comes by it. Where it
 * cannot be talked to, a ping that is not answered does not tell which of its two ways failed.
 */
export const ways = ({ pinged, streamed, trips }: Evidence): Record<
  "udpOut" | "udpIn" | "tcpOut" | "tcpIn" | "fullOut" | "fullIn",
  State
> => {
  const all = [...trips]
  const isOut = (way: Way) => all.some((trip) => trip.startsWith(`${way}>`))
  const isIn = (way: Way) => all.some((trip) => trip.endsWith(`>${way}`))
  const state = (works: boolean, isKnown: boolean): State => works ? "works" : isKnown ? "fails" : "unknown"
  const talks = all.length > 0
  const udpOut = pinged || isOut("packet") || isOut("full")
  const udpIn = pinged || isIn("packet") || isIn("full")
  const fullOut = isOut("full")
  return {
    udpOut: state(udpOut, talks),
    udpIn: state(udpIn, talks),
    // its ack comes by the stream that was opened for the ping
    tcpOut: state(streamed || isOut("stream"), true),
    tcpIn: state(isIn("stream"), talks),
    // what is no way for small packets says nothing about long ones
    fullOut: state(fullOut, talks && isOut("packet")),
    fullIn: state(isIn("full"), fullOut && isIn("packet"))
  }
}
