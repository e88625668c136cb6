/** An application on the nodes, and what must hold of it. */
import type { Memberlist } from "effect-memberlist"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"

/** What a failure of an application is called. */
export type Kind = "Topic" | "Map"

/** What an application is made with. */
export interface Surroundings {
  readonly seed: number
  readonly tell: (line: string) => void
  readonly fail: (kind: Kind, message: string) => void
  /** Milliseconds by the clock of the network. */
  readonly now: () => number
  /** Whether the chaos is over: nothing new is begun then. */
  readonly isCalm: () => boolean
}

export interface Application {
  /** What a node has of it in one life. */
  readonly layer: (name: string) => Layer.Layer<never, never, Memberlist>
  readonly kind: Kind
  /** How long after all lists agree it may take until nobody lacks anything. Milliseconds. */
  readonly bound: number
  /** What those that are in the cluster do not agree about. */
  readonly disagreements: (present: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>>
  /** What is wrong once nobody differs. */
  readonly complaints: (present: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>>
  /** How much was begun: where it is nothing, nothing was shown. */
  readonly total: () => number
}
