import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { MemberlistLive } from "../../src/Memberlist.ts"
import { SimulatedCluster, VirtualTime } from "../../src/testing/index.ts"
import * as Topic from "../../src/Topic.ts"
import * as TopicFrame from "../../src/topic/TopicFrame.ts"

const Order = Schema.Struct({ id: Schema.Int, text: Schema.String })
const Orders = Topic.make("orders", Order)
const Prices = Topic.make("prices", Schema.Int)

const live = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): A => {
  const program = Effect.scoped(effect).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
  const exit = VirtualTime.run(program, { seed: 1, limit: "1 hour" })
  if (Exit.isFailure(exit)) throw new Error(String(exit.cause))
  return exit.value
}

/** What came, as `number of member`. */
class Log extends Context.Service<Log, Array<string>>()("Log") {
  static readonly layer = Layer.effect(
    Log,
    Effect.gen(function*() {
      const log: Array<string> = []
      yield* (yield* Orders).subscribe.pipe(
        Stream.runForEach(({ from, value }) => Effect.sync(() => void log.push(`${value.id} of ${from}`))),
        Effect.forkScoped({ startImmediately: true })
      )
      return log
    })
  )
}

const layer = (options: Topic.Options = {}) =>
  Log.layer.pipe(Layer.provideMerge(Orders.layer(options)), Layer.provideMerge(MemberlistLive))
const names = (count: number) => Array.from({ length: count }, (_, i) => `n${i + 1}`)

/** A cluster whose members take part, after everybody knows everybody. */
const formed = Effect.fnUntraced(function*(count: number, options: Topic.Options = {}) {
  const cluster = yield* SimulatedCluster.make({ nodes: names(count), seed: 1, layer: () => layer(options) })
  yield* cluster.startAll
  yield* Effect.sleep("8 seconds")
  return cluster
})
type Cluster = Effect.Success<ReturnType<typeof formed>>

const publish = (cluster: Cluster, name: string, id: number, text = "") =>
  cluster.run(name, Orders.use((orders) => orders.publish({ id, text })))
const logOf = (cluster: Cluster, name: string) => cluster.run(name, Effect.map(Log, (log) => log.toSorted()))
const countersOf = (cluster: Cluster, name: string) => cluster.run(name, Orders.use(({ counters }) => counters))
/** Lets the members publish in turn, and returns what was published as logs have it. */
const publishing = Effect.fnUntraced(
  function*(cluster: Cluster, publishers: ReadonlyArray<string>, from: number, to: number) {
    const all: Array<string> = []
    for (let id = from; id < to; id++) {
      const name = publishers[id % publishers.length] ?? ""
      yield* publish(cluster, name, id)
      all.push(`${id} of ${name}`)
      yield* Effect.sleep("300 millis")
    }
    return all
  }
)

