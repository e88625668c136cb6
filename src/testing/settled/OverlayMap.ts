/**
 * A map that begins with the content of another, which many may share and nobody changes, and has of its own only what
 * has changed since.
 *
 * @since 0.1.0
 */
export class OverlayMap<V> extends Map<string, V> {
  /** The keys of the base that were removed, in this map or in the content of another by now; `super` has those. */
  private readonly removed: Set<string>
  private readonly base: ReadonlyMap<string, V>
  /** How many keys of `super` stand for keys of the base, in their places. */
  private replaced = 0

  constructor(base: ReadonlyMap<string, V>) {
    super()
    this.base = base
    this.removed = new Set()
  }

  private isOfBase(key: string): boolean {
    return this.base.has(key) && !this.removed.has(key)
  }

  override get size(): number {
    return this.base.size - this.removed.size + super.size - this.replaced
  }

  override get(key: string): V | undefined {
    return super.get(key) ?? (this.removed.has(key) ? undefined : this.base.get(key))
  }

  override has(key: string): boolean {
    return super.has(key) || this.isOfBase(key)
  }

  /** A key that was removed comes back at the end, as in any map. */
  override set(key: string, value: V): this {
    if (!super.has(key) && this.isOfBase(key)) this.replaced++
    return super.set(key, value)
  }

  override delete(key: string): boolean {
    const isOfBase = this.isOfBase(key)
    const isOwn = super.delete(key)
    if (isOfBase) {
      this.removed.add(key)
      if (isOwn) this.replaced--
    }
    return isOfBase || isOwn
  }

  /** In the order in which the keys came, those of the base first. */
  override *values(): MapIterator<V> {
    for (const [key, value] of this.base) {
      if (!this.removed.has(key)) yield super.get(key) ?? value
    }
    for (const [key, value] of super.entries()) if (!this.isOfBase(key)) yield value
  }
}
