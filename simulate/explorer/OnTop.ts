/** The applications that may run on the nodes besides the member list. */
import * as MemberMeta from "effect-memberlist/MemberMeta"
import * as Schema from "effect/Schema"
import type { Application, Surroundings } from "./Application.ts"
import * as Maps from "./Maps.ts"
import * as Topics from "./Topics.ts"

const applications = { topics: Topics.make, maps: Maps.make }

export type ApplicationName = keyof typeof applications

export const applicationNames = Object.keys(applications) as ReadonlyArray<ApplicationName>

export const isApplicationName = (text: string): text is ApplicationName => Object.hasOwn(applications, text)

const Note = MemberMeta.make(Schema.String, { name: "note" })

/** Metadata with a text: it alone, or where applications have sections in it, in one beside theirs. */
export type MetaOf = (text: string) => Uint8Array | ((meta: Uint8Array) => ReturnType<typeof Note.encode>)

export const metaOf = (names: ReadonlyArray<ApplicationName>): MetaOf =>
  names.length === 0 ? (text) => new TextEncoder().encode(text) : (text) => (meta) => Note.encode(text, meta)

/** Makes those that are asked for. */
export const make = (
  names: ReadonlyArray<ApplicationName>,
  surroundings: Surroundings
): ReadonlyArray<Application> => names.map((name) => applications[name](surroundings))
