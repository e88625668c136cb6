/** What a node says about others after it stood still, in virtual time. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import { Lateness } from "../../../src/Lateness.ts"
import type { Settings } from "../../../src/MemberlistConfig.ts"
import { type Fault, Invariants, SimulatedCluster, VirtualTime } from "../../../src/testing/index.ts"

const names = ["a", "b", "c", "d", "e"]

const live = <A, E>(program: Effect.Effect<A, E>, lines: Array<string> = []): A => {
  const logger = Logger.make(({ fiber, message }) => {
    lines.push(`${[message].flat().join(" ")} ${JSON.stringify(fiber.getRef(References.CurrentLogAnnotations))}`)
  })
  const exit = VirtualTime.run(
    Effect.provide(program, Logger.layer([logger])).pipe(Effect.provideService(References.MinimumLogLevel, "Debug")),
    { seed: 1, limit: "1 hour" }
  )
  if (Exit.isFailure(exit)) throw new Error(`${exit.cause}`)
  return exit.value
}

/** Plays a script, and answers what the node `a` said of its own knowledge, and its scores of local health, ten a second. */
const said = (
  script: Fault.Script,
  options: {
    readonly config?: Settings
    readonly lines?: Array<string>
    readonly lateness?: Lateness
    /** One-way, in milliseconds. */
    readonly latency?: readonly [min: number, max: number]
  } = {}
) =>
  live(
    Effect.gen(function*() {
      const { config = {}, lateness, latency = [1, 5] } = options
      const invariants = Invariants.make()
      const observe = lateness === undefined
        ? invariants.layer
        : Layer.merge(invariants.layer, Layer.succeed(Lateness, lateness))
      const cluster = yield* SimulatedCluster.make({ nodes: names, seed: 1, config, observe, network: { latency } })
      yield* cluster.startAll
      yield* Effect.sleep("30 seconds")
      const told: Array<string> = []
      const scores: Array<number> = []
      const { events, health: score } = yield* cluster.node("a")
      yield* Effect.forkScoped(Stream.runForEach(events, (event) =>
        Effect.sync(() => {
          const own = "verdict" in event && ["Unanswered", "Expired"].includes(event.verdict.reason)
          if (own) told.push(`${event._tag} ${event.member.name}`)
        })))
      yield* Effect.forkScoped(
        Effect.forever(Effect.andThen(
          Effect.map(score, (now) => scores.push(now)),
          Effect.sleep("100 millis")
        ))
      )
      yield* cluster.play(script)
      yield* Effect.sleep("30 seconds")
      assert.deepStrictEqual(invariants.violations, [])
      return { told, scores }
    }).pipe(Effect.scoped),
    options.lines
  )

const stall = (node: string, at: number, millis: number): Fault.Timed => ({
  at,
  for: millis,
  fault: { _tag: "Stall", node }
})

/**
 * Where b is probed while it stands still, a stands still before it judges that; what b and the helpers say when b goes on
 * lies unread then.
 */
const often = Array.from({ length: 40 }, (_, i) => [stall("b", i * 7_137, 1_200), stall("a", i * 7_137 + 900, 3_000)])
  .flat()

/** B is suspected by all, and contradicts while a stands still; its contradiction lies unread when a goes on. */
const unread = [stall("b", 0, 4_500), stall("a", 3_500, 20_000)]

/**
 * The same, and a stands still once more while it waits for what lies unread; c is suspected by all just before, and
 * contradicts meanwhile.
 */
const unreadAgain = [
  stall("b", 0, 4_500),
  stall("a", 3_500, 15_000),
  stall("c", 14_500, 4_500),
  stall("a", 18_800, 20_000)
]

