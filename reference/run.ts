/**
 * Compares our rules with HashiCorp memberlist's, step by step. See docs/reference.md.
 *
 *   node reference/run.ts                       100,000 steps of seed 1
 *   node reference/run.ts --steps 1000000       more of them
 *   node reference/run.ts --seed 7              others
 *   node reference/run.ts --sequence 12         one sequence of the seed
 *   node reference/run.ts --replay FILE         a sequence from a file
 *   node reference/run.ts --write-docs          writes docs/reference.md, and does nothing else
 */
import * as Schema from "effect/Schema"
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { brokenRules, NOTICED_WITHIN } from "./Broken.ts"
import * as Check from "./Check.ts"
import { differences } from "./Differences.ts"
import * as Differs from "./Differs.ts"
import * as Generate from "./Generate.ts"
import * as GoSide from "./GoReference.ts"
import * as Lines from "./Lines.ts"
import { readable } from "./Ours.ts"
import * as Page from "./Page.ts"
import { type Sequence, SequenceFile } from "./Sequence.ts"

const docs = fileURLToPath(new URL("../docs/reference.md", import.meta.url))
const MISMATCH_FILE = "reference-mismatch.json"
/** Sequences that the Go side works on, or has to do next. */
const AHEAD = 4

const count = (n: number): string => n.toLocaleString("en-US")

