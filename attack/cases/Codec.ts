/** What the codec alone does with single messages. */
import type { Bench, Case, Outcome } from "../Case.ts"
import { Child, node } from "../cluster/Child.ts"
import type { Cost, Searched } from "../codec.ts"

const program = new URL("../codec.ts", import.meta.url)
const SHOWN = 5

const start = ({ library, session }: Bench): Child =>
  new Child(session, { name: "the codec", command: node(program, library) })

const dearest = (costs: ReadonlyArray<Cost>): ReadonlyArray<Cost> => costs.toSorted((a, b) => b.millis - a.millis)

const shown = ({ millis, shape, size }: Cost): string => `${millis.toFixed(1)} ms: ${shape} (${size} bytes)`

const search = async (bench: Bench): Promise<Outcome> => {
  bench.say("decodes every kind of message")
  const { datagrams, streams } = (await start(bench).ask("search")) as Searched
  return {
    sent: `${datagrams.length} datagrams, ${streams.length} streams`,
    figures: {},
    broken: undefined,
    notes: [
      ...dearest(datagrams).slice(0, SHOWN).map((cost) => `a datagram, ${shown(cost)}`),
      ...dearest(streams).slice(0, SHOWN).map((cost) => `16 KiB of a stream, ${shown(cost)}`)
    ]
  }
}

const encoder = async (bench: Bench): Promise<Outcome> => {
  const { different } = (await start(bench).ask("encoder")) as { readonly different: ReadonlyArray<string> }
  return {
    sent: "3 messages that cannot be encoded",
    figures: {},
    broken: different.map((name) => `the next ${name} is another one`),
    notes: []
  }
}

export const codec: ReadonlyArray<Case> = [
  {
    name: "codec: every type, at every place, compressed or not",
    promise: "told, not judged: what single messages cost the decoder",
    against: ["ours"],
    since: "quick",
    seconds: () => 12,
    run: search
  },
  {
    name: "codec: the encoder after a throw",
    promise: "the next message is the same as ever",
    against: ["ours"],
    since: "quick",
    seconds: () => 2,
    run: encoder
  }
]
