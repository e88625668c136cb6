/** Floods of datagrams on one of three nodes. */
import { randomBytes } from "node:crypto"
import type { Bench, Case, Length, Outcome } from "../Case.ts"
import { startCluster } from "../cluster/Cluster.ts"
import { judged, Watch } from "../cluster/Watch.ts"
import { prepareFlood, told } from "../traffic/Flooder.ts"
import type { FloodKind } from "../traffic/Packets.ts"

const REST_LIMIT = 2
/** How long rest is waited for. */
const REST_WATCHED = 15

interface Options {
  readonly kind: FloodKind
  readonly ports: number
  readonly keys?: number
  /** Packets a second, where it is not the run's. */
  readonly rate?: number
}

const flood = async (bench: Bench, { keys = 0, kind, ports, rate }: Options): Promise<Outcome> => {
  const { seconds, session } = bench
  const cluster = await startCluster(bench, { keys: Array.from({ length: keys }, () => randomBytes(32)) })
  bench.say("makes the packets")
  const send = await prepareFlood(session, cluster, { kind, ports, seconds, rate: rate ?? bench.rate })
  const watch = await Watch.begin(cluster)
  bench.say(`floods for ${seconds} s`)
  const sent = await send()
  bench.say("waits for rest")
  await watch.untilRest(REST_WATCHED)
  return judged(told(sent), await watch.end(), { restAfter: REST_LIMIT })
}

const promise =
  `no live member is declared failed, and the cluster is at rest within ${REST_LIMIT} s of the flood's end`

const caseOf = (options: Options, name: string, since: Length, goSince: Length): Case => ({
  name: `flood: ${name}`,
  promise,
  against: ["ours", "go"],
  since,
  goSince,
  seconds: ({ seconds }) => seconds + 4,
  run: (bench) => flood(bench, options)
})

const shown = (ports: number): string => ports === 1 ? "1 port" : `${ports.toLocaleString("en-US")} ports`

/** Where it matters who sends, the usual run has many senders as well. */
const both = (kind: FloodKind, one: Length, many: Length, keys = 0): ReadonlyArray<Case> => {
  const name = `${kind === "pings" ? "valid pings" : kind}${keys === 1 ? ", one key" : ""}`
  return [
    caseOf({ kind, ports: 1, keys }, `${name}, ${shown(1)}`, one, "usual"),
    caseOf({ kind, ports: 1_000, keys }, `${name}, ${shown(1_000)}`, many, "full")
  ]
}

export const floods: ReadonlyArray<Case> = [
  ...both("pings", "quick", "usual"),
  ...both("compounds of pings", "quick", "full"),
  caseOf(
    { kind: "compressed compounds of pings", ports: 1, rate: 500 },
    "1,016 pings in each of 500 packets a second, 1 port",
    "quick",
    "usual"
  ),
  ...both("indirect pings", "quick", "usual"),
  ...both("acks", "usual", "full"),
  ...both("user messages", "usual", "full"),
  ...both("suspicions of strangers", "usual", "full"),
  ...both("alives of strangers", "quick", "full"),
  ...both("garbage", "usual", "full"),
  ...both("undecryptable", "quick", "full", 1),
  caseOf({ kind: "undecryptable", ports: 1, keys: 16 }, "undecryptable, sixteen keys, 1 port", "usual", "usual")
]
