/**
 * Joining: a push/pull with every address of every seed, a few at a time, or with as many as are wanted. One that works
 * is enough. memberlist: `Join`.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Address from "../../base/Address.ts"
import * as SeedText from "../../base/SeedText.ts"
import {
  JoinFailed,
  type MemberlistClosed,
  NodeNameRequired,
  type SeedError,
  SeedInvalid,
  type SeedUnresolvable
} from "../../MemberlistError.ts"
import * as Life from "../life/Life.ts"
import type { Node } from "../Node.ts"
import * as Spans from "../telemetry/Spans.ts"
import * as PushPull from "./PushPull.ts"

/** What a join did, seed by seed. */
export interface JoinReport {
  /** The addresses of peers who have our list, and whose lists were merged. */
  readonly contacted: ReadonlyArray<{ readonly seed: string; readonly address: string }>
  /** The addresses at which this node met only itself. */
  readonly ourselves: ReadonlyArray<{ readonly seed: string; readonly address: string }>
  /** The seeds, or single addresses of a seed, that failed, and why. */
  readonly failed: ReadonlyArray<{ readonly seed: string; readonly error: SeedError }>
  /** The seeds that were not tried, or not to their end, because enough peers had answered; see `until`. */
  readonly untried: ReadonlyArray<string>
}

/** How a join goes about its seeds. */
export interface JoinOptions {
  /**
   * When it ends. `all`, the default: when every address of every seed was tried, as in memberlist. `first`: when the
   * first peer has answered. A number: when so many peers have, or all were tried; less than 1 counts as 1. What is
   * under way then is interrupted.
   */
  readonly until?: "all" | "first" | number | undefined
}

type Outcome =
  | { readonly _tag: "Joined" | "Ourselves" | "Listed"; readonly seed: string; readonly address: string }
  | { readonly _tag: "Failed"; readonly seed: string; readonly error: SeedError }

/** Who joins, and what may be left out. */
export interface Attempt {
  /** So many peers are enough. */
  readonly enough: number
  /** Told before our list is sent to anybody. */
  readonly introducing: () => void
  /** The application did not ask for it: a node that has left does not come back by it. */
  readonly byItself: boolean
  /** Whether a seed is to be tried, asked when its turn comes. */
  readonly isWanted: (text: string) => boolean
  /** Whether an address needs no exchange, because its member is in our list. */
  readonly isListed: (address: Address.PeerAddress) => boolean
}

const asApplication: Attempt = {
  enough: Number.POSITIVE_INFINITY,
  introducing: () => {},
  byItself: false,
  isWanted: () => true,
  isListed: () => false
}

const enoughOf = (until: JoinOptions["until"] = "all"): number =>
  until === "all" ? Number.POSITIVE_INFINITY : until === "first" ? 1 : Math.max(1, until)

/** Reads a seed; one without the name that the configuration requires is not even looked up. */
const parse = (node: Node, text: string): Result.Result<SeedText.SeedText, SeedInvalid | NodeNameRequired> => {
  const seed = SeedText.parse(text, node.transport.bound.port)
  if (seed === undefined) return Result.fail(new SeedInvalid({ seed: text, expected: SeedText.expected }))
  return seed.name === undefined && node.config.requireNodeNames
    ? Result.fail(new NodeNameRequired({ address: text }))
    : Result.succeed(seed)
}

/** Looks up the addresses of a seed, and remembers them. */
export const locate = (
  node: Node,
  text: string
): Effect.Effect<ReadonlyArray<Address.PeerAddress>, SeedInvalid | NodeNameRequired | SeedUnresolvable> =>
  Effect.flatMap(
    Effect.fromResult(parse(node, text)),
    ({ host, name, port }) =>
      Effect.map(node.transport.resolve(host), (ips) => {
        const addresses = ips.map((ip) => ({ ip, port, name }))
        node.seeds.found(text, addresses)
        return addresses
      })
  )

/** One seed of an attempt. */
interface Tried {
  readonly seed: string
  /** By address, in their order; `undefined` for what was not tried to its end, and before the lookup. */
  outcomes: Array<Outcome | undefined> | undefined
}

const isOver = ({ outcomes }: Tried): boolean => outcomes?.every((outcome) => outcome !== undefined) === true

/** What an attempt shares among its seeds. */
interface Shared extends Attempt {
  readonly node: Node
  /** Exchanges that may be under way. */
  readonly permits: Semaphore.Semaphore
  /** Another peer has our list. */
  readonly joined: Effect.Effect<unknown>
}

/** Tries one address. */
const joinAddress = (
  { byItself, introducing, isListed, node }: Shared,
  seed: string,
  to: Address.PeerAddress
): Effect.Effect<Outcome, MemberlistClosed> =>
  Effect.suspend((): Effect.Effect<Outcome, MemberlistClosed> => {
    const address = Address.format(to)
    if (isListed(to)) return Effect.succeed({ _tag: "Listed", seed, address })
    return PushPull.join(node, to, introducing, { byItself }).pipe(
      Effect.map((_tag): Outcome => ({ _tag, seed, address })),
      Effect.catchIf(
        (error) => error._tag !== "MemberlistClosed",
        (error) => Effect.succeed<Outcome>({ _tag: "Failed", seed, error })
      )
    )
  })

