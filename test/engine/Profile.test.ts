import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { ipBytes } from "../../src/base/Address.ts"
import { clusterTest, type NodeOptions, start, stateOf } from "../support/Cluster.ts"
import { type FakePeer, fakePeer, type FakePeerOptions, introduce, mute, nacking } from "../support/FakePeer.ts"

const probing = {
  gossipInterval: 0,
  pushPullInterval: 0,
  disableTcpPings: true,
  probeInterval: "1 second",
  probeTimeout: "100 millis",
  leaveTimeout: 0
} as const

const profiles = ["memberlist", "paper"] as const
type Config = NonNullable<NodeOptions["config"]>

/** The health right after the first probe of a silent member, with these helpers. */
const healthAfter = Effect.fnUntraced(function*(config: Config, ...helpers: ReadonlyArray<FakePeerOptions>) {
  const node = yield* start("a", "10.0.0.1", { config: { ...probing, ...config } })
  const peers: Array<FakePeer> = []
  for (const [i, options] of helpers.entries()) peers.push(yield* fakePeer(`h${i}`, `10.0.0.${i + 2}`, options))
  yield* introduce(node, ...peers, yield* fakePeer("dead", "10.0.0.9", { onMessage: "none" }))
  // in small steps, because the next probe changes the health again
  for (let i = 0; i < 10_000 && (yield* stateOf(node, "dead")) === "alive"; i++) yield* TestClock.adjust("1 millis")
  return { health: yield* node.cluster.health, peers }
})

/** Makes a node accuse a member before it probes it. */
const suspected = Effect.fnUntraced(function*(config: Config) {
  const node = yield* start("a", "10.0.0.1", { config: { ...probing, suspicionMult: 30, ...config } })
  const target = yield* fakePeer("t", "10.0.0.9", { onMessage: "none" })
  yield* introduce(node, target)
  yield* target.send(node, { _tag: "Suspect", incarnation: 1, node: "t", from: "b" })
  yield* TestClock.adjust("20 millis")
  return { node, target }
})

describe("the paper's profile", () => {
  for (const profile of profiles) {
    const paper = profile === "paper"

    clusterTest(
      `${paper ? "stretches" : "is not asked to stretch"} the probe timeout with the local health score: ${profile}`,
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: { ...probing, profile } })
        const peer = yield* fakePeer("p", "10.0.0.9", { onMessage: "none" })
        for (const incarnation of [1, 2, 3]) {
          yield* peer.send(node, { _tag: "Suspect", incarnation, node: "a", from: "p" })
          yield* TestClock.adjust("10 millis")
        }
        assert.strictEqual(yield* node.cluster.health, 3)
        const helper = yield* fakePeer("h", "10.0.0.2", mute)
        yield* introduce(node, peer, helper)
        for (let i = 0; i < 2000 && helper.all("IndirectPing").length === 0; i++) yield* TestClock.adjust("10 millis")
        const asked = helper.heard.find(({ message }) => message._tag === "IndirectPing")?.at ?? NaN
        const seqNo = helper.all("IndirectPing")[0]?.seqNo
        const pinged = peer.heard.find(({ message }) => message._tag === "Ping" && message.seqNo === seqNo)?.at ?? NaN
        const [least, most] = paper ? [390, 410] : [90, 110]
        assert.isTrue(asked - pinged >= least && asked - pinged <= most, `asked after ${asked - pinged} ms`)
      })
    )

    clusterTest(
      `makes a failed probe cost ${paper ? 1 : 0} when every helper nacked: ${profile}`,
      Effect.gen(function*() {
        assert.strictEqual((yield* healthAfter({ profile }, nacking, nacking)).health, paper ? 1 : 0)
      })
    )

    clusterTest(
      `makes missing nacks cost ${paper ? "one point together" : "one point each"}: ${profile}`,
      Effect.gen(function*() {
        assert.strictEqual((yield* healthAfter({ profile }, mute, mute, mute)).health, paper ? 2 : 3)
      })
    )

    clusterTest(
      `${paper ? "asks" : "is needed to ask"} for no nacks where the score is switched off: ${profile}`,
      Effect.gen(function*() {
        const { peers } = yield* healthAfter({ profile, awarenessMaxMultiplier: 1 }, nacking)
        assert.deepStrictEqual(peers[0]?.all("IndirectPing").map(({ nack }) => nack), [!paper])
      })
    )

    clusterTest(
      `makes a helper nack after ${paper ? 80 : 100} % of the probe timeout: ${profile}`,
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: { ...probing, probeInterval: 0, profile } })
        const asker = yield* fakePeer("asker", "10.0.0.8")
        yield* fakePeer("t", "10.0.0.9", { onMessage: "none" })
        const addr = (ip: string) => ipBytes(ip) ?? new Uint8Array()
        yield* asker.send(node, {
          _tag: "IndirectPing",
          seqNo: 7,
          target: addr("10.0.0.9"),
          port: 7946,
          node: "t",
          nack: true,
          sourceAddr: addr(asker.ip),
          sourcePort: asker.port,
          sourceNode: asker.name
        })
        yield* TestClock.adjust("95 millis")
        assert.strictEqual(asker.all("Nack").length, paper ? 1 : 0)
        yield* TestClock.adjust("20 millis")
        assert.strictEqual(asker.all("Nack").length, 1)
      })
    )

    clusterTest(
      `makes a helper ${paper ? "tell" : "not tell"} a suspect of the suspicion: ${profile}`,
      Effect.gen(function*() {
        const { node, target } = yield* suspected({ profile, probeInterval: "1 hour" })
        const asker = yield* fakePeer("asker", "10.0.0.8")
        yield* asker.send(node, {
          _tag: "IndirectPing",
          seqNo: 7,
          target: ipBytes(target.ip) ?? new Uint8Array(),
          port: 7946,
          node: "t",
          nack: true,
          sourceAddr: ipBytes(asker.ip) ?? new Uint8Array(),
          sourcePort: asker.port,
          sourceNode: asker.name
        })
        yield* TestClock.adjust("20 millis")
        const ours = target.all("Suspect").filter(({ from }) => from === "a")
        assert.strictEqual(ours.length, paper ? 1 : 0)
      })
    )
  }
})

