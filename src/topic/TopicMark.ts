/**
 * The mark in a member's metadata that tells which topics it takes part in: the section `t` of the metadata that
 * modules share (`docs/metadata.md`). It has the hash of each topic's name, four bytes each, big-endian,
 * ascending.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Murmur3 from "../base/Murmur3.ts"
import * as Document from "../metadata/Document.ts"
import type { MetaForeign } from "../metadata/MetaErrors.ts"
import * as OwnMeta from "../metadata/OwnMeta.ts"

const HASH_BYTES = 4

/** Returns the hash that marks a topic: the MurmurHash3 of its name. */
export const hashOf = (topic: string): number => Murmur3.ofText(topic, 0)

/** The hashes in the section; none without it. */
const hashesIn = (sections: ReadonlyArray<Document.Section>): ReadonlyArray<number> => {
  const bytes = sections.find(({ name }) => name === Document.TOPICS)?.bytes ?? new Uint8Array()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: Math.floor(bytes.length / HASH_BYTES) }, (_, i) => view.getUint32(i * HASH_BYTES))
}

const none: ReadonlyArray<Document.Section> = []

/** Whether metadata has the mark of a topic. */
export const has = (meta: Uint8Array, hash: number): boolean =>
  hashesIn(Option.getOrElse(Result.getOrElse(Document.read(meta), Option.none), () => none)).includes(hash)

/** Returns this node's metadata with the mark of a topic, or without it. Other sections stay as they are. */
export const written =
  (hash: number, isMarked: boolean) => (meta: Uint8Array): Result.Result<Uint8Array, MetaForeign> =>
    Result.map(OwnMeta.sectionsOf(meta), (sections) => {
      const hashes = new Set(hashesIn(sections))
      if (hashes.has(hash) === isMarked) return meta
      if (isMarked) hashes.add(hash)
      else hashes.delete(hash)
      if (hashes.size === 0) return Document.write(Document.without(sections, Document.TOPICS))
      const bytes = new Uint8Array(hashes.size * HASH_BYTES)
      const view = new DataView(bytes.buffer)
      for (const [i, each] of [...hashes].sort((a, b) => a - b).entries()) view.setUint32(i * HASH_BYTES, each)
      return Document.write(Document.including(sections, { name: Document.TOPICS, bytes }))
    })
