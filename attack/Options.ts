/** The command line. */
import { parseArgs } from "node:util"
import { type Case, type Kind, type Length, lengths } from "./Case.ts"

export const usage = `npm run attack [-- options]

Attacks live clusters of processes on 127.0.0.1, of this library and, where Go is found, of HashiCorp memberlist.

  --only PARTS      cases with one of these parts in their names, against everybody; separated by semicolons
  --quick           about a minute and a half: fewer cases, shorter floods, this library alone
  --full            everything, from many ports and against Go as well: about a quarter of an hour
  --minutes N       begins nothing after so many minutes, default 10 (with --quick 3, with --full 30)
  --list            names the cases and their promises, and attacks nothing
  --no-go           this library alone
  --library FOLDER  the checkout of this library that is attacked, default this one
  --rate N          packets a second of a flood, default 20000
  --seconds N       how long a flood lasts, default 5 (with --quick 2)
  --out FILE        writes the results as JSON

Ends with 1 when this library breaks a promise.
`

const MINUTES: Readonly<Record<Length, number>> = { quick: 3, usual: 10, full: 30 }

export interface Options {
  /** Parts of names, in small letters. */
  readonly only: ReadonlyArray<string>
  readonly length: Length
  /** Nothing is begun after so many minutes. */
  readonly minutes: number
  readonly isList: boolean
  readonly isHelp: boolean
  readonly withGo: boolean
  readonly library: string | undefined
  readonly rate: number
  readonly seconds: number
  readonly out: string | undefined
}

/** The options, or what is wrong with them. */
export const parse = (args: ReadonlyArray<string>): Options | string => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: "string" },
        quick: { type: "boolean", default: false },
        full: { type: "boolean", default: false },
        list: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
        go: { type: "boolean", default: true },
        library: { type: "string" },
        minutes: { type: "string" },
        rate: { type: "string", default: "20000" },
        seconds: { type: "string" },
        out: { type: "string" }
      },
      allowNegative: true
    })
    const length = values.quick ? "quick" : values.full ? "full" : "usual"
    const minutes = Number(values.minutes ?? MINUTES[length])
    const rate = Number(values.rate)
    const seconds = Number(values.seconds ?? (values.quick ? 2 : 5))
    if (values.quick && values.full) return "--quick and --full are different runs; give one of them"
    if (!Number.isInteger(rate) || rate < 1 || rate > 100_000) {
      return `--rate ${values.rate}: expected a whole number from 1 to 100000`
    }
    if (!(minutes > 0 && minutes <= 600)) return `--minutes ${values.minutes}: expected a number up to 600`
    if (!(seconds >= 1 && seconds <= 60)) return `--seconds ${values.seconds}: expected a number from 1 to 60`
    return {
      only: (values.only ?? "").toLowerCase().split(";").map((part) => part.trim()).filter((part) => part !== ""),
      length,
      minutes,
      isList: values.list,
      isHelp: values.help,
      withGo: values.go,
      library: values.library,
      rate,
      seconds,
      out: values.out
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Whether `--only` chooses a name; nothing given chooses all. */
export const isChosen = (name: string, only: Options["only"]): boolean =>
  only.length === 0 || only.some((part) => name.toLowerCase().includes(part))

/** The targets that a case is carried out against. What is asked for by name is, whatever the run's length. */
export const wanted = (each: Case, { length, only }: Pick<Options, "length" | "only">): ReadonlyArray<Kind> => {
  if (!isChosen(each.name, only)) return []
  if (only.length > 0) return each.against
  const reaches = (since: Length = "usual") => lengths.indexOf(since) <= lengths.indexOf(length)
  if (!reaches(each.since)) return []
  return each.against.filter((kind) => kind === "ours" || reaches(each.goSince))
}
