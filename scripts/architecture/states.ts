/**
 * The states of a member and what moves it from one to another, found by giving every kind of claim, at every incarnation
 * that makes a difference, to the rules, with a member in each state; and the life of a node, found by calling
 * `Stage.decide` in every stage.
 */
import * as Announcement from "../../src/swim/life/Announcement.ts"
import * as Stage from "../../src/swim/life/Stage.ts"
import { alive } from "../../src/swim/membership/Alive.ts"
import type { Alive } from "../../src/swim/membership/Claim.ts"
import { dead } from "../../src/swim/membership/Dead.ts"
import * as Membership from "../../src/swim/membership/Membership.ts"
import { reap } from "../../src/swim/membership/Reap.ts"
import { suspect } from "../../src/swim/suspicion/Accuse.ts"
import { expire } from "../../src/swim/suspicion/Expiry.ts"
import type { Edge, Graph } from "./graph.ts"

const SELF = "self"
const OTHER = "other"
const VERSIONS = Uint8Array.of(1, 5, 2, 0, 0, 0)
const INCARNATION = 10
const MINUTE = 60_000

const envAt = (now: number, rules: Partial<Membership.Rules> = {}): Membership.Env => ({
  now,
  random: () => 0.5,
  rules: {
    probeInterval: 1000,
    suspicionMult: 4,
    suspicionMaxTimeoutMult: 6,
    deadNodeReclaimTime: 0,
    gossipToTheDeadTime: 30_000,
    maxMembers: 65_536,
    nameConflictPolicy: "keep",
    recovery: false,
    verifies: false,
    healInterval: 10_000,
    maxLost: 256,
    lostTime: 86_400_000,
    addressAllowed: () => true,
    ...rules
  }
})

const aliveClaim = (node: string, incarnation: number, last: number, port = 7946): Alive => ({
  _tag: "Alive",
  incarnation,
  node,
  addr: Uint8Array.of(10, 0, 0, last),
  port,
  meta: null,
  vsn: VERSIONS
})

type Rule = (m: Membership.Membership, env: Membership.Env) => Membership.Step

const suspectBy = (from: string, incarnation: number): Rule => (m, env) =>
  suspect(m, { _tag: "Suspect", incarnation, node: OTHER, from }, env)
const deadBy = (from: string, incarnation: number): Rule => (m, env) =>
  dead(m, { _tag: "Dead", incarnation, node: OTHER, from }, env)
const aliveAt = (last: number, incarnation: number): Rule => (m, env) =>
  alive(m, aliveClaim(OTHER, incarnation, last), env)

/** Our table with ten others in it, so that a suspicion hopes for confirmations. */
const table = (): Membership.Membership => {
  const own = { addr: Uint8Array.of(10, 0, 0, 1), port: 7946, meta: null, vsn: VERSIONS }
  let [m] = Announcement.start(Membership.make(SELF), own, envAt(0))
  for (let i = 0; i < 10; i++) [m] = alive(m, aliveClaim(`m${i}`, 1, 100 + i), envAt(0))
  return m
}

const AT = 2

/** How a member gets into each state. */
const ways: Readonly<Record<string, ReadonlyArray<Rule>>> = {
  unknown: [],
  alive: [aliveAt(AT, INCARNATION)],
  suspect: [aliveAt(AT, INCARNATION), suspectBy("m1", INCARNATION)],
  dead: [aliveAt(AT, INCARNATION), deadBy("m1", INCARNATION)],
  left: [aliveAt(AT, INCARNATION), deadBy(OTHER, INCARNATION)]
}

interface Happening {
  readonly name: string
  /** Where the incarnation is older, the same or newer. */
  readonly rule: (incarnation: number) => Rule
  readonly env: Membership.Env
  /** Whether it has an incarnation at all. */
  readonly dated: boolean
}

const ELSEWHERE = "alive elsewhere"

const reclaim = { deadNodeReclaimTime: 20_000 }

/**
 * From the most usual on: what one of these does is not told again of a later one. With `nameConflictPolicy: "replace"`, which
 * the picture leaves out, a newer claim from elsewhere is taken like one from where the member is.
 */
const happenings: ReadonlyArray<Happening> = [
  { name: "alive", dated: true, rule: (i) => aliveAt(AT, i), env: envAt(1000) },
  { name: "suspect", dated: true, rule: (i) => suspectBy("m2", i), env: envAt(1000) },
  { name: "dead", dated: true, rule: (i) => deadBy("m2", i), env: envAt(1000) },
  { name: "its own goodbye", dated: true, rule: (i) => deadBy(OTHER, i), env: envAt(1000) },
  { name: ELSEWHERE, dated: true, rule: (i) => aliveAt(3, i), env: envAt(1000) },
  {
    name: `${ELSEWHERE}, after deadNodeReclaimTime`,
    dated: true,
    rule: (i) => aliveAt(3, i),
    env: envAt(25_000, reclaim)
  },
  { name: "its suspicion's time is over", dated: false, rule: () => expire, env: envAt(MINUTE) },
  { name: "gossipToTheDeadTime is over", dated: false, rule: () => reap, env: envAt(MINUTE) }
]

const orders = ["older", "same", "newer"] as const

/** What is said of a set of incarnations. */
const incarnations = (found: ReadonlyArray<string>): string =>
  found.length === orders.length ? "any" : found.join(" or ")

