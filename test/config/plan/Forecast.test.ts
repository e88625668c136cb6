/**
 * The formulas of a forecast, beside the papers', the measured figures of docs/scale.md, and the bytes of the codec.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { errors } from "../../../src/config/plan/Accuracy.ts"
import { probe } from "../../../src/config/plan/Chances.ts"
import type { Circumstances, Tuning } from "../../../src/config/plan/Circumstances.ts"
import { detection, suspicions } from "../../../src/config/plan/Detection.ts"
import { forecast } from "../../../src/config/plan/Forecast.ts"
import { missed, spread } from "../../../src/config/plan/Spread.ts"
import { traffic } from "../../../src/config/plan/Traffic.ts"
import * as Message from "../../../src/wire/message/Message.ts"
import { Writer } from "../../../src/wire/msgpack/MessagePackWriter.ts"

const lan: Tuning = {
  probeInterval: 1000,
  probeTimeout: 500,
  indirectChecks: 3,
  suspicionMult: 4,
  suspicionMaxTimeoutMult: 6,
  retransmitMult: 4,
  gossipInterval: 200,
  gossipNodes: 3,
  pushPullInterval: 30_000
}
const within = (members: number, loss = 0, rest: Partial<Circumstances> = {}): Circumstances => ({
  members,
  loss,
  roundTrip: 10,
  nameBytes: 3,
  metaBytes: 0,
  encrypted: false,
  ...rest
})

/** What `npm run simulate:scale` measured with the LAN preset, in seconds (docs/scale.md). */
const measured = [
  { members: 10, failed: 5.61, lag: 0.16, half: 0.17, all: 0.37, packetBytes: 87, streamBytes: 45 },
  { members: 100, failed: 10.32, lag: 0.36, half: 0.34, all: 0.61, packetBytes: 89, streamBytes: 145 },
  { members: 1000, failed: 13.22, lag: 0.51, half: 0.46, all: 0.84, packetBytes: 91, streamBytes: 732 }
]

describe("the forecast for the LAN preset", () => {
  for (const { all, failed, half, lag, members, packetBytes, streamBytes } of measured) {
    const found = forecast(lan, within(members))
    it(`agrees with what was measured with ${members} members`, () => {
      // three failures and five changes each: that much is chance
      assert.approximately(found.detection.first.median / 1000, failed, 0.15 * failed)
      assert.approximately((found.detection.all.median - found.detection.first.median) / 1000, lag, 0.3 * lag)
      assert.approximately(found.news.half / 1000, half, 0.25 * half)
      assert.approximately(found.news.all.median / 1000, all, 0.25 * all)
      assert.approximately(found.traffic.packets, 2, 1e-9)
      assert.approximately(found.traffic.probes - 2 * 28, packetBytes, 0.03 * packetBytes)
      assert.approximately(found.traffic.pushPull, streamBytes, 0.03 * streamBytes)
      assert.strictEqual(found.traffic.rumours, 0)
    })
  }
})

describe("the forecast of processor time", () => {
  it("agrees with processes of the LAN preset", () => {
    // docs/benchmarks.md, processes of one node each
    for (const [members, millis] of [[5, 2.59], [10, 2.63], [30, 2.79]] as const) {
      assert.approximately(forecast(lan, within(members)).processor, millis, 0.25 * millis)
    }
  })

  it("grows with probes, keys, losses and members", () => {
    const cost = (tuning: Partial<Tuning>, circumstances: Circumstances) =>
      forecast({ ...lan, ...tuning }, circumstances).processor
    const usual = cost({}, within(10))
    assert.isAbove(cost({ probeInterval: 500 }, within(10)), 1.5 * usual)
    assert.isAbove(cost({}, within(10, 0, { encrypted: true })), usual)
    assert.isAbove(cost({}, within(10, 0.1)), usual)
    assert.isAbove(cost({}, within(1000)), usual)
    assert.isBelow(cost({ pushPullInterval: 0 }, within(1000)), cost({}, within(1000)))
  })
})

describe("the time until a member is suspected", () => {
  it("comes a period after the end on average, and a probe later, in a large cluster", () => {
    // SWIM §3.1 counts whole periods, e/(e − 1) of them; members that tick at moments of their own need less
    const { none } = detection({ ...lan, suspicionMult: 2 }, within(2000), 0)
    const [time = 0] = suspicions({ ...lan, suspicionMult: 2 }, 2000)
    let mean = 0
    for (let t = 0; t < 20_000; t += 10) mean += 10 * none(t + 1000 + time)
    assert.approximately(mean / 1000, 1, 0.01)
  })

  it("is never longer than two rounds of the others, and a probe", () => {
    for (const members of [2, 3, 10]) {
      const tuning = { ...lan, suspicionMult: 2 }
      const [time = 0] = suspicions(tuning, members)
      assert.isAtMost(detection(tuning, within(members), 0).within(1), (2 * (members - 1) + 1) * 1000 + time)
    }
  })
})

describe("a suspicion", () => {
  it("has the times of the rules, one for each number of confirmations", () => {
    assert.deepStrictEqual(suspicions(lan, 10), [24_000, 11_381, 4000])
    assert.deepStrictEqual(suspicions(lan, 3), [4000])
    assert.deepStrictEqual(suspicions({ ...lan, suspicionMult: 2 }, 100), [4000])
  })
})

