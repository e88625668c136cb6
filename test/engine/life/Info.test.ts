import { assert, describe } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Delegate } from "../../../src/Delegate.ts"
import { table, textOf } from "../../../src/engine/telemetry/LogMessages.ts"
import { Keyring } from "../../../src/Keyring.ts"
import { Memberlist, MemberlistLive } from "../../../src/Memberlist.ts"
import { MemberlistConfig, type Settings } from "../../../src/MemberlistConfig.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest } from "../../support/Cluster.ts"
import { entries, logging } from "../../support/Telemetry.ts"

const key = (byte: number) => new Uint8Array(16).fill(byte)
const DelegateLive = Layer.succeed(Delegate, {
  merge: () => Effect.void,
  admit: () => Effect.void,
  localState: undefined
})

const layer = (settings: Settings = {}, ip = "10.0.0.1") =>
  Memberlist.layer.pipe(
    Layer.provide(SimulatedNetwork.transport(ip)),
    Layer.provide(MemberlistConfig.layer({ ...MemberlistConfig.lan, name: "a", leaveTimeout: 0, ...settings }))
  )

const infoOf = <E, R>(live: Layer.Layer<Memberlist, E, R>) =>
  Effect.map(Layer.build(live), (context) => Context.get(context, Memberlist).info)

describe("what a node found when it started", () => {
  clusterTest(
    "is its name, its addresses, and nothing that was not provided",
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* infoOf(layer()), {
        name: "a",
        delegate: [],
        keyring: "none",
        seeds: "none",
        encrypted: false,
        label: "",
        profile: "memberlist",
        snapshot: "",
        bound: "10.0.0.1:7946",
        advertised: "10.0.0.1:7946"
      })
    })
  )

  clusterTest(
    "has the hooks of a delegate that is provided below its layer, and none of one that is beside it",
    Effect.gen(function*() {
      const below = yield* infoOf(Layer.provide(layer(), DelegateLive))
      assert.deepStrictEqual(below.delegate, ["admit", "merge"])
      const beside = yield* infoOf(Layer.merge(layer({}, "10.0.0.2"), DelegateLive))
      assert.deepStrictEqual(beside.delegate, [])
    })
  )

  clusterTest(
    "says where its keys come from",
    Effect.gen(function*() {
      const secretKey = Redacted.make(key(1))
      const ring = (ip: string, settings: Settings = {}) =>
        Effect.map(
          infoOf(Layer.provide(layer(settings, ip), Keyring.layer({ primary: key(2) }))),
          ({ encrypted, keyring }) => [keyring, encrypted]
        )
      const { encrypted, keyring } = yield* infoOf(layer({ secretKey }))
      assert.deepStrictEqual([keyring, encrypted], ["secretKey", true])
      assert.deepStrictEqual(yield* ring("10.0.0.2"), ["provided", true])
      assert.deepStrictEqual(yield* ring("10.0.0.3", { secretKey }), ["provided and secretKey", true])
      const empty = yield* infoOf(Layer.provide(layer({}, "10.0.0.9"), Keyring.layer({})))
      assert.deepStrictEqual([empty.keyring, empty.encrypted], ["provided", false])
    })
  )

  clusterTest(
    "is in the log of the start",
    logging(
      (log) =>
        Effect.gen(function*() {
          const settings = { label: "blue", profile: "paper", secretKey: Redacted.make(key(1)) } as const
          yield* infoOf(Layer.provide(layer(settings), DelegateLive))
          yield* infoOf(layer({ name: "b" }, "10.0.0.2"))
          const started = entries(log, textOf(table.Started)).map(({ annotations }) => annotations)
          assert.deepStrictEqual(started, [
            {
              node: "a",
              peer: "10.0.0.1:7946",
              detail:
                "encrypted; keys: secretKey; seeds: none; hooks: admit, merge; label: \"blue\"; profile: paper; snapshot: none; "
                + "bound: 10.0.0.1:7946"
            },
            {
              node: "b",
              peer: "10.0.0.2:7946",
              detail:
                "in clear; keys: none; seeds: none; hooks: none; label: none; profile: memberlist; snapshot: none; "
                + "bound: 10.0.0.2:7946"
            }
          ])
        }),
      "Debug"
    )
  )
})

describe("Memberlist.layer", () => {
  clusterTest(
    "is MemberlistLive, and each build is a node of its own",
    Effect.gen(function*() {
      assert.strictEqual(Memberlist.layer, MemberlistLive)
      const [a, b] = yield* Effect.all([infoOf(layer()), infoOf(layer({ name: "b" }, "10.0.0.2"))])
      assert.deepStrictEqual([a.name, b.name], ["a", "b"])
    })
  )
})
