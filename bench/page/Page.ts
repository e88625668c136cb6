/** `docs/benchmarks.md` and its plots, and the tables of a run for a terminal. */
import { table as markdown } from "../../simulate/drawing/Markdown.ts"
import { plot } from "../../simulate/drawing/Plot.ts"
import { definitions } from "../run/Parts.ts"
import { merged, type Part, parts, type Results, type Run, type Sample } from "./Results.ts"
import { cell, table, type Target } from "./Section.ts"
import * as Statistics from "./Statistics.ts"

/** The folder of the plots, beside the page. */
const FOLDER = "benchmarks"

const sections = parts.map((part) => ({ part, section: definitions[part].section }))

const runOf = ({ runs }: Results, part: Part): Run | undefined => runs.find((run) => run.part === part)

const body = (part: Part, run: Run): string | undefined => {
  const { section } = definitions[part]
  return section.body === undefined ? table(run.samples, section.figures) : section.body(run)
}

/** Returns the line of a target; a quick look is no claim. */
const judged = ({ demanded, judge, work }: Target, run: Run | undefined): ReadonlyArray<string> => {
  const verdict = run === undefined ? undefined : judge(run)
  if (run === undefined || verdict === undefined) return [work, demanded, "–", "–", "–", "not measured"]
  const met = verdict.isMet ? "yes" : "**no**"
  return [work, demanded, verdict.ours, verdict.beside, verdict.ratio, run.isQuick ? `${met}, at a quick look` : met]
}

/** Returns the targets as a table, met and missed alike. */
const summary = (results: Results): string =>
  markdown(
    ["work", "target", "ours", "Go or floor", "ratio", "met"],
    sections.flatMap(({ part, section }) =>
      (section.targets ?? []).map((target) => judged(target, runOf(results, part)))
    ),
    6
  )

/** Returns the tables of a run, for a terminal. */
export const tables = (results: Results): string =>
  parts.flatMap((part) => {
    const run = runOf(results, part)
    const shown = run === undefined || run.samples.length === 0 ? undefined : body(part, run)
    return shown === undefined ? [] : [`${part}\n\n${shown}`]
  }).join("\n\n")

const percent = (share: number) => `${(share * 100).toFixed(0)} %`

/** When a part was measured, and how busy the machine was in its rounds. */
const circumstances = ({ at, busy, commit, isQuick, rounds }: Run): string => {
  const load = cell(Statistics.spread(busy.map(({ load }) => load)), 1)
  const used = busy.map(({ used }) => percent(used)).join(", ")
  const look = isQuick ? " A quick look: shorter windows, fewer messages." : ""
  return `Measured on ${at.slice(0, 10)}, commit ${commit}, ${rounds} ${
    rounds === 1 ? "round" : "rounds"
  }.${look} Load before a round: ${load}.
Of all processors were used, this included: ${used}.`
}

/** The rounds of another run, which are no pairs of this one's. */
const UNPAIRED = 1_000_000

/** Returns the samples of a run with those of this library in an earlier one beside them. */
export const beside = (now: Run, before: Run): ReadonlyArray<Sample> => [
  ...now.samples.filter(({ subject }) => subject !== "before"),
  ...before.samples.filter(({ subject }) => subject === "ours").map((sample): Sample => ({
    ...sample,
    subject: "before",
    round: sample.round + UNPAIRED
  }))
]

/** Returns the results with an earlier run's beside them, and with parts that only the earlier one measured. */
const withBefore = (now: Results, before: Results): Results =>
  merged(before, {
    runs: now.runs.map((run) => {
      const earlier = runOf(before, run.part)
      return earlier === undefined ? run : { ...run, samples: beside(run, earlier) }
    })
  })

/** Returns what runs say of themselves: once where all say the same, else with the parts that do. */
const shared = (runs: ReadonlyArray<Run>, of: (run: Run) => string): string => {
  const said = new Map<string, ReadonlyArray<Part>>()
  for (const run of runs) said.set(of(run), [...(said.get(of(run)) ?? []), run.part])
  const [first = ""] = said.keys()
  return said.size <= 1 ? first : [...said].map(([text, those]) => `${text} (${those.join(", ")})`).join("; ")
}

/** Returns the text of a page, and its plots by the name of their file. */
export interface Page {
  readonly text: string
  readonly plots: ReadonlyMap<string, string>
}

