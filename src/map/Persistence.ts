/**
 * A replica on a disk: the entries in 64 parts, of which those that changed are written, each to the other one of two
 * places, and then the head, which says which places count. So what is read is always what was there at one moment.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { KeyValueStore, KeyValueStoreError } from "effect/persistence/KeyValueStore"
import * as Semaphore from "effect/Semaphore"
import { ByteReader, BytesMalformed, ByteWriter, refuse } from "../base/Bytes.ts"
import { vectorOf, vectorTo } from "./exchange/MapFrame.ts"
import { hash, MAX_HASH } from "./Hash.ts"
import { MAX_COUNTER } from "./HybridClock.ts"
import { type Entry, LEAVES, read, write } from "./MapEntry.ts"
import type { Kept, Replica } from "./Replica.ts"
import { topOf, TOPS } from "./Table.ts"

const VERSION = 1
const PER_TOP = LEAVES / TOPS
const MAX_ENTRIES = 4 * 1_048_576
const VECTOR_ROOM = 4 * 1_048_576

/** Where a part is: its place (0: nowhere, 1 or 2), and the hash of its bytes. */
interface Part {
  readonly place: 0 | 1 | 2
  readonly hash: number
}

const nowhere: Part = { place: 0, hash: 0 }

const entriesTo = (writer: ByteWriter, entries: ReadonlyArray<Entry>): void => {
  writer.varint(entries.length)
  for (const entry of entries) write(writer, entry)
}

const entriesOf = (reader: ByteReader): ReadonlyArray<Entry> => {
  const entries: Array<Entry> = []
  for (let left = reader.varint(MAX_ENTRIES); left > 0; left--) entries.push(read(reader))
  return entries
}

/** The version, the hash of the rest, and the rest. */
const sealed = (body: ByteWriter): Uint8Array => {
  const bytes = body.take()
  const writer = new ByteWriter(bytes.length + 8)
  writer.byte(VERSION)
  writer.hash(hash(bytes))
  writer.raw(bytes)
  return writer.take()
}

const opened = (bytes: Uint8Array): ByteReader => {
  const reader = new ByteReader(bytes)
  if (reader.byte() !== VERSION || reader.hash() !== hash(bytes.subarray(8))) refuse()
  return reader
}

const headOf = (kept: Omit<Kept, "entries">, parts: ReadonlyArray<Part>): Uint8Array => {
  const writer = new ByteWriter(4_096)
  writer.varint(kept.asOf)
  writer.varint(kept.clock.time)
  writer.varint(kept.clock.counter)
  vectorTo(writer, kept.vector, VECTOR_ROOM)
  entriesTo(writer, kept.forgotten)
  for (const part of parts) {
    writer.byte(part.place)
    writer.hash(part.hash)
  }
  return sealed(writer)
}

const readHead = (bytes: Uint8Array) => {
  const reader = opened(bytes)
  const asOf = reader.varint(MAX_HASH)
  const clock = { time: reader.varint(MAX_HASH), counter: reader.varint(MAX_COUNTER) }
  const vector = vectorOf(reader)
  const forgotten = entriesOf(reader)
  const parts = Array.from({ length: TOPS }, (): Part => {
    const place = reader.byte()
    const hash = reader.hash()
    return place === 0 || place === 1 || place === 2 ? { place, hash } : refuse()
  })
  reader.end()
  return { kept: { asOf, clock, vector, forgotten }, parts }
}

/** What a store has of a map. */
export type Loaded =
  | { readonly _tag: "Nothing" }
  | { readonly _tag: "Kept"; readonly kept: Kept }
  /** The bytes are not what was written. */
  | { readonly _tag: "Broken"; readonly key: string }

/** Runs what reads bytes; nothing where they are broken. */
const whole = <A>(run: () => A): A | undefined => {
  try {
    return run()
  } catch (error) {
    if (error instanceof BytesMalformed) return undefined
    throw error
  }
}

export class Persistence {
  private readonly store: KeyValueStore
  private readonly prefix: string
  private readonly turn = Semaphore.makeUnsafe(1)
  private parts: ReadonlyArray<Part> = Array.from({ length: TOPS }, () => nowhere)
  /** Whether a head was written of which nobody knows if it is there, so which places count. */
  private isUnsure = false

  constructor(store: KeyValueStore, map: string) {
    this.store = store
    this.prefix = `effect-memberlist/map/${map}/`
  }