describe("a node that stood still", () => {
  it("reads the acks that waited before it judges the probe that was under way", () => {
    assert.deepStrictEqual(said(often).told, [])
  })

  it("reads what refutes a suspicion before it declares the member failed", () => {
    assert.deepStrictEqual(said(unread).told.filter((line) => line.startsWith("MemberFailed")), [])
  })

  it("reads it also where it stood still again before it had declared anybody failed", () => {
    assert.deepStrictEqual(said(unreadAgain).told.filter((line) => line.startsWith("MemberFailed")), [])
  })

  it("accused and declared before recovery was there, as the reference does", () => {
    const off = { config: { recovery: false } }
    assert.isNotEmpty(said(often, off).told)
    assert.include(said(unread, off).told, "MemberFailed b")
    const paper = { config: { profile: "paper" } } as const
    assert.include(said(unread, paper).told, "MemberFailed b")
  })

  it("doubts itself: a point of local health, and one for each interval", () => {
    const worst = (millis: number, config: Settings = {}) =>
      Math.max(...said([stall("a", 0, millis)], { config }).scores)
    assert.strictEqual(worst(700), 1)
    assert.isAtLeast(worst(2_700), 3)
    assert.strictEqual(worst(60_000), 7)
    assert.strictEqual(worst(90), 0)
    assert.strictEqual(worst(700, { recovery: false }), 0)
  })

  it("asks nobody to help with a probe whose answer lies unread", () => {
    const lines: Array<string> = []
    // an ack takes 300 ms: some begin while a probe is under way
    const stalls = Array.from({ length: 40 }, (_, i) => stall("a", i * 5_127, 950))
    const { told } = said(stalls, { latency: [150, 150], lines })
    assert.deepStrictEqual(told, [])
    assert.deepStrictEqual(
      lines.filter((line) => line.includes("asking other members") && line.includes(`"node":"a"`)),
      []
    )
  })

  it("asks a member over TCP again that only TCP reaches, where the answer may lie unread", () => {
    const cut: Fault.Timed = { at: 0, for: 120_000, fault: { _tag: "Cut", from: ["b"], to: ["*"], what: "packets" } }
    const stalls = Array.from({ length: 60 }, (_, i) => stall("a", i * 2_037, 1_400))
    assert.deepStrictEqual(said([cut, ...stalls]).told, [])
  })

  it("is as healthy as ever a probe after a short pause of the garbage collection, once a minute", () => {
    const pauses = Array.from({ length: 10 }, (_, i) => stall("a", i * 60_000, 100 + i * 10))
    const { scores, told } = said(pauses)
    const raised = scores.filter((score) => score > 0).length
    assert.deepStrictEqual(told, [])
    assert.isAtMost(Math.max(...scores), 1)
    // a probe interval after each, of tenths of a second
    assert.isAtMost(raised, 10 * 10)
  })

  it("is well again within seven probes after hours, and accuses nobody", () => {
    // a host that was suspended: its clock leaps
    const suspended: Fault.Timed = { at: 0, for: 1, fault: { _tag: "Skew", node: "a", leap: 8 * 3_600_000, rate: 1 } }
    const { scores, told } = said([suspended])
    assert.deepStrictEqual(told, [])
    assert.isAbove(Math.max(...scores), 1)
    assert.isAtMost(scores.filter((score) => score > 0).length, 7 * 10)
  })

  it("says so in its log, and how late it was", () => {
    const lines: Array<string> = []
    said([stall("a", 0, 5_000)], { lines })
    const late = lines.filter((line) => line.includes("this node was late"))
    assert.isNotEmpty(late)
    assert.match(late[0] ?? "", /a timer fired [45]\.\d s late/)
  })

  it("still finds who is gone, although it is late at each probe", () => {
    const script: Fault.Script = [
      { at: 0, for: 0, fault: { _tag: "Kill", node: "e" } },
      // nobody can tell it
      { at: 0, for: 120_000, fault: { _tag: "Partition", groups: [["a"], ["b", "c", "d"]] } },
      ...Array.from({ length: 30 }, (_, i) => stall("a", i * 4_000, 3_000))
    ]
    assert.include(said(script).told, "MemberFailed e")
  })

  it("is well again after a bad time, although it is late at each probe", () => {
    const script: Fault.Script = [
      { at: 0, for: 30_000, fault: { _tag: "Loss", from: ["*"], to: ["*"], probability: 0.3 } },
      { at: 10_000, for: 0, fault: { _tag: "Kill", node: "e" } }
    ]
    const { scores } = said(script, { lateness: { measure: () => 200, busy: () => 1 } })
    assert.isAbove(Math.max(...scores), 1)
    // the last ten seconds: no more than what each delay costs
    assert.isAtMost(Math.max(...scores.slice(-100)), 1)
  })
})

describe("a Lateness of the application", () => {
  const boom = () => {
    throw new Error("boom")
  }
  const kinds: ReadonlyArray<readonly [does: string, lateness: Lateness]> = [
    ["throws", { measure: boom, busy: boom }],
    ["throws when it is asked how busy it is", { measure: () => 700, busy: boom }],
    ["answers NaN", { measure: () => NaN, busy: () => NaN }],
    ["answers less than nothing", { measure: () => -1e9, busy: () => -1 }],
    ["says that it is endlessly late", { measure: () => Infinity, busy: () => Infinity }]
  ]
  for (const [does, lateness] of kinds) {
    it(`that ${does} keeps nobody from finding who is gone`, () => {
      const lines: Array<string> = []
      const kill: Fault.Timed = { at: 0, for: 30_000, fault: { _tag: "Kill", node: "e" } }
      const { told } = said([kill], { lateness, lines })
      assert.include(told, "MemberFailed e")
      assert.deepStrictEqual(told.filter((line) => line.startsWith("MemberFailed")), ["MemberFailed e"])
      assert.strictEqual(lines.some((line) => line.includes("Lateness")), does.startsWith("throws"))
    })
  }
})
