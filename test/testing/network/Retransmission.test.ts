import { assert, describe, it } from "@effect/vitest"
import { Draws } from "../../../src/testing/clock/Draws.ts"
import { Handshake, SegmentSender, type Ways } from "../../../src/testing/network/Retransmission.ts"

const RUNS = 20_000
const RTT = 2

/** Both directions with the same probability of loss. */
const lossy = (there: number, back = there, seed = 1): Ways => {
  const draws = new Draws(seed, "test")
  return { there: () => draws.next() >= there, back: () => draws.next() >= back }
}

/** When a connection is made, counted from the first SYN; `undefined`: never. */
const connect = (ways: Ways): number | undefined => {
  const handshake = new Handshake()
  for (let time = 0;;) {
    const next = handshake.attempt(ways)
    if (next === "Connected") return time
    if (next === "GivenUp") return undefined
    time += next
  }
}

/** When each segment can be read, counted from the first flight, and when all is over. */
const transfer = (count: number, ways: Ways) => {
  const sender = new SegmentSender<number>()
  sender.offer(Array.from({ length: count }, (_, i) => i))
  const read: Array<readonly [segment: number, time: number]> = []
  for (let time = 0;;) {
    const { next, readable } = sender.flight(ways, RTT)
    for (const segment of readable) read.push([segment, time])
    if (typeof next !== "number") return { read, end: next, time }
    time += next
  }
}

const share = (found: ReadonlyArray<unknown>, wanted: unknown): number =>
  found.filter((each) => each === wanted).length / found.length

describe("a handshake", () => {
  it("is asked for after 1 s, 2 s, 4 s and so on, seven times in all, and given up after 127 s", () => {
    const handshake = new Handshake()
    let sent = 0
    const ways = { there: () => (sent++, false), back: () => true }
    const waits = Array.from({ length: 8 }, () => handshake.attempt(ways))
    assert.deepStrictEqual(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, "GivenUp"])
    assert.strictEqual(sent, 7)
  })
  it("succeeds at once without loss, and never where everything is lost", () => {
    assert.strictEqual(connect(lossy(0)), 0)
    assert.isUndefined(connect(lossy(1)))
    assert.isUndefined(connect(lossy(0, 1)))
  })
  for (const p of [0.3, 0.8]) {
    it(`takes as many attempts as chance says where ${100 * p} % are lost one way`, () => {
      for (const [there, back] of [[p, 0], [0, p]] as const) {
        const ways = lossy(there, back)
        const times = Array.from({ length: RUNS }, () => connect(ways))
        for (const [i, time] of [0, 1000, 3000, 7000, 15_000, 31_000, 63_000].entries()) {
          assert.closeTo(share(times, time), (1 - p) * p ** i, 0.01)
        }
        assert.closeTo(share(times, undefined), p ** 7, 0.01)
      }
    })
  }
  it("needs no second SYN to arrive once the other side knows of the first", () => {
    const ways = lossy(0.8)
    const times = Array.from({ length: RUNS }, () => connect(ways))
    // SYN and SYN-ACK at once; then either the second SYN is the first that arrives, or only the answer is missing
    assert.closeTo(share(times, 0), 0.04, 0.005)
    assert.closeTo(share(times, 1000), (0.8 * 0.2 + 0.2 * 0.8) * 0.2, 0.005)
  })
})

describe("segments", () => {
  it("arrive together and once without loss, ten in a round trip", () => {
    const { end, read, time } = transfer(25, lossy(0))
    assert.deepStrictEqual(read, Array.from({ length: 25 }, (_, i) => [i, RTT * Math.floor(i / 10)] as const))
    assert.deepStrictEqual([end, time], ["Done", 2 * RTT])
  })
  for (const p of [0.3, 0.8]) {
    it(`one alone arrives after 0, 200, 600 ms and so on, as chance says where ${100 * p} % are lost`, () => {
      const ways = lossy(p)
      const times = Array.from({ length: RUNS }, () => transfer(1, ways).read[0]?.[1])
      for (let i = 0; i < 8; i++) {
        assert.closeTo(share(times, 200 * (2 ** i - 1)), (1 - p) * p ** i, 0.01)
      }
    })
    it(`are read in order, each once, where ${100 * p} % are lost`, () => {
      const ways = lossy(p)
      for (let run = 0; run < 200; run++) {
        const { end, read } = transfer(20, ways)
        if (end === "Done") assert.strictEqual(read.length, 20)
        assert.deepStrictEqual(read.map(([segment]) => segment), read.map((_, i) => i))
        for (const [i, [, time]] of read.entries()) assert.isAtLeast(time, read[i - 1]?.[1] ?? 0)
      }
    })
  }
  it("wait for an earlier one that was lost", () => {
    let sent = 0
    const { read } = transfer(3, { there: () => sent++ !== 1, back: () => true })
    assert.deepStrictEqual(read, [[0, 0], [1, 200], [2, 200]])
  })
  it("are read once although their acknowledgement is lost, and later ones wait until it comes", () => {
    let answers = 0
    const ways = { there: () => true, back: () => answers++ > 0 }
    const sender = new SegmentSender<number>()
    sender.offer([1])
    assert.deepStrictEqual(sender.flight(ways, RTT), { readable: [1], next: 200 })
    sender.offer([2])
    assert.deepStrictEqual(sender.flight(ways, RTT), { readable: [], next: RTT })
    assert.deepStrictEqual(sender.flight(ways, RTT), { readable: [2], next: "Done" })
    assert.isTrue(sender.idle)
  })
  it("are given up after fifteen more tries, the longest two minutes apart", () => {
    let sent = 0
    const { end, read, time } = transfer(1, { there: () => (sent++, false), back: () => true })
    assert.deepStrictEqual([end, read, sent], ["GivenUp", [], 16])
    // 0.2 s to 102.4 s, and five times 120 s
    assert.strictEqual(time, 200 * 1023 + 5 * 120_000)
  })
  it("are sent again no sooner than an answer can be there", () => {
    const { next } = new SegmentSender<number>().flight(lossy(1), 10)
    assert.strictEqual(next, "Done")
    const sender = new SegmentSender<number>()
    sender.offer([1])
    assert.strictEqual(sender.flight(lossy(1), 300).next, 600)
  })
})
