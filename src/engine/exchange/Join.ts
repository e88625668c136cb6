/**
 * Joining: a push/pull with every address of every seed, a few at a time. One that works is enough.
 * memberlist: `Join`.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Address from "../../base/Address.ts"
import {
  JoinFailed,
  type MemberlistClosed,
  NodeNameRequired,
  type SeedError,
  type SeedInvalid,
  type SeedUnresolvable
} from "../../MemberlistError.ts"
import * as Seed from "../application/Seed.ts"
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
}

type Outcome =
  | { readonly _tag: "Joined" | "Ourselves"; readonly seed: string; readonly address: string }
  | { readonly _tag: "Failed"; readonly seed: string; readonly error: SeedError }

/** Reads a seed; one without the name that the configuration requires is not even looked up. */
const parse = (node: Node, text: string): Result.Result<Seed.Seed, SeedInvalid | NodeNameRequired> => {
  const seed = Seed.parse(text, node.transport.bound.port)
  if (Result.isFailure(seed) || seed.success.name !== undefined || !node.config.requireNodeNames) return seed
  return Result.fail(new NodeNameRequired({ address: text }))
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

/** Joins through one seed; `introducing` is told before our list is sent to anybody. */
const joinSeed = Effect.fnUntraced(function*(
  node: Node,
  text: string,
  introducing: () => void
): Effect.fn.Return<ReadonlyArray<Outcome>, MemberlistClosed> {
  const addresses = yield* Effect.result(locate(node, text))
  if (Result.isFailure(addresses)) return [{ _tag: "Failed", seed: text, error: addresses.failure }]
  return yield* Effect.forEach(addresses.success, (address) =>
    PushPull.join(node, address, introducing).pipe(
      Effect.map((_tag): Outcome => ({ _tag, seed: text, address: Address.format(address) })),
      Effect.catchIf(
        (error) => error._tag !== "MemberlistClosed",
        (error) => Effect.succeed<Outcome>({ _tag: "Failed", seed: text, error })
      )
    ))
})

/**
 * Joins through the seeds; no seeds at all is a success that contacts nobody. `introducing` is told before our list is
 * sent to anybody.
 */
export const join = (
  node: Node,
  seeds: ReadonlyArray<string>,
  introducing: () => void = ignore
): Effect.Effect<JoinReport, JoinFailed | MemberlistClosed> =>
  Spans.asked(node, "join", "internal", { seeds: seeds.length })(joinAll(node, seeds, introducing))

const ignore = () => {}

/**
 * Joins until the scope closes. A join that is interrupted after our list was sent is undone, and so is one that fails
 * then, of a node that was a stranger before.
 */
export const scoped = (
  node: Node,
  seeds: ReadonlyArray<string>
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
    const joined = Effect.onExit(restore(run("join", join(node, seeds, introducing))), (exit) =>
      introduced && exit._tag === "Failure" ? Effect.ignore(run("leave", undo(exit.cause))) : Effect.void)
    return Effect.acquireRelease(joined, () =>
      Effect.ignore(run("leave", Life.leaveAtOnce(node))))
  })

const joinAll = Effect.fnUntraced(function*(
  node: Node,
  seeds: ReadonlyArray<string>,
  introducing: () => void
): Effect.fn.Return<JoinReport, JoinFailed | MemberlistClosed> {
  node.seeds.remember(seeds)
  const perSeed = yield* Effect.forEach(
    new Set(seeds),
    (seed) => Spans.asked(node, "join.seed", "internal", { seed })(joinSeed(node, seed, introducing)),
    { concurrency: node.config.joinConcurrency }
  )
  const outcomes = perSeed.flat()
  const at = (tag: Outcome["_tag"]) =>
    outcomes.flatMap((outcome) =>
      outcome._tag === tag && outcome._tag !== "Failed" ? [{ seed: outcome.seed, address: outcome.address }] : []
    )
  const report = {
    contacted: at("Joined"),
    ourselves: at("Ourselves"),
    failed: outcomes.flatMap((outcome) =>
      outcome._tag === "Failed" ? [{ seed: outcome.seed, error: outcome.error }] : []
    )
  }
  for (const { error, seed } of report.failed) {
    node.counters.count("join.failed", error._tag)
    const entry = error._tag === "SeedUnresolvable" ? "SeedUnresolvable" : "SeedFailed"
    yield* node.logs.write(entry, { seed, reason: error._tag, detail: error.message })
  }
  if (report.contacted.length > 0) return report
  if (report.failed.length === 0) {
    // nobody was to be reached but ourselves, which is a way back too
    yield* Life.returnAlone(node)
    return report
  }
  return yield* Effect.fail(new JoinFailed({ failed: report.failed }))
})
