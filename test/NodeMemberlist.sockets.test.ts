import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Delegate } from "../src/Delegate.ts"
import { HostName } from "../src/HostName.ts"
import { Keyring } from "../src/Keyring.ts"
import { Memberlist } from "../src/Memberlist.ts"
import { MemberlistConfig, type Settings } from "../src/MemberlistConfig.ts"
import * as NodeMemberlist from "../src/NodeMemberlist.ts"
import { Seeds } from "../src/Seeds.ts"

const settings = (more: Settings): Settings => ({
  ...MemberlistConfig.local,
  bindAddress: "127.0.0.1",
  bindPort: 0,
  ...more
})

const build = <E>(layer: Layer.Layer<Memberlist, E>) => Effect.map(Layer.build(layer), Context.get(Memberlist))

const names = (cluster: Memberlist["Service"]) =>
  Effect.map(cluster.members, (members) => members.map(({ name }) => name).sort())

describe("NodeMemberlist.layer", () => {
  it.live("is a whole node: two of them find each other", () =>
    Effect.gen(function*() {
      const a = yield* build(NodeMemberlist.layer(settings({ name: "a" })))
      const b = yield* build(NodeMemberlist.layer(settings({ name: "b" })))
      yield* b.join([a.info.advertised])
      assert.deepStrictEqual(yield* names(a), ["a", "b"])
      assert.deepStrictEqual(yield* names(b), ["a", "b"])
    }))

  it.live("takes a delegate, keys and the host's name from below", () =>
    Effect.gen(function*() {
      const { info } = yield* build(
        NodeMemberlist.layer(settings({})).pipe(
          Layer.provide(Layer.succeed(Delegate, { admit: () => Effect.void })),
          Layer.provide(Keyring.layer({ primary: new Uint8Array(16).fill(1) })),
          Layer.provide(Layer.succeed(HostName, "host-1"))
        )
      )
      assert.deepInclude(info, { name: "host-1", delegate: ["admit"], keyring: "provided", encrypted: true })
    }))

  it.live("is one node where one value is used twice, and another with each call", () =>
    Effect.gen(function*() {
      const layer = NodeMemberlist.layer(settings({ name: "a" }))
      const other = NodeMemberlist.layer(settings({ name: "b" }))
      class First extends Context.Service<First, string>()("First") {}
      class Second extends Context.Service<Second, string>()("Second") {}
      class Third extends Context.Service<Third, string>()("Third") {}
      const bound = Effect.map(Memberlist, ({ info }) => info.bound)
      const context = yield* Layer.build(
        Layer.mergeAll(
          Layer.effect(First, bound).pipe(Layer.provide(layer)),
          Layer.effect(Second, bound).pipe(Layer.provide(layer)),
          Layer.effect(Third, bound).pipe(Layer.provide(other))
        )
      )
      assert.strictEqual(Context.get(context, First), Context.get(context, Second))
      assert.notStrictEqual(Context.get(context, First), Context.get(context, Third))
    }))

  it.live("fails with typed errors: a setting that is wrong, a port that is taken", () =>
    Effect.gen(function*() {
      const failing = (more: Settings) => Effect.scoped(Effect.flip(build(NodeMemberlist.layer(settings(more)))))
      assert.deepInclude({ ...(yield* failing({ name: "a", probeTimeout: 0 })) }, {
        _tag: "ConfigInvalid",
        field: "probeTimeout"
      })
      const a = yield* build(NodeMemberlist.layer(settings({ name: "a" })))
      const { port } = yield* a.localMember
      assert.deepInclude({ ...(yield* failing({ name: "b", bindPort: port })) }, {
        _tag: "BindFailed",
        kind: "AddressInUse"
      })
    }))
})

describe("NodeMemberlist.layerEnv", () => {
  const env = (variables: Record<string, string>) =>
    Effect.provideService(
      build(Layer.fresh(NodeMemberlist.layerEnv)),
      ConfigProvider.ConfigProvider,
      ConfigProvider.fromEnvRecord(variables)
    )
  const variables = { MEMBERLIST_PRESET: "local", MEMBERLIST_BIND_ADDRESS: "127.0.0.1", MEMBERLIST_BIND_PORT: "0" }

  it.live("is a whole node of what the environment says", () =>
    Effect.gen(function*() {
      const a = yield* env({ ...variables, MEMBERLIST_NAME: "a", MEMBERLIST_LABEL: "blue" })
      assert.deepInclude(a.info, { name: "a", label: "blue" })
      const b = yield* env({ ...variables, HOSTNAME: "b", MEMBERLIST_LABEL: "blue" })
      yield* b.join([a.info.advertised])
      assert.deepStrictEqual(yield* names(a), ["a", "b"])
    }))

  it.live("fails with the variable that is wrong", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(env({ ...variables, MEMBERLIST_NAME: "a", MEMBERLIST_BIND_PORT: "high" }))
      assert.deepInclude({ ...error }, { _tag: "ConfigInvalid", field: "MEMBERLIST_BIND_PORT" })
    }))

  it.live("joins by itself through MEMBERLIST_SEEDS, and through others where a program provides them", () =>
    Effect.gen(function*() {
      const a = yield* env({ ...variables, MEMBERLIST_NAME: "a" })
      assert.strictEqual(a.info.seeds, "none")
      const from = { ...variables, MEMBERLIST_SEEDS: ` ${a.info.advertised} , localhost:1,` }
      const b = yield* env({ ...from, MEMBERLIST_NAME: "b" })
      assert.strictEqual(b.info.seeds, "MEMBERLIST_SEEDS")
      assert.deepStrictEqual(yield* b.ready, { _tag: "Joined" })
      assert.deepStrictEqual(yield* names(a), ["a", "b"])
      const c = yield* build(NodeMemberlist.layerEnv.pipe(Layer.provide(Seeds.layerStatic([])))).pipe(
        Effect.provideService(
          ConfigProvider.ConfigProvider,
          ConfigProvider.fromEnvRecord({ ...from, MEMBERLIST_NAME: "c" })
        )
      )
      assert.strictEqual(c.info.seeds, "static")
      assert.deepStrictEqual(yield* c.ready, { _tag: "Alone", reason: "NoSeeds" })
      const error = yield* Effect.flip(env({ ...variables, MEMBERLIST_NAME: "d", MEMBERLIST_SEEDS: "a b" }))
      assert.deepInclude({ ...error }, { _tag: "SeedInvalid", seed: "a b" })
    }))
})
