/**
 * How a plan is refused: each error names the goal at fault, and what would be right.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { sentence } from "../../base/PlainText.ts"

/**
 * A goal of a plan that is no goal: of the wrong type, or out of range.
 *
 * @category errors
 * @since 0.1.0
 */
export class GoalInvalid extends Schema.TaggedError<GoalInvalid>()("GoalInvalid", {
  /** The goal, as `MemberlistConfig.plan` spells it. */
  goal: Schema.String,
  /** The value given, as text. */
  value: Schema.String,
  /** What would be right. */
  expected: Schema.String
}) {
  override get message() {
    return `goal "${this.goal}" is ${sentence(this.value)}; expected ${this.expected}`
  }
}

/**
 * A goal that no settings reach together with the others.
 *
 * @category errors
 * @since 0.1.0
 */
export class GoalUnreachable extends Schema.TaggedError<GoalUnreachable>()("GoalUnreachable", {
  /** The goal that would have to change. */
  goal: Schema.Literals(["detect", "budget", "falsePositives", "pause"]),
  /** What was wanted, as text. */
  value: Schema.String,
  /** What stands in the way. */
  because: Schema.String,
  /** What can be had. */
  expected: Schema.String
}) {
  override get message() {
    return `goal "${this.goal}" of ${this.value} cannot be reached: ${this.because}; expected ${this.expected}`
  }
}
