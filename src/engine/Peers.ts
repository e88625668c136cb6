/**
 * Random members: who hears gossip, who helps with a probe, who is synchronised with.
 *
 * @since 0.1.0
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type { Entry } from "../swim/Membership.ts"
import { kRandom } from "../swim/PeerSelection.ts"
import type { Node } from "./Node.ts"

/** `k` random members that satisfy `eligible`, never this node. */
export const randomMembers = (
  node: Node,
  k: number,
  eligible: (entry: Entry) => boolean
): ReadonlyArray<Entry> => {
  const membership = Ref.getUnsafe(node.membership)
  const accepts = (name: string) => {
    if (name === node.name) return false
    const entry = HashMap.get(membership.entries, name)
    return Option.isSome(entry) && eligible(entry.value)
  }
  return kRandom(k, membership.ring.names, accepts, node.random).flatMap((name) =>
    Option.toArray(HashMap.get(membership.entries, name))
  )
}

/** Whether a member is known to be dead, or to have left. */
export const isGone = (node: Node, name: string): boolean => {
  const state = entryOf(node, name)?.state
  return state === "dead" || state === "left"
}

/** What this node remembers of a name. */
export const entryOf = (node: Node, name: string): Entry | undefined =>
  Option.getOrUndefined(HashMap.get(Ref.getUnsafe(node.membership).entries, name))
