import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import * as Path from "node:path"
import { failuresOf, type Measured, timesOf } from "../../../bench/agent/Measured.ts"
import { page } from "../../../bench/agent/Page.ts"
import * as Stamp from "../../../bench/agent/Stamp.ts"

const root = Path.resolve(import.meta.dirname, "../../..")
const times = timesOf([3, 1, 2])

const good: Measured = {
  at: "2030-01-02T03:04:05.000Z",
  commit: "abc1234",
  processors: "2 × X",
  memoryGB: 8,
  system: "Linux 6",
  node: "24.0.0",
  load: 0,
  isBuilt: true,
  order: { clients: 10, rate: 8, seconds: 1, restSeconds: 1 },
  calls: {
    calls: [{ call: "GET /v1/info", millis: times, bytes: 20, failed: 0 }],
    rate: 8,
    failures: {},
    updates: 1,
    values: 1
  },
  reads: [{ stream: "GET /v1/events", readers: 9, expected: 9, delivered: 9, millis: times, ended: 0 }],
  watched: [{ stretch: "load", seconds: 1, cpu: 0.25, resident: 100, heap: 50, delay: times }],
  held: { before: 40, after: 41 },
  others: times,
  protocol: {
    verdicts: [],
    suspected: 0,
    failed: 0,
    probesFailed: 0,
    score: 0,
    members: [5, 5, 5, 5, 5],
    warnings: []
  }
}

describe("load on an agent", () => {
  it("has the middle time, the one that one in a hundred exceeds, and the longest", () => {
    assert.deepStrictEqual(times, { count: 3, p50: 2, p99: 3, max: 3 })
    assert.strictEqual(timesOf(Array.from({ length: 1000 }, (_, i) => i)).p99, 990)
    assert.deepStrictEqual(timesOf([]), { count: 0, p50: 0, p99: 0, max: 0 })
  })

  it("fails for a request, an event or a stream that is lost, and for whatever one agent says against another", () => {
    const failures = (changed: Partial<Measured>) => failuresOf({ ...good, ...changed })
    const [read] = good.reads
    assert(read !== undefined)
    assert.deepStrictEqual(failures({}), [])
    assert.deepStrictEqual(failures({ calls: { ...good.calls, failures: { "GET /metrics: status 429": 2 } } }), [
      "2 requests failed: GET /metrics: status 429"
    ])
    assert.deepStrictEqual(failures({ calls: { ...good.calls, updates: 0 } }).length, 1)
    assert.deepStrictEqual(failures({ reads: [{ ...read, delivered: 8 }] }), [
      "GET /v1/events: 8 of 9 events delivered"
    ])
    assert.deepStrictEqual(failures({ reads: [{ ...read, ended: 1 }] }).length, 1)
    const protocol = (changed: Partial<Measured["protocol"]>) =>
      failures({ protocol: { ...good.protocol, ...changed } })
    assert.deepStrictEqual(protocol({ verdicts: ["b was suspected"] }), ["false verdict: b was suspected"])
    assert.deepStrictEqual(protocol({ suspected: 1 }), ["1 suspicions"])
    assert.deepStrictEqual(protocol({ failed: 1 }), ["1 members called dead"])
    assert.deepStrictEqual(protocol({ members: [5, 5, 4, 5, 5] }), ["agent 3 lists 4 members, not 5"])
    assert.include(page({ ...good, reads: [{ ...read, delivered: 8 }] }), "**Failed:**\n- GET /v1/events: 8 of 9")
  })

  it("knows a change by its number, the new state and not the one it replaces, and how long it took", () => {
    const event = (text: string) => `"member":{"meta":{"text":"${text}"}},"previous":{"text":"${Stamp.write(6)}"}`
    const change = Stamp.read(event(Stamp.write(7)))
    assert.strictEqual(change?.at, 7)
    assert.isTrue(change !== undefined && change.millis >= 0 && change.millis < 10_000)
    assert.isUndefined(Stamp.read(`"text":""`))
  })

  it("is told on the page as it was measured", () => {
    const kept = Path.join(root, "bench/results/agent.json")
    const text = readFileSync(Path.join(root, "docs/agent.md"), "utf8")
    assert.isTrue(existsSync(kept))
    const measured: Measured = JSON.parse(readFileSync(kept, "utf8"))
    assert.deepStrictEqual(failuresOf(measured), [])
    assert.include(text, `<!-- measured -->\n\n${page(measured)}\n\n<!-- end of what was measured -->`)
  })
})
