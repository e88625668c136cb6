/**
 * What the metadata of members says in one section, and what has changed of that.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { sameBytes } from "../base/Address.ts"
import type { Member } from "../Member.ts"
import * as Document from "./Document.ts"
import { MetaInvalid } from "./MetaErrors.ts"
import type { SectionCodec } from "./SectionCodec.ts"

/**
 * A live member that announces a value.
 *
 * @category models
 * @since 0.1.0
 */
export interface Announced<A> {
  readonly member: Member
  readonly value: A
}

/** What is read of a member. */
export type Source = Pick<Member, "name" | "meta">

/** What became of the bytes of a member. */
interface Decoded<A> {
  readonly result: Result.Result<Option.Option<A>, MetaInvalid>
  /** Those that it depends on: the section, or all where none can be told apart. */
  readonly bytes: Uint8Array
}

/** The bytes of members that do not decode, by their names. */
export type Failing = ReadonlyMap<string, Uint8Array>

export interface Readings<A> {
  readonly decode: (member: Source) => Result.Result<Option.Option<A>, MetaInvalid>
  /** The members of a view with a value that decodes, by their names. */
  readonly listOf: (view: ReadonlyArray<Member>) => ReadonlyArray<Announced<A>>
  /** Whether two such lists have the same members, at the same addresses, with the same bytes. */
  readonly same: (a: ReadonlyArray<Announced<A>>, b: ReadonlyArray<Announced<A>>) => boolean
  /** Those of a view that do not decode, and among them those whose bytes were not known before. */
  readonly news: (
    before: Failing,
    view: ReadonlyArray<Member>
  ) => readonly [Failing, ReadonlyArray<MetaInvalid>]
}

const noBytes = new Uint8Array(0)

/** No member's bytes: what is known at first. */
export const nothing = (): Failing => new Map()

const byName = <A>(a: Announced<A>, b: Announced<A>): number => a.member.name < b.member.name ? -1 : 1

const parse = <A>(section: string, codec: SectionCodec<A>, { meta, name }: Source): Decoded<A> => {
  const invalid = (reason: string) => Result.fail(new MetaInvalid({ member: name, section, reason }))
  const read = Document.read(meta)
  if (Result.isFailure(read)) return { result: invalid(read.failure), bytes: meta }
  const found = Option.getOrElse(read.success, () => []).find((other) => other.name === section)
  if (found === undefined) return { result: Result.succeed(Option.none()), bytes: noBytes }
  const value = codec.decode(found.bytes)
  return {
    result: Result.isSuccess(value) ? Result.succeed(Option.some(value.success)) : invalid(value.failure),
    bytes: found.bytes
  }
}

/** Makes the readings of a section. */
export const make = <A>(section: string, codec: SectionCodec<A>): Readings<A> => {
  // a member is the same object until something changes of it
  const known = new WeakMap<Source, Decoded<A>>()

  const decoded = (member: Source): Decoded<A> => {
    const before = known.get(member)
    if (before !== undefined) return before
    const now = parse(section, codec, member)
    known.set(member, now)
    return now
  }

  return {
    decode: (member) => decoded(member).result,
    listOf: (view) =>
      view.flatMap((member): ReadonlyArray<Announced<A>> => {
        const value = Option.flatten(Result.getSuccess(decoded(member).result))
        return Option.isSome(value) ? [{ member, value: value.value }] : []
      }).sort(byName),
    same: (a, b) =>
      a.length === b.length && a.every(({ member }, i) => {
        const other = b[i]?.member
        return other !== undefined && other.name === member.name && other.address === member.address
          && sameBytes(decoded(other).bytes, decoded(member).bytes)
      }),
    news: (before, view) => {
      const failing = new Map<string, Uint8Array>()
      const fresh: Array<MetaInvalid> = []
      for (const member of view) {
        const { bytes, result } = decoded(member)
        if (Result.isSuccess(result)) continue
        failing.set(member.name, bytes)
        const last = before.get(member.name)
        if (last === undefined || !sameBytes(last, bytes)) fresh.push(result.failure)
      }
      return [failing, fresh]
    }
  }
}
