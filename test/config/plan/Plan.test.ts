/** Settings by goal: what is planned, what is refused, and how it moves with the goals. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { plan } from "../../../src/config/plan/Plan.ts"
import { GoalInvalid, type Goals, GoalUnreachable } from "../../../src/MemberlistConfig.ts"
import { MemberlistConfig } from "../../../src/MemberlistConfig.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const found = (goals: Goals) => Result.getOrUndefined(plan(goals))
const bytes = (goals: Goals): number => found(goals)?.forecast.traffic.bytes ?? Infinity
const error = (goals: Goals): GoalInvalid | GoalUnreachable => {
  const result = plan(goals)
  assert.isTrue(Result.isFailure(result))
  return Result.isFailure(result) ? result.failure : assert.fail()
}

describe("MemberlistConfig.plan", () => {
  it.effect("gives settings that its layer takes as they are", () =>
    Effect.gen(function*() {
      const { settings } = yield* MemberlistConfig.plan({ members: 200, detect: "5 seconds", loss: 0.01 })
      assert.deepStrictEqual(settings, {
        probeInterval: Duration.millis(310),
        probeTimeout: Duration.millis(124),
        indirectChecks: 3,
        suspicionMult: 4,
        suspicionMaxTimeoutMult: 6,
        retransmitMult: 4,
        gossipInterval: Duration.millis(100),
        gossipNodes: 3,
        pushPullInterval: Duration.seconds(30)
      })
      const config = yield* MemberlistConfig.make({ ...settings, name: "a" })
      assert.deepStrictEqual({ ...config, ...settings }, config)
      assert.deepStrictEqual(MemberlistConfig.warnings(config), [])
    }))

  it("comes out near the LAN preset for what that gives", () => {
    const { forecast, settings } = found({ members: 100, detect: "14.2 seconds" }) ?? assert.fail()
    assert.deepStrictEqual(settings.probeInterval, Duration.seconds(1))
    assert.strictEqual(settings.suspicionMult, MemberlistConfig.lan.suspicionMult)
    assert.deepStrictEqual(settings.gossipInterval, MemberlistConfig.lan.gossipInterval)
    assert.approximately(forecast.traffic.packets, 2, 0.001)
  })

  it("exchanges tables less often, then gives suspects less time, where the budget is small", () => {
    const goals = { members: 200, detect: "5 seconds", loss: 0.01 } as const
    const plans = [undefined, 700, 560].map((budget) => found({ ...goals, budget })?.settings)
    assert.deepStrictEqual(plans.map((each) => each?.pushPullInterval), [30, 120, 300].map(Duration.seconds))
    assert.deepStrictEqual(plans.map((each) => each?.suspicionMult), [4, 4, 3])
  })

  it("asks more helpers and repeats news more often where more is lost", () => {
    const plans = [0, 0.05, 0.1].map((loss) => found({ members: 300, detect: "10 seconds", loss })?.settings)
    assert.deepStrictEqual(plans.map((each) => each?.indirectChecks), [3, 3, 6])
    assert.deepStrictEqual(plans.map((each) => each?.retransmitMult), [4, 5, 6])
  })

  it("repeats news more often in clusters of six to nine, in which four times leave somebody out now and then", () => {
    const plans = [5, 6, 8, 9, 10].map((members) => found({ members, detect: "5 seconds" }))
    assert.deepStrictEqual(plans.map((each) => each?.settings.retransmitMult), [4, 5, 6, 6, 4])
    for (const each of plans) assert.isBelow(each?.forecast.news.all.p99 ?? Infinity, 1000)
  })

  it("gives suspects a larger part of the time where members pause", () => {
    const calm = found({ members: 200, detect: "10 seconds" })
    const pausing = found({ members: 200, detect: "10 seconds", pause: "6 seconds" })
    assert.isBelow(calm?.forecast.pause ?? 0, 6000)
    assert.isAtLeast(pausing?.forecast.pause ?? 0, 6000)
    assert.isAbove(pausing?.settings.suspicionMult ?? 0, 4)
  })

  it("leaves round trips their time", () => {
    const { settings } = found({ members: 20, detect: "20 seconds", roundTrip: "300 millis" }) ?? assert.fail()
    assert.isAtLeast(Duration.toMillis(settings.probeTimeout), 2 * 300)
  })
})

/** Some milliseconds of computing each. */
const few = { arbitrary: { runs: 15 } }

