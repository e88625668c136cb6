/** An application on the nodes of a simulated cluster: it lives, dies and is reached with its node. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import { Delegate } from "../../src/Delegate.ts"
import { Memberlist, MemberlistLive } from "../../src/Memberlist.ts"
import { JoinRejected } from "../../src/MemberlistError.ts"
import { SimulatedCluster, VirtualTime } from "../../src/testing/index.ts"

const live = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): A => {
  const program = Effect.scoped(effect).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
  const exit = VirtualTime.run(program, { seed: 1, limit: "1 hour" })
  if (Exit.isFailure(exit)) throw new Error(String(exit.cause))
  return exit.value
}

/** What one node knows: the delegate below the node fills it, the service above the node reads it. */
class Notes extends Context.Service<Notes, Set<string>>()("Notes") {
  static readonly layer = Layer.sync(Notes, () => new Set<string>())
}

/** Notes go with each push/pull, and `stranger` is not let in. */
const DelegateLive = Layer.effect(
  Delegate,
  Effect.map(Notes, (notes): Delegate => ({
    localState: () => Effect.sync(() => new TextEncoder().encode([...notes].join("\n"))),
    mergeRemoteState: (state) =>
      Effect.sync(() => {
        for (const note of new TextDecoder().decode(state).split("\n")) if (note !== "") notes.add(note)
      }),
    merge: (members) =>
      members.some(({ name }) => name === "stranger")
        ? Effect.fail(new JoinRejected({ reason: "stranger is not one of us" }))
        : Effect.void
  }))
)

class Board extends Context.Service<Board, {
  readonly write: (note: string) => Effect.Effect<void>
  readonly read: Effect.Effect<ReadonlyArray<string>>
}>()("Board") {
  /** Writes down when it begins and ends. */
  static readonly layer = (diary: Array<string>) =>
    Layer.effect(
      Board,
      Effect.gen(function*() {
        const notes = yield* Notes
        const { name } = yield* (yield* Memberlist).localMember
        yield* Effect.acquireRelease(
          Effect.sync(() => diary.push(`${name} begins`)),
          () => Effect.sync(() => diary.push(`${name} ends`))
        )
        return Board.of({
          write: (note) => Effect.sync(() => void notes.add(note)),
          read: Effect.sync(() => [...notes].sort())
        })
      })
    )
}

/** One value for all nodes. */
const program = (diary: Array<string>) =>
  Board.layer(diary).pipe(
    Layer.provideMerge(MemberlistLive),
    Layer.provide(DelegateLive),
    Layer.provide(Notes.layer)
  )

const read = Board.use((board) => board.read)
const write = (note: string) => Board.use((board) => board.write(note))
const names = Memberlist.use(({ members }) => Effect.map(members, (list) => list.map(({ name }) => name).sort()))

