/** The parts of the benchmark: how each is measured, how long that takes, and what the page says of it. */
import type { Amounts, Part } from "../page/Results.ts"
import type { Section } from "../page/Section.ts"
import type { Measuring } from "./Measuring.ts"
import * as Bundle from "./parts/bundle.ts"
import * as Codec from "./parts/codec.ts"
import * as Detection from "./parts/detection.ts"
import * as Growth from "./parts/growth.ts"
import * as Idle from "./parts/idle.ts"
import * as Import from "./parts/import.ts"
import * as Join from "./parts/join.ts"
import * as Messages from "./parts/messages.ts"
import * as Plan from "./parts/plan.ts"
import * as Processes from "./parts/processes.ts"
import * as Simulator from "./parts/simulator.ts"
import * as Spread from "./parts/spread.ts"
import * as Steady from "./parts/steady.ts"
import * as Table from "./parts/table.ts"

export interface Definition {
  readonly measure: (measuring: Measuring) => Promise<void>
  /** How long a round should take; `isApart` when subjects that mostly wait take turns. */
  readonly seconds: (amounts: Amounts, isApart: boolean) => number
  readonly section: Section
}

export const definitions: Readonly<Record<Part, Definition>> = {
  steady: { ...Steady, seconds: (amounts, isApart) => Steady.seconds(amounts) * (isApart ? 4 : 1) },
  join: { ...Join, seconds: () => Join.seconds },
  growth: Growth,
  idle: { ...Idle, seconds: (amounts, isApart) => Idle.seconds(amounts) * (isApart ? 5 : 1) },
  processes: Processes,
  plan: Plan,
  detection: Detection,
  messages: { ...Messages, seconds: () => Messages.seconds },
  spread: Spread,
  import: { ...Import, seconds: () => Import.seconds },
  bundle: { ...Bundle, seconds: () => Bundle.seconds },
  codec: { ...Codec, seconds: () => Codec.seconds },
  table: { ...Table, seconds: () => Table.seconds },
  simulator: Simulator
}
