/**
 * A cluster of 1,000 whole nodes on the simulated network, in real time and in one process, for a picture: the first one
 * serves its page, 40 are agents, and some are killed or stopped after a while. Probes are rarer than usual, so that a small
 * machine keeps up.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import { Agent } from "../../src/agent/Agent.ts"
import { Agreement } from "../../src/agent/agreement/Agreement.ts"
import { Observer } from "../../src/engine/StepObserver.ts"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"
import { SimulatedCluster } from "../../src/testing/index.ts"
import * as Settling from "../../src/testing/settled/Settling.ts"

const AGENTS = 40
const names = Array.from({ length: 1_000 }, (_, i) => `node-${String(i + 1).padStart(4, "0")}`)
const [first = ""] = names

const program = Effect.gen(function*() {
  const settling = Settling.make()
  const cluster = yield* SimulatedCluster.make({
    nodes: names,
    seed: 1,
    config: {
      ...MemberlistConfig.lan,
      probeInterval: "5 seconds",
      probeTimeout: "2 seconds",
      gossipInterval: "1 second"
    },
    observe: Layer.succeed(Observer, settling.observe)
  })
  yield* Effect.forEach(names, cluster.start, { discard: true })
  yield* settling.settle
  // after it, so that their topic learns of each other
  for (const name of names.slice(1, AGENTS)) {
    yield* Effect.forkScoped(cluster.run(name, Effect.provide(Effect.never, Agreement.layer)))
  }
  return yield* cluster.run(
    first,
    Effect.gen(function*() {
      const { url } = yield* Agent
      yield* Effect.sync(() => process.stdout.write(`members reach it at ${first}, HTTP at ${url}\n`))
      yield* Effect.sleep("30 seconds")
      for (const i of [120, 377, 610, 845]) yield* cluster.kill(names[i] ?? "")
      for (const i of [230, 733]) yield* cluster.stop(names[i] ?? "")
      return yield* Effect.never
    }).pipe(Effect.provide(Agent.layerHttp({ http: { host: "127.0.0.1", port: 0 } })))
  )
}).pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, "None"))

NodeRuntime.runMain(program)
