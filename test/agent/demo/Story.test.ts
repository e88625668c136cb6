import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { TestClock } from "effect/testing"
import type { EventName } from "../../../src/agent/demo/Line.ts"
import type * as Process from "../../../src/agent/demo/Process.ts"
import * as Story from "../../../src/agent/demo/Story.ts"
import * as World from "../../../src/agent/demo/World.ts"

/** What may go otherwise than it should. */
interface Twist {
  /** Tells what an observer reports in place of this, nothing if it is undefined. */
  readonly heard?: (observer: string, event: EventName, member: string) => EventName | undefined
  readonly onKill?: (world: World.World) => Effect.Effect<void>
}

/** A cluster without processes, in virtual time: suspected after 1.4 s, failed after 4.4 s, all else after 10 ms. */
const cluster = (world: World.World, { heard = (_, event) => event, onKill = () => Effect.void }: Twist) => {
  const change = (f: (state: World.State) => World.State) => SubscriptionRef.update(world.state, f)
  const tell = (event: EventName, member: string) =>
    Effect.flatMap(world.elapsed, (at) =>
      change((state) => {
        let next = state
        for (const observer of World.survivors(state)) {
          const reported = heard(observer, event, member)
          if (reported !== undefined) next = World.withObservation(next, { at, observer, event: reported, member })
        }
        return next
      }))
  /** Everybody sees those that run. */
  const settle = change((state) => {
    const members = World.survivors(state).map((name) => ({ name, address: "", state: "alive" as const }))
    return { ...state, views: new Map(members.map(({ name }) => [name, members])) }
  })
  const asked: Array<string> = []
  const start: Process.Start = Effect.fnUntraced(function*(name, seeds, port = "0") {
    asked.push([name, ...seeds, port].join(" "))
    const address = `127.0.0.1:${4000 + Number(name.slice(5))}`
    yield* change((state) => World.withProcess(state, name, { fate: "starting" }))
    yield* Effect.sleep(500)
    yield* change((state) => World.withProcess(state, name, { fate: "running", pid: 1, address }))
    const arrives = Effect.andThen(tell("MemberJoined", name), settle)
    yield* Effect.forkScoped(Effect.delay(arrives, 10))
    const kill = Effect.gen(function*() {
      yield* change((state) => World.withProcess(state, name, { fate: "killed" }))
      yield* onKill(world)
      yield* Effect.forkDetach(Effect.delay(tell("MemberSuspected", name), 1400))
      yield* Effect.forkDetach(Effect.delay(Effect.andThen(tell("MemberFailed", name), settle), 4400))
    })
    const leave = Effect.gen(function*() {
      yield* change((state) => World.withProcess(state, name, { fate: "left" }))
      yield* Effect.forkDetach(Effect.delay(Effect.andThen(tell("MemberLeft", name), settle), 10))
    })
    return { name, pid: 1, address, kill, leave }
  })
  return { start, asked }
}

const story = Effect.fnUntraced(function*(twist: Twist = {}) {
  const world = yield* World.make
  const { asked, start } = cluster(world, twist)
  const fiber = yield* Story.run(5, world, start).pipe(
    Effect.scoped,
    Effect.provide(NodeServices.layer),
    Effect.forkChild
  )
  yield* TestClock.adjust(200_000)
  return { asked, state: yield* SubscriptionRef.get(world.state), exit: yield* Effect.result(Fiber.join(fiber)) }
})

const failure = (twist: Twist) =>
  Effect.map(story(twist), ({ exit }) => exit._tag === "Failure" ? exit.failure.message : "it was true")

describe("the demo's story", () => {
  it.effect("is told to its end, chapter by chapter, and summed up", () =>
    Effect.gen(function*() {
      const { asked, exit, state } = yield* story()
      assert.strictEqual(exit._tag, "Success")
      if (exit._tag !== "Success") return
      assert.deepStrictEqual(exit.success.survivors, ["node-1", "node-2", "node-3", "node-5"])
      assert.strictEqual(exit.success.killed.failedAfter["node-4"], 4.4)
      assert.deepStrictEqual(Object.keys(exit.success.left.seenAfter), exit.success.survivors)
      assert.deepStrictEqual(state.steps.filter(({ ends }) => ends).map(({ chapter }) => chapter), [...World.chapters])
      // the same name at the same port
      assert.strictEqual(asked.at(-1), "node-5 127.0.0.1:4001 4005")
    }))

  it.effect("is true when the news of a death overtakes that of the suspicion", () =>
    Effect.gen(function*() {
      const { exit } = yield* story({
        heard: (observer, event) => event === "MemberSuspected" && observer !== "node-2" ? undefined : event
      })
      assert.strictEqual(exit._tag, "Success")
    }))

  it.effect("is not true when a survivor never reports the death", () =>
    Effect.gen(function*() {
      const message = yield* failure({
        heard: (observer, event) => event === "MemberFailed" && observer === "node-3" ? undefined : event
      })
      assert.strictEqual(message, "MemberFailed of node-5 on every survivor did not happen within 1m 30s")
    }))

  it.effect("is not true when one that left is reported as failed", () =>
    Effect.gen(function*() {
      const message = yield* failure({
        heard: (observer, event) => event === "MemberLeft" && observer === "node-3" ? "MemberFailed" : event
      })
      assert.strictEqual(message, "MemberLeft of node-4 on every survivor did not happen within 30s")
    }))

  it.effect("is not true when another member ends as well, and does not wait for more", () =>
    Effect.gen(function*() {
      const message = yield* failure({
        onKill: ({ state }) =>
          SubscriptionRef.update(state, (state) => World.withProcess(state, "node-2", { fate: "ended" }))
      })
      assert.strictEqual(message, "node-2 ended, which is not in the story")
    }))
})
