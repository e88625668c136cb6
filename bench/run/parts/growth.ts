/** Many nodes of one process, few and more: what a node costs as their number grows. */
import { table as markdown } from "../../../simulate/drawing/Markdown.ts"
import { type Amounts, type Run, type Sample, type Subject, subjects } from "../../page/Results.ts"
import {
  at,
  atMostTimes,
  cell,
  type Figure,
  resident,
  type Section,
  series,
  tableOf,
  titles
} from "../../page/Section.ts"
import { figure, slope } from "../../page/Statistics.ts"
import type { Child } from "../Child.ts"
import {
  AGREEMENT_SECONDS,
  cpuOf,
  MB,
  type Measuring,
  names,
  sum,
  wait,
  withChildren,
  withStarted
} from "../Measuring.ts"

/** What it takes for all nodes to agree, about. */
const JOIN_SECONDS = 4

export const seconds = ({ growthWindowSeconds, settleSeconds, sizes }: Amounts): number =>
  sizes.length * 4 * JOIN_SECONDS + settleSeconds + growthWindowSeconds

/** Nodes are started over one probe interval, so that they do not all probe and gossip at once. */
const PROBE_INTERVAL_MS = 1000

/** How long nodes may take to agree: two push/pulls of the largest cluster. */
const WITHIN_SECONDS = 2 * AGREEMENT_SECONDS

type Sized = Record<string, number>

/** From the start of the first node until all agree, in a process that does nothing else, one after the other. */
const joins = async (measuring: Measuring, subject: Subject, size: number): Promise<Sized> =>
  withChildren([measuring.command(subject, "cluster")], async ([child]) => {
    if (child === undefined) return {}
    const cpu = await child.cpu()
    const began = performance.now()
    const { address } = await child.ask("start", { names: names(size) })
    await child.ask("join", { seeds: [address] })
    await child.ask("agree", { expect: size, seconds: WITHIN_SECONDS })
    const elapsed = (performance.now() - began) / 1000
    return { [at("seconds", size)]: elapsed, [at("joinCpu", size)]: (await child.cpu() - cpu) / 1e6 }
  })

/** What was measured of a cluster, or why it was not. */
interface Outcome {
  readonly subject: Subject
  readonly figures: Sized
  readonly failure?: string
}

/** Says what went wrong with one cluster, so that the others are kept. */
const failed = (subject: Subject, size: number) => (error: unknown): Outcome => ({
  subject,
  figures: {},
  failure: `${subject}, ${size} nodes: ${error instanceof Error ? error.message : String(error)}`
})

interface Cluster {
  readonly subject: Subject
  readonly size: number
  readonly child: Child
}

const agree = ({ child, size }: Cluster, within: number) => child.ask("agree", { expect: size, seconds: within })

/** Clusters of all sizes side by side, while nothing happens. */
const quiet = (measuring: Measuring, turns: ReadonlyArray<Subject>): Promise<ReadonlyArray<Outcome>> =>
  withStarted(async (start) => {
    const { growthWindowSeconds, settleSeconds, sizes } = measuring.amounts
    const clusters: Array<Cluster> = []
    const outcomes: Array<Outcome> = []
    for (const size of sizes) {
      for (const subject of turns) {
        measuring.say(`${subject}, ${size} nodes that will be quiet`)
        const child = await start(measuring.command(subject, "cluster"))
        try {
          const { address } = await child.ask("start", { names: names(size), paceMs: PROBE_INTERVAL_MS / size })
          await child.ask("join", { seeds: [address] })
          clusters.push({ subject, size, child })
        } catch (error) {
          outcomes.push(failed(subject, size)(error))
          await child.end()
        }
      }
    }
    const children = clusters.map(({ child }) => child)
    measuring.say("agreeing")
    // one that does not agree even now does not at the end, and is told then
    await Promise.allSettled(clusters.map((cluster) => agree(cluster, WITHIN_SECONDS)))
    measuring.say("settling")
    await wait(settleSeconds)
    measuring.say("measuring")
    const began = performance.now()
    const before = await cpuOf(children)
    await wait(growthWindowSeconds)
    const after = await cpuOf(children)
    const minutes = (performance.now() - began) / 60_000
    for (const [i, cluster] of clusters.entries()) {
      const { child, size, subject } = cluster
      const figures = {
        [at("cpu", size)]: sum([after[i] ?? Number.NaN, -(before[i] ?? Number.NaN)]) / 1e6 / size / minutes,
        [at("resident", size)]: child.memory.resident / MB
      }
      // somebody who was thought dead meanwhile was other work
      outcomes.push(await agree(cluster, 1).then(() => ({ subject, figures }), failed(subject, size)))
    }
    return outcomes
  })

