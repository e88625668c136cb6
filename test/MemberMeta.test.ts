import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { Memberlist } from "../src/Memberlist.ts"
import { ConfigInvalid } from "../src/MemberlistError.ts"
import * as MemberMeta from "../src/MemberMeta.ts"
import { SimulatedNetwork } from "../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, passing, start, startMany, type TestNode } from "./support/Cluster.ts"
import { collect } from "./support/Collecting.ts"
import { hex } from "./support/Hex.ts"
import { logging, measuring } from "./support/Telemetry.ts"

const Worker = MemberMeta.make(Schema.Struct({ role: Schema.String, weight: Schema.Int }))
const Calls = MemberMeta.make(Schema.String, { name: "calls" })

const bytes = (text: string) => new TextEncoder().encode(text)

/** Announces a value on a node, until the scope ends. */
const announce = <A, Name extends string>(
  meta: MemberMeta.MemberMeta<A, Name>,
  { cluster }: TestNode,
  value: A
): Effect.Effect<
  MemberMeta.Service<A>,
  MemberMeta.MetaNameTaken | MemberMeta.ChangeError,
  Scope.Scope
> =>
  Layer.build(Layer.fresh(meta.layer(value))).pipe(
    Effect.provideService(Memberlist, cluster),
    Effect.map(Context.get(meta))
  )

/** Two nodes that know each other, and each announces a worker. */
const workers = Effect.gen(function*() {
  const [a, b] = yield* startMany(2)
  const first = yield* announce(Worker, a!, { role: "mail", weight: 1 })
  const second = yield* announce(Worker, b!, { role: "print", weight: 2 })
  yield* TestClock.adjust("2 seconds")
  return { a: a!, b: b!, first, second }
})

/** Members and values as text. */
const told = <A>(list: ReadonlyArray<MemberMeta.Announced<A>>) =>
  list.map(({ member, value }) => `${member.name} ${JSON.stringify(value)}`)

const metaOf = (node: TestNode) => Effect.map(node.cluster.localMember, ({ meta }) => hex(meta))

describe("a value that a layer announces", () => {
  clusterTest(
    "is seen by all members, by name, this node included",
    Effect.gen(function*() {
      const { first, second } = yield* workers
      const all = ["a {\"role\":\"mail\",\"weight\":1}", "b {\"role\":\"print\",\"weight\":2}"]
      assert.deepStrictEqual([told(yield* first.members), told(yield* second.members)], [all, all])
      assert.deepStrictEqual(yield* first.self, { role: "mail", weight: 1 })
      assert.deepStrictEqual(told(yield* second.filter(({ weight }) => weight < 2)), [all[0]])
      assert.deepStrictEqual(told(yield* second.filter((_, { name }) => name === "b")), [all[1]])
      assert.deepStrictEqual(
        Option.map(yield* first.find(({ role }) => role === "print"), ({ member }) => member.name),
        Option.some("b")
      )
      assert.deepStrictEqual(yield* first.find(({ role }) => role === "scan"), Option.none())
    })
  )

  clusterTest(
    "is read of one member, of one that has left too, and is none where nobody announces or has the name",
    Effect.gen(function*() {
      const { a, b, first } = yield* workers
      const member = (yield* a.cluster.members).find(({ name }) => name === "b")
      assert.deepStrictEqual(yield* first.get(member!), Option.some({ role: "print", weight: 2 }))
      assert.deepStrictEqual(yield* first.get({ name: "b" }), Option.some({ role: "print", weight: 2 }))
      assert.deepStrictEqual(yield* first.get({ name: "c" }), Option.none())
      assert.deepStrictEqual(Calls.get(member!), Option.none())
      yield* passing(b.cluster.leave())
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(told(yield* first.members), ["a {\"role\":\"mail\",\"weight\":1}"])
      assert.deepStrictEqual(yield* first.get({ name: "b" }), Option.some({ role: "print", weight: 2 }))
    })
  )

  clusterTest(
    "goes when its scope closes, and others stay",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2)
      yield* announce(Calls, a!, "10.0.0.1:80")
      const scope = yield* Scope.make()
      yield* Scope.provide(announce(Worker, a!, { role: "mail", weight: 1 }), scope)
      yield* TestClock.adjust("2 seconds")
      const seen = Effect.map(b!.cluster.member("a"), Option.getOrThrow)
      assert.deepStrictEqual(Worker.get(yield* seen), Option.some({ role: "mail", weight: 1 }))
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("2 seconds")
      const member = yield* seen
      assert.deepStrictEqual([Worker.get(member), Calls.get(member)], [Option.none(), Option.some("10.0.0.1:80")])
      // the name is free again
      yield* announce(Worker, a!, { role: "mail", weight: 1 })
    })
  )

  clusterTest(
    "leaves nothing behind when it was the only one",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      yield* Effect.scoped(announce(Worker, a, { role: "mail", weight: 1 }))
      assert.strictEqual(yield* metaOf(a), "")
    })
  )

  clusterTest(
    "is not announced again where the node was started with it",
    Effect.gen(function*() {
      const value = { role: "mail", weight: 1 }
      const meta = Result.getOrThrow(Calls.encode("here", Result.getOrThrow(Worker.encode(value))))
      const a = yield* start("a", "10.0.0.1", { config: { meta } })
      yield* announce(Worker, a, value)
      yield* announce(Calls, a, "here")
      assert.strictEqual((yield* a.cluster.localMember).incarnation, 1)
    })
  )

  clusterTest(
    "needs a name of its own on its node, and shares it with other nodes",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2")
      yield* announce(Worker, a, { role: "mail", weight: 1 })
      yield* announce(Worker, b, { role: "mail", weight: 1 })
      const before = yield* metaOf(a)
      const taken = yield* Effect.flip(Effect.scoped(announce(Worker, a, { role: "print", weight: 1 })))
      assert.deepInclude(taken, { _tag: "MetaNameTaken", section: "app" })
      assert.match(taken.message, /announces a section "app" already; expected one layer for each name/)
      assert.strictEqual(yield* metaOf(a), before)
    })
  )

  clusterTest(
    "is refused after a leave and after the node's end, and its scope closes all the same",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const scope = yield* Scope.make()
      const own = yield* Scope.provide(announce(Worker, a, { role: "mail", weight: 1 }), scope)
      yield* passing(a.cluster.leave())
      const heavier = own.update((value) => ({ ...value, weight: 2 }))
      assert.strictEqual((yield* Effect.flip(heavier))._tag, "NotParticipating")
      assert.strictEqual((yield* Effect.flip(Effect.scoped(announce(Calls, a, "x"))))._tag, "NotParticipating")
      yield* a.stop
      assert.strictEqual((yield* Effect.flip(heavier))._tag, "MemberlistClosed")
      assert.deepStrictEqual(yield* own.self, { role: "mail", weight: 1 })
      yield* Scope.close(scope, Exit.void)
    })
  )
})

