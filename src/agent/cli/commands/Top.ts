/**
 * `top`: the cluster as an agent sees it, drawn again and again on a terminal.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as CliOutput from "effect/cli/CliOutput"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Ref from "effect/Ref"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Terminal from "effect/Terminal"
import * as PlainText from "../../../base/PlainText.ts"
import type * as Model from "../../Model.ts"
import * as AgentClient from "../AgentClient.ts"
import * as Columns from "../Columns.ts"
import { type CommandFailed, usage } from "../CommandFailed.ts"
import { ago, memberLines, sorted } from "../MemberText.ts"
import * as Output from "../Output.ts"
import { line } from "./Monitor.ts"

/** What is on the screen. */
export interface Picture {
  readonly about: typeof Model.Info.Type | undefined
  readonly health: typeof Model.HealthView.Type | undefined
  readonly members: ReadonlyArray<Model.MemberView>
  /** The newest event last. */
  readonly events: ReadonlyArray<Model.EventView>
  /** Why there is nothing newer. */
  readonly problem: CommandFailed | undefined
  /** Members above the first that is shown. */
  readonly scroll: number
  readonly order: "state" | "name"
}

const empty: Picture = {
  about: undefined,
  health: undefined,
  members: [],
  events: [],
  problem: undefined,
  scroll: 0,
  order: "state"
}

/** More fit on no screen. */
const MAX_EVENTS = 100

const severity = { suspect: 0, dead: 1, alive: 2, left: 3 } as const

/** Those that need attention first, or all by name. */
const ordered = ({ members, order }: Picture): ReadonlyArray<Model.MemberView> => {
  const byName = sorted(members)
  return order === "name" ? byName : byName.toSorted((a, b) => severity[a.state] - severity[b.state])
}

const title = (screen: Columns.Screen, { about, health }: Picture, now: number): string => {
  if (about === undefined || health === undefined) return "effect-memberlist"
  const states = Object.entries(health.members).filter(([, amount]) => amount > 0).map(([state, amount]) =>
    `${amount} ${state}`
  )
  const parts = [
    Columns.paint(screen, "bold", PlainText.name(about.name)),
    about.advertised,
    states.join(", "),
    Columns.paint(screen, health.score === 0 ? "green" : "yellow", `local health ${health.score}`),
    `${health.readiness.state}`,
    `up ${ago(now - about.startedAt.epochMilliseconds)}`
  ]
  return parts.join("  ")
}

const colored = new RegExp(String.raw`\u001b\[[\d;]*m`, "g")

/** A text without its colours. */
const plain = (text: string): string => text.replace(colored, "")

/** A line that does not fit is cut, and loses its colours: what is cut may be the end of one. */
const fitted = (text: string, columns: number): string =>
  CliOutput.displayWidth(plain(text)) <= columns ? text : Columns.cut(plain(text), columns)

/**
 * Returns the lines of a screen of this size: never more than its rows, and none longer than its columns.
 *
 * @category conversions
 * @since 0.1.0
 */
export const frame = (
  picture: Picture,
  { columns, rows }: Terminal.Size,
  colors: boolean,
  now: number
): ReadonlyArray<string> => {
  const screen: Columns.Screen = { colors, columns }
  const feed = rows >= 12 ? Math.min(8, Math.floor(rows / 4)) : 0
  // title, headings, the line of keys, and two empty lines around the table
  const space = Math.max(1, rows - 3 - (feed === 0 ? 1 : feed + 2))
  const members = ordered(picture)
  const first = Math.min(picture.scroll, Math.max(0, members.length - space))
  const shown = members.slice(first, first + space)
  const hidden = members.length - shown.length
  const keys = hidden === 0
    ? "q quit  s order"
    : `q quit  s order  ↑↓ scroll: ${first + 1}–${first + shown.length} of ${members.length}`
  const table = memberLines(screen, now, shown)
  const lines = [
    title(screen, picture, now),
    "",
    ...table,
    ...Array.from({ length: space - shown.length }, () => ""),
    ...(feed === 0 ? [] : ["", ...padded(picture.events.slice(-feed).map((event) => line(screen, event)), feed)]),
    picture.problem === undefined
      ? Columns.paint(screen, "dim", keys)
      : Columns.paint(screen, "red", PlainText.sentence(`trying again: ${picture.problem.message}`))
  ]
  return lines.slice(0, rows).map((text) => fitted(text, columns))
}

const padded = (lines: ReadonlyArray<string>, length: number): ReadonlyArray<string> => [
  ...lines,
  ...Array.from({ length: length - lines.length }, () => "")
]

