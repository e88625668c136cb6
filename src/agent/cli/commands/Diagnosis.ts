/**
 * What the answers of an agent say about its surroundings, and what to do about it.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type * as Model from "../../Model.ts"

/** One check, and what came out. `unknown`: there is nothing yet to tell by. */
export interface Finding {
  readonly check: string
  readonly status: "ok" | "warning" | "failure" | "unknown"
  readonly found: string
  /** What to do; empty where there is nothing to do. */
  readonly advice: string
}

/**
 * Returns a finding; one that is well needs no advice.
 *
 * @category constructors
 * @since 0.1.0
 */
export const finding = (check: string, status: Finding["status"], found: string, advice = ""): Finding => ({
  check,
  status,
  found,
  advice
})

/** Milliseconds that a timer is late at most, unless something keeps the event loop from turning. */
const SLOW = 100

/**
 * How late the agent's timers are: what its event loop, and this machine, make others wait.
 *
 * @category findings
 * @since 0.1.0
 */
export const ofLateness = (late: number): Finding => {
  const found = `the latest of its timers was ${late < 10 ? late.toFixed(1) : Math.round(late)} ms late`
  return late < SLOW
    ? finding("event loop", "ok", found)
    : finding(
      "event loop",
      "warning",
      found,
      "the agent, or its machine, is busy: give it processor time, and move long synchronous work out of its process"
    )
}

/** The header `Date` has whole seconds. */
const CLOCK_TOLERANCE = 2000

/**
 * The agent's clock beside the one here.
 *
 * @category findings
 * @since 0.1.0
 */
export const ofClock = (there: number, here: number): Finding => {
  const apart = Math.abs(there - here)
  if (Number.isNaN(there)) return finding("clock", "unknown", "the agent does not tell its time")
  return apart <= CLOCK_TOLERANCE
    ? finding("clock", "ok", "the agent's and the one here agree")
    : finding(
      "clock",
      "warning",
      `the agent's and the one here are ${Math.round(apart / 1000)} s apart`,
      "set the time by NTP: membership does not need it, but the times in logs and events are read side by side"
    )
}

/**
 * How far the agent has come with joining.
 *
 * @category findings
 * @since 0.1.0
 */
export const ofReadiness = ({ ready, state, why }: typeof Model.ReadinessView.Type): Finding => {
  const found = why === undefined ? state : `${state}: ${why}`
  if (ready) return finding("joined", "ok", found)
  const advice = state === "Left"
    ? "it left by a command: effect-memberlist join SEED brings it back"
    : "see whether the seeds are right and run, whether UDP and TCP to their port are open, and whether they have the same "
      + "key and label (below)"
  return finding("joined", "failure", found, advice)
}

/**
 * The members by their states.
 *
 * @category findings
 * @since 0.1.0
 */
export const ofStates = (members: typeof Model.HealthView.Type["members"]): Finding => {
  const found = Object.entries(members).map(([state, count]) => `${count} ${state}`).join(", ")
  return members.suspect + members.dead === 0
    ? finding("members", "ok", found)
    : finding("members", "warning", found, "effect-memberlist why NAME tells what is known about one of them")
}

/**
 * Lifeguard's local health.
 *
 * @category findings
 * @since 0.1.0
 */
export const ofScore = (score: number): Finding =>
  score === 0
    ? finding("local health", "ok", "0")
    : finding(
      "local health",
      "warning",
      `${score}: this agent misses answers that it should get`,
      "look for lost packets and for a busy machine at this agent, before blaming the members that it suspects"
    )

