/**
 * The picture of the demo's cluster: how far the story is, which member sees which, and what happened last. Pure: a
 * state of the world and a size become rows.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type { MemberState } from "../../Member.ts"
import type { EventName, View } from "./Line.ts"
import * as News from "./News.ts"
import * as Text from "./Text.ts"
import * as World from "./World.ts"

export interface Size {
  readonly columns: number
  readonly rows: number
}

/** A wider picture is harder to read, not easier. */
const MAX_COLUMNS = 100
/** Columns for a name among other words. */
const NAME = 24

export const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`

/** How long something took: "21 ms", "1.3 s". */
export const duration = (millis: number): string => millis < 100 ? `${Math.round(millis)} ms` : seconds(millis)

/** From the shortest to the longest, once if they are the same to the reader. */
export const range = (from: number, to: number): string => {
  const [low = "", high = ""] = [duration(from), duration(to)]
  const [number = "", unit] = low.split(" ")
  return low === high ? low : high.endsWith(` ${unit}`) ? `${number} to ${high}` : `${low} to ${high}`
}

type Seen = "alive" | "suspect" | "failed" | "left" | "unknown"

const symbols: Readonly<Record<Seen, Text.Span>> = {
  alive: Text.span("●", "good"),
  suspect: Text.span("?", "warning"),
  failed: Text.span("✕", "bad"),
  left: Text.span("○", "accent"),
  unknown: Text.span("·", "dim")
}

const legend: Text.Row = [
  symbols.alive,
  Text.span(" alive  "),
  symbols.suspect,
  Text.span(" suspected  "),
  symbols.failed,
  Text.span(" failed  "),
  symbols.left,
  Text.span(" left  "),
  symbols.unknown,
  Text.span(" not known")
]

/** Which members each observer saw fail or leave. They are no longer in its list, so its events have to tell. */
const endings = ({ observations }: World.State): ReadonlyMap<string, ReadonlyMap<string, Seen>> => {
  const all = new Map<string, Map<string, Seen>>()
  for (const { event, member, observer } of observations) {
    if (event !== "MemberFailed" && event !== "MemberLeft") continue
    const known = all.get(observer) ?? new Map<string, Seen>()
    all.set(observer, known.set(member, event === "MemberLeft" ? "left" : "failed"))
  }
  return all
}

const listed: Readonly<Record<MemberState, Seen>> = { alive: "alive", suspect: "suspect", dead: "failed", left: "left" }

/** What one process knows of others, by their names. */
const knowledge = (
  view: View["members"] | undefined,
  ended: ReadonlyMap<string, Seen> | undefined
): ReadonlyMap<string, Seen> =>
  view === undefined ? new Map() : new Map([
    ...(ended ?? []),
    ...view.map(({ name, state }) => [name, listed[state]] as const)
  ])

const eventText: Readonly<Record<EventName, readonly [Text.Span, string]>> = {
  MemberJoined: [symbols.alive, "is back"],
  MemberUpdated: [symbols.alive, "changed its metadata"],
  MemberSuspected: [symbols.suspect, "is suspected"],
  MemberRecovered: [symbols.alive, "recovered"],
  MemberFailed: [symbols.failed, "failed"],
  MemberLeft: [symbols.left, "left"],
  MemberReachabilityChanged: [symbols.suspect, "is reached in another way"],
  MemberConflict: [symbols.suspect, "is claimed twice"]
}

const clock = (at: number): Text.Span => Text.span(`${seconds(at).padStart(8)}  `, "dim")

/** A line about something that members reported: how many of those who could, and how long after what caused it. */
export const newsRow = (news: News.News): Text.Row => {
  const [symbol, words] = eventText[news.event]
  const after = news.since === undefined ? "" : `, after ${range(news.first - news.since, news.last - news.since)}`
  return [
    clock(news.first),
    symbol,
    Text.span(` ${Text.name(news.member, NAME)} ${words} (${news.observers.length} of ${news.of})${after}`)
  ]
}

/** A line about something that the demo did. */
export const stepRow = (step: World.Step): Text.Row => [
  clock(step.at),
  Text.span(step.ends ? "✓ " : "▸ ", "bold"),
  Text.span(step.text, "bold")
]

/** What happened, in its order. */
export const eventRows = (state: World.State): ReadonlyArray<Text.Row> =>
  [
    ...state.steps.filter(({ text }) => text !== "").map((step) => ({ at: step.at, row: stepRow(step) })),
    ...News.gather(state).map((news) => ({ at: news.first, row: newsRow(news) }))
  ].sort((a, b) => a.at - b.at).map(({ row }) => row)

/** What a chapter came to: how long it took, or what was done. */
const outcome = ({ steps }: World.State, chapter: World.Chapter, ended: World.Step): string => {
  if (chapter === "kill") return "SIGKILL"
  const cause = steps.find((step) =>
    step.chapter === (chapter === "suspicion" || chapter === "failure" ? "kill" : chapter)
  )
  return cause === undefined ? "" : duration(ended.at - cause.at)
}

/** How far the story is. */
export const storyRows = (state: World.State, columns: number): ReadonlyArray<Text.Row> => {
  const space = Math.max(10, Math.min(14, Math.floor((columns - 4) / World.chapters.length)))
  const ends = World.chapters.map((chapter) => state.steps.find((step) => step.chapter === chapter && step.ends))
  const current = ends.indexOf(undefined)
  const marks = ends.flatMap((end, i): ReadonlyArray<Text.Span> => {
    const mark = end !== undefined ? Text.span("✓", "good") : Text.span(i === current ? "▸" : "·", "bold")
    const line = (end === undefined ? "─" : "━").repeat(space - 1)
    return i === ends.length - 1 ? [mark] : [mark, Text.span(line, end === undefined ? "dim" : "good")]
  })
  const labels = World.chapters.map((chapter, i) =>
    Text.span(Text.padded(chapter, space), i === current ? "bold" : ends[i] === undefined ? "dim" : "plain")
  )
  const times = World.chapters.map((chapter, i) => {
    const end = ends[i]
    return Text.span(Text.padded(end === undefined ? "" : outcome(state, chapter, end), space), "dim")
  })
  return [marks, labels, times].map((row) => [Text.span("  "), ...row])
}

const fateText: Readonly<Record<World.Fate, Text.Span>> = {
  starting: Text.span("starts", "dim"),
  running: Text.span(""),
  killed: Text.span("killed", "bad"),
  left: Text.span("left", "accent"),
  ended: Text.span("ended by itself", "bad")
}

const detail = ({ address, fate, pid }: World.Started): Text.Row => [
  Text.span("   "),
  ...(fate === "running"
    ? [Text.span(`${address ?? ""}  pid ${pid ?? ""}`, "dim")]
    : [fateText[fate]])
]

/** A row for each observer, a column for each member, and a symbol for what the one knows of the other. */
export const matrixRows = (state: World.State, columns: number, rows = Infinity): ReadonlyArray<Text.Row> => {
  const names = World.names(state)
  const longest = Math.max(0, ...names.map((name) => Text.width(Text.name(name, NAME))))
  const named = 2 + Math.max(8, longest) + names.length * (longest + 2) <= columns
  const digits = String(names.length).length
  const label = named ? Math.max(8, longest) : digits + 1 + longest
  // columns between the centres of two members
  const room = Math.floor((columns - 2 - label - 3) / Math.max(1, names.length))
  const pitch = named ? longest + 2 : Math.max(1, Math.min(4, room))
  const shown = names.slice(0, Math.max(1, Math.min(names.length, Math.floor((columns - 3 - label) / pitch))))
  const cell = (text: string) =>
    named
      ? Text.padded(Text.padded(text, Math.ceil((longest + Text.width(text)) / 2), "left"), longest)
      : text
  const head = shown.map((name, i) =>
    named
      ? Text.span(`  ${Text.padded(Text.name(name, NAME), longest)}`, "dim")
      : Text.span(
        // numbers that would touch each other are told for each fifth member alone
        Text.padded(
          pitch > digits || (i + 1) % 5 === 0 ? String(i + 1).slice(-Math.max(pitch, digits)) : "",
          pitch,
          "left"
        ),
        "dim"
      )
  )
  const ended = endings(state)
  const fitting = names.length <= rows - 1 ? names : names.slice(0, Math.max(0, rows - 2))
  const body = fitting.map((observer, i): Text.Row => {
    const started = state.processes.get(observer)
    const gone = started?.fate !== "starting" && started?.fate !== "running"
    const known = knowledge(state.views.get(observer), ended.get(observer))
    const cells = shown.map((name): Text.Span => {
      const { style, text } = gone ? Text.span(" ") : symbols[known.get(name) ?? "unknown"]
      return Text.span(Text.padded(cell(text), pitch, "left"), style)
    })
    const who = named
      ? Text.padded(Text.name(observer, NAME), label)
      : `${String(i + 1).padStart(digits)} ${Text.padded(Text.name(observer, NAME), longest)}`
    const row = [Text.span(`  ${who}`, gone ? "dim" : "plain"), ...cells]
    const more = started === undefined ? [] : detail(started)
    return Text.rowWidth(row) + Text.rowWidth(more) <= columns ? [...row, ...more] : row
  })
  return [
    [Text.span(`  ${Text.padded("sees", label)}`, "dim"), ...head],
    ...body,
    ...(fitting.length === names.length ? [] : [[Text.span(`  … and ${names.length - fitting.length} more`, "dim")]])
  ]
}

/** How many of those that run list exactly those that run, all alive. */
const agreement = (state: World.State): Text.Row => {
  const running = World.survivors(state).length
  const right = World.agreeing(state).length
  return right === running && right > 1
    ? [Text.span(`✓ all ${right} lists right`, "good")]
    : running > 1
    ? [Text.span(`${right} of ${running} lists right`, "warning")]
    : []
}

/** The picture, in exactly as many rows as there are, none of them wider than the terminal. */
export const draw = (state: World.State, at: number, size: Size): ReadonlyArray<Text.Row> => {
  const columns = Math.max(1, Math.min(size.columns, MAX_COLUMNS))
  const name = Text.span("  effect-memberlist", "bold")
  const about = Text.span(`  ${state.processes.size} processes on this machine`, "dim")
  const time = [Text.span(seconds(at), "bold"), Text.span(" ")]
  const blank: ReadonlyArray<Text.Row> = size.rows < 20 ? [] : [[]]
  const above = [
    Text.justified(Text.rowWidth([name, about, ...time]) + 2 > columns ? [name] : [name, about], time, columns),
    ...blank,
    ...storyRows(state, columns),
    ...blank
  ]
  const below = [
    ...blank,
    Text.justified([Text.span("  "), ...legend], [...agreement(state), Text.span(" ")], columns),
    ...blank
  ]
  const free = size.rows - above.length - below.length
  // four events come before the last members of a large cluster
  const matrix = matrixRows(state, columns, Math.max(3, free - 4))
  const last = Math.max(0, free - matrix.length)
  const events = last === 0 ? [] : eventRows(state).slice(-last)
  const all = [...above, ...matrix, ...below, ...events].slice(0, size.rows).map((row) => Text.clipped(row, columns))
  return [...all, ...Array.from({ length: Math.max(0, size.rows - all.length) }, (): Text.Row => [])]
}
