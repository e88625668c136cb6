import { assert, describe, it } from "@effect/vitest"
import { figuresOf, keptTable } from "../../../bench/run/parts/simulator.ts"

const run = {
  members: 1000,
  seconds: 60,
  processor: 80,
  mostMemory: 1.5e9,
  complete: 1000,
  packetsSent: 120_000,
  bytesSent: 6e6
}

describe("the figures of a simulation", () => {
  it("are told by the number of members, with how much is simulated in a second of processor time", () => {
    assert.deepStrictEqual(figuresOf(run), {
      "cpu/1000": 80,
      "speed/1000": 750,
      "resident/1000": 1500,
      "perMember/1000": 1.5
    })
  })

  it("are shown with what was kept of long ones", () => {
    const kept = { ...run, members: 10_000, at: "2026-01-01T00:00:00Z", commit: "abc", load: 1 }
    const [, , row] = keptTable([kept]).split("\n")
    assert.deepStrictEqual(row?.split("|").map((cell) => cell.trim()).slice(1, -1), [
      "10000",
      "60",
      "80",
      "7500",
      "1500",
      "0.20",
      "10.0",
      "1000",
      "abc"
    ])
  })
})