describe("an update", () => {
  clusterTest(
    "is told to others, with how far it has come",
    Effect.gen(function*() {
      const { first, second } = yield* workers
      const report = yield* passing(first.update((own) => ({ ...own, weight: own.weight + 1 }), { wait: "5 seconds" }))
      assert.deepInclude(report, { outcome: "Sent", sent: 1, members: 1 })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* second.get({ name: "a" }), Option.some({ role: "mail", weight: 2 }))
      assert.strictEqual((yield* first.update((own) => own)).outcome, "Unchanged")
    })
  )

  clusterTest(
    "of one section loses none of another, however many there are at once",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const own = yield* announce(Worker, a, { role: "mail", weight: 0 })
      const calls = yield* announce(Calls, a, "")
      const heavier = own.update((value) => ({ ...value, weight: value.weight + 1 }))
      const longer = calls.update((value) => `${value}x`)
      yield* Effect.all(Array.from({ length: 40 }, (_, i) => i % 2 === 0 ? heavier : longer), {
        concurrency: "unbounded"
      })
      const member = yield* a.cluster.localMember
      assert.deepStrictEqual(
        [Worker.get(member), Calls.get(member)],
        [Option.some({ role: "mail", weight: 20 }), Option.some("x".repeat(20))]
      )
      assert.deepStrictEqual([yield* own.self, yield* calls.self], [{ role: "mail", weight: 20 }, "x".repeat(20)])
    })
  )

  clusterTest(
    "whose function throws is a defect, and changes nothing",
    Effect.gen(function*() {
      const { a, first } = yield* workers
      const before = yield* metaOf(a)
      const exit = yield* Effect.exit(first.update(() => {
        throw new Error("a bug")
      }))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.deepStrictEqual([yield* metaOf(a), yield* first.self], [before, { role: "mail", weight: 1 }])
    })
  )

  clusterTest(
    "to a value that the schema does not admit is refused, and changes nothing",
    Effect.gen(function*() {
      const { a, first } = yield* workers
      const before = yield* metaOf(a)
      const error = yield* Effect.flip(first.update((own) => ({ ...own, weight: 0.5 })))
      assert.deepInclude(error, { _tag: "MetaUnencodable", section: "app" })
      assert.match(
        error.message,
        /^the value for section "app" of this node's metadata does not fit its schema: .*integer/i
      )
      assert.deepStrictEqual([yield* metaOf(a), yield* first.self], [before, { role: "mail", weight: 1 }])
    })
  )

  clusterTest(
    "over 512 bytes is refused before anything is sent, with the size of each section and each field",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const own = yield* announce(Worker, a, { role: "mail", weight: 1 })
      const calls = yield* announce(Calls, a, "x".repeat(200))
      const before = yield* a.cluster.localMember
      const error = yield* Effect.flip(own.update(() => ({ role: "é".repeat(150), weight: 1_000_000 })))
      assert.deepInclude(error, {
        _tag: "MetaFull",
        size: 538,
        limit: 512,
        section: "app",
        sections: [{ name: "app", size: 324 }, { name: "calls", size: 211 }],
        fields: [{ name: "role", size: 308 }, { name: "weight", size: 8 }]
      })
      assert.strictEqual(
        error.message,
        "member metadata is 538 bytes; at most 512 fit (sections: app 324, calls 211; fields of app, each by itself: "
          + "role 308, weight 8)"
      )
      const other = yield* Effect.flip(calls.update(() => "x".repeat(1_000)))
      assert.match(other.message, /fit \(sections: app 24, calls 1011\)$/)
      assert.deepStrictEqual(yield* a.cluster.localMember, before)
      // what just fits is taken
      const room = 512 - before.meta.length
      yield* calls.update((value) => value + "y".repeat(room))
      assert.strictEqual((yield* a.cluster.localMember).meta.length, 512)
    })
  )
})

