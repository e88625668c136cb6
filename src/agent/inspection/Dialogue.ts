/**
 * What an agent asks another one to find out which ways lead there and back, and what it answers such questions.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Rate from "../../base/Rate.ts"
import { Memberlist } from "../../Memberlist.ts"
import type * as Topic from "../../Topic.ts"
import * as AgentTopic from "../AgentTopic.ts"
import * as Fingerprint from "../keys/Fingerprint.ts"
import type * as Model from "../Model.ts"
import { Tally } from "../serving/Tally.ts"
import * as Trips from "./Trips.ts"

/** Until what was not answered is tried again, and at last given up, in milliseconds: one packet may get lost. */
const ROUNDS = [500, 700, 1_000] as const
/** Answers to all other agents, and to each. One that asks wants five, and up to fifteen where ways fail. */
const ANSWERS = { perSecond: 64, burst: 256 } as const
const ANSWERS_EACH = { perSecond: 8, burst: 32 } as const
/** How many that ask are told apart; whoever asked longest ago is forgotten first. */
const MAX_ASKERS = 64
/** Answers over streams that may be under way, and how long each may take. */
const MAX_STREAMS = 16
const STREAM_TIME = "3 seconds"
/** How often a full packet is made: the first one is too long, and tells by how much. */
const FITTINGS = 3

const tried: ReadonlyArray<AgentTopic.Way> = ["packet", "full", "stream"]

/** By which ways a try is answered: what cannot come back by one comes by another. */
const back = (way: AgentTopic.Way, isFirst: boolean): ReadonlyArray<AgentTopic.Way> => {
  if (way !== "full") return [way, way === "packet" ? "stream" : "packet"]
  return isFirst ? ["full"] : ["full", "packet", "stream"]
}

/** What the agent of a member answered. */
export interface Talked {
  readonly trips: ReadonlySet<Trips.Trip>
  /** Bytes of content in this agent's full packets; absent where none was sent. */
  readonly size: number | undefined
  /** What it said of itself; absent where it did not answer. */
  readonly agent: Model.AgentCheck | undefined
}

/** Who asks and answers. */
export interface Dialogue {
  /** Whether this agent can ask at all. */
  readonly canAsk: boolean
  /** Asks the agent of a member; `undefined` where it is none. It takes 2.2 seconds at most. */
  readonly ask: (name: string) => Effect.Effect<Talked | undefined>
}

type Heard = Extract<AgentTopic.Message, { readonly _tag: "Heard" }>

/** Answers, and can ask, for as long as the scope lives. */
export const make: Effect.Effect<
  Dialogue,
  never,
  Memberlist | Tally | Topic.Identity<"effect-memberlist/agents"> | Scope.Scope