describe("a value that is published", () => {
  for (const [count, loss, messages] of [[10, 0, 10], [10, 0.05, 10], [10, 0.25, 20], [50, 0.05, 6]] as const) {
    it(`reaches all of ${count} members once where ${100 * loss} % of the packets are lost`, () => {
      const { logs, published } = live(Effect.gen(function*() {
        const cluster = yield* formed(count)
        yield* cluster.network.inject({ _tag: "Loss", from: ["*"], to: ["*"], probability: loss })
        const published = yield* publishing(cluster, cluster.names, 0, messages)
        yield* Effect.sleep("3 seconds")
        return { published, logs: yield* Effect.forEach(cluster.names, (name) => logOf(cluster, name)) }
      }))
      for (const log of logs) assert.deepStrictEqual(log, published.toSorted())
    })
  }

  it("costs one payload for each member, however many publish at once", () => {
    const payloads = live(Effect.gen(function*() {
      const cluster = yield* formed(10)
      for (let round = 0; round < 5; round++) {
        for (const name of cluster.names) yield* publish(cluster, name, round)
        yield* Effect.sleep("300 millis")
      }
      const counters = yield* Effect.forEach(cluster.names, (name) => countersOf(cluster, name))
      return counters.reduce((sum, each) => sum + (each.get("payload.received") ?? 0), 0)
    }))
    assert.strictEqual(payloads, 5 * 10 * 9)
  })

  it("goes over a stream where it does not fit a datagram", () => {
    const { logs, streams } = live(Effect.gen(function*() {
      const cluster = yield* formed(4)
      yield* publish(cluster, "n1", 1, "x".repeat(100_000))
      yield* Effect.sleep("1 second")
      const logs = yield* Effect.forEach(cluster.names, (name) => logOf(cluster, name))
      const counters = yield* Effect.forEach(cluster.names, (name) => countersOf(cluster, name))
      return { logs, streams: counters.reduce((sum, each) => sum + (each.get("frame.sent:stream") ?? 0), 0) }
    }))
    assert.deepStrictEqual(logs, logs.map(() => ["1 of n1"]))
    assert.strictEqual(streams, 3)
  })

  it("reaches those who were split off, crashed or restarted meanwhile, when they are back", () => {
    const { during, logs, published, restarted } = live(Effect.gen(function*() {
      const cluster = yield* formed(8)
      const [left, right] = [cluster.names.slice(0, 4), cluster.names.slice(4)]
      const published = yield* publishing(cluster, cluster.names, 0, 4)
      yield* cluster.kill("n8")
      const split: SimulatedCluster.Played["fault"] = { _tag: "Partition", groups: [left, right] }
      const healed = yield* Effect.forkChild(cluster.play([{ at: 0, for: 20_000, fault: split }]))
      yield* Effect.sleep("12 seconds")
      published.push(...yield* publishing(cluster, ["n1", "n5"], 10, 16))
      const during = yield* logOf(cluster, "n2")
      yield* Fiber.join(healed)
      yield* cluster.start("n8")
      yield* cluster.rejoin("n8")
      yield* Effect.sleep("25 seconds")
      const logs = yield* Effect.forEach(cluster.names.slice(0, 7), (name) => logOf(cluster, name))
      return { published, during, logs, restarted: yield* logOf(cluster, "n8") }
    }))
    assert.strictEqual(during.length, 7)
    for (const log of logs) assert.deepStrictEqual(log, published.toSorted())
    // a new life, which has all of the window once
    assert.deepStrictEqual(restarted, published.toSorted())
  })
})

/** A cluster whose members take part in nothing yet. */
const plain = Effect.fnUntraced(function*(count: number) {
  const cluster = yield* SimulatedCluster.make({ nodes: names(count), seed: 1 })
  yield* cluster.startAll
  yield* Effect.sleep("5 seconds")
  return cluster
})
type Plain = Effect.Success<ReturnType<typeof plain>>

/** Lets a member take part until the test ends, or it is released. */
const taking = Effect.fnUntraced(function*<Name extends string, A>(
  cluster: Plain,
  name: string,
  topic: Topic.Topic<Name, A>,
  options: Topic.Options = {}
) {
  const scope = yield* Scope.fork(yield* Scope.Scope)
  const built = yield* cluster.run(name, Layer.buildWithScope(topic.layer(options), scope))
  const service = Context.get(built, topic)
  const values: Array<A> = []
  const ended = yield* Effect.forkIn(
    Stream.runForEach(service.subscribe, ({ value }) => Effect.sync(() => void values.push(value))),
    scope,
    { startImmediately: true }
  )
  return { ...service, values, ended, release: cluster.run(name, Scope.close(scope, Exit.void)) }
})

/** The frames that a member gets from now on. */
const framesOf = Effect.fnUntraced(function*(cluster: Plain, name: string) {
  const frames: Array<Uint8Array> = []
  const { messages } = yield* cluster.node(name)
  yield* messages.pipe(
    Stream.runForEach(({ payload }) => Effect.sync(() => void frames.push(payload))),
    Effect.forkScoped({ startImmediately: true })
  )
  return frames
})

const metaOf = (cluster: Plain, observer: string, name: string) =>
  Effect.gen(function*() {
    const { members } = yield* cluster.node(observer)
    const member = (yield* members).find((member) => member.name === name)
    return Buffer.from(member?.meta ?? []).toString("hex")
  })

