import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as AgentTopic from "../../../src/agent/AgentTopic.ts"
import { Inspection } from "../../../src/agent/inspection/Inspection.ts"
import type * as Model from "../../../src/agent/Model.ts"
import { Tally } from "../../../src/agent/serving/Tally.ts"
import { Memberlist, MemberlistLive } from "../../../src/Memberlist.ts"
import { SimulatedCluster, VirtualTime } from "../../../src/testing/index.ts"
import * as AgentWorld from "../../support/AgentWorld.ts"

const live = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): A => {
  const program = Effect.scoped(effect).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
  const exit = VirtualTime.run(program, { seed: 1, limit: "1 hour" })
  if (Exit.isFailure(exit)) throw new Error(String(exit.cause))
  return exit.value
}

/** Said by nobody to nobody. */
const NO_TALK: (typeof AgentTopic.Talk)["Service"] = {
  publish: () => Effect.die("no agent"),
  send: () => Effect.die("no agent"),
  subscribe: Stream.empty,
  invalid: Stream.empty,
  participants: Effect.succeed([]),
  counters: Effect.succeed(new Map())
}

/** Members, of which those called `go…` are no agents. Nothing is sent but what a test sends, once they know each other. */
const formed = Effect.fnUntraced(function*(names: ReadonlyArray<string>) {
  const agent = Inspection.layer.pipe(
    Layer.provideMerge(AgentTopic.layer),
    Layer.provideMerge(Tally.layer),
    Layer.provideMerge(MemberlistLive)
  )
  const other = Layer.effect(Inspection, Effect.succeed(Inspection.of({ check: () => Effect.die("no agent") }))).pipe(
    // a topic that nobody takes part in for it
    Layer.provideMerge(Layer.succeed(AgentTopic.Talk, NO_TALK)),
    Layer.provideMerge(Tally.layer),
    Layer.provideMerge(MemberlistLive)
  )
  return yield* AgentWorld.formed(names, { agent, other })
})
type Cluster = Effect.Success<ReturnType<typeof formed>>

const check = (cluster: Cluster, name: string, names: ReadonlyArray<string> = []) =>
  cluster.run(name, Inspection.use((inspection) => inspection.check(names)))

/** The ways to `b` that do not work, as `a` finds them. */
const broken = (break_: (cluster: Cluster) => Effect.Effect<unknown, unknown>) =>
  live(Effect.gen(function*() {
    const cluster = yield* formed(["a", "b", "c"])
    yield* break_(cluster)
    const [found] = (yield* check(cluster, "a", ["b"])).members
    assert(found !== undefined)
    return [notWorking(found), found] as const
  }))

const ways = ["udpOut", "udpIn", "tcpOut", "tcpIn", "fullOut", "fullIn"] as const

const notWorking = (member: Model.CheckView["members"][number]) =>
  Object.fromEntries(ways.flatMap((way) => member[way] === "works" ? [] : [[way, member[way]]]))

