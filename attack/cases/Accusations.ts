/** One forged accusation, where it does most harm. */
import type { Bench, Case, Outcome } from "../Case.ts"
import { type Cluster, startCluster } from "../cluster/Cluster.ts"
import { sleep } from "../cluster/Session.ts"
import type { Standing, Victim } from "../cluster/Victim.ts"
import { judged, Watch } from "../cluster/Watch.ts"
import { prepareFlood, thousands } from "../traffic/Flooder.ts"
import { sendOnce } from "../traffic/Once.ts"
import { suspicion } from "../traffic/Packets.ts"
import { strangers } from "../traffic/Strangers.ts"

const PASSES = 5
/** Enough of the strangers: some packets are always lost. */
const FILLED = 0.97 * strangers
const WATCHED = 40

/** Announces strangers until the table has nearly all of them, and tells how many it has. */
const fill = async (bench: Bench, cluster: Cluster): Promise<number> => {
  let entries = 0
  for (let pass = 1; pass <= PASSES && entries < FILLED; pass++) {
    bench.say(`announces ${thousands(strangers)} strangers, ${thousands(entries)} are known`)
    const send = await prepareFlood(bench.session, cluster, {
      kind: "packed strangers",
      ports: 1,
      rate: 1_250,
      seconds: 4
    })
    await send()
    await sleep(1_000)
    entries = (await cluster.target.report([], 10_000))?.entries ?? entries
  }
  return entries
}

const standing = async (from: Victim, about: Victim): Promise<Standing | undefined> =>
  (await from.report([about.name], 10_000))?.standings[about.name]

/** The attacked node, and the two others. */
const trio = ({ victims }: Cluster): readonly [Victim, Victim, Victim] => {
  const [a, b, c] = victims
  if (a === undefined || b === undefined || c === undefined) throw new Error("a cluster of three is needed")
  return [a, b, c]
}

const full = (toldTo: "another" | "both") => async (bench: Bench): Promise<Outcome> => {
  const cluster = await startCluster(bench, { preset: "local" })
  const [target, boris] = trio(cluster)
  const entries = await fill(bench, cluster)
  await sleep(3_000)
  const incarnation = (await standing(boris, target))?.incarnation ?? 1
  const watch = await Watch.begin(cluster)
  const forged = suspicion(target.name, boris.name, incarnation)
  await sendOnce(boris.port, forged)
  if (toldTo === "both") await sendOnce(target.port, forged)
  bench.say(`watches for ${WATCHED} s whether it is declared failed`)
  await watch.for(WATCHED)
  const after = await standing(boris, target)
  return judged(
    `${toldTo === "both" ? "2 suspicions" : "1 suspicion"} of ${target.name}`,
    await watch.end(),
    {},
    [
      `${thousands(entries)} entries`,
      `${boris.name} holds it for ${after?.state ?? "unknown"}, incarnation ${incarnation} before and ${
        after?.incarnation ?? "unknown"
      } after`
    ]
  )
}

const HIGHEST = 0xffff_ffff
const CAN_REFUTE_SECONDS = 20

/** Whether `about` refutes an accusation that `at` hears, in time. */
const refutes = async (at: Victim, about: Victim, from: Victim): Promise<boolean> => {
  const before = await standing(at, about)
  if (before === undefined || before.state !== "alive") return false
  await sendOnce(at.port, suspicion(about.name, from.name, before.incarnation))
  const deadline = performance.now() + CAN_REFUTE_SECONDS * 1000
  while (performance.now() < deadline) {
    await sleep(200)
    const now = await standing(at, about)
    if (now?.state === "alive" && now.incarnation !== before.incarnation) return true
  }
  return false
}

const incarnations = async (bench: Bench): Promise<Outcome> => {
  const cluster = await startCluster(bench, { preset: "local" })
  const [target, boris, clara] = trio(cluster)
  const watch = await Watch.begin(cluster)
  await sendOnce(target.port, suspicion(clara.name, boris.name, HIGHEST))
  bench.say("watches whether it is declared failed")
  await watch.for(bench.quick ? 10 : 25)
  const after = await standing(target, clara)
  bench.say("looks whether it can still refute")
  const can = await refutes(target, clara, boris)
  const figures = await watch.end()
  const outcome = judged("1 suspicion at incarnation 4,294,967,295", figures, {}, [
    `it is ${after?.state ?? "unknown"} at incarnation ${thousands(after?.incarnation ?? 0)} afterwards`
  ])
  return can ? outcome : { ...outcome, broken: [...outcome.broken, "it cannot refute any more"] }
}

const fullPromise = `no live member is declared failed within ${WATCHED} s`

export const accusations: ReadonlyArray<Case> = [
  {
    name: "accusation: a table full of fakes, told to the accused and to another",
    promise: fullPromise,
    against: ["ours", "go"],
    isQuiet: true,
    seconds: () => WATCHED + 22,
    run: full("both")
  },
  {
    name: "accusation: a table full of fakes, told to another alone",
    promise: fullPromise,
    against: ["ours", "go"],
    since: "full",
    isQuiet: true,
    seconds: () => WATCHED + 22,
    run: full("another")
  },
  {
    name: "accusation: incarnation 4,294,967,295",
    promise: "the accused stays in the cluster, and can refute the next accusation",
    against: ["ours", "go"],
    since: "quick",
    isQuiet: true,
    seconds: ({ quick }) => quick ? 20 : 35,
    run: incarnations
  }
]
