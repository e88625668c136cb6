import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import { Agreement } from "../../../src/agent/agreement/Agreement.ts"
import { Memberlist, MemberlistLive } from "../../../src/Memberlist.ts"
import { SimulatedCluster, VirtualTime } from "../../../src/testing/index.ts"
import * as AgentWorld from "../../support/AgentWorld.ts"

const live = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): A => {
  const program = Effect.scoped(effect).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
  const exit = VirtualTime.run(program, { seed: 1, limit: "1 hour" })
  if (Exit.isFailure(exit)) throw new Error(String(exit.cause))
  return exit.value
}

/** Members, of which those called `go…` are no agents. */
const formed = Effect.fnUntraced(function*(names: ReadonlyArray<string>) {
  const agent = Agreement.layer.pipe(Layer.provideMerge(MemberlistLive))
  const other = Layer.effect(Agreement, Effect.succeed(Agreement.of({ look: Effect.die("no agent") }))).pipe(
    Layer.provideMerge(MemberlistLive)
  )
  return yield* AgentWorld.formed(names, { agent, other })
})
type Cluster = Effect.Success<ReturnType<typeof formed>>

const look = (cluster: Cluster, name: string) => cluster.run(name, Agreement.use(({ look }) => look))

/** Looks for a while, as a page does, and returns all that was seen. */
const looks = Effect.fnUntraced(function*(cluster: Cluster, name: string, times: number) {
  const seen = []
  for (let i = 0; i < times; i++) {
    seen.push(yield* look(cluster, name))
    yield* Effect.sleep("250 millis")
  }
  return seen
})

const names = (count: number) => Array.from({ length: count }, (_, i) => `n${i + 1}`)

describe("the agreement of agents", () => {
  it("is known a moment after the first look, and the last change took less than a few seconds", () => {
    const { first, last } = live(Effect.gen(function*() {
      const cluster = yield* formed(names(5))
      const seen = yield* looks(cluster, "n1", 8)
      return { first: seen[0], last: seen.at(-1) }
    }))
    assert.deepInclude(first, { same: 1, silent: 4, members: 5 })
    assert.deepInclude(last, { same: 5, other: 0, silent: 0, unknown: 0 })
    assert.isTrue((last?.propagation ?? Infinity) < 3_000)
    assert.isTrue((last?.agreedFor ?? 0) > 1_000)
  })

  it("ends while a split lasts on either side, is whole on each, and is whole again after it", () => {
    const { after, before, during, healed } = live(Effect.gen(function*() {
      const cluster = yield* formed(names(4))
      const before = (yield* looks(cluster, "n1", 8)).at(-1)
      yield* cluster.network.partition([["n1", "n2"], ["n3", "n4"]])
      const during = yield* looks(cluster, "n1", 20)
      yield* looks(cluster, "n1", 60)
      const after = yield* look(cluster, "n1")
      yield* cluster.network.partition([])
      yield* looks(cluster, "n1", 240)
      return { before, during, after, healed: yield* look(cluster, "n1") }
    }))
    assert.strictEqual(before?.same, 4)
    // the members of one side do not suspect at the same moment
    assert.isTrue(during.some(({ agreedFor }) => agreedFor === undefined))
    assert.deepInclude(after, { members: 2, same: 2, other: 0, silent: 0 })
    assert.deepInclude(healed, { members: 4, same: 4, other: 0, silent: 0 })
  })

  it("does not know about members that are no agents, and counts the rest", () => {
    const last = live(Effect.gen(function*() {
      const cluster = yield* formed(["n1", "n2", "go1", "go2"])
      return (yield* looks(cluster, "n2", 8)).at(-1)
    }))
    assert.deepInclude(last, { same: 2, other: 0, silent: 0, unknown: 2, unknownNames: ["go1", "go2"] })
  })

  it("does not tell how long a change took that nobody looked at and not all noticed", () => {
    const { changed, incarnations, seen } = live(Effect.gen(function*() {
      const cluster = yield* formed(names(12))
      yield* Effect.sleep("60 seconds")
      // some suspect it, and others hear of its new incarnation alone
      yield* cluster.network.partition([["n2"], names(12).filter((name) => name !== "n2")])
      yield* Effect.sleep("1500 millis")
      yield* cluster.network.partition([])
      yield* Effect.sleep("2 minutes")
      const incarnations = new Set<number | undefined>()
      for (const name of names(12)) {
        const members = yield* cluster.run(name, Memberlist.use((node) => node.members))
        incarnations.add(members.find(({ name }) => name === "n2")?.incarnation)
      }
      const seen = yield* looks(cluster, "n1", 8)
      yield* cluster.kill("n12")
      return { incarnations, seen, changed: (yield* looks(cluster, "n1", 240)).at(-1) }
    }))
    assert.deepStrictEqual([...incarnations], [2])
    const last = seen.at(-1)
    assert.deepInclude(last, { same: 12, other: 0, silent: 0 })
    // it was two minutes ago, and took less than two seconds: neither is claimed
    assert.strictEqual(last?.propagation, undefined)
    assert.isTrue((last?.agreedFor ?? Infinity) < 3_000)
    // nobody ever had another list, so none is shown
    assert.isTrue(seen.every(({ other }) => other === 0))
    assert.isTrue((changed?.propagation ?? Infinity) < 5_000, JSON.stringify(changed))
  })

  it("is not asked for any more a while after the last look", () => {
    const { later, used } = live(Effect.gen(function*() {
      const cluster = yield* formed(names(3))
      yield* looks(cluster, "n1", 8)
      yield* Effect.sleep("40 seconds")
      // what was known then is forgotten, and not told as news
      const later = yield* look(cluster, "n1")
      yield* Effect.sleep("2 seconds")
      return { later, used: yield* look(cluster, "n1") }
    }))
    assert.deepInclude(later, { same: 1, silent: 2 })
    assert.deepInclude(used, { same: 3, silent: 0 })
  })

  it("is unknown to one whose metadata has another form, and the others count it as no agent", () => {
    const { itself, other } = live(Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({
        nodes: names(3),
        seed: 1,
        config: (name) => name === "n3" ? { meta: new TextEncoder().encode("rack 7") } : {},
        layer: () => Agreement.layer.pipe(Layer.provideMerge(MemberlistLive))
      })
      yield* cluster.startAll
      yield* Effect.sleep("8 seconds")
      return { other: (yield* looks(cluster, "n1", 8)).at(-1), itself: (yield* looks(cluster, "n3", 8)).at(-1) }
    }))
    assert.deepInclude(other, { same: 2, silent: 0, unknownNames: ["n3"] })
    assert.deepInclude(itself, { same: 1, members: 3, silent: 0, unknownNames: ["n1", "n2"] })
  })
})
