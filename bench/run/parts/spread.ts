/** A message from one node to all others, and how many get it. */
import type { Subject } from "../../page/Results.ts"
import type { Section } from "../../page/Section.ts"
import { spread as middle } from "../../page/Statistics.ts"
import type { Child } from "../Child.ts"
import { AGREEMENT_SECONDS, mean, type Measuring, names, sideBySide, wait, withChildren } from "../Measuring.ts"

const NODES = 50

/** Messages of each kind. */
const MESSAGES = 10

const SIZE = 100

/** When nobody has got it for so long, nobody else will: gossip sends a message in three ticks of 200 ms, or in six. */
const QUIET_MS = 2000

const SETTLE_SECONDS = 5

/** They are begun at any moment between two ticks. */
const PHASE_SECONDS = 0.2

/** How each side tells all: with what the nodes send by themselves, and so that whoever gets it passes it on. */
const kinds = (subject: Subject): ReadonlyArray<readonly [figure: string, kind: string]> => [
  ["broadcast", "broadcast"],
  ["all", subject === "go" ? "passed" : "topic"]
]

export const seconds = (): number => 2 * MESSAGES * (QUIET_MS / 1000 + 1) + SETTLE_SECONDS + 15

const form = async (child: Child): Promise<void> => {
  const { address } = await child.ask("listen", { names: names(NODES), paceMs: 1000 / NODES })
  await child.ask("join", { seeds: [address] })
  await child.ask("agree", { expect: NODES, seconds: AGREEMENT_SECONDS })
}

interface Told {
  readonly reached: number
  readonly millis: number
  readonly copies: number
}

const tell = async (child: Child, kind: string): Promise<ReadonlyArray<Told>> => {
  const all: Array<Told> = []
  for (let i = 0; i < MESSAGES; i++) {
    await wait(Math.random() * PHASE_SECONDS)
    const request = { kind, message: `${kind} ${i}`, size: SIZE, quietMs: QUIET_MS }
    const { copies, millis, reached } = await child.ask("spread", request)
    all.push({ copies: Number(copies), millis: Number(millis), reached: Number(reached) })
  }
  return all
}

const measured = async (child: Child, subject: Subject): Promise<Readonly<Record<string, number>>> => {
  const figures: Record<string, number> = {}
  for (const [figure, kind] of kinds(subject)) {
    if (kind === "topic") {
      await child.ask("takePart", { seconds: AGREEMENT_SECONDS })
      await wait(SETTLE_SECONDS)
    }
    const all = await tell(child, kind)
    figures[`${figure}Last`] = middle(all.map(({ millis }) => millis))?.median ?? Number.NaN
    figures[`${figure}Reached`] = mean(all.map(({ reached }) => reached))
    figures[`${figure}Copies`] = mean(all.map(({ copies }) => copies))
  }
  return figures
}

export const measure = (measuring: Measuring): Promise<void> =>
  sideBySide(
    measuring,
    measuring.turns("ours", "before", "go"),
    (subjects) =>
      withChildren(subjects.map((subject) => measuring.command(subject, "messages")), async (children) => {
        measuring.say("joining")
        for (const child of children) await form(child)
        await wait(SETTLE_SECONDS)
        measuring.say("telling")
        await Promise.all(children.map(async (child, i) => {
          const subject = subjects[i] ?? "ours"
          measuring.record(subject, await measured(child, subject))
        }))
      })
  )

export const section: Section = {
  title: () => `A message to ${NODES - 1} others`,
  text: () =>
    `${NODES} nodes of one process on either side. One of them tells all others ${SIZE} bytes, ${MESSAGES} times. \`broadcast\` is what the nodes
send by themselves, and a \`TransmitLimitedQueue\` behind the delegate of Go's: gossip carries the message to random members, some
of which get it twice, and none passes it on. To reach all, ours publish to a \`Topic\`; Go's has nothing for that, so
its nodes queue what is new to them, as Serf's do. The time is that until the last one got it who did, the middle one of the messages;
who has got it, and how many copies came, are means. Nobody waits for more than ${
      QUIET_MS / 1000
    } s after the last copy that was new.`,
  figures: [
    { key: "broadcastLast", title: "`broadcast`, last ms", digits: 0 },
    { key: "broadcastReached", title: `got it, of ${NODES - 1}`, digits: 1 },
    { key: "broadcastCopies", title: "copies", digits: 1 },
    { key: "allLast", title: "`Topic`, or passed on: last ms", digits: 0 },
    { key: "allReached", title: `got it, of ${NODES - 1}`, digits: 1 },
    { key: "allCopies", title: "copies", digits: 1 }
  ]
}
