import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import * as Verdicts from "../../../src/engine/application/Verdicts.ts"
import type { Findings } from "../../../src/swim/suspicion/Findings.ts"

const found = (member: string, at = 0): Findings => ({
  member,
  incarnation: 1,
  outcome: "left",
  reason: "Goodbye",
  from: member,
  suspicion: undefined,
  probe: undefined,
  health: 0,
  at
})

const make = Effect.map(
  Clock.Clock,
  (clock) => Verdicts.make("self", clock, () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6)
)

describe("the history of verdicts", () => {
  it.effect("keeps the last ones, the newest last, and forgets the oldest", () =>
    Effect.gen(function*() {
      const verdicts = yield* make
      const total = 3 * Verdicts.MAX_VERDICTS + 17
      for (let i = 0; i < total; i++) {
        verdicts.keep(found(`m${i}`))
        assert.strictEqual(verdicts.size(), Math.min(i + 1, Verdicts.MAX_VERDICTS))
        assert.strictEqual(verdicts.last(`m${i}`)?.member, `m${i}`)
      }
      const kept = verdicts.all()
      assert.strictEqual(kept.length, Verdicts.MAX_VERDICTS)
      assert.deepStrictEqual(
        kept.map(({ member }) => member),
        Array.from({ length: Verdicts.MAX_VERDICTS }, (_, i) => `m${total - Verdicts.MAX_VERDICTS + i}`)
      )
      assert.isUndefined(verdicts.last(`m${total - Verdicts.MAX_VERDICTS - 1}`))
    }))

  it.effect("finds the newest verdict about a member", () =>
    Effect.gen(function*() {
      const verdicts = yield* make
      for (const [i, name] of ["a", "b", "a", "c"].entries()) verdicts.keep(found(name, i))
      assert.strictEqual(verdicts.last("a"), verdicts.all()[2])
    }))

  it.effect("makes each verdict once, for the history and for every subscriber", () =>
    Effect.gen(function*() {
      const verdicts = yield* make
      const findings = found("a")
      verdicts.keep(findings)
      assert.strictEqual(verdicts.of(findings), verdicts.all()[0])
      assert.strictEqual(verdicts.of(findings).node, "self")
    }))

  it.effect("has the wall clock's time of the moment it was reached, whenever it is read", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(5000)
      const verdicts = yield* make
      const [kept, told] = [found("a", 5000), found("b", 5000)]
      verdicts.keep(kept)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(DateTime.toEpochMillis(verdicts.of(kept).at), 5000)
      assert.strictEqual(DateTime.toEpochMillis(verdicts.of(told).at), 5000)
    }))
})
