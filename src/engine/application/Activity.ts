/**
 * The node's probes, gossip and push/pulls for whoever watches. While nobody does, it costs one comparison for each of
 * them. What is above the rate is left out, so that a busy node does not spend its time on being watched.
 *
 * @since 0.1.0
 */
import * as Stream from "effect/Stream"
import { type Activity as Told, GossipSent, ProbeEnded, type ProbeOutcome, PushPullEnded } from "../../Activity.ts"
import * as Rate from "../../base/Rate.ts"
import type { Counters } from "../telemetry/Counters.ts"
import * as Hub from "./Hub.ts"

/** How much of each kind is told in a second, and at once; each by itself, so that gossip leaves probes their place. */
export const RATE = { perSecond: 50, burst: 100 } as const

/** How much may wait for a slow subscriber; the oldest goes. */
export const MAX_WAITING = 256

interface ProbeNoted {
  readonly _tag: "Probe"
  readonly member: string
  readonly outcome: ProbeOutcome
  readonly helpers: ReadonlyArray<string>
  readonly millis: number
}

interface GossipNoted {
  readonly _tag: "Gossip"
  readonly to: string
  readonly news: number
}

interface PushPullNoted {
  readonly _tag: "PushPull"
  readonly with: string | undefined
  readonly address: string
  readonly by: "us" | "peer"
  readonly join: boolean
  /** What it failed with, if it did. */
  readonly reason: string | undefined
  readonly millis: number
}

export type Noted = ProbeNoted | GossipNoted | PushPullNoted

export interface Activity {
  /** Whether anybody watches: only then there is anything to note. */
  readonly isWatched: () => boolean
  /** Tells those who watch, unless there was too much of this kind. */
  readonly note: (noted: Noted) => void
  /** What happens from now on, a sample. */
  readonly stream: Stream.Stream<Told>
  /** How much waits for the slowest subscriber. */
  readonly waiting: () => number
  /** Ends every stream once it has delivered what it has. */
  readonly end: () => void
}

const trusted = { disableChecks: true }

const toldOf = (noted: Noted, missed: number): Told => {
  switch (noted._tag) {
    case "Probe": {
      const { helpers, member, millis, outcome } = noted
      return new ProbeEnded({ missed, member, outcome, helpers, millis }, trusted)
    }
    case "Gossip":
      return new GossipSent({ missed, to: noted.to, news: noted.news }, trusted)
    case "PushPull": {
      const { address, by, join, millis, reason } = noted
      const outcome = reason === undefined ? "merged" : "failed"
      return new PushPullEnded(
        { missed, with: noted.with, address, by, join, outcome, reason, millis },
        trusted
      )
    }
  }
}

/** Makes the feed of one node. `now`: monotonic milliseconds. */
export const make = (counters: Counters, now: () => number): Activity => {
  const hub = Hub.make<{ readonly number: number; readonly noted: Noted }>(
    MAX_WAITING,
    () => counters.count("activity.left_out", "Slow")
  )
  const rates = { Probe: Rate.make(RATE), Gossip: Rate.make(RATE), PushPull: Rate.make(RATE) }
  // of what happened while somebody watched: a gap is what a subscriber was not told of
  let happened = 0
  return {
    isWatched: () => hub.subscribers() > 0,
    note: (noted) => {
      if (hub.subscribers() === 0) return
      happened++
      if (rates[noted._tag].take(now())) hub.publish({ number: happened, noted })
      else counters.count("activity.left_out", "Rate")
    },
    stream: Stream.suspend(() => {
      let last = 0
      const from = () => {
        last = happened
        return []
      }
      return Stream.map(hub.stream(from), ({ value: { noted, number } }) => {
        const missed = number - last - 1
        last = number
        return toldOf(noted, missed)
      })
    }),
    waiting: hub.waiting,
    end: hub.end
  }
}
