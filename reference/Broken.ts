/**
 * Rules broken on purpose, each in one way. A comparison that did not notice them would prove nothing, so every run shows
 * that it notices each of them within `NOTICED_WITHIN` steps.
 */
import { type Entry, type Outcome, type Rules, rules, type Table } from "./Ours.ts"

export const NOTICED_WITHIN = 20_000

export interface BrokenRule {
  readonly name: string
  readonly rules: Rules
}

/** The table with another entry in place of the one of its name. */
const withEntry = (m: Table, entry: Entry): Table => ({ ...m, entries: m.entries.with(entry.name, entry) })

/** The outcome of a rule, with the member's entry changed once more. */
const changed = (
  [m, directives]: Outcome,
  name: string,
  change: (entry: Entry) => Entry
): Outcome => {
  const entry = m.entries.get(name)
  return entry === undefined ? [m, directives] : [withEntry(m, change(entry)), directives]
}

const sameAddress = (entry: Entry, claim: { readonly addr: Uint8Array; readonly port: number }): boolean =>
  Buffer.from(entry.addr).equals(claim.addr) && entry.port === claim.port

const broken = (name: string, change: Partial<Rules>): BrokenRule => ({ name, rules: { ...rules, ...change } })

export const brokenRules: ReadonlyArray<BrokenRule> = [
  broken("an alive claim of the accused incarnation ends a suspicion", {
    alive: (m, claim, env) => {
      const entry = m.entries.get(claim.node)
      const ends = entry?.state === "suspect" && entry.incarnation === claim.incarnation && claim.incarnation > 1
      return rules.alive(ends ? withEntry(m, { ...entry, incarnation: entry.incarnation - 1 }) : m, claim, env)
    }
  }),
  broken("a member is declared dead by a claim about an older incarnation", {
    dead: (m, claim, env) => {
      const known = m.entries.get(claim.node)?.incarnation ?? 0
      return rules.dead(m, { ...claim, incarnation: Math.max(known, claim.incarnation) }, env)
    }
  }),
  broken("a refutation does not rise above the accusation", {
    suspect: (m, claim, env) => {
      const [next, directives] = rules.suspect(m, claim, env)
      return directives[0]?._tag === "Refuted"
        ? changed([next, directives], m.self, (entry) => ({ ...entry, incarnation: claim.incarnation }))
        : [next, directives]
    }
  }),
  broken("a push/pull's dead members are dead at once, and not suspect", {
    merge: (m, rows, env) => {
      const directives: Array<Outcome[1][number]> = []
      let next = m
      for (const row of rows) {
        const { incarnation, name: node } = row
        const [after, more] = row.state === 2
          ? rules.dead(next, { _tag: "Dead", incarnation, node, from: m.self }, env)
          : rules.merge(next, [row], env)
        next = after
        directives.push(...more)
      }
      return [next, directives]
    }
  }),
  broken("a member that says goodbye is dead, and not left", {
    dead: (m, claim, env) =>
      changed(
        rules.dead(m, claim, env),
        claim.node,
        (entry) => entry.state === "left" ? { ...entry, state: "dead" } : entry
      )
  }),
  broken("metadata changes without a higher incarnation", {
    alive: (m, claim, env) => {
      const entry = m.entries.get(claim.node)
      const other = entry !== undefined && claim.node !== m.self && entry.state === "alive"
        && entry.incarnation === claim.incarnation && claim.incarnation > 1 && sameAddress(entry, claim)
        && !Buffer.from(entry.meta ?? []).equals(claim.meta ?? new Uint8Array(0))
      return rules.alive(other ? withEntry(m, { ...entry, incarnation: entry.incarnation - 1 }) : m, claim, env)
    }
  }),
  broken("the same accuser is counted twice", {
    suspect: (m, claim, env) => {
      const entry = m.entries.get(claim.node)
      if (entry?.suspicion === undefined) return rules.suspect(m, claim, env)
      const accusers = entry.suspicion.accusers.map((name, i) => name === claim.from ? `${name} ${i}` : name)
      return rules.suspect(withEntry(m, { ...entry, suspicion: { ...entry.suspicion, accusers } }), claim, env)
    }
  }),
  broken("a confirmation does not shorten a suspicion", {
    expiry: (entry) => {
      const { suspicion } = entry
      if (suspicion === undefined) return undefined
      return rules.expiry({ ...entry, suspicion: { ...suspicion, accusers: suspicion.accusers.slice(0, 1) } })
    }
  }),
  broken("members that are gone do not count for the time of a suspicion", {
    suspect: (m, claim, env) => {
      const gone = m.entries.values().filter(({ name, state }) =>
        name !== claim.node && (state === "dead" || state === "left")
      )
      const entries = gone.reduce((left, { name }) => left.with(name, undefined), m.entries)
      const [next, directives] = rules.suspect({ ...m, entries }, claim, env)
      return [gone.reduce(withEntry, next), directives]
    }
  }),
  broken("the name of a member that left is not free to be taken", {
    alive: (m, claim, env) => {
      const entry = m.entries.get(claim.node)
      return entry?.state === "left" && !sameAddress(entry, claim) ? [m, []] : rules.alive(m, claim, env)
    }
  }),
  broken("a name in use goes to whoever claims it later", {
    alive: (m, claim, env) => rules.alive(m, claim, { ...env, rules: { ...env.rules, nameConflictPolicy: "replace" } })
  }),
  broken("a suspect that refutes joins once more", {
    alive: (m, claim, env) => {
      const [next, directives] = rules.alive(m, claim, env)
      return [
        next,
        directives.map((directive) =>
          directive._tag === "Publish" && directive.change._tag === "Recovered"
            ? { _tag: "Publish", change: { _tag: "Joined", entry: directive.change.entry } }
            : directive
        )
      ]
    }
  }),
  broken("who is gone is forgotten after the first round", {
    reap: (m, env) => rules.reap(m, { ...env, rules: { ...env.rules, gossipToTheDeadTime: -1 } })
  }),
  broken("a push/pull is merged whatever versions its members speak", { compatible: () => true }),
  broken("a refutation costs no health", {
    health: (score, delta, max) => delta === 1 ? score : rules.health(score, delta, max)
  }),
  broken("news of a member does not replace older news in the queue", {
    queue: (q, broadcast) => rules.queue(q, { ...broadcast, name: undefined, unique: true })
  }),
  broken("a message is sent once more than the cluster's size asks for", {
    retransmitLimit: (mult, n) => rules.retransmitLimit(mult, n) + 1
  })
]
