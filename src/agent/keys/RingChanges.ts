/**
 * Changes of an agent's keys: one after another, each of the ring and of the key file together. Whoever asked for one
 * may go away in between; it is done in full all the same.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { sameBytes } from "../../base/Address.ts"
import type { Keyring } from "../../Keyring.ts"
import { type KeyInvalid, KeyringRefused } from "../../MemberlistError.ts"
import type * as Model from "../Model.ts"
import { EncryptionOff, KeyUnknown } from "../Refusal.ts"
import * as Fingerprint from "./Fingerprint.ts"
import { type KeyFile, MAX_KEYS } from "./KeyFile.ts"

/** What can be asked for. */
export interface RingChanges {
  /** Adds a key; one that is there already is left where it is, unless it is to be used. */
  readonly add: (
    key: Uint8Array,
    use: boolean
  ) => Effect.Effect<Model.KeyChange, EncryptionOff | KeyInvalid | KeyringRefused>
  readonly use: (fingerprint: string) => Effect.Effect<Model.KeyChange, KeyUnknown | KeyringRefused>
  readonly remove: (fingerprint: string) => Effect.Effect<Model.Persistence, KeyUnknown | KeyringRefused>
}

const NO_FILE =
  "not written: the agent was started without a key file (MEMBERLIST_SECRET_KEY_FILE); what it was started "
  + "with instead must be changed before a restart"

/** Returns what can be asked for of a ring, whose keys came from this file. */
export const make = (keyring: Keyring["Service"], file: KeyFile | undefined): Effect.Effect<RingChanges> =>
  Effect.map(Semaphore.make(1), (turn) => {
    /** In its turn, and whole: a caller can only go away before it begins. */
    const whole = <A, E>(change: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      turn.withPermit(Effect.uninterruptible(change))

    const written = Effect.gen(function*() {
      const reason = file === undefined ? NO_FILE : yield* file.write(yield* keyring.keys)
      if (reason === undefined) return { persisted: true }
      if (file !== undefined) yield* Effect.logWarning(`the keys in force were ${reason}`)
      return { persisted: false, reason }
    })

    const known = (fingerprint: string) =>
      Effect.flatMap(keyring.keys, (keys) => {
        const key = keys.find((key) => Fingerprint.of(key) === fingerprint.toLowerCase())
        return key === undefined ? Effect.fail(new KeyUnknown({ fingerprint })) : Effect.succeed(key)
      })

    const told = (key: Uint8Array) =>
      Effect.map(keyring.keys, (keys) => ({
        fingerprint: Fingerprint.of(key),
        primary: sameBytes(keys[0] ?? null, key),
        bits: key.length * 8
      }))

    return {
      add: (key, use) =>
        whole(Effect.gen(function*() {
          const keys = yield* keyring.keys
          if (keys.length === 0 && !use) return yield* Effect.fail(new EncryptionOff({}))
          if (keys.length >= MAX_KEYS && !keys.some((known) => sameBytes(known, key))) {
            const expected = `at most ${MAX_KEYS} keys; remove one that nobody uses first`
            return yield* Effect.fail(new KeyringRefused({ operation: "add", expected }))
          }
          yield* keyring.add(key)
          if (use) yield* keyring.use(key)
          const how = keys.length === 0 ? " as the first: encryption is on from now on" : use ? ", and used" : ""
          yield* Effect.log(`key ${Fingerprint.of(key)} added${how}`)
          return { ...yield* told(key), ...yield* written }
        })),
      use: (fingerprint) =>
        whole(Effect.gen(function*() {
          const key = yield* known(fingerprint)
          yield* keyring.use(key)
          yield* Effect.log(`key ${Fingerprint.of(key)} used`)
          return { ...yield* told(key), ...yield* written }
        })),
      remove: (fingerprint) =>
        whole(Effect.gen(function*() {
          const key = yield* known(fingerprint)
          yield* keyring.remove(key)
          yield* Effect.log(`key ${Fingerprint.of(key)} removed`)
          return yield* written
        }))
    }
  })
