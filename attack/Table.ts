/** Results as a table, and as JSON. */
import type { Kind, Result } from "./Case.ts"

export const kindNames: Record<Kind, string> = { ours: "here", go: "Go" }

const NONE = "–"

const columns: ReadonlyArray<readonly [title: string, cell: (result: Result) => string]> = [
  ["attack", ({ name }) => name],
  ["on", ({ kind }) => kindNames[kind]],
  ["verdict", (result) => verdictOf(result)],
  ["stop ms", (result) => number(figures(result).longestStop, 0)],
  ["CPU s", (result) => number(figures(result).cpuSeconds, 1)],
  ["peak MiB", (result) => number(figures(result).peakMemory, 0)],
  ["after MiB", (result) => number(figures(result).memoryAfter, 0)],
  ["pings", (result) => share(figures(result).answered, figures(result).pings)],
  ["push/pulls", (result) => share(figures(result).exchanged, figures(result).pushPulls)],
  ["failed", (result) => number(figures(result).failed?.length, 0)],
  ["rest s", (result) => figures(result).restAfter === Infinity ? "never" : number(figures(result).restAfter, 1)],
  ["sent", ({ outcome }) => outcome?.sent ?? NONE]
]

const figures = (result: Result) => result.outcome?.figures ?? {}

const number = (figure: number | undefined, digits: number): string =>
  figure === undefined ? NONE : figure.toFixed(digits)

const share = (part: number | undefined, whole: number | undefined): string =>
  part === undefined || whole === undefined || whole === 0 ? NONE : `${part}/${whole}`

export type Verdict = "kept" | "BROKEN" | "told" | "ERROR" | "not run"

export const verdictOf = ({ error, outcome }: Result): Verdict =>
  error === ""
    ? "not run"
    : error !== undefined || outcome === undefined
    ? "ERROR"
    : outcome.broken === undefined
    ? "told"
    : outcome.broken.length === 0
    ? "kept"
    : "BROKEN"

/** A Markdown table with aligned columns. */
export const table = (results: ReadonlyArray<Result>): string => {
  const header = columns.map(([title]) => title)
  const rows = results.map((result) => columns.map(([, cell]) => cell(result).replaceAll("|", "\\|")))
  const widths = header.map((title, i) => Math.max(3, title.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (cells: ReadonlyArray<string>) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n")
}

/** Why promises are broken and what else was noticed, case by case. */
export const remarks = (results: ReadonlyArray<Result>): ReadonlyArray<string> =>
  results.flatMap((result) => {
    const said = [result.error ?? "", ...(result.outcome?.broken ?? []), ...(result.outcome?.notes ?? [])]
    const told = said.filter((text) => text !== "")
    return told.length === 0 ? [] : [`${result.name}, ${kindNames[result.kind]}: ${told.join("; ")}`]
  })

/** Whether this library was seen to keep every promise; what Go does is only told. */
export const isKept = (results: ReadonlyArray<Result>): boolean =>
  results.every((result) => result.kind === "go" || verdictOf(result) === "kept" || verdictOf(result) === "told")

export interface Circumstances {
  readonly at: string
  readonly library: string
  readonly node: string
  readonly go: string | undefined
  readonly processors: string
  /** How busy the machine was with other work. */
  readonly loadBefore: number
}

export const json = (circumstances: Circumstances, results: ReadonlyArray<Result>): string =>
  `${
    JSON.stringify(
      { ...circumstances, results: results.map((result) => ({ ...result, verdict: verdictOf(result) })) },
      // JSON has no Infinity
      (_, value: unknown) => value === Infinity ? "never" : value,
      2
    )
  }\n`
