/** Every case, in the order of a run. */
import type { Case } from "../Case.ts"
import { accusations } from "./Accusations.ts"
import { codec } from "./Codec.ts"
import { departureCases } from "./Departures.ts"
import { floods } from "./Floods.ts"
import { hooks } from "./Hooks.ts"
import { nameCases } from "./Names.ts"
import { smallMessages } from "./SmallMessages.ts"
import { streams } from "./Streams.ts"

export const cases: ReadonlyArray<Case> = [
  ...codec,
  ...smallMessages,
  ...floods,
  ...accusations,
  ...streams,
  ...hooks,
  ...departureCases,
  ...nameCases
]
