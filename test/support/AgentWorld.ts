/** A simulated cluster in which some members are agents. */
import * as Effect from "effect/Effect"
import { SimulatedCluster } from "../../src/testing/index.ts"

type Layers<A, E> = NonNullable<Parameters<typeof SimulatedCluster.make<A, E>>[0]["layer"]>

/** Starts members, of which those called `go…` are no agents, and waits until they know each other. */
export const formed = Effect.fnUntraced(function*<A, E>(
  names: ReadonlyArray<string>,
  { agent, other }: Readonly<Record<"agent" | "other", ReturnType<Layers<A, E>>>>
) {
  const cluster = yield* SimulatedCluster.make<A, E>({
    nodes: names,
    seed: 1,
    layer: (name) => name.startsWith("go") ? other : agent
  })
  yield* cluster.startAll
  yield* Effect.sleep("8 seconds")
  return cluster
})
