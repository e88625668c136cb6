/**
 * Whether a suspicion of ours that is over may have been our own fault: a node that hears nobody is more likely to be
 * cut off than all others are to be gone. Then the verdict waits once, for one least time of suspicion.
 *
 * The Lifeguard paper's measure, where members stop sending and receiving while their timers go on, has 0 false
 * positives with this in 24 runs, and 39 without (`npm run simulate:papers -- --only recovery`). That our timers were
 * late is no reason here: what lay unread was read before this is asked, and then others were heard.
 */
import { isGone } from "../membership/Entry.ts"
import type { Env, Membership } from "../membership/Membership.ts"
import { confirmations, type Suspicion } from "./Suspicion.ts"

/** With fewer others than these, that nobody is heard says little about us. */
export const PEERS = 4

/**
 * Whether the verdict about a suspect waits: we alone accuse it, no packet came from any member since we began, it has
 * not waited before, and there are enough others who could be heard.
 */
export const holds = (m: Membership, suspicion: Suspicion, { heardAt }: Env): boolean =>
  heardAt !== undefined && heardAt < suspicion.startedAt && suspicion.heldUntil === undefined
  && confirmations(suspicion) === 0 && suspicion.accusers[0] === m.self && hasPeers(m)

const hasPeers = (m: Membership): boolean => {
  let peers = 0
  for (const entry of m.entries.values()) {
    if (entry.name !== m.self && !isGone(entry) && ++peers === PEERS) return true
  }
  return false
}
