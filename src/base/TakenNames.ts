/**
 * Names that only one may have at a time, for each owner: what a node announces, and the topics it takes part in. An
 * owner that is gone leaves nothing behind.
 *
 * @since 0.1.0
 */

export interface TakenNames {
  /** Takes a name; false, and nothing is taken, where somebody has it. */
  readonly take: (owner: object, name: string) => boolean
  readonly release: (owner: object, name: string) => void
  readonly isTaken: (owner: object, name: string) => boolean
}

/** Makes it, with no name taken. */
export const make = (): TakenNames => {
  const byOwner = new WeakMap<object, Set<string>>()
  return {
    take: (owner, name) => {
      const names = byOwner.get(owner) ?? new Set()
      if (names.has(name)) return false
      byOwner.set(owner, names.add(name))
      return true
    },
    release: (owner, name) => void byOwner.get(owner)?.delete(name),
    isTaken: (owner, name) => byOwner.get(owner)?.has(name) === true
  }
}
