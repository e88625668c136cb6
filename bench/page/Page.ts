/** The tables of a run, and `docs/benchmarks.md`. */
import { type Part, parts, type Results, type Sample, type Subject, subjects } from "./Results.ts"
import * as Statistics from "./Statistics.ts"

interface Figure {
  readonly key: string
  readonly title: string
  readonly digits: number
}

const resident = (key: string, title: string): Figure => ({ key, title, digits: 1 })

const figures: Readonly<Record<Part, ReadonlyArray<Figure>>> = {
  steady: [
    { key: "cpu", title: "CPU s a node-minute", digits: 4 },
    resident("resident", "resident, MB"),
    { key: "residentPerNode", title: "resident a node, MB", digits: 2 }
  ],
  join: [
    { key: "seconds", title: "until all agree, s", digits: 2 },
    { key: "cpu", title: "CPU s", digits: 2 },
    resident("resident", "resident, MB"),
    { key: "residentPerNode", title: "resident a node, MB", digits: 2 }
  ],
  idle: [
    { key: "cpu", title: "CPU ms a second", digits: 2 },
    resident("residentAtStart", "resident at start, MB"),
    resident("resident", "after a minute, MB"),
    resident("anonymous", "of it not shared, MB")
  ],
  messages: [
    { key: "reliable", title: "reliable, µs", digits: 0 },
    { key: "reliableCpu", title: "reliable, CPU µs", digits: 0 },
    { key: "reliableLost", title: "lost", digits: 0 },
    { key: "bestEffortCpu", title: "best effort, CPU µs", digits: 1 },
    { key: "bestEffortLost", title: "lost", digits: 0 }
  ],
  import: [
    { key: "cpu", title: "CPU ms", digits: 0 },
    { key: "wall", title: "fastest, ms", digits: 0 },
    resident("resident", "resident, MB")
  ]
}

const titles: Readonly<Record<Subject, string>> = {
  ours: "effect-memberlist",
  before: "effect-memberlist, before",
  go: "memberlist (Go)",
  bare: "bare Node.js",
  pings: "bare Node.js, pings and acks",
  effect: "Effect's modules alone"
}

/** Returns a figure as a median and, where rounds differ, its extremes. */
export const cell = (spread: Statistics.Spread | undefined, digits: number, unit = ""): string => {
  if (spread === undefined) return "–"
  const [median, min, max] = [spread.median, spread.min, spread.max].map((value) => value.toFixed(digits))
  return min === max ? `${median}${unit}` : `${median}${unit} (${min}–${max})`
}

const ratios: ReadonlyArray<readonly [Subject, Subject, string]> = [
  ["ours", "before", "ours ÷ before"],
  ["ours", "go", "ours ÷ Go"]
]

/** Returns a Markdown table of one part, or nothing where nothing was measured. */
export const table = (samples: ReadonlyArray<Sample>, part: Part): string | undefined => {
  const measured = subjects.filter((subject) => samples.some((each) => each.part === part && each.subject === subject))
  if (measured.length === 0) return undefined
  const columns = figures[part].filter(({ key }) => measured.some((subject) =>
    Statistics.figure(samples, part, subject, key) !== undefined
  ))
  const compared = ratios.filter(([above, below]) => measured.includes(above) && measured.includes(below))
  const rows = [
    ["", ...columns.map(({ title }) => title)],
    ["---", ...columns.map(() => "---:")],
    ...measured.map((subject) => [
      titles[subject],
      ...columns.map(({ digits, key }) => cell(Statistics.figure(samples, part, subject, key), digits))
    ]),
    ...compared.map(([above, below, title]) => [
      title,
      ...columns.map(({ key }) => cell(Statistics.ratio(samples, part, key, [above, below]), 2, "×"))
    ])
  ]
  return rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n")
}

/** Returns the tables of a run, for a terminal. */
export const tables = ({ samples }: Results): string =>
  parts.flatMap((part) => {
    const shown = table(samples, part)
    return shown === undefined ? [] : [`${part}\n\n${shown}`]
  }).join("\n\n")
