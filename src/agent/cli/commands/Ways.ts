/**
 * What a check of the ways to other members says, and what to do about it.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type * as Model from "../../Model.ts"
import type { CommandFailed } from "../CommandFailed.ts"
import { type Finding, finding, ofLateness } from "./Diagnosis.ts"

type Checked = Model.CheckView["members"][number]

/** A member, where this agent is reached by it, and what the agent had seen of it before. */
interface Subject extends Checked {
  readonly here: string
  readonly seen: Model.MemberView | undefined
}

const millis = (time: number): string => `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`

/** Why only pings tell of it. */
const unasked: Readonly<Record<Checked["answers"], string>> = {
  yes: "it did not say",
  no: "it does not answer as an agent",
  "no agent": "it is no agent",
  "not asked": "this agent has no topics, and cannot ask it"
}

const gone = ({ state }: Subject): string =>
  state === "dead" || state === "left" ? `; to this agent it is ${state}` : ""

const ofUdp = (subject: Subject): Finding => {
  const { address, here, name, ping, pingError = "no answer", seen, udpIn, udpOut } = subject
  const check = `UDP with ${name}`
  if (udpOut === "works" && udpIn === "works") {
    return finding(check, "ok", ping === undefined ? "works both ways" : `there and back in ${millis(ping)}`)
  }
  const rules = "see the firewalls between"
  if (udpOut === "fails" && udpIn === "fails") {
    return finding(
      check,
      "failure",
      "packets get neither there nor back, and streams do",
      `open UDP to ${address}, and from it to ${here}: ${rules}`
    )
  }
  if (udpOut === "fails") {
    return finding(check, "failure", "packets do not get there", `open UDP to ${address}: ${rules}`)
  }
  if (udpIn === "fails") {
    return finding(
      check,
      "failure",
      "packets get there, and those from it do not get here",
      `open UDP from ${address} to ${here}: ${rules}, and whether it can reach that address`
    )
  }
  return finding(
    check,
    "failure",
    `${pingError}${gone(subject)}`,
    seen?.reachability?.likelyCause
      ?? `see whether it runs, and whether UDP to and from ${address} is open; effect-memberlist why tells more`
  )
}

const ofTcp = (subject: Subject): Finding => {
  const { address, answers, here, name, stream, streamError = "no answer", tcpIn, tcpOut } = subject
  const check = `TCP with ${name}`
  const there = `open TCP to ${address}: see the firewalls between, and what listens there`
  const back = `open TCP from ${address} to ${here}: see the firewalls between, and whether it can reach that address`
  if (tcpOut === "fails") {
    return tcpIn === "fails"
      ? finding(check, "failure", `streams get neither there (${streamError}) nor back`, `${there}; ${back}`)
      : finding(check, "failure", `streams do not get there: ${streamError}${gone(subject)}`, there)
  }
  if (tcpIn === "fails") return finding(check, "failure", "streams get there, and it cannot open any to here", back)
  const time = stream === undefined ? "there" : `there in ${millis(stream)}`
  if (tcpIn === "works") return finding(check, "ok", `${time}, and from it`)
  return finding(check, "ok", `${time}; the other direction is not known: ${unasked[answers]}`)
}

const ofMtu = ({ answers, fullIn, fullOut, name, size, state }: Subject): Finding => {
  const check = `MTU with ${name}`
  // who is gone takes part in nothing, whether it is an agent or not
  if (state === "dead" || state === "left") {
    return finding(check, "unknown", `not checked: to this agent it is ${state}`)
  }
  // short packets may well get through: agents answer only so many checks a second
  if (answers !== "yes") return finding(check, "unknown", `not checked: ${unasked[answers]}`)
  const long = size === undefined ? "full packets" : `packets with ${size} bytes of content`
  if (fullOut === "works" && fullIn === "works") return finding(check, "ok", `${long} get there and back`)
  const fails = [...fullOut === "fails" ? ["there"] : [], ...fullIn === "fails" ? ["back"] : []]
  if (fails.length === 0) return finding(check, "unknown", "short packets do not get through both ways")
  return finding(
    check,
    "failure",
    `short packets get through, and ${long} do not get ${fails.join(" or ")}`,
    "let the network carry datagrams of 1,428 bytes with fragments, or lower MEMBERLIST_UDP_BUFFER_SIZE of all members"
      + " to 28 bytes below its MTU"
  )
}

const ofListing = ({ name, seen }: Subject): ReadonlyArray<Finding> =>
  seen?.reachability?.listed === "no"
    ? [finding(
      `list of ${name}`,
      "failure",
      "it does not list this agent",
      "it refuses this agent: see its delegate, its allowed addresses, and whether its table is full"
    )]
    : []

/** Of more members, what is well is told in one line. */
const MAX_SINGLE = 8

const summed = (findings: ReadonlyArray<Finding>, check: string): ReadonlyArray<Finding> => {
  if (findings.length <= MAX_SINGLE) return findings
  const notable = findings.filter(({ status }) => status === "failure" || status === "warning")
  const count = (status: Finding["status"]) => findings.filter((finding) => finding.status === status).length
  const unknown = count("unknown") === 0 ? "" : `, ${count("unknown")} not known`
  const rest = finding(
    check,
    count("ok") === 0 ? "unknown" : "ok",
    `well with ${count("ok")} of ${findings.length} members${unknown}`
  )
  return [...notable, rest]
}

