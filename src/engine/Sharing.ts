/**
 * A place for the simulator to let the nodes of one simulation hold equal things once. A thousand nodes that know a
 * thousand members have a million entries, and in each the same thousand names and addresses. Nobody shares by default:
 * a node of its own process has nobody to share with.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type { Entry } from "../swim/membership/Entry.ts"

/** Returns an equal entry, whose parts others may hold as well. */
export type Share = (entry: Entry) => Entry

/** How newcomers' entries are shared; by default not at all. */
export const Sharing: Context.Reference<Share | undefined> = Context.Reference<Share | undefined>(
  "effect-memberlist/engine/Sharing",
  { defaultValue: () => undefined }
)
