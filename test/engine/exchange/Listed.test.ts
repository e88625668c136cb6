/** Whether a member has us on its list: what is asked, and who is told of it. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { JoinRejected } from "../../../src/MemberlistError.ts"
import { clusterTest, joinAt, passing, start, startMany, type TestNode, view } from "../../support/Cluster.ts"

const told = (node: TestNode): ReadonlyArray<string> =>
  node.events.flatMap((event) =>
    event._tag === "MemberReachabilityChanged" ? [`${event.member.name}: ${event.reachability.listed}`] : []
  )

const failures = (node: TestNode) =>
  Effect.map(
    node.cluster.counters,
    (counters) => [...counters].filter(([name]) => name.startsWith("pushpull.failed"))
  )

const refusing = {
  admit: ({ name }: { readonly name: string }) =>
    name === "c" ? Effect.fail(new JoinRejected({ reason: "not on the list" })) : Effect.void
}

describe("whether a member lists this node", () => {
  clusterTest(
    "is no matter to one that has left, which all forget",
    Effect.gen(function*() {
      const [a, b, c] = yield* startMany(3)
      if (a === undefined || b === undefined || c === undefined) return assert.fail("three nodes")
      yield* passing(c.cluster.leave())
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(yield* view(c), ["a alive", "b alive"])
      assert.deepStrictEqual([a, b, c].map(told), [[], [], []])
      yield* joinAt(c, a.address)
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(yield* view(a), ["a alive", "b alive", "c alive"])
      assert.deepStrictEqual([a, b, c].map(told), [[], [], []])
    })
  )

  clusterTest(
    "is not found without recovery",
    Effect.gen(function*() {
      const b = yield* start("b", "10.0.0.2", { delegate: refusing })
      const c = yield* start("c", "10.0.0.3", { config: { recovery: false } })
      yield* joinAt(c, b.address)
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* view(b), ["b alive"])
      assert.deepStrictEqual(told(c), [])
    })
  )

  clusterTest(
    "is asked again of one that did not, and not only when chance comes to it",
    Effect.gen(function*() {
      let open = false
      const admit = ({ name }: { readonly name: string }) =>
        open || name !== "newcomer" ? Effect.void : Effect.fail(new JoinRejected({ reason: "not on the list" }))
      const nodes = yield* startMany(20)
      const [first] = nodes
      if (first === undefined) return assert.fail("no node")
      const refuser = yield* start("refuser", "10.0.1.1", { delegate: { admit } })
      const newcomer = yield* start("newcomer", "10.0.1.2")
      yield* joinAt(refuser, first.address)
      yield* joinAt(newcomer, first.address)
      while (!told(newcomer).includes("refuser: no")) yield* TestClock.adjust("10 seconds")
      open = true
      // a push/pull by which one of the two hears of the other, and one of the newcomer's own; with the other it would be every tenth minute
      yield* TestClock.adjust("90 seconds")
      assert.include(yield* view(refuser), "newcomer alive")
      assert.deepStrictEqual(told(newcomer), ["refuser: no", "refuser: yes"])
    })
  )

  clusterTest(
    "is not asked of one that left before it could be asked",
    Effect.gen(function*() {
      const opened: Array<string> = []
      const a = yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2", { delegate: refusing })
      const c = yield* start("c", "10.0.0.3", {
        transport: (inner) => ({
          ...inner,
          open: (to, options) => {
            opened.push(to.ip)
            return inner.open(to, options)
          }
        })
      })
      yield* joinAt(b, a.address)
      yield* joinAt(c, a.address)
      // the exchange that shows it
      while (!opened.includes(b.ip)) yield* TestClock.adjust("50 millis")
      yield* TestClock.adjust("100 millis")
      yield* passing(b.stop)
      opened.length = 0
      yield* TestClock.adjust("1 minute")
      assert.include(c.seen, "MemberLeft b")
      assert.notInclude(opened, b.ip)
      assert.deepStrictEqual(told(c), [])
      assert.deepStrictEqual(yield* failures(c), [])
    })
  )
})
