/**
 * A replicated map on every node while the cluster has bad days. Each node writes now and then; in the calm all maps are
 * equal, what a node that still runs wrote is there, or something later is, or its loss was told, and no removed key is
 * back.
 */
import type { Memberlist } from "effect-memberlist"
import * as ReplicatedMap from "effect-memberlist/ReplicatedMap"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Draws } from "../../src/testing/clock/Draws.ts"
import type { Application, Surroundings } from "./Application.ts"

const Counts = ReplicatedMap.make("explored", { key: Schema.String, value: Schema.Int })

/** How far the clocks of a plan with maps may be apart. */
const AHEAD = 5_000
/** What is later by less may be earlier by a stamp. */
const SLACK = 2 * AHEAD
/** Longer splits than this happen. */
const LIFE = 8 * AHEAD
/** The longest that a value is there which has an end. */
const TTL = 15_000

const keys = ["a", "b", "c", "d", "e", "f"]

interface Write {
  readonly node: string
  readonly key: string
  /** Nothing for a removal. */
  readonly value: number | undefined
  /** By the clock of the network. */
  readonly at: number
  /** When it ends by itself. */
  readonly ends: number
}

interface Life {
  readonly map: ReplicatedMap.Service<string, number>
  /** What it wrote and was told that it is written. */
  readonly acknowledged: Array<Write>
}

export const make = ({ isCalm, now, seed, tell }: Surroundings): Application => {
  /** The lives that go on. */
  const lives = new Map<string, Life>()
  /** What was begun, acknowledged or not. */
  const begun: Array<Write> = []
  const discarded: Array<ReplicatedMap.Discarded<string, number>> = []
  let values = 0
  let count = 0
  let calmAt: number | undefined

  const write = Effect.fnUntraced(function*(node: string, life: Life, draws: Draws) {
    const key = draws.pick(keys)
    const kind = draws.next()
    const at = now()
    const value = kind < 0.3 ? undefined : values++
    const ttl = kind > 0.85 ? draws.between(1_000, TTL) : undefined
    const write: Write = { node, key, value, at, ends: ttl === undefined ? Infinity : at + ttl }
    begun.push(write)
    const effect = value === undefined ? life.map.remove(key) : Effect.as(life.map.set(key, value, { ttl }), true)
    // one that has left may not write
    const isDone = yield* Effect.catch(effect, () => Effect.succeed(false))
    if (!isDone) return
    life.acknowledged.push({ ...write, at: now() })
    tell(`${node} ${value === undefined ? `removed ${key}` : `wrote ${key} = ${value}`}`)
  })

  const live = Effect.fnUntraced(function*(name: string) {
    const map = yield* Counts
    const life: Life = { map, acknowledged: [] }
    const draws = new Draws(seed, `writes of ${name}, ${++count}`)
    yield* Stream.runForEach(map.discarded, (lost) =>
      Effect.sync(() => {
        discarded.push(lost)
        tell(`${name} was told that ${lost.key} = ${Option.getOrElse(lost.value, () => "removed")} is gone`)
      })).pipe(Effect.forkScoped({ startImmediately: true }))
    const writing = Effect.andThen(
      Effect.suspend(() => Effect.sleep(draws.between(200, 4_000))),
      Effect.suspend(() => isCalm() ? Effect.void : write(name, life, draws))
    )
    yield* Effect.forkScoped(Effect.forever(writing))
    yield* Effect.acquireRelease(
      Effect.sync(() => lives.set(name, life)),
      // where the next life has begun already, that one goes on
      () => Effect.sync(() => lives.get(name) === life && lives.delete(name))
    )
  })

  const isTold = ({ key, node, value }: Write): boolean =>
    discarded.some((lost) =>
      lost.key === key && (value === undefined
        ? Option.isNone(lost.value) && lost.by === node
        : Option.getOrUndefined(lost.value) === value)
    )

  /** What is wrong with what became of a write. */
  const complaint = (write: Write, is: number | undefined): ReadonlyArray<string> => {
    const { at, ends, key, node, value } = write
    const isLater = (other: Write) => other.key === key && other !== write && other.at >= at - SLACK
    // or what overwrote it was told: that is the loss of both
    const wasTold = begun.some((other) => other.key === key && other.at >= at - 1 && isTold(other)) || isTold(write)
    if (wasTold || (value !== undefined && is === value)) return []
    if (is === undefined) {
      const isGone = value === undefined || ends < Infinity
        || begun.some((other) => isLater(other) && (other.value === undefined || other.ends < Infinity))
      return isGone ? [] : [`${node} wrote ${key} = ${value}, and it is gone`]
    }
    const winner = begun.find((other) => other.value === is)
    if (winner === undefined || isLater(winner)) return []
    const what = value === undefined ? `removed ${key}` : `wrote ${key} = ${value}`
    return [`${node} ${what}, and there is ${is} of ${winner.node}, ${at - winner.at} ms older`]
  }

  const layer = (name: string): Layer.Layer<never, never, Memberlist> => {
    const map = Counts.layer({ maxAhead: AHEAD, removalLife: LIFE, syncInterval: "3 seconds", pendingWrites: 8 })
    return Layer.effectDiscard(live(name)).pipe(Layer.provide(map), Layer.orDie)
  }

  return {
    kind: "Map",
    layer,
    bound: 120_000,
    disagreements: Effect.fnUntraced(function*(present) {
      calmAt ??= now()
      if (now() - calmAt < TTL + AHEAD) return ["values that end by themselves are there"]
      const there = present.flatMap((name) => lives.get(name) ?? [])
      const contents = yield* Effect.forEach(there, ({ map }) => contentOf(map))
      const [one] = there
      if (one === undefined) return []
      if (contents.some((content) => content !== contents[0])) return [`the maps differ: ${contents.join(" | ")}`]
      const content = new Map(yield* one.map.entries)
      return there.flatMap(({ acknowledged }) =>
        acknowledged.flatMap((write) => complaint(write, content.get(write.key)))
      )
    }),
    total: () => begun.length
  }
}

const contentOf = (map: ReplicatedMap.Service<string, number>) =>
  Effect.map(map.entries, (all) => all.map(([key, value]) => `${key}=${value}`).sort().join(" "))
