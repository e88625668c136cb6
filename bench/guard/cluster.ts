/** A cluster in virtual time that takes the same steps each time, and the count of what it did. */
import { Memberlist, MemberlistConfig, MemberlistLive, Seeds } from "effect-memberlist"
import { SimulatedNetwork, VirtualTime } from "effect-memberlist/testing"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import * as Scheduler from "effect/Scheduler"
import { Observer } from "../../src/engine/StepObserver.ts"

export interface Size {
  readonly members: number
  /** Virtual seconds after all have joined. */
  readonly seconds: number
}

const ip = (i: number) => `10.0.${i >> 8}.${i & 255}`

const node = (i: number) =>
  MemberlistLive.pipe(
    Layer.provide(SimulatedNetwork.transport(ip(i))),
    Layer.provide(MemberlistConfig.layer({ ...MemberlistConfig.lan, name: `n${i}`, leaveTimeout: 0 }))
  )

/** Starts so many nodes with the LAN preset, which all join through the first; `rest` follows. */
const program = <A>({ members }: Size, rest: Effect.Effect<A, never, SimulatedNetwork>) =>
  Effect.gen(function*() {
    const clusters = yield* Effect.forEach(
      Array.from({ length: members }, (_, i) => i + 1),
      (i) => Effect.flatMap(Layer.build(node(i)), (context) => Effect.provide(Memberlist, context))
    )
    yield* Effect.forEach(clusters.slice(1), (each) => each.join([ip(1)]), { concurrency: 16 })
    const answer = yield* rest
    for (const each of clusters) {
      const { length } = yield* each.members
      if (length !== members) return yield* Effect.die(new Error(`a member sees ${length} of ${members}`))
    }
    return answer
  }).pipe(
    Effect.scoped,
    Effect.provideService(References.MinimumLogLevel, "None"),
    Effect.provide(SimulatedNetwork.layer({ latency: ["1 millis", "5 millis"] }))
  )

const inVirtualTime = <A, E>(effect: Effect.Effect<A, E>): A => {
  const exit = VirtualTime.run(effect, { seed: 1 })
  if (Exit.isFailure(exit)) throw new Error(String(exit.cause))
  return exit.value
}

/** Runs it, and returns how many packets were sent. */
export const cluster = (size: Size): number =>
  inVirtualTime(program(
    size,
    Effect.andThen(
      Effect.sleep(`${size.seconds} seconds`),
      Effect.flatMap(SimulatedNetwork, (network) => Effect.map(network.stats, ({ packetsSent }) => packetsSent))
    )
  ))

/** What a member did in a second. */
export interface Counts {
  readonly packets: number
  readonly bytes: number
  /** Rules that were run on the table. */
  readonly steps: number
  readonly fibers: number
  /** Times that a fiber asked to be woken later. */
  readonly timers: number
  /** Times that the scheduler was given something to do. */
  readonly turns: number
}

/** Counts what a cluster does while it joins, and what it does at rest: exactly the same each time. */
export const count = (size: Size): { readonly joining: Counts; readonly resting: Counts } => {
  const counted = { steps: 0, fibers: 0, timers: 0, turns: 0 }
  const read = Effect.gen(function*() {
    const { bytesSent, packetsSent } = yield* (yield* SimulatedNetwork).stats
    return { packets: packetsSent, bytes: bytesSent, ...counted }
  })
  /** Until everybody has told everybody, whatever the push/pulls bring later. */
  const AGREEING = 20
  const measured = program(
    size,
    Effect.gen(function*() {
      yield* Effect.sleep(`${AGREEING} seconds`)
      const before = yield* read
      yield* Effect.sleep(`${size.seconds} seconds`)
      const after = yield* read
      const each = (from: Counts | undefined, to: Counts, per: number): Counts => ({
        packets: (to.packets - (from?.packets ?? 0)) / per,
        bytes: (to.bytes - (from?.bytes ?? 0)) / per,
        steps: (to.steps - (from?.steps ?? 0)) / per,
        fibers: (to.fibers - (from?.fibers ?? 0)) / per,
        timers: (to.timers - (from?.timers ?? 0)) / per,
        turns: (to.turns - (from?.turns ?? 0)) / per
      })
      return {
        joining: each(undefined, before, size.members),
        resting: each(before, after, size.members * size.seconds)
      }
    })
  )
  const watched = Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const scheduler = yield* Scheduler.Scheduler
    const services = Context.make(Observer, () => void counted.steps++).pipe(
      Context.add(Metric.FiberRuntimeMetrics, {
        recordFiberStart: () => void counted.fibers++,
        recordFiberEnd: () => {}
      }),
      Context.add(Clock.Clock, {
        currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe(),
        currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
        currentTimeMillis: clock.currentTimeMillis,
        currentTimeNanos: clock.currentTimeNanos,
        monotonicTimeNanos: clock.monotonicTimeNanos,
        sleep: (duration) => {
          counted.timers++
          return clock.sleep(duration)
        }
      } as Clock.Clock),
      Context.add(Scheduler.Scheduler, {
        executionMode: scheduler.executionMode,
        shouldYield: (fiber) => scheduler.shouldYield(fiber),
        makeDispatcher: () => {
          const dispatcher = scheduler.makeDispatcher()
          return {
            scheduleTask: (task, priority) => {
              counted.turns++
              dispatcher.scheduleTask(task, priority)
            },
            flush: () => dispatcher.flush()
          }
        }
      })
    )
    return yield* Effect.provideContext(measured, services)
  })
  return inVirtualTime(watched)
}

/** Virtual milliseconds from the start of a node that has a seed until it has joined: messages take one each. */
export const millisUntilReady = (): number =>
  inVirtualTime(
    Effect.gen(function*() {
      yield* Layer.build(node(1))
      const began = yield* Clock.currentTimeMillis
      const context = yield* Layer.build(Layer.provide(node(2), Seeds.layerStatic([ip(1)])))
      yield* Effect.flatMap(Effect.provide(Memberlist, context), ({ ready }) => ready)
      return (yield* Clock.currentTimeMillis) - began
    }).pipe(
      Effect.scoped,
      Effect.provideService(References.MinimumLogLevel, "None"),
      Effect.provide(SimulatedNetwork.layer({ latency: ["1 millis", "1 millis"] }))
    )
  )
