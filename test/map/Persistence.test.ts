import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import { Persistence } from "../../src/map/Persistence.ts"
import { Replica, type Rules } from "../../src/map/Replica.ts"

const rules: Rules = { life: 3_600_000, ahead: 60_000, mostEntries: 400_000, mostBytes: 2 ** 28 }

/** A store whose writes do as they are told: `failing` writes nothing, `unsure` writes and fails all the same. */
const storeOf = (
  content: Map<string, Uint8Array>,
  fateOf: (write: number) => "works" | "failing" | "unsure"
): KeyValueStore.KeyValueStore => {
  let writes = 0
  return KeyValueStore.make({
    get: () => Effect.undefined,
    getUint8Array: (key) => Effect.sync(() => content.get(key)),
    set: (key, value) =>
      Effect.suspend(() => {
        const fate = fateOf(writes++)
        if (fate !== "failing" && typeof value !== "string") content.set(key, value.slice())
        return fate === "works"
          ? Effect.void
          : Effect.fail(new KeyValueStore.KeyValueStoreError({ method: "set", message: "no answer" }))
      }),
    remove: () => Effect.void,
    clear: Effect.void,
    size: Effect.succeed(0),
    keys: Effect.succeed([])
  })
}

/** What a store has: each key's value, or that there is nothing, or that it is broken. */
const read = (content: Map<string, Uint8Array>) =>
  Effect.map(new Persistence(storeOf(content, () => "works"), "m").load, (loaded) => {
    if (loaded._tag !== "Kept") return loaded._tag
    return loaded.kept.entries.map(({ key, value }) => `${key}=${value}`).toSorted()
  })

describe("what is kept of a map", () => {
  it.effect("is of one moment, wherever a write fails, done or not, and wherever the program stops after that", () =>
    Effect.gen(function*() {
      for (const fate of ["failing", "unsure"] as const) {
        // three writes to the store, of two entries each, so at most two parts and a head
        for (let bad = 0; bad < 9; bad++) {
          for (let stop = bad + 1; stop < 12; stop++) {
            const content = new Map<string, Uint8Array>()
            const replica = new Replica("n", 1_000, rules)
            const store = storeOf(content, (write) => write === bad ? fate : write < stop ? "works" : "failing")
            const persistence = new Persistence(store, "m")
            const saved: Array<string> = [""]
            let whole = 0
            for (let round = 1; round <= 4; round++) {
              for (const key of ["a", "b"]) replica.write(key, new Uint8Array([round]), undefined, 1_000)
              saved.push(`a=${round},b=${round}`)
              const isWhole = yield* Effect.orElseSucceed(persistence.save(replica, () => 1_000), () => false)
              if (isWhole) whole = round
            }
            const is = yield* read(content)
            const where = `${fate} at ${bad}, stopped at ${stop}`
            if (typeof is === "string") {
              assert.deepStrictEqual([is, whole], ["Nothing", 0], where)
              continue
            }
            assert.isAtLeast(saved.indexOf(is.join()), Math.max(1, whole), where)
          }
        }
      }
    }))
})
