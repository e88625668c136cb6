/** A node that joins by itself, through its seed, as soon as it is asked to. */
import { Memberlist, MemberlistConfig, NodeMemberlist, Seeds } from "effect-memberlist"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { serve } from "../child/Commands.ts"
import { run } from "./Nodes.ts"

const scope = Scope.makeUnsafe()

const cpu = (): number => {
  const { system, user } = process.cpuUsage()
  return system + user
}

/** Tells what it took from here, where the library is imported, until the node is ready. */
const join = ({ seed }: Readonly<Record<string, unknown>>) => {
  const before = { micros: cpu(), millis: performance.now() }
  const settings = { ...MemberlistConfig.lan, name: `node-${process.pid}`, bindAddress: "127.0.0.1", bindPort: 0 }
  const node = Layer.provide(NodeMemberlist.layer(settings), Seeds.layerStatic([String(seed)]))
  return run(Effect.gen(function*() {
    const cluster = yield* Effect.provide(Memberlist, yield* Layer.buildWithScope(node, scope))
    const { _tag } = yield* cluster.ready
    if (_tag !== "Joined") return yield* Effect.die(new Error(`${_tag}, with the seed ${seed}`))
    return { micros: cpu() - before.micros, millis: performance.now() - before.millis }
  }))
}

serve({ join })
