/**
 * Lives through a plan: the chaos, then calm, until every node lists exactly the nodes that run, or for too long.
 */
import { Convergence, Invariants, SimulatedCluster, VirtualTime } from "effect-memberlist/testing"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import { type Observation, Observer } from "../../src/engine/Observer.ts"
import { Agreement, components, disagreement, FalseDeaths, LONGEST_PROBE, Subscriber } from "./Calm.ts"
import { type FaultClass, faultClasses, type Plan } from "./Plan.ts"

/** Something that must not happen, and did. */
export interface Failure {
  readonly kind: Invariants.Invariant | "Liveness" | "FalseDeath" | "EventStream" | "FiberDied" | "Crashed"
  /** Milliseconds of virtual time. */
  readonly at: number
  readonly message: string
}

/** What one class of faults did. */
export interface Fired {
  readonly planned: number
  /** Faults that made a difference. */
  readonly fired: number
  /** How often they did: packets, stream operations, restarts. */
  readonly hits: number
}

export interface Outcome {
  readonly plan: Plan
  readonly failures: ReadonlyArray<Failure>
  /** Every change of every node's view and every fault, a line each. The same for the same plan, byte for byte. */
  readonly log: ReadonlyArray<string>
  readonly fired: Readonly<Record<FaultClass, Fired>>
  /** Steps of member tables that were checked. */
  readonly steps: number
  /** Virtual milliseconds from calm until all agreed; absent when they did not. */
  readonly agreedAfter: number | undefined
  readonly bound: number
  /** Virtual milliseconds in all. */
  readonly elapsed: number
  readonly packets: number
}

/** The lines of a log are counted, so that a run that goes wild ends with an error instead of the memory. */
const MAX_LINES = 500_000
/** The log line of each change that a node publishes. */
const changeLines = function*({ directives, node }: Observation) {
  for (const directive of directives) {
    if (directive._tag === "Publish") {
      const { _tag, entry } = directive.change
      const from = "from" in directive.change ? ` from ${directive.change.from}` : ""
      yield `${node.name} ${_tag} ${entry.name} incarnation ${entry.incarnation}${from}`
    } else if (directive._tag === "Refuted") {
      yield `${node.name} Refuted ${directive.by} from ${directive.from ?? "unknown"}, now ${directive.incarnation}`
    }
  }
}

/** The first few of many, and how many more there are. */
const someOf = (texts: ReadonlyArray<string>): string =>
  [...texts.slice(0, 3), ...(texts.length > 3 ? [`and ${texts.length - 3} more`] : [])].join("; ")

