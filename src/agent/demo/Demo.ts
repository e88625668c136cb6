/**
 * The demo: its options, what comes of them, and where it is shown.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as Terminal from "effect/Terminal"
import * as Narrator from "./Narrator.ts"
import * as Process from "./Process.ts"
import * as Screen from "./Screen.ts"
import * as Story from "./Story.ts"
import * as World from "./World.ts"

export interface Options {
  readonly nodes: number
  /** Lines, also in a terminal. */
  readonly log: boolean
  readonly json: boolean
  /** What Node.js is started with to be a member, before the member's seeds. */
  readonly member: ReadonlyArray<string>
}

/** Whether the terminal says that it shows more than ASCII: the locale names UTF-8, or names nothing. */
const unicode = ({ LANG, LC_ALL, LC_CTYPE, TERM }: NodeJS.ProcessEnv): boolean => {
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== "")
  return TERM !== "linux" && (locale === undefined || /utf-?8/i.test(locale))
}

/** A machine that builds keeps what was printed. */
const isWatched = ({ CI }: NodeJS.ProcessEnv): boolean => CI === undefined || CI === "" || CI === "false"

/** Runs the story and shows it. Fails when it was not true. */
export const run = Effect.fnUntraced(function*({ json, log, nodes, member }: Options) {
  const { canAnimate, canColor } = yield* TerminalCapabilities.TerminalCapabilities
  const terminal = { colours: canColor, unicode: unicode(process.env) }
  const narrator = json
    ? Narrator.json()
    : canAnimate && !log && isWatched(process.env)
    ? Screen.picture(yield* Terminal.Terminal, terminal)
    : Narrator.log(terminal)
  const world = yield* World.make
  // The picture is gone before the processes are: a terminal is given back at once.
  const story = Story.run(nodes, world, Process.starting(world, member))
  yield* Effect.flatMap(Narrator.during(narrator, world, story), narrator.summary)
}, Effect.scoped)