describe("a member that does not take part", () => {
  it("gets no frame, and is told apart from those that do", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* plain(6)
      const frames = yield* Effect.forEach(["n4", "n5", "n6"], (name) => framesOf(cluster, name))
      // metadata of an application of its own
      const { updateMeta } = yield* cluster.node("n5")
      yield* updateMeta(new TextEncoder().encode("v1 go"))
      const [a, b, c] = yield* Effect.forEach(["n1", "n2", "n3"] as const, (name) => taking(cluster, name, Orders))
      yield* Effect.sleep("10 seconds")
      for (let id = 0; id < 5; id++) yield* a?.publish({ id, text: "x".repeat(id * 1_000) }) ?? Effect.void
      yield* Effect.sleep("1 minute")
      const refused = yield* Effect.flip(a?.send({ name: "n4" }, { id: 9, text: "" }) ?? Effect.die("nobody"))
      const participants = yield* a?.participants ?? Effect.succeed([])
      return {
        frames: frames.map(({ length }) => length),
        values: [b, c].map((each) => each?.values.length),
        participants: participants.map(({ name }) => name).sort(),
        refused: refused._tag
      }
    }))
    assert.deepStrictEqual(seen, {
      frames: [0, 0, 0],
      values: [5, 5],
      participants: ["n1", "n2", "n3"],
      refused: "NotTakingPart"
    })
  })

  it("is left alone again a minute after a frame in its name, which made it look as if it did", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* plain(4)
      const one = yield* taking(cluster, "n1", Orders)
      yield* taking(cluster, "n2", Orders)
      const namesOf = Effect.map(one.participants, (all) => all.map(({ name }) => name).sort())
      yield* Effect.sleep("5 seconds")
      const { send } = yield* cluster.node("n3")
      yield* send(
        { name: "n1" },
        TopicFrame.encode({ topic: "orders", sender: "n4", body: { _tag: "Prune" } })
      )
      yield* Effect.sleep("30 seconds")
      const before = yield* namesOf
      yield* Effect.sleep("1 minute")
      const frames = yield* framesOf(cluster, "n4")
      yield* one.publish({ id: 1, text: "" })
      yield* Effect.sleep("1 minute")
      return { before, after: yield* namesOf, frames: frames.length }
    }))
    assert.deepStrictEqual(seen, { before: ["n1", "n2", "n4"], after: ["n1", "n2"], frames: 0 })
  })
})

