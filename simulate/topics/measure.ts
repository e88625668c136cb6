/** How messages reach all members: by a topic, by gossip that every receiver repeats once, by `broadcast`; in virtual time. */
import { Memberlist } from "effect-memberlist"
import * as Topic from "effect-memberlist/Topic"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Cluster, type Member, now, run } from "../measuring/Cluster.ts"
import { seeded } from "../measuring/Seeded.ts"

/** How a message spreads. */
export const ways = {
  topic: "topic",
  repeated: "every receiver repeats it once by `broadcast`",
  broadcast: "`broadcast` alone"
} as const
export type Way = keyof typeof ways

export interface Job {
  readonly way: Way
  readonly members: number
  readonly loss: number
  /** A member crashes and another one comes, again and again: every two seconds, in clusters of less than 100 less often. */
  readonly churn: boolean
  readonly seed: number
}

/** Of the messages that were measured, each of which is for those members that live on for ten seconds. */
export interface Result {
  readonly messages: number
  /** How many of them reached everybody. */
  readonly complete: number
  /** The share of members that a message reached, on average. */
  readonly coverage: number
  /** Payloads that a member received of a message, on average, and of the very first one. */
  readonly copies: number
  readonly first: number
  /** Seconds until half of the members had it, on average; until the last of those that got it, on average and at most. */
  readonly half: number
  readonly last: number
  readonly slowest: number
}

/** Messages before the first that is measured, and as many that are: a large cluster takes a minute of computing for each. */
const messagesOf = (members: number): number => members > 300 ? 6 : 20
/** Seconds between two messages, and from the last one to the end. */
const PAUSE = 5
const SETTLE = 20
const BYTES = 100
/** Milliseconds that a member must live after a message, to count. */
const LIFE = 10_000

const Note = Schema.Struct({ number: Schema.Int, text: Schema.String })
const Notes = Topic.make("notes", Note)
const text = "x".repeat(BYTES)

/** What a member does with messages. */
interface Voice {
  readonly member: Member
  readonly publish: (number: number) => Effect.Effect<void>
}

/** What happened to a message. */
interface Story {
  readonly began: number
  readonly arrived: Map<string, number>
  copies: number
}

const speaking = Effect.fnUntraced(function*(
  member: Member,
  way: Way,
  told: (number: number, at: number, name: string) => void,
  copied: (number: number) => void
): Effect.fn.Return<Voice, never, Scope.Scope> {
  const scope = yield* Scope.Scope
  const { cluster, name } = member
  if (way === "topic") {
    const built = yield* Layer.buildWithScope(
      Notes.layer().pipe(Layer.provide(Layer.succeed(Memberlist, cluster))),
      scope
    ).pipe(Effect.orDie)
    const notes = Context.get(built, Notes)
    yield* notes.subscribe.pipe(
      Stream.runForEach(({ value }) => Effect.map(now, (at) => told(value.number, at, name))),
      Effect.forkIn(scope, { startImmediately: true })
    )
    // the payloads as they arrive, behind the head of a frame: all but announcements and questions
    yield* cluster.messages.pipe(
      Stream.runForEach(({ payload }) => Effect.sync(() => copies(payload, copied))),
      Effect.forkIn(scope, { startImmediately: true })
    )
    return { member, publish: (number) => Effect.orDie(notes.publish({ number, text: `${mark(number)}${text}` })) }
  }
  const had = new Set<number>()
  const send = (number: number) => Effect.orDie(cluster.broadcast(new TextEncoder().encode(`${mark(number)}${text}`)))
  yield* cluster.messages.pipe(
    Stream.runForEach(({ payload }) =>
      Effect.gen(function*() {
        const number = numbersIn(payload)[0]
        if (number === undefined) return
        copied(number)
        if (had.has(number)) return
        had.add(number)
        told(number, yield* now, name)
        if (way === "repeated") yield* send(number)
      })
    ),
    Effect.forkIn(scope, { startImmediately: true })
  )
  return {
    member,
    publish: (number) =>
      Effect.gen(function*() {
        had.add(number)
        told(number, yield* now, name)
        yield* send(number)
      })
  }
})

/** A message is found in bytes by its mark. */
const mark = (number: number): string => `<note ${number}>`
const decoder = new TextDecoder()
const numbersIn = (payload: Uint8Array): ReadonlyArray<number> =>
  [...decoder.decode(payload).matchAll(/<note (\d+)>/g)].map((match) => Number(match[1]))
