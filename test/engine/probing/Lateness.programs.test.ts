/** Real processes, because the order of timers and sockets after a stop is the event loop's. `npm run stalls` has more. */
import { assert, describe, it } from "@effect/vitest"
import { setTimeout as sleep } from "node:timers/promises"
import { type Process, type Speed, start } from "../../../stalls/Process.ts"

const until = async (what: string, holds: () => boolean): Promise<void> => {
  for (const end = performance.now() + 15_000; !holds(); await sleep(10)) {
    if (performance.now() > end) throw new Error(`${what}: not within 15 s`)
  }
}

const tells = (node: Process, what: string, about: Process) =>
  node.told.some((line) => line.what === what && "member" in line && line.member === about.name)

const toldBy = (by: ReadonlyArray<Process>, whats: ReadonlyArray<string>) =>
  by.flatMap(({ name, told }) =>
    told.flatMap((line) =>
      whats.includes(line.what) && "member" in line ? [`${name} ${line.what} ${line.member}: ${line.detail}`] : []
    )
  )

/** Five nodes that know one another, and what they tell since the first one is halted. */
const halting = async (speed: Speed, halt: (node: Process) => Promise<void>): Promise<ReadonlyArray<Process>> => {
  const nodes: Array<Process> = []
  try {
    const starting = Array.from({ length: 5 }, async (_, i) => {
      nodes[i] = await start("on", `n${i + 1}`, speed)
    })
    // none of them may be left behind
    const failed = (await Promise.allSettled(starting)).find(({ status }) => status === "rejected")
    if (failed?.status === "rejected") throw failed.reason
    const [first] = nodes
    assert.isDefined(first)
    for (const node of nodes.slice(1)) node.say(`join ${first.address}`)
    await until("all know all", () =>
      nodes.every((node) => {
        node.say("count")
        return node.told.some((line) => line.what === "counts" && line.members === nodes.length)
      }))
    // what is slow to start on a busy machine may be accused before
    const before = new Map(nodes.map(({ name, told }) => [name, told.length]))
    const since = ({ name, told }: Process) => told.slice(before.get(name))
    await halt(first)
    await until("it says that it was late", () => since(first).some(({ what }) => what === "late"))
    // long enough for a probe or more
    await sleep(2000)
    return nodes.map((node) => ({ ...node, told: since(node) }))
  } finally {
    await Promise.all(nodes.map((node) => node.end()))
  }
}

const late = ({ told }: Process) => told.flatMap((line) => line.what === "late" ? [line.detail] : [])

// most of their time is waiting: one after the other they would take twice as long
describe.concurrent("a process that does not run", () => {
  it("accuses nobody when it goes on after it was stopped for 40 probe intervals, and knows why", async () => {
    const [first, ...others] = await halting("quick", async (node) => {
      node.signal("SIGSTOP")
      await sleep(8000)
      node.signal("SIGCONT")
    })
    assert.isDefined(first)
    assert.deepStrictEqual(toldBy([first], ["accuses", "declares"]), [])
    assert.isNotEmpty(toldBy(others, ["declares", "loses"]), "it was not gone long enough for a test")
    assert.match(late(first)[0] ?? "", /^a timer fired \d\.\d s late/)
  })

  it("accuses and loses nobody while its loop is blocked for three quarters of the time, and knows why", async () => {
    const [first, ...others] = await halting("lan", async (node) => {
      for (let i = 0; i < 3; i++) {
        node.say("block 3000")
        await sleep(4000)
      }
    })
    assert.isDefined(first)
    assert.deepStrictEqual(toldBy([first], ["accuses", "declares", "loses"]), [])
    assert.deepStrictEqual(toldBy(others, ["declares", "loses"]), [])
    assert.match(late(first)[0] ?? "", /^a timer fired \d\.\d s late; the event loop was busy \d+ % of the time$/)
  }, 60_000)

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
