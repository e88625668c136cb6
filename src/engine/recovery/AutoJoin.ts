/**
 * Joins by itself through the seeds of the `Seeds` service: at the start and after each return, again and again until
 * another live member is in the list. What is lost later is left to others.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { PeerAddress } from "../../base/Address.ts"
import { JoinFailed } from "../../MemberlistError.ts"
import { isGone } from "../../swim/membership/Entry.ts"
import * as Join from "../exchange/Join.ts"
import { whilePresent } from "../life/Presence.ts"
import type { Node } from "../Node.ts"
import * as Spans from "../telemetry/Spans.ts"
import { hasOthers } from "./Readiness.ts"

/** So many rounds may fail without a warning: nodes that start together wait for one another. */
const QUIET = 3

/** Nodes that start together with one list do not all begin with the same seed. */
const shuffled = (node: Node, texts: ReadonlyArray<string>): ReadonlyArray<string> => {
  const order = [...texts]
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(node.random() * (i + 1))
    const [a, b] = [order[i], order[j]]
    if (a === undefined || b === undefined) continue
    order[i] = b
    order[j] = a
  }
  return order
}

/** Whether another live member is at an address. */
const isListed = (node: Node) => ({ ip, port }: PeerAddress): boolean => {
  for (const entry of Ref.getUnsafe(node.membership).entries.values()) {
    const { endpoint, name } = entry
    if (endpoint.ip === ip && endpoint.port === port && name !== node.name && !isGone(entry)) return true
  }
  return false
}

/** Tries all seeds once, except those where a member is already, who may have come through one before. */
const tried = (node: Node): Effect.Effect<Join.Tally, "Left"> => {
  const texts = shuffled(node, node.seeds.offered())
  return Join.attempt(node, texts, {
    enough: Number.POSITIVE_INFINITY,
    introducing: () => {},
    byItself: true,
    isWanted: node.seeds.isOffered,
    isListed: isListed(node)
  }).pipe(
    Effect.mapError(() => "Left" as const),
    Spans.own(node, "join", "client", { seeds: texts.length })
  )
}

/** Waits until another live member is in the list. */
export const othersAppear = (node: Node): Effect.Effect<void> =>
  node.changes.signals.pipe(
    Stream.filter(() => hasOthers(node)),
    Stream.take(1),
    Stream.runDrain
  )

/** What one round came to; a text is why it failed. */
type Outcome = { readonly _tag: "Joined" | "Alone" } | { readonly _tag: "Failed"; readonly why: string }

const round = Effect.fnUntraced(function*(node: Node): Effect.fn.Return<Outcome> {
  if (node.seeds.offered().length === 0) {
    node.readiness.alone("NoSeeds")
    return { _tag: "Alone" }
  }
  const tally = yield* Effect.orElseSucceed(tried(node), () => undefined)
  if (hasOthers(node)) return { _tag: "Joined" }
  if (tally === undefined) return { _tag: "Failed", why: "this node was leaving" }
  if (tally.failed.length === 0 && tally.ourselves.length > 0) {
    node.readiness.alone("OnlyOurselves")
    return { _tag: "Alone" }
  }
  const why = tally.failed.length > 0
    ? new JoinFailed({ failed: tally.failed }).message
    : "those that were in the list when the seeds were tried are gone"
  return { _tag: "Failed", why }
})

/** The pauses between rounds, from the beginning; `undefined` when there is to be no further round. */
const pauses = (node: Node): Effect.Effect<Effect.Effect<Duration.Duration | undefined>> =>
  Effect.map(
    Schedule.toStep(node.config.joinSchedule),
    (step) =>
      Effect.suspend(() => step(node.now(), undefined)).pipe(
        Effect.map(([, duration]) => duration),
        Pull.catchDone(() => Effect.undefined)
      )
  )

/** Waits until the `Seeds` service has told other seeds than those of `version`. */
const otherSeeds = Effect.fnUntraced(function*(node: Node, version: number): Effect.fn.Return<void> {
  while (node.seeds.version() === version) yield* node.newSeeds.wait
})

/** Waits after a round for what makes another one worthwhile: time, where some is left to wait, or a change. */
const resting = Effect.fnUntraced(function*(
  node: Node,
  { outcome, pause, version }: {
    readonly outcome: Outcome
    readonly pause: Effect.Effect<Duration.Duration | undefined>
    readonly version: number
  }
): Effect.fn.Return<void> {
  const change = Effect.raceFirst(otherSeeds(node, version), othersAppear(node))
  if (outcome._tag !== "Failed") return yield* change
  node.readiness.failed(outcome.why)
  const { attempts } = { attempts: 0, ...node.readiness.current() }
  yield* node.logs.write(attempts <= QUIET ? "AutoJoinWaits" : "AutoJoinFailed", { detail: outcome.why })
  const rest = yield* pause
  if (rest !== undefined) return yield* Effect.raceFirst(Effect.sleep(rest), change)
  node.readiness.gaveUp()
  yield* change
})

/** One round after the other, until another live member is in the list. Other seeds are a new beginning. */
const trying = Effect.fnUntraced(function*(node: Node): Effect.fn.Return<void> {
  yield* otherSeeds(node, 0)
  for (;;) {
    const version = node.seeds.version()
    const pause = yield* pauses(node)
    while (node.seeds.version() === version) {
      const outcome = yield* round(node)
      if (outcome._tag === "Joined") return
      yield* resting(node, { outcome, pause, version })
      if (hasOthers(node)) return
    }
  }
})

/** Whoever waits need not wait for the end of a round. */
const life = (node: Node): Effect.Effect<void> =>
  Effect.suspend(() => {
    node.readiness.begin(node.seeds.version() > 0 ? "no seed was tried yet" : "the seeds are not known yet")
    return Effect.all([trying(node), Effect.tap(othersAppear(node), () => Effect.sync(node.readiness.joined))], {
      concurrency: "unbounded",
      discard: true
    })
  }).pipe(Effect.onExit(() => Effect.sync(node.readiness.wake)))

/** Runs forever; without `Seeds` there is nothing to do. */
export const loop = (node: Node): Effect.Effect<never> =>
  node.seedSource === undefined ? Effect.never : whilePresent(node, life(node))
