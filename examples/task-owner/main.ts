/**
 * One member, which runs those of the tasks that the ring gives to it, and reports what it does as JSON lines.
 *
 * `npm exec -- node examples/task-owner/main.ts --name anna --port 7946 --grace "1 second" [seed ...]`. Ctrl-C and SIGTERM
 * make it end its tasks, and then leave.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import {
  Cause,
  Config,
  Console,
  Duration,
  Effect,
  FiberMap,
  Layer,
  Option,
  References,
  Schedule,
  Schema,
  Stream
} from "effect"
import { Memberlist, MemberlistConfig, NodeMemberlist, Seeds } from "effect-memberlist"
import { Ring } from "effect-memberlist/Ring"
import { Argument, Command, Flag } from "effect/cli"
import { Report, tasks } from "./report.ts"

const report = (report: Report) => Console.log(Schema.encodeSync(Schema.fromJsonString(Report))(report))

const now = Effect.clockWith((clock) => clock.currentTimeMillis)

/** Your work: here it counts. It goes on until it is interrupted, and has ended when it says so. */
const work = (task: string) =>
  Effect.acquireUseRelease(
    Effect.map(now, (at) => ({ at, ticks: 0 })).pipe(Effect.tap(({ at }) => report({ _tag: "Begun", at, task }))),
    (count) => Effect.forever(Effect.andThen(Effect.sync(() => count.ticks++), Effect.sleep("250 millis"))),
    ({ ticks }) => Effect.flatMap(now, (at) => report({ _tag: "Ended", at, task, ticks }))
  ).pipe(
    // when it fails it is still ours, and begins again
    Effect.tapCause((cause) =>
      Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logWarning(`${task} failed`, cause)
    ),
    Effect.sandbox,
    Effect.retry(Schedule.spaced("1 second"))
  )

/** Runs what this node owns, from `grace` after it was given to it until it is somebody else's. */
const follow = Effect.fnUntraced(function*(grace: Duration.Duration) {
  const cluster = yield* Memberlist
  const ring = yield* Ring
  const self = cluster.info.name
  const running = yield* FiberMap.make<string>()

  yield* report({ _tag: "Listens", at: yield* now, address: (yield* cluster.localMember).address })
  // Before that it sees itself alone, and would hold everything for its own.
  yield* cluster.ready
  // What moved is in the batch, but all that matters is what it came to.
  yield* Stream.runForEach(ring.moved, () =>
    Effect.gen(function*() {
      const owners = (yield* ring.owners).map(Option.map(({ name }) => name))
      const isOurs = (task: string) => Option.contains(owners[ring.slotOf(task)] ?? Option.none(), self)
      // Those of others end first, and have ended when this goes on: only then it follows the new ring.
      yield* Effect.forEach(tasks.filter((task) => !isOurs(task)), (task) => FiberMap.remove(running, task), {
        concurrency: "unbounded",
        discard: true
      })
      const names = [...new Set(owners.flatMap(Option.toArray))].sort()
      yield* report({ _tag: "Follows", at: yield* now, members: names })
      yield* Effect.forEach(tasks.filter(isOurs), (task) =>
        FiberMap.run(running, task, Effect.delay(work(task), grace), { onlyIfMissing: true }))
    }))
}, Effect.scoped)

const main = Command.make(
  "task-owner",
  {
    name: Flag.String("name").pipe(
      Flag.withDescription("Its identity: no two members have the same"),
      Flag.withFallbackConfig(Config.String("NAME"))
    ),
    port: Flag.Int("port").pipe(
      Flag.withDescription("UDP and TCP; 0 is any that is free"),
      Flag.withFallbackConfig(Config.Int("PORT").pipe(Config.withDefault(7946)))
    ),
    grace: Flag.String("grace").pipe(
      Flag.withDescription("How long the owner before has to hear that it is no more, such as \"1 second\""),
      Flag.withSchema(Schema.DurationFromString),
      Flag.withDefault(Duration.seconds(1))
    ),
    seeds: Argument.String("seed").pipe(
      Argument.withDescription("host:port of members that are probably there"),
      Argument.variadic()
    )
  },
  ({ grace, name, port, seeds }) => {
    const NodeLive = NodeMemberlist.layer({
      ...MemberlistConfig.local,
      // Quicker than the preset, so that there is something to see. In a network: `MemberlistConfig.lan` as it is.
      probeInterval: "500 millis",
      retransmitMult: 4,
      name,
      bindAddress: "127.0.0.1",
      bindPort: port
    })
    // From the top down when it ends: the tasks, the ring, the goodbye. So nobody takes over what still runs here.
    return follow(grace).pipe(
      Effect.provide(
        Ring.layer().pipe(
          Layer.provideMerge(NodeLive),
          Layer.provide(Seeds.layerStatic(seeds))
        )
      )
    )
  }
).pipe(Command.withDescription("A member that runs its share of the tasks"))

main.pipe(
  Command.run({ version: "1.0.0" }),
  Effect.provide(Layer.mergeAll(
    NodeServices.layer,
    Layer.succeed(References.MinimumLogLevel, "Warn"),
    Layer.succeed(References.LogToStderr, true) // the reports have the other one for themselves
  )),
  NodeRuntime.runMain
)