/** Tries one seed: its addresses a few at a time, like the seeds themselves. */
const joinSeed = Effect.fnUntraced(function*(shared: Shared, tried: Tried): Effect.fn.Return<void, MemberlistClosed> {
  const { isWanted, joined, node, permits } = shared
  const { seed } = tried
  if (!isWanted(seed)) {
    tried.outcomes = []
    return
  }
  const addresses = yield* Effect.result(locate(node, seed))
  if (Result.isFailure(addresses)) {
    tried.outcomes = [{ _tag: "Failed", seed, error: addresses.failure }]
    return
  }
  const outcomes = addresses.success.map((): Outcome | undefined => undefined)
  tried.outcomes = outcomes
  yield* Effect.forEach(
    addresses.success,
    (to, at) =>
      permits.withPermit(Effect.flatMap(joinAddress(shared, seed, to), (outcome) => {
        // noted first, because the last one that is wanted interrupts this at once
        outcomes[at] = outcome
        return outcome._tag === "Joined" ? joined : Effect.void
      })),
    { concurrency: node.config.joinConcurrency, discard: true }
  )
})

/** What an attempt found: what a join reports, and the addresses that needed no exchange. */
export interface Tally extends JoinReport {
  readonly listed: ReadonlyArray<{ readonly seed: string; readonly address: string }>
}

const tallyOf = (all: ReadonlyArray<Tried>): Tally => {
  const outcomes = all.flatMap((tried) => tried.outcomes?.filter((outcome) => outcome !== undefined) ?? [])
  const at = (tag: Outcome["_tag"]) =>
    outcomes.flatMap((outcome) =>
      outcome._tag === tag && outcome._tag !== "Failed" ? [{ seed: outcome.seed, address: outcome.address }] : []
    )
  return {
    contacted: at("Joined"),
    ourselves: at("Ourselves"),
    failed: outcomes.flatMap((outcome) =>
      outcome._tag === "Failed" ? [{ seed: outcome.seed, error: outcome.error }] : []
    ),
    untried: all.flatMap((tried) => isOver(tried) ? [] : [tried.seed]),
    listed: at("Listed")
  }
}

/** Tries seeds, each once, until enough peers have answered or all were tried. Nobody's answer is a tally, too. */
export const attempt = Effect.fnUntraced(function*(
  node: Node,
  seeds: ReadonlyArray<string>,
  options: Attempt
): Effect.fn.Return<Tally, MemberlistClosed> {
  const enough = yield* Deferred.make<void>()
  let joined = 0
  const shared: Shared = {
    ...options,
    node,
    permits: yield* Semaphore.make(node.config.joinConcurrency),
    joined: Effect.suspend(() => ++joined >= options.enough ? Deferred.succeed(enough, undefined) : Effect.void)
  }
  const all = [...new Set(seeds)].map((seed): Tried => ({ seed, outcomes: undefined }))
  yield* Effect.raceFirst(
    Effect.forEach(
      all,
      (tried) => Spans.asked(node, "join.seed", "internal", { seed: tried.seed })(joinSeed(shared, tried)),
      { concurrency: node.config.joinConcurrency, discard: true }
    ),
    Deferred.await(enough)
  )
  const tally = tallyOf(all)
  for (const { error, seed } of tally.failed) {
    node.counters.count("join.failed", error._tag)
    const entry = error._tag === "SeedUnresolvable" ? "SeedUnresolvable" : "SeedFailed"
    yield* node.logs.write(entry, { seed, reason: error._tag, detail: error.message })
  }
  return tally
})

/**
 * Joins through the seeds; no seeds at all is a success that contacts nobody. `introducing` is told before our list is
 * sent to anybody.
 */
export const join = (
  node: Node,
  seeds: ReadonlyArray<string>,
  options: JoinOptions = {},
  introducing: () => void = asApplication.introducing
): Effect.Effect<JoinReport, JoinFailed | MemberlistClosed> =>
  Spans.asked(node, "join", "internal", { seeds: seeds.length })(joinAll(node, seeds, options, introducing))

/**
 * Joins until the scope closes. A join that is interrupted after our list was sent is undone, and so is one that fails
 * then, of a node that was a stranger before.
 */
export const scoped = (
  node: Node,
  seeds: ReadonlyArray<string>,
  options: JoinOptions = {}
): Effect.Effect<JoinReport, JoinFailed | MemberlistClosed, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) => {
    const { run } = node.calls
    const stranger = Life.isStranger(node)
    let introduced = false
    const introducing = () => {
      introduced = true
    }
    const undo = (cause: Cause.Cause<unknown>) =>
      Cause.hasInterrupts(cause) ? Life.leaveAtOnce(node) : stranger ? Life.undo(node) : Effect.void
    // around the call, so that no interruption can fall between a join that succeeded and its scope
    const joined = Effect.onExit(restore(run("join", join(node, seeds, options, introducing))), (exit) =>
      introduced && exit._tag === "Failure" ? Effect.ignore(run("leave", undo(exit.cause))) : Effect.void)
    return Effect.acquireRelease(joined, () =>
      Effect.ignore(run("leave", Life.leaveAtOnce(node))))
  })

const joinAll = Effect.fnUntraced(function*(
  node: Node,
  seeds: ReadonlyArray<string>,
  options: JoinOptions,
  introducing: () => void
): Effect.fn.Return<JoinReport, JoinFailed | MemberlistClosed> {
  node.seeds.remember(seeds)
  const { listed: _, ...report } = yield* attempt(node, seeds, {
    ...asApplication,
    enough: enoughOf(options.until),
    introducing
  })
  if (report.contacted.length > 0) return report
  if (report.failed.length === 0) {
    // nobody was to be reached but ourselves, which is a way back too
    yield* Life.returnAlone(node)
    return report
  }
  return yield* Effect.fail(new JoinFailed({ failed: report.failed }))
})
