import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import { JoinRejected } from "../../../src/MemberlistError.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import type { Connection } from "../../../src/Transport.ts"
import * as Message from "../../../src/wire/message/Message.ts"
import type { NodeState } from "../../../src/wire/message/Message.ts"
import * as Frame from "../../../src/wire/stream/Frame.ts"
import { clusterTest, joinAt, passing, start, startMany, type TestNode, view } from "../../support/Cluster.ts"
import { type FakePeer, fakePeer, plainly, readMessage } from "../../support/FakePeer.ts"

const bytes = (text: string) => new TextEncoder().encode(text)
const key = (text: string) => Redacted.make(bytes(text))
const KEY_A = "0123456789abcdef"
const KEY_B = "fedcba9876543210"

/** Joins, expecting every seed to fail; answers each seed's error tag and message. */
const failing = Effect.fnUntraced(function*(node: TestNode, ...seeds: ReadonlyArray<string>) {
  const error = yield* Effect.flip(joinAt(node, ...seeds))
  return error.failed.map(({ error, seed }) => ({ seed, tag: error._tag, message: error.message }))
})

const alone = Effect.fnUntraced(function*(...nodes: ReadonlyArray<TestNode>) {
  yield* TestClock.adjust("5 seconds")
  for (const node of nodes) assert.deepStrictEqual(yield* view(node), [`${node.name} alive`])
})

