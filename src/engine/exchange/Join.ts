/**
 * Joining: a push/pull with every address of every seed, a few at a time. One that works is enough.
 * memberlist: `Join`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Result from "effect/Result"
import * as Address from "../../base/Address.ts"
import {
  JoinFailed,
  NodeNameRequired,
  type SeedError,
  type SeedInvalid,
  TransportError
} from "../../MemberlistError.ts"
import * as Announce from "../life/Announce.ts"
import * as Leave from "../life/Leave.ts"
import type { Node } from "../Node.ts"
import * as Spans from "../telemetry/Spans.ts"
import * as PushPull from "./PushPull.ts"
import * as Seed from "./Seed.ts"

/** What a join did, seed by seed. */
export interface JoinReport {
  /** The addresses whose lists were merged. */
  readonly contacted: ReadonlyArray<{ readonly seed: string; readonly address: string }>
  /** The seeds, or single addresses of a seed, that failed, and why. */
  readonly failed: ReadonlyArray<{ readonly seed: string; readonly error: SeedError }>
}

type Outcome = JoinReport["contacted"][number] | JoinReport["failed"][number]

/** Reads a seed; one without the name that the configuration requires is not even looked up. */
const parse = (node: Node, text: string): Result.Result<Seed.Seed, SeedInvalid | NodeNameRequired> => {
  const seed = Seed.parse(text, node.transport.bound.port)
  if (Result.isFailure(seed) || seed.success.name !== undefined || !node.config.requireNodeNames) return seed
  return Result.fail(new NodeNameRequired({ address: text }))
}

const joinSeed = Effect.fnUntraced(function*(node: Node, text: string): Effect.fn.Return<ReadonlyArray<Outcome>> {
  const addresses = yield* Effect.fromResult(parse(node, text)).pipe(
    Effect.flatMap((seed) =>
      Effect.map(
        node.transport.resolve(seed.host),
        (ips) => ips.map((ip) => ({ ip, port: seed.port, name: seed.name }))
      )
    ),
    Effect.result
  )
  if (Result.isFailure(addresses)) return [{ seed: text, error: addresses.failure }]
  return yield* Effect.forEach(addresses.success, (address) =>
    PushPull.exchange(node, address, true).pipe(
      Effect.match({
        onFailure: (error): Outcome => ({ seed: text, error }),
        onSuccess: (): Outcome => ({ seed: text, address: Address.format(address) })
      })
    ))
})

/** Joins through the seeds; no seeds at all is a success that contacts nobody. */
export const join = (node: Node, seeds: ReadonlyArray<string>): Effect.Effect<JoinReport, JoinFailed> =>
  Spans.asked(node, "join", "internal", { seeds: seeds.length })(joinAll(node, seeds))

const closed = (seed: string) => ({
  seed,
  error: new TransportError({
    operation: "open",
    kind: "Closed",
    scope: "Local",
    address: seed,
    cause: "this node is being stopped"
  })
})

const joinAll = Effect.fnUntraced(function*(
  node: Node,
  seeds: ReadonlyArray<string>
): Effect.fn.Return<JoinReport, JoinFailed> {
  // A join that begins while the layer says goodbye would bring us back, only to vanish.
  if (node.closing.current) return yield* Effect.fail(new JoinFailed({ failed: seeds.map(closed) }))
  const returning = Ref.getUnsafe(node.membership).leaving
  if (returning) yield* Announce.again(node)
  const outcomes = yield* Effect.forEach(
    new Set(seeds),
    (seed) => Spans.asked(node, "join.seed", "internal", { seed })(joinSeed(node, seed)),
    { concurrency: node.config.joinConcurrency }
  )
  const report = outcomes.flat()
  const contacted = report.filter((outcome) => "address" in outcome)
  const failed = report.filter((outcome) => "error" in outcome)
  for (const { error, seed } of failed) {
    node.counters.count("join.failed", error._tag)
    const entry = error._tag === "SeedUnresolvable" ? "SeedUnresolvable" : "SeedFailed"
    yield* node.logs.write(entry, { seed, reason: error._tag, detail: error.message })
  }
  if (contacted.length > 0 || seeds.length === 0) return { contacted, failed }
  // Nobody heard that we are back, so we are not.
  if (returning) yield* Leave.silently(node)
  return yield* Effect.fail(new JoinFailed({ failed }))
})
