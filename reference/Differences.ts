/**
 * Where our rules differ from memberlist's on purpose. Each difference has the shortest sequence that shows it, and what
 * memberlist has after its last step (`go`) that we do not have, and the other way around (`us`); up to there both
 * agree. The generated sequences stay away from all of them: `touches` tells which steps would show one.
 */
import {
  AS_REFERENCE,
  MAX_INCARNATION,
  MAX_INCARNATION_JUMP,
  type Options,
  type Ours,
  packetOf,
  toHex
} from "./Ours.ts"
import { type Claim, LAN, MILLISECOND, type Row, SECOND, type Sequence, type Setup, type Step } from "./Sequence.ts"

export interface DeliberateDifference {
  readonly name: string
  readonly why: string
  readonly setup?: Partial<Setup>
  readonly steps: ReadonlyArray<Step>
  /** Choices of ours that are another in this sequence. */
  readonly options?: Partial<Options>
  readonly go: ReadonlyArray<string>
  readonly us: ReadonlyArray<string>
  /** How generated sequences avoid it where no step has to be avoided. */
  readonly avoided?: string
  /** Whether a claim would show it. */
  readonly claim?: (claim: Claim, ours: Ours) => boolean
  /** Whether a step would show it. */
  readonly step?: (step: Step, ours: Ours) => boolean
}

const VERSIONS = "010502000000"
const LONG_NAME = "n".repeat(513)

type AliveClaim = Extract<Claim, { readonly do: "alive" }>

const alive = (node: string, inc: number, more: Partial<AliveClaim> = {}): AliveClaim => ({
  do: "alive",
  node,
  inc,
  addr: "0a000002",
  port: 7946,
  meta: null,
  vsn: VERSIONS,
  after: MILLISECOND,
  ...more
})
const suspect = (node: string, inc: number, from = "c"): Step => ({
  do: "suspect",
  node,
  inc,
  from,
  after: MILLISECOND
})
const dead = (node: string, inc: number, from = "c"): Step => ({ do: "dead", node, inc, from, after: MILLISECOND })
const row = (name: string, inc: number, state: number): Row => ({
  name,
  addr: "0a000002",
  port: 7946,
  meta: null,
  inc,
  state,
  vsn: VERSIONS
})

/** Whether these bytes, in hexadecimal, are versions that can be compared with others. */
const hasVersions = (vsn: string): boolean => {
  const [min = 0, max = 0] = [vsn.slice(0, 2), vsn.slice(2, 4)].map((byte) => Number.parseInt(byte, 16))
  return vsn.length >= 12 && min > 0 && max >= min
}

/** How far the claim is above what is known of its node. */
const order = (claim: Claim, ours: Ours): number => claim.inc - (ours.entry(claim.node)?.incarnation ?? 0)

const sameAddress = (claim: Claim, ours: Ours): boolean => {
  const entry = ours.entry(claim.node)
  return claim.do !== "alive" || (entry !== undefined && toHex(entry.addr) === claim.addr && entry.port === claim.port)
}

const present = (node: string, ours: Ours): boolean => {
  const state = ours.entry(node)?.state
  return state === "alive" || state === "suspect"
}

/** Whether a claim is about the local node while that contradicts what is said of it. */
const contradicted = (claim: Claim, ours: Ours): boolean => claim.node === ours.self && !ours.left

