/** A node of this library that exchanges its table with another. */
import { type Request, serve } from "../child/Commands.ts"
import * as Delay from "../child/Delay.ts"
import { clusters, handlers, run } from "./Nodes.ts"

const first = () => {
  const [cluster] = clusters
  if (cluster === undefined) throw new Error("no node was started")
  return cluster
}

/** Joins through the seeds and tells how long that took: both lists are sent and merged by then. */
const exchange = async ({ seeds }: Request) => {
  const cluster = first()
  const before = performance.now()
  await run(cluster.join(seeds as ReadonlyArray<string>))
  return { millis: performance.now() - before }
}

const members = async () => ({ count: (await run(first().members)).length })

let watching = (): Delay.Held => ({ delay: 0, turn: 0 })

const watch = () => {
  watching = Delay.watch()
  return {}
}

serve({ ...handlers, exchange, members, watch, watched: () => watching() })
