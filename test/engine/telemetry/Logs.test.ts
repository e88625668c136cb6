import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import { TestClock } from "effect/testing"
import { readdirSync, readFileSync } from "node:fs"
import * as Path from "node:path"
import { isPublic } from "../../../src/engine/telemetry/Exposure.ts"
import { type LogEntry, type LogMessage, table, textOf } from "../../../src/engine/telemetry/LogMessages.ts"
import * as Logs from "../../../src/engine/telemetry/Logs.ts"
import { makeRepeats, MAX_REPEATS, WINDOW } from "../../../src/engine/telemetry/Logs.ts"
import { Memberlist, MemberlistLive } from "../../../src/Memberlist.ts"
import { MemberlistConfig } from "../../../src/MemberlistConfig.ts"
import { JoinRejected, TransportError } from "../../../src/MemberlistError.ts"
import * as VirtualTime from "../../../src/testing/clock/VirtualTime.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import * as Message from "../../../src/wire/message/Message.ts"
import * as Checksum from "../../../src/wire/packet/Checksum.ts"
import * as Frame from "../../../src/wire/stream/Frame.ts"
import { clusterTest, joinAt, network, passing, start, startMany } from "../../support/Cluster.ts"
import { fakePeer, introduce, VSN } from "../../support/FakePeer.ts"
import { entries, type Logged, logging } from "../../support/Telemetry.ts"

/** No traffic but what a test causes. */
const quiet = { gossipInterval: 0, pushPullInterval: 0, probeInterval: 0 } as const

const soon = TestClock.adjust("50 millis")
const key = (byte: number) => new Uint8Array(16).fill(byte)

/** The only entry of a kind, with its level, its advice, and these annotations. */
const told = (log: ReadonlyArray<Logged>, entry: LogEntry, annotations: Readonly<Record<string, unknown>>) => {
  const message: LogMessage = table[entry]
  const found = log.filter(({ text }) => text === textOf(message))
  assert.strictEqual(found.length, 1, `${entry} in ${JSON.stringify(log)}`)
  assert.strictEqual(found[0]?.level, message.level)
  for (const [name, value] of Object.entries(annotations)) {
    assert.deepStrictEqual(found[0]?.annotations[name], value, name)
  }
}

