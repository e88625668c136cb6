/** A cluster with seeds, snapshots and recovery, to which everything happens at random, and then nothing any more. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { live, make } from "./Remembering.ts"

/** How long nothing happens in the end, and what of it nobody may be declared failed in, in milliseconds. */
const CALM = 180_000
const WATCHED = 120_000

/** What is seen of a cluster when it has been calm. */
export interface Outcome {
  /** Those that run, and have not left. */
  readonly living: string
  /** What each of them lists, where that is something else. */
  readonly wrong: ReadonlyArray<string>
  /** Those of them that do not say that they have joined. */
  readonly unready: ReadonlyArray<string>
  /** Members that were declared failed while nothing happened, and by whose account. */
  readonly failures: ReadonlyArray<string>
  /** Lost members and seeds that were contacted in a minute of the calm. */
  readonly tries: number
  /** The highest incarnation, for each start of its node. */
  readonly incarnation: number
  /** What happened, in order. */
  readonly story: ReadonlyArray<string>
}

const letters = "abcdefghij"

/** Runs one such cluster of `size` nodes. The seed decides everything. */
export const storm = (size: number, seed: number): Outcome =>
  live(
    Effect.gen(function*() {
      const names = letters.slice(0, size).split("")
      const cluster = yield* make(names, { seed, seeds: names.map((_, i) => `10.0.0.${i + 1}`) })
      const story: Array<string> = []
      const outside = new Set<string>()
      const starts = new Map<string, number>()
      const failures: Array<string> = []
      let watching = false

      const tell = (what: string) =>
        Effect.map(Clock.currentTimeMillis, (now) => void story.push(`${(now / 1000).toFixed(3)} ${what}`))
      const upTo = (least: number, most: number) =>
        Effect.map(Random.next, (r) => Math.round(least + r * (most - least)))
      const oneOf = <A>(all: ReadonlyArray<A>) => Effect.map(Random.next, (r) => all[Math.floor(r * all.length)] as A)

      const begin = Effect.fnUntraced(function*(name: string) {
        outside.delete(name)
        starts.set(name, (starts.get(name) ?? 0) + 1)
        yield* cluster.start(name)
        const node = yield* cluster.node(name)
        yield* Effect.forkScoped(Stream.runForEach(node.events, (event) =>
          Effect.sync(() => {
            if (watching && event._tag === "MemberFailed") failures.push(`${name}: ${event.verdict.toString()}`)
          })))
      })
      const leave = (name: string, timeout: number) =>
        Effect.gen(function*() {
          outside.add(name)
          yield* Effect.ignore(cluster.run(name, Effect.flatMap(cluster.node(name), ({ leave }) => leave({ timeout }))))
        })
      const join = (name: string, seeds: ReadonlyArray<string>) =>
        Effect.gen(function*() {
          const joined = yield* Effect.result(
            cluster.run(name, Effect.flatMap(cluster.node(name), ({ join }) => join(seeds)))
          )
          if (joined._tag === "Success") outside.delete(name)
          return joined._tag
        })

      const acts: ReadonlyArray<(name: string) => Effect.Effect<void, unknown, Scope.Scope>> = [
        Effect.fnUntraced(function*(name) {
          const pause = yield* oneOf([0, 50, 2_000, 20_000, 60_000])
          yield* tell(`kill ${name} for ${pause}`)
          yield* cluster.kill(name)
          yield* Effect.sleep(pause)
          yield* begin(name)
          yield* tell(`${name} runs`)
        }),
        Effect.fnUntraced(function*(name) {
          const pause = yield* upTo(0, 30_000)
          yield* tell(`release ${name} for ${pause}`)
          yield* cluster.stop(name)
          yield* Effect.sleep(pause)
          yield* begin(name)
          yield* tell(`${name} runs`)
        }),
        Effect.fnUntraced(function*(name) {
          // released or killed while it is busy finding its way back
          for (let i = 0; i < 3; i++) {
            const [pause, life] = [yield* upTo(0, 3_000), yield* upTo(0, 40)]
            yield* tell(`${name} dies, and runs after ${pause} for ${life}`)
            yield* (yield* Random.nextBoolean) ? cluster.stop(name) : cluster.kill(name)
            yield* Effect.sleep(pause)
            yield* begin(name)
            yield* Effect.sleep(life)
          }
        }),
        Effect.fnUntraced(function*(name) {
          const [timeout, pause] = [yield* upTo(0, 3_000), yield* upTo(0, 60_000)]
          yield* tell(`${name} leaves, and returns after ${pause}`)
          yield* leave(name, timeout)
          yield* Effect.sleep(pause)
          yield* tell(`${name} returns: ${yield* join(name, [])}`)
        }),
        Effect.fnUntraced(function*(name) {
          yield* tell(`${name} leaves and returns in a hurry`)
          for (let i = 0; i < 3; i++) {
            yield* leave(name, 0)
            yield* Effect.sleep(yield* upTo(0, 20))
            yield* tell(`${name} returns: ${yield* join(name, [yield* oneOf(names.map((_, i) => `10.0.0.${i + 1}`))])}`)
            yield* Effect.sleep(yield* upTo(0, 20))
          }
          if (yield* Random.nextBoolean) {
            yield* leave(name, 100)
            yield* tell(`${name} has left`)
          }
        }),
        Effect.fnUntraced(function*(name) {
          if ((yield* cluster.running).length - outside.size <= 2) return
          yield* tell(`kill ${name}`)
          yield* cluster.kill(name)
        })
      ]

      for (const name of names) yield* begin(name)
      yield* Effect.sleep("10 seconds")
      const busy = new Set<string>()
      const events = yield* upTo(4, 8)
      for (let i = 0; i < events; i++) {
        yield* Effect.sleep(yield* upTo(0, 20_000))
        if ((yield* Random.next) < 0.4) {
          const first = yield* Random.shuffle(names)
          const at = yield* upTo(1, size - 1)
          const time = yield* oneOf([5_000, 8_000, 15_000, 60_000, 600_000])
          yield* tell(`cut ${first.slice(0, at).join("")} from ${first.slice(at).join("")} for ${time}`)
          yield* cluster.network.partition([first.slice(0, at), first.slice(at)])
          const inside = yield* upTo(0, time)
          yield* Effect.sleep(inside)
          yield* act()
          yield* Effect.sleep(time - inside)
          yield* cluster.network.heal()
          yield* tell("whole network")
        } else yield* act()
      }
      function act() {
        return Effect.gen(function*() {
          const free = (yield* cluster.running).filter((name) => !busy.has(name) && !outside.has(name))
          if (free.length < 2) return
          const name = yield* oneOf(free)
          busy.add(name)
          const run = yield* oneOf(acts)
          yield* Effect.forkScoped(Effect.ensuring(Effect.orDie(run(name)), Effect.sync(() => busy.delete(name))))
        })
      }
      while (busy.size > 0) yield* Effect.sleep("1 second")
      yield* tell("calm")
      yield* Effect.sleep(CALM - WATCHED)
      watching = true
      const tried = Effect.gen(function*() {
        let sum = 0
        for (const name of yield* cluster.running) {
          for (const [key, count] of yield* cluster.counters(name)) if (key.startsWith("heal.tried")) sum += count
        }
        return sum
      })
      const before = yield* tried
      yield* Effect.sleep(WATCHED)
      const living = (yield* cluster.running).filter((name) => !outside.has(name))
      const wrong: Array<string> = []
      const unready: Array<string> = []
      let incarnation = 0
      for (const name of living) {
        const node = yield* cluster.node(name)
        const list = yield* cluster.list(name)
        if (list !== living.join("")) wrong.push(`${name} lists ${list}`)
        const { _tag } = yield* node.readiness
        if (_tag !== "Joined") unready.push(`${name} is ${_tag}`)
        incarnation = Math.max(incarnation, (yield* node.localMember).incarnation / (starts.get(name) ?? 1))
      }
      const tries = ((yield* tried) - before) / WATCHED * 60_000
      return { living: living.join(""), wrong, unready, failures, tries, incarnation, story }
    }),
    "1 day"
  )
