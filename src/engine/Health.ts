/**
 * Lifeguard's local health: how much to trust ourselves. The score stretches the probe interval.
 *
 * @since 0.1.0
 */
import * as LocalHealth from "../swim/LocalHealth.ts"
import type { Node } from "./Node.ts"

/** Adds `delta` to the score, within 0 ‥ `awarenessMaxMultiplier` − 1. Synchronous: it runs inside the rules' step. */
export const adjust = (node: Node, delta: number): void => {
  if (delta === 0) return
  const score = LocalHealth.apply(node.health.current, delta, node.config.awarenessMaxMultiplier)
  if (score === node.health.current) return
  node.health.current = score
  node.metrics.healthScore(score)
}

/** The probe interval stretched by the score, in milliseconds. */
export const probeInterval = (node: Node): number => LocalHealth.scale(node.settings.probeInterval, node.health.current)
