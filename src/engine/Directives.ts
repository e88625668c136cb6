/**
 * Carries out what the rules decided. Deciding, publishing to subscribers and queueing broadcasts are one synchronous
 * step inside the member table's `Ref.modify`; timers, hooks and logs follow it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Address from "../Address.ts"
import type { Directive } from "../swim/Directive.ts"
import { type Env, type Membership, type Step, suspicionExpired } from "../swim/Membership.ts"
import * as Broadcasts from "./Broadcasts.ts"
import * as Health from "./Health.ts"
import * as Hooks from "./Hooks.ts"
import { envOf, type Node } from "./Node.ts"
import * as Suspicions from "./Suspicions.ts"

/** A rule, ready but for the table and the moment. */
export type Rule = (membership: Membership, env: Env) => Step

/** Told when a broadcast that somebody waits for is finished. */
export interface Waiters {
  readonly leave?: () => void
  readonly update?: () => void
}

const noWaiters: Waiters = {}

/** Runs one rule atomically, then carries out what remains of its directives. */
export const run = (node: Node, rule: Rule, waiters: Waiters = noWaiters): Effect.Effect<void> =>
  Effect.flatMap(
    Ref.modify(node.membership, (membership) => {
      const env = envOf(node)
      const [next, directives] = rule(membership, env)
      const rest = atOnce(node, directives, waiters)
      node.observer?.({ node, now: env.now, previous: membership, next, directives })
      return [rest, next]
    }),
    (rest) => carryOut(node, rest)
  )

/** Carries out directives that came with a table already stored. */
export const carryOut = (node: Node, rest: ReadonlyArray<Directive>): Effect.Effect<void> =>
  rest.length === 0 ? Effect.void : Effect.forEach(rest, (directive) => afterwards(node, directive), { discard: true })

/** The synchronous half; what cannot be done at once is returned in order. */
export const atOnce = (
  node: Node,
  directives: ReadonlyArray<Directive>,
  waiters: Waiters = noWaiters
): ReadonlyArray<Directive> => {
  const rest: Array<Directive> = []
  for (const directive of directives) {
    switch (directive._tag) {
      case "Broadcast":
        node.counters.count("msg", directive.claim._tag.toLowerCase())
        Broadcasts.queueClaim(
          node,
          directive.key,
          directive.claim,
          directive.waiter === undefined ? undefined : waiters[directive.waiter]
        )
        break
      case "Publish":
        node.changes.publish(directive.change)
        break
      case "Ignored":
        node.counters.count("claim.ignored", directive.reason)
        break
      case "DegradedTimeout":
        node.counters.count("degraded.timeout")
        break
      case "Reaped":
        node.counters.count("member.reaped")
        break
      case "Refuted":
        Health.adjust(node, 1)
        rest.push(directive)
        break
      default:
        rest.push(directive)
    }
  }
  return rest
}

const afterwards = (node: Node, directive: Directive): Effect.Effect<void> => {
  switch (directive._tag) {
    case "StartSuspicion":
    case "CancelSuspicion":
      return Suspicions.follow(node, directive.name, (timer) => run(node, (m, env) => suspicionExpired(m, timer, env)))
    case "Refuted":
      return Effect.logWarning(
        `refuted ${directive.by.toLowerCase()} message about ourselves; frequent refutations mean this node is too slow to answer`
      ).pipe(Effect.annotateLogs({ from: directive.from ?? "unknown", incarnation: directive.incarnation }))
    case "Conflict":
      return Hooks.conflict(node, directive.existing, directive.other)
    case "Reclaimed":
      return Effect.logInfo(`member ${directive.existing.name} returned at a new address`).pipe(
        Effect.annotateLogs({
          from: Address.format(directive.existing.endpoint),
          to: Address.format({ ip: Address.ipText(directive.other.addr) ?? "", port: directive.other.port })
        })
      )
    default:
      return Effect.void
  }
}