describe("topics of one node", () => {
  it("stand beside each other, and beside messages of the application", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* plain(3)
      const orders = yield* Effect.forEach(cluster.names, (name) => taking(cluster, name, Orders))
      const prices = yield* Effect.forEach(["n1", "n2"], (name) => taking(cluster, name, Prices))
      const others = yield* framesOf(cluster, "n2")
      yield* Effect.sleep("10 seconds")
      yield* orders[0]?.publish({ id: 1, text: "one" }) ?? Effect.void
      yield* prices[0]?.publish(7) ?? Effect.void
      yield* (yield* cluster.node("n1")).send({ name: "n2" }, new TextEncoder().encode("hello"))
      yield* Effect.sleep("1 second")
      const meta = yield* metaOf(cluster, "n3", "n1")
      yield* prices[0]?.release ?? Effect.void
      yield* Effect.sleep("5 seconds")
      const after = yield* metaOf(cluster, "n3", "n1")
      const participants = yield* prices[1]?.participants ?? Effect.succeed([])
      yield* orders[1]?.publish({ id: 2, text: "two" }) ?? Effect.void
      yield* Effect.sleep("1 second")
      const counters = yield* orders[0]?.counters ?? Effect.succeed(new Map<string, number>())
      return {
        orders: orders.map(({ values }) => values.map(({ id }) => id)),
        prices: prices.map(({ values }) => values),
        texts: others.map((bytes) => new TextDecoder().decode(bytes)).filter((text) => text === "hello"),
        meta,
        after,
        participants: participants.map(({ name }) => name),
        ignored: [...counters.keys()].filter((key) => key.startsWith("frame.ignored"))
      }
    }))
    assert.deepStrictEqual(seen, {
      orders: [[1, 2], [1, 2], [1, 2]],
      prices: [[7], [7]],
      texts: ["hello"],
      meta: "fe4d010174000875184c89a0e8c04c",
      after: "fe4d010174000475184c89",
      participants: ["n2"],
      ignored: []
    })
  })

  it("may be built once only, and are named in up to 255 bytes", () => {
    const errors = live(Effect.gen(function*() {
      const cluster = yield* plain(1)
      yield* taking(cluster, "n1", Orders)
      const refused = <Name extends string>(topic: Topic.Topic<Name, number>, options?: Topic.Options) =>
        Effect.map(Effect.flip(taking(cluster, "n1", topic, options)), (error) => error.message)
      return [
        yield* refused(Topic.make("orders", Schema.Int)),
        yield* refused(Topic.make("", Schema.Int)),
        yield* refused(Topic.make("x".repeat(256), Schema.Int)),
        yield* refused(Topic.make("a", Schema.Int), { windowMessages: 3 }),
        yield* refused(Topic.make("a", Schema.Int), { windowAge: "1 milli" }),
        yield* refused(Topic.make("a", Schema.Int), { windowBytes: 100 })
      ]
    }))
    assert.deepStrictEqual(errors, [
      "this node takes part in the topic \"orders\" already; build one layer, and share it",
      "no topic can be called \"\"; expected 1 to 255 bytes of well-formed text",
      `no topic can be called "${"x".repeat(48)}…${
        "x".repeat(16)
      } (256 characters)"; expected 1 to 255 bytes of well-formed text`,
      "configuration field \"Topic.windowMessages\" is \"3\"; expected a whole number, 16‥65536",
      "configuration field \"Topic.windowAge\" is \"1 milli\"; expected a duration of 1 second to 1 day",
      "configuration field \"Topic.windowBytes\" is \"100\"; expected a whole number, 1048640‥1073741824"
    ])
  })

  it("leave metadata of the application alone, and fail", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* plain(2)
      const { updateMeta } = yield* cluster.node("n1")
      yield* updateMeta(new TextEncoder().encode("role=web"))
      const error = yield* Effect.flip(taking(cluster, "n1", Orders))
      yield* Effect.sleep("3 seconds")
      const meta = yield* metaOf(cluster, "n2", "n1")
      // the refused layer has left nothing behind
      yield* updateMeta(new Uint8Array())
      yield* taking(cluster, "n1", Orders)
      return { error: error._tag, meta: Buffer.from(meta, "hex").toString() }
    }))
    assert.deepStrictEqual(seen, { error: "MetaForeign", meta: "role=web" })
  })

  it("put their mark back when somebody replaces the metadata", () => {
    const meta = live(Effect.gen(function*() {
      const cluster = yield* plain(2)
      yield* taking(cluster, "n1", Orders)
      yield* (yield* cluster.node("n1")).updateMeta(Uint8Array.from([0xfe, 0x4d, 1, 1, 0x6d, 0, 1, 9]))
      yield* Effect.sleep("20 seconds")
      return yield* metaOf(cluster, "n2", "n1")
    }))
    assert.strictEqual(meta, "fe4d01016d0001090174000475184c89")
  })
})

describe("the layer's end", () => {
  it("ends the streams, refuses calls, lets go of those that wait, and takes the mark back", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* plain(2)
      const [one, two] = yield* Effect.forEach(
        ["n1", "n2"] as const,
        (name) => taking(cluster, name, Orders, { outgoing: 16 })
      )
      if (one === undefined || two === undefined) return yield* Effect.die("nobody")
      yield* Effect.sleep("5 seconds")
      const value = { id: 1, text: "" }
      // nothing is sent any more, so that they wait
      yield* cluster.network.inject({ _tag: "Pause", hosts: ["n1"] })
      const waiting = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 50 }), () => one.publish(value), { discard: true }),
        { startImmediately: true }
      )
      yield* Effect.sleep("100 millis")
      const stillWaits = waiting.pollUnsafe() === undefined
      yield* one.release
      const waited = yield* Effect.flip(Fiber.join(waiting))
      yield* Fiber.await(one.ended)
      const refused = yield* Effect.flip(one.publish(value))
      const late = yield* Effect.flip(one.send({ name: "n2" }, value))
      const rest = yield* Stream.runCollect(one.subscribe)
      return {
        stillWaits,
        waited: waited._tag,
        refused: refused._tag,
        late: late._tag,
        rest,
        meta: yield* metaOf(cluster, "n1", "n1")
      }
    }))
    assert.deepStrictEqual(seen, {
      stillWaits: true,
      waited: "TopicClosed",
      refused: "TopicClosed",
      late: "TopicClosed",
      rest: [],
      meta: ""
    })
  })
})