describe("a plan", () => {
  it.prop(
    "keeps every goal, or says which one cannot be had",
    [int(2, 3000), int(1, 60), int(0, 15), int(1, 40), int(0, 10)],
    ([members, seconds, percent, kilobytes, tenth]) => {
      const goals = {
        members,
        detect: Duration.seconds(seconds),
        loss: percent / 100,
        budget: kilobytes * 100,
        pause: Duration.seconds(seconds * tenth / 10)
      }
      const result = plan(goals)
      if (Result.isFailure(result)) {
        assert.instanceOf(result.failure, GoalUnreachable)
        return
      }
      const { forecast, settings } = result.success
      assert.isAtMost(forecast.detection.all.p99, seconds * 1000 + 1)
      assert.isAtMost(forecast.traffic.bytes, goals.budget)
      assert.isAtLeast(forecast.pause, Duration.toMillis(goals.pause))
      assert.isAtMost(forecast.wrong.verdicts, 0.001)
      assert.isAtLeast(Duration.toMillis(settings.probeInterval), 200)
      const { all, first } = forecast.detection
      assert.isTrue(first.median <= first.p99 && first.median <= all.median && all.median <= all.p99)
      assert.isBelow(forecast.pause, first.median)
      const { bytes, probes, pushPull, rumours } = forecast.traffic
      assert.approximately(probes + pushPull + rumours, bytes, 1e-6)
    },
    few
  )

  it.prop(
    "never costs less when failures are to be known sooner",
    [int(2, 500), int(10, 600), int(1, 100), int(0, 10)],
    ([members, tenths, more, percent]) => {
      const of = (tenths: number) => bytes({ members, detect: tenths * 100, loss: percent / 100 })
      assert.isAtLeast(of(tenths), of(tenths + more))
    },
    few
  )

  it.prop(
    "never costs less when more is lost",
    [int(2, 500), int(2, 60), int(0, 120), int(1, 40)],
    ([members, seconds, thousandths, more]) => {
      const of = (thousandths: number) => bytes({ members, detect: seconds * 1000, loss: thousandths / 1000 })
      assert.isAtMost(of(thousandths), of(thousandths + more))
    },
    few
  )

  it.prop(
    "never costs more when the budget is smaller",
    [int(2, 500), int(2, 60), int(100, 3000), int(1, 500)],
    ([members, seconds, budget, less]) => {
      const smaller = found({ members, detect: seconds * 1000, budget: Math.max(1, budget - less) })
      const larger = bytes({ members, detect: seconds * 1000, budget })
      if (smaller !== undefined) assert.isAtMost(smaller.forecast.traffic.bytes, larger)
    },
    few
  )
})