/** Returns the page of these results, with those of an earlier commit in runs of its own beside them. */
export const page = (now: Results, before?: Results): Page => {
  const results = before === undefined ? now : withBefore(now, before)
  const { runs } = results
  const told = (name: string, of: (run: Run) => string) => [name, shared(runs, of)]
  const about = [
    told("measured", ({ at }) => at.slice(0, 10)),
    told("commit", ({ commit }) => commit),
    ...(runs.some(({ beforeCommit }) => beforeCommit !== undefined)
      ? [told("before, in the same rounds", ({ beforeCommit }) => beforeCommit ?? "none")]
      : []),
    ...(before === undefined || !now.runs.some(({ part }) => runOf(before, part) !== undefined)
      ? []
      : [["before, in a run of its own", shared(before.runs, (run) => `${run.commit}, ${run.at.slice(0, 10)}`)]]),
    told("processors", ({ processors }) => processors),
    told("memory", ({ memoryGB }) => `${memoryGB} GB`),
    told("system", ({ system }) => system),
    told("Node.js", ({ node }) => node),
    told("Effect", ({ effect }) => effect),
    told("Go", ({ go }) => go ?? "not there: nothing was measured beside it"),
    told("rounds", ({ rounds }) => String(rounds)),
    told("those that mostly wait", ({ isApart }) => (isApart ? "one after the other" : "side by side"))
  ]
  const plots = new Map<string, string>()
  const shown = sections.flatMap(({ part, section }) => {
    const run = runOf(results, part)
    const figures = run === undefined || run.samples.length === 0 ? undefined : body(part, run)
    if (run === undefined || figures === undefined) return []
    const drawn = section.plots?.(run) ?? []
    for (const [name, chart] of drawn) plots.set(name, plot(chart))
    return [[
      `## ${section.title(run.amounts)}`,
      section.text(run.amounts),
      figures,
      ...drawn.map(([name, { title }]) => `![${title}](${FOLDER}/${name})`),
      circumstances(run),
      ...run.failures.map((failure) => `Failed: ${failure}`)
    ].join("\n\n")]
  })
  const text = `# Benchmarks

What real nodes cost: sockets on 127.0.0.1, the LAN preset, this library as published (compiled, imported as
\`effect-memberlist\`), beside bare Node.js and HashiCorp memberlist. \`npm run bench\` measures, \`npm exec -- node
bench/write-page.ts\` writes this page from what it wrote down.

${markdown(["", ""], about, 2)}

Every figure is the median of the rounds, with the least and the most of them. Processor time is user and system time of the
whole process, all threads, as the operating system counts it; 1 MB is 10⁶ bytes. The machine was shared with other work,
so ratios say more than figures, and processor time more than time. In a round, those that mostly wait run side by side, so that
other work falls on all alike, unless the table above says otherwise; the others run one after the other, each round beginning
with another; a ratio is the median of the rounds' ratios.

## What is the same for everybody, and what is not

Both libraries run with the LAN preset and no other settings, but for a table's larger sizes, on sockets of 127.0.0.1, in processes
of their own that do nothing else, and log nothing. What this library has beyond memberlist (recovery from splits, verified hearsay,
reachability, metrics) is on, as it is by default. A join of ours asks for the list before it introduces itself, and so
takes two exchanges, where memberlist's takes one.

Go's programs are compiled before they start, and use all processors (\`GOMAXPROCS\`) and the usual garbage collector
(\`GOGC=100\`). Node.js runs JavaScript on one thread, beside threads that compile it and collect its garbage; it
interprets what it has not run often, so that a node that wakes up twice a second is dearer for each packet than a busy one.
No flags are set. Most of what a process with many nodes holds is V8's space for new objects, which grows to
128 MiB by itself on a machine with as much memory; \`node --max-semi-space-size=4\` keeps it at 8.

Rust's \`memberlist\` and \`foca\` are not measured: a run would have to fetch and compile their crates, and neither speaks
memberlist's protocol.

## Targets

What was set as a target, and what came of it. A ratio below 1 is better than what it is compared with, but where messages a second
are counted; where a target is about a difference, that stands in its place. How each was measured is told below; why some are
missed, and what it would take to meet them, is told by [where the processor time goes](profiles.md).

${summary(results)}

${shown.join("\n\n")}
`
  return { text, plots }
}
