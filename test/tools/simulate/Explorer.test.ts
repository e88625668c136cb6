import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestConsole from "effect/testing/TestConsole"
import { explore as command } from "../../../simulate/explorer/CommandLine.ts"
import { faultClasses, make, type Options, type Plan } from "../../../simulate/explorer/Plan.ts"
import * as Report from "../../../simulate/explorer/Report.ts"
import { type Outcome, run } from "../../../simulate/explorer/Run.ts"
import { shrink } from "../../../simulate/explorer/Shrink.ts"

const plan = (seed: number, options: Partial<Options> = {}): Plan =>
  make({ seed, nodes: 4, minutes: 1, mask: [], ...options })

/** Runs the command of the explorer here. */
const inProcess = (...args: ReadonlyArray<string>) =>
  Effect.runPromise(
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Command.runWith(command, { version: "0" })(args))
      const [errors, output] = [yield* TestConsole.errorLines, yield* TestConsole.logLines]
      return { exit, errors: errors.join("\n"), output: output.join("\n") }
    }).pipe(Effect.provide([NodeServices.layer, TestConsole.layer]))
  )

describe("the explorer", () => {
  it("finds nothing in twenty seeds, in which every class of fault makes a difference", { timeout: 60_000 }, () => {
    const summary = new Report.Summary()
    for (let seed = 1; seed <= 20; seed++) {
      const outcome = run(plan(seed, { nodes: 3 + (seed % 4) }))
      assert.deepStrictEqual(outcome.failures, [], Report.replay(outcome.plan.options))
      assert.isBelow(outcome.agreedAfter ?? Infinity, outcome.bound)
      summary.add(outcome)
    }
    for (const name of faultClasses) assert.isAbove(summary.fired.get(name)?.hits ?? 0, 0, name)
    assert.deepStrictEqual(summary.silent, [])
    assert.isAbove(summary.steps, 5_000)
  })

  it("finds nothing of topics and maps in two seeds", { timeout: 60_000 }, () => {
    for (let seed = 1; seed <= 2; seed++) {
      const outcome = run(plan(seed, { applications: ["topics", "maps"] }))
      assert.deepStrictEqual(outcome.failures, [], Report.replay(outcome.plan.options))
      const totals = outcome.log.flatMap((line) => /(\w+): nobody lacks any of (\d+) values/.exec(line)?.slice(1) ?? [])
      assert.deepStrictEqual([totals[0], totals[2]], ["Topic", "Map"])
      assert.isAbove(Math.min(Number(totals[1]), Number(totals[3])), 20)
    }
  })

  it("repeats a seed byte for byte, and another seed is another day", () => {
    const { log } = run(plan(3))
    assert.isAbove(log.length, 50)
    assert.strictEqual(run(plan(3)).log.join("\n"), log.join("\n"))
    assert.notStrictEqual(run(plan(4)).log.join("\n"), log.join("\n"))
  })

  it("masks a class of faults without changing the schedule of the others", () => {
    const all = plan(9).script
    for (const masked of faultClasses) {
      assert.deepStrictEqual(
        plan(9, { mask: [masked] }).script,
        all.filter((planned) => planned.class !== masked),
        masked
      )
    }
  })

  it("keeps to the limits of its faults", () => {
    for (let seed = 0; seed < 200; seed++) {
      const { chaos, names, script } = plan(seed, { minutes: 3 })
      for (const { at, fault, for: duration } of script) {
        assert.isAtMost(at + duration, chaos)
        if (fault._tag === "Loss") assert.isAtMost(fault.probability, 0.6)
        if (fault._tag === "Duplicate") assert.isAtMost(fault.probability, 0.15)
        if (fault._tag === "Delay") assert.isAtMost(fault.max, 120)
        if (fault._tag === "Partition") assert.sameMembers(fault.groups.flat(), [...names])
      }
      const killed = new Set(script.flatMap(({ fault }) => fault._tag === "Kill" ? [fault.node] : []))
      assert.isAtMost(killed.size, names.length - 2)
    }
  })
})

describe("the shrinker", () => {
  /** Fails exactly when the given faults are all there. */
  const failsWith = (needed: ReadonlyArray<number>) => (plan: Plan): Outcome => {
    const fails = needed.every((id) => plan.script.some((planned) => planned.id === id))
    return {
      plan,
      failures: fails ? [{ kind: "Liveness", at: 1, message: "" }] : [],
      log: [],
      fired: {} as Outcome["fired"],
      steps: 0,
      agreedAfter: undefined,
      bound: 0,
      elapsed: 0,
      packets: 0
    }
  }

  it("leaves exactly the faults that are needed, and a command that replays them", () => {
    const whole = plan(11, { minutes: 3 })
    assert.isAbove(whole.script.length, 30)
    for (const needed of [[], [0], [3, 4], [1, 12, 25]]) {
      const execute = failsWith(needed)
      const smallest = shrink(execute(whole), { execute })
      const ids = smallest.plan.script.map(({ id }) => id).sort((a, b) => a - b)
      assert.deepStrictEqual(ids, needed)
      assert.deepStrictEqual(make(smallest.plan.options).script, smallest.plan.script)
      const only = needed.length === 0 ? "none" : needed.join(",")
      assert.strictEqual(
        Report.replay(smallest.plan.options),
        `npm run simulate -- --seed 11 --nodes 4 --minutes 3 --only ${only}`
      )
    }
  })

  it("stops after the attempts it is given, with what it has", () => {
    let runs = 0
    const failing = failsWith([1, 12, 25])
    const execute = (plan: Plan) => {
      runs++
      return failing(plan)
    }
    const smallest = shrink(failing(plan(11, { minutes: 3 })), { execute, attempts: 5 })
    assert.isAtMost(runs, 5)
    assert.isAbove(smallest.failures.length, 0)
  })
})

describe("npm run simulate", () => {
  it("refuses bad input before anything runs, and says what would be right", { timeout: 60_000 }, async () => {
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
      [["--seed", "abc"], "--seed: \"abc\". Expected a string representing a finite number"],
      [["--seed", "-1"], "a seed from 0 to"],
      [["--seed", "9007199254740991", "--seeds", "2"], "the last seed would be above 9007199254740991"],
      [["--seeds", "0"], "a number of seeds from 1 to"],
      [["--minutes", "0"], "Expected: minutes from 0.1 to 1440"],
      ...["0", "1", "-3", "201"].map((nodes) =>
        [["--nodes", nodes], `--nodes: "${nodes}". Expected: a number of nodes from 2 to 200`] as const
      ),
      [["--nodes", "1.5"], "--nodes: \"1.5\". Expected an integer"],
      [["--frobnicate"], "Unrecognized flag: --frobnicate"],
      [["--out", "/dev/null/results"], "--out: ENOTDIR"],
      [["--only", "1", "--seeds", "2"], "leave out --seeds"],
      [["--mask", "loss,rain"], "no class of faults \"rain\""],
      [["--only", "9999"], "no fault number 9999"],
      [["--only", "x"], "not a list of fault numbers"]
    ]
    for (const [args, expected] of cases) {
      const { errors, exit, output } = await inProcess(...args)
      assert.isTrue(Exit.isFailure(exit), args.join(" "))
      assert.include(errors, expected)
      assert.notInclude(output, "steps checked")
    }
  })
})
