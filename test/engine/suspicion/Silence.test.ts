/** How long the survivors take to tell that most of a cluster is gone, and what a node does that hears nobody. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import { suspicionTimeout } from "../../../src/base/Scaling.ts"
import { Memberlist } from "../../../src/Memberlist.ts"
import { SimulatedCluster, VirtualTime } from "../../../src/testing/index.ts"

const live = <A, E>(program: Effect.Effect<A, E>, seed: number): A => {
  const exit = VirtualTime.run(Effect.provide(program, Logger.layer([])), { seed, limit: "1 hour" })
  if (Exit.isFailure(exit)) throw new Error(`${exit.cause}`)
  return exit.value
}

interface Told {
  readonly observer: string
  readonly member: string
  /** Milliseconds after the others were gone. */
  readonly after: number
}

/** Kills all but the first `left` of `n` at once, or cuts the first one off, and answers who told whose end, and when. */
const vanish = (n: number, left: number, options: { readonly recovery?: boolean; readonly seed?: number } = {}) => {
  const { recovery = true, seed = n } = options
  return live(
    Effect.gen(function*() {
      const nodes = Array.from({ length: n }, (_, i) => `n${i + 1}`)
      const survivors = nodes.slice(0, left)
      const cluster = yield* SimulatedCluster.make({ nodes, seed, config: { recovery } })
      yield* cluster.startAll
      yield* Effect.sleep("20 seconds")
      const started = yield* now
      const told: Array<Told> = []
      for (const observer of survivors) {
        yield* Effect.forkScoped(cluster.run(
          observer,
          Memberlist.use(({ events }) =>
            Stream.runForEach(events, (event) =>
              Effect.map(now, (at) => {
                if (event._tag === "MemberFailed") {
                  told.push({ observer, member: event.member.name, after: at - started })
                }
              }))
          )
        ))
      }
      for (const name of nodes.slice(left)) yield* cluster.kill(name)
      yield* Effect.sleep("1 minute")
      let held = 0
      for (const name of survivors) {
        held += (yield* (yield* cluster.node(name)).counters).get("verdict.held") ?? 0
      }
      return { told, held }
    }).pipe(Effect.scoped),
    seed
  )
}

const now = Effect.map(Effect.clockWith((clock) => clock.monotonicTimeNanos), (nanos) => Number(nanos) / 1e6)

describe("when most of a cluster is gone at once", () => {
  for (const [n, runs] of [[5, 12], [10, 3], [20, 1]] as const) {
    it(`every survivor of ${n} tells it at most one least time later than without recovery, and no verdict waits`, () => {
      const left = n * 0.4
      const last = (recovery: boolean, seed: number) => {
        const { held, told } = vanish(n, left, { recovery, seed })
        assert.strictEqual(new Set(told.map(({ member, observer }) => `${observer} ${member}`)).size, left * (n - left))
        assert.isTrue(told.every(({ member }) => Number(member.slice(1)) > left))
        assert.strictEqual(held, 0)
        return Math.max(...told.map(({ after }) => after))
      }
      // when the last one is told is a matter of chance
      const mean = (recovery: boolean) => {
        let sum = 0
        for (let seed = 1; seed <= runs; seed++) sum += last(recovery, seed)
        return sum / runs
      }
      const [on, off] = [mean(true), mean(false)]
      assert.isAtMost(on, off + suspicionTimeout(4, n, 1000))
      assert.isAtMost(on, 30_000)
    })
  }

  it("a lone survivor hears nobody, and waits for one least time more", () => {
    const first = (recovery: boolean) => {
      const { held, told } = vanish(6, 1, { recovery, seed: 3 })
      assert.strictEqual(told.length, 5)
      return { held, after: Math.min(...told.map(({ after }) => after)) }
    }
    const [on, off] = [first(true), first(false)]
    assert.strictEqual(off.held, 0)
    assert.isAbove(on.held, 0)
    assert.approximately(on.after - off.after, suspicionTimeout(4, 6, 1000), 1)
  })

  it("a lone survivor of four does not wait", () => {
    assert.strictEqual(vanish(4, 1).held, 0)
  })
})