describe("join", () => {
  clusterTest(
    "tells for each seed what became of it, and one that works is enough",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2")
      const report = yield* joinAt(b, "nowhere.test", "10.0.0.1", "10.9.9.9:7946", "x/y/z", "10.0.0.1:99999")
      assert.deepStrictEqual(report.contacted, [{ seed: "10.0.0.1", address: "10.0.0.1:7946" }])
      assert.deepStrictEqual(report.failed.map(({ error, seed }) => [seed, error._tag]), [
        ["nowhere.test", "SeedUnresolvable"],
        ["10.9.9.9:7946", "TransportError"],
        ["x/y/z", "SeedInvalid"],
        ["10.0.0.1:99999", "SeedInvalid"]
      ])
      assert.deepStrictEqual(yield* view(a), ["a alive", "b alive"])
    })
  )

  clusterTest(
    "contacts every address of a seed that is a name",
    Effect.gen(function*() {
      yield* start("a", "10.0.0.1")
      yield* start("b", "10.0.0.2")
      const c = yield* start("c", "10.0.0.3")
      const report = yield* joinAt(c, "seeds.test")
      assert.deepStrictEqual(report.contacted.map(({ address }) => address), ["10.0.0.1:7946", "10.0.0.2:7946"])
      assert.deepStrictEqual(yield* view(c), ["a alive", "b alive", "c alive"])
    }),
    { hosts: { "seeds.test": ["10.0.0.1", "10.0.0.2"] } }
  )

  clusterTest(
    "through nobody but oneself contacts nobody, and so does a join without seeds",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const ourselves = [{ seed: "10.0.0.1", address: "10.0.0.1:7946" }]
      assert.deepStrictEqual(yield* joinAt(a, "10.0.0.1"), { contacted: [], ourselves, failed: [], untried: [] })
      assert.deepStrictEqual(yield* joinAt(a), { contacted: [], ourselves: [], failed: [], untried: [] })
    })
  )

  clusterTest(
    "fails when nobody but oneself can be reached, so that a list of seeds shared by all is tried again",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const seeds = ["10.0.0.1", "10.0.0.2"]
      const joining = yield* Effect.forkChild(Effect.retry(a.cluster.join(seeds), Schedule.spaced("1 second")))
      yield* TestClock.adjust("5 seconds")
      assert.isUndefined(joining.pollUnsafe())
      const b = yield* start("b", "10.0.0.2")
      const report = yield* passing(Fiber.join(joining))
      assert.deepStrictEqual(report.contacted, [{ seed: "10.0.0.2", address: "10.0.0.2:7946" }])
      assert.deepStrictEqual(report.ourselves, [{ seed: "10.0.0.1", address: "10.0.0.1:7946" }])
      assert.deepStrictEqual(yield* view(b), ["a alive", "b alive"])
    })
  )

  clusterTest(
    "does not meet itself in a list that has others on it",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2)
      const again = yield* joinAt(b!, a!.address, b!.address)
      assert.deepStrictEqual(again.contacted.map(({ address }) => address), [a!.address])
      assert.deepStrictEqual(again.ourselves.map(({ address }) => address), [b!.address])
    })
  )

  clusterTest(
    "fails with every seed's reason when none works",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const errors = yield* failing(a, "10.9.9.9", "nowhere.test")
      assert.deepStrictEqual(errors.map(({ tag }) => tag), ["TransportError", "SeedUnresolvable"])
      assert.include(errors[0]?.message, "10.9.9.9:7946")
    })
  )

  clusterTest(
    "with another key fails and changes nothing on either side",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: { secretKey: key(KEY_A) } })
      const b = yield* start("b", "10.0.0.2", { config: { secretKey: key(KEY_B) } })
      const [error] = yield* failing(b, a.address)
      assert.include(["ExchangeRejected", "RemoteRefused"], error?.tag)
      yield* alone(a, b)
    })
  )

  clusterTest(
    "without a key to a cluster that has one fails, and so does the other way round",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: { secretKey: key(KEY_A) } })
      const b = yield* start("b", "10.0.0.2")
      assert.strictEqual((yield* failing(b, a.address)).length, 1)
      assert.strictEqual((yield* failing(a, b.address)).length, 1)
      yield* alone(a, b)
    })
  )

  clusterTest(
    "with another label fails and changes nothing on either side",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: { label: "blue" } })
      const b = yield* start("b", "10.0.0.2", { config: { label: "green" } })
      const c = yield* start("c", "10.0.0.3")
      assert.deepStrictEqual((yield* failing(b, a.address)).map(({ tag }) => tag), ["ExchangeRejected"])
      assert.deepStrictEqual((yield* failing(c, a.address)).map(({ tag }) => tag), ["ExchangeRejected"])
      assert.deepStrictEqual((yield* failing(a, c.address)).map(({ tag }) => tag), ["ExchangeRejected"])
      yield* alone(a, b, c)
    })
  )

  clusterTest(
    "works with key, label and compression together",
    Effect.gen(function*() {
      const config = { secretKey: key(KEY_A), label: "blue", enableCompression: true }
      const nodes = yield* startMany(3, { config })
      yield* TestClock.adjust("30 seconds")
      for (const node of nodes) assert.deepStrictEqual(yield* view(node), ["a alive", "b alive", "c alive"])
      assert.isUndefined((yield* nodes[0]!.cluster.counters).get("probe.failed"))
    })
  )

  clusterTest(
    "under a name that a live member has fails with both addresses, and merges nothing",
    Effect.gen(function*() {
      const [a] = yield* startMany(2)
      const other = yield* start("b", "10.0.0.9")
      const [error] = yield* failing(other, a!.address)
      assert.strictEqual(error?.tag, "NameConflict")
      assert.include(error?.message, "10.0.0.9:7946")
      assert.include(error?.message, "10.0.0.2:7946")
      yield* alone(other)
      assert.deepStrictEqual(yield* view(a!), ["a alive", "b alive"])
      // nobody was told of the newcomer, so nobody saw a conflict
      assert.notInclude(a!.seen.join(), "Conflict")
    })
  )

  clusterTest(
    "that the other side's delegate vetoes fails with JoinRejected, its reason and its address",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", {
        delegate: { merge: () => Effect.fail(new JoinRejected({ reason: "the cluster is closed" })) }
      })
      const b = yield* start("b", "10.0.0.2")
      const [error] = yield* failing(b, a.address)
      assert.strictEqual(error?.tag, "JoinRejected")
      assert.strictEqual(error?.message, "rejected by 10.0.0.1:7946: the cluster is closed")
      assert.strictEqual((yield* a.cluster.counters).get("pushpull.refused:JoinRejected"), 1)
      yield* alone(a, b)
    })
  )

  clusterTest(
    "that a delegate vetoes with a long reason gets the first 1,024 characters",
    Effect.gen(function*() {
      yield* start("a", "10.0.0.1", {
        delegate: { merge: () => Effect.fail(new JoinRejected({ reason: "x".repeat(1 << 20) })) }
      })
      const b = yield* start("b", "10.0.0.2")
      const [error] = yield* failing(b, "10.0.0.1")
      assert.strictEqual(error?.message, `rejected by 10.0.0.1:7946: ${"x".repeat(1024)}…`)
    })
  )

  clusterTest(
    "that a peer answers with any other error is RemoteRefused with its text",
    Effect.gen(function*() {
      yield* fakePeer("go", "10.0.0.1", {
        onStream: (connection) =>
          Effect.ignore(connection.write(Message.encode({ _tag: "ErrorResponse", error: "Node too old" })))
      })
      const b = yield* start("b", "10.0.0.2")
      const [error] = yield* failing(b, "10.0.0.1")
      assert.strictEqual(error?.tag, "RemoteRefused")
      assert.strictEqual(error?.message, "10.0.0.1:7946 refused: Node too old")
    })
  )

  clusterTest(
    "that is vetoed tells a peer of another make in the protocol's error message",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", {
        delegate: { merge: () => Effect.fail(new JoinRejected({ reason: "the cluster is closed" })) }
      })
      const go = yield* fakePeer("go", "10.0.0.2")
      const request = Frame.encodePushPull({ join: true, nodes: [go.row()], userState: new Uint8Array() })
      const answer = yield* go.ask(a, request)
      assert.deepStrictEqual(answer, { _tag: "ErrorResponse", error: "join rejected: the cluster is closed" })
      yield* alone(a)
    })
  )

  clusterTest(
    "under a name that a silent member has takes it over, where nameConflictPolicy is replace",
    Effect.gen(function*() {
      const replace = { config: { nameConflictPolicy: "replace" } } as const
      const [a, old, c] = yield* startMany(3, replace)
      const net = yield* SimulatedNetwork
      yield* net.crash("10.0.0.2")
      const other = yield* start("b", "10.0.0.9", replace)
      assert.strictEqual((yield* joinAt(other, a!.address)).contacted.length, 1)
      yield* TestClock.adjust("2 seconds")
      for (const node of [a!, c!, other]) {
        const b = (yield* node.cluster.members).find(({ name }) => name === "b")
        assert.strictEqual(b?.address, "10.0.0.9:7946", node.name)
      }
      const updated = c!.events.findLast((event) => event._tag === "MemberUpdated")
      assert.strictEqual(updated?._tag === "MemberUpdated" ? updated.previous.address : undefined, old!.address)
      yield* TestClock.adjust("60 seconds")
      for (const node of [a!, c!, other]) {
        assert.deepStrictEqual(yield* view(node), ["a alive", "b alive", "c alive"])
        assert.notInclude(node.seen, "MemberFailed b")
      }
    })
  )

  clusterTest(
    "under a name that a live member has, where nameConflictPolicy is replace, pushes it out once and tells it",
    Effect.gen(function*() {
      const replace = { config: { nameConflictPolicy: "replace" } } as const
      const [a, old, c] = yield* startMany(3, replace)
      const other = yield* start("b", "10.0.0.9", replace)
      yield* joinAt(other, a!.address)
      yield* TestClock.adjust("5 minutes")
      for (const node of [a!, c!, other]) {
        const b = (yield* node.cluster.members).find(({ name }) => name === "b")
        assert.strictEqual(b?.address, "10.0.0.9:7946", node.name)
      }
      for (const node of [a!, c!]) {
        assert.deepStrictEqual(node.seen.filter((line) => line === "MemberUpdated b").length, 1)
        assert.isAtMost(node.seen.filter((line) => line === "MemberConflict b").length, 6)
      }
      // It goes on in its own eyes, and hears of the other.
      assert.strictEqual((yield* old!.cluster.localMember).address, old!.address)
      const told = old!.events.find((event) => event._tag === "MemberConflict")
      assert.strictEqual(told?._tag === "MemberConflict" ? told.other.address : undefined, "10.0.0.9:7946")
    })
  )

  clusterTest(
    "that our own delegate vetoes fails, and merges nothing here",
    Effect.gen(function*() {
      yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2", {
        delegate: { merge: () => Effect.fail(new JoinRejected({ reason: "not them" })) }
      })
      const [error] = yield* failing(b, "10.0.0.1")
      assert.strictEqual(error?.tag, "JoinRejected")
      assert.deepStrictEqual(yield* view(b), ["b alive"])
    })
  )

  clusterTest(
    "succeeds with nobody admitted, when delegates admit nobody but themselves",
    Effect.gen(function*() {
      const only = (name: string) => ({
        admit: (member: { readonly name: string }) =>
          member.name === name ? Effect.void : Effect.fail(new JoinRejected({ reason: "stranger" }))
      })
      const a = yield* start("a", "10.0.0.1", { delegate: only("a") })
      const b = yield* start("b", "10.0.0.2", { delegate: only("b") })
      assert.strictEqual((yield* joinAt(b, a.address)).contacted.length, 1)
      yield* alone(a, b)
    })
  )

  clusterTest(
    "fails after the TCP timeout when the seed accepts and never answers",
    Effect.gen(function*() {
      yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2", { config: { tcpTimeout: "2 seconds" } })
      const net = yield* SimulatedNetwork
      yield* net.cut("10.0.0.1", "10.0.0.2", "streams")
      const [error] = yield* failing(b, "10.0.0.1")
      assert.strictEqual(error?.tag, "TransportError")
      assert.include(error?.message, "timeout")
    })
  )

  clusterTest(
    "can be scoped: the scope's end leaves",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2")
      yield* passing(Effect.scoped(Effect.gen(function*() {
        yield* b.cluster.joinScoped([a.address])
        yield* Effect.sleep("2 seconds")
        assert.deepStrictEqual(yield* view(a), ["a alive", "b alive"])
      })))
      assert.deepStrictEqual(yield* view(a), ["a alive"])
      assert.include(a.seen, "MemberLeft b")
    })
  )

  clusterTest(
    "after a leave that finds nobody leaves the node outside",
    Effect.gen(function*() {
      const [, b] = yield* startMany(2)
      yield* passing(b!.cluster.leave())
      yield* failing(b!, "10.9.9.9")
      const error = yield* Effect.flip(b!.cluster.updateMeta(bytes("x")))
      assert.strictEqual(error._tag, "NotParticipating")
    })
  )

  clusterTest(
    "exchanges user state both ways, 1 MiB of it",
    Effect.gen(function*() {
      const state = new Uint8Array(1 << 20).map((_, i) => i * 31)
      const received: Array<{ readonly node: string; readonly size: number; readonly join: boolean }> = []
      const delegate = (node: string) => ({
        localState: () => Effect.succeed(state),
        mergeRemoteState: (bytes: Uint8Array, join: boolean) =>
          Effect.sync(() => {
            assert.deepStrictEqual(bytes, state)
            received.push({ node, size: bytes.length, join })
          })
      })
      yield* start("a", "10.0.0.1", { delegate: delegate("a") })
      const b = yield* start("b", "10.0.0.2", { delegate: delegate("b") })
      yield* joinAt(b, "10.0.0.1")
      assert.deepStrictEqual(received.map(({ node }) => node).sort(), ["a", "b"])
      assert.isTrue(received.every(({ join, size }) => join && size === 1 << 20))
    })
  )
})

