/**
 * A whole cluster on a simulated network: nodes that can be started, killed, restarted and sent away by name, and
 * scripts of faults that do so at their time. Nothing in it depends on anything but its seed.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { SimulatedCluster, VirtualTime } from "effect-memberlist/testing"
 *
 * const test = Effect.gen(function*() {
 *   const cluster = yield* SimulatedCluster.make({ nodes: ["a", "b", "c"], seed: 1 })
 *   yield* cluster.startAll
 *   yield* cluster.play([{ at: 1_000, for: 20_000, fault: { _tag: "Partition", groups: [["a"], ["b", "c"]] } }])
 *   yield* Effect.sleep("1 minute")
 *   return yield* (yield* cluster.node("a")).members
 * }).pipe(Effect.scoped)
 *
 * const exit = VirtualTime.run(test, { seed: 1 })
 * ```
 *
 * An application runs on each node when `layer` says how it is put together; `run` reaches its services:
 *
 * ```ts
 * import { Context, Effect, Layer } from "effect"
 * import { Delegate, Memberlist, MemberlistLive } from "effect-memberlist"
 * import { SimulatedCluster } from "effect-memberlist/testing"
 *
 * class Census extends Context.Service<Census, { readonly count: Effect.Effect<number> }>()("Census") {
 *   static readonly layer = Layer.effect(
 *     Census,
 *     Memberlist.useSync(({ members }) => Census.of({ count: Effect.map(members, (list) => list.length) }))
 *   )
 * }
 * // The application stands above the node, hooks below. Transport and configuration come from the cluster.
 * const NodeLive = Census.layer.pipe(
 *   Layer.provideMerge(MemberlistLive),
 *   Layer.provide(Layer.succeed(Delegate, {}))
 * )
 *
 * const test = Effect.gen(function*() {
 *   const cluster = yield* SimulatedCluster.make({ nodes: ["a", "b"], seed: 1, layer: () => NodeLive })
 *   yield* cluster.startAll
 *   yield* Effect.sleep("5 seconds")
 *   return yield* cluster.run("b", Census.use(({ count }) => count))
 * }).pipe(Effect.scoped)
 * ```
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { name } from "../base/PlainText.ts"
import { Memberlist, MemberlistLive } from "../Memberlist.ts"
import { MemberlistConfig, type Settings } from "../MemberlistConfig.ts"
import type { StartError } from "../MemberlistError.ts"
import type { Transport } from "../Transport.ts"
import { Draws } from "./clock/Draws.ts"
import { SkewedClock } from "./clock/SkewedClock.ts"
import * as Fault from "./network/Fault.ts"
import { type Options as NetworkOptions, SimulatedNetwork } from "./network/SimulatedNetwork.ts"

/**
 * `A` are the services that a node has, `E` is why its program may not start.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<A = Memberlist, E = StartError> {
  /** The nodes' names; the first has the address 10.0.0.1, and so on. At most 65,000. */
  readonly nodes: ReadonlyArray<string>
  /** What all chance is derived from: the network's and each node's. */
  readonly seed: string | number
  /** The configuration of each node, but for its name. Default: the LAN preset. */
  readonly config?: Settings | ((name: string) => Settings) | undefined
  /** How the network behaves where no fault is set. Its hosts are the nodes, by their names. */
  readonly network?: Omit<NetworkOptions, "hosts" | "seed"> | undefined
  /** Provided to each node; an observer for instance. */
  readonly observe?: Layer.Layer<never> | undefined
  /**
   * The program of a node: `MemberlistLive`, with an application above it and a `Delegate` or a `Keyring` below; by
   * default `MemberlistLive` alone. The cluster provides the transport, the configuration, the clock and the chance.
   *
   * **Details**
   *
   * It is asked for at each start, and built anew: a restarted node remembers what its layer reads from outside, and
   * nothing else. Two nodes share no service, even when both are given the same layer. The program is built before the
   * node joins anybody, and released from the top down, by a killed node too; that is how its fibers end. What a killed
   * node sends then does not arrive.
   */
  readonly layer?:
    | ((name: string) => Layer.Layer<A | Memberlist, E, Transport | MemberlistConfig>)
    | undefined
}

/**
 * A fault of a script that was played.
 *
 * @category models
 * @since 0.1.0
 */
export interface Played extends Fault.Timed {
  /** How often it made a difference; 0: it made none, or its node was not there to suffer it. */
  readonly hits: number
}

