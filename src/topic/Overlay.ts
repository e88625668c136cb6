/**
 * Who is whose neighbour. The members that take part stand on a ring in the order of a hash of their names; neighbours
 * are those one, two, four … places away, in both directions. And they are a tree: each has a height by its hash, a
 * quarter of them at least 1, a quarter of these at least 2 and so on, and its parent is the nearest one before it on
 * the ring that is higher. So links are mutual and the tree is one wherever lists agree, whoever comes or goes changes
 * few of them, and nobody has to be asked.
 *
 * @stability unstable
 * @since 0.1.0
 */

import * as Murmur3 from "../base/Murmur3.ts"

/** How high a member stands: as often as two bits of its hash, mixed once more, are zero. */
const heightOf = (hash: number): number => {
  let bits = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  bits = (bits ^ (bits >>> 12)) >>> 0
  let height = 0
  for (; height < 12 && (bits & 3) === 0; height++) bits >>>= 2
  return height
}

/** A member's place on the ring. */
interface Place {
  readonly name: string
  readonly hash: number
  readonly height: number
}

const place = (name: string): Place => {
  const hash = Murmur3.ofText(name, 0)
  return { name, hash, height: heightOf(hash) }
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

/** The members that take part, each in its place. */
export class Overlay {
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
    return this.places[indexOf(this.places, place(name))]?.name === name
  }

  /** Adds a member; false when it is there already. */
  add(name: string): boolean {
    const own = place(name)
    const at = indexOf(this.places, own)
    if (this.places[at]?.name === name) return false
    this.places.splice(at, 0, own)
    return true
  }

  /** Removes a member; false when it is not there. */
  remove(name: string): boolean {
    const at = indexOf(this.places, place(name))
    if (this.places[at]?.name !== name) return false
    this.places.splice(at, 1)
    return true
  }

  /** The neighbours of a member of the ring, the nearest first. */
  neighbours(name: string): ReadonlyArray<string> {
    const n = this.places.length
    const at = indexOf(this.places, place(name))
    const found = new Set<string>()
    for (let distance = 1; distance === 1 || distance < n / 2; distance *= 2) {
      for (const index of [at + distance, at - distance]) {
        const other = this.places[((index % n) + n) % n]
        if (other !== undefined && other.name !== name) found.add(other.name)
      }
    }
    return [...found]
  }

  /** The parent and the children of a member of the ring in the tree. */
  branches(name: string): ReadonlyArray<string> {
    const at = indexOf(this.places, place(name))
    const own = this.places[at]
    if (own === undefined) return []
    const top = this.places.reduce((height, each) => Math.max(height, each.height), 0)
    const parent = this.parentOf(own, at, top)
    const found = parent === undefined ? [] : [parent.name]
    // those behind it up to the next one that is as high, unless a higher one than they are stands in between
    let highest = -1
    for (let i = 1; i < this.places.length; i++) {
      const index = (at + i) % this.places.length
      const other = this.places[index]
      if (other === undefined) break
      if (other.height >= own.height) {
        // the highest are a chain, which begins with the first of the ring
        if (own.height === top && this.parentOf(other, index, top) === own) found.push(other.name)
        break
      }
      if (other.height >= highest) {
        found.push(other.name)
        highest = other.height
      }
    }
    return found
  }

  private parentOf(own: Place, at: number, top: number): Place | undefined {
    const isChained = own.height === top
    for (let i = 1; i < this.places.length; i++) {
      if (isChained && at - i < 0) return undefined
      const other = this.places[(at - i + this.places.length) % this.places.length]
      if (other !== undefined && (other.height > own.height || (isChained && other.height === top))) return other
    }
    return undefined
  }
}
