/** A leave, a release or a hurried return at each moment of an exchange that heals a split: no ghost is left behind. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { live, make } from "../../support/Remembering.ts"

/** What a node does in the middle of it. */
const acts = ["leave", "release", "leave, return, leave"] as const

interface Options {
  readonly seeded?: boolean
  /** How long `a` remembers the dead; `b` does for half a minute. */
  readonly gossipToTheDeadTime?: "30 seconds" | "1 hour"
}

/**
 * Cuts two nodes off each other until `b` has forgotten `a`, and lets `a` act so many milliseconds after one of them has
 * contacted the other again. Returns what `b` holds `a` for soon after, its list in the end, and how ready `a` is.
 */
const moment = (
  act: typeof acts[number],
  after: number,
  { gossipToTheDeadTime = "30 seconds", seeded = false }: Options = {}
) =>
  live(Effect.gen(function*() {
    const cluster = yield* make(["a", "b"], {
      seed: after,
      config: (name) => name === "a" ? { gossipToTheDeadTime } : {},
      ...(seeded ? { seeds: ["10.0.0.1", "10.0.0.2"] } : {})
    })
    yield* cluster.startAll
    yield* Effect.sleep("10 seconds")
    yield* cluster.network.partition([["a"], ["b"]])
    yield* Effect.sleep("2 minutes")
    const a = yield* cluster.node("a")
    const b = yield* cluster.node("b")
    const contacts = Effect.map(
      Effect.all([a.counters, b.counters]),
      ([one, two]) => (one.get("udp.sent") ?? 0) + (two.get("udp.sent") ?? 0)
    )
    yield* cluster.network.heal()
    const before = yield* contacts
    while ((yield* contacts) === before) yield* Effect.sleep(1)
    yield* Effect.sleep(after)
    switch (act) {
      case "leave":
        yield* a.leave()
        break
      case "release":
        yield* cluster.stop("a")
        break
      case "leave, return, leave":
        yield* a.leave({ timeout: 0 })
        yield* Effect.ignore(Effect.timeoutOption(a.join(["10.0.0.2"]), after))
        yield* a.leave({ timeout: 0 })
    }
    const { _tag: readiness } = yield* a.readiness
    yield* Effect.sleep("1 second")
    const state = yield* b.member("a")
    yield* Effect.sleep("1 minute")
    return {
      soon: state._tag === "Some" ? state.value.state : "unknown",
      lists: yield* cluster.list("b"),
      readiness: act === "release" ? "Left" : readiness
    }
  }))

describe("in the middle of what heals a split", () => {
  for (const act of acts) {
    for (const seeded of [false, true]) {
      for (const gossipToTheDeadTime of ["30 seconds", "1 hour"] as const) {
        const what = `${seeded ? ", with seeds" : ""}, dead members remembered for ${gossipToTheDeadTime}`
        it(`${act}: the node is gone at once, and for good${what}`, () => {
          // one that leaves answers until its release, and has time to tell
          for (let after = 0; after <= 20; after += act === "release" ? 2 : 10) {
            const { lists, readiness, soon } = moment(act, after, { seeded, gossipToTheDeadTime })
            assert.deepStrictEqual({ after, lists, readiness }, { after, lists: "b", readiness: "Left" })
            assert.include(["left", "unknown"], soon, `after ${after} ms`)
          }
        })
      }
    }
  }
})
