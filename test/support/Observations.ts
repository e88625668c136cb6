/**
 * Steps of member tables made by hand, and what the invariants say of them. A step may be a real rule's, or whatever a
 * test wants a node to have done.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Node from "../../src/engine/Node.ts"
import { Keyring } from "../../src/Keyring.ts"
import { MemberlistConfig, type Settings } from "../../src/MemberlistConfig.ts"
import type * as Announcement from "../../src/swim/life/Announcement.ts"
import type { Change, Directive } from "../../src/swim/membership/Directive.ts"
import * as Membership from "../../src/swim/membership/Membership.ts"
import { Checker } from "../../src/testing/checks/Checker.ts"
import { Transport } from "../../src/Transport.ts"
import { announce, env, ip, own, SELF } from "./Rules.ts"

/** Goes nowhere. */
const transport = Transport.of({
  bound: { ip: "10.0.0.1", port: 7946 },
  advertised: { addr: ip(1), port: 7946 },
  packets: Effect.never,
  send: () => Effect.void,
  serve: () => Effect.never,
  open: () => Effect.never,
  resolve: () => Effect.succeed([])
})

/** A node that does not run. */
export const idle = (name: string, settings: Settings = {}) =>
  Effect.gen(function*() {
    return yield* Node.make(yield* Keyring.make({}))
  }).pipe(
    Effect.provide(
      Layer.merge(
        Layer.succeed(Transport, transport),
        MemberlistConfig.layer({ ...MemberlistConfig.lan, ...settings, name })
      )
    ),
    Effect.orDie
  )

/** A step to be looked at. */
export interface Seen {
  readonly next?: Membership.Membership
  readonly directives?: ReadonlyArray<Directive>
  /** Milliseconds; 0 by default. */
  readonly now?: number
  /** Instead of the node itself. */
  readonly node?: Node.Node
}

export const published = (change: Change): Directive => ({ _tag: "Publish", change })

/** A node whose steps are observed, from its first announcement on. */
export class Watched {
  readonly node: Node.Node
  private readonly checker: Checker
  private table: Membership.Membership

  constructor(node: Node.Node, checker: Checker, announced: Announcement.Own) {
    this.node = node
    this.checker = checker
    this.table = Membership.make(node.name)
    this.rule((m) => announce(m, announced, env()))
  }

  get now(): Membership.Membership {
    return this.table
  }

  /** Observes a step. */
  see({ directives = [], next = this.table, node = this.node, now = 0 }: Seen): void {
    const previous = this.table
    this.table = next
    this.checker.observe({ node, now, previous, next, directives })
  }

  /** Observes what a real rule does. */
  rule(rule: (m: Membership.Membership) => Membership.Step, now = 0): void {
    const [next, directives] = rule(this.table)
    this.see({ next, directives, now })
  }
}

/** Nodes of one cluster, and what was found broken, as `node at: Invariant, message`. */
export const watch = Effect.gen(function*() {
  const checker = new Checker()
  const another = (name: string, announced: Announcement.Own = own) =>
    Effect.map(idle(name), (node) => new Watched(node, checker, announced))
  return {
    self: yield* another(SELF),
    another,
    broken: () =>
      checker.violations.map(({ at, invariant, message, node }) => `${node} ${at}: ${invariant}, ${message}`)
  }
})
