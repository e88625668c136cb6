import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Os from "node:os"
import { HostName } from "../../src/HostName.ts"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"
import * as NodeHostName from "../../src/node/NodeHostName.ts"

const nameOf = <E, R>(config: Layer.Layer<MemberlistConfig, E, R>) =>
  Effect.map(Effect.provide(MemberlistConfig, config, { local: true }), ({ name }) => name)

const env = (variables: Record<string, string>) => ConfigProvider.layer(ConfigProvider.fromEnvRecord(variables))

const host = Layer.succeed(HostName, "host-1")

describe("name", () => {
  it.effect("is the operating system's host name when that is provided, as in memberlist", () =>
    Effect.gen(function*() {
      const config = MemberlistConfig.layer(MemberlistConfig.lan).pipe(Layer.provide(NodeHostName.layer))
      assert.strictEqual(yield* nameOf(config), Os.hostname())
    }))

  it.effect("is what the settings say before what the host is called", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* nameOf(MemberlistConfig.layer({ name: "a" }).pipe(Layer.provide(host))), "a")
    }))

  it.effect("in the environment is MEMBERLIST_NAME, then HOSTNAME, then the host's", () =>
    Effect.gen(function*() {
      const found = (variables: Record<string, string>) =>
        nameOf(MemberlistConfig.layerEnv.pipe(Layer.provide(Layer.merge(host, env(variables)))))
      assert.strictEqual(yield* found({ MEMBERLIST_NAME: "a", HOSTNAME: "pod-1" }), "a")
      assert.strictEqual(yield* found({ HOSTNAME: "pod-1" }), "pod-1")
      assert.strictEqual(yield* found({}), "host-1")
    }))

  it.effect("that nothing gives is refused, with what to do", () =>
    Effect.gen(function*() {
      for (const config of [MemberlistConfig.layer({}), MemberlistConfig.layerEnv.pipe(Layer.provide(env({})))]) {
        const error = yield* Effect.flip(nameOf(config))
        assert.strictEqual(error._tag, "ConfigInvalid")
        assert.match(error.message, /"name".*NodeHostName\.layer/)
      }
    }))

  it.effect("of a host that has none is refused as well", () =>
    Effect.gen(function*() {
      const config = MemberlistConfig.layer({}).pipe(Layer.provide(Layer.succeed(HostName, "")))
      assert.strictEqual((yield* Effect.flip(nameOf(config)))._tag, "ConfigInvalid")
    }))
})
