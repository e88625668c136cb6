/** Every case, in the order of a run. */
import type { Case } from "../Case.ts"
import { floods } from "./Floods.ts"

export const cases: ReadonlyArray<Case> = [...floods]
