/**
 * Help as Effect makes it, with its long lines broken where a terminal ends, and what all commands have told once.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as CliOutput from "effect/cli/CliOutput"
import type * as HelpDoc from "effect/cli/HelpDoc"
import * as Option from "effect/Option"
import * as Columns from "./Columns.ts"

/** Names and types of global flags that are longer than what they say. */
const global: Readonly<Record<string, Pick<HelpDoc.FlagDoc, "type" | "description">>> = {
  completions: {
    type: "SHELL",
    description: Option.some("Print the script that completes commands in bash, zsh, fish or powershell")
  },
  "log-level": {
    type: "LEVEL",
    description: Option.some("What is logged: trace, debug, info, warning, error or none; default info")
  }
}

/** A column of descriptions that is narrower stands below the names instead. */
const MIN_WIDTH = 24

/** How far what stands below a name is moved to the right. */
const BELOW = 6

/** One line of it: a name and its description, or a text. */
const broken = (line: string, columns: number): string => {
  const [start = ""] = /^ *(?:\S+(?: \S+)* {2,}(?=\S))?/.exec(line) ?? []
  const indent = CliOutput.displayWidth(start)
  if (columns - indent >= MIN_WIDTH) {
    return start + Columns.wrapped(line.slice(start.length), columns - indent).join(`\n${" ".repeat(indent)}`)
  }
  return `  ${Columns.wrapped(line.trimStart(), columns - BELOW).join(`\n${" ".repeat(BELOW)}`)}`
}

/**
 * Returns the help of a command for this screen; for a file or a pipe, with whole lines.
 *
 * @category conversions
 * @since 0.1.0
 */
export const text = (doc: HelpDoc.HelpDoc, { colors, columns }: Columns.Screen): string => {
  const globalFlags = doc.globalFlags?.map((flag) => ({ ...flag, ...global[flag.name] }))
  const formatter = CliOutput.defaultFormatter({ colors, globalFlags: "summary" })
  const whole = formatter.formatHelpDoc(globalFlags === undefined ? doc : { ...doc, globalFlags })
  return columns === undefined ? whole : whole.split("\n").map((line) => broken(line, columns)).join("\n")
}
