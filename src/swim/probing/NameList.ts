/**
 * A list of names as an immutable value: short arrays in an array, so that a change copies one short array and the
 * pointers to the others. A member table changes one name at a time and has 65,536 places; a copy of all names for each
 * takes 1.5 µs with 1,000 of them, but 30 µs with 10,000 and 0.65 ms with 60,000, and whoever floods us with made-up
 * members decides how often. (Node.js 24, x64; in chunks it is 1 µs and less than 3.)
 */

const CHUNK = 128

type Chunks = ReadonlyArray<ReadonlyArray<string>>

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
    return this.put(index, name, this.length)
  }

  append(name: string): NameList {
    return this.put(this.length, name, this.length + 1)
  }

  private put(index: number, name: string, length: number): NameList {
    const at = Math.floor(index / CHUNK)
    const chunk = (this.chunks[at] ?? []).toSpliced(index % CHUNK, 1, name)
    return new NameList(this.chunks.toSpliced(at, 1, chunk), length)
  }

  [Symbol.iterator](): Iterator<string> {
    return this.chunks.flat().values()
  }
}
