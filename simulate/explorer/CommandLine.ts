/** The command line of the explorer: what it is asked for, and a seed after the other. */
import * as Cause from "effect/Cause"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { appendFileSync } from "node:fs"
import * as Background from "./Background.ts"
import { applicationNames, isApplicationName } from "./OnTop.ts"
import { faultClasses, isFaultClass, make, type Options } from "./Plan.ts"
import { Progress } from "./Progress.ts"
import * as Report from "./Report.ts"
import type { Outcome } from "./Run.ts"

const between = (minimum: number, maximum: number, what: string) =>
  Flag.filter(
    (value: number) => value >= minimum && value <= maximum,
    () => `${what} from ${minimum} to ${maximum}`
  )

class BadInput extends Error {
  override readonly name = "BadInput"
}

const refuse = (message: string) => Effect.fail(new CliError.UserError({ cause: new BadInput(message) }))

const listOf = (text: string) => text.split(",").map((item) => item.trim()).filter((item) => item !== "")

/** Reads names that are separated by commas. */
const readNames = Effect.fnUntraced(function*<Name extends string>(
  text: string,
  isKnown: (item: string) => item is Name,
  unknown: (item: string) => string
) {
  const known: Array<Name> = []
  for (const item of listOf(text)) {
    if (!isKnown(item)) return yield* refuse(unknown(item))
    known.push(item)
  }
  return known
})

const readMask = (text: string) =>
  readNames(
    text,
    isFaultClass,
    (item) => `--mask: there is no class of faults "${item}"; there are ${faultClasses.join(", ")}`
  )

const readApplications = (text: string) =>
  readNames(
    text,
    isApplicationName,
    (item) => `--with: there is no application "${item}"; there are ${applicationNames.join(", ")}`
  )

const readOnly = Effect.fnUntraced(function*(text: string) {
  if (text === "none") return []
  const numbers = listOf(text).map(Number)
  if (numbers.length === 0 || !numbers.every((value) => Number.isInteger(value) && value >= 0)) {
    return yield* refuse(`--only: "${text}" is not a list of fault numbers such as 3,5,9, nor "none"`)
  }
  return numbers
})

const write = (line: string) => void process.stdout.write(`${line}\n`)

/** Every result is in the file before the next seed begins, so an interrupted run keeps what it has. */
const appendTo = (file: string, line: string) =>
  Effect.try({
    try: () => appendFileSync(file, line),
    catch: (cause) =>
      new CliError.UserError({
        cause: new BadInput(`--out: ${cause instanceof Error ? cause.message : String(cause)}`)
      })
  })

export const explore = Command.make(
  "simulate",
  {
    seed: Flag.Int("seed").pipe(
      Flag.withDescription("The first seed; the same seed is the same run, everywhere"),
      between(0, Number.MAX_SAFE_INTEGER, "a seed"),
      Flag.withDefault(1)
    ),
    seeds: Flag.Int("seeds").pipe(
      Flag.withDescription("How many seeds, from the first one on"),
      between(1, 10_000_000, "a number of seeds"),
      Flag.withDefault(1)
    ),
    nodes: Flag.Int("nodes").pipe(
      Flag.withDescription("How many nodes"),
      between(2, 200, "a number of nodes"),
      Flag.withDefault(5)
    ),
    minutes: Flag.Finite("minutes").pipe(
      Flag.withDescription("How long the chaos lasts, in virtual minutes"),
      between(0.1, 1440, "minutes"),
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
    with: Flag.String("with").pipe(
      Flag.withDescription(`What runs on the nodes besides the list, by commas: ${applicationNames.join(",")}`),
      Flag.withDefault("")
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
    const applications = yield* readApplications(flags.with)
    const only = Option.isSome(flags.only) ? yield* readOnly(flags.only.value) : undefined
    if (only !== undefined && seeds > 1) {
      return yield* refuse("--only: the numbers are those of one seed's faults; leave out --seeds")
    }
    if (first > Number.MAX_SAFE_INTEGER - (seeds - 1)) {
      return yield* refuse(`--seeds: the last seed would be above ${Number.MAX_SAFE_INTEGER}`)
    }
    const options = (seed: number): Options => ({ seed, nodes, minutes, mask, only, applications })
    const plan = make(options(first))
    const unknown = only?.find((id) => !plan.script.some((planned) => planned.id === id))
    if (unknown !== undefined) {
      return yield* refuse(`--only: seed ${first} has no fault number ${unknown} (or it is masked)`)
    }
    if (Option.isSome(out)) yield* appendTo(out.value, "")
    const summary = new Report.Summary()
    const progress = new Progress({ seeds, chaos: plan.chaos, summary })
    const finish = (exit: Exit.Exit<unknown, unknown>) =>
      Effect.sync(() => {
        progress.clear()
        const ended = Exit.isSuccess(exit)
          ? "Finished"
          : Cause.hasInterruptsOnly(exit.cause)
          ? "Interrupted"
          : "Broken"
        const ending: Report.Ending = { first, seeds, ended }
        if (json) write(JSON.stringify(summary.json(ending)))
        else write(summary.text(ending))
        if (summary.failed.length > 0) process.exitCode = 1
      })
    const keep = (outcome: Outcome) =>
      Effect.suspend(() => {
        const failed = outcome.failures.length > 0
        progress.clear()
        if (json) write(JSON.stringify(Report.json(outcome)))
        else if (failed) write(Report.failure(outcome))
        return Option.isSome(out) ? appendTo(out.value, `${JSON.stringify(Report.json(outcome))}\n`) : Effect.void
      })
    yield* Effect.gen(function*() {
      const ask = yield* Background.make
      for (let seed = first; seed < first + seeds; seed++) {
        const onTold: Parameters<typeof ask>[1] = (told) =>
          told._tag === "At" ? progress.at(seed, told.millis) : progress.shrinking(seed, told.faults, told.attempts)
        progress.at(seed, 0)
        const outcome = yield* ask({ _tag: "Live", options: options(seed) }, onTold)
        summary.add(outcome)
        progress.clear()
        if (log) write(outcome.log.join("\n"))
        if (outcome.failures.length === 0) {
          yield* keep(outcome)
          continue
        }
        progress.shrinking(seed, outcome.plan.script.length, 0)
        // Who does not wait until the failure is small gets it as it is.
        const smallest = yield* ask({ _tag: "Shrink", failing: outcome }, onTold).pipe(
          Effect.onInterrupt(() => Effect.orDie(keep(outcome)))
        )
        yield* keep(smallest)
        if (!keepGoing) break
      }
    }).pipe(Effect.scoped, Effect.onExit(finish))
  })
).pipe(Command.withDescription("Live through a cluster's bad days, from a seed, and check every step of every node"))
