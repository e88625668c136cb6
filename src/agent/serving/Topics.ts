/**
 * The topics that the agent takes part in: each from the first call on, and for a while after the last.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RcMap from "effect/RcMap"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Memberlist } from "../../Memberlist.ts"
import * as Topic from "../../Topic.ts"
import { TooMany } from "../Refusal.ts"
import { type Feed, Feeds } from "./Feeds.ts"
import * as Presentation from "./Presentation.ts"
import * as Sse from "./Sse.ts"

/** Topics at once; each has four bytes in the node's metadata. */
const MAX_TOPICS = 16

/** How long the agent takes part after the last call. */
const IDLE = Duration.minutes(5)

/** Bytes of a value, so that all that wait for slow readers are few. */
const MAX_VALUE = 65_536

/** Why the agent does not take part. */
type StartError = Exclude<Topic.StartError, { readonly _tag: "ConfigInvalid" }> | TooMany

interface Taken {
  readonly publish: Topic.Service<Uint8Array>["publish"]
  /** Other live members that take part now. */
  readonly others: Effect.Effect<number>
  readonly values: ReturnType<Feed["answer"]>
}

const taken = (topic: string) =>
  Effect.gen(function*(): Effect.fn.Return<Taken, Topic.StartError, Scope.Scope | Memberlist | Feeds> {
    const feeds = yield* Feeds
    const clock = yield* Clock.Clock
    const key = Topic.make(topic, Schema.Uint8Array)
    const context = yield* Layer.build(key.layer({ maxValueBytes: MAX_VALUE }))
    const service = Context.get(context, key)
    const feed = yield* Effect.acquireRelease(Effect.sync(feeds.make), (feed) => Effect.sync(feed.end))
    let last = 0
    yield* Effect.forkScoped(
      Stream.runForEach(service.subscribe, (received) =>
        Effect.sync(() => {
          const id = ++last
          const { from } = received
          const value = Presentation.content(received.value)
          const at = DateTime.makeUnsafe(clock.currentTimeMillisUnsafe())
          feed.publish((missed) => Sse.text(id, "value", { value, from, at, missed: received.missed + missed }))
        })),
      { startImmediately: true }
    )
    // this one is among them
    const others = Effect.map(service.participants, ({ length }) => Math.max(0, length - 1))
    return { publish: service.publish, others, values: feed.answer(() => []) }
  })

/**
 * The topics.
 *
 * @category services
 * @since 0.1.0
 */
export class Topics extends Context.Service<Topics, {
  /** Takes part until the scope closes, and for a while after. */
  readonly of: (topic: string) => Effect.Effect<Taken, StartError, Scope.Scope>
}>()("effect-memberlist/agent/Topics") {
  static readonly layer: Layer.Layer<Topics, never, Memberlist | Feeds> = Layer.effect(
    this,
    Effect.map(
      RcMap.make({ lookup: taken, capacity: MAX_TOPICS, idleTimeToLive: IDLE }),
      (topics) =>
        Topics.of({
          of: (topic) =>
            RcMap.get(topics, topic).pipe(
              Effect.catchTags({
                ExceededCapacityError: () => Effect.fail(new TooMany({ what: "topics", limit: MAX_TOPICS })),
                // the options are ours
                ConfigInvalid: Effect.die
              })
            )
        })
    )
  )
}
