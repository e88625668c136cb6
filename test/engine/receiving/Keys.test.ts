import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import * as Keys from "../../../src/engine/receiving/Keys.ts"
import { Keyring } from "../../../src/Keyring.ts"
import * as Message from "../../../src/wire/message/Message.ts"
import * as Packet from "../../../src/wire/packet/Packet.ts"
import { clusterTest, start } from "../../support/Cluster.ts"
import { fakePeer } from "../../support/FakePeer.ts"

const key = (n: number) => new Uint8Array(16).fill(n)
const [first, second, third] = [key(1), key(2), key(3)]
const ring = [first, second, third]
const peer = { ip: "10.0.0.9", port: 7946 }
const stranger = { ip: "10.0.0.8", port: 1 }

describe("the keys a packet is tried with", () => {
  it("begin with the one that opened the peer's last packet", () => {
    const keys = Keys.make()
    assert.strictEqual(keys.choose(peer, ring, 0), ring)
    keys.opened(peer, third)
    assert.deepStrictEqual(keys.choose(peer, ring, 0), [third, first, second])
    assert.strictEqual(keys.choose(stranger, ring, 0), ring)
    keys.opened(peer, first)
    assert.strictEqual(keys.choose(peer, ring, 0), ring)
  })

  it("are those of the ring, whatever is remembered", () => {
    const keys = Keys.make()
    keys.opened(peer, third)
    assert.deepStrictEqual(keys.choose(peer, ring.slice(0, 2), 0), ring.slice(0, 2))
  })

  it("are none for strangers, and one for peers, while what cannot be opened has taken its time", () => {
    const keys = Keys.make()
    keys.opened(peer, second)
    keys.failed(0, 150)
    keys.failed(0, 150)
    assert.deepStrictEqual(keys.choose(stranger, ring, 1), [])
    assert.deepStrictEqual(keys.choose(peer, ring, 1), [second])
    assert.strictEqual(keys.choose(stranger, ring, 1_000), ring)
  })

  it("are none for anybody when packets from addresses with a known key take too much time as well", () => {
    const keys = Keys.make()
    keys.opened(peer, first)
    for (let i = 0; i < 50; i++) keys.failed(0, 15)
    assert.deepStrictEqual(keys.choose(peer, ring, 1), [])
    assert.strictEqual(keys.choose(peer, ring, 2_000), ring)
  })

  it("are back a second after a pause of the whole process that fell into a failed try", () => {
    const keys = Keys.make()
    keys.failed(60_000, 60_000)
    assert.strictEqual(keys.choose(stranger, ring, 61_000), ring)
  })

  it("are remembered for a bounded number of peers", () => {
    const keys = Keys.make()
    for (let port = 1; port <= 3 * Keys.MAX_PEERS; port++) {
      keys.opened({ ip: "10.0.0.9", port }, first)
      assert.isAtMost(keys.remembered(), Keys.MAX_PEERS)
    }
  })
})

/** A clock on which everything that looks at it takes a while. */
const slow = (clock: Clock.Clock, millis: number): Clock.Clock => {
  let spent = 0n
  return {
    ...clock,
    currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe(),
    currentTimeMillis: clock.currentTimeMillis,
    currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
    currentTimeNanos: clock.currentTimeNanos,
    monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe() + (spent += BigInt(millis * 1e6)),
    monotonicTimeNanos: clock.monotonicTimeNanos,
    sleep: (duration) => clock.sleep(duration)
  }
}

describe("packets that no key opens", () => {
  clusterTest(
    "take a bounded time, and then only members are tried",
    Effect.gen(function*() {
      const clock = slow(yield* Clock.Clock, 20)
      const keyring = yield* Keyring.make({ primary: first, keys: ring.slice(1) })
      const a = yield* start("a", "10.0.0.1", { keyring, config: { probeInterval: 0, gossipInterval: 0 } }).pipe(
        Effect.provideService(Clock.Clock, clock)
      )
      const inbound = { keys: ring }
      const member = yield* fakePeer("p", "10.0.0.9", { inbound })
      const other = yield* fakePeer("q", "10.0.0.8", { inbound })
      const sealed = (nonce: number, secret: Uint8Array, seqNo: number) =>
        Packet.encode(Message.encode(member.ping(seqNo)), {
          label: new Uint8Array(),
          compress: false,
          crc: false,
          encryption: { key: secret, version: 1, nonce: new Uint8Array(12).fill(nonce) }
        })
      yield* member.sendBytes(a, sealed(1, third, 1))
      yield* TestClock.adjust("20 millis")
      for (let i = 0; i < 200; i++) yield* other.sendBytes(a, sealed(i, key(9), i))
      yield* TestClock.adjust("20 millis")
      const counters = yield* a.cluster.counters
      const untried = counters.get("packet.dropped:DecryptionTime") ?? 0
      const tried = counters.get("packet.rejected:Undecryptable") ?? 0
      assert.strictEqual(untried + tried, 200)
      // each try takes at least 20 ms by this clock, and whoever looks at it lets as much pass
      assert.isAtLeast(tried, 5)
      assert.isAtLeast(untried, 20)
      yield* member.sendBytes(a, sealed(2, third, 2))
      yield* TestClock.adjust("20 millis")
      assert.include(member.all("Ack").map(({ seqNo }) => seqNo), 2)
    })
  )
})
