import { assert, describe, it } from "@effect/vitest"
import { brokenRules, NOTICED_WITHIN } from "../../../reference/Broken.ts"
import * as Check from "../../../reference/Check.ts"
import * as Generate from "../../../reference/Generate.ts"
import type { Answer, GoReference } from "../../../reference/GoReference.ts"
import { Ours, readable } from "../../../reference/Ours.ts"
import { LAN, MILLISECOND, type Sequence, type Step } from "../../../reference/Sequence.ts"

/** Our own rules in place of memberlist's: they show what the comparison finds without Go. */
const itself = ({ setup, steps }: Sequence): Answer => {
  const ours = new Ours(setup)
  const states = [Check.hashOf(ours.observe())]
  for (const step of steps) {
    ours.apply(step)
    states.push(Check.hashOf(ours.observe()))
  }
  return { states, order: () => undefined }
}
const go: Pick<GoReference, "run"> = { run: (sequence) => Promise.resolve(itself(sequence)) }

/** Made when they are first asked for: most broken rules are noticed in the first few. */
const made: Array<Sequence> = []
const generated = (number: number): Sequence => made[number] ??= Generate.sequence(1, number)
const numbers = Array.from({ length: NOTICED_WITHIN / Generate.STEPS }, (_, number) => number)

const broken = (name: string) => {
  const rule = brokenRules.find((rule) => rule.name.includes(name))
  if (rule === undefined) throw new Error(`no broken rule is called ${name}`)
  return rule.rules
}

const alive = (node: string, inc: number): Step => ({
  do: "alive",
  node,
  inc,
  addr: "0a000002",
  port: 7946,
  meta: null,
  vsn: "010502000000",
  after: MILLISECOND
})

describe("the comparison", () => {
  it("finds nothing where both sides are the same", () => {
    for (const number of numbers.slice(0, 5)) {
      const sequence = generated(number)
      assert.isUndefined(Check.firstMismatch(sequence, itself(sequence)))
    }
  })

  it.each(brokenRules.map(({ name, rules }) => [name, rules] as const))("notices that %s", (_, rules) => {
    const noticed = numbers.some((number) => {
      const sequence = generated(number)
      return Check.firstMismatch(sequence, itself(sequence), rules) !== undefined
    })
    assert.isTrue(noticed)
  })

  it("names the first step after which both differ", () => {
    const suspect: Step = { do: "suspect", node: "self", inc: 1, from: "b", after: MILLISECOND }
    const sequence: Sequence = { setup: LAN, steps: [alive("b", 1), suspect, alive("b", 2)] }
    assert.strictEqual(Check.firstMismatch(sequence, itself(sequence), broken("costs no health")), 2)
  })
})

describe("a sequence with a mismatch", () => {
  it("is shortened to the steps that it takes, packets and push/pulls to their claims", async () => {
    const rules = broken("joins once more")
    const sequence = generated(1)
    const at = Check.firstMismatch(sequence, itself(sequence), rules)
    assert.isDefined(at)
    const small = await Check.shrink(go, sequence, at ?? 0, rules)
    assert.isAtMost(small.steps.length, 4)
    assert.strictEqual(Check.firstMismatch(small, itself(small), rules), small.steps.length)
    for (const i of small.steps.keys()) {
      const without = { ...small, steps: small.steps.toSpliced(i, 1) }
      assert.isTrue(!Check.isPlain(without) || Check.firstMismatch(without, itself(without), rules) === undefined)
    }
  })
})

describe("what both sides print", () => {
  it("is shown with queued messages in words and long texts cut", () => {
    const ours = new Ours({ ...LAN, meta: "ab".repeat(50) })
    const lines = ours.observe().split("\n").map(readable)
    assert.include(
      lines,
      "queued sent=0 alive \"self\" 0a000001:7946 meta=abab…(100) vsn=010502000000 incarnation=1"
    )
  })

  it("is about what happened since it was last asked", () => {
    const ours = new Ours(LAN)
    assert.include(ours.observe(), "event join \"self\"")
    assert.notInclude(ours.observe(), "event")
  })
})
