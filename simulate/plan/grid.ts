/** The goals that are planned and then simulated, and the plan of each. */
import type { MemberlistConfig } from "effect-memberlist"
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import { pushPullScale } from "../../src/base/Scaling.ts"
import type { Tuning } from "../../src/config/plan/Circumstances.ts"
import { type Forecast, forecast } from "../../src/config/plan/Forecast.ts"
import { plan } from "../../src/config/plan/Plan.ts"
import type { Job } from "./measure.ts"

/** What is wanted of a cluster, as a row of the page. */
export interface Cell {
  readonly members: number
  /** Seconds. */
  readonly detect: number
  readonly loss: number
}

/** A cell with its plan, or why there is none. */
export type Planned =
  & Cell
  & (
    | { readonly tuning: Tuning; readonly forecast: Forecast; readonly jobs: ReadonlyArray<Job> }
    | { readonly refused: string }
  )

/** Names of up to four bytes and bare members, as the simulated ones are; delays of up to 5 ms each way. */
const NAME_BYTES = 4
const ROUND_TRIP = 10

/** Runs with seeds of their own, and members that stop in each. */
const sizes: ReadonlyArray<{ readonly upTo: number; readonly runs: number; readonly victims: number }> = [
  { upTo: 15, runs: 100, victims: 1 },
  { upTo: 50, runs: 20, victims: 3 },
  { upTo: 150, runs: 4, victims: 10 },
  { upTo: Infinity, runs: 1, victims: 20 }
]

/** Probe intervals of quiet, of all runs of a cell together and at least. */
const QUIET = 400
const LEAST_QUIET = 20

const numbers = (settings: Parameters<typeof MemberlistConfig.layer>[0]): Tuning =>
  Object.fromEntries(
    Object.entries(settings).map((
      [name, value]
    ) => [name, Duration.isDuration(value) ? Duration.toMillis(value) : value])
  ) as unknown as Tuning

/** The circumstances of the simulated clusters. */
export const circumstances = (members: number, loss: number) => ({
  members,
  loss,
  roundTrip: ROUND_TRIP,
  nameBytes: NAME_BYTES,
  metaBytes: 0,
  encrypted: false
})

/**
 * Up to so many members, push/pulls come evenly for as long as a cluster runs: each at the interval that is
 * configured.
 */
const EVEN = 32

/** The jobs of a cluster with these settings. */
export const jobsOf = (members: number, loss: number, tuning: Tuning): ReadonlyArray<Job> => {
  const { runs = 1, victims = 1 } = sizes.find(({ upTo }) => members <= upTo) ?? {}
  const time = pushPullScale(tuning.pushPullInterval, members)
  // they come evenly, one after each such pause; in a cluster that begins settled only as long as each has had one
  const pause = time / members
  const most = members <= EVEN ? Infinity : time * 0.9
  const quiet = Math.min(most, Math.max(LEAST_QUIET, QUIET / runs / Math.max(1, members / 50)) * tuning.probeInterval)
  return Array.from({ length: runs }, (_, i) => ({
    members,
    loss,
    tuning,
    seed: i + 1,
    victims,
    quiet: Math.ceil(quiet / pause) * pause
  }))
}

/** Settings that nobody would plan, with which verdicts about live members are frequent enough to be counted. */
export interface Rough {
  readonly members: number
  readonly loss: number
  readonly tuning: Tuning
  readonly forecast: Forecast
  readonly job: Job
}

/** Milliseconds of all members of a rough cluster together, and the most of each. */
const ROUGH_TIME = 6_000_000
const MOST_ROUGH_TIME = 300_000

const careless: Tuning = {
  probeInterval: 500,
  probeTimeout: 200,
  indirectChecks: 1,
  suspicionMult: 4,
  suspicionMaxTimeoutMult: 6,
  retransmitMult: 1,
  gossipInterval: 100,
  gossipNodes: 3,
  pushPullInterval: 30_000
}

export const rough: ReadonlyArray<Rough> = ([
  [5, 0.25, {}],
  [10, 0.2, {}],
  [20, 0.15, { indirectChecks: 0 }],
  [20, 0.2, {}],
  [50, 0.2, { retransmitMult: 2 }]
] as const).map(([members, loss, other]) => {
  const tuning = { ...careless, ...other }
  const quiet = Math.min(MOST_ROUGH_TIME, ROUGH_TIME / members)
  const job = { members, loss, tuning, seed: 1, victims: 0, quiet }
  return { members, loss, tuning, forecast: forecast(tuning, circumstances(members, loss)), job }
})

/** Plans a cell. */
export const planned = ({ detect, loss, members }: Cell): Planned => {
  const cell = { members, detect, loss }
  const found = plan({ members, detect: Duration.seconds(detect), loss, roundTrip: ROUND_TRIP, nameBytes: NAME_BYTES })
  if (Result.isFailure(found)) return { ...cell, refused: found.failure.message }
  const tuning = numbers(found.success.settings)
  return {
    ...cell,
    tuning,
    forecast: forecast(tuning, circumstances(members, loss)),
    jobs: jobsOf(members, loss, tuning)
  }
}