describe("a publish that waits", () => {
  it("can be interrupted, and then nothing of it was sent", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* plain(2)
      const [one, two] = yield* Effect.forEach(
        ["n1", "n2"] as const,
        (name) => taking(cluster, name, Prices, { outgoing: 16 })
      )
      if (one === undefined || two === undefined) return yield* Effect.die("nobody")
      yield* Effect.sleep("5 seconds")
      const published: Array<number> = []
      const all = Array.from({ length: 50 }, (_, i) => i)
      const publishing = Effect.forEach(
        all,
        (i) => Effect.andThen(one.publish(i), Effect.sync(() => void published.push(i))),
        { discard: true }
      )
      yield* Effect.scoped(Effect.gen(function*() {
        yield* cluster.network.inject({ _tag: "Pause", hosts: ["n1"] })
        const fiber = yield* Effect.forkChild(publishing, { startImmediately: true })
        yield* Effect.sleep("100 millis")
        yield* Fiber.interrupt(fiber)
      }))
      const before = published.slice()
      yield* one.publish(99)
      yield* Effect.sleep("15 seconds")
      return { waited: before.length < 50, before, values: two.values.toSorted((a, b) => a - b) }
    }))
    assert.isTrue(seen.waited)
    assert.deepStrictEqual(seen.values, [...seen.before, 99])
  })
})

describe("a publish that waited while the node left", () => {
  it("is refused as one after the leave", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* plain(2)
      const [one] = yield* Effect.forEach(cluster.names, (name) => taking(cluster, name, Prices, { outgoing: 16 }))
      if (one === undefined) return yield* Effect.die("nobody")
      yield* Effect.sleep("5 seconds")
      const published: Array<number> = []
      const publishing = yield* Effect.scoped(Effect.gen(function*() {
        yield* cluster.network.inject({ _tag: "Pause", hosts: ["n1"] })
        const all = Array.from({ length: 50 }, (_, i) => i)
        const fiber = yield* Effect.forkDetach(
          Effect.forEach(all, (i) => Effect.andThen(one.publish(i), Effect.sync(() => void published.push(i)))),
          { startImmediately: true }
        )
        const { leave } = yield* cluster.node("n1")
        yield* Effect.forkDetach(leave({ timeout: "1 second" }), { startImmediately: true })
        yield* Effect.sleep("2 seconds")
        return fiber
      }))
      const before = published.length
      const error = yield* Effect.flip(Fiber.join(publishing))
      return { hasWaited: before > 0 && before < 50, more: published.length - before, error: error._tag }
    }))
    assert.deepStrictEqual(seen, { hasWaited: true, more: 0, error: "NotParticipating" })
  })
})

