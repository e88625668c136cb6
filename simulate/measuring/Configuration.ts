/**
 * The configurations that "Lifeguard: Local Health Awareness for More Accurate Failure Detection" (arXiv 1707.00788v2)
 * compares, and two of ours, as settings of a member.
 */
import type { Settings } from "./Cluster.ts"

/** Lifeguard's K and S + 1. */
const CONFIRMATIONS = 3
const HEALTH_LEVELS = 9

/** The paper's names; the last two are ours: all of Lifeguard as memberlist has it, and the same with recovery. */
export const configurations = [
  "SWIM",
  "LHA-Probe",
  "LHA-Suspicion",
  "Buddy System",
  "Lifeguard",
  "Lifeguard (memberlist)",
  "Lifeguard (recovery)"
] as const
export type Configuration = (typeof configurations)[number]

export interface Tuning {
  readonly configuration: Configuration
  readonly alpha: number
  readonly beta: number
}

/** SWIM's suspicion has one time, α; the paper's baseline is α = 5. */
export const settingsOf = ({ alpha, beta, configuration }: Tuning): Settings => {
  if (configuration === "Lifeguard (memberlist)" || configuration === "Lifeguard (recovery)") {
    const recovery = configuration === "Lifeguard (recovery)"
    return { suspicionMult: alpha, suspicionMaxTimeoutMult: beta, recovery }
  }
  const whole = configuration === "Lifeguard"
  const suspicion = whole || configuration === "LHA-Suspicion"
  const probe = whole || configuration === "LHA-Probe"
  return {
    profile: "paper",
    suspicionMult: alpha,
    suspicionMaxTimeoutMult: suspicion ? beta : 1,
    suspicionConfirmations: suspicion ? CONFIRMATIONS : 0,
    awarenessMaxMultiplier: probe ? HEALTH_LEVELS : 1,
    buddySystem: whole || configuration === "Buddy System"
  }
}
