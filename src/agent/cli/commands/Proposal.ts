/**
 * `plan`: the settings that a cluster needs for what is wanted of it, and what they will give.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { MemberlistConfig } from "../../../MemberlistConfig.ts"
import * as Columns from "../Columns.ts"
import { CommandFailed } from "../CommandFailed.ts"
import * as Output from "../Output.ts"

/** What `plan` was called with. */
export interface Options {
  readonly members: number
  readonly detect: Duration.Duration
  readonly budget: Option.Option<number>
  readonly loss: Option.Option<number>
  readonly roundTrip: Option.Option<Duration.Duration>
  readonly falsePositives: Option.Option<number>
  readonly pause: Option.Option<Duration.Duration>
  readonly nameBytes: Option.Option<number>
  readonly metaBytes: Option.Option<number>
  readonly encrypted: boolean
  readonly json: boolean
}

const time = (millis: number): string =>
  millis < 1000 ? `${Math.round(millis)} ms` : `${(millis / 1000).toFixed(millis < 100_000 ? 1 : 0)} s`

/** The variable of a setting: `probeInterval` is `MEMBERLIST_PROBE_INTERVAL`. */
const variable = (name: string): string =>
  `MEMBERLIST_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`

/** Two digits of a number that may be very small. */
const rate = (perDay: number): string => perDay === 0 ? "none" : `${Number(perDay.toPrecision(2))} per member and day`

const bytes = (perSecond: number): string =>
  perSecond < 1000 ? `${Math.round(perSecond)} B/s` : `${(perSecond / 1000).toFixed(1)} kB/s`

const percent = (part: number): string => `${Number(part.toPrecision(2))} %`

/**
 * Prints the plan for goals.
 *
 * @category commands
 * @since 0.1.0
 */
export const plan = Effect.fnUntraced(function*({ json, ...given }: Options) {
  const value = Option.getOrUndefined
  const { forecast, settings } = yield* MemberlistConfig.plan({
    members: given.members,
    detect: given.detect,
    encrypted: given.encrypted,
    budget: value(given.budget),
    loss: value(given.loss),
    roundTrip: value(given.roundTrip),
    falsePositives: value(given.falsePositives),
    pause: value(given.pause),
    nameBytes: value(given.nameBytes),
    metaBytes: value(given.metaBytes)
  }).pipe(
    Effect.mapError(({ _tag, message }) =>
      new CommandFailed({ reason: _tag, message, isUsage: _tag === "GoalInvalid" })
    )
  )
  const texts = Object.entries(settings).map(([name, value]) =>
    [name, Duration.isDuration(value) ? `${Duration.toMillis(value)} millis` : String(value)] as const
  )
  yield* Output.result(
    json,
    () => ({
      settings: Object.fromEntries(
        texts.map(([name, text]) => [name, /^\d+(\.\d+)?$/.test(text) ? Number(text) : text])
      ),
      variables: Object.fromEntries(texts.map(([name, text]) => [variable(name), text])),
      forecast
    }),
    (screen) => [
      ...Columns.lines(
        screen,
        ["SETTING", "VALUE", "VARIABLE"],
        texts.map(([name, text]) => [{ text: name }, { text }, { text: variable(name) }])
      ),
      "",
      ...Columns.pairs(screen, [
        ["failures known to the first", {
          text: `half within ${time(forecast.detection.first.median)}, 99 of 100 within ${
            time(forecast.detection.first.p99)
          }`
        }],
        ["failures known to all", {
          text: `half within ${time(forecast.detection.all.median)}, 99 of 100 within ${
            time(forecast.detection.all.p99)
          }`
        }],
        ["news known to all", {
          text: `half within ${time(forecast.news.all.median)}, 99 of 100 within ${time(forecast.news.all.p99)}`
        }],
        ["wrong suspicions", { text: rate(forecast.wrong.suspicions) }],
        ["wrong verdicts", { text: rate(forecast.wrong.verdicts) }],
        ["pause that is forgiven", { text: time(forecast.pause) }],
        ["each member sends", {
          text: `${bytes(forecast.traffic.bytes)} in ${forecast.traffic.packets.toFixed(1)} packets per second, `
            + `and ${Math.round(forecast.traffic.bytesPerChange)} B for each change`
        }],
        ["each member's processor", {
          text: `${forecast.processor.toFixed(1)} ms per second, ${
            percent(forecast.processor / 10)
          } of a core where it was measured`
        }]
      ])
    ]
  )
})
