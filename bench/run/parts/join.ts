/** Many nodes of one process, until they all agree. */
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
