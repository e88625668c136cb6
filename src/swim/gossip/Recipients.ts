/**
 * Who gets what we send by ourselves: the news, and our goodbye.
 */
import { type Entry, isGone } from "../membership/Entry.ts"
import type { Env, Membership } from "../membership/Membership.ts"
import { select } from "./PeerSelection.ts"

/** Whether a member gets gossip: a live one does, and one that died so lately that it may not know it. */
export const getsGossip = (
  { state, stateChangedAt }: Pick<Entry, "state" | "stateChangedAt">,
  { now, rules }: Pick<Env, "now" | "rules">
): boolean => {
  switch (state) {
    case "alive":
    case "suspect":
      return true
    case "dead":
      return now - stateChangedAt <= rules.gossipToTheDeadTime
    case "left":
      return false
  }
}

/** The members who get the news this time, `k` at most; those heard from come first. */
export const ofGossip = (m: Membership, k: number, env: Env): ReadonlyArray<Entry> =>
  select(m, k, (entry) => getsGossip(entry, env), env)

/**
 * The members who get our goodbye straight from us, `k` at most: each passes it on, which one that is gone does not.
 */
export const ofGoodbye = (m: Membership, k: number, env: Env): ReadonlyArray<Entry> =>
  select(m, k, (entry) => !isGone(entry), env)
