/**
 * The library's bytes, encoded and decoded one after the other. They are no part of its public API, so this takes them from
 * its sources.
 */
import { Bench } from "tinybench"
import type * as Message from "../../src/wire/message/Message.ts"
import type * as Packet from "../../src/wire/packet/Packet.ts"
import type * as Frame from "../../src/wire/stream/Frame.ts"
import { allocated } from "../child/Allocation.ts"
import { type Request, serve } from "../child/Commands.ts"
import { inside } from "../child/Inside.ts"

const {
  Compound: compounds,
  Frame: frames,
  Message: messages,
  MessagePackWriter,
  Nonces: nonces,
  Packet: packets,
  StreamBody: bodies
} = await inside

/** What is encoded, and how what was encoded is decoded. */
interface Both {
  /** In pieces, where a node writes it in pieces. */
  readonly encode: () => Uint8Array | ReadonlyArray<Uint8Array>
  readonly decode: (bytes: Uint8Array) => unknown
}

type Simple = Exclude<Message.PacketMessage, Message.User>

// as a node has them
const writer = new MessagePackWriter.Writer()
const nonce = nonces.make()

const text = new TextEncoder()
const meta = text.encode("zone=eu-1,role=orders,build=4711")
const vsn = Uint8Array.of(1, 5, 2, 0, 0, 0)
const key = new Uint8Array(16).fill(7)
const noLabel = new Uint8Array(0)

const message = (value: Simple): Both => {
  const codec = messages.packetCodec(messages.encode(value)[0] ?? -1)
  if (codec === undefined) throw new Error(`no codec for ${value._tag}`)
  return {
    encode: () => messages.encode(value, writer),
    decode: (bytes) => messages.decodeBody(codec, bytes, 1, bytes.length)
  }
}

const failure: Both = {
  encode: () => messages.encode({ _tag: "ErrorResponse", error: "decrypted message is empty" }, writer),
  decode: (bytes) => messages.decodeBody(messages.errorResponseCodec, bytes, 1, bytes.length)
}

const aliveOf = (i: number): Message.Alive => ({
  _tag: "Alive",
  incarnation: i,
  node: `orders-${i}`,
  addr: Uint8Array.of(10, 0, 0, i),
  port: 7946,
  meta,
  vsn
})

const PARTS = 20

const inbound: Packet.Inbound = { label: noLabel, skipLabelCheck: false, keys: [], verifyIncoming: true }
const outbound: Packet.Outbound = { label: noLabel, compress: false, crc: false, encryption: undefined }

/** Encodes and decodes the messages of a packet as well, as a node does. */
const packet = (options: { readonly sealed: boolean }): Both => {
  const list = Array.from({ length: PARTS }, (_, i) => aliveOf(i + 1))
  const expected: Packet.Inbound = options.sealed ? { ...inbound, keys: [key] } : inbound
  return {
    encode: () => {
      const compound = compounds.make(list.map((each) => messages.encode(each, writer)))
      return packets.encode(
        compound,
        options.sealed
          ? { ...outbound, compress: true, crc: true, encryption: { key, version: 1, nonce: nonce() } }
          : outbound
      )
    },
    decode: (bytes) => {
      const decoded = packets.decode(bytes, expected)
      if (decoded.messages.length !== PARTS) throw new Error("the packet could not be decoded")
      return decoded
    }
  }
}

/** A stream is received in portions of this size. */
const PORTION = 65_536

const pushPull = (count: number): Both => {
  const rows = Array.from({ length: count }, (_, i): Message.NodeState => ({
    name: `member-${String(i).padStart(5, "0")}`,
    addr: Uint8Array.of(127, 1, i >> 8, i),
    port: 7946,
    meta,
    incarnation: i % 7 + 1,
    state: 0,
    vsn
  }))
  return {
    encode: () => [
      frames.encodeHeader({ nodes: count, userStateLen: 0, join: false }),
      ...bodies.whole(frames.encodeRows(rows, (row) => row))
    ],
    decode: (bytes) => {
      const decoder = frames.makeDecoder("initiator", inbound)
      let progress: Frame.Progress = { _tag: "NeedMore", type: undefined }
      for (let at = 0; at < bytes.length; at += PORTION) {
        progress = decoder.push(bytes.subarray(at, at + PORTION))
        while (progress._tag === "Working") progress = decoder.resume()
      }
      if (progress._tag !== "Message") throw new Error("the list could not be decoded")
      return progress
    }
  }
}

const accused = { incarnation: 7, node: "orders-1", from: "orders-2" }
const source = { sourceAddr: Uint8Array.of(10, 0, 0, 1), sourcePort: 7946, sourceNode: "orders-2" }

const cases: Readonly<Record<string, () => Both>> = {
  ping: () => message({ _tag: "Ping", seqNo: 421, node: "orders-1", ...source }),
  indirectPing: () =>
    message({
      _tag: "IndirectPing",
      seqNo: 421,
      target: Uint8Array.of(10, 0, 0, 3),
      port: 7946,
      node: "orders-3",
      nack: true,
      ...source
    }),
  ack: () => message({ _tag: "Ack", seqNo: 421, payload: null }),
  nack: () => message({ _tag: "Nack", seqNo: 421 }),
  suspect: () => message({ _tag: "Suspect", ...accused }),
  alive: () => message(aliveOf(1)),
  dead: () => message({ _tag: "Dead", ...accused }),
  error: () => failure,
  compound: () => packet({ sealed: false }),
  sealed: () => packet({ sealed: true }),
  pushPull1000: () => pushPull(1000),
  pushPull10000: () => pushPull(10_000)
}

/** The processor time of the whole process in milliseconds: of the collector's and the compiler's threads as well. */
const now = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1000
}

let sink: unknown

const batch = (run: () => unknown, count: number) => () => {
  for (let i = 0; i < count; i++) sink = run()
}

const codec = async (request: Request) => {
  const millis = Number(request["millis"])
  const both = cases[String(request["case"])]?.()
  if (both === undefined) throw new Error(`unknown case ${String(request["case"])}`)
  const first = both.encode()
  const encoded = first instanceof Uint8Array ? first : frames.joined(first)
  // received packets are Buffers
  const received = Buffer.from(encoded)
  const run = request["operation"] === "decode" ? () => both.decode(received) : both.encode
  let count = 1
  for (let before = now();; before = now()) {
    batch(run, count)()
    if (now() - before >= millis) break
    count *= 2
  }
  const described = { size: encoded.length, hex: Buffer.from(encoded.subarray(0, 4096)).toString("hex") }
  if (request["allocations"] === true) return { ...described, bytes: await allocated(run, Math.min(count, 10_000)) }
  const bench = new Bench({ now, warmup: false, iterations: Number(request["samples"]), time: 0, retainSamples: true })
  bench.add("codec", batch(run, count))
  const [task] = bench.runSync()
  const result = task?.result
  if (result?.state !== "completed") throw new Error("the operation could not be measured")
  if (sink === undefined) throw new Error("nothing was measured")
  return { ...described, nanos: result.latency.p50 * 1e6 / count }
}

serve({ codec })
