/** Calls between processes: the example, and members that end or stand still in the middle of a call. */
import { assert, describe, it, onTestFinished } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import { Memberlist } from "../../src/Memberlist.ts"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"
import * as NodeMemberRpc from "../../src/node/rpc/NodeMemberRpc.ts"
import * as NodeMemberlist from "../../src/NodeMemberlist.ts"
import { linesOf, Program } from "../support/Program.ts"
import { WaitingCalls } from "../support/ServingMember.ts"

describe("calls between processes", { concurrent: true }, () => {
  it("are shown by an example: one by its name, all, an owner, and one that leaves", async () => {
    const program = new Program("calls.ts")
    onTestFinished(program.kill)
    assert.strictEqual(await program.ended, 0, program.printed)
    const lines = linesOf(program).map((line) => line.replace(/^\[.*?\] INFO \(#\d+\): /, ""))
    assert.deepStrictEqual(lines, [
      "shop-2 has 0 left",
      "shop-2 has no tea left",
      "shop-1: 10, shop-2: 0, shop-3: 5",
      "the owner of user/42 has 0",
      "shop-3 has 5",
      "shop-3 has left"
    ])
  })

  it.live("end when the cluster says that a member failed that stands still, and when its process is killed", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(
        WaitingCalls.layer().pipe(
          Layer.provide(NodeMemberRpc.connectSocket()),
          Layer.provideMerge(NodeMemberlist.layer({
            ...MemberlistConfig.local,
            name: "a",
            bindAddress: "127.0.0.1",
            bindPort: 0,
            suspicionMult: 1,
            suspicionMaxTimeoutMult: 1
          }))
        )
      )
      const cluster = Context.get(context, Memberlist)
      const toB = Context.get(context, WaitingCalls).on({ name: "b" })
      const program = yield* Effect.acquireRelease(
        Effect.sync(() => new Program("../test/support/ServingMember.ts", { args: ["b", cluster.info.advertised] })),
        ({ kill }) => Effect.sync(kill)
      )
      const call = Effect.gen(function*() {
        yield* Stream.runHead(Stream.filter(cluster.changes, (members) => members.some(WaitingCalls.serves)))
        const fiber = yield* Effect.forkScoped(Effect.flip(toB.Wait()))
        yield* Effect.promise(() => program.prints(/has begun/))
        program.printed = ""
        return Effect.map(Fiber.join(fiber), (error) => ({ ...error }))
      })
      const first = yield* call
      void program.signal("SIGSTOP")
      assert.deepInclude(yield* first, { _tag: "MemberGone", member: "b", became: "failed", mayHaveRun: true })
      void program.signal("SIGCONT")
      const second = yield* call
      void program.signal("SIGKILL")
      // the system tells of its connections at once
      assert.deepInclude(yield* second, { _tag: "CallBroken", member: "b", mayHaveRun: true })
    }).pipe(Effect.provideService(References.MinimumLogLevel, "Error")))
})
