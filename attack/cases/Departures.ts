/** Nodes that are closed while they join. */
import type { Bench, Case, Outcome } from "../Case.ts"
import { startCluster } from "../cluster/Cluster.ts"
import { sleep } from "../cluster/Session.ts"
import { startOurs } from "../cluster/Victim.ts"

const WATCHED = 30

const departures = async (bench: Bench): Promise<Outcome> => {
  const runs = bench.quick ? 12 : 36
  const cluster = await startCluster(bench, { preset: "local" })
  const inn = await startOurs(bench.session, bench.library, { name: "inn", preset: "local" })
  const visitors: Array<string> = []
  for (let i = 0; i < runs; i++) {
    const name = `visitor-${i}`
    visitors.push(name)
    bench.say(`closes ${i + 1} of ${runs} during its join`)
    // from before the first byte to after the answer
    await inn.child.ask("visit", { name, addrs: [`127.0.0.1:${cluster.target.port}`], closeAfter: i })
  }
  bench.say("waits for what the others make of it")
  const ended = () => new Set(changes().filter(({ event }) => event !== "joined").map(({ name }) => name))
  const changes = () => cluster.victims.flatMap(({ changes }) => changes).filter(({ name }) => visitors.includes(name))
  const seen = () => new Set(changes().map(({ name }) => name))
  for (let waited = 0; waited < WATCHED && ended().size < seen().size; waited++) await sleep(1_000)
  const failed = new Set(changes().filter(({ event }) => event === "failed").map(({ name }) => name))
  const left = new Set(changes().filter(({ event }) => event === "left").map(({ name }) => name))
  return {
    sent: `${runs} joins`,
    figures: {},
    broken: failed.size === 0 ? [] : [`${failed.size} of ${runs} were seen to fail`],
    notes: [`${seen().size} of ${runs} were seen at all, ${left.size} of them to leave`]
  }
}

export const departureCases: ReadonlyArray<Case> = [{
  name: "close: nodes that are closed while they join",
  promise: "whoever was seen is seen to leave, and nobody to fail",
  against: ["ours"],
  isQuiet: true,
  seconds: ({ quick }) => quick ? 15 : 35,
  run: departures
}]
