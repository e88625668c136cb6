/** The command line. */
import { parseArgs } from "node:util"
import { type Amounts, type Part, parts } from "../page/Results.ts"

export const usage = `npm run bench [-- options]

Measures real nodes of this library on 127.0.0.1, bare Node.js, and HashiCorp memberlist where Go is found.

  --only PARTS     some of ${parts.join(", ")}; separated by commas
  --rounds N       how often everything is measured, default 3 (with --quick 1)
  --quick          shorter windows, smaller clusters, fewer messages; for a look, not for a claim
  --nodes N        nodes of the process that holds many, default 100
  --no-go          this library and bare Node.js alone
  --before FOLDER  also measures the library in another checkout, in the same rounds
  --apart          one after the other what else runs side by side (steady, idle): takes three times as long
  --out FILE       writes the results as JSON, default bench/results/latest.json; what the file has of other parts stays

How long it takes is told when it begins: all parts take half an hour, with --quick a few minutes.
`

const usual: Amounts = {
  nodes: 100,
  settleSeconds: 30,
  windowSeconds: 90,
  sizes: [10, 50, 100, 200],
  growthWindowSeconds: 60,
  processes: [5, 10, 30],
  idleSettleSeconds: 13,
  idleWindowSeconds: 45,
  kills: 20,
  reliable: 2000,
  bestEffort: 20_000,
  imports: 7,
  simulations: [[128, 120], [1000, 60]]
}

const quick: Amounts = {
  nodes: 100,
  settleSeconds: 10,
  windowSeconds: 20,
  sizes: [10, 100],
  growthWindowSeconds: 20,
  processes: [5, 10],
  idleSettleSeconds: 5,
  idleWindowSeconds: 15,
  kills: 10,
  reliable: 500,
  bestEffort: 5000,
  imports: 3,
  simulations: [[128, 120]]
}

export interface Options {
  readonly only: ReadonlyArray<Part>
  readonly rounds: number
  readonly amounts: Amounts
  readonly withGo: boolean
  readonly before: string | undefined
  readonly isApart: boolean
  readonly isQuick: boolean
  readonly isHelp: boolean
  readonly out: string
}

const isPart = (text: string): text is Part => (parts as ReadonlyArray<string>).includes(text)

/** Returns the options, or what is wrong with them. */
export const parse = (args: ReadonlyArray<string>): Options | string => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: "string" },
        rounds: { type: "string" },
        quick: { type: "boolean", default: false },
        nodes: { type: "string" },
        go: { type: "boolean", default: true },
        before: { type: "string" },
        apart: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
        out: { type: "string", default: "bench/results/latest.json" }
      },
      allowNegative: true
    })
    const amounts = values.quick ? quick : usual
    const rounds = Number(values.rounds ?? (values.quick ? 1 : 3))
    const nodes = Number(values.nodes ?? amounts.nodes)
    const names = values.only?.split(",").map((name) => name.trim()) ?? parts
    const unknown = names.find((name) => !isPart(name))
    if (unknown !== undefined) return `--only ${unknown}: expected ${parts.join(", ")}`
    if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
      return `--rounds ${values.rounds}: expected a whole number from 1 to 100`
    }
    if (!Number.isInteger(nodes) || nodes < 2 || nodes > 1000) {
      return `--nodes ${values.nodes}: expected a whole number from 2 to 1000`
    }
    if (!values.out.endsWith(".json")) return `--out ${values.out}: expected the name of a JSON file`
    return {
      only: parts.filter((part) => names.includes(part)),
      rounds,
      amounts: { ...amounts, nodes },
      withGo: values.go,
      before: values.before,
      isApart: values.apart,
      isQuick: values.quick,
      isHelp: values.help,
      out: values.out
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
