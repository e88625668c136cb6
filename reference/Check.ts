/** Runs one sequence on both sides and finds the first step after which they differ. */
import { createHash } from "node:crypto"
import { touched } from "./Differences.ts"
import type { Answer, GoReference } from "./GoReference.ts"
import { AS_REFERENCE, type Options, Ours, type Rules, rules } from "./Ours.ts"
import type { Sequence, Step } from "./Sequence.ts"

/** What the Go side answers with where it is not asked for texts. */
export const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16)

/** What our side has at the beginning and after each step. */
export const texts = (
  { setup, steps }: Sequence,
  answer: Answer,
  options: Options = AS_REFERENCE,
  book: Rules = rules
): ReadonlyArray<string> => {
  const ours = new Ours(setup, options, book)
  return [
    ours.observe(),
    ...steps.map((step, i) => {
      ours.apply(step, answer.order(i + 1))
      return ours.observe()
    })
  ]
}

/** The first state in which we differ from an answer of hashes; 0 is the beginning, `undefined`: both agree. */
export const firstMismatch = (
  { setup, steps }: Sequence,
  answer: Answer,
  book: Rules = rules
): number | undefined => {
  const ours = new Ours(setup, AS_REFERENCE, book)
  if (hashOf(ours.observe()) !== answer.states[0]) return 0
  for (const [i, step] of steps.entries()) {
    ours.apply(step, answer.order(i + 1))
    if (hashOf(ours.observe()) !== answer.states[i + 1]) return i + 1
  }
  return undefined
}

/** Whether no step of a sequence would show a difference that is meant. */
export const isPlain = ({ setup, steps }: Sequence): boolean => {
  const ours = new Ours(setup)
  return steps.every((step) => {
    if (touched(step, ours) !== undefined) return false
    ours.apply(step)
    ours.observe()
    return true
  })
}

/** Simpler ways to say what a step says: the claims of a packet, a push/pull with one row fewer. */
const simpler = (step: Step, ours: Ours): ReadonlyArray<ReadonlyArray<Step>> => {
  switch (step.do) {
    case "packet":
      return [ours.claims(step).map((claim, i, all) => ({ ...claim, after: i === all.length - 1 ? step.after : 0 }))]
    case "merge":
      return step.rows.length < 2 ? [] : step.rows.map((_, i) => [{ ...step, rows: step.rows.toSpliced(i, 1) }])
    default:
      return []
  }
}

/**
 * A sequence that still ends in a mismatch, and of which no step can be left out. Each candidate is run on both sides; those
 * that would show a difference that is meant are not candidates.
 */
export const shrink = async (
  go: Pick<GoReference, "run">,
  sequence: Sequence,
  mismatch: number,
  book: Rules = rules
): Promise<Sequence> => {
  const { setup } = sequence
  let steps = sequence.steps.slice(0, mismatch)
  /** Takes the candidate instead, if it fails as well. */
  const tries = async (candidate: ReadonlyArray<Step>): Promise<boolean> => {
    const other = { setup, steps: candidate }
    if (!isPlain(other)) return false
    const found = firstMismatch(other, await go.run(other, false), book)
    if (found !== undefined) steps = candidate.slice(0, found)
    return found !== undefined
  }
  const leaveOut = async (): Promise<void> => {
    for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = Math.max(0, steps.length - size); at >= 0; at -= size) await tries(steps.toSpliced(at, size))
    }
  }
  const simplify = async (at: number): Promise<boolean> => {
    const step = steps[at]
    if (step === undefined) return false
    for (const instead of simpler(step, new Ours(setup))) {
      if (await tries(steps.toSpliced(at, 1, ...instead))) return true
    }
    return false
  }
  await leaveOut()
  // Backwards, because what comes before a step stays where it is; a push/pull may lose several rows.
  for (let at = steps.length - 1; at >= 0; at--) while (await simplify(at)) { /* once more */ }
  await leaveOut()
  return { setup, steps }
}
