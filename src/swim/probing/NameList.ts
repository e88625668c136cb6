/**
 * A list of names as an immutable value: short arrays in an array, so that a change copies one short array and the
 * pointers to the others. A member table changes one name at a time and has 65,536 places; a copy of all names for each
 * takes 1.5 µs with 1,000 of them, but 30 µs with 10,000 and 0.65 ms with 60,000, and whoever floods us with made-up
 * members decides how often. (Node.js 24, x64; in chunks it is 1 and 2 µs, and of 256 at once 0.14 and 0.29 each.)
 */

const CHUNK = 128

type Chunks = ReadonlyArray<ReadonlyArray<string>>

/** A list while it is changed. */
class Draft {
  length: number
  private readonly chunks: Array<ReadonlyArray<string>>
  /** Those that nobody else has, by their place. */
  private readonly own = new Map<number, Array<string>>()

  constructor(chunks: Chunks, length: number) {
    this.chunks = chunks.slice()
    this.length = length
  }

  at(index: number): string | undefined {
    return this.chunks[Math.floor(index / CHUNK)]?.[index % CHUNK]
  }

  /** Gives a place that it has, or the next, another name. */
  set(index: number, name: string): void {
    const at = Math.floor(index / CHUNK)
    let chunk = this.own.get(at)
    if (chunk === undefined) {
      chunk = this.chunks[at]?.slice() ?? []
      this.own.set(at, chunk)
      this.chunks[at] = chunk
    }
    chunk[index % CHUNK] = name
  }

  append(name: string): void {
    this.set(this.length++, name)
  }

  end(): Chunks {
    return this.chunks
  }
}

export class NameList implements Iterable<string> {
  readonly length: number
  /** All full but the last. */
  private readonly chunks: Chunks

  private constructor(chunks: Chunks, length: number) {
    this.chunks = chunks
    this.length = length
  }

  static of(names: ReadonlyArray<string>): NameList {
    const chunks = Array.from(
      { length: Math.ceil(names.length / CHUNK) },
      (_, i) => names.slice(i * CHUNK, (i + 1) * CHUNK)
    )
    return new NameList(chunks, names.length)
  }

  at(index: number): string | undefined {
    return this.chunks[Math.floor(index / CHUNK)]?.[index % CHUNK]
  }

  /** The list with another name at a place that it has. */
  with(index: number, name: string): NameList {
    return this.edit((list) => list.set(index, name))
  }

  append(name: string): NameList {
    return this.edit((list) => list.append(name))
  }

  /** The list with several changes, for which no array is copied more than once. */
  edit(change: (list: Draft) => void): NameList {
    const draft = new Draft(this.chunks, this.length)
    change(draft)
    return new NameList(draft.end(), draft.length)
  }

  [Symbol.iterator](): Iterator<string> {
    return this.chunks.flat().values()
  }
}
