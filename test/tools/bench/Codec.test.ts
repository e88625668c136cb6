import { assert, describe, it } from "@effect/vitest"
import type { Part, Run, Sample, Subject } from "../../../bench/page/Results.ts"
import * as Codec from "../../../bench/run/parts/codec.ts"
import * as Table from "../../../bench/run/parts/table.ts"

const sample = (part: Part, subject: Subject, round: number, figures: Record<string, number>): Sample => ({
  part,
  round,
  subject,
  figures
})

/** The cells of the row that begins with this. */
const row = (table: string, title: string): ReadonlyArray<string> =>
  table.split("\n").find((line) => line.startsWith(`| ${title} `))?.split("|").map((cell) => cell.trim()).slice(
    1,
    -1
  ) ??
    []

/** What the targets of a section say of these samples, in which nothing else is looked at. */
const judged = ({ targets = [] }: typeof Codec.section, samples: ReadonlyArray<Sample>) =>
  targets.map(({ judge }) => judge({ samples } as Run))

const codec = [
  sample("codec", "ours", 0, { "ping.encode.nanos": 200, "ping.encode.size": 75, "ping.encode.bytes": 182 }),
  sample("codec", "go", 0, { "ping.encode.nanos": 1000, "ping.encode.size": 75, "ping.encode.bytes": 1820 }),
  sample("codec", "ours", 1, { "pushPull1000.decode.nanos": 600_000, "pushPull1000.decode.bytes": 5 }),
  sample("codec", "go", 1, { "pushPull1000.decode.nanos": 1_000_000 })
]

describe("the section of single messages", () => {
  it("has both sides, their ratio, and whether that is within its target", () => {
    const table = Codec.table(codec)
    assert.deepStrictEqual(row(table, "ping, encode"), [
      "ping, encode",
      "75",
      "200 ns",
      "1.00 µs",
      "0.20×",
      "0.25: met",
      "182",
      "1820",
      "0.10×"
    ])
    assert.deepStrictEqual(row(table, "push/pull of 1,000, decode").slice(2, 6), [
      "600.00 µs",
      "1.00 ms",
      "0.60×",
      "0.5: missed"
    ])
  })

  it("compares nothing where Go was not measured, and leaves out what was not", () => {
    const ours = codec.filter(({ subject }) => subject === "ours")
    const table = Codec.table(ours)
    assert.deepStrictEqual(row(table, "ping, encode").slice(2, 6), ["200 ns", "–", "–", "–"])
    assert.deepStrictEqual(row(table, "ping, decode"), [])
    assert.deepStrictEqual(judged(Codec.section, ours), [undefined, undefined])
  })

  it("judges by the message that is furthest from its target", () => {
    assert.deepStrictEqual(judged(Codec.section, codec), [
      { ours: "ping, encode: 200 ns", beside: "1.00 µs", ratio: "0.20×", isMet: true },
      { ours: "push/pull of 1,000, decode: 600.00 µs", beside: "1.00 ms", ratio: "0.60×", isMet: false }
    ])
  })
})

describe("the section of large tables", () => {
  const figures = (factor: number) => ({
    "lan.join.millis": 30 * factor,
    "lan.newcomer.cpu": 40 * factor,
    "lan.newcomer.peak": 100,
    "lan.newcomer.more": 20,
    ...(factor === 1 ? {} : { "lan.newcomer.delay": 12.4, "lan.newcomer.turn": 8 })
  })
  const samples = [sample("table", "ours", 0, figures(2)), sample("table", "go", 0, figures(1))]

  it("has time, memory and delays, and no delay of Go's", () => {
    assert.deepStrictEqual(row(Table.table(samples), "10,000, LAN preset: join, newcomer"), [
      "10,000, LAN preset: join, newcomer",
      ...["60", "30", "2.00×"],
      ...["80", "40", "2.00×"],
      ...["100", "100", "1.00×"],
      ...["20", "20", "12", "8"]
    ])
  })

  it("judges the time beside Go's, and the delay by itself", () => {
    const verdicts = (Table.section.targets ?? []).flatMap(({ work }, i) => {
      const isMet = judged(Table.section, samples)[i]?.isMet
      return isMet === undefined ? [] : [[work, isMet]]
    })
    assert.deepStrictEqual(verdicts, [
      ["join of a newcomer, 10,000, LAN preset", false],
      ["longest delay that the newcomer feels, 10,000, LAN preset", true],
      ["longest work without a pause, 10,000, LAN preset", true]
    ])
  })
})
