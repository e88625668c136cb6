/**
 * The demo's story: a cluster forms, one member is killed and buried, it returns, another leaves, the rest agree.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as PlatformError from "effect/PlatformError"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { EventName } from "./Line.ts"
import type * as Process from "./Process.ts"
import * as World from "./World.ts"

/** Seconds, by observer. */
export type Seconds = Readonly<Record<string, number>>

export interface Summary {
  readonly nodes: number
  readonly killed: { readonly member: string; readonly suspectedAfter: Seconds; readonly failedAfter: Seconds }
  readonly returned: { readonly member: string; readonly seenAfter: Seconds }
  readonly left: { readonly member: string; readonly seenAfter: Seconds }
  readonly survivors: ReadonlyArray<string>
}

/** Time to look at what has come to be. */
const PAUSE = Duration.millis(300)

/** How long a step may take before the demo gives up: far longer than the local preset needs for any of them. */
const FORMING = Duration.seconds(60)
const BURYING = Duration.seconds(90)
const RETURNING = Duration.seconds(60)
const LEAVING = Duration.seconds(30)

const since = (start: number, times: ReadonlyMap<string, number>): Seconds =>
  Object.fromEntries(Array.from(times, ([observer, at]) => [observer, Math.round(at - start) / 1000]))

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
    (state) =>
      World.reports(state, event, member, start).size ===
        World.survivors(state).filter((observer) => observer !== member).length
  )
  return since(start, World.reports(state, event, member, start))
})

const agreement = (world: World.World, limit: Duration.Duration) =>
  World.until(world, "agreement of all running members", limit, World.agrees)

export const run = Effect.fnUntraced(function*(
  nodes: number,
  world: World.World,
  start: Process.Start
): Effect.fn.Return<
  Summary,
  World.DemoFailed | PlatformError.PlatformError,
  ChildProcessSpawner | Scope.Scope
> {
  const step = Effect.fnUntraced(function*(step: Omit<World.Step, "at">) {
    const at = yield* world.elapsed
    yield* SubscriptionRef.update(world.state, (state) => ({ ...state, steps: [...state.steps, { ...step, at }] }))
    return at
  })

  const names = Array.from({ length: nodes }, (_, i) => `node-${i + 1}`)
  const [seed, leaverName, victimName] = [names[0], names.at(-2), names.at(-1)]
  if (seed === undefined || leaverName === undefined || victimName === undefined || nodes < 3) {
    return yield* new World.DemoFailed({ message: "the demo needs at least 3 members" })
  }
  for (const name of names) {
    yield* SubscriptionRef.update(world.state, (state) => World.withProcess(state, name, { fate: "starting" }))
  }
  yield* step({ chapter: "start", ends: false, text: `starting ${nodes} members, each a process of its own` })
  const first = yield* start(seed, [])
  const others = yield* Effect.forEach(
    names.slice(1),
    (name) => start(name, [first.address]),
    { concurrency: 4 }
  )
  yield* agreement(world, FORMING)
  yield* step({ chapter: "start", ends: true, text: `all ${nodes} members see each other` })
  const [leaver, victim] = others.slice(-2)
  if (leaver === undefined || victim === undefined) {
    return yield* new World.DemoFailed({ message: "a member was started and is not there" })
  }
  yield* Effect.sleep(PAUSE)

  const killedAt = yield* step({
    chapter: "kill",
    ends: false,
    text: `killing ${victimName} (SIGKILL): it says no goodbye`,
    member: victimName
  })
  yield* victim.kill
  yield* step({ chapter: "kill", ends: true, text: "", member: victimName })
  yield* World.until(
    world,
    `a suspicion of ${victimName}`,
    BURYING,
    (state) =>
      World.reports(state, "MemberSuspected", victimName, killedAt).size > 0 ||
      World.reports(state, "MemberFailed", victimName, killedAt).size > 0
  )
  yield* step({ chapter: "suspicion", ends: true, text: "", member: victimName })
  const failedAfter = yield* everyone(world, "MemberFailed", victimName, killedAt, BURYING)
  const buried = yield* agreement(world, BURYING)
  // Not everyone: the news of the death may overtake the news of the suspicion.
  const suspectedAfter = since(killedAt, World.reports(buried, "MemberSuspected", victimName, killedAt))
  yield* step({ chapter: "failure", ends: true, text: "", member: victimName })
  yield* Effect.sleep(PAUSE)

  const returnedAt = yield* step({
    chapter: "return",
    ends: false,
    text: `starting ${victimName} again, with its old name and port`,
    member: victimName
  })
  const port = victim.address.slice(victim.address.lastIndexOf(":") + 1)
  yield* start(victimName, [first.address], port)
  const returnSeenAfter = yield* everyone(world, "MemberJoined", victimName, returnedAt, RETURNING)
  yield* agreement(world, RETURNING)
  yield* step({ chapter: "return", ends: true, text: "", member: victimName })
  yield* Effect.sleep(PAUSE)

  const leftAt = yield* step({
    chapter: "leave",
    ends: false,
    text: `stopping ${leaverName} (SIGTERM): it says goodbye`,
    member: leaverName
  })
  yield* leaver.leave
  const leaveSeenAfter = yield* everyone(world, "MemberLeft", leaverName, leftAt, LEAVING)
  const state = yield* agreement(world, LEAVING)
  if (World.reports(state, "MemberFailed", leaverName, leftAt).size > 0) {
    return yield* new World.DemoFailed({ message: `${leaverName} left, but was reported as failed` })
  }
  yield* step({ chapter: "leave", ends: true, text: "", member: leaverName })
  return {
    nodes,
    killed: { member: victimName, suspectedAfter, failedAfter },
    returned: { member: victimName, seenAfter: returnSeenAfter },
    left: { member: leaverName, seenAfter: leaveSeenAfter },
    survivors: World.survivors(state)
  }
})
