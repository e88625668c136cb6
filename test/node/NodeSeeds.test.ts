import { assert, describe, it } from "@effect/vitest"
import * as ByteSize from "effect/ByteSize"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as PlatformError from "effect/PlatformError"
import { TestClock } from "effect/testing"
import * as NodeSeeds from "../../src/node/NodeSeeds.ts"
import { Seeds } from "../../src/Seeds.ts"
import { clusterTest, start } from "../support/Cluster.ts"
import { counted } from "../support/Fields.ts"

const PATH = "/etc/seeds"

/** One file, which a test writes. */
class File {
  text: string | undefined = undefined
  type: FileSystem.File.Type = "File"
  size: number | undefined = undefined
  readonly readAt: Array<number> = []

  private readonly missing = PlatformError.systemError({
    _tag: "NotFound",
    module: "FileSystem",
    method: "stat",
    pathOrDescriptor: PATH
  })

  readonly layer = FileSystem.layerNoop({
    stat: () =>
      Effect.suspend(() => {
        const { missing, size, text, type } = this
        if (text === undefined) return Effect.fail(missing)
        const info = { type, size: ByteSize.bytes(size ?? text.length) }
        return Effect.succeed(info as FileSystem.File.Info)
      }),
    readFileString: () =>
      Effect.suspend(() => {
        const { missing, text } = this
        return text === undefined ? Effect.fail(missing) : Effect.succeed(text)
      })
  })
}

const node = (file: File) =>
  start("b", "10.0.0.2", {
    seeds: NodeSeeds.layerFile({ path: PATH }).pipe(Layer.provide(file.layer), Layer.orDie)
  })

const why = Effect.fnUntraced(function*({ cluster }: Effect.Success<ReturnType<typeof node>>) {
  const trying = yield* cluster.readiness
  return trying._tag === "Trying" ? trying.why : trying._tag
})

describe("a file of seeds", () => {
  clusterTest(
    "has one a line, and comments, and is read again",
    Effect.gen(function*() {
      const file = new File()
      file.text = "\uFEFF# nobody yet\r\n\r\n  10.0.0.9  # down\r\n"
      const b = yield* node(file)
      assert.strictEqual(b.cluster.info.seeds, `file ${PATH}`)
      yield* TestClock.adjust("10 seconds")
      assert.include(yield* why(b), "10.0.0.9:7946")
      yield* start("a", "10.0.0.1")
      file.text = "10.0.0.9\n10.0.0.1"
      yield* TestClock.adjust("7 seconds")
      assert.strictEqual(yield* why(b), "Joined")
      assert.strictEqual(yield* counted(b, "seeds.refused:SeedInvalid"), 0)
    })
  )

  clusterTest(
    "that is missing at the start is read when it is there, and one that is empty is no seeds",
    Effect.gen(function*() {
      const file = new File()
      const b = yield* node(file)
      yield* TestClock.adjust("10 seconds")
      assert.match(yield* why(b), /^no seeds from file \/etc\/seeds: .*NotFound/)
      assert.isAtLeast(yield* counted(b, "seeds.failed:File"), 3)
      file.text = "\n# none\n"
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* b.cluster.readiness, { _tag: "Alone", reason: "NoSeeds" })
    })
  )

  clusterTest(
    "that vanishes keeps the seeds it had",
    Effect.gen(function*() {
      const file = new File()
      file.text = "10.0.0.1"
      const b = yield* node(file)
      yield* TestClock.adjust("10 seconds")
      file.text = undefined
      yield* TestClock.adjust("2 minutes")
      assert.isAtLeast(yield* counted(b, "seeds.failed:File"), 3)
      yield* start("a", "10.0.0.1")
      yield* TestClock.adjust("40 seconds")
      assert.strictEqual(yield* why(b), "Joined")
    })
  )

  for (
    const [what, become, expected] of [
      ["that is no file", (file: File) => (file.type = "Directory"), /it is no file, but a Directory/],
      ["that is too large", (file: File) => (file.size = 2_097_153), /has 2097153 bytes.* at most 2097152/]
    ] as const
  ) {
    clusterTest(
      `${what} is refused with what would be right`,
      Effect.gen(function*() {
        const file = new File()
        file.text = "10.0.0.1"
        become(file)
        const b = yield* node(file)
        yield* TestClock.adjust("10 seconds")
        assert.match(yield* why(b), expected)
      })
    )
  }

  clusterTest(
    "of 100,000 lines costs 1,024 seeds, and the rest is counted",
    Effect.gen(function*() {
      const file = new File()
      file.text = Array.from({ length: 100_000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`).join("\n")
      yield* start("a", "10.0.0.1")
      const b = yield* node(file)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* counted(b, "seeds.refused:TooMany"), 98_976)
    })
  )
})

describe("a source of seeds", () => {
  const failing = <R>(layer: Layer.Layer<Seeds, unknown, R>) => Effect.flip(Effect.scoped(Layer.build(layer)))
  const wrong = [
    ["layerDns.name", NodeSeeds.layerDns({ name: "" })],
    ["layerDns.name", NodeSeeds.layerDns({ name: "10.0.0.1" })],
    ["layerDns.name", NodeSeeds.layerDns({ name: "a b" })],
    ["layerDns.port", NodeSeeds.layerDns({ name: "a.test", port: 0 })],
    ["layerDns.port", NodeSeeds.layerDns({ name: "a.test", port: 65_536 })],
    ["layerDns.port", NodeSeeds.layerDns({ name: "a.test", port: 1.5 })],
    ["layerDns.interval", NodeSeeds.layerDns({ name: "a.test", interval: 0 })],
    ["layerDns.timeout", NodeSeeds.layerDns({ name: "a.test", timeout: "Infinity" })],
    ["layerSrv.name", NodeSeeds.layerSrv({ name: "-" })],
    ["layerSrv.interval", NodeSeeds.layerSrv({ name: "a.test", interval: -1 })],
    ["layerFile.interval", Layer.provide(NodeSeeds.layerFile({ path: PATH, interval: 0 }), new File().layer)]
  ] as const
  for (const [i, [field, layer]] of wrong.entries()) {
    it.effect(`fails with the option that is wrong, ${i + 1}: ${field}`, () =>
      Effect.gen(function*() {
        const error = yield* failing(layer)
        assert.deepInclude({ ...(error as object) }, { _tag: "ConfigInvalid", field })
      }))
  }

  it.effect("tells what it is", () =>
    Effect.gen(function*() {
      const sources = yield* Effect.forEach(
        [
          NodeSeeds.layerDns({ name: "a.test" }),
          NodeSeeds.layerSrv({ name: "_m._tcp.a.test" }),
          Layer.provide(NodeSeeds.layerFile({ path: PATH }), new File().layer)
        ],
        (layer) => Effect.map(Layer.build(layer), (context) => Context.get(context, Seeds).source)
      )
      assert.deepStrictEqual(sources, ["DNS a.test", "DNS SRV _m._tcp.a.test", "file /etc/seeds"])
    }))
})
