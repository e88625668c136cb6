/**
 * A test of a program over a cluster, without sockets and in virtual time. Copy it: it needs `@effect/vitest` beside
 * what the program has. Half a minute of cluster life takes a few milliseconds here, and is the same each time.
 */
import { assert, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Random, Scope } from "effect"
import { Memberlist, MemberlistConfig, MemberlistLive } from "effect-memberlist"
import { SimulatedNetwork } from "effect-memberlist/testing"
import { TestClock } from "effect/testing"

/** A node as in production, but for its transport. It lives until the test, or the scope that it is given, ends. */
const node = (name: string, ip: string) =>
  MemberlistLive.pipe(
    Layer.provide(SimulatedNetwork.transport(ip)),
    Layer.provide(MemberlistConfig.layer({ ...MemberlistConfig.lan, name })),
    Layer.build,
    Effect.map(Context.get(Memberlist))
  )

/** Time stands still under TestClock: whoever waits for something makes it pass. */
const within = Effect.fnUntraced(function*<A, E, R>(seconds: number, effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect)
  yield* TestClock.adjust(`${seconds} seconds`)
  return yield* Fiber.join(fiber)
})

const states = ({ members }: Memberlist["Service"]) =>
  Effect.map(members, (list) => list.map(({ name, state }) => `${name} ${state}`).sort())

it.effect("a member that falls silent is suspected, and then it is gone", () =>
  Effect.gen(function*() {
    const network = yield* SimulatedNetwork
    const a = yield* node("a", "10.0.0.1")
    const b = yield* node("b", "10.0.0.2")
    yield* within(1, b.join(["10.0.0.1"]))
    assert.deepStrictEqual(yield* states(a), ["a alive", "b alive"])

    yield* network.crash("10.0.0.2")
    yield* TestClock.adjust("3 seconds")
    assert.deepStrictEqual(yield* states(a), ["a alive", "b suspect"])
    yield* TestClock.adjust("27 seconds")
    assert.deepStrictEqual(yield* states(a), ["a alive"])
  }).pipe(Effect.provide(SimulatedNetwork.layer({ seed: "silent" })), Random.withSeed("silent")))

it.effect("a member whose scope ends says goodbye, and nobody has to suspect it", () =>
  Effect.gen(function*() {
    const a = yield* node("a", "10.0.0.1")
    const scope = yield* Scope.make()
    const b = yield* Scope.provide(node("b", "10.0.0.2"), scope)
    yield* within(1, b.join(["10.0.0.1"]))

    yield* Scope.close(scope, Exit.void)
    yield* TestClock.adjust("1 second")
    assert.deepStrictEqual(yield* states(a), ["a alive"])
  }).pipe(Effect.provide(SimulatedNetwork.layer({ seed: "goodbye" })), Random.withSeed("goodbye")))
