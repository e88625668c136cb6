/** Processes that are killed: how long until the first and until the last survivor knows. */
import { table as markdown } from "../../../simulate/drawing/Markdown.ts"
import type { Series } from "../../../simulate/drawing/Plot.ts"
import { bootstrap, type Estimate, quantile } from "../../../simulate/measuring/Statistics.ts"
import { firstKnown } from "../../page/Model.ts"
import { type Amounts, type Sample, type Subject, subjects } from "../../page/Results.ts"
import { type Section, type Target, titles } from "../../page/Section.ts"
import { list } from "../../page/Statistics.ts"
import type { Child } from "../Child.ts"
import { AGREEMENT_SECONDS, type Measuring, names, wait, withStarted } from "../Measuring.ts"

const MEMBERS = 5
const SURVIVORS = MEMBERS - 1

/** News of the joins is over by then. */
const SETTLE_SECONDS = 10

/** Each is killed at a moment of its own within these: longer than a lap of probes. */
const KILLING_SECONDS = 5

/** How long survivors are waited for: longer than any suspicion of five members lasts. */
const KNOWN_SECONDS = 45

export const seconds = ({ kills }: Amounts): number => Math.round(kills * 0.7) + SETTLE_SECONDS + KILLING_SECONDS + 12

/** What survivors of a crash saw of it, in seconds after it. */
interface Crash {
  readonly known: ReadonlyArray<number>
}

interface Side {
  readonly subject: Subject
  /** Each has a node of every cluster. */
  readonly survivors: ReadonlyArray<Child>
  /** Each is a node of one cluster. */
  readonly victims: ReadonlyArray<Child>
}

const form = async ({ survivors, victims }: Side): Promise<void> => {
  for (const [i, victim] of victims.entries()) {
    let seeds: ReadonlyArray<unknown> = []
    for (const [j, child] of [...survivors, victim].entries()) {
      const name = child === victim ? `c${i}victim` : `c${i}n${j}`
      const { address } = await child.ask("enter", { names: [name], seeds, watch: child !== victim })
      if (j === 0) seeds = [address]
    }
  }
  for (const child of [...survivors, ...victims]) {
    await child.ask("agree", { expect: MEMBERS, seconds: AGREEMENT_SECONDS })
  }
}

interface Failure {
  readonly observer: string
  readonly about: string
  readonly at: number
}

const failuresOf = async (survivors: ReadonlyArray<Child>): Promise<ReadonlyArray<Failure>> => {
  const answers = await Promise.all(survivors.map((child) => child.ask("failures")))
  return answers.flatMap(({ failures }) => failures as ReadonlyArray<Failure>)
}

/** Kills each victim at its moment; when that was, by the system's clock. */
const kill = (victims: ReadonlyArray<Child>, moments: ReadonlyArray<number>): Promise<ReadonlyArray<number>> =>
  Promise.all(victims.map(async (victim, i) => {
    await wait(moments[i] ?? 0)
    const at = Date.now()
    victim.kill()
    return at
  }))

/** Returns what the survivors saw, when all have, or none is waited for any more. */
const watch = async ({ survivors, victims }: Side, killedAt: ReadonlyArray<number>) => {
  const deadline = performance.now() + KNOWN_SECONDS * 1000
  for (;;) {
    await wait(1)
    const seen = await failuresOf(survivors)
    const crashes = names(victims.length, "c").map((cluster, i): Crash => ({
      known: seen.filter(({ about }) => about === `${cluster}victim`).map(({ at }) => (at - (killedAt[i] ?? 0)) / 1000)
    }))
    if (crashes.every(({ known }) => known.length >= SURVIVORS) || performance.now() > deadline) {
      return { crashes, wrong: seen.filter(({ about }) => !about.endsWith("victim")).length }
    }
  }
}

export const measure = (measuring: Measuring): Promise<void> => {
  const { kills } = measuring.amounts
  const turns = measuring.turns("ours", "before", "go")
  return withStarted(async (start) => {
    const several = async (subject: Subject, count: number) => {
      const children: Array<Child> = []
      for (let i = 0; i < count; i++) children.push(await start(measuring.command(subject, "cluster")))
      return children
    }
    const sides: Array<Side> = []
    for (const subject of turns) {
      measuring.say(`starting the processes of ${subject}`)
      sides.push({
        subject,
        survivors: await several(subject, SURVIVORS),
        victims: await several(subject, kills)
      })
    }
    measuring.say("joining")
    await Promise.all(sides.map(form))
    measuring.say("settling")
    await wait(SETTLE_SECONDS)
    measuring.say("killing")
    const moments = Array.from({ length: kills }, () => Math.random() * KILLING_SECONDS)
    await Promise.all(sides.map(async (side) => {
      const { crashes, wrong } = await watch(side, await kill(side.victims, moments))
      const complete = crashes.filter(({ known }) => known.length >= SURVIVORS)
      measuring.record(side.subject, { kills, unknown: crashes.length - complete.length, wrong }, {
        first: complete.map(({ known }) => Math.min(...known)),
        last: complete.map(({ known }) => Math.max(...known))
      })
    }))
  })
}