const copies = (payload: Uint8Array, copied: (number: number) => void): void => {
  if (payload.length > BYTES) { for (const number of numbersIn(payload)) copied(number) }
}

const average = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Lets one member crash and another come, again and again. */
const changing = Effect.fnUntraced(function*(
  cluster: Cluster,
  voices: Map<string, Voice>,
  random: () => number,
  ends: Map<string, number>,
  begin: (member: Member) => Effect.Effect<void, never, Scope.Scope>
) {
  const interval = Math.max(2, 200 / cluster.members.length)
  for (;;) {
    yield* Effect.sleep(`${interval} seconds`)
    const all = [...voices.values()]
    const victim = all[Math.floor(random() * all.length)]
    if (victim !== undefined) {
      voices.delete(victim.member.name)
      ends.set(victim.member.name, yield* now)
      yield* cluster.network.crash(victim.member.ip)
    }
    const newcomer = yield* cluster.start
    yield* begin(newcomer)
    const seeds = [...voices.values()].slice(0, 3).map(({ member }) => member.ip)
    yield* Effect.ignore(newcomer.cluster.join(seeds))
  }
})

/** Runs it. */
export const measure = ({ churn, loss, members, seed, way }: Job): Result =>
  run(
    {
      members,
      settings: {},
      seed: `topics/${members}/${loss}/${churn}/${seed}`,
      latency: [1, 5],
      settleSeconds: SETTLE,
      record: false
    },
    Effect.fnUntraced(function*(cluster): Effect.fn.Return<Result, never, Scope.Scope> {
      const stories: Array<Story> = []
      const voices = new Map<string, Voice>()
      const ends = new Map<string, number>()
      const random = seeded(`topics/${seed}`)
      const told = (number: number, at: number, name: string) => {
        const story = stories[number]
        if (story !== undefined && !story.arrived.has(name)) story.arrived.set(name, at)
      }
      const copied = (number: number) => {
        const story = stories[number]
        if (story !== undefined) story.copies++
      }
      const begin = (member: Member) =>
        Effect.map(speaking(member, way, told, copied), (voice) => void voices.set(member.name, voice))
      yield* Effect.forEach(cluster.members, begin, { discard: true })
      yield* Effect.sleep(`${SETTLE} seconds`)
      if (loss > 0) yield* cluster.network.inject({ _tag: "Loss", from: ["*"], to: ["*"], probability: loss })
      if (churn) yield* Effect.forkChild(changing(cluster, voices, random, ends, begin))
      const sizes: Array<ReadonlySet<string>> = []
      const count = messagesOf(members)
      for (let i = 0; i < 2 * count; i++) {
        const all = [...voices.values()]
        const publisher = all[Math.floor(random() * all.length)]
        if (publisher === undefined) break
        stories.push({ began: yield* now, arrived: new Map(), copies: 0 })
        sizes.push(new Set(voices.keys()))
        yield* publisher.publish(i)
        yield* Effect.sleep(`${PAUSE} seconds`)
      }
      // what those are told who are asked now and then
      yield* Effect.sleep(`${3 * PAUSE} seconds`)
      const found = stories.map((story, i) => {
        const present = [...(sizes[i] ?? [])].filter((name) => (ends.get(name) ?? Infinity) > story.began + LIFE)
        const times = present.flatMap((name) => {
          const at = story.arrived.get(name)
          return at === undefined ? [] : [(at - story.began) / 1000]
        }).sort((a, b) => a - b)
        return {
          reached: times.length / present.length,
          copies: story.copies / Math.max(1, (sizes[i]?.size ?? 0) - 1),
          half: times[Math.ceil(present.length / 2) - 1] ?? Infinity,
          last: times.at(-1) ?? Infinity
        }
      })
      const measured = found.slice(count)
      return {
        messages: measured.length,
        complete: measured.filter(({ reached }) => reached === 1).length,
        coverage: average(measured.map(({ reached }) => reached)),
        copies: average(measured.map(({ copies }) => copies)),
        first: found[0]?.copies ?? Infinity,
        half: average(measured.map(({ half }) => half)),
        last: average(measured.map(({ last }) => last)),
        slowest: Math.max(...measured.map(({ last }) => last))
      }
    })
  )
