/**
 * The metadata of this node, written section by section.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { MAX_META } from "../base/Limits.ts"
import * as Document from "./Document.ts"
import { MetaForeign, MetaFull, MetaUnencodable } from "./MetaErrors.ts"
import type { SectionCodec } from "./SectionCodec.ts"

const hex = (bytes: Uint8Array): string =>
  [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")

/** Returns the sections of this node's own metadata, to write another one beside them. */
export const sectionsOf = (meta: Uint8Array): Result.Result<ReadonlyArray<Document.Section>, MetaForeign> => {
  const foreign = (reason: string) => Result.fail(new MetaForeign({ begins: hex(meta), size: meta.length, reason }))
  if (meta.length === 0) return Result.succeed([])
  const read = Document.read(meta)
  if (Result.isFailure(read)) return foreign(read.failure)
  return Option.isNone(read.success)
    ? foreign(`it does not begin with ${hex(Uint8Array.from(Document.MAGIC))}`)
    : Result.succeed(read.success.value)
}

/** Returns the metadata without a section of ours; the same bytes where there is none to take out. */
export const without = (section: string) => (meta: Uint8Array): Uint8Array => {
  const sections = Result.getOrElse(sectionsOf(meta), () => [])
  return sections.some(({ name }) => name === section) ? Document.write(Document.without(sections, section)) : meta
}

/** A value as others will read it, and the metadata with it. */
export interface Written<A> {
  readonly value: A
  readonly meta: Uint8Array
}

/** Returns the metadata with a section for a value, in the place of the one it has of that name. */
export const including = <A>(
  meta: Uint8Array,
  section: string,
  value: A,
  codec: SectionCodec<A>
): Result.Result<Written<A>, MetaForeign | MetaUnencodable | MetaFull> => {
  const sections = sectionsOf(meta)
  if (Result.isFailure(sections)) return Result.fail(sections.failure)
  const unencodable = (reason: string) => Result.fail(new MetaUnencodable({ section, reason }))
  const bytes = codec.encode(value)
  if (Result.isFailure(bytes)) return unencodable(bytes.failure)
  const whole = Document.including(sections.success, { name: section, bytes: bytes.success })
  const size = Document.totalOf(whole)
  if (size > MAX_META) {
    const sizes = whole.map((part) => ({ name: part.name, size: Document.sizeOf(part) }))
    return Result.fail(
      new MetaFull({ size, limit: MAX_META, section, sections: sizes, fields: codec.measure(value) })
    )
  }
  const back = codec.decode(bytes.success)
  return Result.isSuccess(back)
    ? Result.succeed({ value: back.success, meta: Document.write(whole) })
    : unencodable(`what it encodes to does not decode: ${back.failure}`)
}