describe("a node whose own metadata is no document", () => {
  clusterTest(
    "keeps it: the layer fails with its first bytes and what to do",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: { meta: bytes("{\"role\":\"mail\"}") } })
      const error = yield* Effect.flip(Effect.scoped(announce(Worker, a, { role: "mail", weight: 1 })))
      assert.deepInclude(error, { _tag: "MetaForeign", begins: "7b 22 72 6f 6c 65 22 3a", size: 15 })
      assert.match(error.message, /15 bytes that begin with 7b 22 .*: it does not begin with fe 4d; expected none/)
      assert.strictEqual((yield* a.cluster.localMember).metaText, "{\"role\":\"mail\"}")
      // and may try again
      yield* a.cluster.updateMeta(new Uint8Array(0))
      yield* announce(Worker, a, { role: "mail", weight: 1 })
    })
  )

  clusterTest(
    "of another version, or broken, keeps it as well",
    Effect.gen(function*() {
      for (
        const [i, [meta, reason]] of [
          [Uint8Array.of(0xfe, 0x4d, 2), /its layout is version 2/],
          [Uint8Array.of(0xfe, 0x4d, 1, 1), /it ends in the head of a section, at byte 3/]
        ].entries() as IterableIterator<[number, [Uint8Array, RegExp]]>
      ) {
        const a = yield* start(`a${i}`, `10.0.0.${i + 1}`, { config: { meta } })
        const error = yield* Effect.flip(Effect.scoped(announce(Worker, a, { role: "mail", weight: 1 })))
        assert.strictEqual(error._tag, "MetaForeign")
        assert.match(error.message, reason)
        assert.deepStrictEqual((yield* a.cluster.localMember).meta, meta)
      }
    })
  )

  clusterTest(
    "because the application replaced it, refuses updates, and keeps it when the scope closes",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const scope = yield* Scope.make()
      const own = yield* Scope.provide(announce(Worker, a, { role: "mail", weight: 1 }), scope)
      yield* a.cluster.updateMeta(bytes("mine"))
      const heavier = own.update((value) => ({ ...value, weight: value.weight + 1 }))
      assert.strictEqual((yield* Effect.flip(heavier))._tag, "MetaForeign")
      yield* a.cluster.updateMeta(new Uint8Array(0))
      yield* heavier
      assert.deepStrictEqual(Worker.get(yield* a.cluster.localMember), Option.some({ role: "mail", weight: 2 }))
      yield* a.cluster.updateMeta(bytes("mine"))
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* a.cluster.localMember).metaText, "mine")
    })
  )
})

