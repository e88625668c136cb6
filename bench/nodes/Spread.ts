/** Nodes that tell one another something, and note who has got it. */
import { Memberlist } from "effect-memberlist"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Request } from "../child/Commands.ts"
import * as Sending from "../child/Sending.ts"
import { clusters, handlers, run } from "./Nodes.ts"

type Publish = (text: string) => Effect.Effect<void, unknown>

/** What a message is, and when each node got it first. */
const awaited = { text: "", at: new Map<number, number>(), copies: 0 }

const got = (node: number, text: string) =>
  Effect.sync(() => {
    if (text !== awaited.text || node === 0) return
    awaited.copies++
    if (!awaited.at.has(node)) awaited.at.set(node, performance.now())
  })

const decoder = new TextDecoder()

/** Starts nodes whose messages are noted. */
const listen = async (request: Request) => {
  const answer = await handlers.start(request)
  for (const [i, { messages }] of clusters.entries()) {
    void run(Stream.runForEach(messages, ({ payload }) => got(i, decoder.decode(payload))))
  }
  return answer
}

let publish: Publish | undefined

/** Lets every node take part in a topic, and waits until the first one knows of all. */
const takePart = async ({ seconds }: Request) => {
  // not loaded by those that only send messages
  const Topic = await import("effect-memberlist/Topic")
  const News = Topic.make("news", Schema.String)
  const scope = Scope.makeUnsafe()
  return run(
    Effect.gen(function*() {
      for (const [i, cluster] of clusters.entries()) {
        const layer = Layer.provide(News.layer(), Layer.succeed(Memberlist, cluster))
        const news = yield* Effect.provide(News, yield* Layer.buildWithScope(layer, scope))
        yield* Effect.forkIn(Stream.runForEach(news.subscribe, ({ value }) => got(i, value)), scope)
        if (i === 0) publish = news.publish
        if (i < clusters.length - 1) continue
        while ((yield* news.participants).length < clusters.length) yield* Effect.sleep("20 millis")
      }
      return {}
    }).pipe(Effect.timeout(`${Number(seconds)} seconds`))
  )
}

/**
 * Sends a message from the first node to all, and waits until they have it, or none has got it for a while: how many have, when
 * the last one had, and how many copies came.
 */
const spread = (request: Request) =>
  run(Effect.gen(function*() {
    const { kind, message, quietMs, size } = request
    const [first] = clusters
    if (first === undefined) return yield* Effect.die(new Error("no nodes"))
    const text = `${String(message)} ${decoder.decode(Sending.text(Number(size)))}`.slice(0, Number(size))
    Object.assign(awaited, { text, at: new Map(), copies: 0 })
    const began = performance.now()
    if (kind === "broadcast") yield* first.broadcast(new TextEncoder().encode(text))
    else if (publish !== undefined) yield* publish(text)
    const last = () => Math.max(began, ...awaited.at.values())
    while (awaited.at.size < clusters.length - 1 && performance.now() - last() < Number(quietMs)) {
      yield* Effect.sleep("10 millis")
    }
    return { reached: awaited.at.size, millis: last() - began, copies: awaited.copies }
  }))

export const requests = { listen, takePart, spread }
