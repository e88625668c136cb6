import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import { MemberlistConfig } from "../src/MemberlistConfig.ts"
import { Seeds } from "../src/Seeds.ts"

const build = <E>(layer: Layer.Layer<Seeds, E>) => Effect.map(Layer.build(layer), Context.get(Seeds))

/** Everything a source that ends tells. */
const lists = <E>(layer: Layer.Layer<Seeds, E>) =>
  Effect.flatMap(build(layer), ({ changes }) => Stream.runCollect(changes))

const env = (variables: Record<string, string>) =>
  Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(variables)))

describe("fixed seeds", () => {
  it.effect("are told once, as they were when the layer was made", () =>
    Effect.gen(function*() {
      const given = ["a.test", "n/10.0.0.1:1"]
      const layer = Seeds.layerStatic(given)
      assert.deepStrictEqual([...(yield* lists(layer))], [["a.test", "n/10.0.0.1:1"]])
    }))

  for (const wrong of ["", "a b", "x/y/z", "h:99999", "[::1"]) {
    it.effect(`fail with the one that is none: ${JSON.stringify(wrong)}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(build(Seeds.layerStatic(["a.test", wrong])))
        assert.strictEqual(error._tag, "SeedInvalid")
        assert.strictEqual(error.seed, wrong)
        assert.include(error.message, "[name/]host[:port]")
      }))
  }
})

describe("seeds from the environment", () => {
  for (
    const [text, expected] of [
      ["10.0.0.1", ["10.0.0.1"]],
      [" a.test:1 ,, b/b.test,", ["a.test:1", "b/b.test"]],
      [" , ", []],
      ["", []]
    ] as const
  ) {
    it.effect(`${JSON.stringify(text)} are ${JSON.stringify(expected)}`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual([...(yield* lists(Seeds.layerEnv))], [expected])
      }).pipe(env({ MEMBERLIST_SEEDS: text })))
  }

  it.effect("are none when there is no variable, and fail with a text that is none", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual([...(yield* lists(Seeds.layerEnv).pipe(env({})))], [[]])
      const error = yield* Effect.flip(build(Seeds.layerEnv).pipe(env({ MEMBERLIST_SEEDS: "a,b c" })))
      assert.strictEqual(error._tag, "SeedInvalid")
    }))

  it.effect("are no setting that nobody knows", () =>
    Effect.gen(function*() {
      const warnings: Array<string> = []
      const logger = Logger.make<unknown, void>(({ message }) => void warnings.push(String(message)))
      yield* Layer.build(MemberlistConfig.layerEnv).pipe(
        env({ MEMBERLIST_NAME: "a", MEMBERLIST_SEEDS: "10.0.0.1", MEMBERLIST_SEED: "10.0.0.1" }),
        Effect.provideService(Logger.CurrentLoggers, new Set([logger]))
      )
      assert.strictEqual(warnings.length, 1)
      assert.include(warnings[0], "MEMBERLIST_SEED is ignored")
      assert.include(warnings[0], "set MEMBERLIST_SEEDS")
    }))
})

describe("seeds of a stream", () => {
  class Registry extends Context.Service<Registry, string>()("Registry") {}

  it.effect("are its lists, with the services that it was made with, and its failures say what failed", () =>
    Effect.gen(function*() {
      const changes = Stream.fromEffect(Effect.map(Registry, (host) => [host])).pipe(
        Stream.concat(Stream.fail(new Error("gone")))
      )
      const layer = Seeds.layerStream(changes, { source: "registry" }).pipe(
        Layer.provide(Layer.succeed(Registry, "10.0.0.7"))
      )
      const seeds = yield* build(layer)
      const told: Array<ReadonlyArray<string>> = []
      const error = yield* Effect.flip(Stream.runForEach(seeds.changes, (list) => Effect.sync(() => told.push(list))))
      assert.deepStrictEqual(told, [["10.0.0.7"]])
      assert.deepStrictEqual([seeds.source, error.kind], ["registry", "Stream"])
      assert.strictEqual(error.message, "no seeds from registry: gone")
    }))

  it.effect("may fail with anything, and is called a stream where it has no other name", () =>
    Effect.gen(function*() {
      const messages = yield* Effect.forEach([{ code: 7 }, "text", undefined, 5], (cause) =>
        Effect.map(
          Effect.flatMap(
            build(Seeds.layerStream(Stream.fail(cause))),
            ({ changes }) => Effect.flip(Stream.runDrain(changes))
          ),
          ({ message }) => message
        ))
      assert.match(messages[0] ?? "", /^no seeds from stream: .*7/s)
      assert.strictEqual(messages[1], "no seeds from stream: text")
      assert.strictEqual(messages.length, 4)
    }))
})
