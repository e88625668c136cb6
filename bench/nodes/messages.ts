/** A node of this library that sends messages to another, or counts those that come. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type Request, serve } from "../child/Commands.ts"
import * as Sending from "../child/Sending.ts"
import { clusters, handlers, run } from "./Nodes.ts"
import * as Spread from "./Spread.ts"

let count = 0
const latencies = new Sending.Latencies()

const start = async (request: Request) => {
  const answer = await handlers.start(request)
  for (const cluster of clusters) {
    void run(Stream.runForEach(cluster.messages, ({ payload }) =>
      Effect.sync(() => {
        count++
        latencies.note(payload)
      })))
  }
  return answer
}

const send = (request: Request) =>
  run(Effect.gen(function*() {
    const { burst, count, pauseMs, reliable, size, stamped, to } = Sending.read(request)
    const [cluster] = clusters
    const member = cluster === undefined ? undefined : (yield* cluster.members).find(({ name }) => name === to)
    if (cluster === undefined || member === undefined) return yield* Effect.die(new Error(`no member ${to}`))
    const payload = Sending.text(size)
    const micros = new Float64Array(count)
    for (let i = 0; i < count; i++) {
      if (stamped) Sending.stamp(payload)
      const before = performance.now()
      yield* cluster.send(member, payload, { reliable })
      micros[i] = (performance.now() - before) * 1000
      if (burst > 0 && (i + 1) % burst === 0) yield* Effect.sleep(pauseMs)
    }
    return Sending.summary(micros)
  }))

serve({ ...handlers, ...Spread.requests, start, send, received: () => ({ count }), latencies: () => latencies.take() })
