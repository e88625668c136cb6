/**
 * What `docs/parity` holds as data: a file for each section, an entry for each row. `page.ts` makes the pages of them.
 */
import * as Schema from "effect/Schema"

const Text = Schema.NonEmptyString

/** What memberlist has, and what we have in its place. Texts are Markdown, with links as they are in `docs/parity`. */
export const Row = Schema.Struct({
  /** The names in memberlist, in code font. */
  memberlist: Text,
  /** What does it here; `none` when there is no counterpart. */
  ours: Text,
  /** The tests that show it: each a file and the name of a test in it, which may begin with the names of its groups. */
  shown: Schema.optionalKey(Schema.Array(Schema.Tuple([Text, Text]))),
  /** Where it behaves otherwise on purpose, and why; absent when it behaves the same. */
  difference: Schema.optionalKey(Text),
  /** What more there is to say. */
  more: Schema.optionalKey(Schema.Array(Text)),
  /** For a test of memberlist, its file. */
  file: Schema.optionalKey(Text)
})

export type Row = typeof Row.Type

export const Section = Schema.Struct({
  title: Text,
  about: Schema.optionalKey(Text),
  /** Whether rows are referred to by their numbers. */
  numbered: Schema.optionalKey(Schema.Boolean),
  rows: Schema.Array(Row)
})

export type Section = typeof Section.Type

/** The files, without their extension, in the order of the index. */
export const sections = [
  "api",
  "delegates",
  "configuration",
  "transport",
  "keyring",
  "broadcast-queue",
  "metrics",
  "log-events",
  "wire-limits",
  "tests",
  "sharp-edges"
] as const

export type SectionName = (typeof sections)[number]

export type Parity = ReadonlyMap<SectionName, Section>

const decode = Schema.decodeUnknownSync(Section)

/** Reads a section; throws what is wrong with it. */
export const parse = (name: string, text: string): Section => {
  try {
    return decode(JSON.parse(text), { onExcessProperty: "error" })
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    throw new Error(`docs/parity/${name}.json: ${what}`, { cause: error })
  }
}

/** What a text says in code font. */
export const codeIn = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "")