describe("the log", () => {
  it("of a healthy cluster of five says nothing at info or above for an hour", () => {
    const node = (i: number) =>
      Effect.map(
        Layer.build(
          MemberlistLive.pipe(
            Layer.provide(SimulatedNetwork.transport(`10.0.0.${i}`)),
            // fewer ticks than LAN's, so that the hour is soon over; each kind of work is still done hundreds of times
            Layer.provide(MemberlistConfig.layer({
              ...MemberlistConfig.lan,
              name: `node-${i}`,
              probeInterval: "5 seconds",
              gossipInterval: "5 seconds"
            }))
          )
        ),
        Context.get(Memberlist)
      )
    const hour = logging((log) =>
      Effect.gen(function*() {
        const nodes = yield* Effect.forEach([1, 2, 3, 4, 5], node)
        for (const node of nodes) yield* node.join(["10.0.0.1"])
        for (let minute = 0; minute < 60; minute++) {
          yield* nodes[minute % 5]!.updateMeta(Uint8Array.of(minute))
          yield* Effect.sleep("1 minute")
        }
        return { log: [...log], members: (yield* nodes[0]!.members).length }
      })
    )
    const exit = VirtualTime.run(Effect.scoped(Effect.provide(hour, network())), { seed: "quiet" })
    assert.deepStrictEqual(exit, Exit.succeed({ log: [], members: 5 }))
  }, 60_000)

  clusterTest(
    "of the others says nothing at info or above when one leaves, and another comes",
    logging((log) =>
      Effect.gen(function*() {
        const [a, ...others] = yield* startMany(4)
        for (const [i, other] of others.entries()) {
          yield* passing(other.stop)
          yield* TestClock.adjust("5 seconds")
          yield* joinAt(yield* start(`new-${i}`, `10.0.1.${i}`), a!.address)
          yield* TestClock.adjust("5 seconds")
        }
        assert.deepStrictEqual(log, [])
      })
    )
  )

  clusterTest(
    "says nothing of a member that says goodbye while it is probed",
    logging((log) =>
      Effect.gen(function*() {
        const late = new TransportError({
          operation: "open",
          kind: "Refused",
          scope: "Remote",
          address: "10.0.0.9:7946",
          cause: new Error("ECONNREFUSED")
        })
        const node = yield* start("a", "10.0.0.1", {
          config: { pushPullInterval: 0 },
          transport: (inner) => ({
            ...inner,
            open: () => Effect.andThen(Effect.sleep("300 millis"), Effect.fail(late))
          })
        })
        const peer = yield* fakePeer("p", "10.0.0.9", {
          onMessage: (peer, { _tag }, from) =>
            _tag === "Ping" ? peer.send(from, { _tag: "Dead", incarnation: 1, node: "p", from: "p" }) : Effect.void
        })
        yield* peer.send(node, peer.alive())
        yield* TestClock.adjust("5 seconds")
        const counters = yield* node.cluster.counters
        assert.strictEqual(counters.get("probe.failed"), 1)
        assert.strictEqual(counters.get("send.failed:TCP ping"), 1)
        assert.deepStrictEqual(log, [])
      })
    )
  )

  clusterTest(
    "says nothing of packets that cannot be sent to the dead, who hear gossip for a while",
    logging((log) =>
      Effect.gen(function*() {
        const unreachable = new TransportError({
          operation: "send",
          kind: "Unreachable",
          scope: "Remote",
          address: "10.0.0.9:7946",
          cause: new Error("EHOSTUNREACH")
        })
        const node = yield* start("a", "10.0.0.1", {
          config: { probeInterval: "1 hour", pushPullInterval: 0 },
          transport: (inner) => ({ ...inner, send: () => Effect.fail(unreachable) })
        })
        const peer = yield* fakePeer("p", "10.0.0.9")
        yield* peer.send(node, peer.alive(), { _tag: "Dead", incarnation: 1, node: "p", from: "x" })
        yield* TestClock.adjust("1 second")
        assert.isAbove((yield* node.cluster.counters).get("send.failed:gossip") ?? 0, 0)
        assert.deepStrictEqual(log, [])
      })
    )
  )

  clusterTest(
    "tells a start, push/pulls, streams and unanswered pings at debug",
    logging(
      (log) =>
        Effect.gen(function*() {
          const [, b] = yield* startMany(2)
          const net = yield* SimulatedNetwork
          yield* net.crash(b!.ip)
          yield* TestClock.adjust("5 seconds")
          const texts = log.filter(({ level }) => level === "Debug").map(({ text }) => text)
          const debugged = [
            "Started",
            "PushPullStarted",
            "StreamAccepted",
            "PingUnanswered",
            "StreamPingFailed"
          ] as const
          for (const entry of debugged) {
            assert.include(texts, textOf(table[entry]))
          }
        }),
      "Debug"
    )
  )

  clusterTest(
    "tells at info that a member is suspected, and that its suspicion ended, with the confirmations",
    logging((log) =>
      Effect.gen(function*() {
        const nodes = yield* startMany(5)
        const net = yield* SimulatedNetwork
        yield* net.crash(nodes[4]!.ip)
        yield* TestClock.adjust("1 minute")
        // the one that is unreachable suspects the others
        const suspected = entries(log, "suspecting a member").filter(({ annotations }) => annotations["node"] !== "e")
        assert.isAbove(suspected.length, 0)
        assert.strictEqual(suspected[0]?.level, "Info")
        assert.strictEqual(suspected[0]?.annotations["member"], "e")
        assert.strictEqual(suspected[0]?.annotations["incarnation"], 1)
        assert.strictEqual(suspected[0]?.annotations["peer"], "10.0.0.5:7946")
        const failed = entries(log, "declaring a member failed").find(({ annotations }) => annotations["node"] !== "e")
        assert.strictEqual(failed?.level, "Info")
        assert.strictEqual(failed?.annotations["member"], "e")
        assert.isAtLeast(Number(failed?.annotations["confirmations"]), 1)
        assert.include(["a", "b", "c", "d"], failed?.annotations["node"])
      })
    )
  )

  clusterTest(
    "tells once of one suspicion, however many probes fail meanwhile, and again of the next",
    logging((log) =>
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", { config: { suspicionMult: 10, awarenessMaxMultiplier: 1 } })
        const peer = yield* fakePeer("p", "10.0.0.9", { onMessage: "none" })
        const suspected = () => entries(log, "suspecting a member").map(({ annotations }) => annotations["incarnation"])
        yield* peer.send(a, peer.alive())
        yield* TestClock.adjust("8 seconds")
        assert.isAbove((yield* a.cluster.counters).get("probe.failed") ?? 0, 2)
        assert.deepStrictEqual(suspected(), [1])
        yield* peer.send(a, peer.alive({ incarnation: 2 }))
        yield* TestClock.adjust("8 seconds")
        assert.deepStrictEqual(suspected(), [1, 2])
      })
    )
  )

  clusterTest(
    "does not tell of a suspicion that the member refuted while the probe failed",
    logging((log) =>
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1")
        let incarnation = 1
        // it announces itself anew whenever it is pinged, and never answers
        const peer = yield* fakePeer("p", "10.0.0.9", {
          onMessage: (peer, message, from) =>
            message._tag === "Ping" ? peer.send(from, peer.alive({ incarnation: ++incarnation })) : Effect.void
        })
        yield* peer.send(a, peer.alive())
        yield* TestClock.adjust("8 seconds")
        assert.isAbove((yield* a.cluster.counters).get("probe.failed") ?? 0, 2)
        assert.notInclude(a.seen, "MemberSuspected p")
        assert.deepStrictEqual(entries(log, "suspecting a member"), [])
      })
    )
  )

  clusterTest(
    "tells at info that a departed name came back elsewhere, and from where to where",
    logging((log) =>
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", { config: quiet })
        const peer = yield* fakePeer("p", "10.0.0.9")
        yield* peer.send(a, peer.alive())
        yield* peer.send(a, { _tag: "Dead", incarnation: 1, node: "p", from: "p" })
        yield* soon
        yield* peer.send(a, peer.alive({ incarnation: 2, addr: Uint8Array.of(10, 0, 0, 8) }))
        yield* soon
        told(log, "AddressTaken", {
          member: "p",
          incarnation: 2,
          peer: "10.0.0.8:7946",
          detail: "it was at 10.0.0.9:7946"
        })
      })
    )
  )
})