/** The other screen, without a cursor; and back. */
const ENTER = "\u001b[?1049h\u001b[?25l"
const LEAVE = "\u001b[?25h\u001b[?1049l"

/** Over the last picture, and shown as a whole where the terminal knows how to. */
const drawn = (lines: ReadonlyArray<string>): string =>
  `\u001b[?2026h\u001b[H${lines.map((text) => `${text}\u001b[K`).join("\r\n")}\u001b[J\u001b[?2026l`

const scrolled = (key: Terminal.Key, page: number): number => {
  switch (key.name) {
    case "up":
    case "k":
      return -1
    case "down":
    case "j":
      return 1
    case "pageup":
      return -page
    case "pagedown":
      return page
    default:
      return 0
  }
}

/**
 * Draws the cluster until `q`, Escape or Ctrl-C.
 *
 * @category commands
 * @since 0.1.0
 */
export const top = Effect.fnUntraced(
  function*({ http }: { readonly http: string }) {
    const stdio = yield* Stdio.Stdio
    if (!(yield* stdio.stdinIsTerminal) || !(yield* stdio.stdoutIsTerminal)) {
      return yield* usage("top needs a terminal; members and monitor write to files and other programs, also as JSON")
    }
    const terminal = yield* Terminal.Terminal
    const { colors } = yield* Output.screen
    const { call, client, read } = yield* AgentClient.connect(http)
    const asked = Effect.all([
      call(client.info()),
      call(client.health()),
      call(client.members({ query: { state: "all" } }))
    ], { concurrency: 3 })
    // where nothing answers now, the screen is left alone
    const [about, health, members] = yield* asked
    const state = yield* Ref.make<Picture>({ ...empty, about, health, members })
    const sizes = yield* terminal.size
    const keys = yield* terminal.readInput
    let size = Output.known(yield* Queue.take(sizes))
    const changed = yield* Queue.sliding<void>(1)
    const update = (change: (picture: Picture) => Picture) =>
      Effect.andThen(Ref.update(state, change), Queue.offer(changed, undefined))

    const poll = Effect.result(asked).pipe(
      Effect.flatMap((answer) =>
        update((picture) =>
          Result.isFailure(answer)
            ? { ...picture, problem: answer.failure }
            : {
              ...picture,
              about: answer.success[0],
              health: answer.success[1],
              members: answer.success[2],
              problem: undefined
            }
        )
      ),
      Effect.repeat(Schedule.spaced("1 second"))
    )

    const began = yield* Clock.currentTimeMillis
    // the stream begins with the members there are, which happened before
    const feed = Stream.runForEach(
      Stream.filter(
        read(client.events()),
        ({ data, event }) =>
          event !== "MemberJoined" || data.member.since === undefined || data.member.since.epochMilliseconds >= began
      ),
      (event) => update((picture) => ({ ...picture, events: [...picture.events, event].slice(-MAX_EVENTS) }))
    ).pipe(Effect.ignore, Effect.repeat(Schedule.spaced("1 second")))

    const draw = Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      yield* terminal.display(drawn(frame(yield* Ref.get(state), size, colors, now)))
    })

    const redraw = Effect.gen(function*() {
      for (;;) {
        // at most twenty pictures a second, however much happens
        yield* Effect.sleep("50 millis")
        yield* Queue.take(changed)
        yield* draw
      }
    })

    const resize = Effect.gen(function*() {
      for (;;) {
        size = Output.known(yield* Queue.take(sizes))
        yield* Queue.offer(changed, undefined)
      }
    })

    const obey = Effect.gen(function*() {
      for (;;) {
        const { key } = yield* Queue.take(keys)
        if (key.name === "q") {
          return
        }
        if (key.name === "s") {
          yield* update((picture) => ({ ...picture, scroll: 0, order: picture.order === "name" ? "state" : "name" }))
        }
        const by = scrolled(key, Math.max(1, size.rows - 8))
        if (by !== 0) {
          yield* update((picture) => ({
            ...picture,
            scroll: Math.max(0, Math.min(picture.members.length - 1, picture.scroll + by))
          }))
        }
      }
    }).pipe(Effect.ignore)

    yield* Effect.acquireRelease(
      terminal.display(ENTER),
      () => Effect.ignore(terminal.display(LEAVE))
    )
    // whatever is typed meanwhile, there is a picture
    yield* draw
    yield* Effect.raceAllFirst([obey, poll, feed, redraw, resize])
  },
  Effect.scoped,
  Effect.catchTags({
    PlatformError: () => Effect.void,
    Done: () => Effect.void
  })
)