describe("a check", () => {
  it("finds all ways open between agents that are well, within a second", () => {
    const { after, view } = live(Effect.gen(function*() {
      const cluster = yield* formed(["a", "b", "c"])
      const [after, view] = yield* Effect.timed(check(cluster, "a"))
      return { after, view }
    }))
    assert.isBelow(Duration.toMillis(after), 1_000)
    assert.deepInclude(view, { others: 2, late: 0, label: "", keys: [] })
    assert.deepStrictEqual(view.members.map(({ name }) => name).sort(), ["b", "c"])
    for (const member of view.members) {
      assert.deepStrictEqual(notWorking(member), {})
      assert.strictEqual(member.answers, "yes")
      assert.isAbove(member.size ?? 0, 1_300)
      assert.isAtMost(Math.abs(member.agent?.clock.ahead ?? Infinity), member.agent?.clock.within ?? 0)
    }
  })

  it("tells a packet that does not get there from one that does not come back", () => {
    const [out] = broken(({ network }) => network.cut("a", "b", "packets"))
    assert.deepStrictEqual(out, { udpOut: "fails", fullOut: "unknown", fullIn: "unknown" })
    const [back] = broken(({ network }) => network.cut("b", "a", "packets"))
    assert.deepStrictEqual(back, { udpIn: "fails", fullIn: "unknown" })
  })

  it("tells where packets as long as they may be do not pass, and in which direction", () => {
    const [out] = broken(({ network }) => network.setMtu("a", "b", 600))
    assert.deepStrictEqual(out, { fullOut: "fails", fullIn: "unknown" })
    const [back] = broken(({ network }) => network.setMtu("b", "a", 600))
    assert.deepStrictEqual(back, { fullIn: "fails" })
  })

  it("tells streams that cannot be opened", () => {
    const [streams, found] = broken(({ network }) => network.cut("a", "b", "streams"))
    assert.deepStrictEqual(streams, { tcpOut: "fails", tcpIn: "fails" })
    assert.match(found.streamError ?? "", /no end after|within/)
    assert.isNumber(found.ping)
  })

  it("does not guess a direction where nothing comes back at all", () => {
    const [none, found] = broken(({ network }) => network.cut("a", "b"))
    assert.deepStrictEqual(none, {
      udpOut: "unknown",
      udpIn: "unknown",
      tcpOut: "fails",
      tcpIn: "unknown",
      fullOut: "unknown",
      fullIn: "unknown"
    })
    assert.strictEqual(found.answers, "no")
  })

  it("is not misled by a network that loses every tenth packet", () => {
    const [none] = broken(({ network }) => network.setLoss("*", "*", 0.1))
    assert.deepStrictEqual(none, {})
  })

  it("sends a member that is no agent nothing but pings", () => {
    const { found, messages } = live(Effect.gen(function*() {
      const cluster = yield* formed(["a", "go"])
      const reading = yield* cluster.run(
        "go",
        Memberlist.use(({ messages }) => Stream.runHead(messages))
      ).pipe(Effect.timeoutOption("10 seconds"), Effect.forkChild({ startImmediately: true }))
      const found = (yield* check(cluster, "a")).members
      return { found, messages: yield* Fiber.join(reading) }
    }))
    assert.deepStrictEqual(messages, Option.none())
    assert.deepInclude(found[0], {
      answers: "no agent",
      udpOut: "works",
      udpIn: "works",
      tcpOut: "works",
      tcpIn: "unknown",
      fullOut: "unknown"
    })
  })

  it("only pings where the metadata has no room for a topic, and is no agent to the others then", () => {
    const [own, other] = live(Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({
        nodes: ["a", "b"],
        seed: 1,
        config: (name) => name === "b" ? { meta: new TextEncoder().encode("rack 7") } : {},
        layer: () => Inspection.layer.pipe(Layer.provideMerge(Tally.layer), Layer.provideMerge(MemberlistLive))
      })
      yield* cluster.startAll
      yield* Effect.sleep("8 seconds")
      const checked = (name: string) =>
        Effect.map(cluster.run(name, Inspection.use(({ check }) => check([]))), ({ members }) => members[0])
      return [yield* checked("b"), yield* checked("a")]
    }))
    assert.deepInclude(own, { name: "a", answers: "not asked", udpOut: "works", tcpOut: "works", tcpIn: "unknown" })
    assert.deepInclude(other, { name: "b", answers: "no agent", udpOut: "works", tcpOut: "works", tcpIn: "unknown" })
  })

  it("refuses its own name, a name that nobody has, and a second check at the same time", () => {
    const { second, self, unknown } = live(Effect.gen(function*() {
      const cluster = yield* formed(["a", "b"])
      const self = yield* Effect.flip(check(cluster, "a", ["a"]))
      const unknown = yield* Effect.flip(check(cluster, "a", ["nobody"]))
      const first = yield* Effect.forkChild(check(cluster, "a"), { startImmediately: true })
      const second = yield* Effect.flip(check(cluster, "a"))
      yield* Fiber.interrupt(first)
      // one that was given up leaves its place
      yield* check(cluster, "a")
      return { self, unknown, second }
    }))
    assert.match(self.message, /"a" is this agent/)
    assert.strictEqual(unknown._tag, "UnknownMember")
    assert.deepInclude(second, { _tag: "TooMany", what: "checks", limit: 1 })
  })

  it("looks at sixteen members of many, and takes ten seconds at most where none of them answers", () => {
    const { after, view } = live(Effect.gen(function*() {
      const cluster = yield* formed(Array.from({ length: 20 }, (_, i) => `n${i}`))
      yield* cluster.network.cut("n0", "*")
      const [after, view] = yield* Effect.timed(check(cluster, "n0"))
      return { after, view }
    }))
    assert.strictEqual(view.members.length, 16)
    assert.strictEqual(view.others, 19)
    assert.isTrue(view.members.every(({ udpOut }) => udpOut === "unknown"))
    assert.isAtMost(Duration.toMillis(after), 10_000)
  })

  it("answers another agent no faster than its limit, which takes no answers from others", () => {
    const { counted, seen } = live(Effect.gen(function*() {
      const cluster = yield* formed(["a", "b", "c"])
      const tried = (id: number) => ({ _tag: "Tried", id, back: ["packet"], filler: new Uint8Array() } as const)
      const flood = AgentTopic.Talk.use((talk) =>
        Effect.forEach(Array.from({ length: 1_000 }, (_, id) => id), (id) => talk.send({ name: "b" }, tried(id)))
      )
      yield* cluster.run("a", flood)
      yield* Effect.sleep("1 second")
      const counted = yield* cluster.run("b", Tally.use(({ all }) => all))
      yield* cluster.run("a", flood)
      return { counted, seen: yield* check(cluster, "c", ["b"]) }
    }))
    const { "checks:answered": answered = 0, "checks:refused": refused = 0 } = counted
    assert.isAtLeast(answered, 32)
    assert.isAtMost(answered, 32 + 2 * 8)
    assert.strictEqual(answered + refused, 1_000)
    assert.deepInclude(seen.members[0], { name: "b", answers: "yes", udpOut: "works", udpIn: "works", tcpIn: "works" })
  })

  it("answers sixteen streams at a time at most", () => {
    const counted = live(Effect.gen(function*() {
      const cluster = yield* formed(["a", "b"])
      // they wait until they are given up
      yield* cluster.network.cut("b", "a", "streams")
      const tried = (id: number) => ({ _tag: "Tried", id, back: ["stream"], filler: new Uint8Array() } as const)
      const flood = AgentTopic.Talk.use((talk) =>
        Effect.forEach(Array.from({ length: 40 }, (_, id) => id), (id) => talk.send({ name: "b" }, tried(id)))
      )
      yield* cluster.run("a", flood)
      yield* Effect.sleep("1 second")
      const first = yield* cluster.run("b", Tally.use(({ all }) => all))
      yield* Effect.sleep("5 seconds")
      yield* cluster.run("a", flood)
      yield* Effect.sleep("1 second")
      return [first, yield* cluster.run("b", Tally.use(({ all }) => all))]
    }))
    assert.deepStrictEqual(counted.map((all) => all["checks:answered"]), [16, 32])
  })
})
