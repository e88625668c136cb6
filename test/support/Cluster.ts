/** Whole nodes on a simulated network, for tests in virtual time. */
import { it } from "@effect/vitest"
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TestClock, TestConsole } from "effect/testing"
import type { Delegate as DelegateShape } from "../../src/Delegate.ts"
import { Delegate } from "../../src/Delegate.ts"
import { Keyring } from "../../src/Keyring.ts"
import type { MemberEvent } from "../../src/MemberEvent.ts"
import { Memberlist, MemberlistLive, type UserMessage } from "../../src/Memberlist.ts"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"
import type { ConfigInvalid, SeedInvalid } from "../../src/MemberlistError.ts"
import type { Seeds } from "../../src/Seeds.ts"
import type { Snapshots } from "../../src/Snapshots.ts"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import { Transport } from "../../src/Transport.ts"
import * as SteppedTime from "./SteppedTime.ts"

type ConfigInput = Parameters<typeof MemberlistConfig.layer>[0]

export interface TestNode {
  readonly name: string
  readonly ip: string
  /** `ip:port`. */
  readonly address: string
  readonly cluster: Memberlist["Service"]
  /** Everything this node reported so far, as `EventTag name`. */
  readonly seen: ReadonlyArray<string>
  readonly events: ReadonlyArray<MemberEvent>
  readonly messages: ReadonlyArray<UserMessage>
  /** Releases the node's layer, which leaves first. */
  readonly stop: Effect.Effect<void>
}

export interface NodeOptions {
  readonly config?: ConfigInput
  readonly delegate?: DelegateShape
  readonly keyring?: Keyring["Service"]
  readonly seeds?: Layer.Layer<Seeds, Config.ConfigError | SeedInvalid>
  readonly snapshots?: Layer.Layer<Snapshots, ConfigInvalid>
  /** Puts something between the node and the network. */
  readonly transport?: (inner: Transport["Service"]) => Transport["Service"]
}

/** Builds a node named `name` at `ip`; it lives until stopped or until the test ends. */
export const start = Effect.fnUntraced(function*(name: string, ip: string, options: NodeOptions = {}) {
  // Leaving takes time, and virtual time passes only when it is made to.
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => passing(Scope.close(scope, Exit.void)))
  const { transport: wrap = (inner) => inner } = options
  const live = MemberlistLive.pipe(
    Layer.provide(
      Layer.effect(Transport, Effect.map(Transport, wrap)).pipe(
        Layer.provide(SimulatedNetwork.transport(ip))
      )
    ),
    Layer.provide(MemberlistConfig.layer({ ...MemberlistConfig.lan, ...options.config, name }))
  )
  const hooks = options.delegate === undefined ? live : Layer.provide(live, Layer.succeed(Delegate, options.delegate))
  const keyed = options.keyring === undefined ? hooks : Layer.provide(hooks, Layer.succeed(Keyring, options.keyring))
  const remembering = options.snapshots === undefined ? keyed : Layer.provide(keyed, options.snapshots)
  const seeded = options.seeds === undefined ? remembering : Layer.provide(remembering, options.seeds)
  const context = yield* Layer.buildWithScope(seeded, scope)
  const events: Array<MemberEvent> = []
  const seen: Array<string> = []
  const messages: Array<UserMessage> = []
  const cluster = yield* Effect.provide(Memberlist, context)
  yield* cluster.events.pipe(
    Stream.runForEach((event) =>
      Effect.sync(() => {
        events.push(event)
        seen.push(`${event._tag} ${event.member.name}`)
      })
    ),
    Effect.forkIn(scope, { startImmediately: true })
  )
  yield* cluster.messages.pipe(
    Stream.runForEach((message) => Effect.sync(() => void messages.push(message))),
    Effect.forkIn(scope, { startImmediately: true })
  )
  const node: TestNode = {
    name,
    ip,
    address: `${ip}:7946`,
    cluster,
    events,
    seen,
    messages,
    stop: Scope.close(scope, Exit.void)
  }
  return node
})

/** `n` nodes named a, b, c, … at 10.0.0.1, 10.0.0.2, …, all joined through the first. */
export const startMany = Effect.fnUntraced(function*(n: number, options: NodeOptions = {}) {
  const nodes: Array<TestNode> = []
  for (let i = 0; i < n; i++) {
    const node = yield* start(String.fromCharCode(97 + i), `10.0.0.${i + 1}`, options)
    const [first] = nodes
    if (first !== undefined) {
      yield* joinAt(node, first.address)
    }
    nodes.push(node)
  }
  yield* TestClock.adjust("5 seconds")
  return nodes
})

/** Joins while virtual time passes. */
export const joinAt = Effect.fnUntraced(function*(node: TestNode, ...seeds: ReadonlyArray<string>) {
  return yield* passing(Effect.catchTag(node.cluster.join(seeds), "MemberlistClosed", Effect.die))
})

/** Runs `effect` while virtual time passes, in steps of 50 ms, until it ends. */
export const passing = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
  for (;;) {
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return yield* exit
    yield* TestClock.adjust("50 millis")
  }
})

/** The live members a node sees, sorted, as `name state`. */
export const view = (node: TestNode) =>
  Effect.map(node.cluster.members, (members) => members.map(({ name, state }) => `${name} ${state}`).sort())

/** The state a node remembers of a name. */
export const stateOf = (node: TestNode, name: string) =>
  Effect.map(node.cluster.member(name), (member) => Option.getOrUndefined(Option.map(member, ({ state }) => state)))

/** A simulated network with a fixed seed. */
export const network = (options: Parameters<typeof SimulatedNetwork.layer>[0] = {}) =>
  SimulatedNetwork.layer({ latency: ["1 millis", "5 millis"], seed: "cluster", ...options })

/** A test in virtual time on a fresh simulated network; the test's name is its seed. */
export const clusterTest = <A, E>(
  name: string,
  body: Effect.Effect<A, E, SimulatedNetwork | Scope.Scope>,
  options?: Parameters<typeof network>[0]
): void =>
  it(name, () => {
    SteppedTime.run(
      body.pipe(
        Effect.provide(network(options)),
        Random.withSeed(name),
        Effect.scoped,
        Effect.provide(TestConsole.layer)
      )
    )
  })
