/** Brings what this node has accepted to each of its peers, in order, and again until they have it. */
import {
  ByteSize,
  Cause,
  Clock,
  Duration,
  Effect,
  FiberMap,
  Layer,
  Metric,
  Option,
  PubSub,
  Queue,
  Random,
  Ref,
  Schema,
  Stream
} from "effect"
import { Memberlist } from "effect-memberlist"
import { HttpClient, HttpClientRequest, HttpClientResponse, HttpIncomingMessage } from "effect/http"
import { Forwarded, Journal } from "./journal.ts"
import { Present, urlOf } from "./members.ts"

/** A batch, as it goes to a peer. `to` is its name: a port may have come to another node. */
export const Batch = Schema.Struct({
  from: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(255)),
  to: Schema.String,
  messages: Schema.Array(Forwarded).check(Schema.isMaxLength(100))
})
/** The answer: all of it is on the peer's disk, in the journal of this id. */
export const Received = Schema.Struct({ journal: Schema.String.check(Schema.isMaxLength(64)) })

class Replaced extends Schema.TaggedError<Replaced>()("Replaced", { message: Schema.String }) {}

const failures = Metric.counter("forwarder_forward_failures", { incremental: true })
const givenUp = Metric.counter("forwarder_given_up", { incremental: true })

const reason = (cause: Cause.Cause<unknown>) => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

/** Milliseconds until the next try: twice as long after each failure, up to five seconds. */
const pause = (tries: number) =>
  Effect.map(Random.nextBetween(0.5, 1), (random) => random * Math.min(5000, 100 * 2 ** Math.min(tries, 10)))

/** Forwards while it lives. `forgetAfter`: how long a peer may be away until nothing is kept for it any longer. */
export const layer = (
  { forgetAfter }: { readonly forgetAfter: Duration.Input }
): Layer.Layer<never, never, Journal | Present | Memberlist | HttpClient.HttpClient> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const cluster = yield* Memberlist
    const journal = yield* Journal
    const present = yield* Present
    const client = HttpClient.filterStatusOk(yield* HttpClient.HttpClient)
    const limit = Duration.toMillis(forgetAfter)

    const urlNow = (peer: string) =>
      Option.flatMap(Option.fromUndefinedOr(Ref.getUnsafe(present).find(({ name }) => name === peer)), urlOf)

    const send = Effect.fnUntraced(function*(peer: string) {
      const url = urlNow(peer)
      if (Option.isNone(url)) return "away"
      const messages = journal.batchFor(peer)
      const last = messages.at(-1)
      if (last === undefined) return "idle"
      const { journal: other } = yield* HttpClientRequest.post(`${url.value}/forward`).pipe(
        HttpClientRequest.bodyJsonUnsafe({
          from: journal.name,
          to: peer,
          messages: messages.map(({ at, number, run, text }) => ({ run, number, at, text }))
        }),
        client.execute,
        Effect.flatMap(HttpClientResponse.schemaBodyJson(Received)),
        Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.kibibytes(64)),
        Effect.timeout("10 seconds")
      )
      if (journal.acknowledge(peer, other, last.number)) return "sent"
      return yield* new Replaced({ message: "its journal is another one, and it begins anew" })
    })

    /** The loops, one for each peer, and how each is told that its peer has gone, returned or has another address. */
    const loops = yield* FiberMap.make<string>()
    const moves = new Map<string, Queue.Queue<void>>()

    const forwardTo = Effect.fnUntraced(function*(peer: string, moved: Queue.Queue<void>) {
      const committed = yield* PubSub.subscribe(journal.commits)
      let tries = 0
      let missing: number | undefined
      for (;;) {
        const outcome = yield* send(peer).pipe(
          Effect.catchCauseIf((cause) => !Cause.hasInterruptsOnly(cause), (cause) =>
            Effect.gen(function*() {
              yield* Metric.update(failures, 1)
              if (tries === 0) {
                yield* Effect.logWarning(`${peer} does not take messages, and is tried again: ${reason(cause)}`)
              }
              return "failed" as const
            }))
        )
        if (outcome === "sent" || outcome === "idle") {
          if (tries > 0) yield* Effect.logInfo(`${peer} takes messages again`)
          tries = 0
          missing = undefined
          if (outcome === "idle") yield* Effect.race(PubSub.take(committed), Queue.take(moved))
          continue
        }
        const now = Number(yield* Clock.monotonicTimeNanos) / 1e6
        missing ??= now
        if (now - missing >= limit) {
          const waiting = journal.waiting().get(peer)
          if (waiting !== undefined) {
            yield* Metric.update(givenUp, waiting)
            yield* Effect.logWarning(
              `${peer} is given up: the ${waiting} messages that wait for it are not kept for it any longer`
            )
          }
          missing = now
          // nothing waits from here on, so that a return falls before or after it
          journal.release(peer)
          if (Option.isNone(urlNow(peer))) return void moves.delete(peer)
        }
        const left = missing + limit - now
        const wait = outcome === "away" ? left : Math.min(left, yield* pause(tries++))
        yield* Effect.timeoutOption(Queue.take(moved), wait)
      }
    }, Effect.scoped)

    const start = Effect.fnUntraced(function*(peer: string) {
      const moved = yield* Queue.sliding<void>(1)
      moves.set(peer, moved)
      yield* FiberMap.run(loops, peer, forwardTo(peer, moved))
    })

    // also the peers of before a restart that are not back yet
    for (const peer of journal.waiting().keys()) yield* start(peer)

    let urls = new Map<string, string>()
    yield* cluster.changes.pipe(
      Stream.runForEach(Effect.fnUntraced(function*(members) {
        yield* Ref.set(present, members)
        const before = urls
        urls = new Map(
          members.flatMap((member) => Option.toArray(Option.map(urlOf(member), (url) => [member.name, url] as const)))
        )
        urls.delete(journal.name)
        for (const peer of urls.keys()) {
          if (!before.has(peer)) journal.hold(peer)
          if (!moves.has(peer)) yield* start(peer)
        }
        for (const [peer, moved] of moves) {
          if (before.get(peer) !== urls.get(peer)) Queue.offerUnsafe(moved, undefined)
        }
      })),
      Effect.forkScoped
    )
  }))
