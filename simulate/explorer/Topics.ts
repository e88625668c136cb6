/**
 * A topic that runs on every node while the cluster has bad days. Each node publishes now and then, and keeps what it
 * got; in the calm all have the same, and nobody got anything twice in one life, or what nobody published.
 */
import type { Memberlist } from "effect-memberlist"
import * as Topic from "effect-memberlist/Topic"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Draws } from "../../src/testing/clock/Draws.ts"
import type { Application, Surroundings } from "./Application.ts"

const Value = Schema.Struct({ publisher: Schema.String, life: Schema.Int, number: Schema.Int, filling: Schema.String })
const Values = Topic.make("values", Value)

/** Nothing falls out of a window, so that whoever was away may miss nothing. */
const KEEP: Topic.Options = { windowAge: "1 day", windowMessages: 65_536, windowBytes: 2 ** 28 }

/** Milliseconds between two values of a node, at most. */
const PAUSE = 6_000
/** Characters of filling: a value in a datagram, one over a stream, or one near the limit between them. */
const SIZES = [0, 0, 0, 900, 1_300, 5_000] as const

/** One life of a node's topic. */
interface Life {
  readonly name: string
  readonly got: Set<string>
  /** What it was told is on its way. */
  readonly published: Set<string>
}

const keyOf = ({ life, number, publisher }: Omit<typeof Value.Type, "filling">) => `${publisher}/${life}/${number}`

/** Judges what the nodes get. */
export const judging = (fail: Surroundings["fail"]) => {
  /** What somebody began to publish. */
  const begun = new Set<string>()
  return {
    total: () => begun.size,
    begins: (name: string): Life => ({ name, got: new Set(), published: new Set() }),
    publishes: (value: typeof Value.Type) => {
      begun.add(keyOf(value))
    },
    took: ({ got, name }: Life, from: string, value: typeof Value.Type) => {
      const key = keyOf(value)
      if (!begun.has(key) || from !== value.publisher) {
        fail("Topic", `${name} got ${key} from ${from}, which never published it`)
      }
      if (got.has(key)) fail("Topic", `${name} got ${key} twice`)
      got.add(key)
    }
  }
}

export const make = ({ fail, isCalm, seed, tell }: Surroundings, options = KEEP): Application => {
  const judge = judging(fail)
  /** The lives that go on. */
  const lives = new Map<string, Life>()
  let count = 0

  const live = Effect.fnUntraced(function*(name: string) {
    const number = ++count
    const life = judge.begins(name)
    const topic = yield* Values
    yield* Stream.runForEach(topic.subscribe, ({ from, value }) => Effect.sync(() => judge.took(life, from, value)))
      .pipe(Effect.forkScoped({ startImmediately: true }))
    const draws = new Draws(seed, `values of ${name}, ${number}`)
    let sent = 0
    const publishing = Effect.gen(function*() {
      yield* Effect.sleep(draws.between(1, PAUSE))
      if (isCalm()) return
      const value = { publisher: name, life: number, number: ++sent, filling: "x".repeat(draws.pick(SIZES)) }
      judge.publishes(value)
      yield* topic.publish(value)
      life.published.add(keyOf(value))
      tell(`${name} published ${keyOf(value)}`)
    })
    yield* publishing.pipe(
      // while it has left
      Effect.catchTag("NotParticipating", () => Effect.void),
      Effect.forever,
      Effect.forkScoped
    )
    yield* Effect.acquireRelease(
      Effect.sync(() => lives.set(name, life)),
      // where the next life has begun already, that one goes on
      () => Effect.sync(() => lives.get(name) === life && lives.delete(name))
    )
  })

  const layer = (name: string): Layer.Layer<never, never, Memberlist> =>
    Layer.effectDiscard(live(name)).pipe(Layer.provide(Values.layer(options)), Layer.orDie)

  return {
    kind: "Topic",
    layer,
    // a comparison each ten seconds with somebody, often with one that was compared with before
    bound: 120_000,
    disagreements: (present) =>
      Effect.sync(() => {
        const there = present.flatMap((name) => lives.get(name) ?? [])
        const all = new Set(there.flatMap(({ got, published }) => [...got, ...published]))
        return there.flatMap(({ got, name }) => {
          const lacking = [...all].filter((key) => !got.has(key))
          const some = lacking.slice(0, 3).join(", ")
          return lacking.length === 0 ? [] : [`${name} lacks ${some} (${lacking.length} of ${all.size})`]
        })
      }),
    complaints: () => Effect.succeed([]),
    total: judge.total
  }
}
