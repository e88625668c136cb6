/**
 * The mark in a member's metadata that tells which topics it takes part in: a section of a document in which several
 * libraries have theirs. Bytes that are no such document are left alone.
 *
 * The document: 0xFE 0x4D, version 1, then sections of a name (a byte of length, UTF-8), a length (two bytes,
 * big-endian) and that many bytes. The section `t` has the hash of each topic's name (`Overlay.fnv1a`), four bytes
 * each, big-endian, ascending.
 *
 * @stability unstable
 * @since 0.1.0
 */

const HEAD = [0xfe, 0x4d, 1] as const
const SECTION = "t"
const HASH_BYTES = 4

interface Section {
  readonly name: Uint8Array
  readonly bytes: Uint8Array
}

const isOurs = ({ name }: Section): boolean => name.length === 1 && name[0] === SECTION.charCodeAt(0)

/** The sections of a document; `undefined` of what is none. No metadata is a document without sections. */
const sectionsOf = (meta: Uint8Array): ReadonlyArray<Section> | undefined => {
  if (meta.length === 0) return []
  if (HEAD.some((byte, i) => meta[i] !== byte)) return undefined
  const sections: Array<Section> = []
  for (let at: number = HEAD.length; at < meta.length;) {
    const nameEnd = at + 1 + (meta[at] ?? 0)
    const length = ((meta[nameEnd] ?? 0) << 8) | (meta[nameEnd + 1] ?? 0)
    const end = nameEnd + 2 + length
    if (end > meta.length) return undefined
    sections.push({ name: meta.subarray(at + 1, nameEnd), bytes: meta.subarray(nameEnd + 2, end) })
    at = end
  }
  return sections
}

const hashesIn = ({ bytes }: Section): ReadonlyArray<number> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: Math.floor(bytes.length / HASH_BYTES) }, (_, i) => view.getUint32(i * HASH_BYTES))
}

/** Whether metadata has the mark of a topic. */
export const has = (meta: Uint8Array, hash: number): boolean =>
  meta.length > HEAD.length &&
  (sectionsOf(meta)?.some((section) => isOurs(section) && hashesIn(section).includes(hash)) ?? false)

/** Whether metadata is a document, or none at all, so that a mark can be written into it. */
export const isWritable = (meta: Uint8Array): boolean => sectionsOf(meta) !== undefined

/** Metadata with the mark of a topic, or without it; `undefined` where it is something else. */
export const written = (meta: Uint8Array, hash: number, isMarked: boolean): Uint8Array | undefined => {
  const sections = sectionsOf(meta)
  if (sections === undefined) return undefined
  const hashes = new Set(sections.filter(isOurs).flatMap(hashesIn))
  if (isMarked) hashes.add(hash)
  else hashes.delete(hash)
  const bytes = new Uint8Array(hashes.size * HASH_BYTES)
  const view = new DataView(bytes.buffer)
  for (const [i, each] of [...hashes].sort((a, b) => a - b).entries()) view.setUint32(i * HASH_BYTES, each)
  const others = sections.filter((section) => !isOurs(section))
  const all = hashes.size === 0 ? others : [...others, { name: new TextEncoder().encode(SECTION), bytes }]
  if (all.length === 0) return new Uint8Array()
  return Uint8Array.from([
    ...HEAD,
    ...all.flatMap(({ bytes, name }) => [name.length, ...name, bytes.length >> 8, bytes.length & 255, ...bytes])
  ])
}
