/** Messages that are small on the wire and large in a decoder. */
import type { Bench, Case, Outcome } from "../Case.ts"
import { startCluster } from "../cluster/Cluster.ts"
import { sleep } from "../cluster/Session.ts"
import { judged, Watch } from "../cluster/Watch.ts"
import { prepareFlood, told as toldFlood } from "../traffic/Flooder.ts"
import { prepareStreams, told as toldStreams } from "../traffic/Streamer.ts"

/** Twenty milliseconds are a slice's goal; the rest is for a system that has other work. */
const STOP_LIMIT = 100
const PACKETS_PER_SECOND = 30
const STREAM_SECONDS = 8

const datagrams = async (bench: Bench): Promise<Outcome> => {
  const seconds = bench.quick ? 4 : 8
  const cluster = await startCluster(bench)
  const send = await prepareFlood(bench.session, cluster, {
    kind: "ping with 349,000 keys",
    ports: 1,
    rate: PACKETS_PER_SECOND,
    seconds
  })
  const watch = await Watch.begin(cluster)
  bench.say(`sends ${PACKETS_PER_SECOND} a second for ${seconds} s`)
  const sent = await send()
  bench.say("waits for rest")
  await watch.untilRest(15)
  return judged(toldFlood(sent), await watch.end(), { longestStop: STOP_LIMIT, restAfter: 2 })
}

const stream = async (bench: Bench): Promise<Outcome> => {
  const cluster = await startCluster(bench)
  bench.say("makes the message")
  const attack = await prepareStreams(bench.session, {
    kind: "keys",
    port: cluster.target.port,
    connections: 1,
    reopen: false
  })
  const watch = await Watch.begin(cluster)
  bench.say("waits for what it does")
  await attack.go()
  await sleep(STREAM_SECONDS * 1000)
  const sent = await attack.stop()
  await watch.untilRest(15)
  return judged(toldStreams(sent), await watch.end(), { longestStop: STOP_LIMIT, restAfter: 2 })
}

export const smallMessages: ReadonlyArray<Case> = [
  {
    name: "small: datagrams of 3.4 kB with 349,000 unknown keys",
    promise: `no event loop stands still for more than ${STOP_LIMIT} ms, and nobody is declared failed`,
    against: ["ours", "go"],
    since: "quick",
    seconds: ({ quick }) => quick ? 7 : 12,
    run: datagrams
  },
  {
    name: "small: one push/pull of 92 kB with 14 million unknown keys",
    promise: `no event loop stands still for more than ${STOP_LIMIT} ms, and nobody is declared failed`,
    against: ["ours", "go"],
    seconds: () => STREAM_SECONDS + 4,
    run: stream
  }
]