describe("a warning", () => {
  it("and an error always says what to do", () => {
    for (const [name, message] of Object.entries<LogMessage>(table)) {
      if (message.level !== "Warn" && message.level !== "Error") continue
      assert.isAtLeast(message.advice.length, 20, name)
      assert.include(textOf(message), message.advice)
    }
  })

  it("is written by nobody but Logs.ts, so that the table has them all", () => {
    const folder = Path.resolve(import.meta.dirname, "../../../src")
    for (const room of ["engine", "node"]) {
      for (const file of readdirSync(Path.join(folder, room), { encoding: "utf8", recursive: true })) {
        if (Path.basename(file) === "Logs.ts" || !file.endsWith(".ts")) continue
        assert.notMatch(readFileSync(Path.join(folder, room, file), "utf8"), /Effect\.log[A-Z]?\w*\(/, file)
      }
    }
  })

  clusterTest(
    "tells of a wrong key, once, on both kinds of carrier",
    logging((log) =>
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", { config: { ...quiet, secretKey: Redacted.make(key(1)) } })
        const b = yield* start("b", "10.0.0.2", { config: { ...quiet, secretKey: Redacted.make(key(2)) } })
        yield* Effect.ignore(joinAt(b, a.address))
        told(log, "StreamRejected.Undecryptable", { node: "a", reason: "Undecryptable" })
        for (let i = 0; i < 3; i++) yield* b.cluster.send({ address: "10.0.0.1:7946" }, new Uint8Array(1))
        yield* soon
        told(log, "PacketRejected.Undecryptable", { node: "a", peer: "10.0.0.2:7946", reason: "Undecryptable" })
      })
    )
  )

  clusterTest(
    "tells of a wrong label: perhaps a peer of another cluster",
    logging((log) =>
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", { config: { ...quiet, label: "blue" } })
        const b = yield* start("b", "10.0.0.2", { config: { ...quiet, label: "green" } })
        yield* b.cluster.send({ address: "10.0.0.1:7946" }, new Uint8Array(1))
        yield* Effect.ignore(joinAt(b, a.address))
        told(log, "PacketRejected.LabelMismatch", { node: "a", peer: "10.0.0.2:7946", reason: "LabelMismatch" })
        told(log, "StreamRejected.LabelMismatch", { node: "a", reason: "LabelMismatch" })
        assert.isNotEmpty(entries(log, "another cluster"))
      })
    )
  )

  clusterTest(
    "tells of a member that TCP reaches and UDP does not, and what to open",
    logging((log) =>
      Effect.gen(function*() {
        const nodes = yield* startMany(2)
        const net = yield* SimulatedNetwork
        yield* net.cut("10.0.0.1", "10.0.0.2", "packets")
        yield* TestClock.adjust("1 minute")
        const [first, ...rest] = entries(log, "answers over TCP but not over UDP").filter(({ annotations }) =>
          annotations["node"] === "a"
        )
        assert.deepStrictEqual(rest, [])
        assert.strictEqual(first?.level, "Warn")
        assert.strictEqual(first?.annotations["member"], nodes[1]!.name)
        assert.include(first?.text, "UDP port")
      })
    )
  )

  clusterTest(
    "tells of a full queue",
    logging((log) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", {
          config: { ...quiet, handoffQueueDepth: 1 },
          delegate: { admit: ({ name }) => name === "a" ? Effect.void : Effect.sleep("1 second") }
        })
        const peer = yield* fakePeer("p", "10.0.0.9", { onMessage: "none" })
        yield* peer.send(node, peer.alive())
        yield* soon
        const users = Array.from({ length: 5 }, () => ({ _tag: "User", payload: new Uint8Array(1) }) as const)
        yield* peer.send(node, ...users)
        yield* soon
        told(log, "QueueFull", { node: "a", peer: "10.0.0.9:7946", reason: "QueueFull" })
      })
    )
  )

  clusterTest(
    "tells of a stream that was refused for its bytes, and of one that broke; not of one that was only opened",
    logging((log) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: { ...quiet, tcpTimeout: "2 seconds" } })
        const peer = yield* fakePeer("p", "10.0.0.9")
        yield* passing(Effect.scoped(peer.dial(node)))
        yield* TestClock.adjust("1 second")
        const ours = () => log.filter(({ annotations }) => "node" in annotations)
        assert.deepStrictEqual(ours(), [])
        yield* peer.ask(node, Uint8Array.of(99))
        told(log, "StreamRejected.UnsupportedType", { node: "a", reason: "UnsupportedType" })
        yield* passing(Effect.scoped(Effect.gen(function*() {
          const stuck = yield* peer.dial(node)
          yield* Effect.orDie(stuck.write(Uint8Array.of(6)))
          yield* Effect.sleep("3 seconds")
        })))
        told(log, "StreamFailed", { node: "a", reason: "Timeout" })
      })
    )
  )

  clusterTest(
    "tells at the start of a public address without encryption, and not of a private one",
    logging((log) =>
      Effect.gen(function*() {
        yield* start("private", "10.0.0.1")
        yield* start("sealed", "8.8.4.4", { config: { secretKey: Redacted.make(key(1)) } })
        assert.deepStrictEqual(log, [])
        yield* start("public", "8.8.8.8")
        told(log, "PublicWithoutEncryption", { node: "public", peer: "8.8.8.8:7946" })
      })
    )
  )

  clusterTest(
    "tells of too many push/pulls",
    logging((log) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", {
          config: { ...quiet, maxPushPulls: 1 },
          delegate: { localState: () => Effect.as(Effect.sleep("1 second"), new Uint8Array(0)) }
        })
        const peer = yield* fakePeer("p", "10.0.0.9")
        const request = Frame.encodePushPull({ join: false, nodes: [peer.row()], userState: new Uint8Array(0) })
        yield* passing(Effect.scoped(Effect.gen(function*() {
          const first = yield* peer.dial(node)
          yield* Effect.orDie(first.write(request))
          yield* Effect.sleep("100 millis")
          const second = yield* peer.dial(node)
          yield* Effect.orDie(second.write(request))
          yield* Effect.sleep("100 millis")
        })))
        told(log, "TooManyPushPulls", { node: "a", reason: "TooManyPushPulls" })
      })
    )
  )

  clusterTest(
    "tells of a receiver that fails, and the node goes on",
    logging((log) =>
      Effect.gen(function*() {
        let failures = 0
        const node = yield* start("a", "10.0.0.1", {
          config: quiet,
          transport: (inner) => ({
            ...inner,
            packets: Effect.suspend(() =>
              failures++ === 0
                ? Effect.fail(
                  new TransportError({
                    operation: "receive",
                    kind: "Unknown",
                    scope: "Local",
                    address: "10.0.0.1:7946",
                    cause: new Error("ENOBUFS")
                  })
                )
                : inner.packets
            )
          })
        })
        const peer = yield* fakePeer("p", "10.0.0.9")
        yield* TestClock.adjust("1 second")
        told(log, "ReceiveFailed", { node: "a", reason: "packet receiver" })
        yield* peer.send(node, peer.ping(1))
        yield* soon
        assert.strictEqual(peer.all("Ack").length, 1)
      })
    )
  )

  clusterTest(
    "tells of two nodes with one name, and both addresses",
    logging((log) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: quiet })
        const peer = yield* fakePeer("p", "10.0.0.9")
        yield* peer.send(node, peer.alive())
        yield* soon
        yield* peer.send(node, peer.alive({ incarnation: 2, addr: Uint8Array.of(10, 0, 0, 8) }))
        yield* soon
        const [conflict] = entries(log, "claim one name")
        assert.strictEqual(conflict?.level, "Error")
        assert.strictEqual(conflict?.annotations["member"], "p")
        const text = JSON.stringify(conflict?.annotations)
        assert.include(text, "10.0.0.9:7946")
        assert.include(text, "10.0.0.8:7946")
      })
    )
  )

  clusterTest(
    "tells of a state above 60 % of what a frame may hold, and not of one below",
    logging((log) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: { ...quiet, secretKey: Redacted.make(key(1)) } })
        const peer = yield* fakePeer("p", "10.0.0.9")
        const announce = (size: number) =>
          passing(Effect.scoped(Effect.gen(function*() {
            const connection = yield* peer.dial(node)
            const header = Buffer.alloc(5)
            header[0] = Message.MessageType.Encrypt
            header.writeUInt32BE(size, 1)
            yield* Effect.orDie(connection.write(header))
            yield* Effect.sleep("100 millis")
          })))
        const sizeTold = () => entries(log, "above 60 %").map(({ annotations }) => annotations["detail"])
        yield* announce(0.6 * 20_971_520)
        assert.deepStrictEqual(sizeTold(), [])
        yield* announce(0.6 * 20_971_520 + 1)
        assert.deepStrictEqual(sizeTold(), ["12582913 bytes of at most 20971520"])
        told(log, "RemoteStateLarge", { node: "a" })
      })
    )
  )

  clusterTest(
    "tells of a refuted accusation, and who accused",
    logging((log) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: quiet })
        const peer = yield* fakePeer("p", "10.0.0.9")
        yield* introduce(node, peer)
        yield* TestClock.adjust("1 second")
        yield* peer.send(node, { _tag: "Suspect", incarnation: 1, node: "a", from: "p" })
        yield* soon
        told(log, "Refuted", { node: "a", reason: "Suspect", accuser: "p", incarnation: 2 })
      })
    )
  )

  for (
    const [what, leaves] of [["was killed", false], ["left", true]] as const
  ) {
    clusterTest(
      `is not told of a node that ${what} and is started again: its claim about itself is no sign that it is slow`,
      logging((log) =>
        Effect.gen(function*() {
          const config = { leaveTimeout: "2 seconds" } as const
          const [a] = yield* startMany(2, { config })
          const net = yield* SimulatedNetwork
          const first = yield* start("c", "10.0.0.3", { config: { ...config, leaveTimeout: leaves ? "2 seconds" : 0 } })
          yield* joinAt(first, a!.address)
          yield* TestClock.adjust("5 seconds")
          if (!leaves) yield* net.cut("*", first.ip)
          yield* passing(first.stop)
          yield* TestClock.adjust(leaves ? "1 second" : "3 seconds")
          if (!leaves) yield* net.heal()
          const again = yield* start("c", "10.0.0.3", { config })
          yield* TestClock.adjust("5 seconds")
          yield* joinAt(again, a!.address)
          yield* TestClock.adjust("20 seconds")
          assert.isAbove((yield* again.cluster.localMember).incarnation, 1)
          assert.deepStrictEqual(entries(log, /refuted/), [])
          assert.deepStrictEqual(entries(log, textOf(table.EarlierLife)).map(({ level }) => level), ["Debug"])
          const aloud = log.filter(({ annotations, level }) => annotations["node"] === "c" && level !== "Debug")
          assert.deepStrictEqual(aloud.map(({ text }) => text), [])
        }), "Debug")
    )
  }

  clusterTest(
    "tells the end of a split on each side as its last word about it",
    logging((log) =>
      Effect.gen(function*() {
        const nodes = yield* startMany(5)
        yield* TestClock.adjust("1 minute")
        const net = yield* SimulatedNetwork
        yield* net.partition([["10.0.0.1", "10.0.0.2", "10.0.0.3"], ["10.0.0.4", "10.0.0.5"]])
        yield* TestClock.adjust("75 seconds")
        yield* net.heal()
        yield* TestClock.adjust("2 minutes")
        const texts = ([table.SplitSuspected, table.Healed, table.Whole] as const).map(textOf)
        for (const { name } of nodes) {
          const said = log.filter(({ annotations, text }) => annotations["node"] === name && texts.includes(text))
          assert.deepStrictEqual(said.map(({ text }) => texts.indexOf(text)), [0, 1, 2], name)
          assert.strictEqual(said[2]?.annotations["detail"], "it is back")
        }
      })
    )
  )

  clusterTest(
    "is told of names that cannot be members', once, and not for each row of a list",
    logging((log) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: quiet })
        const peer = yield* fakePeer("p", "10.0.0.9")
        const nodes = [peer.row({ name: "caf\udce9" }), peer.row({ name: "caf\udce9", state: 3 })]
        yield* peer.ask(node, Frame.encodePushPull({ join: false, nodes, userState: new Uint8Array() }))
        yield* soon
        told(log, "NameRefused", { node: "a", member: "caf\\u{dce9}", reason: "NameInvalid" })
      })
    )
  )

  clusterTest(
    "tells of packets that are corrupted, cut short, unknown or for somebody else, with their sender",
    logging((log) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: quiet })
        const peer = yield* fakePeer("p", "10.0.0.9")
        const corrupt = Checksum.add(Message.encode(peer.ping(1)))
        corrupt[1] = (corrupt[1] ?? 0) ^ 1
        yield* peer.sendBytes(node, corrupt)
        yield* peer.sendBytes(node, Uint8Array.of(7, 2, 0, 9, 0, 9, 1))
        yield* peer.sendBytes(node, Uint8Array.of(99))
        yield* peer.send(node, peer.ping(1, "z"))
        yield* soon
        const from = { node: "a", peer: "10.0.0.9:7946" }
        told(log, "PacketRejected.ChecksumMismatch", from)
        told(log, "PacketRejected.Truncated", from)
        told(log, "PacketRejected.UnsupportedType", from)
        told(log, "PingForAnother", from)
      })
    )
  )

  clusterTest(
    "tells of members that are ignored for their versions, incarnation or network, or a full table",
    logging((log) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", {
          config: { ...quiet, cidrsAllowed: ["10.0.0.0/8"], maxMembers: 2 }
        })
        const peer = yield* fakePeer("p", "10.0.0.9")
        yield* peer.send(node, peer.alive({ vsn: new Uint8Array(0) }))
        yield* peer.send(node, peer.alive({ addr: Uint8Array.of(192, 168, 0, 1) }))
        yield* peer.send(node, peer.alive(), peer.alive({ node: "q" }))
        yield* soon
        told(log, "VersionsRefused", { node: "a", member: "p", reason: "VersionsMissing" })
        told(log, "AddressNotAllowed", { node: "a", member: "p" })
        told(log, "TableFull", { node: "a", member: "q" })
        yield* peer.send(node, peer.alive({ incarnation: 2 ** 31 }))
        yield* soon
        told(log, "IncarnationJump", { node: "a", member: "p" })
      })
    )
  )

  clusterTest(
    "tells of lists that are refused, members that are not admitted and seeds that have no address",
    logging((log) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", {
          config: quiet,
          delegate: {
            admit: ({ name }) => name === "a" ? Effect.void : Effect.fail(new JoinRejected({ reason: "unknown" })),
            merge: () => Effect.fail(new JoinRejected({ reason: "closed" }))
          }
        })
        const peer = yield* fakePeer("p", "10.0.0.9")
        yield* peer.send(node, peer.alive())
        yield* peer.ask(node, Frame.encodePushPull({ join: true, nodes: [peer.row()], userState: new Uint8Array(0) }))
        yield* Effect.ignore(joinAt(node, "nowhere.example"))
        told(log, "NotAdmitted", { node: "a", member: "p", incarnation: 1, detail: "unknown" })
        told(log, "ListRefused", { node: "a", reason: "JoinRejected" })
        told(log, "SeedUnresolvable", { node: "a", seed: "nowhere.example" })
      })
    )
  )

  clusterTest(
    "tells of packets that could not be sent, and of exchanges that failed",
    logging((log) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", {
          config: { ...quiet, pushPullInterval: "5 seconds", tcpTimeout: "1 second" },
          transport: (inner) => ({
            ...inner,
            send: (to) =>
              Effect.fail(
                new TransportError({
                  operation: "send",
                  kind: "Unreachable",
                  scope: "Remote",
                  address: to.ip,
                  cause: new Error("EHOSTUNREACH")
                })
              )
          })
        })
        const peer = yield* fakePeer("p", "10.0.0.9")
        yield* peer.send(node, peer.ping(1), { ...peer.alive(), vsn: VSN })
        yield* TestClock.adjust("20 seconds")
        told(log, "SendFailed", { node: "a", reason: "ack", peer: "10.0.0.9:7946" })
        const [failed] = entries(log, "could not exchange state")
        assert.strictEqual(failed?.level, "Error")
        assert.strictEqual(failed?.annotations["member"], "p")
      })
    )
  )

  clusterTest(
    "tells of a subscriber that loses events, and of a hook that dies",
    logging((log) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", {
          config: { ...quiet, eventBuffer: 1 },
          delegate: { ackPayload: Effect.die(new Error("a defect in the hook")) }
        })
        const peer = yield* fakePeer("p", "10.0.0.9")
        const rows = Array.from({ length: 5 }, (_, i) => peer.row({ name: `m${i}` }))
        yield* peer.ask(node, Frame.encodePushPull({ join: false, nodes: rows, userState: new Uint8Array(0) }))
        yield* peer.send(node, peer.ping(1))
        yield* soon
        told(log, "SubscriberSlow", { node: "a", reason: "event" })
        told(log, "HookDied", { node: "a", reason: "ackPayload" })
      })
    )
  )
})