/**
 * Something was to run on a node whose program does not run, or ended before that did.
 *
 * @category errors
 * @since 0.1.0
 */
export class NodeDown extends Schema.TaggedError<NodeDown>()("NodeDown", {
  node: Schema.String,
  reason: Schema.Literals(["NotRunning", "Ended"])
}) {
  override get message() {
    const node = name(this.node)
    return this.reason === "NotRunning"
      ? `the node ${node} does not run; start it first`
      : `the node ${node} ended while something ran on it`
  }
}

/**
 * @category models
 * @since 0.1.0
 */
export interface SimulatedCluster<A = Memberlist, E = StartError> {
  readonly names: ReadonlyArray<string>
  readonly network: SimulatedNetwork["Service"]
  /** Starts every node, one after the other; each joins through the first three, of those that are there before it. */
  readonly startAll: Effect.Effect<void, E | StartError>
  /** Starts a node that does not run: a new program that knows nothing, at the same address. */
  readonly start: (name: string) => Effect.Effect<void, E | StartError>
  /** Ends the program as its own release does: it says goodbye. */
  readonly stop: (name: string) => Effect.Effect<void>
  /** The program dies at once, without a goodbye. */
  readonly kill: (name: string) => Effect.Effect<void>
  /** Joins through all other nodes, again every five seconds until one answers, in the background. */
  readonly rejoin: (name: string, through?: ReadonlyArray<string>) => Effect.Effect<void>
  /** The service of a node that runs; a defect when it does not. */
  readonly node: (name: string) => Effect.Effect<Memberlist["Service"]>
  /**
   * Runs an effect as a part of a node's program: with its services, by its clock and its chance. It is interrupted
   * when the program ends, and whoever waits for it gets `NodeDown`.
   */
  readonly run: <B, F, R>(
    name: string,
    effect: Effect.Effect<B, F, R>
  ) => Effect.Effect<B, F | NodeDown, Exclude<R, A | Memberlist>>
  /** The nodes whose programs run now, those that have left the cluster included. */
  readonly running: Effect.Effect<ReadonlyArray<string>>
  /** The clock of a node. */
  readonly clock: (name: string) => SkewedClock
  /** Plays a script from now on, to the end of its last fault. Fails when a node that it restarts does not start. */
  readonly play: (
    script: Fault.Script,
    told?: (line: string) => void
  ) => Effect.Effect<ReadonlyArray<Played>, E | StartError>
}

/** One run of a node's program. */
interface Life<A> {
  readonly services: Context.Context<A | Memberlist>
  readonly memberlist: Memberlist["Service"]
  readonly scope: Scope.Closeable
  /** Whether it is being released, or was. */
  ended: boolean
}

/** One address of the cluster, and the program that runs there, if one does. */
class Slot<A> {
  life: Life<A> | undefined = undefined
  lives = 0
  /** A fault of a script happens to the node already, and a second one would get in the way. */
  busy = false
  /** Starts and ends follow each other. */
  readonly turn = Semaphore.makeUnsafe(1)
  readonly name: string
  readonly ip: string
  readonly clock: SkewedClock
  random: Random.Random

  constructor(name: string, ip: string, clock: SkewedClock) {
    this.name = name
    this.ip = ip
    this.clock = clock
    this.random = new Draws(0, name)
  }
}

/** As many as deployments give: through all, a thousand nodes would exchange five hundred thousand lists. */
const SEEDS = 3

const ipOf = (i: number) => `10.0.${(i + 1) >> 8}.${(i + 1) & 255}`

/** What a fault is called in a log. */
const title = (fault: Fault.Fault): string => {
  const { _tag, ...rest } = fault
  return `${_tag} ${JSON.stringify(rest)}`
}

