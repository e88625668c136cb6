/**
 * What settings will give: how soon failures are known, how often others are wrong, and what it costs.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { errors } from "./Accuracy.ts"
import type { Circumstances, Tuning } from "./Circumstances.ts"
import { detection, suspicions } from "./Detection.ts"
import { processorTime } from "./ProcessorTime.ts"
import { spread } from "./Spread.ts"
import { traffic } from "./Traffic.ts"

/**
 * A time as it varies, in milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Times {
  /** Half of the times are shorter. */
  readonly median: number
  /** 99 of 100 are shorter. */
  readonly p99: number
}

/**
 * What settings will give, while members run, and stop without a word one at a time. Times in milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Forecast {
  readonly detection: {
    /** From a member's end until the first other member declares it failed. */
    readonly first: Times
    /** Until all have. */
    readonly all: Times
  }
  /** News: from a change until half, and until all members know of it (median, and 99 of 100). */
  readonly news: { readonly half: number; readonly all: Times }
  /**
   * A member that stands still for less than this, while its host keeps what arrives for it, is not declared failed.
   * One that is cut off has to hear of the suspicion first, which takes up to some probe intervals more.
   */
  readonly pause: number
  /** Per member and day, while packets are lost independently of each other. */
  readonly wrong: {
    /** Suspicions of a live member. */
    readonly suspicions: number
    /** Verdicts about a live member, counted at each member that came to one. */
    readonly verdicts: number
  }
  /** What a member sends in a second while nobody comes, goes or changes. */
  readonly traffic: {
    /** UDP datagrams. */
    readonly packets: number
    /** Bytes, the 28 of each datagram's IPv4 and UDP headers included, before compression: the sum of these three. */
    readonly bytes: number
    readonly probes: number
    readonly pushPull: number
    /** Suspicions and refutations that lost packets cause. */
    readonly rumours: number
    /** What each join, leave, failure or change of metadata costs a member beside that, once. */
    readonly bytesPerChange: number
  }
  /**
   * Milliseconds of processor time that a process of one member takes in a second while nobody comes, goes or changes,
   * on the machine of docs/benchmarks.md. Others are faster or slower; what it grows with is the same.
   */
  readonly processor: number
}

const DAY = 86_400_000

/** What settings will give. */
export const forecast = (tuning: Tuning, circumstances: Circumstances): Forecast => {
  const news = spread(tuning, circumstances)
  const { within } = detection(tuning, circumstances, news.half / 2)
  const wrong = errors(tuning, circumstances)
  const sent = traffic(tuning, circumstances)
  const first: Times = { median: within(0.5), p99: within(0.99) }
  const shortest = suspicions(tuning, circumstances.members).at(-1) ?? 0
  return {
    detection: {
      first,
      all: { median: first.median + news.verdict, p99: first.p99 + news.verdict }
    },
    news: { half: news.half, all: { median: news.all, p99: news.most } },
    // it has to be told, and to tell everybody
    pause: Math.max(0, tuning.probeInterval + shortest - news.half - news.gossip),
    wrong: { suspicions: wrong.suspected * DAY, verdicts: wrong.failed * DAY },
    traffic: {
      packets: sent.packets,
      bytes: sent.bytes,
      probes: sent.probeBytes,
      pushPull: sent.pushPullBytes,
      rumours: sent.newsBytes,
      bytesPerChange: sent.changeBytes
    },
    processor: processorTime(tuning, circumstances, sent)
  }
}