const explore = Effect.fnUntraced(function*(
  plan: Plan,
  log: Array<string>,
  failures: Array<Failure>,
  onTime: (millis: number) => void
) {
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const tell = (line: string) => {
    if (log.length >= MAX_LINES) throw new Error(`the log has more than ${MAX_LINES} lines`)
    log.push(`${now().toFixed(3)} ${line}`)
  }
  const fail = (kind: Failure["kind"], message: string) => {
    tell(`FAILURE ${kind}: ${message}`)
    failures.push({ kind, at: now(), message })
  }

  const invariants = Invariants.make()
  const falseDeaths = new FalseDeaths(plan.names.length)
  const observe: Observer = (step) => {
    onTime(now())
    for (const line of changeLines(step)) tell(line)
    falseDeaths.announced(step.node.name, step.next.incarnation)
    for (const directive of step.directives) {
      if (directive._tag !== "Publish") continue
      const falseDeath = falseDeaths.take(step.node.name, directive.change, now())
      if (falseDeath !== undefined) fail("FalseDeath", falseDeath)
    }
    const before = invariants.violations.length
    invariants.observer(step)
    for (const { invariant, message, node } of invariants.violations.slice(before)) {
      fail(invariant, `${node}: ${message}`)
    }
  }

  const subscribers = new Map<string, Subscriber>()
  const cluster = yield* SimulatedCluster.make({
    nodes: plan.names,
    seed: plan.options.seed,
    config: plan.config,
    network: { latency: { min: 1, mean: 3 } },
    observe: Layer.succeed(Observer, observe),
    onStart: (name, memberlist) => {
      const subscriber = new Subscriber()
      subscribers.set(name, subscriber)
      return memberlist.events.pipe(
        Stream.runForEach((event) => Effect.sync(() => subscriber.take(event))),
        Effect.forkScoped({ startImmediately: true }),
        Effect.asVoid
      )
    }
  })

  yield* cluster.startAll
  const [played] = yield* Effect.all([cluster.play(plan.script, tell), Effect.sleep(plan.chaos)], {
    concurrency: "unbounded"
  })

  const running = yield* cluster.running
  tell(`calm; ${running.join(" ")} run`)
  const calmAt = now()
  falseDeaths.begin(calmAt, running)
  const nodes = yield* Effect.forEach(running, (name) => Effect.map(cluster.node(name), (list) => ({ name, list })))
  // Halves that have forgotten each other never meet again by themselves (memberlist issue 222): somebody joins them.
  const reunite = Effect.gen(function*() {
    const views = yield* Effect.forEach(
      nodes,
      ({ list, name }) => Effect.map(list.members, (members) => [name, members] as const)
    )
    const [main = [], ...islands] = components(views)
    for (const [first] of islands) {
      if (first === undefined) continue
      tell(`${first} joins again`)
      yield* cluster.rejoin(first, main)
    }
  })
  yield* reunite
  // Probes and suspicions from before may still run out in the calm, and tear apart what held together so far.
  const reunion = calmAt + LONGEST_PROBE +
    Duration.toMillis(Convergence.longestSuspicion(plan.config, plan.names.length)) + 1_000
  let reunited = false

  const disagreements = Effect.gen(function*() {
    const locals = yield* Effect.forEach(
      nodes,
      ({ list, name }) => Effect.map(list.localMember, ({ metaText }) => [name, metaText] as const)
    )
    const truth = new Map(locals)
    const all = yield* Effect.forEach(
      nodes,
      ({ list, name }) => Effect.map(list.members, (members) => disagreement(name, members, truth))
    )
    return all.filter((text) => text !== undefined)
  })

  const bound = Duration.toMillis(Convergence.bound(plan.config, plan.names.length))
  const agreement = new Agreement(calmAt, bound)
  let left = yield* disagreements
  let verdict = agreement.look(now(), left)
  while (verdict === "Open") {
    yield* Effect.sleep(500)
    if (!reunited && now() >= reunion) {
      reunited = true
      yield* reunite
    }
    left = yield* disagreements
    verdict = agreement.look(now(), left)
  }
  const agreedAfter = verdict === "Kept" ? agreement.after : undefined
  const why = agreement.after === undefined ? someOf(left) : `it came after ${agreement.after} ms`
  if (agreedAfter === undefined) fail("Liveness", `no agreement within ${bound} ms of calm: ${why}`)
  else tell(`all agree, ${agreedAfter} ms after calm`)

  for (const { list, name } of nodes) {
    const differs = subscribers.get(name)?.differs(name, yield* list.members)
    if (differs !== undefined) fail("EventStream", differs)
    for (const [key, count] of yield* list.counters) {
      if (/^fiber\.(died|restarted)/.test(key)) fail("FiberDied", `${name}: ${key} ${count} times`)
    }
  }
  const { packetsSent } = yield* cluster.network.stats
  return {
    played,
    packets: packetsSent,
    bound,
    steps: invariants.steps(),
    agreedAfter,
    elapsed: now()
  }
})

const ignore = () => {}

/**
 * Runs a plan. A pure function: everything random comes from the plan's seed, time is virtual. `onTime` is told how late
 * it is, in virtual milliseconds, after every step, and can change nothing.
 */
export const run = (plan: Plan, onTime: (millis: number) => void = ignore): Outcome => {
  const log: Array<string> = []
  const failures: Array<Failure> = []
  const exit = VirtualTime.run(
    explore(plan, log, failures, onTime).pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, "None")),
    { seed: plan.options.seed, limit: plan.chaos + 86_400_000 }
  )
  const result = Exit.isSuccess(exit) ? exit.value : undefined
  if (Exit.isFailure(exit)) {
    const [message = "unknown"] = Cause.pretty(exit.cause).split("\n")
    failures.push({ kind: "Crashed", at: plan.chaos, message })
  }
  const played = result?.played ?? []
  const fired = Object.fromEntries(faultClasses.map((name): [FaultClass, Fired] => {
    const hits = plan.script.flatMap((planned, i) => planned.class === name ? [played[i]?.hits ?? 0] : [])
    return [name, {
      planned: hits.length,
      fired: hits.filter((count) => count > 0).length,
      hits: hits.reduce((sum, count) => sum + count, 0)
    }]
  })) as Record<FaultClass, Fired>
  return {
    plan,
    failures,
    log,
    fired,
    steps: result?.steps ?? 0,
    agreedAfter: result?.agreedAfter,
    bound: result?.bound ?? 0,
    elapsed: result?.elapsed ?? 0,
    packets: result?.packets ?? 0
  }
}
