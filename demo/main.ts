/**
 * `npm run demo`: a real cluster on this machine, in seconds. Exit code 0 means that the story was true to its end:
 * every survivor agreed after each chapter. 1 means that it was not, 2 that the command line was wrong, 130 that it
 * was interrupted.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Terminal from "effect/Terminal"
import * as Report from "./Report.ts"
import * as Screen from "./Screen.ts"
import * as Story from "./Story.ts"
import * as World from "./World.ts"

const Nodes = Schema.Int.check(
  Schema.isBetween({ minimum: 3, maximum: 50 }, { expected: "a number of members from 3 to 50" })
)

/** Whether the terminal says that it shows more than ASCII: the locale names UTF-8, or names nothing. */
const unicode = ({ LANG, LC_ALL, LC_CTYPE, TERM }: NodeJS.ProcessEnv): boolean => {
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== "")
  return TERM !== "linux" && (locale === undefined || /utf-?8/i.test(locale))
}

/** A machine that builds keeps what was printed. */
const isWatched = ({ CI }: NodeJS.ProcessEnv): boolean => CI === undefined || CI === "" || CI === "false"

const demo = Command.make(
  "demo",
  {
    nodes: Flag.Int("nodes").pipe(
      Flag.withDescription("How many members to start (3‥50); one is killed and returns, one leaves"),
      Flag.withSchema(Nodes),
      Flag.withDefault(5)
    ),
    log: Flag.Boolean("log").pipe(
      Flag.withDescription("Lines in place of the picture, as when standard output is no terminal"),
      Flag.withDefault(false)
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("One JSON value a line"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function*({ json, log, nodes }) {
    const { canAnimate, canColor } = yield* TerminalCapabilities.TerminalCapabilities
    const terminal = { colours: canColor, unicode: unicode(process.env) }
    const report = json
      ? Report.json()
      : canAnimate && !log && isWatched(process.env)
      ? Screen.picture(yield* Terminal.Terminal, terminal)
      : Report.log(terminal)
    const world = yield* World.make
    // The picture is gone before the processes are: a terminal is given back at once.
    yield* Report.during(report, world, Story.run(nodes, world)).pipe(
      Effect.flatMap(report.summary),
      Effect.scoped,
      Effect.mapError((error) => new CliError.UserError({ cause: error }))
    )
  })
).pipe(
  Command.withDescription("Start a cluster, kill a member, let it return, let another leave, and watch the rest agree")
)

/** A wrong command line has an exit code of its own. */
const teardown: Runtime.Teardown = (exit, onExit) =>
  Runtime.defaultTeardown(exit, (code) => {
    const error = Exit.findErrorOption(exit)
    onExit(code === 1 && error._tag === "Some" && error.value instanceof CliError.ShowHelp ? 2 : code)
  })

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // who reads has seen enough
  if (error.code === "EPIPE") process.exit(141)
  console.error(`standard output: ${error.message}`)
  process.exit(1)
})

demo.pipe(
  Command.run({ version: "0.1.0" }),
  Effect.provide(NodeServices.layer),
  (program) => NodeRuntime.runMain(program, { teardown })
)
