/** Runs one sequence on both sides and finds the first step after which they differ. */
import { createHash } from "node:crypto"
import { touched } from "./Differences.ts"
import type { Answer, GoReference } from "./GoReference.ts"
import { AS_REFERENCE, type Options, Ours, type Rules, rules } from "./Ours.ts"
import type { Sequence } from "./Sequence.ts"

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

/**
 * A sequence that still ends in a mismatch, and of which no step can be left out. Each candidate is run on both sides; those
 * that would show a difference that is meant are not candidates.
 */
export const shrink = async (go: GoReference, sequence: Sequence, mismatch: number): Promise<Sequence> => {
  const { setup } = sequence
  const fails = async (steps: Sequence["steps"]): Promise<number | undefined> => {
    const candidate = { setup, steps }
    return isPlain(candidate) ? firstMismatch(candidate, await go.run(candidate, false)) : undefined
  }
  let steps = sequence.steps.slice(0, mismatch)
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = Math.max(0, steps.length - size); at >= 0; at -= size) {
      const found = await fails(steps.toSpliced(at, size))
      if (found !== undefined) steps = steps.toSpliced(at, size).slice(0, found)
    }
  }
  return { setup, steps }
}