/** What each node takes that the smallest cluster does not have, in MB, by the size of the larger. */
const added = ([least = 0, ...larger]: ReadonlyArray<number>, figures: Sized): Sized => {
  const resident = (size: number) => figures[at("resident", size)] ?? Number.NaN
  return Object.fromEntries(
    larger.map((size) => [at("perAddedNode", size), (resident(size) - resident(least)) / (size - least)])
  )
}

export const measure = async (measuring: Measuring): Promise<void> => {
  const { sizes } = measuring.amounts
  const turns = measuring.turns("ours", "before", "go")
  const measured = new Map<Subject, Sized>(turns.map((subject) => [subject, {}]))
  const outcomes: Array<Outcome> = []
  for (const size of sizes) {
    for (const subject of turns) {
      measuring.say(`${subject}, ${size} nodes that join`)
      const joined = joins(measuring, subject, size).then((figures) => ({ subject, figures }))
      outcomes.push(await joined.catch(failed(subject, size)))
    }
  }
  outcomes.push(...await quiet(measuring, turns))
  for (const { figures, subject } of outcomes) measured.set(subject, { ...measured.get(subject), ...figures })
  for (const [subject, figures] of measured) {
    const perAddedNode = slope(sizes.flatMap((size) => {
      const value = figures[at("resident", size)]
      return value === undefined ? [] : [[size, value] as const]
    }))
    measuring.record(subject, { ...figures, ...added(sizes, figures), perAddedNode })
  }
  const failures = outcomes.flatMap(({ failure }) => failure ?? [])
  if (failures.length > 0) throw new Error(failures.join("; "))
}

const figures: ReadonlyArray<Figure> = [
  { key: "seconds", title: "until all agree, s", digits: 2 },
  { key: "joinCpu", title: "CPU s", digits: 2 },
  { key: "cpu", title: "idle, CPU s a node-minute", digits: 4 },
  resident("resident", "resident, MB"),
  { key: "perAddedNode", title: "an added node, MB", digits: 2 }
]

/** What is told of how a figure grows: each is a node's share. */
const growing: ReadonlyArray<readonly [title: string, key: string, share: (value: number, size: number) => number]> = [
  ["seconds until all agree", "seconds", (value) => value],
  ["joining, CPU a node", "joinCpu", (value, size) => value / size],
  ["joining, CPU a node and member that it learns of", "joinCpu", (value, size) => value / size / (size - 1)],
  ["idle, CPU a node", "cpu", (value) => value],
  ["resident memory of an added node", "perAddedNode", (value) => value]
]

/** Figures that differ by no more are flat: rounds of the same differ by as much. */
const FLAT = 1.25

/** Says how a figure grows that is so many times as much in the largest cluster as in the smallest. */
export const growth = (times: number, logarithm: number): string =>
  times < 1 / FLAT
    ? "falls"
    : times <= FLAT
    ? "flat"
    : times <= logarithm * FLAT
    ? "as a logarithm, or less"
    : "**more than a logarithm**"

