/**
 * The demo's picture in a terminal: on the terminal's second screen, redrawn ten times a second in whatever size
 * there is. What is on the first screen stays, and what happened is written there in the end.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Terminal from "effect/Terminal"
import { type Narrator, print, summaryRows, warn, WIDTH } from "./Narrator.ts"
import * as Picture from "./Picture.ts"
import * as Text from "./Text.ts"

/** The second screen, no cursor, and lines that are too long are cut. */
const ENTER = "\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J"
const LEAVE = "\u001b[?2026l\u001b[0m\u001b[?7h\u001b[?25h\u001b[?1049l"
/** Terminals that know these show the picture only when it is whole. */
const BEGIN = "\u001b[?2026h"
const END = "\u001b[?2026l"

const DEFAULT: Picture.Size = { columns: WIDTH, rows: 24 }

/** The bytes of one picture. The cursor rests at the top, where a key that is pressed cannot scroll. */
const frame = (rows: ReadonlyArray<Text.Row>, terminal: Text.Terminal): string =>
  [
    BEGIN,
    ...rows.map((row, i) => `\u001b[${i + 1};1H${Text.placed(row, terminal)}\u001b[K`),
    "\u001b[H",
    END
  ].join("")

export const picture = (screen: Terminal.Terminal, terminal: Text.Terminal): Narrator => {
  const write = (text: string) => Effect.ignore(screen.display(text))
  const size = Effect.map(
    Effect.all([screen.columns, screen.rows]),
    ([columns, rows]): Picture.Size => columns > 0 && rows > 0 ? { columns, rows } : DEFAULT
  )
  let known = DEFAULT
  let suspended = false
  /** Ctrl-Z: the terminal is the shell's until this program goes on. */
  const suspending = Effect.acquireRelease(
    Effect.map(Effect.context<never>(), (context) => {
      const run = Effect.runForkWith(context)
      const stop = () => {
        suspended = true
        run(write(LEAVE))
        process.kill(process.pid, "SIGSTOP")
      }
      const go = () => {
        suspended = false
        run(write(ENTER))
      }
      process.on("SIGTSTP", stop).on("SIGCONT", go)
      return { stop, go }
    }),
    ({ go, stop }) => Effect.sync(() => process.off("SIGTSTP", stop).off("SIGCONT", go))
  )
  return {
    opened: Effect.andThen(Effect.acquireRelease(write(ENTER), () => write(LEAVE)), suspending),
    show: Effect.fnUntraced(function*(state, at, last) {
      if (last) {
        yield* warn(state.complaints)
        // words that are too long for a narrow terminal are wrapped by it; a table would be garbled
        const table = Picture.matrixRows(state, Math.min(WIDTH, (yield* size).columns))
        return yield* print([...Picture.eventRows(state), [], ...table, []], terminal)
      }
      if (suspended) return
      const now = yield* size
      const changed = now.columns !== known.columns || now.rows !== known.rows
      known = now
      yield* write((changed ? "\u001b[2J" : "") + frame(Picture.draw(state, at, now), terminal))
    }),
    summary: (summary) => print(summaryRows(summary), terminal)
  }
}
