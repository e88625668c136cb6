/** Many nodes of one process that have long joined, while nothing happens. */
import type { Amounts, Subject } from "../../page/Results.ts"
import { atMostTimes, resident, type Section, where } from "../../page/Section.ts"
import type { Child } from "../Child.ts"
import {
  AGREEMENT_SECONDS,
  cpuOf,
  MB,
  type Measuring,
  names,
  sideBySide,
  sum,
  wait,
  withChildren
} from "../Measuring.ts"

export const seconds = ({ settleSeconds, windowSeconds }: Amounts): number => settleSeconds + windowSeconds + 12

/** Two pings and two acks, sent and received by each node in each probe interval. */
const PINGS = 2

/** Nodes are started over one probe interval, so that they do not all probe and gossip at once. */
const PROBE_INTERVAL_MS = 1000

const isFloor = (subject: Subject) => subject === "pings" || subject === "together"

const form = async (subject: Subject, child: Child, nodes: number): Promise<void> => {
  const { address, ports } = await child.ask("start", { names: names(nodes), paceMs: PROBE_INTERVAL_MS / nodes })
  if (isFloor(subject)) {
    await child.ask("ping", { ports, pings: PINGS, together: subject === "together" })
    return
  }
  await child.ask("join", { seeds: [address] })
  await child.ask("agree", { expect: nodes, seconds: AGREEMENT_SECONDS })
}

export const measure = (measuring: Measuring): Promise<void> => {
  const { nodes, settleSeconds, windowSeconds } = measuring.amounts
  return sideBySide(
    measuring,
    measuring.turns("ours", "before", "go", "pings", "together"),
    (subjects) =>
      withChildren(subjects.map((subject) => measuring.command(subject, "cluster")), async (children) => {
        const empty = children.map((child) => child.memory.resident)
        measuring.say("joining")
        for (const [i, child] of children.entries()) await form(subjects[i] ?? "ours", child, nodes)
        measuring.say("settling")
        await wait(settleSeconds)
        measuring.say("measuring")
        const began = performance.now()
        const before = await cpuOf(children)
        await wait(windowSeconds)
        const after = await cpuOf(children)
        const nodeMinutes = nodes * (performance.now() - began) / 60_000
        for (const [i, child] of children.entries()) {
          const subject = subjects[i] ?? "ours"
          const { resident } = child.memory
          // nobody was thought dead meanwhile: that would have been other work
          if (!isFloor(subject)) await child.ask("agree", { expect: nodes, seconds: 1 })
          measuring.record(subject, {
            cpu: sum([after[i] ?? Number.NaN, -(before[i] ?? Number.NaN)]) / 1e6 / nodeMinutes,
            resident: resident / MB,
            residentPerNode: (resident - (empty[i] ?? 0)) / MB / nodes
          })
        }
      })
  )
}

/** The targets are about a hundred nodes. */
const isHundred = ({ nodes }: Amounts) => nodes === 100

export const section: Section = {
  title: (amounts) => `${amounts.nodes} nodes of one process, while nothing happens`,
  text: (amounts) =>
    `The nodes are started over one second (those of Go that are started at once also probe and gossip at once, which saves
waking up, and which nodes of different hosts cannot do), join, settle for ${amounts.settleSeconds} s, and are measured for ${amounts.windowSeconds} s. With 100 nodes a
push/pull of each falls into a window of 90 s. Afterwards every node must still see all others. The floors are a
socket a node that pings two others every second and acks: four datagrams of 60 bytes, no table, no gossip; at a moment of
its own, as nodes do, or all at once, which shows how much is spent on waking up. Resident memory a node leaves out what the
process had before its first node. Mind how busy the machine was: where others keep the processors awake, the first floor costs
as little as the second, and where they are all used up, probes come late and members are suspected, which is work as well.`,
  figures: [
    { key: "cpu", title: "CPU s a node-minute", digits: 4 },
    resident("resident", "resident, MB"),
    { key: "residentPerNode", title: "resident a node, MB", digits: 2 }
  ],
  targets: [
    where(
      isHundred,
      atMostTimes(0.5, "go", {
        work: "100 nodes of one process, idle",
        key: "cpu",
        digits: 4,
        unit: "s of CPU a node-minute"
      })
    )
  ]
}
