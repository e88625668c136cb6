/** One run of one split: some members are cut off from the others for a while, and then nothing goes wrong any more. */
import { Memberlist, MemberlistConfig } from "effect-memberlist"
import { type Fault, SimulatedCluster, VirtualTime } from "effect-memberlist/testing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"

export interface Split {
  /** How many are cut off, and of how many. */
  readonly cutOff: number
  readonly members: number
  readonly seconds: number
  /**
   * `oneway`: what those that are cut off send does not arrive, but they hear the others. `alone`: each is alone with
   * itself.
   */
  readonly kind: "both" | "oneway" | "alone"
  readonly recovery: boolean
  readonly preset: "lan" | "wan" | "local"
}

export interface Result {
  /** Seconds from the network's return until everybody listed everybody; `undefined`: not within the calm. */
  readonly wholeAfter: number | undefined
  /** How often a member was suspected after the return, and how often one was declared failed, counted at each observer. */
  readonly suspected: number
  readonly failed: number
  /** How much the local health score of anybody rose at most, above what it was at the return. */
  readonly healthRise: number
}

/** Long enough for all to know all, and for a push/pull of each. */
const BEFORE = "2 minutes"
/** How long a packet is under way, in milliseconds: within a building, and across an ocean. */
const LATENCY = { lan: [1, 5], wan: [40, 80], local: [0, 1] } as const
/** Seconds. */
const CALM = 600

const faultOf = ({ cutOff, kind }: Split, nodes: ReadonlyArray<string>): Fault.Fault =>
  kind === "alone"
    ? { _tag: "Partition", groups: nodes.map((name) => [name]) }
    : kind === "both"
    ? { _tag: "Partition", groups: [nodes.slice(0, cutOff), nodes.slice(cutOff)] }
    : { _tag: "Cut", from: nodes.slice(0, cutOff), to: nodes.slice(cutOff), what: "both" }

/** Runs it in virtual time. */
export const measure = (split: Split, seed: number): Result => {
  const nodes = Array.from({ length: split.members }, (_, i) => `n${i + 1}`)
  const exit = VirtualTime.run(
    Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({
        nodes,
        seed,
        network: { latency: LATENCY[split.preset] },
        config: { ...MemberlistConfig[split.preset], recovery: split.recovery }
      })
      const isWhole = Effect.gen(function*() {
        for (const name of nodes) {
          const { members } = yield* cluster.node(name)
          const view = yield* members
          if (view.length !== split.members || view.some(({ state }) => state !== "alive")) return false
        }
        return true
      })
      yield* cluster.startAll
      yield* Effect.sleep(BEFORE)
      if (!(yield* isWhole)) return yield* Effect.die(new Error("the cluster has not formed"))
      let calm = false
      let suspected = 0
      let failed = 0
      const count = Memberlist.use(({ events }) =>
        Stream.runForEach(events, ({ _tag }) =>
          Effect.sync(() => {
            if (calm && _tag === "MemberSuspected") suspected++
            if (calm && _tag === "MemberFailed") failed++
          }))
      )
      for (const name of nodes) yield* Effect.forkScoped(cluster.run(name, count))
      yield* cluster.play([{ at: 0, for: split.seconds * 1000, fault: faultOf(split, nodes) }])
      calm = true
      let wholeAfter: number | undefined
      const healths = Effect.forEach(nodes, (name) => Effect.flatMap(cluster.node(name), ({ health }) => health))
      const before = yield* healths
      let healthRise = 0
      for (let second = 0; second <= CALM; second++) {
        for (const [i, health] of (yield* healths).entries()) {
          healthRise = Math.max(healthRise, health - (before[i] ?? 0))
        }
        if (yield* isWhole) wholeAfter ??= second
        else wholeAfter = undefined
        // what is whole has to stay so for a minute
        if (wholeAfter !== undefined && second - wholeAfter >= 60) break
        yield* Effect.sleep("1 second")
      }
      return { wholeAfter, suspected, failed, healthRise }
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))),
    { seed, limit: "3 hours" }
  )
  if (Exit.isSuccess(exit)) return exit.value
  throw new Error(`${JSON.stringify(split)}, seed ${seed}: ${exit.cause}`)
}
