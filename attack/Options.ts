/** The command line. */
import { parseArgs } from "node:util"

export const usage = `npm run attack [-- options]

Attacks live clusters of processes on 127.0.0.1, of this library and, where Go is found, of HashiCorp memberlist.

  --only WORDS      cases whose names have all these words; several groups are separated by commas
  --quick           a short run of about a minute and a half: shorter floods, fewer cases
  --full            also every flood from 1,000 ports against Go (above eight minutes)
  --list            names the cases and their promises, and attacks nothing
  --no-go           this library alone
  --library FOLDER  the checkout of this library that is attacked, default this one
  --rate N          packets a second of a flood, default 20000
  --seconds N       how long a flood lasts, default 5 (with --quick 2)
  --out FILE        writes the results as JSON

Ends with 1 when this library breaks a promise.
`

export interface Options {
  readonly only: ReadonlyArray<ReadonlyArray<string>>
  readonly isQuick: boolean
  readonly isFull: boolean
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
        rate: { type: "string", default: "20000" },
        seconds: { type: "string" },
        out: { type: "string" }
      },
      allowNegative: true
    })
    const rate = Number(values.rate)
    const seconds = Number(values.seconds ?? (values.quick ? 2 : 5))
    if (values.quick && values.full) return "--quick and --full are different runs; give one of them"
    if (!Number.isInteger(rate) || rate < 1 || rate > 100_000) {
      return `--rate ${values.rate}: expected a whole number from 1 to 100000`
    }
    if (!(seconds >= 1 && seconds <= 60)) return `--seconds ${values.seconds}: expected a number from 1 to 60`
    return {
      only: groups(values.only ?? ""),
      isQuick: values.quick,
      isFull: values.full,
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

const groups = (text: string): ReadonlyArray<ReadonlyArray<string>> =>
  text.toLowerCase().split(",").map((group) => group.split(/\s+/).filter((word) => word !== "")).filter((group) =>
    group.length > 0
  )

/** Whether `--only` chooses a name; nothing given chooses all. */
export const isChosen = (name: string, only: Options["only"]): boolean =>
  only.length === 0 || only.some((words) => words.every((word) => name.toLowerCase().includes(word)))
