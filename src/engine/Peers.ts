/**
 * Random members: who hears gossip, who helps with a probe, who is synchronised with.
 *
 * @since 0.1.0
 */
import * as Ref from "effect/Ref"
import { kRandom } from "../swim/gossip/PeerSelection.ts"
import { recipients } from "../swim/gossip/Recipients.ts"
import type { Entry } from "../swim/membership/Entry.ts"
import type { Membership } from "../swim/membership/Membership.ts"
import type { Node } from "./Node.ts"

/** Whether a name is that of another member that satisfies `eligible`. */
const others = (node: Node, entries: Membership["entries"], eligible: (entry: Entry) => boolean) => (name: string) => {
  if (name === node.name) return false
  const entry = entries.get(name)
  return entry !== undefined && eligible(entry)
}

/** `k` random members that satisfy `eligible`, never this node. */
export const randomMembers = (
  node: Node,
  k: number,
  eligible: (entry: Entry) => boolean
): ReadonlyArray<Entry> => {
  const { entries, ring } = Ref.getUnsafe(node.membership)
  return kRandom(k, ring.names, others(node, entries, eligible), node.random).flatMap((name) => entries.get(name) ?? [])
}

/**
 * Who hears gossip, helps with a probe, or is synchronised with: `k` random members that satisfy `eligible`, those heard
 * from first. Where somebody was heard from, at least one of them was: members that somebody made up hear, help and know
 * nothing.
 */
export const partners = (
  node: Node,
  k: number,
  eligible: (entry: Entry) => boolean
): ReadonlyArray<Entry> => {
  if (node.config.profile === "paper") return randomMembers(node, k, eligible)
  const { entries, ring } = Ref.getUnsafe(node.membership)
  const accepts = others(node, entries, eligible)
  return recipients(k, ring.names, accepts, node.heard, node.random).flatMap((name) => entries.get(name) ?? [])
}

/** Whether a member is known to be dead, or to have left. */
export const isGone = (node: Node, name: string): boolean => {
  const state = entryOf(node, name)?.state
  return state === "dead" || state === "left"
}

/** What this node remembers of a name. */
export const entryOf = (node: Node, name: string): Entry | undefined => Ref.getUnsafe(node.membership).entries.get(name)
