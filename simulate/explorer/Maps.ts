/**
 * A replicated map that every node writes while the cluster has bad days. In the calm all maps are equal; what a node
 * that still runs wrote is there, or something later is, or its loss was told; and no removed key is back.
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
type Counts = ReplicatedMap.Service<string, number>

/** How far the clocks of a plan with maps may be apart, and what is late by as much. */
const AHEAD = 5_000
const SLACK = 2 * AHEAD
/** Shorter than some splits. */
const LIFE = 8 * AHEAD
/** The longest that a value is there which has an end. */
const TTL = 15_000

const options: ReplicatedMap.Options = {
  maxAhead: AHEAD,
  removalLife: LIFE,
  syncInterval: "3 seconds",
  // some writes wait until there is room
  pendingWrites: 8
}

const keys = ["a", "b", "c", "d", "e", "f"]

/** A write that was begun, and acknowledged where it is in a life. */
export interface Write {
  readonly node: string
  readonly key: string
  /** Each value is written once; nothing for a removal. */
  readonly value: number | undefined
  /** By the clock of the network. */
  readonly at: number
  /** When it ends by itself. */
  readonly ends: number
  /** The life of the node's map that wrote it. */
  readonly life: number
}

/** What is known of all writes. */
export interface Known {
  readonly begun: ReadonlyArray<Write>
  readonly discarded: ReadonlyArray<Lost>
  /** The lives that go on in the calm. */
  readonly survivors: ReadonlySet<number>
}

/** A write whose loss was told. */
export type Lost = Pick<ReplicatedMap.Discarded<string, number>, "key" | "value" | "by">

/** What is wrong with what became of an acknowledged write, where all maps have this value for its key. */
export const complaint = (
  write: Write,
  is: number | undefined,
  { begun, discarded, survivors }: Known
): string | undefined => {
  const { at, ends, key, node, value } = write
  // a removal has no value of its own: those of the same life up to its acknowledgement are it, or were before it
  const isSame = (other: Write) =>
    other.value === value && (value !== undefined || (other.life === write.life && other.at <= at))
  const isLater = (other: Write) => other.key === key && !isSame(other) && other.at >= at - SLACK
  // one that has ended is told as the removal that it is by then
  const wasTold = (one: Write) =>
    discarded.some((lost) =>
      lost.key === key && (Option.isNone(lost.value)
        ? lost.by === one.node && (one.value === undefined || one.ends < Infinity)
        : lost.value.value === one.value)
    )
  if (value !== undefined && is === value) return undefined
  // what was overwritten is not told, but what took its place; and nothing is promised of that where its writer is gone
  const isExcused = (other: Write) => wasTold(other) || !survivors.has(other.life)
  if (wasTold(write) || begun.some((other) => isLater(other) && isExcused(other))) return undefined
  if (is === undefined) {
    const isGone = value === undefined || ends < Infinity
      || begun.some((other) => isLater(other) && (other.value === undefined || other.ends < Infinity))
    return isGone ? undefined : `${node} wrote ${key} = ${value}, and it is gone`
  }
  const winner = begun.find((other) => other.value === is)
  if (winner === undefined) return `${key} is ${is}, which nobody wrote`
  if (isLater(winner)) return undefined
  const what = value === undefined ? `removed ${key}` : `wrote ${key} = ${value}`
  return `${node} ${what}, and there is ${is} of ${winner.node}, ${at - winner.at} ms older`
}

/** One life of a node's map. */
interface Life {
  readonly number: number
  readonly map: Counts
  /** What it wrote and was told that it is written. */
  readonly acknowledged: Array<Write>
}

const contentOf = (map: Counts) =>
  Effect.map(map.entries, (all) => all.map(([key, value]) => `${key}=${value}`).sort().join(" "))

export const make = ({ isCalm, now, seed, tell }: Surroundings): Application => {
  /** The lives that go on. */
  const lives = new Map<string, Life>()
  const begun: Array<Write> = []
  const discarded: Array<Lost> = []
  let value = 0
  let count = 0

  const write = Effect.fnUntraced(function*(node: string, life: Life, draws: Draws) {
    const key = draws.pick(keys)
    const kind = draws.next()
    const at = now()
    const ttl = kind > 0.85 ? draws.between(1_000, TTL) : undefined
    const ends = ttl === undefined ? Infinity : at + ttl
    const planned: Write = { node, key, value: kind < 0.3 ? undefined : value++, at, ends, life: life.number }
    begun.push(planned)
    const isDone = yield* planned.value === undefined
      ? life.map.remove(key)
      : Effect.as(life.map.set(key, planned.value, { ttl }), true)
    if (!isDone) return
    life.acknowledged.push({ ...planned, at: now() })
    tell(`${node} ${planned.value === undefined ? `removed ${key}` : `wrote ${key} = ${planned.value}`}`)
  }, (effect) =>
    // one that has left may not write, nor one whose clock was set back
    Effect.catchTags(effect, {
      NotParticipating: () => Effect.void,
      MapClockBehind: () => Effect.void,
      MapClosed: () => Effect.void
    }), Effect.orDie)

  const live = Effect.fnUntraced(function*(node: string) {
    const map = yield* Counts
    const life: Life = { number: ++count, map, acknowledged: [] }
    yield* Stream.runForEach(map.discarded, (lost) => Effect.sync(() => void discarded.push(lost))).pipe(
      Effect.forkScoped({ startImmediately: true })
    )
    const draws = new Draws(seed, `writes of ${node}, ${count}`)
    const writing = Effect.gen(function*() {
      yield* Effect.sleep(draws.between(200, 4_000))
      if (!isCalm()) yield* write(node, life, draws)
    })
    yield* Effect.forkScoped(Effect.forever(writing))
    yield* Effect.acquireRelease(
      Effect.sync(() => lives.set(node, life)),
      // where the next life has begun already, that one goes on
      () => Effect.sync(() => lives.get(node) === life && lives.delete(node))
    )
  })

  const layer = (node: string): Layer.Layer<never, never, Memberlist> =>
    Layer.effectDiscard(live(node)).pipe(Layer.provide(Counts.layer(options)), Layer.orDie)

  const livesOf = (present: ReadonlyArray<string>) => present.flatMap((name) => lives.get(name) ?? [])

  return {
    kind: "Map",
    layer,
    bound: 90_000,
    disagreements: Effect.fnUntraced(function*(present) {
      const last = Math.max(0, ...begun.flatMap(({ ends }) => ends < Infinity ? [ends] : []))
      // values that end by themselves do so by the clock of each
      if (now() < last + AHEAD) return ["a value may still end"]
      const contents = yield* Effect.forEach(livesOf(present), ({ map }) => contentOf(map))
      return new Set(contents).size > 1 ? [`maps differ: ${contents.join(" | ")}`] : []
    }),
    complaints: Effect.fnUntraced(function*(present) {
      const all = livesOf(present)
      const content = new Map(all[0] === undefined ? [] : yield* all[0].map.entries)
      const known = { begun, discarded, survivors: new Set(all.map(({ number }) => number)) }
      return all.flatMap(({ acknowledged }) =>
        acknowledged.flatMap((write) => complaint(write, content.get(write.key), known) ?? [])
      )
    }),
    total: () => begun.length
  }
}
