/**
 * Whether all agents see the same members: they tell each other the digests of their lists, while somebody looks.
 *
 * Whoever looks asks all agents through a topic; each answers by a datagram of its own, and again whenever its list has
 * changed, spread over a time that grows with the cluster. While nobody looks, nothing is sent but what keeps the topic
 * whole.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { Memberlist } from "../../Memberlist.ts"
import * as AgentTopic from "../AgentTopic.ts"
import * as Conclusion from "./Conclusion.ts"
import * as Digest from "./Digest.ts"

/** How often agents are asked while somebody looks. */
const ASK_INTERVAL = 5_000
/** How long after the last look that goes on. */
const LOOK_TIME = 15_000
/** How long an agent tells whoever asked last: two questions may get lost. */
const TELL_TIME = 17_000
/** How many are told at a time; whoever asked longest ago is forgotten first. */
const MAX_LOOKERS = 16
/** How many answers a second one that asks should get: so they are spread, and a change of ours waits with them. */
const ANSWERS_PER_SECOND = 200
/** How often our own list is looked at while somebody looks, beside each change of the view. */
const CHECK_INTERVAL = 500
/** Between two answers to the same, at least, in milliseconds. */
const MIN_PAUSE = 50

/**
 * Whether all agents see the same members.
 *
 * @category services
 * @since 0.1.0
 */
export class Agreement extends Context.Service<Agreement, {
  /**
   * What is known now. To look is to ask: for 15 seconds after each look the others are asked. The first answer knows
   * of nobody, one a moment later does.
   */
  readonly look: Effect.Effect<Conclusion.Agreement>
}>()("effect-memberlist/agent/Agreement") {
  /** Knows of no other agent, and tells none. */
  static readonly layerAlone: Layer.Layer<Agreement, never, Memberlist> = Layer.effect(
    this,
    Effect.suspend(() => alone)
  )

  /**
   * Takes part for as long as it lives. Where the node's metadata cannot take the mark of a topic, because it is full
   * or in a form of somebody else's, this agent knows of no other, and the others count it as none.
   */
  static readonly layer: Layer.Layer<Agreement, never, Memberlist> = Layer.effect(
    this,
    Effect.suspend(() => make)
  ).pipe(
    Layer.provide(AgentTopic.layer),
    Layer.catch(({ message }) =>
      Layer.unwrap(Effect.as(
        Effect.logWarning(`whether all agents see the same members cannot be told: ${message}`),
        Agreement.layerAlone
      ))
    )
  )
}

/** Without a way to ask anybody. */
const alone = Effect.gen(function*() {
  const cluster = yield* Memberlist
  const clock = yield* Clock.Clock
  const { name: self } = yield* cluster.localMember
  const began = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  return Agreement.of({
    look: Effect.map(cluster.members, (members) => {
      const own = { digest: Digest.of(members), members: members.length, since: began, isExact: true, self }
      const names = members.map(({ name }) => name)
      return Conclusion.conclude(new Map(), own, names, new Set([self]), Number(clock.monotonicTimeNanosUnsafe()) / 1e6)
    })
  })
})

const make = Effect.gen(function*() {
  const cluster = yield* Memberlist
  const digests = yield* AgentTopic.Talk
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const { name: self } = yield* cluster.localMember
  let own: Conclusion.Seen = { digest: "", members: 0, since: now(), isExact: true }
  let checkedAt = now()
  let live: ReadonlySet<string> = new Set()
  /** Of live members alone, so there are never more of them. */
  const reports = new Map<string, Conclusion.Report>()
  let lookedAt: number | undefined = undefined
  const looked = Latch.makeUnsafe(false)
  /** Open while this node looks, or tells somebody who does. */
  const active = Latch.makeUnsafe(false)
  /** Until when each that asked is told. */
  const lookers = new Map<string, number>()
  const answers = yield* FiberMap.make<string>()

  /** Tells one of our list as it is when its turn has come. */
  const answer = (to: string) =>
    Effect.gen(function*() {
      const spread = Math.max(MIN_PAUSE, (live.size * 1_000) / ANSWERS_PER_SECOND)
      yield* Effect.sleep(yield* Random.nextBetween(0, spread))
      const { digest, isExact, members, since } = own
      // one that does not hear it asks again
      yield* Effect.ignore(
        digests.send({ name: to }, { _tag: "Told", digest, members, age: Math.max(0, now() - since), isExact })
      )
    })

  const answerLater = (to: string) => FiberMap.run(answers, to, answer(to), { onlyIfMissing: true })

  /**
   * Looks at our own list, and tells those who look of another one. An incarnation that is raised and nothing else is
   * no change of the view: when nobody looked for a while, it is not known when that came.
   */
  const check = (isChange: boolean) =>
    Effect.flatMap(cluster.members, (members) => {
      live = new Set(members.map(({ name }) => name))
      for (const name of reports.keys()) if (!live.has(name)) reports.delete(name)
      for (const [name, until] of lookers) if (until < now() || !live.has(name)) lookers.delete(name)
      if (lookers.size === 0 && lookedAt === undefined) Latch.closeUnsafe(active)
      const isExact = isChange || now() - checkedAt <= 2 * CHECK_INTERVAL
      checkedAt = now()
      const digest = Digest.of(members)
      if (digest === own.digest && members.length === own.members) return Effect.void
      own = { digest, members: members.length, since: now(), isExact }
      return Effect.forEach([...lookers.keys()], answerLater, { discard: true })
    })

  const asked = (from: string) => {
    lookers.delete(from)
    lookers.set(from, now() + TELL_TIME)
    const [oldest] = lookers.keys()
    if (lookers.size > MAX_LOOKERS && oldest !== undefined) lookers.delete(oldest)
    Latch.openUnsafe(active)
    return Effect.andThen(check(false), answerLater(from))
  }

  const watching = Stream.runForEach(cluster.changes, () => check(true))
  const checking = active.await.pipe(Effect.andThen(Effect.sleep(CHECK_INTERVAL)), Effect.andThen(check(false)))

  const receiving = Stream.runForEach(digests.subscribe, ({ from, value }) =>
    Effect.suspend(() => {
      if (from === self || !live.has(from)) return Effect.void
      if (value._tag === "Asked") return Effect.asVoid(asked(from))
      if (value._tag !== "Told") return Effect.void
      // nobody asked: somebody else's mistake, and not kept
      if (lookedAt === undefined) return Effect.void
      const { age, digest, isExact, members } = value
      reports.set(from, { digest, members, since: now() - age, isExact, at: now() })
      return Effect.void
    }))

  const asking = Effect.gen(function*() {
    yield* looked.await
    yield* Effect.ignore(digests.publish({ _tag: "Asked" }))
    yield* Effect.sleep(ASK_INTERVAL)
    if (lookedAt !== undefined && now() - lookedAt <= LOOK_TIME) return
    lookedAt = undefined
    reports.clear()
    Latch.closeUnsafe(looked)
  })

  for (const loop of [watching, receiving, Effect.forever(checking), Effect.forever(asking)]) {
    const logged = Effect.tapCause(
      loop,
      (cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.void
          : Effect.logWarning("the agreement of members is not watched", cause)
    )
    yield* Effect.forkScoped(logged, { startImmediately: true })
  }

  return Agreement.of({
    look: Effect.gen(function*() {
      lookedAt = now()
      Latch.openUnsafe(looked)
      Latch.openUnsafe(active)
      yield* check(false)
      const agents = new Set((yield* digests.participants).map(({ name }) => name))
      return Conclusion.conclude(reports, { ...own, self }, [...live], agents, now())
    })
  })
})
