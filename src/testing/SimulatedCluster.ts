/**
 * A whole cluster on a simulated network: nodes that can be started, killed, restarted and sent away by name, and scripts
 * of faults that do so at their time. Nothing in it depends on anything but its seed.
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
 * @stability unstable
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { Memberlist, MemberlistLive } from "../Memberlist.ts"
import { MemberlistConfig, type Settings } from "../MemberlistConfig.ts"
import { Draws } from "./clock/Draws.ts"
import { SkewedClock } from "./clock/SkewedClock.ts"
import * as Fault from "./network/Fault.ts"
import { type Options as NetworkOptions, SimulatedNetwork } from "./network/SimulatedNetwork.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Options {
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
  /** Run for each life of a node, in its scope, before it joins anybody. */
  readonly onStart?:
    | ((name: string, memberlist: Memberlist["Service"]) => Effect.Effect<void, never, Scope.Scope>)
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
 * @category models
 * @since 0.1.0
 */
export interface SimulatedCluster {
  readonly names: ReadonlyArray<string>
  readonly network: SimulatedNetwork["Service"]
  /** Starts every node, one after the other; each joins through those before it. */
  readonly startAll: Effect.Effect<void>
  /** Starts a node that does not run: a new program that knows nothing, at the same address. */
  readonly start: (name: string) => Effect.Effect<void>
  /** Ends the program as its own release does: it says goodbye. */
  readonly stop: (name: string) => Effect.Effect<void>
  /** The program dies at once, without a goodbye. */
  readonly kill: (name: string) => Effect.Effect<void>
  /** Joins through all other nodes, again every five seconds until one answers, in the background. */
  readonly rejoin: (name: string, through?: ReadonlyArray<string>) => Effect.Effect<void>
  /** The service of a node that runs; a defect when it does not. */
  readonly node: (name: string) => Effect.Effect<Memberlist["Service"]>
  /** The nodes whose programs run now, those that have left the cluster included. */
  readonly running: Effect.Effect<ReadonlyArray<string>>
  /** The clock of a node. */
  readonly clock: (name: string) => SkewedClock
  /** Plays a script from now on, to the end of its last fault. */
  readonly play: (script: Fault.Script, told?: (line: string) => void) => Effect.Effect<ReadonlyArray<Played>>
}

interface Life {
  readonly memberlist: Memberlist["Service"]
  readonly scope: Scope.Closeable
}

