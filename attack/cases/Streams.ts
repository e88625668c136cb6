/** What somebody who may open connections can do with them. */
import { randomBytes } from "node:crypto"
import type { Bench, Case, Outcome } from "../Case.ts"
import { type Cluster, startCluster } from "../cluster/Cluster.ts"
import { sleep } from "../cluster/Session.ts"
import { judged, Watch } from "../cluster/Watch.ts"
import type { StreamAttack } from "../streams.ts"
import { thousands } from "../traffic/Flooder.ts"
import { exchange, strangerStates } from "../traffic/PushPull.ts"
import { prepareStreams, told } from "../traffic/Streamer.ts"
import type { Figures } from "../Verdict.ts"

const HONEST = 20
const HONEST_MILLIS = 1_000
/** MiB that the shared budget of unauthenticated buffers may come to, with the collector's slack. */
const GROWTH = 320
const KEPT = 128
/** When memory should be back, in seconds. */
const AFTERWARDS = 15

/** Honest push/pulls one after the other: how many were answered in time. */
const honest = async (cluster: Cluster): Promise<{ readonly pushPulls: number; readonly exchanged: number }> => {
  let exchanged = 0
  for (let i = 0; i < HONEST; i++) {
    const millis = await exchange({ port: cluster.target.port, key: cluster.keys[0], within: HONEST_MILLIS })
    if (millis !== undefined) exchanged++
    await sleep(50)
  }
  return { pushPulls: HONEST, exchanged }
}

/** An attack over streams, and how it is watched. */
interface Scenario {
  readonly attack: Omit<StreamAttack, "port">
  /** Says what the attack does. */
  readonly doing: (size: number) => string
  /** Seconds that it goes on before honest members ask. */
  readonly alone: number
  /** Seconds after its end in which rest is waited for. */
  readonly rest: number
  /** Whether the memory is looked at again some time after. */
  readonly weigh?: boolean
}

/** Carries an attack out: what was sent, and what was seen of it. */
const carriedOut = async (
  { say, session }: Bench,
  cluster: Cluster,
  { alone, attack: what, doing, rest, weigh = false }: Scenario
): Promise<{ readonly sent: string; readonly figures: Figures }> => {
  const attack = await prepareStreams(session, { ...what, port: cluster.target.port })
  const watch = await Watch.begin(cluster)
  say(doing(attack.size))
  await attack.go()
  await sleep(alone * 1000)
  say(`${HONEST} honest push/pulls`)
  const answered = await honest(cluster)
  const sent = await attack.stop()
  await watch.untilRest(rest)
  if (weigh) {
    say(`looks at the memory ${AFTERWARDS} s later`)
    await sleep(AFTERWARDS * 1000)
    watch.weighAfter()
  }
  return { sent: told(sent), figures: await watch.end(answered) }
}

const slow = async (bench: Bench): Promise<Outcome> => {
  const connections = 1_000
  const { figures, sent } = await carriedOut(bench, await startCluster(bench, { size: 6 }), {
    attack: { kind: "slow", connections, reopen: true },
    doing: () => `opens ${thousands(connections)} slow connections`,
    alone: 3,
    rest: 10
  })
  return judged(sent, figures, { everyPushPull: true, restAfter: 2 }, [
    "six members and the attacker share one address, as everybody does on 127.0.0.1"
  ])
}

const sealed = async (bench: Bench): Promise<Outcome> => {
  const connections = 256
  const { figures, sent } = await carriedOut(bench, await startCluster(bench, { keys: [randomBytes(32)] }), {
    // a gigabyte in all: as much as a machine that has other work can spare
    attack: { kind: "sealed", connections, reopen: false, body: 4 << 20 },
    doing: () => `sends parts of ${connections} sealed frames`,
    alone: 4,
    rest: 10,
    weigh: true
  })
  return judged(sent, figures, { everyPushPull: true, memoryGrowth: GROWTH, memoryKept: KEPT, restAfter: 2 })
}

const unread = async (bench: Bench): Promise<Outcome> => {
  const members = bench.quick ? 20_000 : 60_000
  const connections = 127
  const cluster = await startCluster(bench)
  bench.say(`announces ${thousands(members)} members`)
  if ((await exchange({ port: cluster.target.port, nodes: strangerStates(members), within: 10_000 })) === undefined) {
    throw new Error("the list was not taken")
  }
  await sleep(3_000)
  const { figures, sent } = await carriedOut(bench, cluster, {
    attack: { kind: "unread", connections, reopen: false },
    doing: () => `${connections} clients ask for the table and do not read it`,
    alone: 6,
    rest: 10,
    weigh: true
  })
  const entries = (await cluster.target.report([]))?.entries
  return judged(sent, figures, { memoryKept: KEPT }, [
    entries === undefined ? "its table could not be read" : `its table had ${thousands(entries)} entries at the end`
  ])
}

const bombs = async (bench: Bench): Promise<Outcome> => {
  const connections = 64
  const cluster = await startCluster(bench)
  bench.say("makes the bomb")
  const { figures, sent } = await carriedOut(bench, cluster, {
    attack: { kind: "bombs", connections, reopen: true },
    doing: (size) => `${connections} connections send bombs of ${thousands(size)} bytes`,
    alone: 0,
    rest: 15
  })
  return judged(sent, figures, { longestStop: 100, everyPushPull: true, restAfter: 2 })
}

const answeredPromise = `${HONEST} of ${HONEST} honest push/pulls are answered within ${HONEST_MILLIS / 1000} s`

export const streams: ReadonlyArray<Case> = [
  {
    name: "streams: 1,000 slow connections",
    promise: answeredPromise,
    against: ["ours", "go"],
    since: "quick",
    seconds: () => 14,
    run: slow
  },
  {
    name: "streams: parts of 256 sealed frames, with a key",
    promise: `at most ${GROWTH} MiB more, and at most ${KEPT} MiB are kept; ${answeredPromise}`,
    against: ["ours", "go"],
    seconds: () => 28,
    run: sealed
  },
  {
    name: "streams: 127 clients that never read",
    promise: `at most ${KEPT} MiB are kept ${AFTERWARDS} s later, and nobody is declared failed`,
    against: ["ours", "go"],
    goSince: "full",
    seconds: () => 34,
    run: unread
  },
  {
    name: "streams: decompression bombs on 64 connections",
    promise: `no event loop stands still for more than 100 ms; ${answeredPromise}`,
    against: ["ours", "go"],
    seconds: () => 12,
    run: bombs
  }
]
