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
    { key: "reliable", title: "reliable, median µs", digits: 0 },
    { key: "reliableMean", title: "mean µs", digits: 0 },
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
  together: "bare Node.js, all pings at once",
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

/** Returns a Markdown table whose columns are as wide as they must be, all but the first aligned to the right. */
const markdown = ([head = [], ...body]: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = head.map((_, i) => Math.max(4, ...[head, ...body].map((row) => (row[i] ?? "").length)))
  const line = (cells: ReadonlyArray<string>) => `| ${cells.join(" | ")} |`
  const padded = (row: ReadonlyArray<string>) =>
    line(row.map((text, i) => i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0)))
  const rule = line(widths.map((width, i) => i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`))
  return [padded(head), rule, ...body.map(padded)].join("\n")
}

/** Returns a Markdown table of one part, or nothing where nothing was measured. */
export const table = (samples: ReadonlyArray<Sample>, part: Part): string | undefined => {
  const measured = subjects.filter((subject) => samples.some((each) => each.part === part && each.subject === subject))
  if (measured.length === 0) return undefined
  const columns = figures[part].filter(({ key }) =>
    measured.some((subject) => Statistics.figure(samples, part, subject, key) !== undefined)
  )
  const compared = ratios.flatMap(([above, below, title]) => {
    const found = columns.map(({ key }) => Statistics.ratio(samples, part, key, [above, below]))
    return found.some((each) => each !== undefined) ? [[title, ...found.map((each) => cell(each, 2, "×"))]] : []
  })
  return markdown([
    ["", ...columns.map(({ title }) => title)],
    ...measured.map((subject) => [
      titles[subject],
      ...columns.map(({ digits, key }) => cell(Statistics.figure(samples, part, subject, key), digits))
    ]),
    ...compared
  ])
}

/** Returns the tables of a run, for a terminal. */
export const tables = ({ samples }: Results): string =>
  parts.flatMap((part) => {
    const shown = table(samples, part)
    return shown === undefined ? [] : [`${part}\n\n${shown}`]
  }).join("\n\n")

/** What is done in each part, how it is the same for everybody, and where it is not. */
const explained = ({ amounts }: Results): Readonly<Record<Part, readonly [title: string, text: string]>> => ({
  steady: [
    `${amounts.nodes} nodes of one process, while nothing happens`,
    `The nodes are started over one second (those of Go that are started at once also probe and gossip at once, which saves
waking up, and which nodes of different hosts cannot do), join, settle for ${amounts.settleSeconds} s, and are measured for ${amounts.windowSeconds} s. With 100 nodes a
push/pull of each falls into a window of 90 s. Afterwards every node must still see all others. The floors are a
socket a node that pings two others every second and acks: four datagrams of 60 bytes, no table, no gossip; at a moment of
its own, as nodes do, or all at once, which shows how much is spent on waking up. Resident memory a node leaves out what the
process had before its first node. Mind how busy the machine was: where others keep the processors awake, the first floor costs
as little as the second, and where they are all used up, probes come late and members are suspected, which is work as well.`
  ],
  join: [
    `${amounts.nodes} nodes of one process, until all agree`,
    `From the start of the first node until every node sees all others; all join through the first one, 16 at a time. A node's
view is looked at every 20 ms. The time has a floor of its own: news waits for gossip, every 200 ms.`
  ],
  idle: [
    "Five processes of one node each",
    `Joined, settled for ${amounts.idleSettleSeconds} s, and measured for ${amounts.idleWindowSeconds} s; the figures are a process's. One floor is
a process with a socket that pings another every second and acks. "Effect's modules alone" imports what this library
imports of Effect, and does nothing. What is not shared is the memory that is not a file's: five processes of a program
share its code.`
  ],
  messages: [
    "Messages from one process to another",
    `${amounts.reliable} messages of 1,000 bytes, \`reliable\`, one after the other, and ${amounts.bestEffort} of 100 bytes, best effort, 20 and then a
pause of 2 ms, so that none is lost and so saves work. Hexadecimal noise, compressed as the LAN preset says. Half as many are
sent before, unmeasured. The time is the sender's for one message, until it is written; processor time is that of both
processes, with what the nodes do besides. The floor connects, writes and ends, or sends a datagram, and compresses nothing.`
  ],
  import: [
    "Import",
    `A process that imports, and says that it has: ${amounts.imports} of each a round. The fastest of a round is told, as the time from
its start, and the middle one's memory and processor time. Go's is its program's start.`
  ]
})

