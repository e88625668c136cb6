/** The command line: a command's options, and what is said of wrong ones. */
import { mkdirSync } from "node:fs"
import { parseArgs, type ParseArgsConfig } from "node:util"

/** What a command says, and how it ends. */
export interface Program {
  readonly stdout: { readonly write: (text: string) => unknown }
  readonly stderr: { readonly write: (text: string) => unknown }
  readonly exit: (code: number) => never
}

const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error)

const isWhole = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most

/** The keys of a record, as what they are. */
export const namesOf = <Name extends string>(known: Readonly<Record<Name, unknown>>): ReadonlyArray<Name> =>
  Object.keys(known).filter((name): name is Name => Object.hasOwn(known, name))

/** Reads a command's options. What is wrong with one is said together with the usage, and ends the program with 2. */
export class Arguments {
  private readonly usage: string
  private readonly program: Program

  constructor(usage: string, program: Program = process) {
    this.usage = usage
    this.program = program
  }

  /** Says what is wrong. */
  fail(message: string): never {
    this.program.stderr.write(`${message}\n\n${this.usage}`)
    return this.program.exit(2)
  }

  /** Reads all options. Where there is one called `help`, and it is given, prints the usage and ends the program. */
  parse<Config extends ParseArgsConfig>(config: Config): ReturnType<typeof parseArgs<Config>> {
    const parsed = this.attempt(() => parseArgs(config), (message) => message)
    if ((parsed.values as { readonly help?: unknown }).help !== true) return parsed
    this.program.stdout.write(this.usage)
    return this.program.exit(0)
  }

  /** Reads a whole number. */
  whole(option: string, value: string, least: number, most = Infinity): number {
    const range = `from ${least}${most === Infinity ? "" : ` to ${most}`}`
    return isWhole(Number(value), least, most)
      ? Number(value)
      : this.fail(`--${option} ${value}: expected a whole number ${range}`)
  }

  /** Reads the sizes of clusters that follow the options. */
  sizes(values: ReadonlyArray<string>, usual: ReadonlyArray<number>): ReadonlyArray<number> {
    const sizes = values.length === 0 ? usual : values.map(Number)
    return sizes.every((size) => isWhole(size, 4, 10_000))
      ? sizes
      : this.fail(`sizes ${values.join(" ")}: expected whole numbers from 4 to 10000`)
  }

  /** Reads names that are separated by commas. */
  named<Name extends string>(option: string, value: string, known: ReadonlyArray<Name>): ReadonlyArray<Name> {
    const isKnown = (name: string): name is Name => known.some((each) => each === name)
    const names = value.split(",").map((name) => name.trim())
    const unknown = names.filter((name) => !isKnown(name))
    return unknown.length === 0
      ? names.filter(isKnown)
      : this.fail(`--${option} ${unknown.join()}: there is ${known.join(", ")}`)
  }

  /** Makes a folder that an option's value asks for, unless it is there. */
  folder(option: string, value: string, path: string): void {
    this.attempt(() => mkdirSync(path, { recursive: true }), (message) => `--${option} ${value}: ${message}`)
  }

  private attempt<A>(act: () => A, told: (message: string) => string): A {
    try {
      return act()
    } catch (error) {
      return this.fail(told(messageOf(error)))
    }
  }
}