export const differences: ReadonlyArray<DeliberateDifference> = [
  {
    name: "an alive claim far above the known incarnation is ignored",
    why: "one forged claim at the end of all incarnations would leave nothing to refute with",
    steps: [alive("b", 1), alive("b", 2 + 2 ** 30)],
    go: [
      "member \"b\" 0a000002:7946 meta=- vsn=010502000000 incarnation=1073741826 alive since=0",
      "queued sent=0 alive \"b\" 0a000002:7946 meta=- vsn=010502000000 incarnation=1073741826"
    ],
    us: [
      "member \"b\" 0a000002:7946 meta=- vsn=010502000000 incarnation=1 alive since=0",
      "queued sent=0 alive \"b\" 0a000002:7946 meta=- vsn=010502000000 incarnation=1"
    ],
    claim: (claim, ours) =>
      claim.do === "alive" && claim.node !== ours.self && ours.entry(claim.node) !== undefined
      && sameAddress(claim, ours) && order(claim, ours) > MAX_INCARNATION_JUMP
  },
  {
    name: "an accusation far above the known incarnation is ignored",
    why: "its refutation would be one higher, and a jump for those who never heard the accusation",
    steps: [alive("b", 1), suspect("b", 1 + 2 ** 30)],
    go: [
      "member \"b\" 0a000002:7946 meta=- vsn=010502000000 incarnation=1073741825 suspect since=1000000",
      "queued sent=0 suspect \"b\" from=\"c\" incarnation=1073741825"
    ],
    us: [
      "member \"b\" 0a000002:7946 meta=- vsn=010502000000 incarnation=1 alive since=0",
      "queued sent=0 alive \"b\" 0a000002:7946 meta=- vsn=010502000000 incarnation=1"
    ],
    claim: (claim, ours) =>
      claim.do !== "alive" && claim.node !== ours.self && present(claim.node, ours)
      && order(claim, ours) >= MAX_INCARNATION_JUMP
  },
  {
    name: "a claim about ourselves far above our incarnation is answered with our next incarnation",
    why:
      "peers that refused the claim take the answer, and the others cannot be convinced without using up all incarnations",
    steps: [suspect("self", 1 + 2 ** 30)],
    go: [
      "own incarnation=1073741826 health=1 known=1",
      "member \"self\" 0a000001:7946 meta=- vsn=010502000000 incarnation=1073741826 alive since=0",
      "queued sent=0 alive \"self\" 0a000001:7946 meta=- vsn=010502000000 incarnation=1073741826"
    ],
    us: [
      "own incarnation=2 health=1 known=1",
      "member \"self\" 0a000001:7946 meta=- vsn=010502000000 incarnation=2 alive since=0",
      "queued sent=0 alive \"self\" 0a000001:7946 meta=- vsn=010502000000 incarnation=2"
    ],
    claim: (claim, ours) => contradicted(claim, ours) && order(claim, ours) >= MAX_INCARNATION_JUMP
  },
  {
    name: "our incarnation stays at the largest, and does not start again at 0",
    why: "peers would ignore everything we say from then on",
    steps: [
      suspect("self", 2 ** 30),
      suspect("self", 2 ** 31),
      suspect("self", 3 * 2 ** 30),
      suspect("self", 2 ** 32 - 2),
      suspect("self", 2 ** 32 - 1)
    ],
    go: [
      "own incarnation=0 health=5 known=1",
      "member \"self\" 0a000001:7946 meta=- vsn=010502000000 incarnation=0 alive since=0",
      "queued sent=0 alive \"self\" 0a000001:7946 meta=- vsn=010502000000 incarnation=0"
    ],
    us: [
      "own incarnation=4294967295 health=5 known=1",
      "member \"self\" 0a000001:7946 meta=- vsn=010502000000 incarnation=4294967295 alive since=0",
      "queued sent=0 alive \"self\" 0a000001:7946 meta=- vsn=010502000000 incarnation=4294967295"
    ],
    claim: (claim, ours) => contradicted(claim, ours) && Math.max(ours.incarnation, claim.inc) >= MAX_INCARNATION,
    step: (step, ours) => step.do === "update" && ours.incarnation >= MAX_INCARNATION
  },
  {
    name: "an alive claim of incarnation 0 adds nobody",
    why: "memberlist adds a member that is dead from the beginning; no correct node announces incarnation 0",
    steps: [alive("b", 0)],
    go: [
      "own incarnation=1 health=0 known=2",
      "member \"b\" 0a000002:7946 meta=- vsn=010502000000 incarnation=0 dead since=-9223372036854775808"
    ],
    us: [
      "own incarnation=1 health=0 known=1"
    ],
    claim: (claim, ours) => claim.do === "alive" && claim.inc === 0 && !sameAddress(claim, ours)
  },
  {
    name: "an alive claim without six versions is ignored",
    why: "it would make every later push/pull fail its check of versions",
    steps: [alive("b", 1, { vsn: "0105020000" })],
    go: [
      "own incarnation=1 health=0 known=2",
      "member \"b\" 0a000002:7946 meta=- vsn=000000000000 incarnation=1 alive since=0",
      "queued sent=0 alive \"b\" 0a000002:7946 meta=- vsn=0105020000 incarnation=1",
      "event join \"b\" 0a000002:7946 meta=- vsn=000000000000"
    ],
    us: [
      "own incarnation=1 health=0 known=1"
    ],
    claim: (claim) => claim.do === "alive" && claim.vsn.length < 12
  },
  {
    name: "versions beyond the six are not passed on",
    why: "memberlist does not keep them either: what it says later of the same incarnation is without them",
    steps: [alive("b", 1, { vsn: `${VERSIONS}ff` })],
    go: [
      "queued sent=0 alive \"b\" 0a000002:7946 meta=- vsn=010502000000ff incarnation=1"
    ],
    us: [
      "queued sent=0 alive \"b\" 0a000002:7946 meta=- vsn=010502000000 incarnation=1"
    ],
    claim: (claim) => claim.do === "alive" && claim.vsn.length > 12
  },
  {
    name: "an address that has neither 4 nor 16 bytes is ignored",
    why: "nobody could be reached there",
    steps: [alive("b", 1, { addr: "0a00000201" })],
    go: [
      "own incarnation=1 health=0 known=2",
      "member \"b\" 0a00000201:7946 meta=- vsn=010502000000 incarnation=1 alive since=0",
      "queued sent=0 alive \"b\" 0a00000201:7946 meta=- vsn=010502000000 incarnation=1",
      "event join \"b\" 0a00000201:7946 meta=- vsn=010502000000"
    ],
    us: [
      "own incarnation=1 health=0 known=1"
    ],
    claim: (claim) => claim.do === "alive" && claim.addr.length !== 8 && claim.addr.length !== 32
  },
  {
    name: "metadata above 512 bytes is ignored",
    why: "it may fit no packet, and would wait to be gossiped forever",
    steps: [alive("b", 1, { meta: "ab".repeat(513) })],
    go: [
      "own incarnation=1 health=0 known=2",
      "member \"b\" 0a000002:7946 meta=abab…(1026) vsn=010502000000 incarnation=1 alive since=0",
      "queued sent=0 alive \"b\" 0a000002:7946 meta=abab…(1026) vsn=010502000000 incarnation=1",
      "event join \"b\" 0a000002:7946 meta=abab…(1026) vsn=010502000000"
    ],
    us: [
      "own incarnation=1 health=0 known=1"
    ],
    claim: (claim) => claim.do === "alive" && claim.meta !== null && claim.meta.length > 1_024
  },
  {
    name: "a name above 512 bytes is ignored, of a member",
    why: "it may fit no packet, and would wait to be gossiped forever",
    steps: [alive(LONG_NAME, 1)],
    go: [
      "own incarnation=1 health=0 known=2",
      "member \"nnnn…(513)\" 0a000002:7946 meta=- vsn=010502000000 incarnation=1 alive since=0",
      "queued sent=0 alive \"nnnn…(513)\" 0a000002:7946 meta=- vsn=010502000000 incarnation=1",
      "event join \"nnnn…(513)\" 0a000002:7946 meta=- vsn=010502000000"
    ],
    us: [
      "own incarnation=1 health=0 known=1"
    ],
    claim: (claim) => claim.do === "alive" && claim.node.length > 512
  },
  {
    name: "an accuser whose name is above 512 bytes is passed on by a digest of it",
    why: "it may fit no packet, and would wait to be gossiped forever",
    steps: [alive("b", 1), dead("b", 1, LONG_NAME)],
    go: [
      "queued sent=0 dead \"b\" from=\"nnnn…(513)\" incarnation=1"
    ],
    us: [
      "queued sent=0 dead \"b\" from=xefbfbd63323136636333313930323735306533 incarnation=1"
    ],
    claim: (claim) => claim.do !== "alive" && claim.from.length > 512
  },
  {
    name: "a row without versions that agree with themselves does not refuse a list",
    why: "whoever remembers such a row would be refused by everybody for as long as it does",
    steps: [{ do: "merge", rows: [{ ...row("x", 1, 2), vsn: "01050500" }, row("y", 1, 0)], after: MILLISECOND }],
    go: [
      "own incarnation=1 health=0 known=1",
      "merge refused"
    ],
    us: [
      "own incarnation=1 health=0 known=2",
      "member \"y\" 0a000002:7946 meta=- vsn=010502000000 incarnation=1 alive since=0",
      "queued sent=0 alive \"y\" 0a000002:7946 meta=- vsn=010502000000 incarnation=1",
      "event join \"y\" 0a000002:7946 meta=- vsn=010502000000"
    ],
    step: (step) => step.do === "merge" && step.rows.some(({ vsn }) => !hasVersions(vsn))
  },
  {
    name: "newer news of a member without a name replaces older news of it",
    why: "memberlist's queue takes an empty name for none, and gossips both",
    steps: [alive("", 1), alive("", 2)],
    go: [
      "queued sent=0 alive \"\" 0a000002:7946 meta=- vsn=010502000000 incarnation=1"
    ],
    us: [],
    claim: (claim, ours) => claim.node === "" && ours.entry("") !== undefined
  },
  {
    name: "news of a member whose name is our address does not replace our refutation",
    why: "whoever takes that name could keep a node from refuting",
    steps: [dead("self", 1), alive("10.0.0.1", 1)],
    go: [],
    us: [
      "queued sent=0 alive \"self\" 0a000001:7946 meta=- vsn=010502000000 incarnation=2"
    ],
    claim: (claim) => claim.node === "10.0.0.1"
  },
  {
    name: "a suspicion is not ended by the timer of one before it",
    why: "memberlist leaves the timer of a refuted suspicion running, and knows it by the instant at which it began",
    setup: { suspicionMult: 4 },
    steps: [
      alive("b", 1),
      { ...suspect("b", 1), after: 0 },
      { ...alive("b", 2), after: 0 },
      { do: "merge", rows: [row("x", 1, 0), row("y", 1, 0), row("z", 1, 0)], after: 0 },
      { ...suspect("b", 2), after: 0 },
      { do: "wait", after: 10 * SECOND }
    ],
    go: [
      "member \"b\" 0a000002:7946 meta=- vsn=010502000000 incarnation=2 dead since=4001000000",
      "queued sent=0 dead \"b\" from=\"self\" incarnation=2",
      "event leave \"b\" 0a000002:7946 meta=- vsn=010502000000"
    ],
    us: [
      "member \"b\" 0a000002:7946 meta=- vsn=010502000000 incarnation=2 suspect since=1000000",
      "queued sent=0 suspect \"b\" from=\"c\" incarnation=2"
    ],
    claim: (claim, ours) =>
      claim.do === "suspect" && ours.entry(claim.node)?.state === "alive" && ours.suspected(claim.node) === ours.now
  },
  {
    name: "one and the same name conflict is told once a minute",
    why: "both nodes go on announcing themselves, and every gossip would tell of it again",
    options: { conflicts: "seldom" },
    steps: [alive("b", 1), alive("b", 2, { addr: "0a000003" }), alive("b", 3, { addr: "0a000003" })],
    go: [
      "event conflict \"b\" 0a000002:7946 other 0a000003:7946 meta=-"
    ],
    us: [],
    avoided: "what was told is forgotten before each step"
  },
  {
    name: "with the policy `replace` a name goes to whoever claims it with a higher incarnation",
    why: "a member that comes back at another address need not wait; the policy is off unless it is asked for",
    options: { nameConflictPolicy: "replace" },
    steps: [alive("b", 1), alive("b", 2, { addr: "0a000003" })],
    go: [
      "member \"b\" 0a000002:7946 meta=- vsn=010502000000 incarnation=1 alive since=0",
      "queued sent=0 alive \"b\" 0a000002:7946 meta=- vsn=010502000000 incarnation=1"
    ],
    us: [
      "member \"b\" 0a000003:7946 meta=- vsn=010502000000 incarnation=2 alive since=0",
      "queued sent=0 alive \"b\" 0a000003:7946 meta=- vsn=010502000000 incarnation=2",
      "event update \"b\" 0a000003:7946 meta=- vsn=010502000000"
    ],
    avoided: "the policy is `keep`"
  },
  {
    name: "a full table takes no newcomer",
    why: "strangers could fill the memory; memberlist has no limit",
    options: { maxMembers: 2 },
    steps: [alive("b", 1), alive("d", 1, { addr: "0a000004" })],
    go: [
      "own incarnation=1 health=0 known=3",
      "member \"d\" 0a000004:7946 meta=- vsn=010502000000 incarnation=1 alive since=1000000",
      "queued sent=0 alive \"d\" 0a000004:7946 meta=- vsn=010502000000 incarnation=1",
      "event join \"d\" 0a000004:7946 meta=- vsn=010502000000"
    ],
    us: [
      "own incarnation=1 health=0 known=2"
    ],
    avoided: "the table has no limit"
  },
  {
    name: "the claims of one packet are judged in the order in which they arrived",
    why: "memberlist takes the newest first, so that old news is passed on after what replaced it",
    options: { packets: "asArrived" },
    steps: [{
      do: "packet",
      bytes: toHex(packetOf([alive("b", 1), alive("b", 2, { meta: "aa" })], [], { checksum: true, compress: false })),
      after: MILLISECOND
    }],
    go: [
      "event join \"b\" 0a000002:7946 meta=aa vsn=010502000000"
    ],
    us: [
      "event join \"b\" 0a000002:7946 meta=- vsn=010502000000",
      "event update \"b\" 0a000002:7946 meta=aa vsn=010502000000"
    ],
    avoided: "our side takes the newest first as well"
  },
  {
    name: "a refutation goes straight to the accuser as well",
    why: "gossip may be slower than the suspicion where the table is full of members that somebody made up",
    options: { told: "seen" },
    steps: [alive("b", 1), suspect("self", 1, "b")],
    go: [],
    us: [
      "packets 1"
    ],
    avoided: "what is sent straight is not looked at"
  },
  {
    name: "ids of queued messages rise forever",
    why:
      "memberlist starts again at 1 when the queue is empty, so that of two messages of one id and length one is lost",
    setup: { keepsIds: false },
    steps: [
      { do: "draw", limit: 1_398, after: MILLISECOND },
      alive("dddd", 1),
      { do: "draw", limit: 70, after: MILLISECOND }
    ],
    go: [],
    us: [
      "queued sent=1 alive \"self\" 0a000001:7946 meta=- vsn=010502000000 incarnation=1"
    ],
    avoided: "a message that is too long for any packet keeps the queue from being empty"
  },
  {
    name: "a node that left does not forget itself",
    why: "memberlist crashes where it looks for its own entry",
    steps: [{ do: "leave", after: 31 * SECOND }, { do: "reap", after: MILLISECOND }],
    go: [
      "own incarnation=left health=0 known=0"
    ],
    us: [
      "own incarnation=left health=0 known=1",
      "member \"self\" 0a000001:7946 meta=- vsn=010502000000 incarnation=1 left since=0"
    ],
    step: (step, ours) =>
      step.do === "reap" && ours.left && ours.now - (ours.entry(ours.self)?.stateChangedAt ?? 0) * MILLISECOND >=
        ours.given.gossipToTheDeadTime
  },
  {
    name: "a node that left can return",
    why: "memberlist has no way back, and ignores its own announcement",
    steps: [{ do: "leave", after: MILLISECOND }, { do: "return", after: MILLISECOND }],
    go: [
      "own incarnation=left health=0 known=1",
      "member \"self\" 0a000001:7946 meta=- vsn=010502000000 incarnation=1 left since=0",
      "queued sent=0 dead \"self\" from=\"self\" incarnation=1"
    ],
    us: [
      "own incarnation=2 health=0 known=1",
      "member \"self\" 0a000001:7946 meta=- vsn=010502000000 incarnation=2 alive since=1000000",
      "queued sent=0 alive \"self\" 0a000001:7946 meta=- vsn=010502000000 incarnation=2",
      "event join \"self\" 0a000001:7946 meta=- vsn=010502000000"
    ],
    step: (step, ours) => step.do === "return" || (step.do === "update" && ours.left)
  }
]

