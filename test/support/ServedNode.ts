/** An agent as a process: `NAME`, `HTTP` (a port; none: any), and `JOIN`, the address of a member. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agent } from "../../src/agent/Agent.ts"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"

const layer = Layer.unwrap(Effect.gen(function*() {
  const name = yield* Config.String("NAME")
  const port = yield* Config.Int("HTTP").pipe(Config.withDefault(0))
  const seed = yield* Config.String("JOIN").pipe(Config.withDefault(""))
  return Agent.layer({
    http: { host: "127.0.0.1", port },
    node: { ...MemberlistConfig.local, name, bindAddress: "127.0.0.1", bindPort: 0 },
    ...seed === "" ? {} : { seeds: [seed] }
  })
}))

Layer.launch(layer).pipe(NodeRuntime.runMain({ teardown: Agent.teardown }))
