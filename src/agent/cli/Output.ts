/**
 * Where results are printed: for people, or with `--json` for programs.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Terminal from "effect/Terminal"
import * as PlainText from "../../base/PlainText.ts"
import type { Screen } from "./Columns.ts"

/**
 * What standard output is now. `NO_COLOR` and `TERM=dumb` are respected.
 *
 * @category getters
 * @since 0.1.0
 */
export const screen: Effect.Effect<Screen, never, Terminal.Terminal> = Effect.gen(function*() {
  const { canColor } = yield* TerminalCapabilities.TerminalCapabilities
  const terminal = yield* Terminal.Terminal
  const columns = yield* terminal.columns
  // 0 where there is no terminal
  return { colors: canColor, columns: columns === 0 ? undefined : columns }
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