describe("the stream of lists", () => {
  clusterTest(
    "has the list now, and again after each change of a value or of who is there",
    Effect.gen(function*() {
      const { b, first, second } = yield* workers
      const lists = yield* Effect.map(collect(Stream.map(first.changes, told)), (given) => given)
      yield* TestClock.adjust("1 second")
      yield* second.update((own) => ({ ...own, weight: 3 }))
      yield* TestClock.adjust("2 seconds")
      yield* passing(b.cluster.leave())
      yield* TestClock.adjust("2 seconds")
      const mail = "a {\"role\":\"mail\",\"weight\":1}"
      assert.deepStrictEqual(lists, [
        [mail, "b {\"role\":\"print\",\"weight\":2}"],
        [mail, "b {\"role\":\"print\",\"weight\":3}"],
        [mail]
      ])
    })
  )

  clusterTest(
    "is silent about other sections, members without a value, and suspicion",
    Effect.gen(function*() {
      const { a, b, first } = yield* workers
      const lists = yield* collect(first.changes)
      const views = yield* collect(a.cluster.changes)
      yield* TestClock.adjust("1 second")
      const before = views.length
      yield* announce(Calls, b, "10.0.0.2:80")
      const c = yield* start("c", "10.0.0.3")
      yield* passing(c.cluster.join(["10.0.0.1"]))
      yield* TestClock.adjust("2 seconds")
      assert.isAbove(views.length, before + 1)
      const network = yield* SimulatedNetwork
      yield* Effect.scoped(
        Effect.andThen(network.inject({ _tag: "Pause", hosts: ["10.0.0.2"] }), TestClock.adjust("3 seconds"))
      )
      yield* TestClock.adjust("5 seconds")
      const states = views.map((view) => view.find(({ name }) => name === "b")?.state)
      assert.deepStrictEqual([states.includes("suspect"), states.at(-1)], [true, "alive"])
      assert.strictEqual(lists.length, 1)
    })
  )

  clusterTest(
    "gives a slow reader the newest list",
    Effect.gen(function*() {
      const { first, second } = yield* workers
      const weights: Array<number | undefined> = []
      const slow = Stream.runForEach(
        first.changes,
        (list) => Effect.delay(Effect.sync(() => weights.push(list.at(-1)?.value.weight)), "1 minute")
      )
      yield* Effect.forkScoped(slow)
      for (let weight = 3; weight < 13; weight++) {
        yield* second.update((own) => ({ ...own, weight }))
        yield* TestClock.adjust("2 seconds")
      }
      yield* TestClock.adjust("3 minutes")
      assert.deepStrictEqual(weights, [2, 12])
    })
  )
})

describe("members whose bytes do not decode", () => {
  /** A document with this content for the section of `Worker`. */
  const document = (...content: ReadonlyArray<number>) =>
    Uint8Array.of(0xfe, 0x4d, 1, 3, 97, 112, 112, 0, content.length, ...content)

  clusterTest(
    "are in no list, and told and counted once for each change, by all that read the stream",
    Effect.gen(function*() {
      const { a, b, first } = yield* workers
      const [told, again] = [yield* collect(first.invalid), yield* collect(first.invalid)]
      const lists = yield* collect(first.changes)
      const c = yield* start("c", "10.0.0.3", { config: { meta: document(1, 2, 3) } })
      yield* passing(c.cluster.join([a.address]))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(told.map(({ member, section }) => [member, section]), [["c", "app"]])
      assert.match(
        told[0]?.message ?? "",
        /^section "app" in the metadata of member "c" does not decode: Expected version 2 envelope.*; expected a value/
      )
      assert.isTrue(Result.isFailure(Worker.decode(yield* c.cluster.localMember)))
      assert.strictEqual((yield* Effect.flip(first.get({ name: "c" })))._tag, "MetaInvalid")
      assert.deepStrictEqual(Worker.get(yield* c.cluster.localMember), Option.none())
      // another section is no change of this one
      yield* c.cluster.updateMeta((meta) => Uint8Array.of(...meta, 1, 122, 0, 0))
      yield* passing(b.cluster.updateMeta((meta) => Uint8Array.of(...meta, 1, 122, 0, 0)))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(told.length, 1)
      yield* c.cluster.updateMeta(document(9))
      yield* TestClock.adjust("2 seconds")
      yield* c.cluster.updateMeta(Uint8Array.of(0xfe, 0x4d, 7))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(told.map(({ reason }) => reason.split(";")[0]).slice(1), [
        "Expected complete value",
        "its layout is version 7"
      ])
      assert.deepStrictEqual(again, told)
      assert.strictEqual(lists.length, 1)
      // and back in the list when they do
      yield* c.cluster.updateMeta(new Uint8Array(0))
      yield* announce(Worker, c, { role: "scan", weight: 1 })
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual((yield* first.members).map(({ member }) => member.name), ["a", "b", "c"])
    })
  )

  clusterTest(
    "are counted in a metric, and warned about once in ten seconds, by every node that reads the section",
    measuring((read) =>
      logging((log) =>
        Effect.gen(function*() {
          const { a, b } = yield* workers
          for (let i = 0; i < 5; i++) {
            yield* b.cluster.updateMeta(document(i, i))
            yield* TestClock.adjust("1 second")
          }
          // b has a layer of its own, which reads b as well
          const labels = { section: "app" }
          assert.strictEqual(read.number("memberlist.meta.invalid", labels), 10)
          const told = (node: string) =>
            log.filter(({ annotations, text }) => annotations["node"] === node && text.includes("does not decode"))
          assert.deepStrictEqual(["a", "b"].map((node) => told(node).length), [1, 1])
          const [first] = told("a")
          assert.deepInclude(first?.annotations, { member: "b", section: "app" })
          assert.strictEqual(first?.level, "Warn")
          yield* TestClock.adjust("10 seconds")
          yield* b.cluster.updateMeta(document(9))
          yield* TestClock.adjust("1 second")
          assert.match(told("a")[1]?.text ?? "", /\(and 4 more like it since the last of these warnings\)$/)
          yield* a.stop
        })
      )
    )
  )
})

