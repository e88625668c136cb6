import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { Memberlist } from "../../src/Memberlist.ts"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"
import * as NodeMemberlist from "../../src/NodeMemberlist.ts"
import * as ReplicatedMap from "../../src/ReplicatedMap.ts"

const Texts = ReplicatedMap.make("texts", { key: Schema.String, value: Schema.String })

/** A node with a map, and its store in a folder where there is one; it lives until the scope closes. */
const node = Effect.fnUntraced(function*(name: string, folder?: string) {
  const options: ReplicatedMap.Options = { maxValueBytes: 1_048_576, writeInterval: "100 millis" }
  const map = folder === undefined
    ? Texts.layer(options)
    : Texts.layerPersisted(options).pipe(
      Layer.provide(KeyValueStore.layerFileSystem(folder)),
      Layer.provide(NodeServices.layer)
    )
  const settings = { ...MemberlistConfig.local, bindAddress: "127.0.0.1", bindPort: 0, name }
  const context = yield* Layer.build(Layer.fresh(Layer.provideMerge(map, NodeMemberlist.layer(settings))))
  return { texts: Context.get(context, Texts), cluster: Context.get(context, Memberlist) }
})

describe("a map over real sockets", () => {
  it.live("is the same at both, large values too, and is there again from the files of a folder", () =>
    Effect.gen(function*() {
      const folder = yield* FileSystem.FileSystem.use((fs) => fs.makeTempDirectoryScoped())
      const a = yield* node("a")
      const life = yield* Scope.make()
      const b = yield* Scope.provide(node("b", folder), life)
      yield* b.cluster.join([a.cluster.info.advertised])
      yield* b.texts.ready
      const large = "x".repeat(300_000)
      yield* a.texts.set("large", large)
      for (let i = 0; i < 200; i++) yield* a.texts.set(`k${i}`, String(i))
      while (!(yield* b.texts.has("large")) || (yield* b.texts.size) < 201) yield* Effect.sleep(10)
      yield* a.texts.set("last", "")
      while (!(yield* b.texts.has("last"))) yield* Effect.sleep(10)
      yield* Scope.close(life, Exit.void)
      const again = yield* node("b", folder)
      assert.strictEqual(yield* again.texts.size, 202)
      assert.deepStrictEqual(yield* again.texts.get("large"), Option.some(large))
    }).pipe(Effect.provide(NodeServices.layer)))
})
