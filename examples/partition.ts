// An application tested through a network partition, in virtual time: ninety seconds take a moment and repeat exactly.
import { Context, Effect, Exit, Layer, References, Stream } from "effect"
import { type Member, Memberlist, MemberlistLive } from "effect-memberlist"
import { SimulatedCluster, VirtualTime } from "effect-memberlist/testing"

const lowest = (members: ReadonlyArray<Member>): string => members.map(({ name }) => name).sort()[0] ?? "nobody"

/**
 * The application: the live member with the lowest name leads. Each node prints the one that it follows, whenever that
 * changes.
 */
class Election extends Context.Service<Election, { readonly leader: Effect.Effect<string> }>()("Election") {
  static readonly layer = Layer.effect(
    Election,
    Effect.gen(function*() {
      const { changes, localMember, members } = yield* Memberlist
      const { name } = yield* localMember
      yield* changes.pipe(
        Stream.map(lowest),
        Stream.changes,
        Stream.runForEach((leader) =>
          Effect.clockWith((clock) =>
            Effect.map(
              clock.currentTimeMillis,
              (now) => console.log(`${Math.round(now / 1000)} s: ${name} follows ${leader}`)
            )
          )
        ),
        Effect.forkScoped
      )
      return Election.of({ leader: Effect.map(members, lowest) })
    })
  )
}

const story = Effect.gen(function*() {
  const cluster = yield* SimulatedCluster.make({
    nodes: ["a", "b", "c", "d", "e"],
    seed: "partition",
    // What runs on each node. A Delegate or a Keyring would be provided to MemberlistLive, below it.
    layer: () => Layer.provideMerge(Election.layer, MemberlistLive)
  })
  const leaders = Effect.forEach(cluster.names, (name) => cluster.run(name, Election.use(({ leader }) => leader)))
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
