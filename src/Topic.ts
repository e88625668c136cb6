/**
 * Messages to every member that takes part, and to one of them: typed by a schema, pushed along a tree that repairs
 * itself, and caught up on by those who were away for a moment. `docs/topic.md` says what is promised and what is not.
 *
 * ```ts
 * import { Effect, Layer, Schema, Stream } from "effect"
 * import { MemberlistConfig, NodeMemberlist } from "effect-memberlist"
 * import * as Topic from "effect-memberlist/Topic"
 *
 * const Order = Schema.Struct({ id: Schema.String, amount: Schema.Number })
 * const Orders = Topic.make("orders", Order)
 * const OrdersLive = Orders.layer().pipe(
 *   Layer.provideMerge(NodeMemberlist.layer({ ...MemberlistConfig.lan, name: "orders-1" }))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const orders = yield* Orders
 *   yield* orders.subscribe.pipe(
 *     Stream.runForEach(({ from, value }) => Effect.log(`${from} ordered for ${value.amount}`)),
 *     Effect.forkScoped
 *   )
 *   yield* orders.publish({ id: "o-1", amount: 12 })
 * })
 * ```
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Rate from "./base/Rate.ts"
import * as ValueCodec from "./base/ValueCodec.ts"
import type { Member } from "./Member.ts"
import { Memberlist, type UserMessage } from "./Memberlist.ts"
import {
  type ConfigInvalid,
  type MemberlistClosed,
  type MessageTooLarge,
  type MetaTooLarge,
  type NodeNameRequired,
  NotParticipating,
  type TransportError,
  type UnknownMember
} from "./MemberlistError.ts"
import type { MetaForeign } from "./metadata/MetaErrors.ts"
import { Allowances } from "./topic/Allowances.ts"
import * as Outgoing from "./topic/Outgoing.ts"
import * as Packing from "./topic/Packing.ts"
import * as Participants from "./topic/Participants.ts"
import * as Subscribers from "./topic/Subscribers.ts"
import {
  NotTakingPart,
  TopicClosed,
  TopicInvalid,
  type TopicTaken,
  ValueInvalid,
  ValueTooLarge
} from "./topic/TopicError.ts"
import * as TopicFrame from "./topic/TopicFrame.ts"
import * as TopicOptions from "./topic/TopicOptions.ts"
import * as Tree from "./topic/Tree.ts"

export { MetaForeign } from "./metadata/MetaErrors.ts"
export * from "./topic/TopicError.ts"
export type { Options } from "./topic/TopicOptions.ts"

/**
 * A value that somebody published, or sent to this member.
 *
 * @category models
 * @since 0.1.0
 */
export interface Received<A> {
  readonly value: A
  /** The name of the member that published it, or sent it. */
  readonly from: string
  readonly via: "publish" | "send"
  /** How many values this subscriber lost immediately before this one, by being too slow. */
  readonly missed: number
}

/**
 * A value that did not decode.
 *
 * @category models
 * @since 0.1.0
 */
export interface Invalid {
  /** The name of the member that published it, or sent it. */
  readonly from: string
  readonly reason: string
}

/**
 * What this node does in a topic.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service<A> {
  /**
   * Publishes to every live member that takes part, this one included. Waits while much is waiting to be sent, and
   * succeeds when it is on its way: nobody has confirmed it.
   */
  readonly publish: (value: A) => Effect.Effect<void, ValueInvalid | ValueTooLarge | NotParticipating | TopicClosed>
  /**
   * Sends to one member that takes part: in one datagram that may be lost, or `reliable`, over a stream. Reliable means
   * written in full, not acknowledged.
   */
  readonly send: (
    to: Member | { readonly name: string },
    value: A,
    options?: { readonly reliable?: boolean | undefined }
  ) => Effect.Effect<
    void,
    | ValueInvalid
    | ValueTooLarge
    | NotTakingPart
    | TopicClosed
    | NotParticipating
    | MessageTooLarge
    | TransportError
    | UnknownMember
    | NodeNameRequired
    | MemberlistClosed
  >
  /**
   * Values from now on; the first subscriber also gets those that came before it, up to `subscriberBuffer`. A slow
   * subscriber loses its oldest values and is told how many. Ends with the layer.
   */
  readonly subscribe: Stream.Stream<Received<A>>
  /** Values that did not decode; they are passed over. */
  readonly invalid: Stream.Stream<Invalid>
  /** The live members that are known to take part, this one included. */
  readonly participants: Effect.Effect<ReadonlyArray<Member>>
  /** What was counted so far, `name` or `name:reason`; `docs/topic.md` lists them. */
  readonly counters: Effect.Effect<ReadonlyMap<string, number>>
}