/** A transition, and what brings it about. */
export interface Transition {
  readonly from: string
  readonly to: string
  readonly by: ReadonlyArray<string>
}

export const transitions = (): ReadonlyArray<Transition> => {
  const found = new Map<string, Map<string, Array<string>>>()
  const told = new Set<string>()
  for (const [from, rules] of Object.entries(ways)) {
    const before = rules.reduce((m, rule) => rule(m, envAt(0))[0], table())
    for (const { dated, env, name, rule } of happenings) {
      for (const [i, order] of orders.entries()) {
        const [after] = rule(INCARNATION - 1 + i)(before, env)
        const previous = before.entries.get(OTHER)
        const next = after.entries.get(OTHER)
        if (next === previous) continue
        const to = next?.state ?? "unknown"
        const transition = `${from}/${to}/${order}`
        told.add(`${name}/${transition}`)
        // who is new has no other address, and what goes without a setting needs none
        const isUsual = name.startsWith(`${ELSEWHERE},`) && told.has(`${ELSEWHERE}/${transition}`)
        if (isUsual || (from === "unknown" && name.startsWith(ELSEWHERE))) continue
        const key = `${from} ${to}`
        const names = found.get(key) ?? new Map<string, Array<string>>()
        found.set(key, names)
        names.set(name, [...(names.get(name) ?? []), ...(dated ? [order] : [])])
      }
    }
  }
  return [...found].map(([key, names]) => {
    const [from = "", to = ""] = key.split(" ")
    return {
      from,
      to,
      by: [...names].map(([name, found]) => {
        const isNew = from === "unknown"
        return found.length === 0 || isNew ? name : `${name} (${incarnations(found)})`
      })
    }
  })
}

const colours: Readonly<Record<string, string>> = {
  unknown: "#ffffff",
  alive: "#dafbe1",
  suspect: "#fff8c5",
  dead: "#ffebe9",
  left: "#eaeef2"
}

export const memberStates = (): Graph => ({
  title: "The states of a member, and the claims (in brackets: their incarnation) and times that change them",
  direction: "TB",
  space: [0.6, 0.7],
  nodes: Object.keys(ways).map((id) => ({ id, label: [id], fill: colours[id] ?? "white" })),
  // broken where they can be, or the picture is too wide to be read
  edges: transitions().map(({ by, from, to }): Edge => ({
    from,
    to,
    label: by.flatMap((each) => each.split(/(?<=,) | (?=\()/))
  }))
})

const stages: ReadonlyArray<Stage.Stage> = [
  Stage.unannounced,
  { _tag: "Present" },
  { _tag: "Left" },
  { _tag: "Returning", joins: [1] },
  { _tag: "Returning", joins: [1, 2] },
  { _tag: "Closed" }
]

const calls: ReadonlyArray<readonly [string, Stage.Call]> = [
  ["start", { _tag: "Start" }],
  ["a join introduces us", { _tag: "Introduce", join: 3 }],
  ["a join is answered", { _tag: "Settle", join: 1, answered: true }],
  ["a join fails", { _tag: "Settle", join: 1, answered: false }],
  ["updateMeta", { _tag: "Update" }],
  ["leave", { _tag: "Leave" }],
  ["release", { _tag: "Close" }]
]

const says = { Alive: "says: alive", Goodbye: "says: goodbye", Nothing: "" } as const

/** The last join that ends is another matter than one of several. */
const nameOf = (name: string, stage: Stage.Stage): string =>
  name === "a join fails" && stage._tag === "Returning"
    ? stage.joins.length > 1 ? "one of several joins fails" : "the last join fails"
    : name

export const life = (): Graph => {
  const found = new Map<string, Set<string>>()
  const refused = new Map<string, Set<string>>()
  for (const stage of stages) {
    for (const [name, call] of calls) {
      const ruling = Stage.decide(stage, call)
      if (ruling.refused !== undefined) {
        const names = refused.get(stage._tag) ?? new Set<string>()
        refused.set(stage._tag, names.add(`${name}: ${ruling.refused}`))
      } else if (ruling.stage !== stage || ruling.says !== "Nothing") {
        const key = `${stage._tag} ${ruling.stage._tag}`
        const word = says[ruling.says]
        const lines = found.get(key) ?? new Set<string>()
        found.set(key, lines.add(word === "" ? nameOf(name, stage) : `${nameOf(name, stage)} (${word})`))
      }
    }
  }
  const fill: Readonly<Record<string, string>> = { Present: "#dafbe1", Returning: "#fff8c5", Left: "#eaeef2" }
  const refusals = (tag: string): ReadonlyArray<string> => {
    const lines = [...(refused.get(tag) ?? [])]
    return lines.length === calls.length
      ? [`refuses everything: ${lines[0]?.split(": ")[1]}`]
      : lines.map((line) => `refuses ${line}`)
  }
  return {
    title: "The life of a node: what is called, and what the cluster is told",
    direction: "TB",
    space: [0.6, 0.6],
    nodes: [...new Set(stages.map(({ _tag }) => _tag))].map((id) => ({
      id,
      label: [id, ...refusals(id)],
      fill: fill[id] ?? "#ffffff"
    })),
    edges: [...found].map(([key, lines]): Edge => {
      const [from = "", to = ""] = key.split(" ")
      return { from, to, label: [...lines] }
    })
  }
}
