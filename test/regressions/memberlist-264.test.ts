import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { TestClock } from "effect/testing"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, startMany, type TestNode, view } from "../support/Cluster.ts"

/** The ways from a node to a member, in words. */
const ways = (node: TestNode | undefined, name: string) =>
  Effect.map(
    node?.cluster.reachability(name) ?? Effect.succeedNone,
    Option.match({ onNone: () => "unknown member", onSome: String })
  )

describe("memberlist #264: a member that TCP does not reach while UDP does", () => {
  clusterTest(
    "stays a member, and every node that tried shows that TCP fails: one event, and again one when it works",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const nodes = yield* startMany(3)
      const [a, b] = nodes
      const before = nodes.map((node) => node.events.length)
      yield* network.cut("*", "10.0.0.3", "streams")
      yield* TestClock.adjust("10 minutes")
      for (const [i, node] of [a, b].entries()) {
        assert.deepStrictEqual(yield* view(node!), ["a alive", "b alive", "c alive"])
        assert.strictEqual(yield* ways(node, "c"), "UDP out works, UDP in works, TCP fails")
        const told = node!.events.slice(before[i])
        assert.deepStrictEqual(told.map(({ _tag, member }) => `${_tag} ${member.name}`), [
          "MemberReachabilityChanged c"
        ])
        const [event] = told
        if (event?._tag !== "MemberReachabilityChanged") return assert.fail("no event")
        assert.strictEqual(String(event.reachability), "UDP out works, UDP in works, TCP fails")
        assert.match(event.reachability.likelyCause ?? "", /TCP is blocked towards the member/)
      }
      yield* network.heal()
      yield* TestClock.adjust("10 minutes")
      for (const [i, node] of [a, b].entries()) {
        assert.strictEqual(yield* ways(node, "c"), "UDP out works, UDP in works, TCP works")
        const told = node!.events.slice(before[i])
        assert.deepStrictEqual(told.map(({ _tag }) => _tag), ["MemberReachabilityChanged", "MemberReachabilityChanged"])
      }
    })
  )

  clusterTest(
    "shows in the counter of failed push/pulls",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const [a] = yield* startMany(2)
      yield* network.cut("*", "10.0.0.2", "streams")
      yield* TestClock.adjust("5 minutes")
      assert.isAbove((yield* a?.cluster.counters ?? Effect.succeed(new Map())).get("pushpull.failed:TransportError"), 3)
    })
  )
})
