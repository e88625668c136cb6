/**
 * Tries the ways to other members and back, when somebody asks for it: `doctor`.
 *
 * Every member is pinged, by UDP and over a stream. Agents are also asked to answer by each way, so that it is known
 * which direction fails: what cannot come back by UDP comes by TCP. Packets as long as packets may be tell of the
 * network's MTU. Members that are no agents are sent nothing but pings.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import * as PlainText from "../../base/PlainText.ts"
import type { Member } from "../../Member.ts"
import { Memberlist } from "../../Memberlist.ts"
import { UnknownMember } from "../../MemberlistError.ts"
import * as AgentTopic from "../AgentTopic.ts"
import { MAX_CHECKED } from "../Api.ts"
import * as Fingerprint from "../keys/Fingerprint.ts"
import type * as Model from "../Model.ts"
import { RequestInvalid, TooMany } from "../Refusal.ts"
import { Tally } from "../serving/Tally.ts"
import * as Dialogue from "./Dialogue.ts"
import * as Trips from "./Trips.ts"

/** Members that are looked at at the same time, and what one of them may take: all together eight seconds. */
const CONCURRENCY = 8
const MEMBER_TIME = 4_000
/** How often a ping is tried: one packet may get lost. */
const PINGS = 3
/** How long the event loop is looked at, and how often, in milliseconds. */
const LOOP_TICK = 20
const LOOP_TICKS = 25

type MemberCheck = Model.CheckView["members"][number]

/**
 * Tries the ways to other members.
 *
 * @category services
 * @since 0.1.0
 */
export class Inspection extends Context.Service<Inspection, {
  /** Looks at these members, or at some by chance. One check at a time; it takes ten seconds at most. */
  readonly check: (
    names: ReadonlyArray<string>
  ) => Effect.Effect<Model.CheckView, RequestInvalid | UnknownMember | TooMany>
}>()("effect-memberlist/agent/Inspection") {
  /** Pings, and talks to no other agent. */
  static readonly layerAlone: Layer.Layer<Inspection, never, Memberlist | Tally> = Layer.effect(
    this,
    Effect.suspend(() => make(silent))
  )

  /** Asks other agents, and answers them. Where the node's metadata cannot take the mark of a topic, it only pings. */
  static readonly layer: Layer.Layer<Inspection, never, Memberlist | Tally> = Layer.effect(
    this,
    Effect.suspend(() => Effect.flatMap(Dialogue.make, make))
  ).pipe(
    Layer.provide(AgentTopic.layer),
    // the agreement, which needs the same topic, has said why
    Layer.catch(() => Inspection.layerAlone)
  )
}

const silent: Dialogue.Dialogue = { canAsk: false, ask: () => Effect.succeed(undefined) }

const make = Effect.fnUntraced(function*(
  dialogue: Dialogue.Dialogue
): Effect.fn.Return<Inspection["Service"], never, Memberlist | Tally> {
  const cluster = yield* Memberlist
  const tally = yield* Tally
  const clock = yield* Clock.Clock
  const gate = yield* Semaphore.make(1)
  const { name: self } = yield* cluster.localMember
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

  const ping = (name: string) =>
    cluster.ping({ name }).pipe(Effect.retry({ times: PINGS - 1, while: ({ _tag }) => _tag === "PingTimeout" }))

  const timed = (asked: Effect.Effect<Duration.Duration, { readonly message: string }>) =>
    asked.pipe(
      Effect.map(Duration.toMillis),
      Effect.mapError(({ message }) => message),
      Effect.timeoutOrElse({
        duration: MEMBER_TIME,
        orElse: () => Effect.fail(`no answer within ${MEMBER_TIME / 1000} s`)
      }),
      Effect.result
    )

  const look = Effect.fnUntraced(function*({ address, name, state }: Member): Effect.fn.Return<MemberCheck> {
    const [pinged, streamed, talked] = yield* Effect.all([
      timed(ping(name)),
      timed(cluster.ping({ name }, { reliable: true })),
      dialogue.ask(name)
    ], { concurrency: 3 })
    const evidence = {
      pinged: Result.isSuccess(pinged),
      streamed: Result.isSuccess(streamed),
      trips: talked?.trips ?? new Set<Trips.Trip>()
    }
    return {
      name,
      address,
      state,
      ...Result.isSuccess(pinged) ? { ping: pinged.success } : { pingError: pinged.failure },
      ...Result.isSuccess(streamed) ? { stream: streamed.success } : { streamError: streamed.failure },
      ...Trips.ways(evidence),
      ...talked?.size === undefined ? {} : { size: talked.size },
      answers: !dialogue.canAsk
        ? "not asked"
        : talked === undefined
        ? "no agent"
        : talked.agent === undefined
        ? "no"
        : "yes",
      ...talked?.agent === undefined ? {} : { agent: talked.agent }
    }
  })

  /** How late the latest of some timers is. */
  const late = Effect.gen(function*() {
    let most = 0
    for (let i = 0; i < LOOP_TICKS; i++) {
      const due = now() + LOOP_TICK
      yield* Effect.sleep(LOOP_TICK)
      most = Math.max(most, now() - due)
    }
    return most
  })

  const named = Effect.fnUntraced(function*(name: string) {
    if (name === self) {
      return yield* Effect.fail(
        new RequestInvalid({ reason: `"${PlainText.name(name)}" is this agent; expected the names of other members` })
      )
    }
    const member = yield* cluster.member(name)
    return Option.isSome(member) ? member.value : yield* Effect.fail(new UnknownMember({ target: name }))
  })

  const check = Effect.fnUntraced(function*(names: ReadonlyArray<string>) {
    tally.add("checks", "asked")
    const others = (yield* cluster.members).filter(({ name }) => name !== self)
    const chosen = names.length === 0
      ? (yield* Random.shuffle(others)).slice(0, MAX_CHECKED)
      : yield* Effect.forEach([...new Set(names)], named)
    const [members, delay] = yield* Effect.all([
      Effect.forEach(chosen, look, { concurrency: CONCURRENCY }),
      late
    ], { concurrency: 2 })
    return {
      others: others.length,
      late: delay,
      label: cluster.info.label,
      keys: (yield* cluster.keyring.keys).slice(0, AgentTopic.MAX_KEYS).map(Fingerprint.of),
      members
    }
  })

  return Inspection.of({
    check: (names) =>
      Effect.flatMap(
        gate.withPermitsIfAvailable(1)(check(names)),
        Option.match({
          onNone: () => Effect.fail(new TooMany({ what: "checks", limit: 1 })),
          onSome: Effect.succeed
        })
      )
  })
})
