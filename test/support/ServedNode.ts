/**
 * An agent as a process: `NAME`, `HTTP` (a port; none: any), `JOIN`, the address of a member, and `TOKEN`, with which it
 * listens on all addresses.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Agent } from "../../src/agent/Agent.ts"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"

const layer = Layer.unwrap(Effect.gen(function*() {
  const name = yield* Config.String("NAME")
  const port = yield* Config.Int("HTTP").pipe(Config.withDefault(0))
  const seed = yield* Config.String("JOIN").pipe(Config.withDefault(""))
  const token = yield* Config.String("TOKEN").pipe(Config.withDefault(""))
  return Agent.layer({
    http: { host: token === "" ? "127.0.0.1" : "0.0.0.0", port },
    ...token === "" ? {} : { token: Redacted.make(token) },
    node: { ...MemberlistConfig.local, name, bindAddress: "127.0.0.1", bindPort: 0 },
    ...seed === "" ? {} : { seeds: [seed] }
  })
}))

Layer.launch(layer).pipe(NodeRuntime.runMain({ teardown: Agent.teardown }))
