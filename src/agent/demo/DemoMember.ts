/**
 * One member of the demo's cluster, a process of its own. Its configuration comes from `MEMBERLIST_*`, its seeds from
 * the command line; SIGTERM makes it leave, because releasing `MemberlistLive` does.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { Memberlist, MemberlistLive } from "../../Memberlist.ts"
import { MemberlistConfig } from "../../MemberlistConfig.ts"
import * as NodeTransport from "../../node/NodeTransport.ts"
import { Happened, Line, Ready, View } from "./Line.ts"

const encode = Schema.encodeSync(Line)
const say = (line: Line) => Console.log(encode(line))

const program = Effect.fnUntraced(function*(seeds: ReadonlyArray<string>) {
  const cluster = yield* Memberlist
  const stdio = yield* Stdio.Stdio
  const self = yield* cluster.localMember
  yield* say(new Ready({ name: self.name, address: self.address }))
  yield* cluster.events.pipe(
    Stream.runForEach((event) => say(new Happened({ event: event._tag, member: event.member.name }))),
    Effect.forkScoped
  )
  yield* cluster.changes.pipe(
    Stream.runForEach((members) =>
      say(new View({ members: members.map(({ address, name, state }) => ({ name, address, state })) }))
    ),
    Effect.forkScoped
  )
  yield* cluster.join(seeds)
  // The demo holds the other end of our standard input: when it is gone, so are we.
  yield* Stream.runDrain(stdio.stdin)
}, Effect.scoped)

const ClusterLive = MemberlistLive.pipe(
  Layer.provide(NodeTransport.layer),
  Layer.provide(MemberlistConfig.layerEnv)
)

/** Standard output belongs to the demo, line by line. */
const LogsLive = Layer.merge(
  Layer.succeed(References.LogToStderr, true),
  Layer.succeed(References.MinimumLogLevel, "Warn")
)

/** Takes part in the cluster until standard input ends, or until it is interrupted. Says why it cannot. */
export const participate = (seeds: ReadonlyArray<string>) =>
  program(seeds).pipe(
    Effect.provide(Layer.merge(ClusterLive, NodeServices.layer).pipe(Layer.provideMerge(LogsLive))),
    Effect.tapError((error) => Console.error(error.message))
  )
