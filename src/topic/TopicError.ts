/**
 * Every way in which a topic refuses something, as tagged Schema errors that name the value and what would be right.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { name, sentence } from "../base/PlainText.ts"

/**
 * The topic cannot have this name.
 *
 * @category errors
 * @since 0.1.0
 */
export class TopicInvalid extends Schema.TaggedError<TopicInvalid>()("TopicInvalid", {
  topic: Schema.String,
  expected: Schema.String
}) {
  override get message() {
    return `no topic can be called "${name(this.topic)}"; expected ${this.expected}`
  }
}

/**
 * This node has a layer of a topic of this name already.
 *
 * @category errors
 * @since 0.1.0
 */
export class TopicTaken extends Schema.TaggedError<TopicTaken>()("TopicTaken", { topic: Schema.String }) {
  override get message() {
    return `this node takes part in the topic "${name(this.topic)}" already; build one layer, and share it`
  }
}

/**
 * A value that the topic's schema does not encode. Nothing was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class ValueInvalid extends Schema.TaggedError<ValueInvalid>()("ValueInvalid", {
  topic: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `a value does not fit the schema of the topic "${name(this.topic)}": ${sentence(this.reason)}`
  }
}

/**
 * A value whose bytes are more than the topic's `maxValueBytes`. Nothing was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class ValueTooLarge extends Schema.TaggedError<ValueTooLarge>()("ValueTooLarge", {
  topic: Schema.String,
  size: Schema.Int,
  limit: Schema.Int
}) {
  override get message() {
    return `a value of the topic "${name(this.topic)}" is ${this.size} bytes; at most ${this.limit} fit (maxValueBytes)`
  }
}

/**
 * A value for a member that is not known to take part, and therefore gets no frame.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotTakingPart extends Schema.TaggedError<NotTakingPart>()("NotTakingPart", {
  topic: Schema.String,
  member: Schema.String
}) {
  override get message() {
    return `no live member "${name(this.member)}" is known to take part in the topic "${
      name(this.topic)
    }"; expected one of its participants`
  }
}

/**
 * The call came after the topic's layer was released, or was under way then.
 *
 * @category errors
 * @since 0.1.0
 */
export class TopicClosed extends Schema.TaggedError<TopicClosed>()("TopicClosed", {
  topic: Schema.String,
  operation: Schema.String
}) {
  override get message() {
    return `cannot ${this.operation}: the layer of the topic "${name(this.topic)}" was released`
  }
}
