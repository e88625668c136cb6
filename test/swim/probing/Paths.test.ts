import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Paths from "../../../src/swim/probing/Paths.ts"

/** A probe at `sent` of a member that has been alive from the start. */
const probe = (sent: number) => ({ sent, aliveSince: -1 })
const never = -Infinity

const words = ({ tcp, udpIn, udpOut }: Paths.Paths) => `out ${udpOut}, in ${udpIn}, tcp ${tcp}`

/** So many probes in a row that helpers alone got an answer to that something fails. */
const often = (paths: Paths.Paths, packetAt: number) =>
  [1000, 2000, 3000, 4000, 5000].reduce((p, sent) => Paths.relayed(p, probe(sent), packetAt), paths)

const good = Paths.acked(Paths.unknown, probe(0))

describe("the ways to a member", () => {
  it("work in both directions of UDP when it answers our ping", () => {
    assert.strictEqual(words(good), "out works, in works, tcp unknown")
    assert.strictEqual(words(Paths.streamAnswered(good)), "out works, in works, tcp works")
    assert.strictEqual(words(Paths.streamAnswered(Paths.unknown)), "out unknown, in unknown, tcp works")
  })

  it("are the same values while nothing changes, so that a member in good standing costs nothing", () => {
    const whole = Paths.streamAnswered(good)
    for (const paths of [good, whole]) assert.strictEqual(Paths.acked(paths, probe(5000)), paths)
    assert.strictEqual(Paths.streamAnswered(whole), whole)
    assert.strictEqual(Paths.acked(Paths.unknown, probe(7)), good)
    assert.strictEqual(Paths.acked(Paths.relayed(good, probe(1), never), probe(2)), good)
  })

  it("do not fail by four probes in a row that only helpers got an answer to", () => {
    const four = [1000, 2000, 3000, 4000].reduce((paths, sent) => Paths.relayed(paths, probe(sent), never), good)
    assert.isFalse(Paths.isImpaired(four))
    assert.isTrue(Paths.isImpaired(Paths.relayed(four, probe(5000), never)))
  })

  it("fail outwards where its packets come and our pings are not answered", () => {
    assert.strictEqual(words(often(good, 1500)), "out fails, in works, tcp unknown")
  })

  it("fail inwards where nothing comes, which hides whether our packets arrive", () => {
    assert.strictEqual(words(often(good, 900)), "out unknown, in fails, tcp unknown")
  })

  it("fail in UDP after two probes where our pings and those of three helpers are lost, and TCP works", () => {
    const once = Paths.tcpOnly(good, probe(1000), 3, never)
    assert.strictEqual(words(once), "out works, in works, tcp works")
    assert.strictEqual(words(Paths.tcpOnly(once, probe(2000), 3, never)), "out fails, in unknown, tcp works")
    assert.strictEqual(words(Paths.tcpOnly(once, probe(2000), 3, 1100)), "out fails, in works, tcp works")
  })

  it("fail in UDP after five probes where there are no helpers, and inwards too if nothing came since", () => {
    let paths = good
    for (const sent of [1000, 2000, 3000, 4000]) paths = Paths.tcpOnly(paths, probe(sent), 0, never)
    assert.isFalse(Paths.isImpaired(paths))
    assert.strictEqual(words(Paths.tcpOnly(paths, probe(5000), 0, never)), "out fails, in fails, tcp works")
  })

  it("work again with the first direct answer", () => {
    assert.strictEqual(words(Paths.acked(often(good, never), probe(6000))), "out works, in works, tcp unknown")
  })

  it("fail in TCP when a stream failed and the member, there all the time, answers a later ping", () => {
    const failed = Paths.streamFailed(Paths.streamAnswered(good), 1000)
    assert.strictEqual(failed.tcp, "works")
    // this ping began before the stream failed: the member may have gone since
    assert.strictEqual(Paths.acked(failed, probe(900)).tcp, "works")
    assert.strictEqual(Paths.acked(Paths.acked(failed, probe(900)), probe(1100)).tcp, "fails")
    assert.strictEqual(Paths.relayed(failed, probe(1100), never).tcp, "fails")
    assert.strictEqual(words(Paths.streamAnswered(Paths.acked(failed, probe(1100)))), "out works, in works, tcp works")
  })

  it("do not fail in TCP where the member was down when the stream failed, and came back since", () => {
    const failed = Paths.streamFailed(good, 1000)
    const paths = Paths.acked(failed, { sent: 3000, aliveSince: 2000 })
    assert.strictEqual(paths.tcp, "unknown")
    assert.strictEqual(Paths.acked(paths, probe(4000)).tcp, "unknown")
  })

  const Event = Schema.Struct({
    kind: Schema.Literals(["acked", "relayed", "tcpOnly", "streamAnswered", "streamFailed"]),
    passes: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5000 })),
    packet: Schema.Boolean,
    helpers: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))
  })

  const after = (paths: Paths.Paths, event: typeof Event.Type, now: number): Paths.Paths => {
    const packetAt = event.packet ? now : never
    switch (event.kind) {
      case "acked":
        return Paths.acked(paths, probe(now))
      case "relayed":
        return Paths.relayed(paths, probe(now), packetAt)
      case "tcpOnly":
        return Paths.tcpOnly(paths, probe(now), event.helpers, packetAt)
      case "streamAnswered":
        return Paths.streamAnswered(paths)
      case "streamFailed":
        return Paths.streamFailed(paths, now)
    }
  }

  it.prop(
    "show a direct answer and a stream at once, and fail only after as many signs as it takes, whatever happens",
    [Arbitrary.array(Arbitrary.schema(Event), { maxLength: 40 })],
    ([events]) => {
      let paths = Paths.unknown
      let now = 0
      let unanswered = 0
      let streamFailed = false
      for (const event of events) {
        now += event.passes
        paths = after(paths, event, now)
        if (event.kind === "acked") unanswered = 0
        if (event.kind === "relayed") unanswered += 1
        if (event.kind === "tcpOnly") unanswered += 1 + event.helpers
        if (event.kind === "streamFailed") streamFailed = true
        if (event.kind === "streamAnswered" || event.kind === "tcpOnly") {
          streamFailed = false
          assert.strictEqual(paths.tcp, "works")
        }
        if (event.kind === "acked") assert.deepStrictEqual([paths.udpOut, paths.udpIn], ["works", "works"])
        const udpFails = paths.udpOut === "fails" || paths.udpIn === "fails"
        if (unanswered < Paths.CERTAIN) assert.isFalse(udpFails)
        if (!streamFailed) assert.notStrictEqual(paths.tcp, "fails")
        assert.strictEqual(Paths.isImpaired(paths), udpFails || paths.tcp === "fails")
      }
    },
    { arbitrary: { runs: 300, size: 40 } }
  )

  it("keep whether we are listed through acks and streams, and are the same values while nothing changes", () => {
    const listed = Paths.told(Paths.streamAnswered(good), true)
    assert.strictEqual(listed.listed, "yes")
    assert.strictEqual(Paths.told(listed, true), listed)
    assert.strictEqual(Paths.acked(listed, probe(5000)), listed)
    assert.strictEqual(Paths.streamAnswered(listed), listed)
    const not = Paths.told(listed, false)
    assert.isTrue(Paths.isImpaired(not))
    assert.isFalse(Paths.isAlike(listed, not))
    assert.strictEqual(Paths.acked(Paths.relayed(not, probe(6000), never), probe(7000)), not)
    assert.strictEqual(Paths.told(often(good, 900), false).listed, "no")
    assert.strictEqual(Paths.told(Paths.streamAnswered(Paths.told(good, true)), false), not)
  })
})