describe("a value", () => {
  it("that the schema refuses, that is too large, or that comes after a leave, is refused before anything is sent", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* plain(2)
      const [one] = yield* Effect.forEach(
        cluster.names,
        (name) => taking(cluster, name, Orders, { maxValueBytes: 1_000 })
      )
      if (one === undefined) return yield* Effect.die("nobody")
      yield* Effect.sleep("5 seconds")
      const before = (yield* one.counters).size
      const errors = [
        yield* Effect.flip(one.publish({ id: 1.5, text: "" })),
        yield* Effect.flip(one.publish({ id: 1, text: "x".repeat(1_001) })),
        yield* Effect.flip(one.send({ name: "n2" }, { id: 1.5, text: "" })),
        yield* Effect.flip(one.send({ name: "nobody" }, { id: 1, text: "" }))
      ]
      yield* (yield* cluster.node("n1")).leave()
      errors.push(yield* Effect.flip(one.publish({ id: 1, text: "" })))
      return { errors: errors.map(({ _tag }) => _tag), isUntouched: (yield* one.counters).size === before }
    }))
    assert.deepStrictEqual(seen, {
      errors: ["ValueInvalid", "ValueTooLarge", "ValueInvalid", "NotTakingPart", "NotParticipating"],
      isUntouched: true
    })
  })

  it("goes to one member alone, in a datagram or over a stream, and is told as sent", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* plain(3)
      const [one, two, three] = yield* Effect.forEach(cluster.names, (name) => taking(cluster, name, Orders))
      if (one === undefined || two === undefined || three === undefined) return yield* Effect.die("nobody")
      yield* Effect.sleep("5 seconds")
      const heard = yield* Effect.forkChild(Stream.runCollect(Stream.take(two.subscribe, 2)), {
        startImmediately: true
      })
      yield* one.send({ name: "n2" }, { id: 1, text: "" })
      yield* Effect.sleep("1 second")
      yield* one.send({ name: "n2" }, { id: 2, text: "x".repeat(50_000) }, { reliable: true })
      const tooLarge = yield* Effect.flip(one.send({ name: "n2" }, { id: 3, text: "x".repeat(50_000) }))
      const received = yield* Fiber.join(heard)
      return {
        received: received.map(({ from, missed, value, via }) => [from, missed, value.id, via]),
        others: [one.values.length, three.values.length],
        tooLarge: tooLarge._tag
      }
    }))
    assert.deepStrictEqual(seen, {
      received: [["n1", 0, 1, "send"], ["n1", 0, 2, "send"]],
      others: [0, 0],
      tooLarge: "MessageTooLarge"
    })
  })

  it("that does not decode is told with its sender, counted, and ends nothing", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* plain(2)
      const wrong = yield* taking(cluster, "n1", Topic.make("orders", Schema.String))
      const right = yield* taking(cluster, "n2", Orders)
      const invalid = yield* Effect.forkChild(Stream.runHead(right.invalid), { startImmediately: true })
      yield* Effect.sleep("5 seconds")
      yield* wrong.publish("nonsense")
      yield* right.publish({ id: 1, text: "" })
      yield* Effect.sleep("1 second")
      const told = yield* Fiber.join(invalid)
      const counters = yield* right.counters
      return {
        from: told._tag === "Some" ? told.value.from : undefined,
        hasReason: told._tag === "Some" && told.value.reason !== "",
        count: counters.get("value.invalid"),
        values: right.values.map(({ id }) => id)
      }
    }))
    assert.deepStrictEqual(seen, { from: "n1", hasReason: true, count: 1, values: [1] })
  })

  it("that a slow subscriber misses is told as missed, and those from before the first one wait for it", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* plain(1)
      const scope = yield* Scope.Scope
      const layer = Prices.layer({ subscriberBuffer: 4 })
      const prices = Context.get(yield* cluster.run("n1", Layer.buildWithScope(layer, scope)), Prices)
      for (let i = 0; i < 6; i++) yield* prices.publish(i)
      const early = yield* Stream.runCollect(Stream.take(prices.subscribe, 4))
      const slow = yield* Effect.forkChild(
        Stream.runCollect(Stream.take(Stream.tap(prices.subscribe, () => Effect.sleep("1 second")), 6)),
        { startImmediately: true }
      )
      for (let i = 10; i < 20; i++) {
        yield* prices.publish(i)
        yield* Effect.sleep("250 millis")
      }
      const pairs = (all: typeof early) => all.map(({ missed, value }) => [value, missed])
      const late = pairs(yield* Fiber.join(slow))
      return { early: pairs(early), lost: late.reduce((sum, [, missed = 0]) => sum + missed, 0), late }
    }))
    assert.deepStrictEqual(seen.early, [[2, 2], [3, 0], [4, 0], [5, 0]])
    const [last = 0] = seen.late.at(-1) ?? []
    assert.strictEqual(10 + seen.late.length + seen.lost - 1, last)
  })
})

