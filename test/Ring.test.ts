import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import type { Member } from "../src/Member.ts"
import { Memberlist, MemberlistLive } from "../src/Memberlist.ts"
import * as MemberMeta from "../src/MemberMeta.ts"
import { type Moved, type Options, Ring } from "../src/Ring.ts"
import { SimulatedCluster, VirtualTime } from "../src/testing/index.ts"
import { SimulatedNetwork } from "../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, joinAt, passing, start, startMany, type TestNode } from "./support/Cluster.ts"
import { collect } from "./support/Collecting.ts"

const Cache = MemberMeta.make(Schema.Struct({ weight: Schema.Number }), { name: "cache" })

/** A ring on a node, until the scope ends. */
const ringOn = ({ cluster }: TestNode, options?: Options) =>
  Layer.build(Layer.fresh(Ring.layer(options))).pipe(
    Effect.provideService(Memberlist, cluster),
    Effect.map(Context.get(Ring))
  )

const nameOf = (member: Option.Option<Member>) => Option.getOrElse(Option.map(member, ({ name }) => name), () => "")

/** The owner of each slot, by name. */
const ownersOf = (ring: Ring["Service"]) => Effect.map(ring.owners, (owners) => owners.map(nameOf))

/** Which ways slots have moved, and how many. */
const ways = (batch: ReadonlyArray<Moved>): Readonly<Record<string, number>> => {
  const found: Record<string, number> = {}
  for (const { from, to } of batch) {
    const way = `${nameOf(from)}>${nameOf(to)}`
    found[way] = (found[way] ?? 0) + 1
  }
  return found
}

/** The owners that the batches of a stream come to. */
const replayed = (batches: ReadonlyArray<ReadonlyArray<Moved>>): ReadonlyArray<string> => {
  const owners = Array.from({ length: 4_096 }, () => "")
  for (const { from, slot, to } of batches.flat()) {
    assert.strictEqual(owners[slot], nameOf(from))
    owners[slot] = nameOf(to)
  }
  return owners
}

describe("a key", () => {
  clusterTest(
    "has one owner, the same at every member, which alone holds it for its own",
    Effect.gen(function*() {
      const nodes = yield* startMany(3)
      const rings = yield* Effect.forEach(nodes, (node) => ringOn(node))
      for (const key of ["", "user/42", "é", "orders"]) {
        const owners = yield* Effect.forEach(rings, ({ ownerOf }) => Effect.map(ownerOf(key), ({ name }) => name))
        assert.strictEqual(new Set(owners).size, 1)
        const mine = yield* Effect.forEach(rings, ({ isMine }) => isMine(key))
        assert.deepStrictEqual(mine, nodes.map(({ name }) => name === owners[0]))
        const slot = rings[0]!.slotOf(key)
        assert.deepStrictEqual([slot, (yield* ownersOf(rings[1]!))[slot]], [Ring.slotOf(key), owners[0]])
      }
      const all = yield* Effect.forEach(rings, ({ mine }) => mine)
      assert.deepStrictEqual(all.flat().sort((a, b) => a - b), Array.from({ length: 4_096 }, (_, slot) => slot))
    })
  )

  clusterTest(
    "has others behind its owner, each once, as many as are asked for and there are",
    Effect.gen(function*() {
      const nodes = yield* startMany(4)
      const [first, second] = yield* Effect.forEach(nodes.slice(0, 2), (node) => ringOn(node))
      const names = (ring: Ring["Service"], count: number) =>
        Effect.map(ring.ownersOf("user/42", count), (members) => members.map(({ name }) => name))
      const all = yield* names(first!, 10)
      assert.sameMembers(all, ["a", "b", "c", "d"])
      assert.deepStrictEqual(yield* names(second!, 4), all)
      assert.deepStrictEqual([yield* names(first!, 2), yield* names(first!, 0)], [all.slice(0, 2), []])
      assert.strictEqual((yield* first!.ownerOf("user/42")).name, all[0])
      // the next one takes over
      const owner = nodes.find(({ name }) => name === all[0])!
      const other = nodes.find(({ name }) => name !== all[0])!
      const ring = yield* ringOn(other)
      yield* passing(owner.cluster.leave())
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* ring.ownerOf("user/42")).name, all[1])
    })
  )

  clusterTest(
    "has no owner where nobody is eligible",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const ring = yield* ringOn(a, { eligible: () => false })
      const error = yield* Effect.flip(ring.ownerOf("user/42"))
      assert.deepInclude(error, { _tag: "RingEmpty", members: 1 })
      assert.match(error.message, /of 1 live members none is eligible; expected one that "eligible" admits/)
      assert.deepStrictEqual(yield* ring.ownersOf("user/42", 3), [])
      assert.deepStrictEqual([yield* ring.isMine("user/42"), yield* ring.mine], [false, []])
      assert.deepStrictEqual(yield* Effect.map(Stream.runHead(ring.moved), Option.getOrThrow), [])
    })
  )
})

