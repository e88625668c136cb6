/**
 * What tells the story: to people, a line for each thing that happened; to programs, one JSON value a line.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as PlainText from "../../base/PlainText.ts"
import * as News from "./News.ts"
import * as Picture from "./Picture.ts"
import type { Seconds, Summary } from "./Story.ts"
import * as Text from "./Text.ts"
import type * as World from "./World.ts"

export interface Narrator {
  /** What comes before everything else, and is undone after it, whatever happened. */
  readonly opened: Effect.Effect<void, never, Scope.Scope>
  /** Shows what is new. The last time, nothing more will come. */
  readonly show: (state: World.State, at: number, last: boolean) => Effect.Effect<void>
  readonly summary: (summary: Summary) => Effect.Effect<void>
}

const INTERVAL = Duration.millis(100)

/**
 * Shows the world while an effect runs, and for the last time when it ends, also by interruption. What the effect
 * started in its scope ends later.
 */
export const during = Effect.fnUntraced(function*<A, E, R>(
  narrator: Narrator,
  world: World.World,
  effect: Effect.Effect<A, E, R>
) {
  const scope = yield* Scope.Scope
  const show = (last: boolean) =>
    Effect.flatMap(
      Effect.all([SubscriptionRef.get(world.state), world.elapsed]),
      ([state, at]) => narrator.show(state, at, last)
    )
  return yield* Effect.scoped(Effect.gen(function*() {
    yield* Effect.addFinalizer(() => show(true))
    yield* narrator.opened
    const showing = Effect.forever(Effect.andThen(show(false), Effect.sleep(INTERVAL)))
    return yield* Effect.raceFirst(Scope.provide(effect, scope), showing)
  }))
})

export const WIDTH = 80

const spread = (times: Seconds): string => {
  const values = Object.values(times).map((value) => value * 1000)
  return values.length === 0 ? "-" : Picture.range(Math.min(...values), Math.max(...values))
}

/** What the story came to. */
export const summaryRows = ({ killed, left, nodes, returned, survivors }: Summary): ReadonlyArray<Text.Row> => {
  const count = (times: Seconds) => Object.keys(times).length
  const name = (member: string) => Text.name(member, 24)
  return [
    [Text.span(`✓ ${survivors.length} of ${nodes} members run, and each of them sees exactly these.`, "good")],
    [Text.span(`  ${name(killed.member)} was killed: suspected after ${spread(killed.suspectedAfter)},`)],
    [Text.span(`    failed after ${spread(killed.failedAfter)}, for ${count(killed.failedAfter)} members`)],
    [Text.span(`  ${name(returned.member)} returned: seen after ${spread(returned.seenAfter)}`)],
    [Text.span(`  ${name(left.member)} said goodbye: seen as left, not as failed, after ${spread(left.seenAfter)}`)]
  ]
}

/** Chapters after which it is worth seeing which member sees which. */
const tabled: ReadonlySet<World.Chapter> = new Set(["start", "failure", "leave"])

/** Prints lines that fit into 80 columns. */
export const print = (rows: ReadonlyArray<Text.Row>, terminal: Text.Terminal): Effect.Effect<void> =>
  Effect.forEach(rows, (row) => Console.log(Text.printed(Text.clipped(row, WIDTH), terminal)), { discard: true })

/** Prints what members wrote to their standard error output. */
export const warn = (lines: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.forEach(lines, (line) => Console.error(PlainText.sentence(line)), { discard: true })

/** A log for people. */
export const log = (terminal: Text.Terminal): Narrator => {
  let steps = 0
  let complaints = 0
  const told = new Set<number>()
  return {
    opened: Effect.void,
    show: (state, at, last) => {
      const rows: Array<Text.Row> = []
      const all = News.gather(state)
      const tell = (before: number) => {
        for (const [i, news] of all.entries()) {
          if (!told.has(i) && news.first <= before && (last || News.settled(news, all, at))) {
            told.add(i)
            rows.push(Picture.newsRow(news))
          }
        }
      }
      for (const step of state.steps.slice(steps)) {
        tell(step.at)
        if (step.text !== "") rows.push(Picture.stepRow(step))
        if (step.ends && tabled.has(step.chapter)) {
          rows.push([], ...Picture.matrixRows(state, WIDTH), [])
        }
      }
      steps = state.steps.length
      tell(Infinity)
      const warnings = state.complaints.slice(complaints)
      complaints = state.complaints.length
      return Effect.andThen(warn(warnings), print(rows, terminal))
    },
    summary: (summary) => print(summaryRows(summary), terminal)
  }
}

const jsonLine = (type: string, at: number | undefined, value: object) =>
  Console.log(PlainText.json({ type, ...(at === undefined ? {} : { seconds: at / 1000 }), ...value }))

/** How often programs are given all that everybody sees, in milliseconds. */
const TABLE_INTERVAL = 2000

/** For a program. */
export const json = (): Narrator => {
  let steps = 0
  let observations = 0
  let complaints = 0
  let table = TABLE_INTERVAL
  return {
    opened: Effect.void,
    show: (state, at, last) => {
      const news = [
        ...state.steps.slice(steps).filter(({ text }) => text !== "").map(({ at, chapter, member, text }) => ({
          at,
          line: jsonLine("step", at, { chapter, text, member })
        })),
        ...state.observations.slice(observations).map(({ at, event, member, observer }) => ({
          at,
          line: jsonLine("event", at, { observer, event, member })
        }))
      ].sort((a, b) => a.at - b.at).map(({ line }) => line)
      const warnings = warn(state.complaints.slice(complaints))
      steps = state.steps.length
      observations = state.observations.length
      complaints = state.complaints.length
      const due = last || at >= table
      if (due) table = at + TABLE_INTERVAL
      const tables = due
        ? [jsonLine("members", at, {
          views: Object.fromEntries(state.views),
          processes: Object.fromEntries(state.processes)
        })]
        : []
      return Effect.all([warnings, ...news, ...tables], { discard: true })
    },
    summary: (summary) => jsonLine("summary", undefined, summary)
  }
}
