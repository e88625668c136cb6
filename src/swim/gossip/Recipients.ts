/**
 * Who hears gossip. Random members, as in the reference; but a table may be full of members that somebody made up, and
 * news that only they are told is told to nobody.
 */
import type { FirstHand } from "./FirstHand.ts"
import { kRandom } from "./PeerSelection.ts"

/**
 * Up to `k` random names that are `eligible`, those heard from first. Where somebody who is eligible was heard from, at
 * least one of them was: if chance picked none, one takes the place of another. In a cluster of real members chance nearly
 * always picks one, and nothing differs from `kRandom`.
 */
export const recipients = (
  k: number,
  names: ReadonlyArray<string>,
  eligible: (name: string) => boolean,
  firstHand: FirstHand,
  random: () => number
): ReadonlyArray<string> => {
  const picked = kRandom(k, names, eligible, random)
  const heard = picked.filter((name) => firstHand.stands(name))
  if (heard.length === picked.length) return picked
  if (heard.length > 0) return [...heard, ...picked.filter((name) => !firstHand.stands(name))]
  // fewer than wanted are all there are
  const other = picked.length < k ? undefined : firstHand.any(eligible, random)
  return other === undefined ? picked : [other, ...picked.slice(0, k - 1)]
}