describe("who is on the ring", () => {
  clusterTest(
    "follows the weight in typed metadata, and its changes",
    Effect.gen(function*() {
      const nodes = yield* startMany(3)
      const announced = yield* Effect.forEach(
        nodes.slice(0, 2),
        ({ cluster }, i) =>
          Layer.build(Layer.fresh(Cache.layer({ weight: i + 1 }))).pipe(
            Effect.provideService(Memberlist, cluster),
            Effect.map(Context.get(Cache))
          )
      )
      yield* TestClock.adjust("2 seconds")
      const weight = (member: Member) => Option.getOrElse(Option.map(Cache.get(member), (c) => c.weight), () => 0)
      const rings = yield* Effect.forEach(nodes, (node) => ringOn(node, { weight }))
      const shares = Effect.map(
        rings[2]!.owners,
        (owners) => ["a", "b", "c"].map((name) => owners.filter((owner) => nameOf(owner) === name).length / 4_096)
      )
      const [a, b, c] = yield* shares
      assert.closeTo(a!, 1 / 3, 0.07)
      assert.closeTo(b!, 2 / 3, 0.07)
      assert.strictEqual(c, 0)
      yield* announced[0]!.update(() => ({ weight: 16 }))
      yield* TestClock.adjust("2 seconds")
      assert.closeTo((yield* shares)[0]!, 16 / 18, 0.07)
      assert.deepStrictEqual(yield* ownersOf(rings[0]!), yield* ownersOf(rings[2]!))
    })
  )

  clusterTest(
    "takes weights that are out of bounds for the nearest bound, and those that are no number for none",
    Effect.gen(function*() {
      const nodes = yield* startMany(4)
      const weights: Readonly<Record<string, number>> = { a: 1_000_000, b: 16, c: -1, d: Number.NaN }
      const ring = yield* ringOn(nodes[0]!, { weight: ({ name }) => weights[name] ?? 0 })
      const bounded = yield* ringOn(nodes[1]!, { weight: () => 16, eligible: ({ name }) => name < "c" })
      assert.deepStrictEqual(yield* ownersOf(ring), yield* ownersOf(bounded))
    })
  )

  clusterTest(
    "is a defect of calls and streams while the program's own function throws, and heals when it does not",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: { meta: Uint8Array.of(1) } })
      const ring = yield* ringOn(a, {
        weight: ({ meta }) => {
          if (meta.length > 0) throw new Error("a bug")
          return 1
        }
      })
      const defect = Exit.die(new Error("a bug"))
      assert.deepStrictEqual(yield* Effect.exit(ring.ownerOf("x")), defect)
      assert.deepStrictEqual(yield* Effect.exit(ring.isMine("x")), defect)
      assert.deepStrictEqual(yield* Effect.exit(Stream.runHead(ring.moved)), defect)
      yield* a.cluster.updateMeta(new Uint8Array(0))
      yield* TestClock.adjust("1 second")
      assert.isTrue(yield* ring.isMine("x"))
    })
  )
})