describe("a frame", () => {
  it("of another version, of a topic that is not here, or that is broken, is passed over and counted", () => {
    const counters = live(Effect.gen(function*() {
      const cluster = yield* plain(2)
      const one = yield* taking(cluster, "n1", Orders)
      const { send } = yield* cluster.node("n2")
      const body = { _tag: "Prune" } as const
      const frame = TopicFrame.encode({ topic: "orders", sender: "n2", body })
      const changed = (at: number, byte: number) => frame.map((each, i) => i === at ? byte : each)
      const frames = [
        changed(2, 9),
        changed(3, 99),
        TopicFrame.encode({ topic: "else", sender: "n2", body }),
        Uint8Array.from([...frame, 0]),
        new TextEncoder().encode("of another library")
      ]
      for (const each of frames) yield* send({ name: "n1" }, each)
      yield* Effect.sleep("1 second")
      const known = (yield* one.participants).map(({ name }) => name)
      // a good one is a sign that its sender takes part
      yield* send({ name: "n1" }, frame)
      yield* Effect.sleep("100 millis")
      const counters = [...yield* one.counters].filter(([key]) => key.startsWith("frame.ignored")).sort()
      return { counters, known, heard: (yield* one.participants).length }
    }))
    assert.deepStrictEqual(counters, {
      counters: [
        ["frame.ignored:Kind", 1],
        ["frame.ignored:Malformed", 1],
        ["frame.ignored:Topic", 1],
        ["frame.ignored:Version", 1]
      ],
      known: ["n1"],
      heard: 2
    })
  })

  it("of a member that floods is dropped above its allowance, and what it was about is fetched later", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* plain(3)
      const all = yield* Effect.forEach(cluster.names, (name) => taking(cluster, name, Orders, { peerRate: 16 }))
      yield* Effect.sleep("5 seconds")
      const [one, two] = all
      if (one === undefined || two === undefined) return yield* Effect.die("nobody")
      for (let id = 0; id < 100; id++) yield* one.publish({ id, text: "" })
      yield* Effect.sleep("1 second")
      const dropped = (yield* two.counters).get("frame.dropped:Flood") ?? 0
      yield* Effect.sleep("1 minute")
      return { dropped, values: all.map(({ values }) => new Set(values.map(({ id }) => id)).size) }
    }))
    assert.isAbove(seen.dropped, 0)
    assert.deepStrictEqual(seen.values, [100, 100, 100])
  })

  /** What a member has counted after another one has sent it frames. */
  const countedAfter = (frames: ReadonlyArray<TopicFrame.Frame>, options?: Topic.Options, members = 2) =>
    live(Effect.gen(function*() {
      const cluster = yield* plain(members)
      const one = yield* taking(cluster, "n1", Orders, options)
      const { send } = yield* cluster.node("n2")
      yield* one.publish({ id: 1, text: "x".repeat(50) })
      for (const frame of frames) yield* send({ name: "n1" }, TopicFrame.encode(frame))
      yield* Effect.sleep("500 millis")
      return yield* one.counters
    }))
  const digestOf = (sender: string): TopicFrame.Frame => ({
    topic: "orders",
    sender,
    body: { _tag: "Digest", wantsAnswer: true, spans: [] }
  })

  it("that asks in the name of somebody who is not there, or in our own, has no answer", () => {
    const counters = countedAfter([digestOf("nobody"), digestOf("n1")])
    assert.deepStrictEqual(
      [...counters].filter(([key]) => /^frame.(ignored|queued)/.test(key)).sort(),
      [["frame.ignored:Own", 1], ["frame.ignored:Stranger", 1]]
    )
  })

  it("that asks takes more of its sender's allowance than others", () => {
    const counters = countedAfter(Array.from({ length: 100 }, () => digestOf("n2")), { peerRate: 34 })
    assert.strictEqual(counters.get("frame.received:Digest"), 5)
    assert.strictEqual(counters.get("frame.dropped:Flood"), 95)
  })

  it("that asks again and again is answered as much as answers are allowed, digests too", () => {
    const counters = countedAfter(Array.from({ length: 100 }, () => digestOf("n2")), {
      maxValueBytes: 100,
      windowBytes: 1_000
    })
    assert.isAtMost(counters.get("frame.queued:Digest") ?? 0, 15)
    assert.isAtLeast(counters.get("frame.dropped:Answers") ?? 0, 150)
  })

  it("that asks in the names of many is answered no more than sixteen of them are", () => {
    const frames = Array.from({ length: 23 }, (_, i) => Array.from({ length: 20 }, () => digestOf(`n${i + 2}`))).flat()
    const { length } = frames
    const counters = countedAfter(frames, { maxValueBytes: 100, windowBytes: 1_000 }, 24)
    assert.strictEqual(counters.get("frame.received:Digest"), length)
    const answers = (counters.get("frame.queued:Digest") ?? 0) + (counters.get("frame.queued:Batch") ?? 0)
    // 131 bytes each, of 16 times 2,000; by itself each of the 23 would have had its 2,000
    assert.strictEqual(answers, 243)
  })
})
