/**
 * A look at every step of a node, at the moment it happens: what it publishes, lists and has counted. The
 * production code is observed, not changed.
 *
 * ```ts
 * import { Observation, SimulatedCluster } from "effect-memberlist/testing"
 *
 * const lines: Array<string> = []
 * const cluster = SimulatedCluster.make({
 *   nodes: ["a", "b", "c"],
 *   seed: 1,
 *   observe: Observation.layer(({ at, events, node }) => {
 *     for (const { _tag, member } of events) lines.push(`${at} ${node}: ${_tag} ${member.name}`)
 *   })
 * })
 * ```
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import { eventOf, viewOf } from "../../engine/application/Views.ts"
import { type ObservedStep, Observer as EngineObserver } from "../../engine/StepObserver.ts"
import type { Member } from "../../Member.ts"
import type { MemberEvent } from "../../MemberEvent.ts"
import type { CounterKey } from "../../Memberlist.ts"

/**
 * One step of one node. Look at it while the observer is called: only then does all of it belong to the same moment.
 *
 * @category models
 * @since 0.1.0
 */
export interface Observation {
  /** The node's name. */
  readonly node: string
  /** Milliseconds on that node's monotonic clock. */
  readonly at: number
  /** What the step tells the node's subscribers, in order. Most steps tell nothing. */
  readonly events: ReadonlyArray<MemberEvent>
  /** The live members after the step, the node itself included. */
  readonly members: ReadonlyArray<Member>
  /** What the node has counted so far, as `Memberlist.counters` but for what its transport drops. */
  readonly counters: ReadonlyMap<CounterKey, number>
}

/**
 * Is told of a step, synchronously, in the middle of it. It must not throw, and can change nothing.
 *
 * @category models
 * @since 0.1.0
 */
export type Observer = (observation: Observation) => void

/** What is read of it is made when it is read: most observers look at little of it. */
class Seen implements Observation {
  readonly #step: ObservedStep

  constructor(step: ObservedStep) {
    this.#step = step
  }

  static stepOf(seen: Seen): ObservedStep {
    return seen.#step
  }

  get node(): string {
    return this.#step.node.name
  }

  get at(): number {
    return this.#step.now
  }

  get events(): ReadonlyArray<MemberEvent> {
    const tell = eventOf(this.#step.node.verdicts.of)
    return this.#step.directives.flatMap((directive): ReadonlyArray<MemberEvent> => {
      switch (directive._tag) {
        case "Publish":
          return [tell({ missed: 0, value: directive.change })]
        case "Conflict":
          return [tell({ missed: 0, value: directive })]
        default:
          return []
      }
    })
  }

  get members(): ReadonlyArray<Member> {
    return viewOf(this.#step.next)
  }

  get counters(): ReadonlyMap<CounterKey, number> {
    return new Map(this.#step.node.counters.totals())
  }
}

/**
 * The step that an observation stands for.
 *
 * @internal
 */
export const stepOf = (observation: Observation): ObservedStep => {
  if (observation instanceof Seen) return Seen.stepOf(observation)
  throw new TypeError("an observation comes from Observation.layer, and cannot be made by hand")
}

/**
 * Provides observers to a node, or to each node of a cluster; each step is told to all of them in this order. A node
 * has one such layer: of two, the one that is nearer to it counts.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (...observers: ReadonlyArray<Observer>): Layer.Layer<never> =>
  Layer.succeed(EngineObserver, (step) => {
    const seen = new Seen(step)
    for (const observer of observers) observer(seen)
  })
