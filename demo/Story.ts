/**
 * The demo's story: a cluster forms, one member is killed and buried, one leaves, the rest agree.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as PlatformError from "effect/PlatformError"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { EventName } from "./Line.ts"
import * as Process from "./Process.ts"
import type { Report, Seconds, Summary } from "./Report.ts"
import * as World from "./World.ts"

const TABLE_INTERVAL = Duration.seconds(2)

/** How long a step may take before the demo gives up: far longer than the local preset needs for any of them. */
const FORMING = Duration.seconds(60)
const BURYING = Duration.seconds(90)
const LEAVING = Duration.seconds(30)

const since = (start: number, times: ReadonlyMap<string, number>): Seconds =>
  Object.fromEntries(Array.from(times, ([observer, at]) => [observer, Math.round(at - start) / 1000]))

/** Prints what members report, as it comes. */
const narrate = (world: World.World, report: Report) => {
  let told = 0
  return Stream.runForEach(SubscriptionRef.changes(world.state), ({ observations }) => {
    const news = observations.slice(told)
    told = observations.length
    return Effect.forEach(
      news,
      (observation) =>
        observation.event === "MemberJoined" || observation.observer === observation.member
          ? Effect.void
          : report.observed(observation),
      { discard: true }
    )
  })
}

const tables = Effect.fnUntraced(function*(world: World.World, report: Report) {
  for (;;) {
    yield* Effect.sleep(TABLE_INTERVAL)
    yield* report.table(yield* world.elapsed, yield* SubscriptionRef.get(world.state))
  }
})

/** Waits until every survivor has reported `event` about `member`; answers how long each took. */
const everyone = Effect.fnUntraced(function*(
  world: World.World,
  event: EventName,
  member: string,
  start: number,
  limit: Duration.Duration
) {
  const state = yield* World.until(
    world,
    `${event} of ${member} on every survivor`,
    limit,
    (state) => World.reports(state, event, member).size === World.survivors(state).length
  )
  return since(start, World.reports(state, event, member))
})

const agreement = (world: World.World, limit: Duration.Duration) =>
  World.until(world, "agreement of all running members", limit, World.agrees)

export const run = Effect.fnUntraced(function*(
  nodes: number,
  report: Report
): Effect.fn.Return<
  Summary,
  World.DemoFailed | PlatformError.PlatformError,
  ChildProcessSpawner | Scope.Scope
> {
  const world = yield* World.make
  const step = (line: string) => Effect.flatMap(world.elapsed, (at) => report.step(at, line))
  const narrators = [
    yield* Effect.forkScoped(narrate(world, report)),
    yield* Effect.forkScoped(tables(world, report))
  ]

  yield* step(`starting ${nodes} members, each a process of its own`)
  const first = yield* Process.start(world, "node-1", [])
  const names = Array.from({ length: nodes - 1 }, (_, i) => `node-${i + 2}`)
  const others = yield* Effect.forEach(names, (name) => Process.start(world, name, [first.address]), {
    concurrency: 4
  })
  const members = [first, ...others]
  yield* agreement(world, FORMING)
  yield* step(
    `all ${nodes} members agree: ${members.map(({ address, name, pid }) => `${name} ${address} pid ${pid}`).join(", ")}`
  )
  yield* Effect.sleep(TABLE_INTERVAL)

  const [leaver, victim] = members.slice(-2)
  if (leaver === undefined || victim === undefined) {
    return yield* new World.DemoFailed({ message: "the demo needs at least 3 members" })
  }
  yield* step(`killing ${victim.name} (SIGKILL): it says no goodbye`)
  const killedAt = yield* world.elapsed
  yield* victim.kill
  const failedAfter = yield* everyone(world, "MemberFailed", victim.name, killedAt, BURYING)
  const buried = yield* agreement(world, BURYING)
  // Not everyone: the news of the death may overtake the news of the suspicion.
  const suspectedAfter = since(killedAt, World.reports(buried, "MemberSuspected", victim.name))

  yield* step(`stopping ${leaver.name} (SIGTERM): it says goodbye`)
  const leftAt = yield* world.elapsed
  yield* leaver.leave
  const seenAfter = yield* everyone(world, "MemberLeft", leaver.name, leftAt, LEAVING)
  const state = yield* agreement(world, LEAVING)
  if (World.reports(state, "MemberFailed", leaver.name).size > 0) {
    return yield* new World.DemoFailed({ message: `${leaver.name} left, but was reported as failed` })
  }
  yield* Fiber.interruptAll(narrators)
  yield* report.table(yield* world.elapsed, state)
  return {
    nodes,
    killed: { member: victim.name, suspectedAfter, failedAfter },
    left: { member: leaver.name, seenAfter },
    survivors: World.survivors(state)
  }
})
