/** Names that are written to harm whoever reads the log. */
import * as Message from "../../src/wire/message/Message.ts"
import type { Bench, Case, Outcome } from "../Case.ts"
import { startCluster } from "../cluster/Cluster.ts"
import { LogReader } from "../cluster/LogReader.ts"
import { FAKE } from "../cluster/Names.ts"
import { sleep } from "../cluster/Session.ts"
import { sendOnce } from "../traffic/Once.ts"
import { suspicion } from "../traffic/Packets.ts"
import { exchange } from "../traffic/PushPull.ts"

const LINE_LIMIT = 4_096
const LONG = 60_000
const VERSIONS = new Uint8Array([1, 5, 2, 0, 0, 0])

const evil = [
  `${FAKE}-\u001b]0;owned\u0007\u001b[31m\u001b[2Jred`,
  `${FAKE}-\u202egnp.exe`,
  `${FAKE}-line\nlevel=ERROR forged`,
  `${FAKE}-${"long".repeat(LONG / 4)}`
]

/** Everything that has ever been seen to reach a log: conflicts, suspicions, deaths, misdirected pings. */
const about = (name: string): ReadonlyArray<Uint8Array> => [
  alive(name, 1, 7_946),
  // a second address for the same name
  alive(name, 2, 7_947),
  Message.encode({
    _tag: "Ping",
    seqNo: 1,
    node: name,
    sourceAddr: new Uint8Array(0),
    sourcePort: 0,
    sourceNode: ""
  }),
  suspicion(name, "somebody", 1),
  suspicion("somebody", name, 1),
  Message.encode({ _tag: "Dead", incarnation: 1, node: name, from: "somebody" })
]

const alive = (node: string, incarnation: number, port: number): Uint8Array =>
  Message.encode({
    _tag: "Alive",
    incarnation,
    node,
    addr: new Uint8Array([127, 200, 0, 1]),
    port,
    meta: null,
    vsn: VERSIONS
  })

const names = async (bench: Bench): Promise<Outcome> => {
  const reader = new LogReader()
  const cluster = await startCluster(bench, { preset: "local", onLog: (chunk) => reader.read(chunk) })
  bench.say("sends forged names")
  for (const packet of evil.flatMap(about)) {
    await sendOnce(cluster.target.port, packet)
    // a socket's buffer holds few packets of this size
    await sleep(50)
  }
  await exchange({
    port: cluster.target.port,
    within: 2_000,
    nodes: evil.map((name) => ({
      name,
      addr: new Uint8Array([127, 200, 0, 2]),
      port: 7_948,
      meta: null,
      incarnation: 3,
      state: 0,
      vsn: VERSIONS
    }))
  })
  bench.say("reads the logs")
  await sleep(bench.quick ? 4_000 : 8_000)
  const { controls, lines, longest, mentions } = reader
  const broken = [
    ...(controls.size === 0 ? [] : [`raw in the log: ${[...controls].join(", ")}`]),
    ...(longest > LINE_LIMIT ? [`a line of ${longest} bytes`] : [])
  ]
  return {
    sent: `${evil.length} names, in every kind of message`,
    figures: {},
    broken,
    notes: [`${lines} lines of log, the longest of ${longest} bytes, ${mentions} with a forged name`]
  }
}

export const nameCases: ReadonlyArray<Case> = [{
  name: "names: control characters, U+202E and 60 kB",
  promise: `no control character reaches a line of the log, and none is longer than ${LINE_LIMIT} bytes`,
  against: ["ours", "go"],
  since: "quick",
  isQuiet: true,
  seconds: ({ quick }) => quick ? 8 : 12,
  run: names
}]
