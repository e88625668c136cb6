import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import type { PeerAddress } from "../../../src/base/Address.ts"
import * as SeedText from "../../../src/base/SeedText.ts"
import * as Join from "../../../src/engine/exchange/Join.ts"
import type { Node } from "../../../src/engine/Node.ts"
import { candidates, make, MAX_GIVEN, outside } from "../../../src/engine/recovery/KnownSeeds.ts"
import * as Step from "../../../src/engine/Step.ts"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import { idle } from "../../support/Observations.ts"
import * as Support from "../../support/Rules.ts"

const self = Effect.fnUntraced(function*() {
  const node = yield* idle(Support.SELF)
  yield* Step.run(node, (m, env) => Support.announce(m, Support.own, env))
  return node
})

/** A live member at 10.0.0.`last`. */
const member = (node: Node, name: string, last: number) =>
  Step.run(node, (m, env) => Alive.alive(m, Support.alive(name, 1, { addr: Support.ip(last) }), env))

const died = (node: Node, name: string) => Step.run(node, (m, env) => Dead.dead(m, Support.dead(name, 1, "other"), env))

const at = (...last: ReadonlyArray<number>) => last.map((n) => ({ ip: `10.0.0.${n}`, port: 7946 }))

describe("the seeds outside the list", () => {
  it.effect("are those whose addresses no live member has, and come back when the member is gone", () =>
    Effect.gen(function*() {
      const node = yield* self()
      node.seeds.remember(["10.0.0.2", "10.0.0.3:7946", "[::ffff:10.0.0.4]:7946", "10.0.0.2:1"])
      yield* member(node, "b", 2)
      yield* member(node, "d", 4)
      assert.deepStrictEqual(outside(node), ["10.0.0.3:7946", "10.0.0.2:1"])
      yield* died(node, "b")
      assert.deepStrictEqual(outside(node), ["10.0.0.2", "10.0.0.3:7946", "10.0.0.2:1"])
    }))

  it.effect("are not those that name this node alone", () =>
    Effect.gen(function*() {
      const node = yield* self()
      node.seeds.remember(["10.0.0.1", "self/10.0.0.1:7946", "us.test"])
      node.seeds.found("us.test", at(1))
      assert.deepStrictEqual(outside(node), [])
    }))

  it.effect("are names that were never found, and names of whose other addresses none is a live member's", () =>
    Effect.gen(function*() {
      const node = yield* self()
      node.seeds.remember(["never.test", "all.test", "lost.test"])
      node.seeds.found("all.test", at(1, 2, 3))
      node.seeds.found("lost.test", at(1, 3))
      yield* member(node, "b", 2)
      assert.deepStrictEqual(outside(node), ["never.test", "lost.test"])
    }))

  it.effect("are those of the service and those of joins together, each once", () =>
    Effect.gen(function*() {
      const node = yield* self()
      node.seeds.remember(["10.0.0.2", "10.0.0.3"])
      node.seeds.offer(["10.0.0.4", "10.0.0.2"])
      assert.deepStrictEqual(outside(node), ["10.0.0.4", "10.0.0.2", "10.0.0.3"])
      node.seeds.offer([])
      assert.deepStrictEqual(outside(node), ["10.0.0.2", "10.0.0.3"])
    }))

  it.effect("are not those where only somebody else is, until a join names them or they have another address", () =>
    Effect.gen(function*() {
      const node = yield* self()
      const [own, second, third, fourth] = [1, 2, 3, 4].map((last) => ({ ip: `10.0.0.${last}`, port: 7946 })) as [
        PeerAddress,
        PeerAddress,
        PeerAddress,
        PeerAddress
      ]
      const found = (...addresses: ReadonlyArray<PeerAddress>) => node.seeds.found("all.test", addresses)
      node.seeds.remember(["all.test"])
      found(own, second, third)
      node.seeds.putAside("all.test", second)
      assert.deepStrictEqual([outside(node), candidates(node, "all.test")], [["all.test"], [third]])
      node.seeds.putAside("all.test", third)
      assert.deepStrictEqual([outside(node), candidates(node, "all.test")], [[], []])
      found(own, second, fourth)
      assert.deepStrictEqual([outside(node), candidates(node, "all.test")], [["all.test"], [fourth]])
      found(own, second, third)
      assert.deepStrictEqual(candidates(node, "all.test"), [third], "it was not there meanwhile")
      node.seeds.remember(["all.test"])
      assert.deepStrictEqual(candidates(node, "all.test"), [second, third])
      node.seeds.putAside("unknown.test", second)
      assert.isFalse(node.seeds.isAside("unknown.test", second))
    }))

  it.effect("are those that have answered only while somebody is lost, until a join names them", () =>
    Effect.gen(function*() {
      const node = yield* self()
      const lose = (count: number) =>
        Step.run(node, (m) => [{
          ...m,
          lost: { ...m.lost, peers: m.lost.peers.slice(0, count) }
        }, []])
      node.seeds.remember(["10.0.0.2"])
      node.seeds.answered("10.0.0.2")
      node.seeds.answered("10.0.0.3")
      assert.deepStrictEqual(outside(node), [])
      assert.isFalse(node.seeds.hasAnswered("10.0.0.3"))
      yield* member(node, "b", 9)
      node.heard.note({ ip: "10.0.0.9", port: 7946 }, 0)
      yield* died(node, "b")
      assert.deepStrictEqual(outside(node), ["10.0.0.2"])
      yield* lose(0)
      assert.deepStrictEqual(outside(node), [])
      node.seeds.remember(["10.0.0.2"])
      assert.deepStrictEqual(outside(node), ["10.0.0.2"])
    }))
})

