/**
 * Where results are printed: for people, or with `--json` for programs.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import * as Terminal from "effect/Terminal"
import * as PlainText from "../../base/PlainText.ts"
import type { Screen } from "./Columns.ts"

/**
 * Returns the size of a terminal that does not tell it: that of most.
 *
 * @category conversions
 * @since 0.1.0
 */
export const known = ({ columns, rows }: Terminal.Size): Terminal.Size => ({
  columns: columns > 0 ? columns : 80,
  rows: rows > 0 ? rows : 24
})

/**
 * What standard output is now. `NO_COLOR` and `TERM=dumb` are respected.
 *
 * @category getters
 * @since 0.1.0
 */
export const screen: Effect.Effect<Screen, never, Terminal.Terminal | Stdio.Stdio> = Effect.gen(function*() {
  const { canColor } = yield* TerminalCapabilities.TerminalCapabilities
  const { stdoutIsTerminal } = yield* Stdio.Stdio
  const { columns, rows } = yield* Terminal.Terminal
  const size = known({ columns: yield* columns, rows: yield* rows })
  return { colors: canColor, columns: (yield* stdoutIsTerminal) ? size.columns : undefined }
})

/**
 * Prints a result: as one line of JSON, or as the lines that `text` makes of the screen.
 *
 * @category printing
 * @since 0.1.0
 */
export const result = Effect.fnUntraced(function*(
  isJson: boolean,
  value: () => unknown,
  text: (screen: Screen) => ReadonlyArray<string>
) {
  if (isJson) return yield* Console.log(PlainText.json(value()))
  const lines = text(yield* screen)
  if (lines.length > 0) yield* Console.log(lines.join("\n"))
})
