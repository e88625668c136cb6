/**
 * What agents announce about themselves: one section of the metadata that modules share (`docs/metadata.md`), so that
 * the marks of topics have their place beside it.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Member } from "../Member.ts"
import * as MemberMeta from "../MemberMeta.ts"

const Section = MemberMeta.make(Schema.Uint8Array, { name: "agent" })

/** How an agent announces its metadata: in a section, or as the bytes themselves, for programs that read those. */
export type Form = "section" | "raw"

/** Returns the metadata of a node with what is to be announced. */
export const written = (
  form: Form,
  bytes: Uint8Array,
  current: Uint8Array
): Result.Result<Uint8Array, MemberMeta.MetaFull | MemberMeta.MetaForeign> =>
  form === "raw"
    ? Result.succeed(bytes)
    : Result.mapError(Section.encode(bytes, current), (error) => {
      // bytes are always encoded, and decode to themselves
      if (error._tag === "MetaUnencodable") throw error
      return error
    })

/** Returns what a member announces: its section where it is an agent, else its metadata as it is. */
export const of = (member: Pick<Member, "name" | "meta">): Uint8Array =>
  Option.getOrElse(Section.get(member), () => member.meta)

const none = new Uint8Array(0)

/**
 * Returns the metadata to start a node with. Bytes of the application become what the agent announces; sections of
 * other modules stay beside it.
 */
export const initial = (form: Form, meta: Uint8Array): Result.Result<Uint8Array, MemberMeta.MetaFull> => {
  if (form === "raw") return Result.succeed(meta)
  const beside = written(form, none, meta)
  const result = Result.isFailure(beside) && beside.failure._tag === "MetaForeign"
    ? written(form, meta, none)
    : beside
  return Result.mapError(result, (error) => {
    // there was nothing of others in it
    if (error._tag === "MetaForeign") throw error
    return error
  })
}
