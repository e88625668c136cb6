/**
 * Compares the codec derived from our Schemas with two general msgpack libraries, on the messages that make up nearly
 * all traffic, and measures whole packets.
 *
 * The libraries write another dialect (they are given the Go field names, but not go-msgpack's raw family and key
 * order), so this compares speed, not bytes.
 *
 * Run: `npm exec -- node bench/codec.ts`
 */
import { decode as msgpackDecode, encode as msgpackEncode } from "@msgpack/msgpack"
import { Packr } from "msgpackr"
import * as Message from "../src/wire/message/Message.ts"
import { Writer } from "../src/wire/msgpack/MessagePackWriter.ts"
import * as Compound from "../src/wire/packet/Compound.ts"
import * as Packet from "../src/wire/packet/Packet.ts"

const ROUNDS = 15
const MIN_ROUND_NANOS = 60_000_000n

/** Nanoseconds per call: the best of several rounds, each long enough for the clock and the compiler. */
const measure = (run: () => unknown): number => {
  let calls = 1_000
  let best = Number.POSITIVE_INFINITY
  let sink: unknown
  for (let round = 0; round < ROUNDS;) {
    const started = process.hrtime.bigint()
    for (let i = 0; i < calls; i++) sink = run()
    const elapsed = process.hrtime.bigint() - started
    if (elapsed < MIN_ROUND_NANOS) {
      calls *= 2
      continue
    }
    best = Math.min(best, Number(elapsed) / calls)
    round++
  }
  if (sink === undefined) throw new Error("nothing was measured")
  return best
}

const addr = Uint8Array.of(10, 0, 0, 1)
const vsn = Uint8Array.of(1, 5, 2, 0, 0, 0)

const cases: ReadonlyArray<{
  readonly name: string
  readonly message: Exclude<Message.PacketMessage, Message.User>
  readonly go: object
}> = [
  {
    name: "alive",
    message: { _tag: "Alive", incarnation: 7, node: "orders-1", addr, port: 7946, meta: null, vsn },
    go: { Addr: addr, Incarnation: 7, Meta: null, Node: "orders-1", Port: 7946, Vsn: vsn }
  },
  {
    name: "suspect",
    message: { _tag: "Suspect", incarnation: 7, node: "orders-1", from: "orders-2" },
    go: { From: "orders-2", Incarnation: 7, Node: "orders-1" }
  },
  {
    name: "ping",
    message: {
      _tag: "Ping",
      seqNo: 421,
      node: "orders-1",
      sourceAddr: addr,
      sourcePort: 7946,
      sourceNode: "orders-2"
    },
    go: { Node: "orders-1", SeqNo: 421, SourceAddr: addr, SourceNode: "orders-2", SourcePort: 7946 }
  }
]

/** As a node has one. */
const writer = new Writer()
const packr = new Packr({ useRecords: false })
const row = (name: string, ...nanos: ReadonlyArray<number>) =>
  console.log([name.padEnd(34), ...nanos.map((value) => value.toFixed(0).padStart(12))].join(""))

console.log(
  ["ns per operation".padEnd(34), "ours", "msgpackr", "@msgpack"].map((head, i) => i === 0 ? head : head.padStart(12))
    .join("")
)

for (const { go, message, name } of cases) {
  const ours = Message.encode(message)
  const theirs = packr.pack(go)
  const codec = Message.packetCodec(ours[0] ?? 0)
  if (codec === undefined) throw new Error(`no codec for ${name}`)
  // Received packets are Buffers.
  const received = Buffer.from(ours)
  row(
    `encode ${name} (${ours.length} B)`,
    measure(() => Message.encode(message, writer)),
    measure(() => packr.pack(go)),
    measure(() => msgpackEncode(go))
  )
  row(
    `decode ${name}`,
    measure(() => Message.decodeBody(codec, received, 1, received.length)),
    measure(() => packr.unpack(theirs)),
    measure(() => msgpackDecode(theirs))
  )
}

/** The ten alive messages of one packet. */
const parts = Array.from({ length: 10 }, (_, i) =>
  Message.encode({
    _tag: "Alive",
    incarnation: i + 1,
    node: `orders-${i}`,
    addr: Uint8Array.of(10, 0, 0, i),
    port: 7946,
    meta: null,
    vsn
  }))
const key = new Uint8Array(16).fill(7)
const noLabel = new Uint8Array(0)
const inbound: Packet.Inbound = { label: noLabel, skipLabelCheck: false, keys: [], verifyIncoming: true }
const outbound: Packet.Outbound = { label: noLabel, compress: false, crc: true, encryption: undefined }
const encryption = { key, version: 1, nonce: new Uint8Array(12) } as const

console.log("\nµs per packet: checksum, compound of 10 alive")
const packets: ReadonlyArray<readonly [string, Packet.Outbound, Packet.Inbound]> = [
  ["plain", outbound, inbound],
  ["compressed", { ...outbound, compress: true }, inbound],
  ["encrypted", { ...outbound, encryption }, { ...inbound, keys: [key] }],
  ["compressed, encrypted", { ...outbound, compress: true, encryption }, { ...inbound, keys: [key] }]
]
const figure = (label: string, nanos: number) => `${label} ${(nanos / 1_000).toFixed(2)}`.padStart(22)
for (const [name, out, expected] of packets) {
  const datagram = Buffer.from(Packet.encode(Compound.make(parts), out))
  console.log([
    `${name} (${datagram.length} B)`.padEnd(34),
    figure("encode", measure(() => Packet.encode(Compound.make(parts), out))),
    figure("decode", measure(() => Packet.decode(datagram, expected)))
  ].join(""))
}
