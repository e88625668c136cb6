/** What a run of `npm run bench:agent` says, as Markdown: for the terminal, and for docs/agent.md. */
import { table } from "../../simulate/drawing/Markdown.ts"
import { AGENTS, failuresOf, type Measured, type Times } from "./Measured.ts"

const number = (value: number, digits = 0): string =>
  value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })

const cells = ({ max, p50, p99 }: Times): ReadonlyArray<string> => [p50, p99, max].map((millis) => number(millis, 1))

const HEADINGS = ["50 %, ms", "99 %, ms", "longest, ms"]

/** Returns what was measured, as Markdown. */
export const page = (measured: Measured): string => {
  const { calls, held, order, others, protocol, reads, watched } = measured
  const { clients, rate, seconds } = order
  const failures = failuresOf(measured)
  const changes = `${number(calls.updates)} changes of metadata and ${number(calls.values)} published values`
  const lines = [
    `\`npm run bench:agent\` on ${measured.at.slice(0, 10)}, commit ${measured.commit}: ${measured.processors}, `
    + `${measured.memoryGB} GB, ${measured.system}, Node.js ${measured.node}, load average ${measured.load.toFixed(1)} `
    + `before; ${measured.isBuilt ? "the package as built" : "from source"}. All `
    + `processes ran on this machine: ${AGENTS} agents with their usual settings (the LAN preset), one that sends `
    + "requests and one that reads streams.",
    `${number(rate)} requests a second were wanted for ${number(seconds)} s, and ${changes} beside them; `
    + `${
      number(calls.rate, 1)
    } a second were sent. Each counts from its planned moment until its whole answer was there.`,
    table(
      ["request", "sent", "failed", "bytes", ...HEADINGS],
      calls.calls.map(({ bytes, call, failed, millis }) => [
        `\`${call}\``,
        number(millis.count + failed),
        number(failed),
        number(bytes),
        ...cells(millis)
      ])
    ),
    `${number(clients)} streams were open. An event counts from the moment at which the change was sent to the agent `
    + "until a reader had it; one process reads them all, so that the last of them waits for the others.",
    table(
      ["stream", "readers", "events to come", "delivered", ...HEADINGS, "ended early"],
      reads.map(({ delivered, ended, expected, millis, readers, stream }) => [
        `\`${stream}\``,
        number(readers),
        number(expected),
        number(delivered),
        ...cells(millis),
        number(ended)
      ])
    ),
    "The agent that was loaded, before, during and after; the delay is how late its timers were:",
    table(
      ["", "seconds", "of a processor", "resident, MB", "heap, MB", ...HEADINGS.map((heading) => `delay ${heading}`)],
      watched.map(({ cpu, delay, heap, resident, seconds, stretch }) => [
        stretch,
        number(seconds, 1),
        `${number(cpu * 100)} %`,
        number(resident),
        number(heap),
        ...cells(delay)
      ])
    ),
    "Resident memory is also what Node.js has not given back yet. After a full collection the heap held "
    + `${number(held.before, 1)} MB before all that and ${number(held.after, 1)} MB after it.`,
    `The protocol, as all ${AGENTS} agents tell it: ${number(protocol.verdicts.length)} verdicts, `
    + `${number(protocol.suspected)} suspicions, ${number(protocol.failed)} members called dead, `
    + `${number(protocol.probesFailed)} probes without an ack, highest health score ${number(protocol.score)}, `
    + `${number(protocol.warnings.length)} warnings. The timers of the other agents were at most `
    + `${number(others.max, 1)} ms late (99 %: ${number(others.p99, 1)} ms).`,
    ...(failures.length === 0 ? [] : [["**Failed:**", ...failures.map((failure) => `- ${failure}`)].join("\n")])
  ]
  return lines.join("\n\n")
}