/** Texts that are seeds and texts that are none, few enough to come again. */
const Text = Schema.Literals(["", "a b", "x/y/z", "10.0.0.1", "10.0.0.2", "10.0.0.3:1", "n.test", "m/n.test:2", "::1"])
const Operation = Schema.Union([
  Schema.TaggedStruct("Remember", { texts: Schema.Array(Text) }),
  Schema.TaggedStruct("Offer", { texts: Schema.Array(Text) }),
  Schema.TaggedStruct("Found", { text: Text, last: Schema.Literals([1, 2, 3]) })
])

describe("the seeds that a node knows", () => {
  it.prop(
    "are those that were given and the last list of the service, whatever happens in between",
    [Arbitrary.array(Arbitrary.schema(Operation), { maxLength: 30 })],
    ([operations]) => {
      const seeds = make(7946)
      const given = new Set<string>()
      let offered: ReadonlyArray<string> = []
      const isSeed = (text: string) => SeedText.parse(text, 7946) !== undefined
      for (const operation of operations) {
        if (operation._tag === "Found") {
          seeds.found(operation.text, at(operation.last))
          continue
        }
        const valid = operation.texts.filter(isSeed)
        if (operation._tag === "Remember") {
          seeds.remember(operation.texts)
          for (const text of valid) given.add(text)
        } else {
          const before = seeds.version()
          const { invalid, tooMany } = seeds.offer(operation.texts)
          assert.deepStrictEqual([invalid, tooMany], [operation.texts.length - valid.length, 0])
          const isOther = before === 0 || new Set([...valid, ...offered]).size !== new Set(offered).size
            || new Set(valid).size !== new Set(offered).size
          assert.strictEqual(seeds.version() !== before, isOther)
          offered = valid
        }
        assert.sameMembers([...seeds.all()], [...new Set([...offered, ...given])])
        assert.sameMembers([...seeds.offered()], [...new Set(offered)])
        for (const text of ["n.test", "m/n.test:2"]) {
          if (!seeds.all().includes(text)) assert.deepStrictEqual(seeds.addressesOf(text), [])
        }
      }
    }
  )

  it.effect("from joins are the newest, and no more than may be", () =>
    Effect.gen(function*() {
      const node = yield* self()
      const many = Array.from({ length: 1_000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`)
      for (const text of many) node.seeds.remember([text])
      assert.deepStrictEqual(node.seeds.all(), many.slice(-MAX_GIVEN))
      node.seeds.remember(many)
      assert.deepStrictEqual(node.seeds.all(), many.slice(-MAX_GIVEN))
      // one that is given again is new again
      node.seeds.remember([node.seeds.all()[0] ?? ""])
      node.seeds.remember(["10.9.9.9"])
      assert.deepStrictEqual(node.seeds.all(), [
        ...many.slice(2 - MAX_GIVEN),
        ...many.slice(-MAX_GIVEN, 1 - MAX_GIVEN),
        "10.9.9.9"
      ])
    }))

  it.effect("are no texts that are no seeds, and no addresses of seeds that are forgotten", () =>
    Effect.gen(function*() {
      const node = yield* self()
      node.seeds.remember(["x/y/z", "a b", "", "name.test"])
      assert.deepStrictEqual(node.seeds.all(), ["name.test"])
      node.seeds.found("other.test", at(2))
      node.seeds.found("name.test", at(2))
      assert.deepStrictEqual(node.seeds.addressesOf("other.test"), [])
      node.seeds.remember(Array.from({ length: MAX_GIVEN }, (_, i) => `10.1.0.${i}`))
      assert.deepStrictEqual(node.seeds.addressesOf("name.test"), [])
    }))

  it.effect("are told of each join before it ends, and keep what a lookup found", () =>
    Effect.gen(function*() {
      const node = yield* self()
      const given = { ...node, transport: { ...node.transport, resolve: () => Effect.succeed(["10.0.0.7"]) } }
      const joining = yield* Effect.forkChild(Join.join(given, ["seeds.test:99"]), { startImmediately: true })
      assert.deepStrictEqual(outside(node), ["seeds.test:99"])
      assert.deepStrictEqual(node.seeds.addressesOf("seeds.test:99"), [
        { ip: "10.0.0.7", port: 99, name: undefined }
      ])
      yield* Fiber.interrupt(joining)
    }).pipe(Effect.scoped))
})
