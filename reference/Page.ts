/** docs/reference.md, from the lists in the code. */
import { brokenRules } from "./Broken.ts"
import { differences } from "./Differences.ts"
import type { Step } from "./Sequence.ts"

const MILLISECOND = 1_000_000

const time = (nanoseconds: number): string => nanoseconds === MILLISECOND ? "" : `, ${nanoseconds / MILLISECOND} ms`

const cut = (text: string): string => text.length > 60 ? `${text.slice(0, 4)}…(${text.length})` : text

const words = (step: Step): string => {
  switch (step.do) {
    case "alive": {
      const { addr, inc, meta, node, vsn } = step
      const place = addr === "0a000002" ? "" : ` at ${addr}`
      const more = `${meta === null ? "" : ` meta=${cut(meta)}`}${vsn === "010502000000" ? "" : ` vsn=${vsn}`}`
      return `alive "${cut(node)}" ${inc}${place}${more}`
    }
    case "suspect":
    case "dead":
      return `${step.do} "${step.node}" ${step.inc} from "${cut(step.from)}"`
    case "merge":
      return `merge ${step.rows.map(({ name }) => `"${name}"`).join(" ")}`
    case "packet":
      return `packet ${cut(step.bytes)}`
    case "draw":
      return `draw ${step.limit} bytes`
    case "update":
      return `update meta=${step.meta}`
    case "health":
      return `health ${step.delta}`
    default:
      return step.do
  }
}

/** The list of deliberate differences. */
const listed = (): string =>
  differences.map(({ avoided, go, name, steps, us, why }, i) =>
    [
      `### ${i + 1}. ${name}\n`,
      `Why: ${why}.${avoided === undefined ? "" : ` In generated sequences: ${avoided}.`}\n`,
      "```diff",
      ...steps.map((step) => `  ${words(step)}${time(step.after)}`),
      ...go.map((line) => `- ${line}`),
      ...us.map((line) => `+ ${line}`),
      "```\n"
    ].join("\n")
  ).join("\n")

export const page = (): string =>
  `# Compared with the reference, step by step

\`npm run test:reference\` lets an unmodified HashiCorp memberlist and the rules of this library read the same sequences of
claims, push/pulls, packets and waits, and compares after every step everything that both know:

- the member table: names, addresses, metadata, versions, incarnations, states, and since when, to the nanosecond;
- the bytes of the queued broadcasts, in the order in which they will be sent, how often each was sent, and what a packet
  takes of them;
- the events (join, leave, update, conflict) with what they tell, the health score, the local node's incarnation, and
  whether a suspicion ended without the confirmations it hoped for.

The Go side is the release that \`interop/go\` names, built with one test file in its package and run under
\`testing/synctest\`: its own timers run, on a clock that the test moves. Its loops (probes, gossip, push/pull) do not run, and
nothing is sent; packets go through its own reader, queues and handler. Our side is \`src/swim\` and the packets' decoder of
\`src/wire\`, on a clock of numbers. Neither side draws a random number that could change what is compared.

Sequences are made from a seed, 200 steps each, with claims close to what they contradict: incarnations one below, equal,
one above, at the edges of 32 bits and around the bound of 2³⁰; waits that end exactly when a suspicion or the memory of a
member does; the local node's own name; addresses in both forms; versions that do not fit; damaged and compressed packets.

\`\`\`sh
npm run test:reference                            # 100,000 steps of seed 1
npm run test:reference -- --steps 1000000         # a million
npm run test:reference -- --seed 7 --sequence 12  # one sequence of another seed
npm run test:reference -- --replay FILE           # a sequence from a file
\`\`\`

Where the two differ, the run prints the seed, the sequence and the step, leaves out every step that is not needed to see
it, prints what is left and what each side has (\`-\` memberlist, \`+\` this library), writes it to
\`reference-mismatch.json\` for \`--replay\`, and fails.

Not compared: who is chosen at random (probes, gossip, push/pull), what is sent for answers (acks, relays), streams and
their encoding, encryption and labels. Those are what [interop.md](interop.md), the simulator and the unit tests are for.

## What is noticed

Every run also breaks the rules in ${brokenRules.length} ways, one at a time, and fails unless each is noticed within 20,000 steps:

${brokenRules.map(({ name }) => `- ${name}`).join("\n")}

## Deliberate differences

Each is carried out in every run, which fails unless both sides agree up to the last step, and differ after it in exactly
these lines. Steps take a millisecond unless they say otherwise; the local node is \`self\`. The generated sequences avoid
them all. This list, like the one above, is written by \`npm run test:reference -- --write-docs\`.

${listed()}`