describe("a schema", () => {
  it("is refused where it has no binary form", () => {
    const NotBinary = Schema.declare((value): value is () => void => typeof value === "function")
    assert.throws(() => MemberMeta.make(NotBinary), ConfigInvalid, /one that effect\/encoding\/SchemaBinary can encode/)
  })

  it("may not need services", () => {
    class Key extends Context.Service<Key, string>()("Key") {}
    const needing = Schema.String.pipe(
      Schema.decodeTo(Schema.String, {
        decode: SchemaGetter.transformEffect((text: string) => Effect.map(Key, (key) => key + text)),
        encode: SchemaGetter.transform((text: string) => text)
      })
    )
    // @ts-expect-error it needs Key to decode
    assert.isDefined(MemberMeta.make(needing))
  })

  it("that waits fails to encode, with the reason", () => {
    const waiting = Schema.String.pipe(
      Schema.decodeTo(Schema.String, {
        decode: SchemaGetter.transform((text: string) => text),
        encode: SchemaGetter.transformEffect((text: string) => Effect.delay(Effect.succeed(text), "1 second"))
      })
    )
    const result = MemberMeta.make(waiting).encode("x")
    assert.match(Result.isFailure(result) ? result.failure.message : "", /does not fit its schema: .*asynchronous/)
  })

  it("that does not read what it wrote fails to encode, before anybody has the bytes", () => {
    const oneWay = Schema.String.pipe(
      Schema.decodeTo(Schema.String, {
        decode: SchemaGetter.transform((): string => {
          throw new Error("no way back")
        }),
        encode: SchemaGetter.transform((text: string) => text)
      })
    )
    const result = MemberMeta.make(oneWay).encode("x")
    assert.match(Result.isFailure(result) ? result.failure.message : "", /does not decode: no way back$/)
  })

  it("with a name that cannot be announced is refused", () => {
    assert.throws(() => MemberMeta.make(Schema.String, { name: "" }), ConfigInvalid, /1 to 255 bytes/)
    assert.throws(() => MemberMeta.make(Schema.String, { name: "é".repeat(128) }), ConfigInvalid)
    assert.throws(() => MemberMeta.make(Schema.String, { name: "\ud800" }), ConfigInvalid, /surrogate/)
    // the topics would take its bytes for theirs, and sort them
    assert.throws(() => MemberMeta.make(Schema.String, { name: "t" }), ConfigInvalid, /section of the topics/)
  })

  it("gives bytes of its own, which later values do not change", () => {
    const first = Result.getOrThrow(Calls.encode("first"))
    const copy = hex(first)
    Result.getOrThrow(Calls.encode("second"))
    assert.strictEqual(hex(first), copy)
    assert.strictEqual(first.byteLength, first.buffer.byteLength)
  })

  it("refuses to stand beside what is no document", () => {
    const result = Calls.encode("x", bytes("mine"))
    assert.isTrue(Result.isFailure(result) && result.failure._tag === "MetaForeign")
  })
})

describe("a layer that is interrupted", () => {
  clusterTest(
    "takes out what it announced",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const fiber = yield* Effect.forkChild(
        Effect.scoped(Effect.andThen(announce(Worker, a, { role: "mail", weight: 1 }), Effect.never)),
        { startImmediately: true }
      )
      assert.notStrictEqual(yield* metaOf(a), "")
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* metaOf(a), "")
    })
  )
})