describe("the buddy system", () => {
  for (const buddySystem of [true, false]) {
    clusterTest(
      `${buddySystem ? "tells" : "switched off does not tell"} a suspect of the suspicion in the packet of the ping`,
      Effect.gen(function*() {
        const { target } = yield* suspected({ buddySystem })
        yield* TestClock.adjust("2 seconds")
        const pings = target.heard.filter(({ message }) => message._tag === "Ping")
        assert.isTrue(pings.length > 0)
        for (const { datagram } of pings) {
          const accused = target.heard.some(({ datagram: other, message }) =>
            other === datagram && message._tag === "Suspect" && message.from === "a"
          )
          assert.strictEqual(accused, buddySystem)
        }
      })
    )
  }
})

describe("suspicionConfirmations", () => {
  for (const [suspicionConfirmations, told] of [[undefined, 2], [0, 0], [1, 1], [3, 3]] as const) {
    clusterTest(
      `of ${suspicionConfirmations ?? "suspicionMult − 2"} passes on ${told} accusations of four`,
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", {
          config: { ...probing, probeInterval: "1 hour", gossipInterval: "10 millis", suspicionConfirmations }
        })
        const listener = yield* fakePeer("l", "10.0.0.2")
        const others: Array<FakePeer> = []
        for (let i = 3; i < 8; i++) others.push(yield* fakePeer(`p${i}`, `10.0.0.${i}`))
        yield* introduce(node, listener, ...others)
        yield* TestClock.adjust("1 second")
        listener.forget()
        yield* listener.send(node, { _tag: "Suspect", incarnation: 1, node: "p3", from: "first" })
        yield* TestClock.adjust("1 second")
        for (const from of ["w", "x", "y", "z"]) {
          yield* listener.send(node, { _tag: "Suspect", incarnation: 1, node: "p3", from })
          yield* TestClock.adjust("1 second")
        }
        const heard = new Set([listener, ...others].flatMap((peer) => peer.all("Suspect").map(({ from }) => from)))
        heard.delete("first")
        assert.strictEqual(heard.size, told)
      })
    )
  }
})
