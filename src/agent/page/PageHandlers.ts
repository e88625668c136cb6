/**
 * Answers what the status page asks for beside the rest. Nobody follows the node's activity while no stream is open.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as RcRef from "effect/RcRef"
import * as Stream from "effect/Stream"
import { Memberlist } from "../../Memberlist.ts"
import { Agreement } from "../agreement/Agreement.ts"
import { Api } from "../Api.ts"
import { Feeds } from "../serving/Feeds.ts"
import * as Sse from "../serving/Sse.ts"

const nothing = () => []

/** The handlers of the group `picture`. */
export const layer = HttpApiBuilder.group(
  Api,
  "picture",
  Effect.fnUntraced(function*(handlers) {
    const cluster = yield* Memberlist
    const agreement = yield* Agreement
    const clock = yield* Clock.Clock
    const feed = (yield* Feeds).make()
    let last = 0

    const following = Stream.runForEach(cluster.activity, ({ _tag, missed, ...activity }) =>
      Effect.sync(() => {
        const id = ++last
        const at = DateTime.makeUnsafe(clock.currentTimeMillisUnsafe())
        feed.publish((unread) => Sse.text(id, _tag, { ...activity, at, missed: missed + unread }))
      }))
    // one for all streams, for as long as there are any
    const followed = yield* RcRef.make({
      acquire: Effect.forkScoped(following, { startImmediately: true })
    })

    return handlers
      .handle("activity", () => Effect.andThen(RcRef.get(followed), feed.answer(nothing)))
      .handle("agreement", () => agreement.look)
  })
)
