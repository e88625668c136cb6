import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Fingerprint from "../../../src/agent/keys/Fingerprint.ts"
import { type KeyFile, MAX_KEYS, type Ring } from "../../../src/agent/keys/KeyFile.ts"
import * as RingChanges from "../../../src/agent/keys/RingChanges.ts"
import { Keyring } from "../../../src/Keyring.ts"

const key = (byte: number) => new Uint8Array(16).fill(byte)
const of = (byte: number) => Fingerprint.of(key(byte))

/** A file that waits until it is opened, and what was written. */
const slowFile = (reason?: string) => {
  const open = Latch.makeUnsafe(false)
  const written: Array<Ring> = []
  const file: KeyFile = {
    keys: [],
    write: (keys) =>
      Effect.andThen(
        open.await,
        Effect.sync(() => {
          written.push(keys)
          return reason
        })
      )
  }
  return { file, written, open: open.open }
}

it.effect("changes that come at once are made one after another, and each is written before it is answered", () =>
  Effect.gen(function*() {
    const { file, open, written } = slowFile()
    const keyring = yield* Keyring.make({ primary: key(1) })
    const changes = yield* RingChanges.make(keyring, file)
    const first = yield* Effect.forkChild(changes.add(key(2), true), { startImmediately: true })
    const second = yield* Effect.forkChild(changes.add(key(3), false), { startImmediately: true })
    const third = yield* Effect.forkChild(changes.remove(of(1)), { startImmediately: true })
    yield* Effect.yieldNow
    assert.lengthOf(yield* keyring.keys, 2)
    assert.isUndefined(first.pollUnsafe())
    yield* open
    assert.deepStrictEqual(yield* Fiber.join(first), { fingerprint: of(2), primary: true, bits: 128, persisted: true })
    assert.deepStrictEqual(yield* Fiber.join(second), {
      fingerprint: of(3),
      primary: false,
      bits: 128,
      persisted: true
    })
    assert.deepStrictEqual(yield* Fiber.join(third), { persisted: true })
    assert.deepStrictEqual(written, [[key(2), key(1)], [key(2), key(1), key(3)], [key(2), key(3)]])
  }))

it.effect("a caller that goes away leaves the ring and the file the same", () =>
  Effect.gen(function*() {
    const { file, open, written } = slowFile()
    const keyring = yield* Keyring.make({ primary: key(1) })
    const changes = yield* RingChanges.make(keyring, file)
    const gone = yield* Effect.forkChild(changes.add(key(2), true), { startImmediately: true })
    const waiting = yield* Effect.forkChild(changes.add(key(3), true), { startImmediately: true })
    // one that still waits for its turn leaves no trace
    yield* Fiber.interrupt(waiting)
    const interrupting = yield* Effect.forkChild(Fiber.interrupt(gone), { startImmediately: true })
    yield* Effect.yieldNow
    assert.deepStrictEqual(written, [])
    yield* open
    yield* Fiber.join(interrupting)
    assert.deepStrictEqual(written, [[key(2), key(1)]])
    assert.deepStrictEqual(yield* keyring.keys, written[0])
  }))

it.effect("a first key is only taken where it is to be used, also when two come at once", () =>
  Effect.gen(function*() {
    const keyring = yield* Keyring.make({})
    const changes = yield* RingChanges.make(keyring, undefined)
    const add = (byte: number, use: boolean) => Effect.result(changes.add(key(byte), use))
    const [refused, used, added] = yield* Effect.all([add(1, false), add(2, true), add(3, false)], {
      concurrency: "unbounded"
    })
    assert(refused._tag === "Failure" && refused.failure._tag === "EncryptionOff")
    assert.deepStrictEqual([used._tag, added._tag], ["Success", "Success"])
    assert.deepStrictEqual(yield* keyring.keys, [key(2), key(3)])
  }))

it.effect("keys that cannot be written are in force all the same, and it is said why", () =>
  Effect.gen(function*() {
    const { file, open } = slowFile("not written to /k: no space is left")
    yield* open
    const keyring = yield* Keyring.make({ primary: key(1) })
    const changes = yield* RingChanges.make(keyring, file)
    assert.deepStrictEqual(yield* changes.add(key(2), true), {
      fingerprint: of(2),
      primary: true,
      bits: 128,
      persisted: false,
      reason: "not written to /k: no space is left"
    })
    assert.deepStrictEqual(yield* keyring.keys, [key(2), key(1)])
    const without = yield* RingChanges.make(keyring, undefined)
    const told = yield* without.use(of(2))
    assert.deepInclude(told, { persisted: false })
    assert.match(told.reason ?? "", /without a key file/)
  }))

it.effect("a ring has few keys, and one that is there already is no other", () =>
  Effect.gen(function*() {
    const keyring = yield* Keyring.make({ primary: key(0) })
    const changes = yield* RingChanges.make(keyring, undefined)
    for (let at = 1; at < MAX_KEYS; at++) yield* changes.add(key(at), false)
    const error = yield* Effect.flip(changes.add(key(99), true))
    assert.strictEqual(
      error.message,
      "keyring: cannot add; expected at most 16 keys; remove one that nobody uses first"
    )
    assert.deepInclude(yield* changes.add(key(3), true), { primary: true })
    assert.lengthOf(yield* keyring.keys, MAX_KEYS)
  }))
