/**
 * Lifeguard's local health: how much to trust ourselves. The score stretches the probe interval.
 *
 * @since 0.1.0
 */
import * as LocalHealth from "../../swim/probing/LocalHealth.ts"
import type { Node } from "../Node.ts"

/** Adds `delta` to the score, within 0 ‥ `awarenessMaxMultiplier` − 1. Synchronous: it runs inside the rules' step. */
export const adjust = (node: Node, delta: number): void => {
  if (delta === 0) return
  const score = LocalHealth.apply(node.health.current, delta, node.config.awarenessMaxMultiplier)
  if (score === node.health.current) return
  node.health.current = score
  node.metrics.healthScore(score)
}

/**
 * What a probe that nobody answered costs. memberlist counts the nacks that are missing, and a failure only where no
 * helper could send one; Lifeguard §IV-A counts the failure, and a missing nack on top.
 */
export const failureCost = (node: Node, nacksExpected: number, nacks: number): number => {
  const missing = Math.max(0, nacksExpected - nacks)
  if (node.config.profile === "paper") return missing > 0 ? 2 : 1
  return nacksExpected > 0 ? missing : 1
}

/** How long to wait for a direct answer, in milliseconds; only the paper stretches it by the score. */
export const probeTimeout = (node: Node): number =>
  node.config.profile === "paper"
    ? LocalHealth.scale(node.settings.probeTimeout, node.health.current)
    : node.settings.probeTimeout

/** The probe interval stretched by the score, in milliseconds. */
export const probeInterval = (node: Node): number => LocalHealth.scale(node.settings.probeInterval, node.health.current)