/** Counters that say that something is wrong, what that is, and what to do. */
const signs: ReadonlyArray<{
  readonly check: string
  readonly well: string
  readonly counters: RegExp
  readonly found: string
  readonly advice: string
}> = [
  {
    check: "keys",
    well: "nothing came that these keys do not open",
    counters: /^(packet|stream)\.rejected:(Undecryptable|FirstCipher)$/,
    found: "packets came that none of this agent's keys opens",
    advice:
      "a member seals with another key: compare keys list at each agent, and add the missing one everywhere before it is used"
  },
  {
    check: "encryption",
    well: "all members seal, or none",
    counters: /^(packet|stream)\.rejected:(Plaintext|Encrypted)$/,
    found: "sealed and open packets are mixed",
    advice: "some members encrypt and others do not: docs/configuration.md has the way to turn it on without a gap"
  },
  {
    check: "label",
    well: "nothing came with another label",
    counters: /^(packet|stream)\.rejected:(LabelMismatch|DoubleLabel|LabelEmpty|LabelTruncated)$/,
    found: "packets came with another label, or without one",
    advice: "give all members of this cluster the same label, and those of other clusters other seeds"
  },
  {
    check: "packets",
    well: "nothing came that cannot be read",
    counters: /^packet\.rejected:(ChecksumMismatch|Truncated|InvalidMessage|UnsupportedType|InvalidCompression)$/,
    found: "packets came that cannot be read",
    advice: "see what else sends to this port; packets that are cut short point to the network between"
  },
  {
    check: "UDP and MTU",
    well: "no probe was answered over TCP alone",
    counters: /^probe\.tcp_only$/,
    found: "probes were answered over TCP and not over UDP",
    advice:
      "open UDP in both directions; where the network's MTU is below 1,428 bytes, lower udpBufferSize by 28 bytes under it"
  },
  {
    check: "load",
    well: "nothing was dropped",
    counters: /^(udp\.dropped|packet\.dropped:.*|fiber\.(died|refused):.*|tcp\.refused)$/,
    found: "packets or work were dropped because there was too much",
    advice: "give the agent processor time; if it has it, see who sends so much"
  },
  {
    check: "snapshot",
    well: "no failure",
    counters: /^snapshot\.(failed|refused|unreserved)(:.*)?$/,
    found: "the snapshot could not be used as it should",
    advice: "see whether its folder can be written, and has space"
  },
  {
    check: "seeds",
    well: "no failure",
    counters: /^(seeds\.(failed|refused)|join\.failed|rejoin\.failed)(:.*)?$/,
    found: "seeds could not be found or joined",
    advice: "see whether their names resolve (doctor --seeds-dns NAME), and whether they run"
  }
]

/**
 * What the agent counted since it started.
 *
 * @category findings
 * @since 0.1.0
 */
export const ofCounters = (counters: Readonly<Record<string, number>>): ReadonlyArray<Finding> =>
  signs.map(({ advice, check, counters: pattern, found, well }) => {
    const counted = Object.entries(counters).filter(([name, count]) => count > 0 && pattern.test(name))
    return counted.length === 0
      ? finding(check, "ok", well)
      : finding(
        check,
        "warning",
        `${found} since it started (${counted.map(([name, count]) => `${name} ${count}`).join(", ")})`,
        advice
      )
  })

/**
 * What a DNS name that has seeds resolves to.
 *
 * @category findings
 * @since 0.1.0
 */
export const ofName = (name: string, answer: Result.Result<ReadonlyArray<string>, string>): Finding =>
  Result.isFailure(answer)
    ? finding(
      `DNS ${name}`,
      "failure",
      answer.failure,
      "see the name, the resolver of this machine, and its search domains"
    )
    : finding(`DNS ${name}`, "ok", answer.success.join(", "))

/**
 * Whether a port could be bound here, where no agent answers.
 *
 * @category findings
 * @since 0.1.0
 */
export const ofPort = (protocol: "UDP" | "TCP", bind: string, failed: string | undefined): Finding =>
  failed === undefined
    ? finding(`${protocol} ${bind}`, "ok", "free")
    : finding(
      `${protocol} ${bind}`,
      "failure",
      failed === "EADDRINUSE" ? "taken by another program" : failed,
      failed === "EADDRINUSE"
        ? "end the program that has it, or give the agent another port by --bind"
        : "give the agent an address of this machine by --bind"
    )