const measured: ReadonlyArray<Subject> = ["ours", "before", "go"]

const DRAWS = 2000

/** Returns the median over all rounds, with its 95 % interval. */
export const medianOf = (samples: ReadonlyArray<Sample>, subject: Subject, key: string): Estimate | undefined => {
  const rounds = samples.filter((sample) => sample.subject === subject).map(({ lists }) => lists?.[key] ?? [])
  if (rounds.flat().length === 0) return undefined
  return bootstrap(rounds, (drawn) => quantile(drawn.flat(), 0.5), `${subject} ${key}`, DRAWS)
}

export const doOverlap = (a: Estimate, b: Estimate): boolean => a.low <= b.high && b.low <= a.high

const s = (value: number): string => value.toFixed(2)

const told = ({ high, low, value }: Estimate): string => `${s(value)} (${s(low)}–${s(high)})`

const range = (values: ReadonlyArray<number>): string => `${s(quantile(values, 0.1))}–${s(quantile(values, 0.9))}`

const row = (samples: ReadonlyArray<Sample>, subject: Subject): ReadonlyArray<string> => {
  const of = (key: string): ReadonlyArray<string> => {
    const estimate = medianOf(samples, subject, key)
    return estimate === undefined ? ["–", "–"] : [told(estimate), range(list(samples, subject, key))]
  }
  const own = samples.filter((sample) => sample.subject === subject)
  const total = (key: string) => String(own.reduce((sum, { figures }) => sum + (figures[key] ?? 0), 0))
  return [titles[subject], total("kills"), ...of("first"), ...of("last"), total("unknown"), total("wrong")]
}

const MODEL = firstKnown(MEMBERS, 20_000)

const modelled = (): ReadonlyArray<
  string
> => ["the rules alone", "", s(quantile(MODEL, 0.5)), range(MODEL), "", "", "", ""]

/** The share of the crashes that was known after so many seconds, as a line with a point for each of at most 60. */
const cumulative = (name: string, values: ReadonlyArray<number>, colour: number, dashed = false): Series => {
  const sorted = values.toSorted((a, b) => a - b)
  const steps = Math.min(60, sorted.length)
  const points = Array.from({ length: steps }, (_, i) => {
    const share = (i + 1) / steps
    return { x: quantile(sorted, share), y: share * 100 }
  })
  return { name, points, colour, dashed }
}

const target = (key: "first" | "last", work: string): Target => ({
  work,
  demanded: "intervals overlap with Go's",
  judge: ({ samples }) => {
    const [ours, go] = [medianOf(samples, "ours", key), medianOf(samples, "go", key)]
    return ours && go && {
      ours: `${told(ours)} s`,
      beside: `${told(go)} s`,
      ratio: `${(ours.value / go.value).toFixed(2)}×`,
      isMet: doOverlap(ours, go)
    }
  }
})

export const section: Section = {
  title: () => "A process that is killed, until its cluster knows",
  text: ({ kills }) =>
    `Clusters of five members; one of each is a process of its own, which is killed (SIGKILL) at a moment of its own. The survivors of
the ${kills} clusters of a round share four processes, one node of each cluster in each; all clusters, of all sides, at the same time, long
after they have joined. The time is that from the signal until a survivor's event, by the clock of the machine, for the first and for the
last of the four. Medians with their 95 % intervals (bootstrap), and the range from the first decile to the last. "The rules alone" is
what SWIM with Lifeguard says of the first: each survivor probes the others in turn, in an order of its own, once a second; the suspicion
that the first failed probe starts lasts 24 s, 11.4 s when a second survivor's probe has failed as well, 4 s with a third; computed with
no time for messages. The last knows by gossip, which goes to three others every 200 ms. For clusters of up to 1,000 members see
[what a member costs as the cluster grows](scale.md).`,
  figures: [],
  body: ({ samples }) =>
    markdown(
      [
        "",
        "kills",
        "first knows, median s",
        "10–90 %",
        "last knows, median s",
        "10–90 %",
        "not known to all",
        "wrong accusations"
      ],
      [
        ...measured.filter((subject) => subjects.includes(subject) && samples.some((each) => each.subject === subject))
          .map((subject) => row(samples, subject)),
        modelled()
      ]
    ),
  plots: ({ samples }) => [
    ["detection.svg", {
      title: "Crashes known, by the seconds since",
      x: "seconds since the signal",
      y: "% of the crashes",
      series: [
        ...(["ours", "go"] as const).flatMap((subject, i) =>
          (["first", "last"] as const).flatMap((key, j) => {
            const values = list(samples, subject, key)
            return values.length === 0 ? [] : [cumulative(`${titles[subject]}, ${key}`, values, i * 2 + j)]
          })
        ),
        cumulative("the rules alone, first", MODEL, 5, true)
      ]
    }]
  ],
  targets: [
    target("first", "crash of a process, until the first survivor knows"),
    target("last", "the same, until the last survivor knows")
  ]
}
