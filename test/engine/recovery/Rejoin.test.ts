/** A node that was restarted finds its cluster again, and nobody is stuck. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { REFRESH } from "../../../src/base/Snapshot.ts"
import { AT_ONCE } from "../../../src/engine/recovery/Rejoin.ts"
import { JoinRejected } from "../../../src/MemberlistError.ts"
import * as SnapshotFormat from "../../../src/wire/SnapshotFormat.ts"
import { fileOf, live, make, remembered } from "../../support/Remembering.ts"

const letters = (n: number) => Array.from({ length: n }, (_, i) => String.fromCharCode(97 + i))

const incarnationOf = (node: { readonly localMember: Effect.Effect<{ readonly incarnation: number }> }) =>
  Effect.map(node.localMember, ({ incarnation }) => incarnation)

describe("a node that was killed and restarted", () => {
  it("is back at once without seeds, above the obituary that the others hold", () => {
    const seen = live(Effect.gen(function*() {
      const { cluster, states } = yield* Effect.map(make(["a", "b", "c"]), (cluster) => ({
        cluster,
        states: Effect.forEach(
          ["a", "c"],
          (name) =>
            Effect.flatMap(
              cluster.node(name),
              ({ member }) =>
                Effect.map(member("b"), (b) => b._tag === "Some" ? `${b.value.state}${b.value.incarnation}` : "")
            )
        )
      }))
      yield* cluster.startAll
      yield* Effect.sleep("10 seconds")
      yield* cluster.kill("b")
      yield* Effect.sleep("25 seconds")
      const dead = yield* states
      const began = yield* Clock.currentTimeMillis
      yield* cluster.start("b")
      const started = (yield* Clock.currentTimeMillis) - began
      const whole = yield* cluster.whole
      return { dead, started, whole, alive: yield* states }
    }))
    assert.deepStrictEqual(seen.dead, ["dead1", "dead1"])
    assert.strictEqual(seen.started, 0, "the layer does not wait")
    assert.isAtMost(seen.whole, 500)
    assert.deepStrictEqual(seen.alive, ["alive65", "alive65"])
  })

  it("is back before anybody has missed it", () => {
    const whole = live(Effect.gen(function*() {
      const cluster = yield* make(["a", "b", "c"])
      yield* cluster.startAll
      yield* Effect.sleep("10 seconds")
      yield* cluster.kill("b")
      yield* Effect.sleep(100)
      yield* cluster.start("b")
      yield* Effect.sleep(100)
      return yield* cluster.whole
    }))
    assert.isAtMost(whole, 500)
  })

  it("was released by a signal: it is back as well", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* make(["a", "b"])
      yield* cluster.startAll
      // sooner than changes are written: the release writes them
      yield* Effect.sleep("500 millis")
      yield* cluster.stop("b")
      const left = remembered(cluster.disk("b"), "b")?.left
      yield* Effect.sleep("10 seconds")
      yield* cluster.start("b")
      return { left, whole: yield* cluster.whole }
    }))
    assert.strictEqual(seen.left, false)
    assert.isAtMost(seen.whole, 500)
  })

  it("is not ready before a peer of its snapshot has answered", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* make(["a", "b"])
      yield* cluster.startAll
      yield* Effect.sleep("10 seconds")
      yield* cluster.kill("b")
      yield* cluster.kill("a")
      yield* cluster.start("b")
      const { readiness, ready } = yield* cluster.node("b")
      const waiting = yield* Effect.forkChild(ready)
      yield* Effect.sleep("5 seconds")
      const before = yield* readiness
      const early = waiting.pollUnsafe()
      yield* cluster.start("a")
      const after = yield* Fiber.join(waiting)
      return { before, early, after, now: yield* readiness }
    }))
    assert.include(seen.before, { _tag: "Trying", why: "none of 1 peers of the snapshot answered" })
    assert.isUndefined(seen.early)
    assert.deepStrictEqual([seen.after, seen.now], [{ _tag: "Joined" }, { _tag: "Joined" }])
  })

  it("is ready as soon as a member is in its list, although other peers of its snapshot keep it waiting", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* make(["a", "b", "c"])
      yield* cluster.startAll
      yield* Effect.sleep("10 seconds")
      yield* cluster.kill("b")
      // c takes what it is sent, and says nothing
      yield* cluster.network.partition([["a", "b"], ["c"]])
      yield* cluster.start("b")
      yield* Effect.sleep("1 second")
      return { list: yield* cluster.list("b"), readiness: yield* (yield* cluster.node("b")).readiness }
    }))
    assert.include(seen.list, "a")
    assert.deepStrictEqual(seen.readiness, { _tag: "Joined" })
  })

  it("goes on trying while nobody is there, eight at a time and ever more slowly, and is back soon after they are", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* make(letters(12))
      yield* cluster.startAll
      yield* Effect.sleep("20 seconds")
      for (const name of cluster.names) yield* cluster.kill(name)
      yield* cluster.start("a")
      const failed = Effect.map(
        cluster.counters("a"),
        (counters) =>
          [...counters].filter(([key]) => key.startsWith("rejoin.failed")).reduce((sum, [, count]) => sum + count, 0)
      )
      yield* Effect.sleep(500)
      const first = yield* failed
      yield* Effect.sleep("5 minutes")
      const before = yield* failed
      yield* Effect.sleep("5 minutes")
      const rate = (yield* failed) - before
      yield* cluster.start("b")
      return { first, rate, whole: yield* cluster.whole }
    }))
    assert.strictEqual(seen.first, AT_ONCE)
    // eight and three by turns, each 30 s ± 20 %, in 300 s
    assert.isAtLeast(seen.rate, 40)
    assert.isAtMost(seen.rate, 75)
    assert.isAtMost(seen.whole, 500)
  })

  it("has a floor, and no more: news of a later life than its snapshot knows is refuted as ever", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* make(["a", "b", "c"])
      yield* cluster.startAll
      yield* Effect.sleep("10 seconds")
      const old = cluster.disk("b").get(fileOf("b"))
      const { updateMeta } = yield* cluster.node("b")
      for (let i = 0; i < 300; i++) yield* updateMeta(Uint8Array.of(i & 255, i >> 8))
      yield* Effect.sleep("10 seconds")
      yield* cluster.kill("b")
      cluster.disk("b").put(fileOf("b"), old ?? new Uint8Array(0))
      yield* Effect.sleep("25 seconds")
      yield* cluster.start("b")
      const whole = yield* cluster.whole
      return { whole, incarnation: yield* incarnationOf(yield* cluster.node("b")) }
    }))
    assert.isAtMost(seen.whole, 5_000)
    assert.isAbove(seen.incarnation, 301)
  })

  it("does not join a cluster that its delegate vetoes", () => {
    const seen = live(Effect.gen(function*() {
      let vetoed = false
      const cluster = yield* make(["a", "b"], {
        delegate: (name) =>
          name === "b"
            ? { merge: () => vetoed ? Effect.fail(new JoinRejected({ reason: "closed" })) : Effect.void }
            : {}
      })
      yield* cluster.startAll
      yield* Effect.sleep("10 seconds")
      yield* cluster.kill("b")
      vetoed = true
      yield* Effect.sleep("60 seconds")
      yield* cluster.start("b")
      yield* Effect.sleep("60 seconds")
      const views = [yield* cluster.list("a"), yield* cluster.list("b")]
      vetoed = false
      return {
        views,
        whole: yield* cluster.whole,
        failed: (yield* cluster.counters("b")).get("rejoin.failed:JoinRejected")
      }
    }))
    assert.deepStrictEqual(seen.views, ["a", "b"])
    assert.isAbove(seen.failed ?? 0, 1)
    assert.isAtMost(seen.whole, 40_000)
  })
})

describe("a whole cluster that was killed and restarted", () => {
  for (const n of [2, 3, 5, 10]) {
    for (const between of [0, 300, 5_000]) {
      it(`is whole again: ${n} nodes, ${between} ms between their starts`, () => {
        for (const seed of [1, 2, 3]) {
          const whole = live(Effect.gen(function*() {
            const cluster = yield* make(letters(n), { seed })
            yield* cluster.startAll
            yield* Effect.sleep("20 seconds")
            for (const name of cluster.names) yield* cluster.kill(name)
            yield* Effect.sleep("60 seconds")
            for (const [i, name] of cluster.names.entries()) {
              if (i > 0) yield* Effect.sleep(between)
              yield* cluster.start(name)
            }
            return yield* cluster.whole
          }))
          assert.isAtMost(whole, 500, `seed ${seed}`)
        }
      })
    }
  }

  it("is whole again, although each tries only eight of those it knows: 16 nodes at once", () => {
    const whole = live(Effect.gen(function*() {
      const cluster = yield* make(Array.from({ length: 16 }, (_, i) => String.fromCharCode(200 + i)))
      yield* cluster.startAll
      yield* Effect.sleep("20 seconds")
      for (const name of cluster.names) yield* cluster.kill(name)
      for (const name of cluster.names) yield* cluster.start(name)
      return yield* cluster.whole
    }))
    assert.isAtMost(whole, 1_000)
  })

  it("is one again: a node that finds company goes on to those that it did not try yet", () => {
    const views = live(Effect.gen(function*() {
      // eight that are one cluster, one that is alone, and a node that knows all of them, the eight better
      const eight = letters(8)
      const cluster = yield* make([...eight, "y", "z"])
      for (const name of eight) yield* cluster.start(name)
      for (const name of eight.slice(1)) yield* cluster.rejoin(name, ["a"])
      yield* cluster.start("y")
      yield* Effect.sleep("5 seconds")
      const peers = [...eight, "y"].map((name, i) => ({
        name,
        ip: `10.0.0.${i + 1}`,
        port: 7946,
        seen: name === "y" ? 0 : 2 * REFRESH
      }))
      cluster.disk("z").put(
        fileOf("z"),
        SnapshotFormat.encode({ name: "z", label: "", incarnation: 64, left: false, peers })
      )
      yield* cluster.start("z")
      yield* Effect.sleep("10 seconds")
      return yield* Effect.forEach(cluster.names, cluster.list)
    }))
    assert.deepStrictEqual(new Set(views), new Set(["abcdefghyz"]))
  })

  it("is whole again where obituaries survive with one that was not restarted", () => {
    const whole = live(Effect.gen(function*() {
      const cluster = yield* make(letters(5))
      yield* cluster.startAll
      yield* Effect.sleep("20 seconds")
      for (const name of ["b", "c", "d", "e"]) yield* cluster.kill(name)
      yield* Effect.sleep("60 seconds")
      for (const name of ["b", "c", "d", "e"]) yield* cluster.start(name)
      const waited = yield* cluster.whole
      // and nobody is taken out again
      yield* Effect.sleep("60 seconds")
      return waited + (yield* cluster.whole)
    }))
    assert.isAtMost(whole, 3_000)
  })
})

describe("a node that had left", () => {
  it("does not return by itself, until it has joined again", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* make(["a", "b"])
      yield* cluster.startAll
      yield* Effect.sleep("10 seconds")
      yield* (yield* cluster.node("b")).leave({ timeout: "5 seconds" })
      const left = remembered(cluster.disk("b"), "b")?.left
      yield* cluster.kill("b")
      yield* cluster.start("b")
      yield* Effect.sleep("5 minutes")
      const alone = yield* cluster.list("b")
      const still = remembered(cluster.disk("b"), "b")?.left
      yield* cluster.rejoin("b")
      yield* Effect.sleep("5 seconds")
      const joined = { view: yield* cluster.list("b"), left: remembered(cluster.disk("b"), "b")?.left }
      yield* cluster.kill("b")
      yield* cluster.start("b")
      return { left, alone, still, joined, whole: yield* cluster.whole }
    }))
    assert.strictEqual(seen.left, true)
    assert.deepStrictEqual([seen.alone, seen.still], ["b", true])
    assert.deepStrictEqual(seen.joined, { view: "ab", left: false })
    assert.isAtMost(seen.whole, 500)
  })

  it("does not return by itself, whenever it leaves while it rejoins", () => {
    const outcomes = new Set<string>()
    for (let after = 0; after <= 60; after += 2) {
      const view = live(Effect.gen(function*() {
        const cluster = yield* make(["a", "b"])
        yield* cluster.startAll
        yield* Effect.sleep("10 seconds")
        yield* cluster.kill("b")
        yield* Effect.sleep("1 second")
        yield* cluster.start("b")
        yield* Effect.sleep(after)
        yield* (yield* cluster.node("b")).leave({ timeout: "5 seconds" })
        yield* Effect.sleep("60 seconds")
        return yield* cluster.list("a")
      }))
      outcomes.add(view)
    }
    assert.deepStrictEqual([...outcomes], ["a"])
  })

  for (const after of [0, 500, 900, 5_000]) {
    it(`keeps nobody waiting for its way back, and is ready after a return: a leave after ${after} ms`, () => {
      const seen = live(Effect.gen(function*() {
        const cluster = yield* make(["a", "b", "c"])
        yield* cluster.startAll
        yield* Effect.sleep("10 seconds")
        for (const name of cluster.names) yield* cluster.kill(name)
        yield* cluster.start("b")
        // what it is sent is lost, so that attempts are under way for long
        yield* cluster.network.partition([["a", "c"], ["b"]])
        const { join, leave, readiness, ready } = yield* cluster.node("b")
        const waiting = yield* Effect.forkChild(Effect.flip(ready))
        yield* Effect.sleep(after)
        yield* leave({ timeout: 0 })
        yield* Effect.sleep(1)
        const refused = waiting.pollUnsafe()
        const outside = yield* readiness
        yield* join(["10.0.0.2"])
        const alone = [yield* readiness, yield* ready]
        yield* Effect.sleep("1 minute")
        const later = yield* readiness
        yield* cluster.network.heal()
        yield* cluster.start("a")
        yield* join(["10.0.0.1"])
        return { refused, outside, alone, later, joined: [yield* readiness, yield* ready] }
      }))
      assert.strictEqual(seen.refused?._tag, "Success")
      assert.deepStrictEqual(seen.outside, { _tag: "Left" })
      for (const told of [...seen.alone, seen.later]) assert.deepStrictEqual(told, { _tag: "Alone", reason: "NoSeeds" })
      for (const told of seen.joined) assert.deepStrictEqual(told, { _tag: "Joined" })
    })
  }

  it("has not joined after a return to nobody, although it had before", () => {
    const told = live(Effect.gen(function*() {
      const cluster = yield* make(["a", "b"])
      yield* cluster.startAll
      yield* Effect.sleep("10 seconds")
      yield* cluster.kill("b")
      yield* cluster.start("b")
      yield* Effect.sleep("1 second")
      const { join, leave, readiness } = yield* cluster.node("b")
      const before = yield* readiness
      yield* cluster.stop("a")
      yield* Effect.sleep("1 second")
      yield* leave()
      yield* join([])
      return [before, yield* readiness]
    }))
    assert.deepStrictEqual(told, [{ _tag: "Joined" }, { _tag: "Alone", reason: "NoSeeds" }])
  })

  it("is not remembered by one that was outside itself when it left", () => {
    const names = live(Effect.gen(function*() {
      const cluster = yield* make(["a", "b", "c"])
      yield* cluster.startAll
      yield* Effect.sleep("10 seconds")
      const { join, leave } = yield* cluster.node("a")
      yield* leave()
      yield* cluster.stop("c")
      // until nobody has an entry of it
      yield* Effect.sleep("2 minutes")
      yield* join(["10.0.0.2"])
      yield* Effect.sleep("10 seconds")
      return remembered(cluster.disk("a"), "a")?.peers.map(({ name }) => name)
    }))
    assert.deepStrictEqual(names, ["b"])
  })

  it("is not remembered by the others", () => {
    const names = live(Effect.gen(function*() {
      const cluster = yield* make(["a", "b", "c"])
      yield* cluster.startAll
      yield* Effect.sleep("10 seconds")
      yield* cluster.stop("c")
      yield* Effect.sleep("10 seconds")
      return remembered(cluster.disk("a"), "a")?.peers.map(({ name }) => name)
    }))
    assert.deepStrictEqual(names, ["b"])
  })
})

describe("an address that somebody else has today", () => {
  it("is not joined, and not tried again", () => {
    const seen = live(Effect.gen(function*() {
      // x and y are another cluster
      const cluster = yield* make(["a", "x", "y"])
      yield* cluster.start("x")
      yield* cluster.start("y")
      yield* cluster.rejoin("y", ["x"])
      yield* Effect.sleep("5 seconds")
      cluster.disk("a").put(
        fileOf("a"),
        SnapshotFormat.encode({
          name: "a",
          label: "",
          incarnation: 64,
          left: false,
          peers: [
            { name: "b", ip: "10.0.0.2", port: 7946, seen: 0 },
            { name: "c", ip: "10.0.0.3", port: 7946, seen: 0 }
          ]
        })
      )
      yield* cluster.start("a")
      yield* Effect.sleep("5 minutes")
      return {
        views: yield* Effect.forEach(cluster.names, cluster.list),
        failed: (yield* cluster.counters("a")).get("rejoin.failed:AnotherMember"),
        peers: remembered(cluster.disk("a"), "a")?.peers
      }
    }))
    assert.deepStrictEqual(seen.views, ["a", "xy", "xy"])
    assert.deepStrictEqual(seen.peers, [])
    assert.strictEqual(seen.failed, 2)
  })
})
