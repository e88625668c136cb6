/**
 * The choices of an indirect probe, on both sides: who helps, who owes a nack and whether a TCP ping is tried as well;
 * how long a helper waits and what it tells the target. SWIM §4.1, Lifeguard §IV-A.
 */
import { select } from "../gossip/PeerSelection.ts"
import type { Entry } from "../membership/Entry.ts"
import { type Env, get, type Membership, type Profile } from "../membership/Membership.ts"
import * as Versions from "../membership/Versions.ts"

/** A member to ask for help, and whether it is to nack when it gets no answer either. */
export interface Helper {
  readonly member: Entry
  readonly nack: boolean
}

/** The configuration, as far as the asking side depends on it. */
export interface Options {
  /** How many helpers are asked; SWIM's k. */
  readonly indirectChecks: number
  readonly awarenessMaxMultiplier: number
  readonly profile: Profile
}

/** Random live members, who are asked to ping `target` for us. */
export const helpers = (m: Membership, target: Entry, options: Options, env: Env): ReadonlyArray<Helper> =>
  select(m, options.indirectChecks, ({ name, state }) => state === "alive" && name !== target.name, env)
    .map((member) => ({ member, nack: owesNack(member, options) }))

/**
 * Whether a helper owes a nack: it must be able to, and in the paper's profile the score that nacks feed must be on.
 */
export const owesNack = (
  helper: Pick<Entry, "vsn">,
  { awarenessMaxMultiplier, profile }: Pick<Options, "awarenessMaxMultiplier" | "profile">
): boolean => (profile !== "paper" || awarenessMaxMultiplier > 1) && Versions.canNack(helper)

/** Whether a TCP ping is tried beside the helpers. */
export const takesStreamPing = (
  target: Pick<Entry, "name" | "vsn">,
  { disableTcpPings, disableTcpPingsForNode }: {
    readonly disableTcpPings: boolean
    readonly disableTcpPingsForNode: (name: string) => boolean
  }
): boolean => !disableTcpPings && !disableTcpPingsForNode(target.name) && Versions.answersStreamPing(target)

/**
 * How long a helper waits for the target before it nacks, in the unit of `probeTimeout`: all of it, or in the paper's
 * profile so much that the nack is in time.
 */
export const patience = (probeTimeout: number, profile: Profile): number =>
  profile === "paper" ? probeTimeout * 0.8 : probeTimeout

/** What a helper knows of the target of the ping that it relays; only the paper has it pass a suspicion on. */
export const knownTarget = (m: Membership, name: string, profile: Profile): Entry | undefined =>
  profile === "paper" ? get(m, name) : undefined