/** Settings and choices of a difference's sequence. */
export const sequenceOf = ({ setup, steps }: DeliberateDifference): Sequence => ({
  setup: { ...LAN, ...setup },
  steps
})

export const optionsOf = ({ options }: DeliberateDifference): Options => ({ ...AS_REFERENCE, ...options })

const conflictKey = (claim: Claim, ours: Ours): string | undefined => {
  const entry = ours.entry(claim.node)
  if (claim.do !== "alive" || entry === undefined || sameAddress(claim, ours)) return undefined
  // What is told is a text, in which an IPv4 address of 4 bytes and one of 16 are the same.
  const text = (addr: string, port: number) => `${addr.replace(/^0{20}f{4}/, "")}:${port}`
  const between = [text(toHex(entry.addr), entry.port), text(claim.addr, claim.port)]
  return [claim.node, ...between.sort()].join(" ")
}

/** Why a step must not happen in a sequence in which both sides are to agree; `undefined` when it may. */
export const touched = (step: Step, ours: Ours): string | undefined => {
  for (const { name, step: shows } of differences) if (shows?.(step, ours) === true) return name
  const claims = ours.claims(step)
  const scratch = claims.length > 1 ? ours.copy() : ours
  const conflicts = new Set<string>()
  for (const claim of claims) {
    for (const { claim: shows, name } of differences) if (shows?.(claim, scratch) === true) return name
    if (claims.length === 1) break
    const conflict = conflictKey(claim, scratch)
    if (conflict !== undefined && conflicts.has(conflict)) return "one and the same name conflict is told once a minute"
    if (conflict !== undefined) conflicts.add(conflict)
    scratch.judgeStep(claim)
  }
  if (claims.length > 1) {
    const tried = ours.copy()
    tried.apply(step)
    if (tried.raced) return "a suspicion ends while claims are judged, and memberlist does not say which comes first"
  }
  return undefined
}
