/**
 * `npm run recovery`: what docs/recovery.md promises, with real processes. Each member is a process in a network namespace
 * of its own, so that a link can be cut, or a firewall set, as in a real network.
 *
 * Exit code 0: nothing failed. 1: something did. 77: nothing could be tried here, so nothing is shown.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import * as GoPeer from "../interop/GoPeer.ts"
import { writePart } from "../simulate/drawing/Page.ts"
import * as Lab from "./Lab.ts"
import * as Network from "./Network.ts"
import * as Report from "./Report.ts"
import * as Paths from "./scenarios/Paths.ts"
import * as Replaced from "./scenarios/Replaced.ts"
import * as Restarts from "./scenarios/Restarts.ts"
import * as Splits from "./scenarios/Splits.ts"
import * as Strangers from "./scenarios/Strangers.ts"

const usage = `npm run recovery [-- options] [words]

  words             only the scenarios whose group, sentence or settings contain one of the words
  --at-once N       how many scenarios run at a time, default 8
  --short           only those that take less than a minute
  --write-docs      also write the tables of docs/recovery.md
  --list            print the scenarios, and run none
  --check           tell whether this machine can do it, and run none
`

/** What automated tests end with when they could not run. */
const SKIPPED = 77

/** What a short run leaves out takes so many seconds, or more. */
const SHORT = 60

const scenarios: ReadonlyArray<Lab.Scenario> = [
  ...Splits.scenarios,
  ...Paths.scenarios,
  ...Replaced.scenarios,
  ...Restarts.scenarios,
  ...Strangers.scenarios
]

const fail = (message: string): never => {
  process.stderr.write(`${message}\n\n${usage}`)
  process.exit(2)
}

const given = (() => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        "at-once": { type: "string", default: "8" },
        short: { type: "boolean", default: false },
        "write-docs": { type: "boolean", default: false },
        list: { type: "boolean", default: false },
        check: { type: "boolean", default: false }
      }
    })
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
})()
const atOnce = Number(given.values["at-once"])
if (!Number.isInteger(atOnce) || atOnce < 1) {
  fail(`--at-once ${given.values["at-once"]}: expected a whole number from 1`)
}

const contains = ({ asserted, group, settings }: Lab.Scenario, word: string): boolean =>
  `${group} ${asserted} ${settings}`.toLowerCase().includes(word.toLowerCase())
const wanted = scenarios.filter((one) =>
  (!given.values.short || one.seconds < SHORT) &&
  (given.positionals.length === 0 || given.positionals.some((word) => contains(one, word)))
)
if (given.values["write-docs"] && wanted.length < scenarios.length) fail("--write-docs tells of a whole run")
if (wanted.length === 0) fail(`no scenario contains ${given.positionals.join(" or ")}`)

const say = (line: string) => Effect.sync(() => void process.stdout.write(`${line}\n`))

const run = (scenario: Lab.Scenario): Effect.Effect<Report.Result> =>
  Effect.gen(function*() {
    const lab = yield* Lab.make
    return yield* scenario.body(lab).pipe(
      Effect.map((measured): Report.Result => ({ scenario, outcome: "passed", measured })),
      Effect.tapCause((cause) =>
        Cause.hasInterruptsOnly(cause) ? Effect.void : say(Report.story(scenario, lab.members))
      )
    )
  }).pipe(
    Effect.scoped,
    Effect.catchCause((cause) => Cause.hasInterruptsOnly(cause)
      ? Effect.interrupt
      : Effect.succeed<Report.Result>({ scenario, outcome: "failed", measured: String(Cause.squash(cause)) })
    ),
    Effect.tap(({ measured, outcome }) => say(`${outcome}  ${scenario.asserted} (${scenario.settings}): ${measured}`))
  )

/** Why the Go members cannot take part; nothing when they can. */
const goObstacle = Effect.sync((): string | undefined => {
  if (!wanted.some(({ needsGo }) => needsGo)) return undefined
  if (GoPeer.toolchain() === undefined) return "Go is not installed (https://go.dev/dl/)"
  GoPeer.build(["current"])
  return undefined
})

const page = Path.resolve(import.meta.dirname, "../docs/recovery.md")

const runAll = Effect.gen(function*() {
  const noGo = yield* goObstacle
  if (noGo !== undefined) yield* say(`recovery: SKIPPED where Go takes part: ${noGo}`)
  const began = Date.now()
  // those that take longest first, so that the last of them is not alone in the end
  const results = yield* Effect.forEach(
    wanted.toSorted((a, b) => b.seconds - a.seconds),
    (scenario) =>
      scenario.needsGo && noGo !== undefined
        ? Effect.succeed<Report.Result>({ scenario, outcome: "skipped", measured: noGo })
        : run(scenario),
    { concurrency: atOnce }
  )
  const ordered = results.toSorted((a, b) => wanted.indexOf(a.scenario) - wanted.indexOf(b.scenario))
  yield* say(`\n${Report.tables(ordered)}\n\n${Report.summary(ordered)}, ${Math.round((Date.now() - began) / 1000)} s`)
  if (given.values["write-docs"]) {
    yield* Effect.sync(() => writePart(page, "<!-- processes -->", "<!-- end of processes -->", Report.page(ordered)))
  }
  return ordered.some(({ outcome }) => outcome === "failed") ? 1 : 0
})

const main = Effect.gen(function*() {
  if (given.values.list) {
    yield* Effect.forEach(wanted, ({ asserted, group, settings }) => say(`${group}: ${asserted} (${settings})`))
    return
  }
  const obstacle = yield* Network.obstacle
  if (obstacle !== undefined) {
    yield* say(`recovery: SKIPPED, nothing was tried: ${obstacle}`)
    process.exitCode = SKIPPED
    return
  }
  if (given.values.check) return
  Network.sweep()
  process.exitCode = yield* runAll
  const left = Network.left()
  if (left.length > 0) {
    yield* say(`recovery: left behind: ${left.join()}`)
    process.exitCode = 1
  }
})

NodeRuntime.runMain(main)