const percent = (share: number) => `${(share * 100).toFixed(0)} %`

/** How busy the machine was in the rounds of a part. */
const busyness = ({ busy }: Results, part: Part): string => {
  const rounds = busy.filter((each) => each.part === part)
  const load = cell(Statistics.spread(rounds.map(({ load }) => load)), 1)
  const used = rounds.map(({ used }) => percent(used)).join(", ")
  return `Load before a round: ${load}. Of all processors were used, this included: ${used}.`
}

/** The rounds of another run, which are no pairs of this one's. */
const UNPAIRED = 1_000_000

/** Returns the samples of a run with those of this library in an earlier one beside them. */
export const beside = (now: Results, before: Results): ReadonlyArray<Sample> => [
  ...now.samples.filter(({ subject }) => subject !== "before"),
  ...before.samples.filter(({ subject }) => subject === "ours").map((sample): Sample => ({
    ...sample,
    subject: "before",
    round: sample.round + UNPAIRED
  }))
]

/** Returns `docs/benchmarks.md`. */
export const page = (now: Results, before?: Results): string => {
  const samples = before === undefined ? now.samples : beside(now, before)
  const about: ReadonlyArray<readonly [string, string]> = [
    ["measured", now.at.slice(0, 10)],
    ["commit", now.commit],
    ...(now.beforeCommit === undefined ? [] : [["before, in the same rounds", now.beforeCommit] as const]),
    ...(before === undefined
      ? []
      : [["before, in a run of its own", `${before.commit}, ${before.at.slice(0, 10)}`] as const]),
    ["processors", now.processors],
    ["memory", `${now.memoryGB} GB`],
    ["system", now.system],
    ["Node.js", now.node],
    ["Effect", now.effect],
    ["Go", now.go ?? "not there: nothing was measured beside it"],
    ["rounds", String(now.rounds)]
  ]
  const sections = parts.flatMap((part) => {
    const shown = table(samples, part)
    const [title, text] = explained(now)[part]
    return shown === undefined ? [] : [`## ${title}\n\n${text}\n\n${shown}\n\n${busyness(now, part)}`]
  })
  const rows = about.map(([name, value]) => [name, value])
  return `# Benchmarks

What real nodes cost: sockets on 127.0.0.1, the LAN preset, this library as published (compiled, imported as
\`effect-memberlist\`), beside bare Node.js and HashiCorp memberlist. \`npm run bench\` measures, \`npm exec -- node
bench/write-page.ts\` writes this page from what it wrote down.

${left(rows)}

Every figure is the median of the rounds, with the least and the most of them. Processor time is user and system time of the
whole process, all threads, as the operating system counts it; 1 MB is 10⁶ bytes. The machine was shared with other work,
so ratios say more than figures, and processor time more than time. In a round,
those that mostly wait ${
    now.isApart ? "run one after the other as well" : "run side by side, so that other work falls on all alike"
  };
the others run one after the other, each round beginning with another; a ratio is the median of the rounds' ratios.

${sections.join("\n\n")}
${now.failures.map((failure) => `\nFailed: ${failure}\n`).join("")}`
}

/** Returns a table without headings. */
const left = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = [0, 1].map((i) => Math.max(3, ...rows.map((row) => (row[i] ?? "").length)))
  const line = (cells: ReadonlyArray<string>) =>
    `| ${cells.map((text, i) => text.padEnd(widths[i] ?? 0)).join(" | ")} |`
  return [line(["", ""]), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n")
}
