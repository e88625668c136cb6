/** A live cluster of processes on the loopback interface, and the honest prober beside it. */
import type { Bench } from "../Case.ts"
import { Prober } from "./Prober.ts"
import { sleep } from "./Session.ts"
import { start, type Victim, type VictimOptions } from "./Victim.ts"

export interface Cluster {
  /** The first one is attacked. */
  readonly victims: ReadonlyArray<Victim>
  readonly target: Victim
  readonly names: ReadonlyArray<string>
  readonly prober: Prober
  readonly keys: ReadonlyArray<Uint8Array>
}

export interface ClusterOptions {
  readonly size?: number
  readonly preset?: "lan" | "local"
  readonly keys?: ReadonlyArray<Uint8Array>
  readonly onLog?: (chunk: Buffer) => void
}

const names = ["anna", "boris", "clara", "dora", "emil", "fritz"]
const AGREE_MILLIS = 60_000

export const startCluster = async (bench: Bench, options: ClusterOptions = {}): Promise<Cluster> => {
  bench.say("starts the cluster")
  const { keys = [], onLog, preset = "lan", size = 3 } = options
  const chosen = names.slice(0, size)
  const common: Omit<VictimOptions, "name"> = {
    preset,
    keys: keys.map((key) => Buffer.from(key).toString("base64")),
    ...(onLog === undefined ? {} : { onLog })
  }
  const victims = await Promise.all(
    chosen.map((name) => start(bench.kind, bench.session, bench.library, { ...common, name }))
  )
  const [target] = victims
  if (target === undefined) throw new Error("a cluster has at least one node")
  for (const victim of victims.slice(1)) await victim.join(target.port)
  await agreed(victims, chosen)
  const prober = await Prober.open(bench.session, keys[0])
  return { victims, target, names: chosen, prober, keys }
}

const agreed = async (victims: ReadonlyArray<Victim>, names: ReadonlyArray<string>): Promise<void> => {
  const deadline = performance.now() + AGREE_MILLIS
  while (performance.now() < deadline) {
    const reports = await Promise.all(victims.map((victim) => victim.report(names)))
    if (reports.every((report) => names.every((name) => report?.standings[name]?.state === "alive"))) return
    await sleep(100)
  }
  throw new Error(`the cluster does not agree within ${AGREE_MILLIS / 1000} s`)
}