describe("what moved", () => {
  clusterTest(
    "is everything at first, then one batch for each change, from the members that go and to those that come",
    Effect.gen(function*() {
      const nodes = yield* startMany(2)
      const ring = yield* ringOn(nodes[0]!)
      const batches = yield* collect(ring.moved)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(batches.map(({ length }) => length), [4_096])
      assert.deepStrictEqual(Object.keys(ways(batches[0]!)).sort(), [">a", ">b"])
      const c = yield* start("c", "10.0.0.3")
      yield* joinAt(c, "10.0.0.1")
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(Object.keys(ways(batches[1]!)).sort(), ["a>c", "b>c"])
      yield* passing(nodes[1]!.cluster.leave())
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(Object.keys(ways(batches[2]!)).sort(), ["b>a", "b>c"])
      assert.strictEqual(batches.length, 3)
      assert.deepStrictEqual(replayed(batches), yield* ownersOf(ring))
    })
  )

  clusterTest(
    "is nothing while a member is suspected, or announces what the ring does not ask for",
    Effect.gen(function*() {
      const nodes = yield* startMany(3)
      const ring = yield* ringOn(nodes[0]!)
      const batches = yield* collect(ring.moved)
      const views = yield* collect(nodes[0]!.cluster.changes)
      yield* nodes[1]!.cluster.updateMeta(Uint8Array.of(1))
      const network = yield* SimulatedNetwork
      const isSuspected = () => views.some((view) => view.some(({ state }) => state === "suspect"))
      // its turn to be probed comes when it comes; nobody is declared dead within a suspicion's first second
      yield* Effect.scoped(Effect.gen(function*() {
        yield* network.inject({ _tag: "Pause", hosts: ["10.0.0.2"] })
        for (let i = 0; i < 10 && !isSuspected(); i++) yield* TestClock.adjust("1 second")
      }))
      assert.isTrue(isSuspected())
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(batches.length, 1)
      // and yet the owner is the member as it is now
      const owners = (yield* ring.owners).flatMap(Option.toArray)
      assert.deepStrictEqual(owners.find(({ name }) => name === "b")?.meta, Uint8Array.of(1))
    })
  )

  clusterTest(
    "is one batch for several changes where the reader is slow, with what they came to",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const ring = yield* ringOn(a)
      const batches: Array<ReadonlyArray<Moved>> = []
      yield* Effect.forkScoped(
        Stream.runForEach(
          ring.moved,
          (batch) => Effect.delay(Effect.sync(() => void batches.push(batch)), "20 seconds")
        )
      )
      yield* TestClock.adjust("1 second")
      for (const [name, ip] of [["b", "10.0.0.2"], ["c", "10.0.0.3"], ["d", "10.0.0.4"]] as const) {
        const node = yield* start(name, ip)
        yield* joinAt(node, "10.0.0.1")
        yield* TestClock.adjust("1 second")
        if (name === "b") yield* passing(node.cluster.leave())
      }
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(batches.length, 2)
      assert.deepStrictEqual(replayed(batches), yield* ownersOf(ring))
    })
  )

  clusterTest(
    "is the same for a reader that comes late, and ends with the layer",
    Effect.gen(function*() {
      const nodes = yield* startMany(2)
      const scope = yield* Scope.make()
      const ring = yield* Scope.provide(ringOn(nodes[0]!), scope)
      const early = yield* collect(ring.moved)
      const c = yield* start("c", "10.0.0.3")
      yield* joinAt(c, "10.0.0.1")
      yield* TestClock.adjust("2 seconds")
      const late = yield* Effect.forkChild(Stream.runCollect(ring.moved), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("1 second")
      const given = late.pollUnsafe()
      assert.isTrue(given !== undefined && Exit.isSuccess(given))
      const batches = given !== undefined && Exit.isSuccess(given) ? given.value : []
      assert.deepStrictEqual(replayed(batches), replayed(early))
    })
  )
})

describe("a cluster whose views agree", () => {
  /** Nodes that announce a weight each, with a ring of it. */
  const NodeLive = (name: string) => {
    const weight = (member: Member) => Option.getOrElse(Option.map(Cache.get(member), (c) => c.weight), () => 0)
    return Ring.layer({ weight }).pipe(
      Layer.provideMerge(Cache.layer({ weight: 1 + name.charCodeAt(0) % 3 })),
      Layer.provideMerge(MemberlistLive)
    )
  }

  it("answers the same at all members for all slots, after a crash, a restart and a split", () => {
    const nodes = ["a", "b", "c", "d", "e", "f", "g"]
    const program = Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({ nodes, seed: 7, layer: NodeLive })
      const tables = Effect.gen(function*() {
        const running = yield* cluster.running
        return yield* Effect.forEach(running, (name) => Effect.orDie(cluster.run(name, Ring.use(ownersOf))))
      })
      const agree = Effect.map(tables, (all) => {
        const different = new Set(all.map((owners) => owners.join()))
        return { tables: different.size, owners: new Set(all[0]).size }
      })
      yield* Effect.orDie(cluster.startAll)
      yield* Effect.sleep("1 minute")
      const found = [yield* agree]
      yield* cluster.kill("c")
      yield* Effect.sleep("1 minute")
      found.push(yield* agree)
      yield* Effect.orDie(cluster.start("c"))
      yield* cluster.rejoin("c")
      yield* Effect.sleep("1 minute")
      found.push(yield* agree)
      const split = cluster.play([
        { at: 0, for: 60_000, fault: { _tag: "Partition", groups: [["a", "b", "c"], ["d", "e", "f", "g"]] } }
      ])
      yield* Effect.orDie(Effect.all([split, Effect.sleep("59 seconds")], { concurrency: 2 }))
      const apart = yield* agree
      yield* Effect.sleep("3 minutes")
      found.push(yield* agree)
      return { found, apart }
    })
    const exit = VirtualTime.run(
      Effect.scoped(program).pipe(Effect.provideService(References.MinimumLogLevel, "None")),
      { seed: 7, limit: "1 hour" }
    )
    if (Exit.isFailure(exit)) throw new Error(String(exit.cause))
    const { apart, found } = exit.value
    // each side of a split has a ring of its own
    assert.strictEqual(apart.tables, 2)
    assert.deepStrictEqual(found, [7, 6, 7, 7].map((owners) => ({ tables: 1, owners })))
  })
})
