/** Shows that each deliberate difference is one, in the way that is listed and in no other. */
import * as Check from "./Check.ts"
import { type DeliberateDifference, optionsOf, sequenceOf } from "./Differences.ts"
import type { GoReference } from "./GoReference.ts"
import * as Lines from "./Lines.ts"
import { readable } from "./Ours.ts"

/** What is wrong with the listed difference; `undefined` when it is as listed. */
export const complaint = async (go: GoReference, listed: DeliberateDifference): Promise<string | undefined> => {
  const sequence = sequenceOf(listed)
  const answer = await go.run(sequence, true)
  const ours = Check.texts(sequence, answer, optionsOf(listed))
  const last = sequence.steps.length
  const early = ours.findIndex((text, i) => i < last && text !== answer.states[i])
  if (early !== -1) return `the two differ already after step ${early} of ${last}`
  const found = Lines.compare(answer.states[last] ?? "", ours[last] ?? "")
  const named = { go: found.go.map(readable), us: found.us.map(readable) }
  if (named.go.length + named.us.length === 0) return "the two agree"
  const same = JSON.stringify(named) === JSON.stringify({ go: listed.go, us: listed.us })
  return same ? undefined : `the two differ in another way than is listed:\n${Lines.shown(named)}`
}
