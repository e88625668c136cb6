/** Real processes, because the order of timers and sockets after a stop is the event loop's. `npm run stalls` has more. */
import { assert, describe, it } from "@effect/vitest"
import { setTimeout as sleep } from "node:timers/promises"
import { type Process, start } from "../../../stalls/Process.ts"

const until = async (what: string, holds: () => boolean): Promise<void> => {
  for (const end = performance.now() + 15_000; !holds(); await sleep(10)) {
    if (performance.now() > end) throw new Error(`${what}: not within 15 s`)
  }
}

const tells = (node: Process, what: string, about: Process) =>
  node.told.some((line) => line.what === what && "member" in line && line.member === about.name)

describe("a process that was stopped", () => {
  it("reads what refutes a suspicion before it declares the member failed", async () => {
    const nodes = [await start("on", "a", "quick"), await start("on", "b", "quick")] as const
    const [a, b] = nodes
    try {
      b.say(`join ${a.address}`)
      await until("both know both", () => {
        a.say("count")
        return a.told.some((line) => line.what === "counts" && line.members === 2)
      })
      b.signal("SIGSTOP")
      await until("a accuses b", () => tells(a, "accuses", b))
      // so that b is told; the suspicion lasts 3 s
      await sleep(500)
      a.signal("SIGSTOP")
      b.signal("SIGCONT")
      // b reads that it is suspected, and contradicts
      await sleep(4000)
      const before = a.told.length
      a.signal("SIGCONT")
      await until("a goes on", () => {
        a.say("count")
        return a.told.slice(before).some((line) => line.what === "counts")
      })
      await sleep(1500)
      assert.isFalse(tells(a, "declares", b), "a declared b failed")
      assert.isFalse(tells(a, "loses", b))
    } finally {
      await Promise.all(nodes.map((node) => node.end()))
    }
  })
})