describe("a peer that is asked for its list first", () => {
  const lists = (peer: () => FakePeer, row: (asked: boolean) => ReadonlyArray<NodeState>) => (connection: Connection) =>
    Effect.gen(function*() {
      const message = yield* readMessage(connection, "responder")
      if (message === "closed" || message._tag !== "PushPull") return
      const nodes = [peer().row(), ...row(message.nodes.length === 0)]
      const answer = Frame.encodePushPull({ join: true, nodes, userState: new Uint8Array() })
      yield* Effect.ignore(connection.write(Frame.frame(answer, plainly)))
    })

  clusterTest(
    "and closes without an answer is told as such, at once, and gets no list",
    Effect.gen(function*() {
      let asked = 0
      const peer = yield* fakePeer("p", "10.0.0.9", {
        onStream: (connection) =>
          Effect.flatMap(readMessage(connection, "responder"), (message) =>
            Effect.sync(() => {
              asked++
              if (message !== "closed" && message._tag === "PushPull") assert.deepStrictEqual(message.nodes, [])
            }))
      })
      const node = yield* start("a", "10.0.0.1")
      const joining = yield* Effect.forkChild(Effect.flip(node.cluster.join([peer.ip])), { startImmediately: true })
      yield* TestClock.adjust("50 millis")
      const error = yield* Fiber.join(joining)
      const cause = error._tag === "JoinFailed" ? error.failed[0]?.error : undefined
      assert.deepInclude(cause, { _tag: "ExchangeRejected", reason: "ClosedWithoutAnswer" })
      assert.strictEqual(asked, 1)
      yield* alone(node)
    })
  )

  clusterTest(
    "and knows more when it gets ours is vetoed by our delegate, which is asked about what is merged",
    Effect.gen(function*() {
      const late = (peer: FakePeer) => peer.row({ name: "late", addr: Uint8Array.of(10, 0, 0, 8) })
      const peer: FakePeer = yield* fakePeer("p", "10.0.0.9", {
        onStream: lists(() => peer, (asked) => asked ? [] : [late(peer)])
      })
      const seen: Array<ReadonlyArray<string>> = []
      const node = yield* start("a", "10.0.0.1", {
        delegate: {
          merge: (members) =>
            Effect.suspend(() => {
              seen.push(members.map(({ name }) => name))
              return members.some(({ name }) => name === "late")
                ? Effect.fail(new JoinRejected({ reason: "not that one" }))
                : Effect.void
            })
        }
      })
      const [error] = yield* failing(node, peer.ip)
      assert.strictEqual(error?.tag, "JoinRejected")
      assert.deepStrictEqual(seen, [["p"], ["p", "late"]])
      assert.deepStrictEqual(yield* view(node), ["a alive"])
    })
  )

  clusterTest(
    "and says the same when it gets ours is judged by our delegate once",
    Effect.gen(function*() {
      const peer: FakePeer = yield* fakePeer("p", "10.0.0.9", { onStream: lists(() => peer, () => []) })
      let asked = 0
      const node = yield* start("a", "10.0.0.1", {
        delegate: { merge: () => Effect.sync(() => void asked++) }
      })
      yield* joinAt(node, peer.ip)
      assert.strictEqual(asked, 1)
    })
  )

  clusterTest(
    "and knows our name at a higher incarnation when it gets ours is told a higher one, where we may take the name",
    Effect.gen(function*() {
      const other = (peer: FakePeer, incarnation: number) =>
        peer.row({ name: "a", addr: Uint8Array.of(10, 0, 0, 8), incarnation })
      const peer: FakePeer = yield* fakePeer("p", "10.0.0.9", {
        onStream: lists(() => peer, (asked) => [other(peer, asked ? 7 : 20)])
      })
      const node = yield* start("a", "10.0.0.1", { config: { nameConflictPolicy: "replace" } })
      yield* joinAt(node, peer.ip)
      yield* TestClock.adjust("2 seconds")
      const announced = peer.all("Alive").filter((claim) => claim.node === "a").map(({ incarnation }) => incarnation)
      assert.isAbove(Math.max(...announced), 20)
    })
  )
})
