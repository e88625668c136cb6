/**
 * A map from names that is an immutable value and yet as fast as a mutable one, for who looks at its newest version alone.
 *
 * All versions share one native `Map`, which holds what the newest says; an older version knows how it differs from the
 * one that followed it. Asked nevertheless, it makes the shared `Map` say what it says, and the others differ from it.
 * (Baker, "Shallow Binding Makes Functional Arrays Fast", 1991.) A member table of thousands changes with every claim
 * that is news, and is asked for every claim there is; a tree copies a path for the one, and follows a path for the other.
 */

/** What a version says that differs from `from` in one `key`: it has `value`, or is absent if that is `undefined`. */
interface Difference<V> {
  readonly key: string
  readonly value: V | undefined
  readonly from: VersionedMap<V>
}

export class VersionedMap<V> {
  readonly size: number
  /** The shared map, in the one version it speaks for; else the difference. */
  private state: Map<string, V> | Difference<V>

  private constructor(state: Map<string, V>) {
    this.state = state
    this.size = state.size
  }

  static empty<V>(): VersionedMap<V> {
    return new VersionedMap<V>(new Map())
  }

  get(key: string): V | undefined {
    return this.own().get(key)
  }

  has(key: string): boolean {
    return this.own().has(key)
  }

  /** The values, in the order their keys were added. */
  values(): ReadonlyArray<V> {
    return Array.from(this.own().values())
  }

  /** Whether a value passes the test; no list is made. */
  some(test: (value: V) => boolean): boolean {
    for (const value of this.own().values()) if (test(value)) return true
    return false
  }

  /** Looks at every value, in the order their keys were added; no list is made. `look` must not ask another version. */
  each(look: (value: V) => void): void {
    for (const value of this.own().values()) look(value)
  }

  /** The next version, with another value under `key`; `undefined` removes it. The same version when nothing changes. */
  with(key: string, value: V | undefined): VersionedMap<V> {
    // What grows from an empty map shares nothing with it, so that an empty one can be everybody's beginning.
    if (this.size === 0) return value === undefined ? this : new VersionedMap(new Map([[key, value]]))
    const map = this.own()
    const before = map.get(key)
    if (before === value) return this
    write(map, key, value)
    const next = new VersionedMap(map)
    this.state = { key, value: before, from: next }
    return next
  }

  /** The shared map, saying what this version says. */
  private own(): Map<string, V> {
    return this.state instanceof Map ? this.state : VersionedMap.reroot(this)
  }

  private static reroot<V>(asked: VersionedMap<V>): Map<string, V> {
    // From the one that is asked to the one that has the map; then back, handing it on.
    const path: Array<readonly [VersionedMap<V>, Difference<V>]> = []
    let version = asked
    let state = version.state
    while (!(state instanceof Map)) {
      path.push([version, state])
      version = state.from
      state = version.state
    }
    const map = state
    for (const [older, { from, key, value }] of path.toReversed()) {
      from.state = { key, value: map.get(key), from: older }
      write(map, key, value)
      older.state = map
    }
    return map
  }
}

const write = <V>(map: Map<string, V>, key: string, value: V | undefined): void => {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}