> = Effect.gen(function*() {
  const talk = yield* AgentTopic.Talk
  const cluster = yield* Memberlist
  const tally = yield* Tally
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const answers = Rate.make(ANSWERS)
  const askers = new Map<string, Rate.Rate>()
  /** Whether one that asks may be answered: nobody takes the answers of all. */
  const mayAnswer = (to: string): boolean => {
    const own = askers.get(to) ?? Rate.make(ANSWERS_EACH)
    askers.delete(to)
    askers.set(to, own)
    const [oldest] = askers.keys()
    if (askers.size > MAX_ASKERS && oldest !== undefined) askers.delete(oldest)
    return own.take(now()) && answers.take(now())
  }
  const streams = yield* FiberSet.make<void>()
  /** Who waits for an answer of which member, by the number of the try. */
  const waiting = new Map<number, { readonly from: string; readonly take: (heard: Heard) => void }>()

  // chance cannot be compressed
  const filler = new Uint32Array(AgentTopic.MAX_FILLER / 4)
  for (let i = 0; i < filler.length; i++) filler[i] = yield* Random.nextIntBetween(0, 0xffff_ffff)
  const bytes = (length: number) => new Uint8Array(filler.buffer, 0, length)

  const send = (to: string, message: AgentTopic.Message, reliable = false) =>
    talk.send({ name: to }, message, { reliable })

  /** Sends a packet as long as packets may be; the bytes that it holds. */
  const sendFull = Effect.fnUntraced(function*(to: string, of: (filler: Uint8Array) => AgentTopic.Message) {
    let length = AgentTopic.MAX_FILLER
    let size: number | undefined
    for (let i = 0; i < FITTINGS && length > 0; i++) {
      const error = yield* Effect.match(send(to, of(bytes(length))), {
        onSuccess: () => undefined,
        onFailure: (error) => error
      })
      if (error?._tag !== "MessageTooLarge") return error === undefined ? size ?? length : undefined
      size = error.limit
      length -= error.size - error.limit
    }
    return undefined
  })

  const sendBy = (way: AgentTopic.Way, to: string, of: (filler: Uint8Array) => AgentTopic.Message) =>
    way === "full" ? sendFull(to, of) : Effect.as(send(to, of(bytes(0)), way === "stream"), undefined)

  const answer = Effect.fnUntraced(function*(to: string, id: number, ways: ReadonlySet<AgentTopic.Way>) {
    const keys = (yield* cluster.keyring.keys).slice(0, AgentTopic.MAX_KEYS).map(Fingerprint.of)
    for (const way of ways) {
      const heard = (filler: Uint8Array): AgentTopic.Message => ({
        _tag: "Heard",
        id,
        by: way,
        at: clock.currentTimeMillisUnsafe(),
        label: cluster.info.label,
        keys,
        filler
      })
      const isRefused = !mayAnswer(to) || (way === "stream" && (yield* FiberSet.size(streams)) >= MAX_STREAMS)
      tally.add("checks", isRefused ? "refused" : "answered")
      if (isRefused) continue
      const sending = Effect.ignore(sendBy(way, to, heard))
      yield* way === "stream"
        ? FiberSet.run(streams, Effect.asVoid(Effect.timeoutOption(sending, STREAM_TIME)))
        : sending
    }
  })

  const receiving = Stream.runForEach(talk.subscribe, ({ from, value }) =>
    Effect.suspend(() => {
      if (value._tag === "Tried") return answer(from, value.id, new Set(value.back))
      const waits = value._tag === "Heard" ? waiting.get(value.id) : undefined
      if (value._tag === "Heard" && waits?.from === from) waits.take(value)
      return Effect.void
    }))
  yield* Effect.forkScoped(
    Effect.tapCause(receiving, (cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.void
        : Effect.logWarning("other agents' checks are not answered", cause)),
    { startImmediately: true }
  )

  const ask = Effect.fnUntraced(function*(name: string): Effect.fn.Return<Talked | undefined, never, Scope.Scope> {
    const participants = yield* talk.participants
    if (!participants.some((member) => member.name === name)) return undefined
    const trips = new Set<Trips.Trip>()
    const complete = Deferred.makeUnsafe<void>()
    let agent: Model.AgentCheck | undefined
    let size: number | undefined

    const attempt = Effect.fnUntraced(function*(way: AgentTopic.Way, isFirst: boolean) {
      const id = yield* Random.nextIntBetween(0, 0xffff_ffff)
      const began = { at: clock.currentTimeMillisUnsafe(), monotonic: now() }
      const take = ({ at, by, keys, label }: Heard): void => {
        trips.add(`${way}>${by}`)
        const within = (now() - began.monotonic) / 2
        // the sooner an answer comes, the better is known when it was given
        if (agent === undefined || within < agent.clock.within) {
          agent = { clock: { ahead: at - began.at - within, within }, label, keys }
        }
        if (Trips.isComplete(trips)) Deferred.doneUnsafe(complete, Effect.void)
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => void waiting.set(id, { from: name, take })),
        () => Effect.sync(() => void waiting.delete(id))
      )
      const wanted = back(way, isFirst)
      const sent = yield* Effect.option(sendBy(way, name, (filler) => ({ _tag: "Tried", id, back: wanted, filler })))
      if (way === "full") size = Option.getOrUndefined(sent) ?? size
    })

    for (const [round, pause] of ROUNDS.entries()) {
      for (const way of tried) {
        if (trips.has(`${way}>${way}`)) continue
        // a stream is not lost: it is tried once, and not waited for
        if (way !== "stream") yield* attempt(way, round === 0)
        else if (round === 0) yield* Effect.forkScoped(attempt(way, true))
      }
      const isOver = yield* Effect.timeoutOption(Deferred.await(complete), pause)
      if (Option.isSome(isOver)) break
    }
    return { trips, size, agent }
  })

  return { canAsk: true, ask: (name) => Effect.scoped(ask(name)) }
})