  /** Reads all. */
  get load(): Effect.Effect<Loaded, KeyValueStoreError> {
    const head = `${this.prefix}head`
    return Effect.flatMap(this.store.getUint8Array(head), (bytes): Effect.Effect<Loaded, KeyValueStoreError> => {
      if (bytes === undefined) return Effect.succeed({ _tag: "Nothing" })
      const read = whole(() => readHead(bytes))
      return read === undefined ? Effect.succeed({ _tag: "Broken", key: head }) : this.loadParts(read)
    })
  }

  /**
   * Writes what changed. When it fails, or is interrupted, what was there before still counts; so it does where a merge
   * came between, and then it answers `false`.
   */
  save(replica: Replica, now: () => number): Effect.Effect<boolean, KeyValueStoreError> {
    // one after the other: two at a time would take each other's places
    return this.turn.withPermits(1)(Effect.andThen(this.sure, this.write(replica, now)))
  }

  /** Looks which places count where the head's write failed, or was interrupted: it may be there all the same. */
  private readonly sure: Effect.Effect<void, KeyValueStoreError> = Effect.suspend(() =>
    this.isUnsure
      ? Effect.map(this.store.getUint8Array(`${this.prefix}head`), (bytes) => {
        const read = bytes === undefined ? undefined : whole(() => readHead(bytes))
        if (read !== undefined) this.parts = read.parts
        this.isUnsure = false
      })
      : Effect.void
  )

  private write(replica: Replica, now: () => number): Effect.Effect<boolean, KeyValueStoreError> {
    return Effect.suspend(() => {
      if (replica.isMerging) return Effect.succeed(false)
      // what was seen up to now, before the entries: these may be more, but for what another merge brings
      const kept = replica.kept(now())
      const { merges } = replica
      const touched = [...replica.touched]
      replica.touched.clear()
      const parts = [...this.parts]
      const tops = [...new Set(touched.map(topOf))]
      let isWhole = false
      const writePart = (top: number) =>
        Effect.suspend(() => {
          const bytes = this.encoded(replica, top)
          const place = parts[top]?.place === 1 ? 2 : 1
          parts[top] = { place, hash: hash(bytes) }
          return Effect.andThen(this.store.set(this.keyOf(top, place), bytes), Effect.yieldNow)
        })
      const writeHead = Effect.suspend(() => {
        if (replica.isMerging || replica.merges !== merges) return Effect.void
        this.isUnsure = true
        return Effect.andThen(
          this.store.set(`${this.prefix}head`, headOf(kept, parts)),
          Effect.sync(() => {
            this.parts = parts
            this.isUnsure = false
            isWhole = true
          })
        )
      })
      return Effect.forEach(tops, writePart, { discard: true }).pipe(
        Effect.andThen(writeHead),
        Effect.andThen(Effect.sync(() => isWhole)),
        Effect.onExit(() =>
          Effect.sync(() => {
            if (!isWhole) { for (const leaf of touched) replica.touched.add(leaf) }
          })
        )
      )
    })
  }

  private readonly loadParts = Effect.fnUntraced(
    { self: this },
    function*({ kept, parts }: ReturnType<typeof readHead>): Effect.fn.Return<Loaded, KeyValueStoreError> {
      const entries: Array<Entry> = []
      for (const [top, part] of parts.entries()) {
        if (part.place === 0) continue
        const key = this.keyOf(top, part.place)
        const bytes = yield* this.store.getUint8Array(key)
        const some = bytes === undefined || hash(bytes) !== part.hash ? undefined : whole(() => {
          const reader = opened(bytes)
          const all = entriesOf(reader)
          reader.end()
          return all
        })
        if (some === undefined) return { _tag: "Broken", key }
        for (const entry of some) entries.push(entry)
      }
      this.parts = parts
      return { _tag: "Kept", kept: { ...kept, entries } }
    }
  )

  private encoded(replica: Replica, top: number): Uint8Array {
    const leaves = Array.from({ length: PER_TOP }, (_, i) => top * PER_TOP + i)
    const writer = new ByteWriter(4_096)
    entriesTo(writer, leaves.flatMap((leaf) => replica.table.leaf(leaf)))
    return sealed(writer)
  }

  private keyOf(top: number, place: 1 | 2): string {
    return `${this.prefix}${top}.${place}`
  }
}
