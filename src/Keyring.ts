/**
 * The gossip keys of a cluster, primary first. What we send is sealed with the primary; what we receive may be sealed
 * with any. Rotation without downtime: `add` the new key everywhere, `use` it everywhere, `remove` the old one
 * everywhere. An empty ring means no encryption.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MutableRef from "effect/MutableRef"
import { sameBytes } from "./base/Address.ts"
import { KeyInvalid, KeyringRefused } from "./MemberlistError.ts"

/** The keys a ring starts with: the primary, then the others in order. Keys without a primary are refused. */
export interface Options {
  readonly primary?: Uint8Array | undefined
  readonly keys?: ReadonlyArray<Uint8Array> | undefined
}

const indexOf = (ring: ReadonlyArray<Uint8Array>, key: Uint8Array) => ring.findIndex((known) => sameBytes(known, key))

/** Copied, so that the caller cannot change a key in use. memberlist: `ValidateKey`. */
const checked = (key: Uint8Array): Effect.Effect<Uint8Array, KeyInvalid> =>
  key.length === 16 || key.length === 24 || key.length === 32
    ? Effect.succeed(new Uint8Array(key))
    : Effect.fail(new KeyInvalid({ length: key.length }))

/** What an operation makes of the ring, or why it refuses. */
type Change = (ring: ReadonlyArray<Uint8Array>) => ReadonlyArray<Uint8Array> | KeyringRefused

/** The key, moved to the front. memberlist: `UseKey`. */
const promote = (key: Uint8Array): Change => (ring) => {
  const at = indexOf(ring, key)
  const found = ring[at]
  return found === undefined
    ? new KeyringRefused({ operation: "use", expected: "a key that is in the ring; add it first" })
    : [found, ...ring.filter((_, i) => i !== at)]
}

/** The ring without the key, which may be absent but not primary. memberlist: `RemoveKey`. */
const without = (key: Uint8Array): Change => (ring) =>
  ring.length === 0 || indexOf(ring, key) === 0
    ? new KeyringRefused({ operation: "remove", expected: "a key that is not the primary one; use another first" })
    : ring.filter((known) => !sameBytes(known, key))

/**
 * The ring. Every operation is atomic.
 *
 * @category services
 * @since 0.1.0
 */
export class Keyring extends Context.Service<Keyring, {
  /** The keys, primary first. memberlist: `GetKeys`. */
  readonly keys: Effect.Effect<ReadonlyArray<Uint8Array>>
  /** Adds a key at the end; the first key is the primary. A key that is there already changes nothing. */
  readonly add: (key: Uint8Array) => Effect.Effect<void, KeyInvalid>
  /** Makes a key of the ring the primary one. */
  readonly use: (key: Uint8Array) => Effect.Effect<void, KeyringRefused>
  /** Removes a key other than the primary; one that is not there changes nothing. */
  readonly remove: (key: Uint8Array) => Effect.Effect<void, KeyringRefused>
  /** The keys without an Effect, for each packet; the same array until the ring changes. */
  readonly keysUnsafe: () => ReadonlyArray<Uint8Array>
}>()("effect-memberlist/Keyring") {
  /** A new ring. memberlist: `NewKeyring`. */
  static readonly make = Effect.fnUntraced(function*(
    options: Options
  ): Effect.fn.Return<Keyring["Service"], KeyInvalid | KeyringRefused> {
    const others = options.keys ?? []
    if (options.primary === undefined && others.length > 0) {
      return yield* new KeyringRefused({ operation: "make", expected: "a primary key beside the other keys" })
    }
    const given = options.primary === undefined ? [] : [options.primary, ...others]
    const initial = yield* Effect.forEach(given, checked)
    const ring = MutableRef.make<ReadonlyArray<Uint8Array>>(
      initial.filter((key, i) => indexOf(initial, key) === i)
    )
    const change = (f: Change): Effect.Effect<void, KeyringRefused> =>
      Effect.suspend(() => {
        const next = f(ring.current)
        if (next instanceof KeyringRefused) return Effect.fail(next)
        ring.current = next
        return Effect.void
      })
    return Keyring.of({
      keys: Effect.sync(() => ring.current.map((key) => new Uint8Array(key))),
      add: (key) =>
        Effect.map(checked(key), (copy) => {
          if (indexOf(ring.current, copy) === -1) ring.current = [...ring.current, copy]
        }),
      use: (key) => change(promote(key)),
      remove: (key) => change(without(key)),
      keysUnsafe: () => ring.current
    })
  })

  /** A ring for the nodes this layer is provided to. */
  static readonly layer = (options: Options): Layer.Layer<Keyring, KeyInvalid | KeyringRefused> =>
    Layer.effect(Keyring, Keyring.make(options))
}
