/**
 * This node's score of local health, which stretches how long its probes take.
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
