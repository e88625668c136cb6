/**
 * Several sections of bytes in the metadata of one member, so that several modules announce there side by side: the
 * magic `fe 4d`, a version, then each section with its name. No UTF-8 text and nothing of Serf's begins with `fe`.
 * `docs/metadata.md` has the layout byte by byte.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"

/** The bytes that one module announces, under its name. */
export interface Section {
  readonly name: string
  readonly bytes: Uint8Array
}

/** What every document begins with. */
export const MAGIC: ReadonlyArray<number> = [0xfe, 0x4d]

/** The layout written here, and the only one read. */
export const VERSION = 1

/** Bytes of a name in UTF-8. A section has a single byte for their number. */
export const MAX_NAME = 255

/** The section of the topics that a member takes part in (`src/topic/TopicMark.ts`). No other module may write it. */
export const TOPICS = "t"

/** Bytes of a section beside its name and its content: the lengths of both. */
const LENGTHS = 3

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Why a name cannot be a section's; `undefined` when it can. */
export const nameObjection = (name: string): string | undefined => {
  const { length } = encoder.encode(name)
  if (!name.isWellFormed()) return "a name without halves of surrogate pairs, which UTF-8 does not have"
  return length >= 1 && length <= MAX_NAME ? undefined : `a name of 1 to ${MAX_NAME} bytes in UTF-8`
}

/** Returns how many bytes a section takes of a document. */
export const sizeOf = ({ bytes, name }: Section): number => LENGTHS + encoder.encode(name).length + bytes.length

/** Returns how many bytes a document of these sections has: none without sections. */
export const totalOf = (sections: ReadonlyArray<Section>): number =>
  sections.length === 0 ? 0 : MAGIC.length + 1 + sections.reduce((sum, section) => sum + sizeOf(section), 0)

/** The name in these bytes, unless they are no UTF-8. */
const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * Returns the sections of a member's metadata; none where the metadata does not begin with the magic. Fails with the
 * reason where it does and goes on as no document does. The sections are views of the bytes.
 */
export const read = (meta: Uint8Array): Result.Result<Option.Option<ReadonlyArray<Section>>, string> => {
  if (MAGIC.some((byte, i) => meta[i] !== byte)) return Result.succeed(Option.none())
  const version = meta[MAGIC.length]
  if (version === undefined) return Result.fail("it ends before its version")
  if (version !== VERSION) return Result.fail(`its layout is version ${version}; this library knows version ${VERSION}`)
  const sections: Array<Section> = []
  for (let at = MAGIC.length + 1; at < meta.length;) {
    const nameLength = meta[at] ?? 0
    const start = at + 1 + nameLength
    const [high, low] = [meta[start], meta[start + 1]]
    if (high === undefined || low === undefined) return Result.fail(`it ends in the head of a section, at byte ${at}`)
    const name = textOf(meta.subarray(at + 1, start))
    if (name === undefined || name === "") return Result.fail(`the section at byte ${at} has no name in UTF-8`)
    if (sections.some((other) => other.name === name)) return Result.fail(`it has two sections "${name}"`)
    const end = start + 2 + high * 256 + low
    if (end > meta.length) {
      return Result.fail(`it ends in the section "${name}": ${end - meta.length} bytes are missing`)
    }
    sections.push({ name, bytes: meta.subarray(start + 2, end) })
    at = end
  }
  return Result.succeed(Option.some(sections))
}

/**
 * Returns the metadata with these sections; no bytes at all without any. Their names are valid, and the whole is no
 * larger than metadata may be, which the caller has checked.
 */
export const write = (sections: ReadonlyArray<Section>): Uint8Array => {
  const meta = new Uint8Array(totalOf(sections))
  if (sections.length === 0) return meta
  meta.set([...MAGIC, VERSION])
  let at = MAGIC.length + 1
  for (const { bytes, name } of sections) {
    const encoded = encoder.encode(name)
    meta[at] = encoded.length
    meta.set(encoded, at + 1)
    at += 1 + encoded.length
    meta[at] = bytes.length >>> 8
    meta[at + 1] = bytes.length & 255
    meta.set(bytes, at + 2)
    at += 2 + bytes.length
  }
  return meta
}

/** Returns the sections without the one of this name. */
export const without = (sections: ReadonlyArray<Section>, name: string): ReadonlyArray<Section> =>
  sections.filter((section) => section.name !== name)

/**
 * Returns the sections with this one in the place of that of its name. They are in the order of their names, so that
 * the bytes do not depend on who announced first.
 */
export const including = (sections: ReadonlyArray<Section>, section: Section): ReadonlyArray<Section> =>
  [...without(sections, section.name), section].sort((a, b) => a.name < b.name ? -1 : 1)
