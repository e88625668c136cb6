/**
 * `npm run simulate`: lives through a cluster's bad days, one for each seed, and checks every step of every node.
 * Exit code 0 means that nothing was found.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { appendFileSync } from "node:fs"
import { type FaultClass, faultClasses, isFaultClass, make, type Options } from "./explorer/Plan.ts"
import { make as makeProgress } from "./explorer/Progress.ts"
import * as Report from "./explorer/Report.ts"
import { run } from "./explorer/Run.ts"
import { shrink } from "./explorer/Shrink.ts"

const integer = (minimum: number, maximum: number, what: string) =>
  Schema.Int.check(Schema.isBetween({ minimum, maximum }, { expected: `${what} from ${minimum} to ${maximum}` }))

class BadInput extends Error {
  override readonly name = "BadInput"
}

const refuse = (message: string) => Effect.fail(new CliError.UserError({ cause: new BadInput(message) }))

const listOf = (text: string) => text.split(",").map((item) => item.trim()).filter((item) => item !== "")

const readMask = Effect.fnUntraced(function*(text: string) {
  const known: Array<FaultClass> = []
  for (const item of listOf(text)) {
    if (!isFaultClass(item)) {
      return yield* refuse(`--mask: there is no class of faults "${item}"; there are ${faultClasses.join(", ")}`)
    }
    known.push(item)
  }
  return known
})

const readOnly = Effect.fnUntraced(function*(text: string) {
  if (text === "none") return []
  const numbers = listOf(text).map(Number)
  if (numbers.length === 0 || !numbers.every((value) => Number.isInteger(value) && value >= 0)) {
    return yield* refuse(`--only: "${text}" is not a list of fault numbers such as 3,5,9, nor "none"`)
  }
  return numbers
})

/** Lets signals and output through between two seeds. */
const breathe = Effect.promise(() => new Promise<void>((resolve) => void setImmediate(resolve)))

const write = (line: string) => void process.stdout.write(`${line}\n`)

/** Every result is in the file before the next seed begins, so an interrupted run keeps what it has. */
const appendTo = (file: string, line: string) =>
  Effect.try({
    try: () => appendFileSync(file, line),
    catch: (cause) =>
      new CliError.UserError({ cause: new BadInput(`--out: cannot write to ${file}: ${String(cause)}`) })
  })

const explore = Command.make(
  "simulate",
  {
    seed: Flag.Int("seed").pipe(
      Flag.withDescription("The first seed; the same seed is the same run, everywhere"),
      Flag.withSchema(integer(0, Number.MAX_SAFE_INTEGER, "a seed")),
      Flag.withDefault(1)
    ),
    seeds: Flag.Int("seeds").pipe(
      Flag.withDescription("How many seeds, from the first one on"),
      Flag.withSchema(integer(1, 10_000_000, "a number of seeds")),
      Flag.withDefault(1)
    ),
    nodes: Flag.Int("nodes").pipe(
      Flag.withDescription("How many nodes"),
      Flag.withSchema(integer(2, 200, "a number of nodes")),
      Flag.withDefault(5)
    ),
    minutes: Flag.Finite("minutes").pipe(
      Flag.withDescription("How long the chaos lasts, in virtual minutes"),
      Flag.withSchema(
        Schema.Finite.check(Schema.isBetween({ minimum: 0.1, maximum: 1440 }, { expected: "minutes from 0.1 to 1440" }))
      ),
      Flag.withDefault(2)
    ),
    mask: Flag.String("mask").pipe(
      Flag.withDescription(`Classes of faults to leave out, by commas: ${faultClasses.join(",")}`),
      Flag.withDefault("")
    ),
    only: Flag.String("only").pipe(
      Flag.withDescription("Numbers of the only faults to keep, as a failure's report gives them, or none"),
      Flag.optional
    ),
    json: Flag.Boolean("json").pipe(Flag.withDescription("One JSON value a line"), Flag.withDefault(false)),
    log: Flag.Boolean("log").pipe(Flag.withDescription("Print the event log of each seed"), Flag.withDefault(false)),
    out: Flag.String("out").pipe(Flag.withDescription("A file to append a JSON line to for each seed"), Flag.optional),
    keepGoing: Flag.Boolean("keep-going").pipe(
      Flag.withDescription("Go on after a failure; by default the first one ends the run"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function*(flags) {
    const { json, keepGoing, log, minutes, nodes, out, seed: first, seeds } = flags
    const mask = yield* readMask(flags.mask)
    const only = Option.isSome(flags.only) ? yield* readOnly(flags.only.value) : undefined
    const options = (seed: number): Options => ({ seed, nodes, minutes, mask, only })
    const unknown = only?.find((id) => !make(options(first)).script.some((planned) => planned.id === id))
    if (unknown !== undefined) {
      return yield* refuse(`--only: seed ${first} has no fault number ${unknown} (or it is masked)`)
    }
    if (Option.isSome(out)) yield* appendTo(out.value, "")
    const summary = new Report.Summary()
    const progress = makeProgress(seeds)
    const finish = Effect.sync(() => {
      progress.clear()
      if (json) write(JSON.stringify(summary.json()))
      else write(summary.text())
      if (summary.failed.length > 0) process.exitCode = 1
    })
    yield* Effect.gen(function*() {
      for (let seed = first; seed < first + seeds; seed++) {
        const outcome = run(make(options(seed)))
        summary.add(outcome)
        const failed = outcome.failures.length > 0
        const smallest = failed
          ? shrink(outcome, { onProgress: (faults, attempts) => progress.shrinking(seed, faults, attempts) })
          : outcome
        progress.clear()
        if (log) write(outcome.log.join("\n"))
        if (json) write(JSON.stringify(Report.json(smallest)))
        else if (failed) write(Report.failure(smallest))
        if (Option.isSome(out)) yield* appendTo(out.value, `${JSON.stringify(Report.json(smallest))}\n`)
        if (failed && !keepGoing) break
        progress.seed(summary)
        yield* breathe
      }
    }).pipe(Effect.ensuring(finish))
  })
).pipe(Command.withDescription("Live through a cluster's bad days, from a seed, and check every step of every node"))

explore.pipe(Command.run({ version: "0.1.0" }), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
