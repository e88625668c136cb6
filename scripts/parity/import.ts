/**
 * Brings rows of the table that `docs/parity.md` was before it became data into `docs/parity/*.json`:
 *
 *     npm exec -- node scripts/parity/import.ts OLD_PARITY.md && npm run write-parity && npm run format && npm run parity
 *
 * Each section becomes what the table says. Entries that the table does not have are kept after the one they follow.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import * as Path from "node:path"
import { parse, type Row, type Section, type SectionName, sections } from "./data.ts"
import { read, root } from "./files.ts"

const [file] = process.argv.slice(2)
if (file === undefined) throw new Error("which file? node scripts/parity/import.ts OLD_PARITY.md")

const slug = (title: string): SectionName => {
  const name = title.toLowerCase().replace(/ of memberlist$/, "").replaceAll(" ", "-")
  const found = sections.find((section) => section === name)
  if (found === undefined) throw new Error(`${file}: there is no section "${title}"; scripts/parity/data.ts lists them`)
  return found
}

/** Links were relative to `docs`; now they are relative to `docs/parity`. */
const relinked = (text: string): string => text.replaceAll(/\]\((?![a-z]+:|#)/g, "](../")

const cellsOf = (line: string): ReadonlyArray<string> =>
  line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "").split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"))

const rowOf = (line: string, group: string | undefined): Row => {
  const [memberlist = "", ours = "", shown = "", difference = "", ...rest] = cellsOf(line)
  if (rest.length > 0 || difference === "") throw new Error(`${file}: expected four cells: ${line}`)
  const tests = [...shown.matchAll(/`([^`]+)` › `([^`]+)`/g)].map((match) => [match[1] ?? "", match[2] ?? ""] as const)
  const more = shown.replaceAll(/`[^`]+` › `[^`]+`/g, "").replaceAll("<br>", "").trim()
  if (more !== "" && more !== "—") throw new Error(`${file}: "shown by" says more than tests: ${more}`)
  return {
    memberlist: relinked(memberlist.replace(/^\d+\. /, "")),
    ours: relinked(ours),
    ...(tests.length > 0 ? { shown: tests } : {}),
    ...(difference === "same" ? {} : { difference: relinked(difference) }),
    ...(group === undefined ? {} : { file: group })
  }
}

const sectionOf = (text: string): Section => {
  const [title = "", ...lines] = text.split("\n")
  const about: Array<string> = []
  const notes: Array<string> = []
  const rows: Array<Row> = []
  let group: string | undefined
  for (const [i, line] of lines.entries()) {
    const heading = /^### (.*)$/.exec(line)?.[1]
    if (heading !== undefined) group = heading
    else if (line.startsWith("|")) {
      if (/^\|[\s:|-]+\|$/.test(line) || /^\|[\s:|-]+\|$/.test(lines[i + 1] ?? "")) continue
      rows.push(rowOf(line, group))
    } else if (rows.length === 0) about.push(line)
    else notes.push(line)
  }
  // "On 30: …" explains the row that says "(below)"; the notes stand in the order of those rows
  const explained = notes.join("\n").trim().split(/^On \d+: /m).slice(1).map((note) => {
    const words = note.trim().replaceAll(/\s+/g, " ")
    return relinked(words.charAt(0).toUpperCase() + words.slice(1))
  })
  const below = rows.filter(({ ours }) => ours.includes("(below)"))
  if (below.length !== explained.length) {
    throw new Error(
      `${file}: ${title}: ${below.length} rows say "(below)", and ${explained.length} notes follow the table`
    )
  }
  return {
    title,
    ...(about.join("").trim() === "" ? {} : { about: relinked(about.join(" ").trim().replaceAll(/\s+/g, " ")) }),
    ...(rows.length === 0 || !/^\|\s*1\. /m.test(text) ? {} : { numbered: true }),
    rows: rows.map((row) => {
      const at = below.indexOf(row)
      return at < 0 ? row : { ...row, ours: row.ours.replace(" (below)", ""), more: [explained[at] ?? ""] }
    })
  }
}

/** The table's rows, and after each of them those that the data had after it and the table does not have. */
const merged = (table: ReadonlyArray<Row>, data: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const known = new Set(table.map(({ memberlist }) => memberlist))
  const rows = [...table]
  for (const [i, row] of data.entries()) {
    if (known.has(row.memberlist)) continue
    const before = data[i - 1]?.memberlist
    rows.splice(rows.findIndex(({ memberlist }) => memberlist === before) + 1, 0, row)
    process.stdout.write(`kept, although the table does not have it: ${row.memberlist}\n`)
  }
  return rows
}

for (const text of readFileSync(file, "utf8").split(/^## /m).slice(1)) {
  const section = sectionOf(text)
  const name = slug(section.title)
  const path = `docs/parity/${name}.json`
  const before = existsSync(Path.join(root, path)) ? parse(name, read(path)).rows : []
  const rows = merged(section.rows, before)
  parse(name, JSON.stringify({ ...section, rows }))
  writeFileSync(Path.join(root, path), `${JSON.stringify({ ...section, rows }, undefined, 2)}\n`)
  process.stdout.write(`${path}: ${rows.length} entries\n`)
}
