/** A member that serves calls, as a process of its own: `node ServingMember.ts NAME SEED`. */
import { NodeRuntime } from "@effect/platform-node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import { Memberlist } from "../../src/Memberlist.ts"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"
import * as MemberRpc from "../../src/MemberRpc.ts"
import * as NodeMemberRpc from "../../src/node/rpc/NodeMemberRpc.ts"
import * as NodeMemberlist from "../../src/NodeMemberlist.ts"

/** What it serves: a call without an end. */
export const Waiting = RpcGroup.make(Rpc.make("Wait"))
export const WaitingCalls = MemberRpc.make("waiting", Waiting)

const [, file, name = "", seed = ""] = process.argv

const serving = WaitingCalls.serve().pipe(
  Layer.provide(Waiting.toLayer({ Wait: () => Effect.andThen(Effect.log("has begun"), Effect.never) })),
  Layer.provide(NodeMemberRpc.listenSocket()),
  Layer.provideMerge(
    NodeMemberlist.layer({ ...MemberlistConfig.local, name, bindAddress: "127.0.0.1", bindPort: 0 })
  )
)

if (file === import.meta.filename) {
  Memberlist.use((cluster) => cluster.join([seed])).pipe(
    Effect.andThen(Effect.never),
    Effect.provide(serving),
    NodeRuntime.runMain
  )
}