/** Milliseconds that clocks may be apart: less is hard to see in logs. */
const APART = 1_000

/** All agents that answered, and what one of them is compared in. */
const compared = (
  agents: ReadonlyArray<readonly [name: string, agent: Model.AgentCheck]>,
  check: string,
  compare: (name: string, agent: Model.AgentCheck) => Finding | undefined,
  well: string
): ReadonlyArray<Finding> => {
  if (agents.length === 0) return [finding(check, "unknown", "no other agent answered")]
  const notable = agents.flatMap(([name, agent]) => compare(name, agent) ?? [])
  return notable.length === 0 ? [finding(check, "ok", well)] : notable
}

const ofKeys = (own: ReadonlyArray<string>) => (name: string, { keys }: Model.AgentCheck): Finding | undefined => {
  const check = `keys of ${name}`
  const lacks = own.filter((key) => !keys.includes(key))
  const more = keys.filter((key) => !own.includes(key))
  if (lacks.length + more.length > 0) {
    const found = [
      ...lacks.length === 0 ? [] : [`it lacks ${lacks.join(", ")}`],
      ...more.length === 0 ? [] : [`this agent lacks ${more.join(", ")}`]
    ]
    return finding(
      check,
      "warning",
      found.join("; "),
      own.length * keys.length === 0
        ? "turn encryption on at all members, or at none: docs/configuration.md has the way without a gap"
        : "end the rotation: keys add FILE --all, then keys use, then keys remove; keys list --all shows who has what"
    )
  }
  return keys[0] === own[0]
    ? undefined
    : finding(
      check,
      "warning",
      `it seals with ${keys[0]}, and this agent with ${own[0]}`,
      "end the rotation: keys use FINGERPRINT --all"
    )
}

/**
 * The findings of a check.
 *
 * @category findings
 * @since 0.1.0
 */
export const ofCheck = (
  answer: Result.Result<Model.CheckView, CommandFailed>,
  { encrypted, here, isChosen, members }: {
    /** All that the agent remembers. */
    readonly members: ReadonlyArray<Model.MemberView>
    /** Where members reach it. */
    readonly here: string
    /** Whether it seals what it sends. */
    readonly encrypted: boolean
    /** Whether these members were named. */
    readonly isChosen: boolean
  }
): ReadonlyArray<Finding> => {
  if (Result.isFailure(answer)) {
    const advice = "without it nothing is known of ports, MTU, event loop, keys and labels of others"
    // somebody else asks at the moment, and the agent is well
    const level = answer.failure.reason === "TooMany" ? "unknown" : "failure"
    return [finding("check of members", level, answer.failure.message, advice)]
  }
  const { keys, label, late, members: checked, others } = answer.success
  const loop = ofLateness(late)
  const sealing = encrypted || keys.length === 0 ? [] : [finding(
    "sealing",
    "warning",
    "this agent has a key, and sends in clear",
    "go on with turning encryption on (docs/configuration.md): MEMBERLIST_GOSSIP_VERIFY_OUTGOING, once all members have the key"
  )]
  if (checked.length === 0) {
    return [loop, ...sealing, finding("ports", "unknown", "there is no other member to try them with")]
  }
  const subjects = checked.toSorted((a, b) => a.name < b.name ? -1 : 1).map((member): Subject => ({
    ...member,
    here,
    seen: members.find(({ name }) => name === member.name)
  }))
  const agents = subjects.flatMap(({ agent, name }) => agent === undefined ? [] : [[name, agent] as const])
  const apart = Math.max(0, ...agents.map(([, { clock }]) => Math.abs(clock.ahead) + clock.within))
  const amount = `${agents.length} other agent${agents.length === 1 ? "" : "s"}`
  return [
    loop,
    ...sealing,
    ...checked.length < others && !isChosen
      ? [finding("members tried", "ok", `${checked.length} of ${others}; doctor NAME… tries those that are named`)]
      : [],
    ...summed(subjects.map(ofUdp), "UDP with members"),
    ...summed(subjects.map(ofTcp), "TCP with members"),
    ...summed(subjects.map(ofMtu), "MTU with members"),
    ...subjects.flatMap(ofListing),
    ...compared(
      agents,
      "clocks of agents",
      (name, { clock: { ahead, within } }) =>
        Math.abs(ahead) - within <= APART ? undefined : finding(
          `clock of ${name}`,
          "warning",
          `${(Math.abs(ahead) / 1000).toFixed(1)} s ${ahead > 0 ? "ahead of" : "behind"} this agent's`,
          "set the time by NTP: membership does not need it, but the times in logs and events are read side by side"
        ),
      `${amount}, at most ${millis(apart)} apart from this one`
    ),
    ...compared(
      agents,
      "keys of agents",
      ofKeys(keys),
      keys.length === 0 ? `none, at this one and ${amount}` : `the same at this one and ${amount}`
    ),
    ...compared(
      agents,
      "labels of agents",
      (name, agent) =>
        agent.label === label ? undefined : finding(
          `label of ${name}`,
          "warning",
          agent.label === "" ? "it has none" : `it has "${agent.label}"`,
          "give all members of this cluster the same label"
        ),
      label === "" ? `none, at this one and ${amount}` : `the same at this one and ${amount}`
    )
  ]
}