const progress = (text: string): void => {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${text}`)
}

/** Prints where the two sides differ. */
const show = (sequence: Sequence, step: number, go: string, ours: string): void => {
  const found = Lines.compare(go, ours)
  console.error(JSON.stringify(sequence.setup))
  for (const [i, one] of sequence.steps.entries()) console.error(`${String(i + 1).padStart(4)} ${JSON.stringify(one)}`)
  console.error(`\nafter step ${step} only memberlist has (-), and only we have (+):\n`)
  console.error(Lines.shown({ go: found.go.map(readable), us: found.us.map(readable) }))
}

/** Runs a sequence for its texts, and prints the first difference; whether there was one. */
const inFull = async (go: GoSide.GoReference, sequence: Sequence): Promise<boolean> => {
  const answer = await go.run(sequence, true)
  const ours = Check.texts(sequence, answer)
  const step = ours.findIndex((text, i) => text !== answer.states[i])
  if (step === -1) return false
  show(sequence, step, answer.states[step] ?? "", ours[step] ?? "")
  return true
}

const mismatch = async (
  go: GoSide.GoReference,
  sequence: Sequence,
  where: { readonly seed: number; readonly number: number; readonly step: number }
): Promise<void> => {
  const { number, seed, step } = where
  progress("")
  console.error(`reference: seed ${seed}, sequence ${number}, step ${step}: the two sides differ. Leaving out steps …`)
  const small = await Check.shrink(go, sequence, step)
  console.error(`reference: ${small.steps.length} of ${step} steps are needed:\n`)
  if (!await inFull(go, small)) console.error("the shortened sequence shows no difference: run the whole one")
  writeFileSync(MISMATCH_FILE, `${JSON.stringify(small)}\n`)
  console.error(`\nnpm run test:reference -- --seed ${seed} --sequence ${number}    runs all of it again`)
  console.error(`npm run test:reference -- --replay ${MISMATCH_FILE}    runs what is left`)
}

/** Which broken rules are still unnoticed, and after how many steps the others were. */
class Watch {
  private readonly open = new Set(brokenRules)
  readonly noticed: Array<readonly [name: string, steps: number]> = []
  private steps = 0

  look(sequence: Sequence, answer: GoSide.Answer): void {
    if (this.steps >= NOTICED_WITHIN) return
    for (const rule of this.open) {
      const at = Check.firstMismatch(sequence, answer, rule.rules)
      if (at === undefined) continue
      this.open.delete(rule)
      this.noticed.push([rule.name, this.steps + at])
    }
    this.steps += sequence.steps.length
  }

  missed(): ReadonlyArray<string> {
    return [...this.open].map(({ name }) => name)
  }
}

const compareAll = async (
  go: GoSide.GoReference,
  seed: number,
  steps: number,
  watch: Watch
): Promise<number | undefined> => {
  const sequences = Math.ceil(steps / Generate.STEPS)
  const lengthOf = (number: number) => Math.min(Generate.STEPS, steps - number * Generate.STEPS)
  const begin = (number: number) => {
    const sequence = Generate.sequence(seed, number, lengthOf(number))
    return { sequence, answer: go.run(sequence, false) }
  }
  const begun: Array<ReturnType<typeof begin>> = []
  for (let number = 0; number < sequences; number++) {
    for (let next = number + begun.length; begun.length < AHEAD && next < sequences; next++) begun.push(begin(next))
    const first = begun.shift()
    if (first === undefined) break
    const answer = await first.answer
    const step = Check.firstMismatch(first.sequence, answer)
    if (step !== undefined) {
      await Promise.all(begun.map(({ answer }) => answer))
      await mismatch(go, first.sequence, { seed, number, step })
      return undefined
    }
    watch.look(first.sequence, answer)
    if (number % 10 === 9) progress(`${count((number + 1) * Generate.STEPS)} of ${count(steps)} steps agree`)
  }
  progress("")
  return sequences
}

/** Everything: the differences that are meant, the sequences, the broken rules. The exit code. */
const compare = async (go: GoSide.GoReference, release: string, seed: number, steps: number): Promise<number> => {
  const wrong: Array<string> = []
  for (const listed of differences) {
    const complaint = await Differs.complaint(go, listed)
    if (complaint !== undefined) wrong.push(`"${listed.name}": ${complaint}`)
  }
  for (const text of wrong) console.error(`reference: ${text}`)
  const watch = new Watch()
  const sequences = await compareAll(go, seed, steps, watch)
  if (sequences === undefined) return 1
  for (const [name, after] of watch.noticed.toSorted((a, b) => a[1] - b[1])) {
    console.log(`${count(after).padStart(7)} steps until noticed: ${name}`)
  }
  const missed = watch.missed()
  for (const name of missed) {
    console.error(`reference: not noticed within ${count(Math.min(steps, NOTICED_WITHIN))} steps: ${name}`)
  }
  // A short run is no proof that something goes unnoticed.
  const blind = steps >= NOTICED_WITHIN && missed.length > 0
  console.log(
    `\n${count(steps)} steps in ${count(sequences)} ${
      sequences === 1 ? "sequence" : "sequences"
    } of seed ${seed} agree with memberlist ${release}; `
      + `${differences.length - wrong.length} of ${differences.length} deliberate differences shown; `
      + `${watch.noticed.length} of ${brokenRules.length} broken rules noticed`
  )
  return wrong.length > 0 || blind ? 1 : 0
}

const replay = async (go: GoSide.GoReference, release: string, sequence: Sequence): Promise<number> => {
  if (await inFull(go, sequence)) return 1
  console.log(`${count(sequence.steps.length)} steps agree with memberlist ${release}`)
  return 0
}

const whole = (text: string, option: string, least: number): number => {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < least) {
    throw new RangeError(`--${option} takes a whole number from ${least}, not "${text}"`)
  }
  return number
}

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      steps: { type: "string", default: "100000" },
      seed: { type: "string", default: "1" },
      sequence: { type: "string" },
      replay: { type: "string" },
      "write-docs": { type: "boolean", default: false }
    }
  })
  if (values["write-docs"]) {
    writeFileSync(docs, Page.page())
    return 0
  }
  const steps = whole(values.steps, "steps", 1)
  const seed = whole(values.seed, "seed", 0)
  const given = values.replay !== undefined
    ? Schema.decodeUnknownSync(SequenceFile)(readFileSync(values.replay, "utf8"))
    : values.sequence !== undefined
    ? Generate.sequence(seed, whole(values.sequence, "sequence", 0))
    : undefined
  const toolchain = GoSide.toolchain()
  if (toolchain === undefined) {
    const needed =
      "no Go toolchain found (\"go\" is not on the PATH). HashiCorp memberlist is built from Go source: install "
      + "Go 1.25 or later from https://go.dev/dl/ and run again. Nothing was compared."
    const mandatory = process.env["CI"] === "true"
    console.error(`reference: ${needed}${mandatory ? " CI=true makes the comparison mandatory." : ""}`)
    return mandatory ? 1 : 0
  }
  const started = performance.now()
  const release = GoSide.build()
  console.log(`memberlist ${release} built with ${toolchain} in ${Math.round((performance.now() - started) / 1000)} s`)
  const go = GoSide.start()
  try {
    return given === undefined ? await compare(go, release, seed, steps) : await replay(go, release, given)
  } finally {
    await go.close()
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`reference: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
