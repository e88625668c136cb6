/** What one attack is: its promise, how it is carried out, and what came of it. */
import type { Session } from "./cluster/Session.ts"
import type { Figures } from "./Verdict.ts"

/** Which implementation is attacked. */
export type Kind = "ours" | "go"

/** How much of everything a run is. */
export const lengths = ["quick", "usual", "full"] as const
export type Length = (typeof lengths)[number]

/** What a case is given to work with. */
export interface Bench {
  readonly kind: Kind
  /** The checkout of this library that is attacked. */
  readonly library: string
  /** How long a flood lasts. */
  readonly seconds: number
  /** Packets a second of a flood. */
  readonly rate: number
  /** Whether waits are cut short: enough to see that a case works, too little to judge the slow ones by. */
  readonly quick: boolean
  /** Ends every process of the case. */
  readonly session: Session
  /** Tells what the case is doing now. */
  readonly say: (doing: string) => void
}

export interface Outcome {
  /** What was sent, for people. */
  readonly sent: string
  readonly figures: Figures
  /** Why the promise is broken; empty when it is kept, `undefined` when the case only reports. */
  readonly broken: ReadonlyArray<string> | undefined
  /** What else is worth knowing. */
  readonly notes: ReadonlyArray<string>
}

export interface Case {
  /** Words that tell it from the others, and that `--only` finds it by. */
  readonly name: string
  readonly promise: string
  readonly against: ReadonlyArray<Kind>
  /** About how long it takes against one implementation. */
  readonly seconds: (options: { readonly seconds: number; readonly quick: boolean }) => number
  /** The shortest run that it is part of; without it, the usual one. */
  readonly since?: Length
  /** The shortest run in which it is also carried out against Go; without it, the usual one. */
  readonly goSince?: Length
  /** Whether it mostly waits, so that others that do may be carried out at the same time. */
  readonly isQuiet?: boolean
  readonly run: (bench: Bench) => Promise<Outcome>
}

/** One case against one implementation, done. */
export interface Result {
  readonly name: string
  readonly promise: string
  readonly kind: Kind
  readonly outcome: Outcome | undefined
  /** Why there is no outcome; empty when the case was not begun. */
  readonly error: string | undefined
  /** How long it took. */
  readonly seconds: number
}
