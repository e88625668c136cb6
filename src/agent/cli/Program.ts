/**
 * The command line `effect-memberlist`: its commands, and how a run of it ends.
 *
 * What a command does lies in a file of its own, which is loaded when the command is called: `members` waits for no
 * code of `agent`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as PlainText from "../../base/PlainText.ts"
import { CommandFailed, failure, ofCommandLine, USAGE } from "./CommandFailed.ts"
import * as Flags from "./Flags.ts"

const keygen = Command.make("keygen", {
  bits: Flag.Literals("bits", ["128", "192", "256"]).pipe(
    Flag.withDescription("The key's length"),
    Flag.withDefault("256" as const),
    Flag.map(Number)
  ),
  out: Flag.String("out").pipe(
    Flag.withMetavar("PATH"),
    Flag.withDescription("Write it to a new file that only you may read, and print nothing secret"),
    Flag.optional
  ),
  json: Flags.json
}, (options) => Effect.flatMap(Effect.promise(() => import("./Keygen.ts")), ({ keygen }) => keygen(options))).pipe(
  Command.withDescription("Make a new key for a cluster's gossip")
)

const root = Command.make("effect-memberlist").pipe(
  Command.withDescription("Run a member of a cluster, and see and change what it knows"),
  Command.withSubcommands([keygen])
)

/** What the commands may use of their surroundings; a terminal, files, and no other programs. */
type Environment = Command.Environment

/**
 * How the process ends when a signal interrupts it: with 130, as a shell says it of a program, unless the command says
 * that a signal is how it is meant to end.
 *
 * @category services
 * @since 0.1.0
 */
export class Signalled extends Context.Service<Signalled, { exitCode: number }>()(
  "effect-memberlist/agent/cli/Signalled"
) {}

/** Tells of a command that failed: one line on standard error, or an object of JSON. */
const report = ({ message, reason }: CommandFailed, isJson: boolean): Effect.Effect<void> =>
  Console.error(
    isJson ? PlainText.json({ error: reason, message }) : `effect-memberlist: ${PlainText.sentence(message)}`
  )

/** Help as Effect's, and mistakes in one line: a page of help would hide what is wrong. */
const presenter = (isJson: boolean): CliOutput.Presenter => ({
  present: (event) => {
    switch (event._tag) {
      case "Help":
        return CliOutput.defaultPresenter.present(event)
      case "Version":
        return Console.log(isJson ? PlainText.json({ version: event.version }) : event.version)
      case "InvalidInvocation":
        return report(ofCommandLine(event.commandPath, event.errors), isJson)
    }
  }
})

/** Where somebody looks for mistakes of this program itself. */
const isDetailed = (args: ReadonlyArray<string>): boolean =>
  args.some((arg, i) =>
    /^(--log-level=)?(all|trace|debug)$/.test(arg) && (arg.includes("=") || args[i - 1] === "--log-level")
  )

/**
 * Runs a command line, prints what it has to say, and returns the exit code.
 *
 * @category running
 * @since 0.1.0
 */
export const run = (
  args: ReadonlyArray<string>,
  version: string
): Effect.Effect<number, never, Environment | Signalled> => {
  const isJson = args.includes("--json")
  const failed = Effect.fnUntraced(function*(cause: Cause.Cause<CommandFailed | CliError.CliError>) {
    if (Cause.hasInterruptsOnly(cause)) return yield* Effect.interrupt
    const error = Cause.squash(cause)
    if (CliError.isCliError(error) && error._tag === "ShowHelp") return USAGE
    const told = error instanceof CommandFailed
      ? error
      : failure("Unexpected", `${error instanceof Error ? error.message : String(error)} (more by --log-level debug)`)
    yield* report(told, isJson)
    if (isDetailed(args)) yield* Console.error(Cause.pretty(cause))
    return told.exitCode
  })
  return Command.runWith(root, { version })(args).pipe(
    Effect.as(0),
    Effect.catchCause(failed),
    Effect.provideService(CliOutput.Presenter, presenter(isJson)),
    Effect.provide(CliConfig.layer({
      builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions, GlobalFlag.LogLevel]
    }))
  )
}
