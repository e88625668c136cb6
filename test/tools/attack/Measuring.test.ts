import { assert, describe, it } from "@effect/vitest"
import { LogReader } from "../../../attack/cluster/LogReader.ts"
import { parse } from "../../../attack/cluster/Usage.ts"
import { Progress } from "../../../attack/Progress.ts"
import { Pace } from "../../../attack/traffic/Pace.ts"
import { Line } from "../../../simulate/running/Line.ts"

describe("the pace of a flood", () => {
  it("sends what is due, in bursts of two milliseconds' worth", () => {
    const pace = new Pace(1_000)
    assert.strictEqual(pace.due(0), 0)
    assert.strictEqual(pace.due(0.001), 1)
    assert.strictEqual(pace.due(0.001), 0)
    assert.strictEqual(pace.due(0.01), 2)
    assert.strictEqual(pace.due(0.01), 2)
  })

  it("keeps the rate over a second", () => {
    const pace = new Pace(20_000)
    let sent = 0
    for (let i = 1; i <= 1_000; i++) sent += pace.due(i / 1_000)
    assert.strictEqual(sent, 20_000)
  })

  it("does not make up for more than a tenth of a second, and says how much that is", () => {
    const pace = new Pace(1_000)
    let sent = 0
    for (let due = pace.due(1); due > 0; due = pace.due(1)) sent += due
    assert.strictEqual(sent, 100)
    assert.strictEqual(pace.skipped, 900)
    assert.strictEqual(pace.due(1.0015), 1)
  })

  it("works for a few packets a second", () => {
    const pace = new Pace(3)
    assert.deepStrictEqual([0.1, 0.34, 0.5, 0.67, 1].map((at) => pace.due(at)), [0, 1, 0, 1, 1])
  })
})

describe("what a process costs", () => {
  it("is read from what the system says of it, whatever its name is", () => {
    const stat = "42 (a b) c) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 11 0 5 6 7"
    const status = "Name:\ta b) c\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\n"
    assert.deepStrictEqual(parse(stat, status, 100), { cpuSeconds: 3, memory: 100, peakMemory: 200 })
  })
})

describe("a reader of logs", () => {
  const read = (...chunks: ReadonlyArray<string>): LogReader => {
    const reader = new LogReader()
    for (const chunk of chunks) reader.read(Buffer.from(chunk))
    return reader
  }

  it("finds lines wherever they are cut", () => {
    const { controls, lines, longest, mentions } = read("level=INFO a\nlev", "el=WARN name=fake-1 €", "\nrest")
    assert.deepStrictEqual({ lines, longest, mentions }, { lines: 2, longest: 26, mentions: 1 })
    assert.strictEqual(controls.size, 0)
  })

  it("names what must not be in a line", () => {
    assert.deepStrictEqual([...read("a\u001b[31m\tb\n", "c\u202ed\u0085\n").controls], ["U+001B", "U+202E", "U+0085"])
    assert.deepStrictEqual([...read("name=fake-line\nlevel=ERROR forged\n").controls], ["a line break"])
    assert.strictEqual(read("a\\u001b\\u202e\n").controls.size, 0)
  })

  it("does not wait for the end of a line that has none", () => {
    assert.strictEqual(read("x".repeat((1 << 20) + 1)).longest, (1 << 20) + 1)
  })
})

describe("the progress of an attack", () => {
  const progressOf = (estimates: ReadonlyArray<number>, columns: number | undefined) => {
    const shown: Array<string> = []
    const written: Array<string> = []
    const clock = { millis: 0 }
    const progress = new Progress(estimates, {
      line: new Line({ isTTY: columns !== undefined, columns, write: (text) => shown.push(text) }),
      write: (text) => written.push(text),
      now: () => clock.millis
    })
    return { progress, shown, written, clock }
  }

  it("says on a terminal what is done now, and how long all that is left takes", () => {
    const { progress, shown } = progressOf([10, 30], 100)
    progress.say("flood: acks, here", "floods for 5 s")
    assert.include(shown.at(-1), "1/2 flood: acks, here, floods for 5 s, 40 s left")
  })

  it("learns from what is done how well the estimates hold", () => {
    const { clock, progress, written } = progressOf([10, 30], undefined)
    clock.millis = 20_000
    progress.step("kept flood: acks, here", undefined)
    progress.step("BROKEN flood: acks, Go", "declared failed: boris: anna")
    assert.deepStrictEqual(written, [
      "kept flood: acks, here (1/2, 60 s left)\n",
      "BROKEN flood: acks, Go: declared failed: boris: anna (2/2)\n"
    ])
  })

  it("is plain lines where there is no terminal", () => {
    const { progress, shown } = progressOf([10], undefined)
    progress.say("flood: acks, here", "floods for 5 s")
    progress.end()
    assert.deepStrictEqual(shown, [])
  })
})