/**
 * Why the layer of a topic may not start.
 *
 * @category errors
 * @since 0.1.0
 */
export type StartError =
  | TopicInvalid
  | TopicTaken
  | MetaForeign
  | ConfigInvalid
  | MetaTooLarge
  | NotParticipating
  | MemberlistClosed

/**
 * What a topic's service is known by in types.
 *
 * @category models
 * @since 0.1.0
 */
export interface Identity<Name extends string> {
  readonly "~effect-memberlist/Topic": Name
}

/**
 * The key of a topic's service, to be yielded, and its layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Topic<Name extends string, A> extends Context.Service<Identity<Name>, Service<A>> {
  readonly topic: Name
  /**
   * Takes part for as long as it lives, and says so in the node's metadata. A node has one layer of a topic; each call
   * makes another one, so keep it.
   */
  readonly layer: (options?: TopicOptions.Options) => Layer.Layer<Identity<Name>, StartError, Memberlist>
}

/** Between two looks at what is due. */
const TICK = 50
/** Until members that came or went change the links, so that many at once change them once. */
const VIEW_DELAY = 100
/** The share by which the interval of syncs varies. */
const JITTER = 0.25
const NO_VALUE_DECODED = 64
/** Members whose allowances are kept. */
const MOST_SENDERS = 16_384
/** How many members' worth of answers all may have together. */
const SHARES = 16
/** What a question takes of its sender's allowance beside its bytes: all that is kept is looked through for it. */
const QUESTION = 16

const checkedName = (topic: string): Effect.Effect<void, TopicInvalid> => {
  const length = new TextEncoder().encode(topic).length
  return length >= 1 && length <= TopicFrame.MAX_TOPIC && topic.isWellFormed()
    ? Effect.void
    : Effect.fail(new TopicInvalid({ topic, expected: `1 to ${TopicFrame.MAX_TOPIC} bytes of well-formed text` }))
}

