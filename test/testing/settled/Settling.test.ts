/** A cluster that begins as one that has been up for long. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { run, traffic } from "../../../simulate/measuring/Cluster.ts"

const members = 20

describe("a cluster that begins settled", () => {
  it("lists all, has nothing to tell, and from then on costs what one costs that has joined", () => {
    const [lists, beliefs, { packets, streamBytes }] = run(
      { members, settings: {}, seed: "settled", latency: [1, 5], settled: true },
      (cluster) =>
        Effect.gen(function*() {
          const lists = yield* Effect.forEach(cluster.members, ({ cluster }) => cluster.members)
          const before = yield* traffic(cluster)
          yield* Effect.sleep("30 seconds")
          const after = yield* traffic(cluster)
          return [lists, cluster.beliefs.slice(), {
            packets: after.packets - before.packets,
            streamBytes: after.streamBytes - before.streamBytes
          }] as const
        })
    )
    for (const list of lists) assert.strictEqual(list.length, members)
    assert.deepStrictEqual(beliefs, [])
    // a ping and its ack each second
    assert.approximately(packets / members / 30, 2, 0.1)
    // each has had its turn: about 65 bytes a row, both ways
    assert.approximately(streamBytes, 2 * members * members * 65, 2 * members * members * 15)
  })

  it("notices who dies, and learns what changes", () => {
    const [failed, metas, counted] = run(
      { members, settings: {}, seed: "settled", latency: [1, 5], settled: true },
      (cluster) =>
        Effect.gen(function*() {
          const [first, last] = [cluster.members[0], cluster.members[members - 1]]
          if (first === undefined || last === undefined) return yield* Effect.die("no members")
          yield* cluster.network.crash(last.ip)
          yield* Effect.orDie(first.cluster.updateMeta(Uint8Array.of(7)))
          yield* Effect.sleep("30 seconds")
          const others = cluster.members.slice(0, -1)
          const failed = cluster.beliefs.filter(({ about, what }) => about === last.name && what === "Failed")
          const lists = yield* Effect.forEach(others, ({ cluster }) => cluster.members)
          const metas = lists.map((list) => list.find(({ name }) => name === first.name)?.meta[0])
          return [
            new Set(failed.map(({ observer }) => observer)).size,
            metas,
            lists.map((list) => list.length)
          ] as const
        })
    )
    assert.strictEqual(failed, members - 1)
    assert.deepStrictEqual(metas, Array.from({ length: members - 1 }, () => 7))
    assert.deepStrictEqual(counted, Array.from({ length: members - 1 }, () => members - 1))
  })
})
