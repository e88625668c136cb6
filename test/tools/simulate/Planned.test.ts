/** `npm run simulate:plan`, as small as it is still about something: one plan beside ten simulated clusters. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { now, run } from "../../../simulate/measuring/Cluster.ts"
import { seeded } from "../../../simulate/measuring/Seeded.ts"
import { planned } from "../../../simulate/plan/grid.ts"
import { type Job, measure } from "../../../simulate/plan/measure.ts"
import { beyond, tables } from "../../../simulate/plan/page.ts"

const cell = planned({ members: 10, detect: 5, loss: 0.03 })
if ("refused" in cell) throw new Error(cell.refused)
const { forecast, jobs, tuning } = cell
const refused = planned({ members: 100, detect: 2, loss: 0 })

describe("a planned cluster", () => {
  const measured = jobs.slice(0, 12).map((job) => ({ job, outcome: measure(job) }))

  it("knows of failures, and costs, what was planned", () => {
    const all = measured.flatMap(({ outcome }) => outcome.all)
    assert.strictEqual(all.length, 12)
    for (const time of all) assert.isAtMost(time, forecast.detection.all.p99)
    assert.deepStrictEqual(beyond([cell], measured), [])
  })

  it("is written down beside its plan, and what was refused with the reason", () => {
    const page = tables([cell, refused], measured)
    assert.match(page, /\| 10 +\| 5 s +\| 3 % +\| +550 ms \|/)
    assert.match(page, /12 of 12/)
    assert.match(page, /100 members, 2 s, 0 % lost: goal "detect" of 2s cannot be reached/)
    assert.match(page, /### Beyond the tolerances\n\nNothing\.$/)
  })

  it("is told of where it does something else", () => {
    const slow = measured.map(({ job, outcome }) => ({
      job,
      outcome: { ...outcome, all: outcome.all.map((time) => 2 * time), packets: outcome.packets / 2, verdicts: 1 }
    }))
    const found = beyond([cell], slow)
    assert.isTrue(found.some((each) => each.startsWith("10 members, 5 s, 3 % lost: known to all is")))
    assert.isTrue(found.some((each) => /^10 members, 5 s, 3 % lost: packets is -(49|50|51)/.test(each)))
    assert.isTrue(found.some((each) => each.endsWith("failures were known to all in the planned time, not 99 %")))
    assert.isTrue(found.some((each) => each.startsWith("12 verdicts about live members")))
    assert.match(tables([cell], slow), /\(!\)/)
  })

  it("has no figures of settings that are planned no more", () => {
    const other = measured.map(({ job, outcome }) => {
      const old: Job = { ...job, tuning: { ...job.tuning, probeInterval: 500 } }
      return { job: old, outcome }
    })
    assert.notMatch(tables([cell], other), /of 12/)
  })
})

/** Stops members for so long, one after the other; how many verdicts about them there were. */
const silences = (millis: number, count: number) =>
  run(
    { members: 10, settings: { ...tuning }, seed: "pauses", latency: [1, 5], settled: true },
    Effect.fnUntraced(function*(cluster) {
      const random = seeded("pauses")
      let verdicts = 0
      for (let i = 0; i < count; i++) {
        const member = cluster.members[i % 10]
        if (member === undefined) break
        yield* Effect.sleep(10_000 + random() * 2 * tuning.probeInterval)
        cluster.beliefs.length = 0
        const began = yield* now
        yield* cluster.network.pause(member.ip)
        yield* Effect.sleep(millis)
        yield* cluster.network.resume(member.ip)
        yield* Effect.sleep(forecast.detection.all.p99)
        if (
          cluster.beliefs.some(({ about, at, what }) => what === "Failed" && about === member.name && at >= began)
        ) verdicts++
      }
      return verdicts
    })
  )

describe("a pause of a member whose host keeps what arrives", () => {
  it("is survived up to the planned one, and not when it is as long as the detection", () => {
    assert.strictEqual(silences(forecast.pause, 20), 0)
    assert.strictEqual(silences(forecast.detection.all.p99, 3), 3)
  })
})
