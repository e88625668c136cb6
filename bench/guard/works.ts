/** The paths that a node takes all the time, and the fixed work that they are compared with. */
import { MemberlistConfig } from "effect-memberlist"
import * as Effect from "effect/Effect"
import * as Units from "../../src/engine/Units.ts"
import * as Announcement from "../../src/swim/life/Announcement.ts"
import * as Alive from "../../src/swim/membership/Alive.ts"
import * as Membership from "../../src/swim/membership/Membership.ts"
import * as Merge from "../../src/swim/membership/Merge.ts"
import * as Message from "../../src/wire/message/Message.ts"
import * as Compound from "../../src/wire/packet/Compound.ts"
import * as Packet from "../../src/wire/packet/Packet.ts"
import * as Frame from "../../src/wire/stream/Frame.ts"
import * as StreamBody from "../../src/wire/stream/StreamBody.ts"
import { cluster } from "./cluster.ts"
import type { Work } from "./Work.ts"

/**
 * Of what our own work is made of: objects and maps by name, bytes and numbers, texts, closures, sorting. None of it is
 * the library's, and it must not change: all limits are in terms of it.
 */
export const reference: Work = {
  name: "reference",
  warmupMillis: 100,
  run: () => {
    const bytes = new Uint8Array(2048)
    const view = new DataView(bytes.buffer)
    const known = new Map<string, { readonly name: string; readonly turn: number; readonly part: Uint8Array }>()
    let at = 0
    let sum = 0
    for (let turn = 0; turn < 200; turn++) {
      const name = `member-${turn % 97}`
      for (let i = 0; i < name.length; i++) bytes[at + i] = name.charCodeAt(i)
      view.setUint32(at + 12, turn * 2_654_435_761)
      let text = ""
      for (let i = 0; i < name.length; i++) text += String.fromCharCode(bytes[at + i] ?? 0)
      const before = known.get(text)
      known.set(text, { name: text, turn: turn + (before?.turn ?? 0), part: bytes.subarray(at, at + 16) })
      for (let i = 0; i < 16; i++) sum = (Math.imul(sum, 31) + (bytes[at + i] ?? 0)) | 0
      at = (at + 16) % 2048
    }
    const sorted = [...known.values()].sort((a, b) => a.turn - b.turn || (a.name < b.name ? -1 : 1))
    return sorted.reduce((all, { part, turn }) => (Math.imul(all, 17) + turn + (part[3] ?? 0)) | 0, sum)
  }
}

const vsn = Uint8Array.of(1, 5, 2, 0, 0, 0)
const addr = (i: number) => Uint8Array.of(10, 0, i >> 8, i & 255)
const nameOf = (i: number) => `orders-${i}`

const alive = (i: number, incarnation: number) => ({
  _tag: "Alive" as const,
  incarnation,
  node: nameOf(i),
  addr: addr(i),
  port: 7946,
  meta: null,
  vsn
})

const noLabel = new Uint8Array(0)
const inbound: Packet.Inbound = { label: noLabel, skipLabelCheck: false, keys: [], verifyIncoming: true }
const outbound: Packet.Outbound = { label: noLabel, compress: false, crc: true, encryption: undefined }

const tenAlive = Array.from({ length: 10 }, (_, i) => alive(i, i + 1))
const encodeTen = () => Packet.encode(Compound.make(tenAlive.map((claim) => Message.encode(claim))), outbound)
const datagram = Buffer.from(encodeTen())

const ROWS = 1000
const row = (i: number, incarnation: number) => ({
  name: nameOf(i),
  addr: addr(i),
  port: 7946,
  meta: null,
  incarnation,
  state: 0,
  vsn
})
const rows = (incarnation: number) => Array.from({ length: ROWS }, (_, i) => row(i, incarnation))

/** The LAN preset's, as memberlist has them. */
const rules: Membership.Rules = {
  ...Units.make(Effect.runSync(MemberlistConfig.make({ ...MemberlistConfig.lan, name: "self" }))).rules,
  recovery: false,
  verifies: false
}

/** Numbers in [0, 1) that only depend on how many were drawn. */
const seeded = () => {
  let state = 1
  return () => (state = Math.imul(state, 48_271) >>> 0) / 0x1_0000_0000
}
const env = (): Membership.Env => ({ now: 1000, random: seeded(), rules })

const own: Announcement.Own = { addr: addr(65_000), port: 7946, meta: null, vsn }

/** A table of its own each time: tables go forward, as a node's does, and never back to what they were. */
const full = () => {
  const [empty] = Announcement.start(Membership.make("self"), own, env())
  const [m] = Merge.merge(empty, rows(1), env())
  return m
}
const thousand = full()
let changing = full()
let incarnation = 1

const update = () => {
  incarnation++
  for (let i = 0; i < 100; i++) [changing] = Alive.alive(changing, alive(i * 7, incarnation), env())
  return changing
}

const pushPull = StreamBody.encodePushPull({ join: false, nodes: rows(1), userState: noLabel })

const decodePushPull = () => {
  const decoder = Frame.makeDecoder("initiator", inbound)
  let progress = decoder.push(pushPull)
  while (progress._tag === "Working") progress = decoder.resume()
  if (progress._tag !== "Message") throw new Error(`a push/pull was not decoded: ${progress._tag}`)
  return progress
}

export const works: ReadonlyArray<Work> = [
  {
    // first: after others it now and then takes twice as long, whatever it does
    name: "step: 100 members have news, of 1,000",
    warmupMillis: 500,
    measuredMillis: 400,
    run: update
  },
  { name: "encode a packet of ten claims", run: encodeTen },
  {
    name: "decode a packet of ten claims",
    run: () => Packet.decode(datagram, inbound)
  },
  {
    name: "merge 1,000 members that are new",
    warmupMillis: 750,
    measuredMillis: 600,
    run: full
  },
  {
    name: "merge 1,000 members that are known",
    run: () => Merge.merge(thousand, rows(1), env())
  },
  {
    name: "encode a push/pull of 1,000",
    run: () => StreamBody.encodePushPull({ join: false, nodes: rows(1), userState: noLabel })
  },
  { name: "decode a push/pull of 1,000", run: decodePushPull },
  {
    // whole nodes: probes, gossip, push/pulls; what they do is counted as well, exactly
    name: "cluster: eight nodes join, and ten simulated seconds",
    warmupMillis: 4000,
    measuredMillis: 2000,
    run: () => cluster({ members: 8, seconds: 10 })
  }
]
