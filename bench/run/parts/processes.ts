/** Processes of one node each, from the end of their import on: few and many. */
import type { Amounts, Run, Subject } from "../../page/Results.ts"
import { at, atMost, type Figure, resident, type Section, series, tableOf } from "../../page/Section.ts"
import { spread } from "../../page/Statistics.ts"
import type { Child } from "../Child.ts"
import { AGREEMENT_SECONDS, cpuOf, MB, mean, type Measuring, sum, wait, wakesOf, withStarted } from "../Measuring.ts"

/** What it takes to start one process of each side. */
const START_SECONDS = 0.5

export const seconds = ({ idleSettleSeconds, idleWindowSeconds, processes }: Amounts): number =>
  Math.round(sum(processes) * START_SECONDS) + idleSettleSeconds + idleWindowSeconds + 5

interface Cluster {
  readonly subject: Subject
  readonly size: number
  readonly children: Array<Child>
  readonly millis: Array<number>
  seeds: ReadonlyArray<unknown>
}

/** Has one process of each side start after the other, and join when it has imported, so that all start at the same pace. */
const grow = async (
  clusters: ReadonlyArray<Cluster>,
  begin: (subject: Subject) => Promise<Child>,
  say: (doing: string) => void
): Promise<void> => {
  for (let i = 0; i < Math.max(...clusters.map(({ size }) => size)); i++) {
    say(`starting process ${i + 1}`)
    for (const cluster of clusters) {
      if (i >= cluster.size) continue
      const child = await begin(cluster.subject)
      cluster.children.push(child)
      const { address, millis } = await child.ask("enter", { names: [`p${i}`], seeds: cluster.seeds })
      if (i === 0) cluster.seeds = [address]
      else cluster.millis.push(Number(millis))
    }
  }
  for (const { children, size } of clusters) {
    for (const child of children) await child.ask("agree", { expect: size, seconds: AGREEMENT_SECONDS })
  }
}

export const measure = (measuring: Measuring): Promise<void> => {
  const { idleSettleSeconds, idleWindowSeconds, processes } = measuring.amounts
  const subjects = measuring.turns("ours", "before", "go")
  return withStarted(async (start) => {
    const clusters = processes.flatMap((size) =>
      subjects.map((subject): Cluster => ({ subject, size, children: [], millis: [], seeds: [] }))
    )
    await grow(clusters, (subject) => start(measuring.command(subject, "cluster")), measuring.say)
    const children = clusters.flatMap((cluster) => cluster.children)
    measuring.say("settling")
    await wait(idleSettleSeconds)
    measuring.say("measuring")
    const began = performance.now()
    const cpuBefore = await cpuOf(children)
    const wakesBefore = wakesOf(children)
    await wait(idleWindowSeconds)
    const wakesAfter = wakesOf(children)
    const cpuAfter = await cpuOf(children)
    const windowSeconds = (performance.now() - began) / 1000
    const perSecond = (after: ReadonlyArray<number>, before: ReadonlyArray<number>) =>
      new Map(children.map((child, i) => [child, ((after[i] ?? 0) - (before[i] ?? 0)) / windowSeconds]))
    const cpu = perSecond(cpuAfter, cpuBefore)
    const wakes = perSecond(wakesAfter, wakesBefore)
    // nobody was thought dead meanwhile: that would have been other work
    for (const { children, size } of clusters) {
      for (const child of children) await child.ask("agree", { expect: size, seconds: 1 })
    }
    for (const subject of subjects) {
      const own = clusters.filter((cluster) => cluster.subject === subject)
      const sized = own.flatMap(({ children, millis, size }) => {
        const average = (of: (child: Child) => number | undefined) =>
          mean(children.map((child) => of(child) ?? Number.NaN))
        return Object.entries({
          cpu: average((child) => (cpu.get(child) ?? Number.NaN) / 1000),
          wakes: average((child) => wakes.get(child)),
          resident: average((child) => child.memory.resident / MB),
          joined: spread(millis)?.median,
          joinedLast: spread(millis)?.max
        }).map(([key, value]) => [at(key, size), value] as const)
      })
      measuring.record(subject, Object.fromEntries(sized), { joined: own.flatMap(({ millis }) => millis) })
    }
  })
}

const figures: ReadonlyArray<Figure> = [
  { key: "cpu", title: "CPU ms a second", digits: 2 },
  { key: "wakes", title: "woken up a second", digits: 1 },
  resident("resident", "resident, MB"),
  { key: "joined", title: "joined, median ms", digits: 1 },
  { key: "joinedLast", title: "slowest, ms", digits: 1 }
]

export const section: Section = {
  title: (amounts) => `${amounts.processes.join(", ")} processes of one node each`,
  text: (amounts) =>
    `Clusters of each size, all there at the same time. The processes are started one after the other, one of each cluster in
turn, so that all grow at the same pace: the slower side's. A process imports, starts a node and joins through the first one;
"joined" is the time from the end of the import until the join is done, of all but the first. Then all settle for
${amounts.idleSettleSeconds} s, and are measured for ${amounts.idleWindowSeconds} s; the figures are a process's. How often it is woken up is how often any of
its threads went to sleep of its own accord, by the operating system's count: threads of the runtime count as well.`,
  figures,
  body: ({ amounts, samples }) => tableOf(samples, figures, amounts.processes, "processes"),
  plots: ({ amounts, samples }: Run) => [
    ["processes.svg", {
      title: "Processor time of an idle process",
      x: "processes of one node each",
      y: "milliseconds a second",
      logX: true,
      series: series(samples, amounts.processes, "cpu")
    }],
    ["wakes.svg", {
      title: "How often an idle process is woken up",
      x: "processes of one node each",
      y: "times a second",
      logX: true,
      series: series(samples, amounts.processes, "wakes")
    }]
  ],
  targets: [5, 10, 30].map((size) =>
    atMost(100, {
      work: `from the end of the import until joined, ${size} processes`,
      key: at("joined", size),
      digits: 1,
      unit: "ms"
    })
  )
}
