/** The members that a measured process runs. */
import { Memberlist, MemberlistConfig, MemberlistLive, NodeTransport, type PlanGoals } from "effect-memberlist"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Request } from "../child/Commands.ts"

type Cluster = Memberlist["Service"]

/** How many nodes of the process join at a time. */
const JOINERS = 16

/** What is planned for a request, if it names goals. */
const planOf = ({ plan }: Request) =>
  plan === undefined ? undefined : Effect.runSync(MemberlistConfig.plan(plan as PlanGoals))

/** What a request may ask to be other than in the LAN preset. */
const settingsOf = ({ compress, key }: Request) => ({
  ...(compress === undefined ? {} : { enableCompression: compress === true }),
  ...(key === undefined ? {} : { secretKey: Redacted.make(new Uint8Array(Buffer.from(String(key), "hex"))) })
})

const node = (name: string, request: Request) =>
  MemberlistLive.pipe(
    Layer.provide(NodeTransport.layer),
    Layer.provide(
      MemberlistConfig.layer({
        ...MemberlistConfig.lan,
        ...settingsOf(request),
        ...planOf(request)?.settings,
        name,
        bindAddress: "127.0.0.1",
        bindPort: 0
      })
    )
  )

export const clusters: Array<Cluster> = []

/** Runs an effect as the application's own, silent as the Go side is. */
export const run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> =>
  Effect.runPromise(Effect.provideService(effect, References.MinimumLogLevel, "None"))

const scope = Scope.makeUnsafe()

const addressOf = (cluster: Cluster) => Effect.map(cluster.localMember, ({ address }) => address)

/**
 * Starts a node for each name, with the LAN preset or what is planned, on a free port of the loopback interface, with a pause
 * after each.
 */
const start = (request: Request) =>
  run(Effect.gen(function*() {
    const { names, paceMs } = request
    for (const name of names as ReadonlyArray<string>) {
      const context = yield* Layer.buildWithScope(node(name, request), scope)
      clusters.push(yield* Effect.provide(Memberlist, context))
      if (paceMs !== undefined) yield* Effect.sleep(Number(paceMs))
    }
    const plan = planOf(request)
    return {
      address: clusters[0] === undefined ? "" : yield* addressOf(clusters[0]),
      ...(plan === undefined ? {} : {
        forecast: {
          processor: plan.forecast.processor,
          probeInterval: Duration.toMillis(plan.settings.probeInterval)
        }
      })
    }
  }))

/** Lets every node join through the seeds, a few at a time; a node that is the seed does not. */
const join = (request: Request) =>
  run(Effect.gen(function*() {
    const seeds = request["seeds"] as ReadonlyArray<string>
    const joiners = yield* Effect.filter(
      clusters,
      (cluster) => Effect.map(addressOf(cluster), (address) => !seeds.includes(address))
    )
    yield* Effect.forEach(joiners, (cluster) => cluster.join(seeds), { concurrency: JOINERS, discard: true })
    return {}
  }))

/** Waits until every node of this process sees so many members. */
const agree = ({ expect, seconds }: Request) =>
  run(
    Effect.gen(function*() {
      for (const cluster of clusters) {
        while ((yield* cluster.members).length !== expect) yield* Effect.sleep("20 millis")
      }
      return {}
    }).pipe(Effect.timeout(`${Number(seconds)} seconds`))
  )

/** Returns the node that was started first. */
export const first = (): Cluster => {
  const [cluster] = clusters
  if (cluster === undefined) throw new Error("no node was started")
  return cluster
}

/** Joins through the seeds and tells how long that took: both lists are sent and merged by then. */
const exchange = async ({ seeds }: Request) => {
  const cluster = first()
  const before = performance.now()
  await run(cluster.join(seeds as ReadonlyArray<string>))
  return { millis: performance.now() - before }
}

/** A member that a node of this process declared failed, or was told that it is: in milliseconds of the system's clock. */
interface Failure {
  readonly observer: string
  readonly about: string
  readonly at: number
}

const failures: Array<Failure> = []

const watch = (cluster: Cluster, observer: string) =>
  Stream.runForEach(
    cluster.events,
    (event) =>
      Effect.sync(() => {
        if (event._tag === "MemberFailed") failures.push({ observer, about: event.member.name, at: Date.now() })
      })
  )

/**
 * Starts one node that joins at once, unless it is the first, and tells how long that took: what a program does when it has
 * imported the library. A node that is watched notes who fails.
 */
const enter = (request: Request) => {
  const began = performance.now()
  return run(Effect.gen(function*() {
    const [name = ""] = request["names"] as ReadonlyArray<string>
    const seeds = request["seeds"] as ReadonlyArray<string>
    const context = yield* Layer.buildWithScope(node(name, request), scope)
    const cluster = yield* Effect.provide(Memberlist, context)
    if (seeds.length > 0) yield* cluster.join(seeds)
    const millis = performance.now() - began
    clusters.push(cluster)
    if (request["watch"] === true) yield* Effect.forkIn(watch(cluster, name), scope)
    return { address: yield* addressOf(cluster), millis }
  }))
}

export const handlers = { start, join, agree, enter, exchange, failures: () => ({ failures }) }
