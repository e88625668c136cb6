import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { html, policy } from "../../../src/agent/page/Page.ts"
import type * as PageApi from "../../../src/agent/page/PageApi.ts"
import * as Agents from "../../support/Agents.ts"
import { clusterTest, startMany, type TestNode } from "../../support/Cluster.ts"

const first = ([node]: ReadonlyArray<TestNode>): TestNode => {
  assert(node !== undefined)
  return node
}

describe("the agent", () => {
  clusterTest(
    "answers / with the page, its policy, and nothing that lets another page frame it",
    Effect.gen(function*() {
      const { call } = yield* Agents.of(first(yield* startMany(1)))
      const { body, headers, status } = yield* call({ path: "/" })
      assert.strictEqual(status, 200)
      assert.strictEqual(body, html)
      assert.match(headers["content-type"] ?? "", /^text\/html; *charset=utf-8/i)
      assert.strictEqual(headers["content-security-policy"], policy)
      assert.strictEqual(headers["x-frame-options"], "DENY")
      assert.strictEqual(headers["cache-control"], "no-store")
      assert.strictEqual((yield* call({ path: "/nothing" })).status, 404)
    })
  )

  clusterTest(
    "shows the page without its token, and nothing of the cluster",
    Effect.gen(function*() {
      const options = { host: "10.0.0.1", token: Redacted.make("0123456789abcdef") }
      const { call } = yield* Agents.of(first(yield* startMany(1)), options)
      const { body, status } = yield* call({ path: "/" })
      assert.deepStrictEqual([status, body], [200, html])
      for (const path of ["/v1/activity", "/v1/agreement", "/v1/info"]) {
        assert.strictEqual((yield* call({ path })).status, 401, path)
      }
    })
  )

  clusterTest(
    "tells its probes and gossip to all that listen, and follows its node only while there are any",
    Effect.gen(function*() {
      const nodes = yield* startMany(3)
      const node = first(nodes)
      const streams = { open: 0 }
      const counting = {
        ...node.cluster,
        activity: Stream.unwrap(Effect.acquireRelease(
          Effect.sync(() => {
            streams.open++
            return node.cluster.activity
          }),
          () => Effect.sync(() => void streams.open--)
        ))
      }
      const { client } = yield* Agents.of({ cluster: counting })
      assert.strictEqual(streams.open, 0)
      const listen = Effect.gen(function*() {
        const seen: Array<PageApi.ActivityView> = []
        const fiber = yield* Effect.forkScoped(
          Stream.runForEach(yield* client.activity(), (event) => Effect.sync(() => void seen.push(event))),
          { startImmediately: true }
        )
        return { seen, fiber }
      })
      const one = yield* listen
      const two = yield* listen
      assert.strictEqual(streams.open, 1)
      yield* TestClock.adjust("3 seconds")
      yield* node.cluster.updateMeta(new TextEncoder().encode("x"))
      yield* TestClock.adjust("2 seconds")
      const kinds = new Set(one.seen.map(({ event }) => event))
      assert.isTrue(kinds.has("ProbeEnded") && kinds.has("GossipSent"))
      assert.deepStrictEqual(two.seen, one.seen)
      const probe = one.seen.find(({ event }) => event === "ProbeEnded")
      assert.deepInclude(probe?.data, { outcome: "direct", helpers: [], missed: 0 })
      yield* Fiber.interrupt(one.fiber)
      assert.strictEqual(streams.open, 1)
      yield* Fiber.interrupt(two.fiber)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(streams.open, 0)
    })
  )

  clusterTest(
    "tells whether all agents see the same as one value",
    Effect.gen(function*() {
      const { client } = yield* Agents.of(first(yield* startMany(2)))
      const agreement = yield* client.agreement()
      assert.deepInclude(agreement, { same: 1, unknown: 1, members: 2, unknownNames: ["b"] })
    })
  )
})
