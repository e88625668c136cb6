/**
 * What a program wants of its cluster, and where the cluster runs: the input of a plan, checked.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { MAX_META } from "../../base/Limits.ts"
import type { Circumstances } from "./Circumstances.ts"
import { GoalInvalid } from "./GoalError.ts"

/**
 * What a program wants of its cluster, and where the cluster runs.
 *
 * @category models
 * @since 0.1.0
 */
export interface Goals {
  /** How many members the cluster has, this one included: 2 to 65,536. Plan for the most there will be. */
  readonly members: number
  /**
   * The time within which 99 of 100 failures are known to every member, from the moment a member stops without a word;
   * half of them are known much sooner. At most an hour.
   */
  readonly detect: Duration.Input
  /**
   * The most bytes that a member may send in a second while nobody comes, goes or changes, with the 28 bytes of IPv4
   * and UDP headers of each datagram. Default: no limit.
   */
  readonly budget?: number | undefined
  /** The share of packets that the network loses, each way, independently of each other: 0 to 0.5, default 0. */
  readonly loss?: number | undefined
  /** How long 99 of 100 packets take there and back: at most 2 seconds, default 10 milliseconds. */
  readonly roundTrip?: Duration.Input | undefined
  /**
   * How often a live member may be declared failed because packets are lost, per member and day, counted at each member
   * that does so: default 0.001.
   */
  readonly falsePositives?: number | undefined
  /**
   * A pause, of a garbage collection or of a virtual machine that is moved, after which a member must still be listed,
   * while its host keeps what arrives for it: default 0. Detection has to take longer than that.
   */
  readonly pause?: Duration.Input | undefined
  /** Bytes of a member's name: 1 to 512, default 16. */
  readonly nameBytes?: number | undefined
  /** Bytes of a member's metadata: 0 to 512, default 0. */
  readonly metaBytes?: number | undefined
  /** Whether the cluster has a key: default false. */
  readonly encrypted?: boolean | undefined
}

/** The goals, complete and checked; times in milliseconds. */
export interface Checked extends Circumstances {
  readonly detect: number
  readonly budget: number
  readonly falsePositives: number
  readonly pause: number
}

/** The longest detection time, in milliseconds. */
const HOUR = 3_600_000

const MAX_MEMBERS = 65_536
const MAX_NAME = 512

const show = (value: unknown): string =>
  typeof value === "string" ? `"${value}"` : Duration.isDuration(value) ? Duration.format(value) : String(value)

const bad = (goal: keyof Goals, value: unknown, expected: string) =>
  Result.fail(new GoalInvalid({ goal, value: show(value), expected }))

const number = (
  goal: keyof Goals,
  value: unknown,
  expected: string,
  isRight: (value: number) => boolean
): Result.Result<number, GoalInvalid> =>
  typeof value === "number" && isRight(value) ? Result.succeed(value) : bad(goal, value, expected)

const whole = (goal: keyof Goals, value: unknown, least: number, most: number) =>
  number(goal, value, `a whole number from ${least} to ${most}`, (n) => Number.isInteger(n) && n >= least && n <= most)

const time = (goal: keyof Goals, value: unknown, least: number, most: number, expected: string) =>
  Option.match(Duration.fromInput(value as Duration.Input), {
    onNone: () => bad(goal, value, expected),
    onSome: (duration) => {
      const millis = Duration.toMillis(duration)
      return millis >= least && millis <= most ? Result.succeed(millis) : bad(goal, value, expected)
    }
  })

/** Completes and checks goals. */
export const check = (goals: Goals): Result.Result<Checked, GoalInvalid> =>
  Result.gen(function*() {
    const { budget = Infinity, encrypted = false, falsePositives = 0.001, loss = 0, metaBytes = 0, nameBytes = 16 } =
      goals
    if (typeof encrypted !== "boolean") return yield* bad("encrypted", encrypted, "true or false")
    return {
      members: yield* whole("members", goals.members, 2, MAX_MEMBERS),
      detect: yield* time("detect", goals.detect, 1, HOUR, "a duration of at most an hour, such as \"5 seconds\""),
      budget: yield* number(
        "budget",
        budget,
        "a number of bytes in a second above 0, such as 20_000; leave it out for no limit",
        (n) => n > 0
      ),
      loss: yield* number("loss", loss, "a share from 0 to 0.5, such as 0.01 for 1 %", (n) => n >= 0 && n <= 0.5),
      roundTrip: yield* time(
        "roundTrip",
        goals.roundTrip ?? 10,
        0,
        2000,
        "a duration of at most 2 seconds, such as \"10 millis\""
      ),
      falsePositives: yield* number(
        "falsePositives",
        falsePositives,
        "a number per member and day above 0, such as 0.001",
        (n) => n > 0
      ),
      pause: yield* time("pause", goals.pause ?? 0, 0, HOUR, "a duration of at most an hour, such as \"2 seconds\""),
      nameBytes: yield* whole("nameBytes", nameBytes, 1, MAX_NAME),
      metaBytes: yield* whole("metaBytes", metaBytes, 0, MAX_META),
      encrypted
    }
  })