describe("an application on simulated nodes", () => {
  it("has a service per node, and its delegate brings user state back to a node that was killed", () => {
    const diary: Array<string> = []
    const NodeLive = program(diary)
    const seen = live(Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({ nodes: ["a", "b", "c"], seed: 1, layer: () => NodeLive })
      yield* cluster.startAll
      yield* Effect.sleep("5 seconds")
      yield* cluster.run("b", write("of b"))
      const own = yield* Effect.forEach(cluster.names, (name) => cluster.run(name, read))
      // a push/pull with everybody
      yield* Effect.sleep("3 minutes")
      const shared = yield* Effect.forEach(cluster.names, (name) => cluster.run(name, read))
      yield* cluster.kill("b")
      const down = yield* Effect.flip(cluster.run("b", read))
      yield* Effect.sleep("30 seconds")
      yield* cluster.start("b")
      const forgotten = yield* cluster.run("b", read)
      yield* cluster.rejoin("b")
      yield* Effect.sleep("1 second")
      return { own, shared, down: down.message, forgotten, back: yield* cluster.run("b", read) }
    }))
    assert.deepStrictEqual(seen, {
      own: [[], ["of b"], []],
      shared: [["of b"], ["of b"], ["of b"]],
      down: "the node b does not run; start it first",
      forgotten: [],
      back: ["of b"]
    })
    assert.deepStrictEqual(diary.slice(0, 5), ["a begins", "b begins", "c begins", "b ends", "b begins"])
    // the end of the cluster ends the rest
    assert.sameMembers(diary.slice(5), ["a ends", "b ends", "c ends"])
  })

  it("vetoes a join through its delegate, before and after a restart", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({
        nodes: ["a", "b", "stranger"],
        seed: 1,
        layer: (name) => name === "stranger" ? MemberlistLive : program([])
      })
      yield* cluster.startAll
      const refused = Effect.gen(function*() {
        const join = Memberlist.use(({ join }) => join(["a"]))
        const error = yield* Effect.flip(cluster.run("stranger", join))
        return error._tag === "JoinFailed" ? error.failed.map(({ error }) => error._tag) : [error._tag]
      })
      const first = yield* refused
      yield* cluster.play([{ at: 0, for: 3_000, fault: { _tag: "Restart", node: "a" } }])
      yield* Effect.sleep("10 seconds")
      const second = yield* refused
      return { first, second, members: yield* cluster.run("a", names) }
    }))
    assert.deepStrictEqual(seen, { first: ["JoinRejected"], second: ["JoinRejected"], members: ["a", "b"] })
  })

  it("says goodbye when it is stopped, which the others are told", () => {
    const diary: Array<string> = []
    const state = live(Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({ nodes: ["a", "b"], seed: 1, layer: () => program(diary) })
      yield* cluster.startAll
      yield* Effect.sleep("5 seconds")
      yield* cluster.stop("b")
      yield* cluster.stop("b")
      yield* Effect.sleep("1 second")
      const { member } = yield* cluster.node("a")
      return { b: yield* member("b"), running: yield* cluster.running }
    }))
    assert.strictEqual(state.b._tag === "Some" ? state.b.value.state : undefined, "left")
    assert.deepStrictEqual(state.running, ["a"])
    assert.deepStrictEqual(diary.slice(0, 3), ["a begins", "b begins", "b ends"])
  })

  it("that does not start says why, leaves nothing behind, and may be started again", () => {
    let attempts = 0
    let released = 0
    const Flaky = Layer.effectDiscard(Effect.gen(function*() {
      yield* Effect.addFinalizer(() => Effect.sync(() => released++))
      if (++attempts === 1) return yield* Effect.fail("no disk" as const)
    }))
    const seen = live(Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({
        nodes: ["a"],
        seed: 1,
        layer: () => Layer.provideMerge(Flaky, MemberlistLive)
      })
      const error = yield* Effect.flip(cluster.start("a"))
      const running = yield* cluster.running
      const left = released
      yield* cluster.start("a")
      return { error, running, left, members: yield* cluster.run("a", names) }
    }))
    assert.deepStrictEqual(seen, { error: "no disk", running: [], left: 1, members: ["a"] })
  })

  it("whose start is interrupted, at any point, leaves its address to the next", () => {
    // every one of the first, then some, until long after the start
    const points = Array.from({ length: 110 }, (_, i) => i < 60 ? i : 60 + 20 * (i - 60))
    const ends = { started: 0, not: 0 }
    const Slow = Layer.effectDiscard(Effect.acquireRelease(Effect.void, () => Effect.sleep("10 millis")))
    live(Effect.gen(function*() {
      for (const steps of points) {
        const cluster = yield* SimulatedCluster.make({
          nodes: ["a"],
          seed: 1,
          layer: () => Layer.provideMerge(Slow, MemberlistLive)
        })
        const fiber = yield* Effect.forkChild(
          Effect.provideService(cluster.start("a"), References.MaxOpsBeforeYield, 3)
        )
        for (let i = 0; i < steps; i++) yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
        const running = yield* cluster.running
        if (running.length === 0) ends.not++
        else ends.started++
        yield* cluster.start("a")
        assert.deepStrictEqual(yield* cluster.run("a", names), ["a"])
      }
    }))
    assert.isAbove(ends.started, 0)
    assert.isAbove(ends.not, 10)
  })
})

describe("what runs on a simulated node", () => {
  const cluster = SimulatedCluster.make({ nodes: ["a", "b"], seed: 1 })

  it("ends with the node, and whoever waits for it is told", () => {
    let ended = 0
    const waiting = Effect.onInterrupt(Effect.never, () => Effect.sync(() => ended++))
    const [error, endedThen] = live(Effect.gen(function*() {
      const { kill, run, startAll } = yield* cluster
      yield* startAll
      const fiber = yield* Effect.forkChild(Effect.flip(run("a", waiting)), { startImmediately: true })
      yield* kill("a")
      return [yield* Fiber.join(fiber), ended] as const
    }))
    assert.strictEqual(error.message, "the node a ended while something ran on it")
    assert.strictEqual(endedThen, 1)
  })

  it("ends with whoever waits for it", () => {
    let ended = 0
    const waiting = Effect.onInterrupt(Effect.never, () => Effect.sync(() => ended++))
    live(Effect.gen(function*() {
      const { run, startAll } = yield* cluster
      yield* startAll
      const fiber = yield* Effect.forkChild(run("a", waiting), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(ended, 1)
    }))
  })

  it("fails as it failed, and goes by the node's clock", () => {
    live(Effect.gen(function*() {
      const { clock, run, startAll } = yield* cluster
      yield* startAll
      assert.strictEqual(yield* Effect.flip(run("a", Effect.fail("mine"))), "mine")
      clock("a").set({ leap: 5_000 })
      const [a, b] = [yield* run("a", Clock.currentTimeMillis), yield* run("b", Clock.currentTimeMillis)]
      assert.strictEqual(a - b, 5_000)
    }))
  })
})
