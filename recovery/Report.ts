/** What is printed: a line for each scenario that ends, and a table of all in the end. */
import type { Peer } from "../interop/Peer.ts"
import type { Scenario } from "./Lab.ts"

export interface Result {
  readonly scenario: Scenario
  readonly outcome: "passed" | "failed" | "skipped"
  /** What was measured, or why it failed or was not tried. */
  readonly measured: string
}

const escaped = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ")

const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)))
  const line = (cells: ReadonlyArray<string>) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n")
}

/** A Markdown table for each group. */
export const tables = (results: ReadonlyArray<Result>): string =>
  [...new Set(results.map(({ scenario }) => scenario.group))].map((group) => {
    const rows = results
      .filter(({ scenario }) => scenario.group === group)
      .map(({ measured, outcome, scenario }) => [scenario.asserted, scenario.settings, outcome, measured].map(escaped))
    return `### ${group}\n\n${table(["asserted", "settings", "result", "measured"], rows)}`
  }).join("\n\n")

/** What stands in the document: the tables, with the sum. */
export const page = (results: ReadonlyArray<Result>): string => `${tables(results)}\n\n${sum(results)}`

const count = (results: ReadonlyArray<Result>, outcome: Result["outcome"]): number =>
  results.filter((result) => result.outcome === outcome).length

const sum = (results: ReadonlyArray<Result>): string => {
  const skipped = count(results, "skipped")
  return `${count(results, "passed")} passed, ${count(results, "failed")} failed` +
    (skipped === 0 ? "" : `, ${skipped} SKIPPED`)
}

/** The last line. */
export const summary = (results: ReadonlyArray<Result>): string => `recovery: ${sum(results)}`

/** The end of what each member logged and told, for a scenario that failed. */
export const story = (scenario: Scenario, members: ReadonlyArray<Peer>): string =>
  [
    `--- ${scenario.asserted}`,
    ...members.flatMap((member) => [
      `${member.name} (${member.kind}, ${member.address})`,
      ...member.logs.slice(-60).map((line) => `  log   ${line}`),
      ...member.events.slice(-40).map((event) => `  event ${JSON.stringify(event)}`)
    ])
  ].join("\n")
