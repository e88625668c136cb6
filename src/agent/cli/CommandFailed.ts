/**
 * Why a command did not do what it was asked to do: one line for people, a tag for programs, and an exit code.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type * as CliError from "effect/cli/CliError"
import * as Schema from "effect/Schema"
import * as PlainText from "../../base/PlainText.ts"

/**
 * What the process ends with: 0 when the command did its work, `FAILURE` when it could not, `USAGE` when it was called
 * in a way that cannot work.
 *
 * @category models
 * @since 0.1.0
 */
export const FAILURE = 1
/** @since 0.1.0 */
export const USAGE = 2

/**
 * A command that failed, or was called wrongly (`isUsage`).
 *
 * @category errors
 * @since 0.1.0
 */
export class CommandFailed extends Schema.TaggedError<CommandFailed>()("CommandFailed", {
  /** What went wrong, for programs: the tag of an error, such as `AgentUnreachable`. */
  reason: Schema.String,
  /** The same for people, in one line: what was wrong, and what would be right. */
  message: Schema.String,
  isUsage: Schema.Boolean
}) {
  get exitCode(): number {
    return this.isUsage ? USAGE : FAILURE
  }
}

/**
 * Returns the error of a command that was called in a way that cannot work.
 *
 * @category constructors
 * @since 0.1.0
 */
export const usage = (message: string): CommandFailed => new CommandFailed({ reason: "Usage", message, isUsage: true })

/**
 * Returns the error of a command that could not do its work.
 *
 * @category constructors
 * @since 0.1.0
 */
export const failure = (reason: string, message: string): CommandFailed =>
  new CommandFailed({ reason, message, isUsage: false })

const meant = (suggestions: ReadonlyArray<string>): string =>
  suggestions.length === 0 ? "" : `; did you mean ${suggestions.join(" or ")}?`

const ofOne = (error: CliError.NonShowHelpErrors): string => {
  switch (error._tag) {
    case "UnrecognizedOption":
      return `unknown flag ${error.option}${meant(error.suggestions)}`
    case "UnknownSubcommand":
      return `unknown command "${error.subcommand}"${meant(error.suggestions)}`
    case "MissingOption":
      return `the flag --${error.option} is missing`
    case "MissingArgument":
      return `${error.argument.toUpperCase()} is missing`
    case "UnexpectedArgument":
      return `unexpected ${error.arguments.map((argument) => JSON.stringify(argument)).join(", ")}`
    case "InvalidValue": {
      const where = error.kind === "flag" ? `--${error.option}` : error.option.toUpperCase()
      const expected = error.expected.replace(/^Expected:? /, "").replace(
        "a string representing a finite number",
        "a number"
      )
      // a password in a URL is nobody else's business
      const value = error.value.replace(/(?<=:\/\/)[^/]*@/, "…@")
      return error.value === ""
        ? `${where} has no value: expected ${expected}`
        : `${where} is ${JSON.stringify(value)}: expected ${expected}`
    }
    default:
      return error.message
  }
}

/**
 * Returns what is wrong with a command line, in one line.
 *
 * @category conversions
 * @since 0.1.0
 */
export const ofCommandLine = (
  commandPath: ReadonlyArray<string>,
  errors: ReadonlyArray<CliError.NonShowHelpErrors>
): CommandFailed => {
  // one mistake may be found in several ways
  const all = [...new Set(errors.map(ofOne))]
  return usage(PlainText.sentence(`${all.join("; ")} (see ${commandPath.join(" ")} --help)`))
}