/** One place in the cluster, whoever runs there. */
class Seat {
  life: Life | undefined = undefined
  lives = 0
  /** Something happens to the node already, and a second thing would get in the way. */
  busy = false
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
export const make = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<SimulatedCluster, never, Scope.Scope> {
  const base = yield* Clock.Clock
  const ending = yield* Scope.Scope
  const seats = new Map(
    options.nodes.map((name, i) => [name, new Seat(name, ipOf(i), new SkewedClock(base))] as const)
  )
  const network = yield* SimulatedNetwork.make({
    latency: [1, 5],
    ...options.network,
    hosts: Object.fromEntries([...seats.values()].map(({ ip, name }) => [name, [ip]])),
    seed: options.seed
  })

  const seatOf = (name: string): Seat => {
    const seat = seats.get(name)
    if (seat === undefined) {
      throw new TypeError(`no node is called "${name}"; the nodes are ${options.nodes.join(", ")}`)
    }
    return seat
  }

  const settings = (name: string): Settings => {
    const given = typeof options.config === "function" ? options.config(name) : options.config ?? {}
    return { ...MemberlistConfig.lan, leaveTimeout: 0, ...given, name }
  }

  /** What the node's program runs in: its own clock, its own chance, the network. */
  const surroundings = (seat: Seat) =>
    Layer.mergeAll(
      Layer.succeed(Clock.Clock, seat.clock),
      Layer.succeed(Random.Random, seat.random),
      Layer.succeed(SimulatedNetwork, network),
      options.observe ?? Layer.empty
    )

  /** What is asked of a node happens by its clock and its chance, not by those of who asks. */
  const inside = (seat: Seat) => <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    effect.pipe(
      Effect.provideService(Clock.Clock, seat.clock),
      Effect.provideService(Random.Random, seat.random)
    )

  const start = Effect.fnUntraced(function*(name: string) {
    const seat = seatOf(name)
    if (seat.life !== undefined) return
    seat.lives++
    seat.random = new Draws(options.seed, `node ${name}, life ${seat.lives}`)
    const scope = yield* Scope.fork(ending)
    const live = MemberlistLive.pipe(
      Layer.provide(SimulatedNetwork.transport(seat.ip)),
      Layer.provide(MemberlistConfig.layer(settings(name))),
      Layer.provide(surroundings(seat))
    )
    const context = yield* Effect.orDie(Layer.buildWithScope(live, scope)).pipe(
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
    )
    const memberlist = Context.get(context, Memberlist)
    seat.life = { memberlist, scope }
    if (options.onStart !== undefined) yield* Scope.provide(options.onStart(name, memberlist), scope)
  })

  const stop = (name: string) =>
    Effect.suspend(() => {
      const seat = seatOf(name)
      const { life } = seat
      seat.life = undefined
      return life === undefined ? Effect.void : Scope.close(life.scope, Exit.void)
    })

  const kill = Effect.fnUntraced(function*(name: string) {
    const seat = seatOf(name)
    const { life } = seat
    if (life === undefined) return
    seat.life = undefined
    // off the network first, so that nobody hears the goodbye
    yield* Effect.scoped(Effect.andThen(
      network.inject({ _tag: "Crash", hosts: [name], mode: "Refuse" }),
      Scope.close(life.scope, Exit.void)
    ))
  })

  const node = (name: string) =>
    Effect.suspend(() => {
      const { life } = seatOf(name)
      return life === undefined ? Effect.die(new Error(`${name} does not run`)) : Effect.succeed(life.memberlist)
    })

  const rejoin = (name: string, through: ReadonlyArray<string> = options.nodes) =>
    Effect.suspend(() => {
      const { life } = seatOf(name)
      const others = through.filter((other) => other !== name)
      if (life === undefined || others.length === 0) return Effect.void
      return life.memberlist.join(others).pipe(
        Effect.retry(Schedule.spaced("5 seconds")),
        Effect.ignore,
        inside(seatOf(name)),
        Effect.forkIn(life.scope),
        Effect.asVoid
      )
    })

  /** Runs something that a node must be there for, and nothing else may happen to; answers 1 when it was done. */
  const alone = (name: string, act: Effect.Effect<void>): Effect.Effect<number> =>
    Effect.suspend(() => {
      const seat = seatOf(name)
      if (seat.busy || seat.life === undefined) return Effect.succeed(0)
      seat.busy = true
      return Effect.ensuring(
        Effect.as(act, 1),
        Effect.sync(() => {
          seat.busy = false
        })
      )
    })

  const nodeFault = (fault: Fault.NodeFault, duration: number): Effect.Effect<number> => {
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
            ({ leave }) => Effect.ignore(inside(seatOf(name))(leave({ timeout: Math.min(duration, 5_000) })))
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
            ({ updateMeta }) => Effect.ignore(inside(seatOf(name))(updateMeta(new TextEncoder().encode(fault.meta))))
          )
        )
      case "Skew": {
        const { clock } = seatOf(name)
        return Effect.sync(() => clock.set({ leap: fault.leap, rate: fault.rate })).pipe(
          Effect.andThen(pass),
          Effect.andThen(Effect.sync(() => clock.set({ rate: 1 }))),
          Effect.as(1)
        )
      }
    }
  }

  const happen = (fault: Fault.Fault, duration: number): Effect.Effect<number> =>
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
      (name, i) => Effect.andThen(start(name), rejoin(name, options.nodes.slice(0, i))),
      { discard: true }
    ),
    start,
    stop,
    kill,
    rejoin,
    node,
    running: Effect.sync(() => options.nodes.filter((name) => seatOf(name).life !== undefined)),
    clock: (name) => seatOf(name).clock,
    play
  }
})