const start = Effect.fnUntraced(function*<A>(
  topic: string,
  schema: Schema.Codec<A, unknown>,
  options: TopicOptions.Options
): Effect.fn.Return<Service<A>, StartError, Memberlist | Scope.Scope> {
  yield* checkedName(topic)
  const settings = yield* TopicOptions.checked(options)
  const cluster = yield* Memberlist
  const clock = yield* Clock.Clock
  // with the time, because a program that seeds its chance draws the same in each of its lives
  const epoch = ((yield* Random.nextIntBetween(0, 0xffff_ffff)) + clock.currentTimeMillisUnsafe()) >>> 0
  const { name: self } = yield* cluster.localMember
  const codec = ValueCodec.make(schema)

  const counts = new Map<string, number>()
  const count = (what: string, by = 1): void => void counts.set(what, (counts.get(what) ?? 0) + by)
  const subscribers = Subscribers.make<Omit<Received<A>, "missed">>(
    settings.subscriberBuffer,
    () => count("value.lost")
  )
  const invalid = Subscribers.make<Invalid>(NO_VALUE_DECODED, () => count("invalid.lost"))
  const everybody = new Participants.Participants(topic, self)
  const senders = new Allowances({ perSecond: settings.peerRate, burst: 2 * settings.peerRate }, MOST_SENDERS)
  // small questions must not make us answer with much, again and again: neither those of one, nor those of many
  const answers = { perSecond: settings.window.bytes / 4, burst: 2 * settings.window.bytes }
  const answered = new Allowances(answers, MOST_SENDERS)
  const answeredInAll = Rate.make({ perSecond: SHARES * answers.perSecond, burst: SHARES * answers.burst })
  const due = Latch.makeUnsafe(false)
  let isClosed = false
  let state = Tree.make(self, epoch)
  let viewAt: number | undefined = undefined

  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

  const outgoing = yield* Outgoing.make(cluster, settings.outgoing, count)

  const deliver = (payload: Uint8Array, from: string, via: Received<A>["via"]): void => {
    const decoded = codec.decode(payload)
    if (Result.isSuccess(decoded)) {
      count("value.received")
      subscribers.tell({ value: decoded.success, from, via })
    } else {
      count("value.invalid")
      invalid.tell({ from, reason: decoded.failure })
    }
  }

  const offer = (to: ReadonlyArray<string>, body: TopicFrame.Body): void => {
    const size = Packing.sizeOfAnswer(body)
    const at = now()
    const free = size === 0
      ? to
      : to.filter((name) => !answeredInAll.isEmpty(at) && answered.take(name, size, at) && answeredInAll.take(at, size))
    if (free.length < to.length) count("frame.dropped:Answers", to.length - free.length)
    if (free.length === 0) return
    count(`frame.queued:${body._tag}`, free.length)
    outgoing.offer(free, TopicFrame.encode({ topic, sender: self, body }))
  }

  /** Decides, and does what was decided, in one step. */
  const step = (input: Tree.Input): void => {
    const [next, directives] = Tree.decide(state, input, { now: now(), settings })
    state = next
    for (const directive of directives) {
      switch (directive._tag) {
        case "Send": {
          offer(directive.to, directive.body)
          break
        }
        case "Deliver": {
          deliver(directive.message.payload, directive.message.origin, "publish")
          break
        }
        case "Count":
          count(`tree.${directive.what}`)
      }
    }
    if (Tree.isWaiting(state)) Latch.openUnsafe(due)
  }

  const changed = (isChanged: boolean): void => {
    if (!isChanged || viewAt !== undefined) return
    viewAt = now() + VIEW_DELAY
    Latch.openUnsafe(due)
  }

  const receive = (message: UserMessage): void => {
    const { payload } = message
    if (message.missed > 0) count("frame.missed", message.missed)
    const decoded = TopicFrame.decode(payload, topic, (sender, isQuestion) => {
      const price = Math.ceil(payload.length / 1_024) + (isQuestion ? QUESTION : 0)
      // names that nobody has share one allowance
      return senders.take(everybody.isLive(sender) || sender === self ? sender : "", price, now())
    })
    switch (decoded._tag) {
      case "Foreign":
        return
      case "Other":
        return Participants.isOurs(cluster, decoded.topic) ? undefined : count("frame.ignored:Topic")
      case "Unknown":
        return count(`frame.ignored:${decoded.what}`)
      case "Refused":
        return count("frame.dropped:Flood")
      case "Malformed":
        return count("frame.ignored:Malformed")
      case "Frame": {
        const { body, sender } = decoded.frame
        // we send ourselves nothing but values for us alone
        if (sender === self && body._tag !== "Direct") return count("frame.ignored:Own")
        // an answer would reach nobody, and each made-up name would have an allowance of answers
        if ((body._tag === "Graft" || body._tag === "Digest") && !everybody.isLive(sender)) {
          return count("frame.ignored:Stranger")
        }
        count(`frame.received:${body._tag}`)
        changed(everybody.heard(sender, now()))
        if (body._tag === "Direct") return deliver(body.payload, sender, "send")
        if (body._tag === "Data") count("payload.received")
        if (body._tag === "Batch") count("payload.received", body.messages.length)
        return step({ _tag: "Received", from: sender, body })
      }
    }
  }

  /** Keeps something going until the layer ends, whatever goes wrong in it. */
  const always = (what: string, effect: Effect.Effect<void>) =>
    effect.pipe(
      Effect.catchCause((cause) =>
        Effect.andThen(
          Effect.sync(() => count(`defect:${what}`)),
          Effect.logWarning(`the topic ${topic}: ${what} failed, and goes on`, cause)
        )
      ),
      Effect.andThen(Effect.sleep("1 second")),
      Effect.forever,
      Effect.forkScoped({ startImmediately: true })
    )

  const receiving = Stream.runForEach(cluster.messages, (message) => Effect.sync(() => receive(message)))
  const watching = Stream.runForEach(cluster.events, (event) =>
    event.missed > 0
      ? Effect.map(cluster.members, (members) => changed(everybody.replace(members)))
      : Effect.sync(() => changed(everybody.take(event))))

  const look = Effect.sync(() => {
    if (viewAt !== undefined && viewAt <= now()) {
      viewAt = undefined
      const { ring } = everybody
      const [neighbours, branches] = [ring.neighbours(self), ring.branches(self)]
      step({ _tag: "View", participants: new Set(ring.names), neighbours, branches })
    }
    const at = Tree.nextDue(state)
    if (at !== undefined && at <= now()) step({ _tag: "Tick" })
    if (viewAt === undefined && !Tree.isWaiting(state)) Latch.closeUnsafe(due)
  })
  const ticking = Effect.forever(Effect.andThen(Effect.andThen(due.await, Effect.sleep(TICK)), look))

  const syncing = Effect.gen(function*() {
    const share = yield* Random.nextBetween(1 - JITTER, 1 + JITTER)
    yield* Effect.sleep(share * settings.syncInterval)
    // somebody may have replaced the whole metadata
    yield* Effect.catch(Participants.mark(cluster, topic), ({ _tag }) => Effect.sync(() => count(`unmarked:${_tag}`)))
    changed(everybody.forget(now()))
    const others = everybody.ring.size - 1
    if (others === 0) return
    const names = everybody.ring.names.filter((name) => name !== self)
    const chosen = names[yield* Random.nextIntBetween(0, others - 1)]
    if (chosen !== undefined) step({ _tag: "Sync", with: chosen })
  })

  yield* always("receiving", receiving)
  yield* always("watching", watching)
  yield* always("ticking", ticking)
  yield* always("syncing", Effect.forever(syncing))
  yield* Participants.marked(cluster, topic)
  // the last one, so that it is the first to happen: what waits is let go of while the rest still works
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      isClosed = true
      outgoing.end()
      subscribers.end()
      invalid.end()
    })
  )

  /** Whether this node takes part now. */
  const open = (operation: "publish" | "send") =>
    Effect.flatMap(cluster.localMember, ({ state }): Effect.Effect<void, TopicClosed | NotParticipating> => {
      if (isClosed) return Effect.fail(new TopicClosed({ topic, operation }))
      return state === "left" ? Effect.fail(new NotParticipating({ operation })) : Effect.void
    })

  /** The bytes of a value, if it may be sent now. */
  const bytesOf = (operation: "publish" | "send", value: A) =>
    Effect.gen(function*() {
      yield* open(operation)
      const encoded = codec.encode(value)
      if (Result.isFailure(encoded)) return yield* Effect.fail(new ValueInvalid({ topic, reason: encoded.failure }))
      const { length } = encoded.success
      if (length > settings.maxValueBytes) {
        return yield* Effect.fail(new ValueTooLarge({ topic, size: length, limit: settings.maxValueBytes }))
      }
      return encoded.success
    })

  return {
    publish: (value) =>
      Effect.gen(function*() {
        const payload = yield* bytesOf("publish", value)
        yield* outgoing.room
        // much may have happened while it waited
        yield* open("publish")
        count("value.published")
        step({ _tag: "Publish", payload })
      }),
    send: ({ name }, value, options) =>
      Effect.gen(function*() {
        const payload = yield* bytesOf("send", value)
        if (!everybody.ring.has(name)) return yield* Effect.fail(new NotTakingPart({ topic, member: name }))
        const frame = TopicFrame.encode({ topic, sender: self, body: { _tag: "Direct", payload } })
        yield* cluster.send({ name }, frame, options).pipe(Effect.catchTag("AddressInvalid", Effect.die))
        count("value.sent")
      }),
    subscribe: Stream.map(subscribers.stream, ([received, missed]) => ({ ...received, missed })),
    invalid: Stream.map(invalid.stream, ([value]) => value),
    participants: Effect.map(cluster.members, (members) => members.filter(({ name }) => everybody.ring.has(name))),
    counters: Effect.sync(() => new Map(counts))
  }
})

/**
 * A topic: a name, which is the same at every member, and the schema of its values. Schemas may change as
 * `SchemaBinary`'s default mode allows, so that members of two versions understand each other; they need no services,
 * and encode and decode at once.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <const Name extends string, A>(
  topic: Name,
  schema: Schema.Codec<A, unknown>
): Topic<Name, A> => {
  const key = Context.Service<Identity<Name>, Service<A>>(`effect-memberlist/Topic/${topic}`)
  return Object.assign(key, {
    topic,
    layer: (options: TopicOptions.Options = {}) => Layer.effect(key, start(topic, schema, options))
  })
}
