// An application tested through a network partition, in virtual time: ninety seconds take a moment and repeat exactly.
import { Effect, Exit, References, Stream } from "effect"
import type { Member, Memberlist } from "effect-memberlist"
import { SimulatedCluster, VirtualTime } from "effect-memberlist/testing"

/** The application: the live member with the lowest name leads. */
const leaderOf = (members: ReadonlyArray<Member>): string => members.map(({ name }) => name).sort()[0] ?? "nobody"

/** Each node prints whom it follows, whenever that changes. */
const follow = (name: string, memberlist: Memberlist["Service"]) =>
  memberlist.changes.pipe(
    Stream.map(leaderOf),
    Stream.changes,
    Stream.runForEach((leader) =>
      Effect.clockWith((clock) =>
        Effect.map(clock.currentTimeMillis, (now) =>
          console.log(`${Math.round(now / 1000)} s: ${name} follows ${leader}`))
      )
    ),
    Effect.forkScoped,
    Effect.asVoid
  )

const story = Effect.gen(function*() {
  const cluster = yield* SimulatedCluster.make({ nodes: ["a", "b", "c", "d", "e"], seed: "partition", onStart: follow })
  const leaders = Effect.forEach(
    cluster.names,
    (name) => Effect.flatMap(cluster.node(name), ({ members }) => Effect.map(members, leaderOf))
  )
  yield* cluster.startAll
  yield* Effect.sleep("10 seconds")
  const before = yield* leaders
  // Two against three. Each side finds a leader of its own: that is what this application must be able to live with.
  const played = yield* cluster.play([
    { at: 0, for: 40_000, fault: { _tag: "Partition", groups: [["a", "b"], ["c", "d", "e"]] } }
  ])
  yield* cluster.rejoin("c", ["a"])
  yield* Effect.sleep("40 seconds")
  return { before, after: yield* leaders, lost: played[0]?.hits ?? 0 }
}).pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, "None"))

const exit = VirtualTime.run(story, { seed: 1 })
if (Exit.isFailure(exit)) throw new Error(String(exit.cause))
const { after, before, lost } = exit.value
console.log(`before: ${before.join(" ")}; the partition stopped ${lost} packets and streams; after: ${after.join(" ")}`)
if (lost === 0 || [...before, ...after].some((leader) => leader !== "a")) process.exitCode = 1