/** Returns how each figure grows from the smallest cluster that has it to the largest. */
export const growths = (
  samples: ReadonlyArray<Sample>,
  sizes: ReadonlyArray<number>
): ReadonlyArray<ReadonlyArray<string>> =>
  growing.flatMap(([title, key, share]) =>
    subjects.flatMap((subject) => {
      const points = sizes.flatMap((size) => {
        const spread = figure(samples, subject, at(key, size))
        return spread === undefined ? [] : [{ size, value: share(spread.median, size) }]
      })
      const [few, many] = [points[0], points.at(-1)]
      if (few === undefined || many === undefined || few === many || few.value <= 0) return []
      const times = many.value / few.value
      const logarithm = Math.log(many.size) / Math.log(few.size)
      return [[
        title,
        titles[subject],
        `${few.size} → ${many.size}`,
        `${times.toFixed(2)}×`,
        `${logarithm.toFixed(2)}×`,
        growth(times, logarithm)
      ]]
    })
  )

const explainedGrowth = ({ amounts: { sizes }, samples }: Run): string =>
  `How much more it is in the largest cluster than in the smallest, beside a logarithm. A node that joins learns of every other one,
so its share of the joins' cost may grow with their number; for each member that it learns of it should not.

${markdown(["", "", "nodes", "grows", "a logarithm", "which is"], growths(samples, sizes), 3)}`

const perAddedNode = ({ samples }: Run): string => {
  const shown = subjects.flatMap((subject) => {
    const spread = figure(samples, subject, "perAddedNode")
    return spread === undefined ? [] : [`${titles[subject]} ${cell(spread, 2)}`]
  })
  return `An added node takes, in MB of resident memory, by the slope over all sizes: ${shown.join(", ")}.`
}

const ABOUT = "nodes of one process"

export const section: Section = {
  title: (amounts) => `Cost as it grows: ${amounts.sizes.join(", ")} nodes of one process`,
  text: (amounts) =>
    `First each cluster by itself, one after the other, from the start of its first node until every node sees all others, all nodes
started at once. Then clusters of all sizes and sides at the same time, the nodes of each started over one second; they join, settle
for ${amounts.settleSeconds} s, and are measured for ${amounts.growthWindowSeconds} s while nothing happens. Resident memory is that of the whole process, after that;
an added node is what each takes that the smallest cluster does not have. All nodes of a cluster share a process, and ours a thread, so
that the time until all agree has the work of all of them in it. Where gossip leaves a single member out in
somebody's view, all agree only with the next push/pull, which comes within 30 s for 10 nodes, and within 120 s for 200. What a member
asks of the network, in packets and bytes, and what larger clusters cost, is simulated: see
[what a member costs as the cluster grows](scale.md).`,
  figures,
  body: (run) =>
    [tableOf(run.samples, figures, run.amounts.sizes, "nodes"), perAddedNode(run), explainedGrowth(run)].join("\n\n"),
  plots: ({ amounts: { sizes }, samples }) => [
    ["agree.svg", {
      title: "Seconds until all agree",
      x: ABOUT,
      y: "seconds",
      logX: true,
      series: series(samples, sizes, "seconds")
    }],
    ["join-cpu.svg", {
      title: "Processor time until all agree",
      x: ABOUT,
      y: "seconds of the process",
      logX: true,
      logY: true,
      series: series(samples, sizes, "joinCpu")
    }],
    ["steady.svg", {
      title: "Processor time of a node while nothing happens",
      x: ABOUT,
      y: "seconds a node-minute",
      logX: true,
      series: series(samples, sizes, "cpu")
    }],
    ["memory.svg", {
      title: "Resident memory of the process",
      x: ABOUT,
      y: "MB",
      series: series(samples, sizes, "resident")
    }]
  ],
  targets: [
    atMostTimes(1, "go", { work: "memory of an added node of one process", key: "perAddedNode", digits: 2, unit: "MB" })
  ]
}
