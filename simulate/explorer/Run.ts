/**
 * Lives through a plan: the chaos, then calm, until every node lists exactly the nodes that run, or for too long.
 */
import { type MemberEvent, Memberlist, MemberlistLive } from "effect-memberlist"
import { Convergence, type Invariants, SimulatedCluster, VirtualTime } from "effect-memberlist/testing"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type ObservedStep, Observer } from "../../src/engine/StepObserver.ts"
import { Checker } from "../../src/testing/checks/Checker.ts"
import { Draws } from "../../src/testing/clock/Draws.ts"
import type { Kind } from "./Application.ts"
import * as Calls from "./Calls.ts"
import { Agreement, components, disagreement, FalseDeaths, LONGEST_PROBE, Subscriber } from "./Calm.ts"
import * as Lifecycle from "./Lifecycle.ts"
import * as OnTop from "./OnTop.ts"
import { type FaultClass, faultClasses, type Plan, type Planned } from "./Plan.ts"

/** Something that must not happen, and did. */
export interface Failure {
  readonly kind:
    | Invariants.Invariant
    | "Liveness"
    | "FalseDeath"
    | "EventStream"
    | "FiberDied"
    | "Call"
    | "Goodbye"
    | "AfterClose"
    | "Crashed"
    | Kind
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
const changeLines = function*({ directives, node }: ObservedStep) {
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

/** How a call went, for the log. */
const callLine = ({ answeredAt, beganAt, exit, interruptedAt }: Calls.Called): string => {
  const how = Exit.isSuccess(exit)
    ? "succeeded"
    : interruptedAt === undefined
    ? Cause.pretty(exit.cause).split("\n")[0]
    : "was interrupted"
  return `${how} after ${answeredAt - beganAt} ms`
}

/** How long after its end nobody lists a node that left while nothing was wrong. Milliseconds. */
const GONE = 10_000

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

  const checker = new Checker()
  const knowledge = new Lifecycle.Knowledge()
  let chaosAt = 0
  const weather = new Lifecycle.Weather(plan.script, () => chaosAt)
  const calls = new Lifecycle.Calls(knowledge, weather)
  const goodbyes = new Lifecycle.Goodbyes(knowledge, weather)
  /** Those whose layers are being released, as against killed. */
  const releasing = new Map<string, Lifecycle.Goodbye | undefined>()
  const lives = new Map<string, Calls.Life>()
  const hasEnded = (name: string) => lives.get(name)?.endsAt !== Infinity
  const falseDeaths = new FalseDeaths(plan.names.length, (name) => knowledge.isOutside(name))
  const judging = yield* Scope.Scope
  const judgeLater = (millis: number, kind: Failure["kind"], judge: () => string | undefined) =>
    Effect.sleep(millis).pipe(
      Effect.andThen(Effect.sync(() => {
        const complaint = judge()
        if (complaint !== undefined) fail(kind, complaint)
      })),
      Effect.forkIn(judging)
    )
  const observe: Observer = (step) => {
    onTime(now())
    for (const line of changeLines(step)) tell(line)
    knowledge.take(step, now())
    const halfway = Lifecycle.halfway(step)
    if (halfway !== undefined) fail("Call", halfway)
    if (step.next.stage._tag === "Closed" && step.previous.stage._tag !== "Closed" && releasing.has(step.node.name)) {
      releasing.set(step.node.name, goodbyes.said(step, now()))
    }
    falseDeaths.announced(step.node.name, step.next.incarnation)
    for (const directive of step.directives) {
      if (directive._tag !== "Publish") continue
      const falseDeath = falseDeaths.take(step.node.name, directive.change, now())
      if (falseDeath !== undefined) fail("FalseDeath", falseDeath)
    }
    const before = checker.violations.length
    checker.observe(step)
    for (const { invariant, message, node } of checker.violations.slice(before)) {
      fail(invariant, `${node}: ${message}`)
    }
  }

  const metaOf = OnTop.metaOf(plan.options.applications ?? [])
  let isCalm = false
  const applications = OnTop.make(plan.options.applications ?? [], {
    seed: plan.options.seed,
    tell,
    fail,
    now,
    isCalm: () => isCalm
  })

  const subscribers = new Map<string, Subscriber>()
  /** What is looked at of a node's life: its events, and when it ends. */
  const watched = (name: string) =>
    Layer.effectDiscard(Memberlist.use((memberlist) => {
      const subscriber = new Subscriber()
      subscribers.set(name, subscriber)
      const life: Calls.Life = { memberlist, endsAt: Infinity }
      lives.set(name, life)
      const ends = Effect.sync(() => {
        life.endsAt = now()
        calls.ends(name, life.endsAt)
      })
      return memberlist.events.pipe(
        Stream.runForEach((event) => Effect.sync(() => subscriber.take(event))),
        Effect.forkScoped({ startImmediately: true }),
        // runs first, because it is registered last
        Effect.andThen(Effect.addFinalizer(() => ends))
      )
    }))
  const cluster = yield* SimulatedCluster.make({
    nodes: plan.names,
    seed: plan.options.seed,
    config: plan.config,
    network: { latency: { min: 1, mean: 3 } },
    observe: Layer.succeed(Observer, observe),
    layer: (name) =>
      applications.reduce(
        (below, { layer }) => Layer.merge(below, Layer.provide(layer(name), below)),
        Layer.provideMerge(watched(name), MemberlistLive)
      )
  })

  const call = Effect.fnUntraced(function*(happening: Calls.Call, duration: number) {
    const life = lives.get(happening.node)
    if (life === undefined) return 0
    const called = yield* Calls.make(cluster, life, happening, duration, metaOf, () => calls.begun(happening))
    tell(`${happening.node} ${happening.call} ${callLine(called)}`)
    const complaint = calls.ending(called) ?? calls.outcome(called)
    if (complaint !== undefined) fail("Call", complaint)
    return 1
  })

  /** Releases a node's layer, and judges its goodbye. */
  const stop = Effect.fnUntraced(function*(name: string) {
    releasing.set(name, undefined)
    yield* cluster.stop(name)
    const goodbye = releasing.get(name)
    releasing.delete(name)
    if (goodbye === undefined) return
    const left = Math.max(0, goodbye.at + Lifecycle.GOODBYE - now())
    yield* judgeLater(left, "Goodbye", () => goodbyes.missed(goodbye, now(), hasEnded))
  })

  const happen = (happening: Calls.Happening, duration: number): Effect.Effect<number> => {
    switch (happening._tag) {
      case "Call":
        return call(happening, duration)
      case "Release":
        return Calls.release(cluster, happening.node, duration, stop(happening.node))
      case "Build":
        return Calls.build(cluster, happening)
    }
  }

  /** Plays a line of the plan, from its time on. Answers how often it made a difference. */
  const play = (planned: Planned): Effect.Effect<number> => {
    const { at, fault, for: duration } = planned
    // whole other metadata would take the applications' sections away
    if (fault._tag === "Update" && applications.length > 0) {
      const announce = Memberlist.use(({ updateMeta }) => updateMeta(metaOf(fault.meta)))
      return Effect.sleep(at).pipe(
        Effect.andThen(Effect.ignore(cluster.run(fault.node, announce))),
        Effect.as(1)
      )
    }
    if (!Calls.isHappening(fault)) {
      const playing = Effect.orDie(cluster.play([{ at, for: duration, fault }], tell))
      return Effect.map(playing, ([played]) => played?.hits ?? 0)
    }
    return Effect.sleep(at).pipe(
      Effect.andThen(Effect.sync(() => tell(`begin ${JSON.stringify(fault)}`))),
      Effect.andThen(happen(fault, duration)),
      Effect.tap(() => Effect.sync(() => tell(`end ${JSON.stringify(fault)}`)))
    )
  }

  yield* cluster.startAll
  chaosAt = now()
  const [played] = yield* Effect.all([
    Effect.forEach(plan.script, play, { concurrency: "unbounded" }),
    Effect.sleep(plan.chaos)
  ], { concurrency: "unbounded" })

  const running = yield* cluster.running
  tell(`calm; ${running.join(" ")} run`)
  const calmAt = now()
  isCalm = true
  falseDeaths.begin(calmAt, running)
  const nodes = yield* Effect.forEach(running, (name) => Effect.map(cluster.node(name), (list) => ({ name, list })))
  // Who has left runs on, and is in no list but its own. What it knows of the others grows old.
  const present = () => nodes.filter(({ name }) => !knowledge.isOutside(name))
  // Without recovery, halves that have forgotten each other never find each other by themselves (memberlist issue 222):
  // somebody joins them. With it they have to.
  const reunite = Effect.gen(function*() {
    if (plan.config.recovery !== false) return
    const views = yield* Effect.forEach(
      present(),
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
      present(),
      ({ list, name }) => Effect.map(list.localMember, ({ metaText }) => [name, metaText] as const)
    )
    const truth = new Map(locals)
    const all = yield* Effect.forEach(
      present(),
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

  for (const { bound, complaints, disagreements, kind, total } of agreedAfter === undefined ? [] : applications) {
    const since = now()
    const names = present().map(({ name }) => name)
    let differences = yield* disagreements(names)
    while (differences.length > 0 && now() - since < bound) {
      yield* Effect.sleep(500)
      differences = yield* disagreements(names)
    }
    if (differences.length > 0) fail(kind, `after ${bound} ms of agreement: ${someOf(differences)}`)
    else tell(`${kind}: nobody lacks any of ${total()} values, ${now() - since} ms after the lists agreed`)
    const found = differences.length > 0 ? [] : yield* complaints(names)
    if (found.length > 0) fail(kind, someOf(found))
  }

  yield* Effect.gen(function*() {
    const draws = new Draws(plan.options.seed, "departure")
    const members = present().map(({ name }) => name)
    // who is outside may still believe that somebody is dead, and says so at its next push/pull
    if (agreedAfter === undefined || members.length < 2 || members.length < nodes.length) return
    const node = draws.pick(members)
    const others = members.filter((name) => name !== node)
    const since = now()
    const blamed = (event: MemberEvent) =>
      (event._tag === "MemberFailed" || event._tag === "MemberSuspected") && event.member.name === node
    for (const name of others) subscribers.get(name)?.watch(blamed)
    const calls = draws.pick([[], ["leave"], ["leave", "leave"], ["join", "leave"], ["joinScoped"], ["join"]] as const)
    tell(`${node} goes: ${["release", ...calls].join(", ")}`)
    const cut = draws.pick([0, 5, 300, 3_000])
    yield* Effect.forEach(
      calls,
      (name) => call({ _tag: "Call", node, call: name, to: draws.pick(others), interrupt: draws.next() < 0.5 }, cut),
      {
        concurrency: "unbounded"
      }
    )
    if (calls.length > 0) yield* Effect.sleep(draws.pick([0, 100, 2_000, 10_000]))
    yield* stop(node)
    yield* Effect.sleep(GONE)
    for (const name of others) {
      const [event] = subscribers.get(name)?.watched ?? []
      if (event !== undefined) {
        fail("Goodbye", `${name} saw ${event._tag} of ${node}, which left while nothing was wrong`)
      }
      const view = yield* Effect.flatMap(cluster.node(name), ({ members }) => members)
      if (view.some((member) => member.name === node)) {
        fail("Goodbye", `${name} still lists ${node}, ${now() - since} ms after it began to go`)
      }
    }
  })

  for (const { list, name } of nodes) {
    if (!(yield* cluster.running).includes(name)) continue
    const differs = subscribers.get(name)?.differs(name, yield* list.members)
    if (differs !== undefined) fail("EventStream", differs)
    for (const [key, count] of yield* list.counters) {
      if (/^fiber\.(died|restarted)/.test(key)) fail("FiberDied", `${name}: ${key} ${count} times`)
    }
  }
  const { afterClose, packetsSent } = yield* cluster.network.stats
  if (afterClose > 0) fail("AfterClose", `${afterClose} packets or streams of programs that had closed their transport`)
  return {
    played,
    packets: packetsSent,
    bound,
    steps: checker.steps,
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
  const hitsOf = result?.played ?? []
  const fired = Object.fromEntries(faultClasses.map((name): [FaultClass, Fired] => {
    const hits = plan.script.flatMap((planned, i) => planned.class === name ? [hitsOf[i] ?? 0] : [])
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
