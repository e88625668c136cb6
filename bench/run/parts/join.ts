/** Many nodes of one process, until they all agree. */
import type { Amounts } from "../../page/Results.ts"
import { atMostTimes, resident, type Section, where } from "../../page/Section.ts"
import { AGREEMENT_SECONDS, MB, type Measuring, names, withChildren } from "../Measuring.ts"

export const seconds = 12

export const measure = async (measuring: Measuring): Promise<void> => {
  const { nodes } = measuring.amounts
  for (const subject of measuring.turns("ours", "before", "go")) {
    measuring.say(subject)
    await withChildren([measuring.command(subject, "cluster")], async ([child]) => {
      if (child === undefined) return
      const empty = child.memory.resident
      const cpu = await child.cpu()
      const began = performance.now()
      const { address } = await child.ask("start", { names: names(nodes) })
      await child.ask("join", { seeds: [address] })
      await child.ask("agree", { expect: nodes, seconds: AGREEMENT_SECONDS })
      const seconds = (performance.now() - began) / 1000
      const { resident } = child.memory
      measuring.record(subject, {
        seconds,
        cpu: (await child.cpu() - cpu) / 1e6,
        resident: resident / MB,
        residentPerNode: (resident - empty) / MB / nodes
      })
    })
  }
}

/** The targets are about a hundred nodes. */
const isHundred = ({ nodes }: Amounts) => nodes === 100

export const section: Section = {
  title: (amounts) => `${amounts.nodes} nodes of one process, until all agree`,
  text: () =>
    `From the start of the first node until every node sees all others; all join through the first one, 16 at a time. A node's
view is looked at every 20 ms. The time has a floor of its own: news waits for gossip, every 200 ms.`,
  figures: [
    { key: "seconds", title: "until all agree, s", digits: 2 },
    { key: "cpu", title: "CPU s", digits: 2 },
    resident("resident", "resident, MB"),
    { key: "residentPerNode", title: "resident a node, MB", digits: 2 }
  ],
  targets: [
    where(
      isHundred,
      atMostTimes(1, "go", { work: "100 nodes of one process, until all agree", key: "seconds", digits: 2, unit: "s" })
    ),
    where(
      isHundred,
      atMostTimes(1, "go", { work: "the same, its processor time", key: "cpu", digits: 2, unit: "s of CPU" })
    )
  ]
}
