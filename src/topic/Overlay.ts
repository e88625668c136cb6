/**
 * Who is whose neighbour. The members that take part stand on a ring in the order of a hash of their names; neighbours
 * are those one, two, four … places away, in both directions. So links are mutual wherever lists agree, a message needs
 * about log₂ n steps at most, and nobody has to be asked.
 *
 * @stability unstable
 * @since 0.1.0
 */

const utf8 = new TextEncoder()

/** FNV-1a of 32 bits, of a text in UTF-8. */
export const fnv1a = (text: string): number => {
  let hash = 0x811c9dc5
  for (const byte of utf8.encode(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

/** Mixes all bits, as MurmurHash3 does at its end: FNV-1a places names that differ in the last letter side by side. */
const placeOf = (name: string): number => {
  let hash = fnv1a(name)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** A member's place on the ring. */
export interface Place {
  readonly name: string
  readonly hash: number
}

const isBefore = (a: Place, b: Place): boolean => a.hash < b.hash || (a.hash === b.hash && a.name < b.name)

/** Where a place is, or would be, in an ascending ring. */
const indexOf = (ring: ReadonlyArray<Place>, place: Place): number => {
  let low = 0
  let high = ring.length
  while (low < high) {
    const middle = (low + high) >> 1
    const at = ring[middle]
    if (at !== undefined && isBefore(at, place)) low = middle + 1
    else high = middle
  }
  return low
}

/** The members on a ring. */
export class Ring {
  private readonly places: Array<Place> = []

  get size(): number {
    return this.places.length
  }

  /** The names, in the order of the ring. */
  get names(): ReadonlyArray<string> {
    return this.places.map(({ name }) => name)
  }

  /** The name at a place, counted from the beginning of the ring. */
  at(index: number): string | undefined {
    return this.places[index]?.name
  }

  has(name: string): boolean {
    return this.places[indexOf(this.places, { name, hash: placeOf(name) })]?.name === name
  }

  /** Adds a member; false when it is there already. */
  add(name: string): boolean {
    const place = { name, hash: placeOf(name) }
    const at = indexOf(this.places, place)
    if (this.places[at]?.name === name) return false
    this.places.splice(at, 0, place)
    return true
  }

  /** Removes a member; false when it is not there. */
  remove(name: string): boolean {
    const at = indexOf(this.places, { name, hash: placeOf(name) })
    if (this.places[at]?.name !== name) return false
    this.places.splice(at, 1)
    return true
  }

  /** The neighbours of a member of the ring, the nearest first. */
  neighbours(name: string): ReadonlyArray<string> {
    const n = this.places.length
    const at = indexOf(this.places, { name, hash: placeOf(name) })
    const found = new Set<string>()
    for (let distance = 1; distance === 1 || distance < n / 2; distance *= 2) {
      for (const index of [at + distance, at - distance]) {
        const other = this.places[((index % n) + n) % n]
        if (other !== undefined && other.name !== name) found.add(other.name)
      }
    }
    return [...found]
  }
}
