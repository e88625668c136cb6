/**
 * Makes the pages of `docs/parity`, and their index, of the data beside them. Lists, because a formatter pads tables.
 */
import { type Parity, type Row, type Section, type SectionName } from "./data.ts"

const NONE = /^none\b/

/** Tests by their files, in the order they are named. */
const byFile = (row: Row): ReadonlyMap<string, ReadonlyArray<string>> =>
  (row.shown ?? []).reduce(
    (files, [file, name]) => files.set(file, [...(files.get(file) ?? []), name]),
    new Map<string, Array<string>>()
  )

const item = (row: Row, marker: string, difference: string): string => {
  const indent = " ".repeat(marker.length)
  const label = NONE.test(row.ours) ? "instead" : difference
  const details = [
    ...(row.difference === undefined ? [] : [`${label}: ${row.difference}`]),
    ...(row.more ?? []),
    ...[...byFile(row)].map(([file, names]) =>
      // no link: the package has these pages, and not the tests
      `\`${file}\`: ${names.map((name) => `\`${name}\``).join(", ")}`
    )
  ]
  return [`${marker}${row.memberlist} → ${row.ours}`, ...details.map((detail) => `${indent}- ${detail}`)].join("\n")
}

const list = (rows: ReadonlyArray<Row>, numbered: boolean): string =>
  rows.map((row, i) => numbered ? item(row, `${i + 1}. `, "why") : item(row, "- ", "differs")).join("\n")

/** The rows of a section, under the file of memberlist that they are about where they name one. */
const body = ({ numbered = false, rows }: Section): string => {
  const files = [...new Set(rows.map(({ file }) => file))]
  return files.map((file) => {
    const own = list(rows.filter((row) => row.file === file), numbered)
    return file === undefined ? own : `## ${file}\n\n${own}`
  }).join("\n\n")
}

const generated = (source: string): string =>
  `<!-- Generated from ${source} by \`npm run write-parity\`; change it there. -->`

/** The page of a section. */
export const page = (name: SectionName, section: Section): string =>
  `# Parity with memberlist: ${section.title}

${generated(`${name}.json`)}

${section.about === undefined ? "" : `${section.about}\n\n`}Each entry: what memberlist has → what we have, ${
    section.numbered === true ? "why" : "where that differs on purpose and why"
  }, and the tests that show it. [All sections](../parity.md).

${body(section)}
`

const count = (section: Section): string => {
  const differing = section.rows.filter(({ difference, ours }) => difference !== undefined && !NONE.test(ours)).length
  const none = section.rows.filter(({ ours }) => NONE.test(ours)).length
  return [
    `${section.rows.length} entries`,
    ...(differing > 0 && section.numbered !== true ? [`${differing} with a difference on purpose`] : []),
    ...(none > 0 ? [`${none} without a counterpart`] : [])
  ].join(", ")
}

/** The index, `docs/parity.md`. */
export const index = (parity: Parity): string =>
  `# Parity with HashiCorp memberlist

${generated("docs/parity/*.json")}

What the Go library [memberlist](https://github.com/hashicorp/memberlist) (release v0.7.0) does, what does it here, and the
test that shows it. There is an entry for every exported function, type, method, field and constant, every metric, every
kind of log entry, every limit of the wire and every test of that release. Where an entry names no difference, the behaviour
is the same.

${[...parity].map(([name, section]) => `- [${section.title}](parity/${name}.md): ${count(section)}`).join("\n")}

The entries are data, \`docs/parity/*.json\`. \`npm run write-parity\` writes these pages. \`npm run parity\` checks them, and so
does CI: every test named must exist, the pages must be up to date, and nothing that \`docs/parity/upstream.json\` lists may
be missing. What was tried against running Go nodes is in [interop.md](interop.md), and the rules are compared step by step in
[reference.md](reference.md).
`

/** Every page and its text, by path from the root. */
export const pages = (parity: Parity): ReadonlyMap<string, string> =>
  new Map([
    ["docs/parity.md", index(parity)],
    ...[...parity].map(([name, section]) => [`docs/parity/${name}.md`, page(name, section)] as const)
  ])