/**
 * A cluster whose nodes do not run yet. It ends with the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*<A = Memberlist, E = StartError>(
  options: Options<A, E>
): Effect.fn.Return<SimulatedCluster<A, E>, never, Scope.Scope> {
  const base = yield* Clock.Clock
  const ending = yield* Scope.Scope
  const slots = new Map(
    options.nodes.map((name, i) => [name, new Slot<A>(name, ipOf(i), new SkewedClock(base))] as const)
  )
  const network = yield* SimulatedNetwork.make({
    latency: [1, 5],
    ...options.network,
    hosts: Object.fromEntries([...slots.values()].map(({ ip, name }) => [name, [ip]])),
    seed: options.seed
  })

  const slotOf = (name: string): Slot<A> => {
    const slot = slots.get(name)
    if (slot === undefined) {
      throw new TypeError(`no node is called "${name}"; the nodes are ${options.nodes.join(", ")}`)
    }
    return slot
  }

  const settings = (name: string): Settings => {
    const given = typeof options.config === "function" ? options.config(name) : options.config ?? {}
    return { ...MemberlistConfig.lan, leaveTimeout: 0, ...given, name }
  }

  /** What the node's program runs in: its own clock, its own chance, the network. */
  const surroundings = (slot: Slot<A>) =>
    Layer.mergeAll(
      Layer.succeed(Clock.Clock, slot.clock),
      Layer.succeed(Random.Random, slot.random),
      Layer.succeed(SimulatedNetwork, network),
      options.observe ?? Layer.empty
    )

  const programOf: (name: string) => Layer.Layer<A | Memberlist, E | StartError, Transport | MemberlistConfig> =
    // without a layer, `A` is what its default says
    options.layer ?? (() => MemberlistLive as Layer.Layer<A | Memberlist, StartError, Transport | MemberlistConfig>)

  /** What is asked of a node happens by its clock and its chance, not by those of who asks. */
  const inside = (slot: Slot<A>) => <B, F, R>(effect: Effect.Effect<B, F, R>): Effect.Effect<B, F, R> =>
    effect.pipe(
      Effect.provideService(Clock.Clock, slot.clock),
      Effect.provideService(Random.Random, slot.random)
    )

  /** Begins a life, or leaves nothing of it. */
  const begin = (slot: Slot<A>): Effect.Effect<void, E | StartError> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        const { ip, name } = slot
        const scope = yield* Scope.fork(ending)
        const live = Layer.suspend(() => programOf(name)).pipe(
          Layer.provide(SimulatedNetwork.transport(ip)),
          Layer.provide(MemberlistConfig.layer(settings(name))),
          Layer.provide(surroundings(slot))
        )
        // a map of its own: another node's program may be given by the same layer, and shares nothing with this one
        const services = yield* restore(Layer.buildWithMemoMap(live, yield* Layer.makeMemoMap, scope)).pipe(
          Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
        )
        slot.life = { services, memberlist: Context.get(services, Memberlist), scope, ended: false }
      })
    )

  const start = (name: string) =>
    Effect.suspend(() => {
      const slot = slotOf(name)
      return slot.turn.withPermit(Effect.suspend(() => {
        if (slot.life !== undefined) return Effect.void
        slot.lives++
        slot.random = new Draws(options.seed, `node ${name}, life ${slot.lives}`)
        return begin(slot)
      }))
    })

  /** Ends a life, if there is one. */
  const end = (name: string, release: (life: Life<A>) => Effect.Effect<void>) =>
    Effect.suspend(() => {
      const slot = slotOf(name)
      return slot.turn.withPermit(Effect.uninterruptible(Effect.suspend(() => {
        const { life } = slot
        if (life === undefined) return Effect.void
        slot.life = undefined
        life.ended = true
        return release(life)
      })))
    })

  const release = ({ scope }: Life<A>) => Scope.close(scope, Exit.void)

  const stop = (name: string) => end(name, release)

  const kill = (name: string) =>
    // off the network first, so that nobody gets the goodbye
    end(name, (life) =>
      Effect.scoped(Effect.andThen(
        network.inject({ _tag: "Crash", hosts: [name], mode: "Refuse" }),
        release(life)
      )))

  const node = (name: string) =>
    Effect.suspend(() => {
      const { life } = slotOf(name)
      return life === undefined ? Effect.die(new Error(`${name} does not run`)) : Effect.succeed(life.memberlist)
    })

  const run = <B, F, R>(
    name: string,
    effect: Effect.Effect<B, F, R>
  ): Effect.Effect<B, F | NodeDown, Exclude<R, A | Memberlist>> =>
    Effect.suspend(() => {
      const slot = slotOf(name)
      const { life } = slot
      if (life === undefined) return Effect.fail(new NodeDown({ node: name, reason: "NotRunning" }))
      const asked = inside(slot)(Effect.provideContext(effect, life.services))
      return Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(Effect.forkIn(asked, life.scope, { startImmediately: true }), (fiber) =>
          restore(Fiber.await(fiber)).pipe(
            Effect.onInterrupt(() =>
              Fiber.interrupt(fiber)
            ),
            Effect.flatMap((exit): Effect.Effect<B, F | NodeDown> =>
              life.ended && Exit.hasInterrupts(exit)
                ? Effect.fail(new NodeDown({ node: name, reason: "Ended" }))
                : exit
            )
          ))
      )
    })

  const rejoin = (name: string, through: ReadonlyArray<string> = options.nodes) =>
    Effect.suspend(() => {
      const { life } = slotOf(name)
      const others = through.filter((other) => other !== name)
      if (life === undefined || others.length === 0) return Effect.void
      return life.memberlist.join(others).pipe(
        Effect.retry(Schedule.spaced("5 seconds")),
        Effect.ignore,
        inside(slotOf(name)),
        Effect.forkIn(life.scope),
        Effect.asVoid
      )
    })

  /** Runs something that a node must be there for, and nothing else may happen to; answers 1 when it was done. */
  const alone = <F>(name: string, act: Effect.Effect<void, F>): Effect.Effect<number, F> =>
    Effect.suspend(() => {
      const slot = slotOf(name)
      if (slot.busy || slot.life === undefined) return Effect.succeed(0)
      slot.busy = true
      return Effect.ensuring(
        Effect.as(act, 1),
        Effect.sync(() => {
          slot.busy = false
        })
      )
    })

  const nodeFault = (fault: Fault.NodeFault, duration: number): Effect.Effect<number, E | StartError> => {
    const pass = Effect.sleep(duration)
    const { node: name } = fault
    switch (fault._tag) {
      case "Restart":
        return alone(
          name,
          kill(name).pipe(Effect.andThen(pass), Effect.andThen(start(name)), Effect.andThen(rejoin(name)))
        )
      case "Kill":
        return alone(name, kill(name))
      case "Leave":
        return alone(
          name,
          Effect.flatMap(
            node(name),
            ({ leave }) => Effect.ignore(inside(slotOf(name))(leave({ timeout: Math.min(duration, 5_000) })))
          )
            .pipe(
              Effect.andThen(pass),
              Effect.andThen(rejoin(name))
            )
        )
      case "Update":
        return alone(
          name,
          Effect.flatMap(
            node(name),
            ({ updateMeta }) => Effect.ignore(inside(slotOf(name))(updateMeta(new TextEncoder().encode(fault.meta))))
          )
        )
      case "Stall": {
        const { clock } = slotOf(name)
        const standStill = Effect.acquireUseRelease(
          Effect.sync(() => clock.stall()),
          () => pass,
          () => Effect.sync(() => clock.resume())
        )
        // timers fire before what waits in the sockets is read, as in a real event loop
        return Effect.scoped(Effect.andThen(network.inject({ _tag: "Pause", hosts: [name] }), Effect.as(standStill, 1)))
      }
      case "Skew": {
        const { clock } = slotOf(name)
        return Effect.sync(() => clock.set({ leap: fault.leap, rate: fault.rate })).pipe(
          Effect.andThen(pass),
          Effect.andThen(Effect.sync(() => clock.set({ rate: 1 }))),
          Effect.as(1)
        )
      }
    }
  }

  const happen = (fault: Fault.Fault, duration: number): Effect.Effect<number, E | StartError> =>
    Fault.isNetworkFault(fault)
      ? Effect.scoped(Effect.flatMap(network.inject(fault), ({ hits }) => Effect.andThen(Effect.sleep(duration), hits)))
      : nodeFault(fault, duration)

  const play = (script: Fault.Script, told: (line: string) => void = () => {}) =>
    Effect.forEach(
      script,
      (timed) =>
        Effect.sleep(timed.at).pipe(
          Effect.andThen(Effect.sync(() => told(`begin ${title(timed.fault)}`))),
          Effect.andThen(happen(timed.fault, timed.for)),
          Effect.tap(() => Effect.sync(() => told(`end ${title(timed.fault)}`))),
          Effect.map((hits): Played => ({ ...timed, hits }))
        ),
      { concurrency: "unbounded" }
    )

  return {
    names: options.nodes,
    network,
    startAll: Effect.forEach(
      options.nodes,
      (name, i) => Effect.andThen(start(name), rejoin(name, options.nodes.slice(0, Math.min(i, SEEDS)))),
      { discard: true }
    ),
    start,
    stop,
    kill,
    rejoin,
    node,
    run,
    running: Effect.sync(() => options.nodes.filter((name) => slotOf(name).life !== undefined)),
    clock: (name) => slotOf(name).clock,
    play
  }
})
