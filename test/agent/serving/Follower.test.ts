import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import type * as Model from "../../../src/agent/Model.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import * as Agents from "../../support/Agents.ts"
import { clusterTest, passing, startMany, type TestNode } from "../../support/Cluster.ts"

const DAY = 86_400_000

const three = Effect.map(startMany(3), (nodes) => nodes as [TestNode, TestNode, TestNode])

/** What a stream tells from now on. */
const told = <E, R>(opened: Effect.Effect<Stream.Stream<Model.EventView, unknown>, E, R>) =>
  Effect.gen(function*() {
    const seen: Array<Model.EventView> = []
    yield* Effect.forkScoped(
      Stream.runForEach(yield* opened, (event) => Effect.sync(() => void seen.push(event))),
      { startImmediately: true }
    )
    yield* TestClock.adjust("10 millis")
    return seen
  })

/** The events of these names, in a line each. */
const lines = (events: ReadonlyArray<Model.EventView>) =>
  events.flatMap((one) =>
    one.event === "SplitSuspected"
      ? [`lost ${one.data.lost.toSorted().join(" ")}, present ${one.data.present.toSorted().join(" ")}`]
      : one.event === "Healed"
      ? [`${one.data.name} is ${one.data.state}, missing ${one.data.missing.join(" ")}`]
      : []
  )

const namesOf = (members: ReadonlyArray<Model.MemberView>) => members.map(({ name, state }) => `${name} ${state}`)

describe("members that are lost", () => {
  clusterTest(
    "are told by name for a day, after the dead are forgotten too, until they are back",
    Effect.gen(function*() {
      const [a, , c] = yield* three
      const { client } = yield* Agents.of(a)
      yield* TestClock.adjust("5 seconds")
      const network = yield* SimulatedNetwork
      yield* network.partition([["10.0.0.1", "10.0.0.2"], ["10.0.0.3"]])
      const listed = (state: "lost" | "dead" | "all" | "live") => client.members({ query: { state } })
      while ((yield* listed("lost")).length === 0) yield* TestClock.adjust("100 millis")
      const [early] = yield* listed("lost")
      yield* TestClock.adjust("10 minutes")
      assert.isTrue((yield* a.cluster.member("c"))._tag === "None", "the table has forgotten it")

      assert.deepStrictEqual(namesOf(yield* listed("lost")), ["c dead"])
      assert.deepStrictEqual(namesOf(yield* listed("dead")), ["c dead"])
      assert.deepStrictEqual(namesOf(yield* listed("all")), ["a alive", "b alive", "c dead"])
      assert.deepStrictEqual(namesOf(yield* listed("live")), ["a alive", "b alive"])
      const [lost] = yield* listed("lost")
      assert.strictEqual(lost?.address, c.address)
      const { since, until } = (yield* a.cluster.lost)[0] ?? assert.fail("not lost")
      assert.strictEqual(until.epochMilliseconds - since.epochMilliseconds, DAY)
      assert.approximately(lost?.since?.epochMilliseconds ?? 0, since.epochMilliseconds, 2)
      assert.approximately(lost?.lostUntil?.epochMilliseconds ?? 0, until.epochMilliseconds, 2)
      assert.approximately(early?.lostUntil?.epochMilliseconds ?? 0, until.epochMilliseconds, 2)
      assert.deepStrictEqual(yield* client.member({ params: { name: "c" } }), lost)
      const health = yield* client.health()
      assert.deepStrictEqual([health.members, health.lost], [{ alive: 2, suspect: 0, dead: 1, left: 0 }, 1])

      yield* network.heal()
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(namesOf(yield* listed("all")), ["a alive", "b alive", "c alive"])
      assert.deepStrictEqual(yield* listed("lost"), [])
      assert.deepStrictEqual([(yield* client.health()).lost, yield* a.cluster.lost], [0, []])
    })
  )

  clusterTest(
    "together are told as a split, and the stream tells its end",
    Effect.gen(function*() {
      const [, , c] = yield* three
      const { client } = yield* Agents.of(c)
      yield* TestClock.adjust("5 seconds")
      const seen = yield* told(client.events())
      const network = yield* SimulatedNetwork
      yield* network.partition([["10.0.0.1", "10.0.0.2"], ["10.0.0.3"]])
      yield* TestClock.adjust("75 seconds")
      yield* network.heal()
      yield* TestClock.adjust("2 minutes")
      const [split, first, last] = lines(seen)
      assert.strictEqual(lines(seen).length, 3)
      assert.strictEqual(split, "lost a b, present c")
      assert.match(first ?? "", /^[ab] is alive, missing [ab]$/)
      assert.match(last ?? "", /^[ab] is alive, missing $/)
      const ids = seen.map(({ id }) => Number(id))
      assert.deepStrictEqual(ids, ids.toSorted((x, y) => x - y))
    })
  )
})

describe("a stream", () => {
  clusterTest(
    "begins with each member as the list has it, from the time on that it has been there, in that order",
    Effect.gen(function*() {
      const [a, b, c] = yield* three
      const { client } = yield* Agents.of(a)
      const early = yield* told(client.events())
      yield* TestClock.adjust("1 minute")
      yield* passing(a.cluster.updateMeta(new TextEncoder().encode("second")))
      yield* passing(c.cluster.updateMeta(new TextEncoder().encode("first")))
      yield* TestClock.adjust("10 seconds")
      // suspected, and back with another incarnation
      const network = yield* SimulatedNetwork
      yield* network.partition([["10.0.0.1", "10.0.0.3"], ["10.0.0.2"]])
      while (!early.some(({ event }) => event === "MemberSuspected")) yield* TestClock.adjust("100 millis")
      yield* network.heal()
      yield* TestClock.adjust("1 minute")
      assert.isAbove((yield* b.cluster.localMember).incarnation, 1)

      const late = (yield* told(client.events())).filter(({ event }) => event === "MemberJoined")
      const members = late.map(({ data }) => "member" in data ? data.member : assert.fail("no member"))
      assert.deepStrictEqual(members.toSorted((x, y) => x.name < y.name ? -1 : 1), yield* client.members({ query: {} }))
      const joined = early.filter(({ event }) => event === "MemberJoined")
      assert.deepStrictEqual(
        late.map(({ data, id }) => [id, data.at]),
        joined.slice(0, 3).map(({ data, id }) => [id, data.at])
      )
      assert.strictEqual(members.find(({ name }) => name === "b")?.reachability?.udpOut, "works")
    })
  )

  clusterTest(
    "tells no change of metadata that nobody can see, such as the mark of a topic",
    Effect.gen(function*() {
      const [a, b] = yield* three
      const { client } = yield* Agents.of(a)
      const other = (yield* Agents.of(b)).client
      yield* passing(other.updateMeta({ payload: { json: { role: "db" } } }))
      yield* TestClock.adjust("10 seconds")
      const seen = yield* told(client.events())
      const before = (yield* a.cluster.member("b")).pipe((found) =>
        found._tag === "Some" ? found.value.meta : undefined
      )
      yield* passing(other.topics.publish({ params: { topic: "news" }, payload: { text: "v2" } }))
      yield* TestClock.adjust("10 seconds")
      const after = (yield* a.cluster.member("b")).pipe((found) => found._tag === "Some" ? found.value.meta : undefined)
      assert.notDeepEqual(after, before)
      const updates = () => seen.filter(({ event }) => event === "MemberUpdated").length
      assert.strictEqual(updates(), 0)

      yield* passing(other.updateMeta({ payload: { json: { role: "web" } } }))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(updates(), 1)
    })
  )
})