describe("a goal that cannot be had", () => {
  const cases: ReadonlyArray<
    readonly [goal: string, goals: Goals, because: RegExp, better: (n: number) => Partial<Goals>]
  > = [
    [
      "detect",
      { members: 100, detect: "1 second" },
      /probe interval below 200 ms/,
      (n) => ({ detect: Duration.seconds(n) })
    ],
    [
      "detect",
      { members: 20, detect: "5 seconds", roundTrip: "300 millis" },
      /last at least 1500 ms with round trips of 300 ms/,
      (n) => ({ detect: Duration.seconds(n) })
    ],
    [
      "budget",
      { members: 200, detect: "5 seconds", loss: 0.01, budget: 400 },
      /200 members that know of failures within 5s, where 1 % of packets are lost, send more/,
      (n) => ({ budget: n })
    ],
    [
      "pause",
      { members: 200, detect: "5 seconds", pause: "4 seconds" },
      /failures are to be known within 5s/,
      (n) => ({ pause: Duration.seconds(n) })
    ],
    [
      "falsePositives",
      { members: 5, detect: "3 seconds", loss: 0.4 },
      /a loss of 40 % keeps refutations from some of 5 members/,
      (n) => ({ falsePositives: n })
    ]
  ]
  for (const [goal, goals, because, better] of cases) {
    it(`is named (${goal}), with what limits it and what can be had (${JSON.stringify(goals)})`, () => {
      const refused = error(goals)
      assert.instanceOf(refused, GoalUnreachable)
      assert.strictEqual(refused.goal, goal)
      assert.match(refused.message, because)
      const best = Number(/(?:at least|at most) ([\d.e+-]+)/.exec(refused.expected)?.[1])
      assert.isDefined(found({ ...goals, ...better(best) }))
      assert.isUndefined(found({ ...goals, ...better(goal === "pause" ? best * 1.1 : best * 0.8) }))
    })
  }

  it("names the detection time that a budget allows", () => {
    const goals = { members: 200, detect: "5 seconds", loss: 0.01, budget: 400 } as const
    const detect = Number(/detect of at least ([\d.]+) seconds/.exec(error(goals).message)?.[1])
    assert.isDefined(found({ ...goals, detect: Duration.seconds(detect) }))
  })

  it("is refused where the rumours that loss makes would fill the packets", () => {
    const refused = error({ members: 500, detect: "5 seconds", loss: 0.3, falsePositives: 1000 })
    assert.match(refused.message, /expected a longer detect, or a network that loses less$/)
  })
})

describe("a goal that is none", () => {
  const valid = { members: 10, detect: "5 seconds" } as const
  const cases: ReadonlyArray<readonly [goal: keyof Goals, values: ReadonlyArray<unknown>, message: RegExp]> = [
    [
      "members",
      [1, 1.5, 65_537, Number.NaN, "10", undefined],
      /goal "members" is .*; expected a whole number from 2 to 65536/
    ],
    [
      "detect",
      ["soon", 0, -5, Infinity, "2 hours", undefined],
      /goal "detect" is .*; expected a duration of at most an hour/
    ],
    ["budget", [0, -1, Number.NaN, "1 kB"], /goal "budget" is .*; expected a number of bytes in a second above 0/],
    [
      "loss",
      [-0.01, 0.51, 1, Number.NaN, "1 %"],
      /goal "loss" is .*; expected a share from 0 to 0.5, such as 0.01 for 1 %/
    ],
    ["roundTrip", ["far", "3 seconds", -1], /goal "roundTrip" is .*; expected a duration of at most 2 seconds/],
    [
      "falsePositives",
      [0, -1, Number.NaN],
      /goal "falsePositives" is .*; expected a number per member and day above 0/
    ],
    ["pause", ["long", -1, "2 hours"], /goal "pause" is .*; expected a duration of at most an hour/],
    ["nameBytes", [0, 513, 1.5], /goal "nameBytes" is .*; expected a whole number from 1 to 512/],
    ["metaBytes", [-1, 513], /goal "metaBytes" is .*; expected a whole number from 0 to 512/],
    ["encrypted", ["yes", 1], /goal "encrypted" is .*; expected true or false/]
  ]
  for (const [goal, values, message] of cases) {
    it(`is refused by its name: ${goal}`, () => {
      for (const value of values) {
        const refused = error({ ...valid, [goal]: value } as Goals)
        assert.instanceOf(refused, GoalInvalid)
        assert.strictEqual(refused.goal, goal)
        assert.match(refused.message, message)
      }
    })
  }

  it.effect("fails the effect with an error that has no trace", () =>
    Effect.gen(function*() {
      const refused = yield* Effect.flip(MemberlistConfig.plan({ members: 1, detect: "5 seconds" }))
      assert.strictEqual(refused.stack, "GoalInvalid: goal \"members\" is 1; expected a whole number from 2 to 65536")
    }))
})