describe("a probe of a live member", () => {
  it("fails as often as SWIM says, beside what a TCP ping saves", () => {
    // SWIM §3.2: (1 − q²)(1 − q⁴)^k, without its factor for how many probe a member in a period
    for (const [loss, k] of [[0.01, 1], [0.05, 3], [0.1, 3]] as const) {
      const q = 1 - loss
      const found = probe({ ...lan, indirectChecks: k }, within(100, loss))
      const alone = probe({ ...lan, indirectChecks: 0 }, within(100, loss))
      assert.approximately(found.unanswered, 1 - q ** 2, 1e-12)
      assert.approximately(found.failed, alone.failed * (1 - q ** 4) ** k, 1e-12)
      // SYN, SYN-ACK, ping and ack at their first try; and after 0.2 s once more
      assert.isBelow(alone.failed, found.unanswered * (1 - q ** 4))
    }
  })

  it("never fails where nothing is lost, and has no more helpers than there are others", () => {
    assert.strictEqual(probe(lan, within(100)).failed, 0)
    assert.strictEqual(probe(lan, within(3)).helpers, 1)
    assert.strictEqual(probe(lan, within(2)).helpers, 0)
  })

  const share = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 500 }))
  const members = Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: 1000 }))
  it.prop(
    "fails more often where more is lost, and never more often than the ping",
    [share, share, members],
    ([a, b, n]) => {
      const [less, more] = [Math.min(a, b), Math.max(a, b)].map((loss) => probe(lan, within(n, loss / 1000)))
      assert.isAtMost(less?.failed ?? 1, more?.failed ?? 0)
      assert.isAtMost(more?.failed ?? 1, more?.unanswered ?? 0)
    }
  )
})

describe("errors about live members", () => {
  it("are none where nothing is lost", () => {
    for (const members of [2, 3, 10, 1000]) {
      assert.deepStrictEqual(errors(lan, within(members)), { suspected: 0, failed: 0 })
    }
  })
  it("are rarer with more helpers and with more retransmissions", () => {
    const circumstances = within(50, 0.1)
    const { failed, suspected } = errors(lan, circumstances)
    assert.isBelow(errors({ ...lan, indirectChecks: 4 }, circumstances).suspected, suspected / 2)
    assert.isBelow(errors({ ...lan, retransmitMult: 6 }, circumstances).failed, failed / 10)
  })
})

describe("news", () => {
  it("is missed by a member with the chance that all transmissions to it are lost, about e^(−sent)", () => {
    assert.approximately(Math.log(missed(lan, within(1000))), -16, 0.05)
    assert.approximately(Math.log(missed(lan, within(1000, 0.25))), -12, 0.05)
  })
  it("takes longer in larger clusters, over longer ways, and where packets are lost", () => {
    const all = (circumstances: Circumstances) => spread(lan, circumstances).all
    assert.isBelow(all(within(100)), all(within(1000)))
    assert.isBelow(all(within(100)), all(within(100, 0.3)))
    assert.isBelow(all(within(100)), all(within(100, 0, { roundTrip: 100 })))
  })
  it("is left out as often as was counted with the LAN preset", () => {
    // of 250 and 300 changes of metadata in simulated clusters, 6 and 13 were not known to all when gossip was over
    assert.approximately(250 * 5 * missed(lan, within(6)), 6, 3 * Math.sqrt(6))
    assert.approximately(300 * 7 * missed(lan, within(8)), 13, 3 * Math.sqrt(13))
    // with three others, the first tick tells them all
    assert.strictEqual(missed(lan, within(4)), 0)
  })
  it("that gossip may leave out waits for the next push/pull", () => {
    const once = { ...lan, retransmitMult: 1 }
    assert.isAbove(spread(once, within(100)).most, 90_000)
    assert.isBelow(spread(lan, within(100)).most, 2000)
  })
})

describe("the bytes", () => {
  const writer = new Writer()
  const length = (message: Parameters<typeof Message.encode>[0]) => Message.encode(message, writer).length
  const addr = Uint8Array.of(10, 0, 0, 1)
  const port = 7946
  const seqNo = 0xd82dca2f

  it("of a probe are those of the codec, with the headers of two datagrams", () => {
    for (const nameBytes of [1, 3, 31, 32, 200]) {
      const node = "n".repeat(nameBytes)
      const ping = length({ _tag: "Ping", seqNo, node, sourceAddr: addr, sourcePort: port, sourceNode: node })
      const ack = length({ _tag: "Ack", seqNo, payload: null })
      assert.strictEqual(traffic(lan, within(100, 0, { nameBytes })).probeBytes, ping + ack + 56)
    }
  })

  it("of a change are those of the codec, as often as it is sent, within three for the incarnation", () => {
    const vsn = Uint8Array.of(1, 5, 2, 0, 0, 0)
    for (const metaBytes of [0, 20, 512]) {
      const meta = new Uint8Array(metaBytes)
      const alive = length({ _tag: "Alive", incarnation: 300, node: "abc", addr, port, meta, vsn })
      const { changeBytes } = traffic(lan, within(100, 0, { metaBytes }))
      // and a part of the headers of gossip's own datagrams
      assert.approximately(changeBytes / 12, alive + 28 * 15 / 17, 3)
    }
  })

  it("are more with a key, with metadata, and with shorter intervals", () => {
    const { bytes } = traffic(lan, within(100))
    assert.isAbove(traffic(lan, within(100, 0, { encrypted: true })).bytes, bytes)
    assert.isAbove(traffic(lan, within(100, 0, { metaBytes: 100 })).bytes, bytes)
    assert.isAbove(traffic({ ...lan, probeInterval: 500 }, within(100)).bytes, bytes)
    assert.strictEqual(traffic({ ...lan, pushPullInterval: 0 }, within(100)).pushPullBytes, 0)
  })
})