describe("a repeated warning", () => {
  const refused = "unknown here"

  clusterTest(
    "is written at once, then summed up every ten seconds until it stops",
    logging((log) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: quiet })
        const peer = yield* fakePeer("p", "10.0.0.9")
        const send = (n: number) =>
          Effect.gen(function*() {
            for (let i = 0; i < n; i++) yield* peer.sendBytes(node, Uint8Array.of(99))
            yield* soon
          })
        yield* send(1)
        assert.strictEqual(entries(log, refused).length, 1)
        yield* send(41)
        assert.strictEqual(entries(log, refused).length, 1)
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(entries(log, refused).length, 2)
        const [, summary] = entries(log, refused)
        assert.include(summary?.text, "and 41 more in the last 10 s")
        assert.strictEqual(summary?.level, "Error")
        assert.strictEqual(summary?.annotations["peer"], "10.0.0.9:7946")
        yield* send(2)
        yield* TestClock.adjust("10 seconds")
        assert.include(entries(log, refused)[2]?.text, "and 2 more")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(entries(log, refused).length, 3)
        yield* send(1)
        assert.strictEqual(entries(log, refused).length, 4)
      })
    )
  )

  clusterTest(
    "is kept apart by peer, and summed up when the node stops",
    logging((log) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: { ...quiet, leaveTimeout: 0 } })
        const p = yield* fakePeer("p", "10.0.0.9")
        const q = yield* fakePeer("q", "10.0.0.8")
        for (const peer of [p, q, p]) yield* peer.sendBytes(node, Uint8Array.of(99))
        yield* soon
        const peers = () => entries(log, refused).map(({ annotations }) => annotations["peer"])
        assert.sameMembers([...peers()], ["10.0.0.9:7946", "10.0.0.8:7946"])
        yield* passing(node.stop)
        assert.strictEqual(peers()[2], "10.0.0.9:7946")
        assert.include(entries(log, refused)[2]?.text, "and 1 more")
      })
    )
  )

  it("is remembered in a bounded table, in which too many peers share one place", () => {
    const repeats = makeRepeats<string>()
    const admitted = Array.from(
      { length: 10_000 },
      (_, i) => repeats.admit(0, { what: "PacketRejected:Empty", subject: `10.0.${i >> 8}.${i & 255}` }, `${i}`)
    )
    // each peer's first, and then the first that found no place of its own
    assert.strictEqual(admitted.filter((first) => first).length, MAX_REPEATS + 1)
    assert.strictEqual(repeats.size(), MAX_REPEATS + 1)
    assert.deepStrictEqual(repeats.due(WINDOW - 1), [])
    assert.deepStrictEqual(repeats.due(WINDOW), [{ last: "9999", more: 10_000 - MAX_REPEATS - 1 }])
    assert.strictEqual(repeats.size(), 1)
    assert.deepStrictEqual(repeats.due(2 * WINDOW), [])
    assert.strictEqual(repeats.size(), 0)
    assert.isUndefined(repeats.nextDue())
  })

  it.effect("waits in a bounded queue, and what does not fit is counted", () =>
    logging((log) =>
      Effect.gen(function*() {
        let dropped = 0
        const logs = yield* Logs.make({ name: "a", now: () => 0, onDrop: () => dropped++ })
        for (let i = 0; i < Logs.MAX_NOTED + 10; i++) logs.note("MemberFailed", { member: `m${i}` })
        assert.strictEqual(dropped, 10)
        yield* logs.flush
        assert.strictEqual(log.length, Logs.MAX_NOTED)
      })
    ))

  it.effect("has no place for what is noted at debug when nobody reads that, and makes none of its text", () =>
    logging((log) =>
      Effect.gen(function*() {
        let made = 0
        const noted = (debugs: boolean) =>
          Effect.gen(function*() {
            const logs = yield* Logs.make({ name: "a", now: () => 0, onDrop: () => assert.fail("dropped"), debugs })
            for (let i = 0; i < 100; i++) {
              logs.note("VerdictHeard", {
                member: `m${i}`,
                verdict: () => `line ${made++}`
              })
            }
            logs.note("MemberFailed", { member: "b" })
            const waiting = logs.noted()
            yield* logs.flush
            return waiting
          })
        assert.deepStrictEqual([yield* noted(false), made], [1, 0])
        assert.deepStrictEqual([yield* Effect.provideService(noted(true), References.MinimumLogLevel, "Debug"), made], [
          101,
          100
        ])
        assert.strictEqual(log.filter(({ level }) => level === "Info").length, 2)
      })
    ))
})

describe("a public address", () => {
  it("is one in no special-purpose network", () => {
    const publicOnes = [[8, 8, 8, 8], [172, 32, 0, 1], [100, 128, 0, 1], [0x20, 0x01, 0x48, 0x60, ...Array(12).fill(1)]]
    const others = [
      [10, 1, 2, 3],
      [127, 0, 0, 1],
      [172, 16, 0, 1],
      [192, 168, 1, 1],
      [169, 254, 0, 1],
      [100, 64, 0, 1],
      [...Array(15).fill(0), 1],
      [0xfd, ...Array(15).fill(1)],
      [0xfe, 0x80, ...Array(14).fill(1)]
    ]
    for (const bytes of publicOnes) assert.isTrue(isPublic(Uint8Array.from(bytes)), bytes.join("."))
    for (const bytes of others) assert.isFalse(isPublic(Uint8Array.from(bytes)), bytes.join("."))
    assert.isFalse(isPublic(new Uint8Array(5)))
  })
})
