/** User messages, ack payloads and pings, both ways. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import {
  agree,
  askAll,
  change,
  complaints,
  deliver,
  kilobyte,
  type Lab,
  logged,
  megabyte,
  pair,
  patient,
  scenario,
  sees,
  told,
  unconfirmed
} from "./Lab.ts"
import { type Peer, until } from "./Peer.ts"
import { base64, type PeerEvent, text } from "./Protocol.ts"

const payloads = [
  { what: "a short text", reliable: false, data: base64("hello over there") },
  {
    what: "1,200 bytes of text that compresses",
    reliable: false,
    generate: { size: 1200, repeat: "round and round " }
  },
  { what: "1,300 bytes of noise", reliable: false, generate: { size: 1300, seed: 7 } },
  { what: "a short text", reliable: true, data: base64("hello over there") },
  { what: "64 KiB of text that compresses", reliable: true, generate: { size: 64 * kilobyte, repeat: "again, " } },
  { what: "1 MiB of noise", reliable: true, generate: { size: megabyte, seed: 11 } },
  {
    what: "1 MiB of text that compresses",
    reliable: true,
    generate: { size: megabyte, repeat: "all work and no play " }
  },
  { what: "8 MiB of noise", reliable: true, generate: { size: 8 * megabyte, seed: 13 } }
]

const probesAnswered = Effect.fnUntraced(function*(prober: Peer, name: string, times: number) {
  let before = prober.events.length
  const isNew = (event: PeerEvent) =>
    event.event === "pingComplete" && event.name === name && prober.events.indexOf(event) >= before
  for (let i = 0; i < times; i++) {
    yield* prober.event(`${name} answers a probe`, isNew)
    before = prober.events.length
  }
})

/** One of ours and two of Go's, unable to help themselves over TCP. */
const trio = Effect.fnUntraced(function*(lab: Lab) {
  const options = { ...patient, ...askAll, disableTcpPings: true, ackPayload: base64("here") }
  const us = yield* lab.us(options)
  const near = yield* lab.go({ ...options, name: "near" })
  const far = yield* lab.go({ ...options, name: "far" })
  yield* near.join(us.address)
  yield* far.join(us.address)
  yield* agree(us, near, far)
  return [us, near, far] as const
})

/** Nobody accused `name`: no suspicion was told or logged, and it never had to refute one. */
const unsuspected = Effect.fnUntraced(function*(name: string, ...peers: ReadonlyArray<Peer>) {
  for (const peer of peers) {
    assert.isFalse(told(peer, "suspected", name))
    assert.isFalse(told(peer, "failed", name))
    assert.isFalse(peer.logs.some((line) => line.includes(`Suspect ${name} has failed`)))
    const entry = yield* sees(peer, name, "alive", (member) => member.state === "alive")
    assert.strictEqual(entry.incarnation, 1)
  }
})

describe("user messages", () => {
  for (const { what, ...message } of payloads) {
    scenario(
      `${what}, ${message.reliable ? "reliable" : "best effort"}, arrives whole in both directions`,
      (lab) =>
        Effect.gen(function*() {
          const [us, go] = yield* pair(lab)
          yield* deliver(us, go, message)
          yield* deliver(go, us, message)
          assert.deepStrictEqual(complaints(go), [])
          assert.deepStrictEqual(complaints(us), [])
        })
    )
  }

  scenario("forty reliable messages sent at once each way all arrive, none twice", (lab) =>
    Effect.gen(function*() {
      const [us, go] = yield* pair(lab)
      const numbers = Array.from({ length: 40 }, (_, i) => i)
      for (const [from, to] of [[us, go], [go, us]] as const) {
        yield* Effect.forEach(
          numbers,
          (i) => deliver(from, to, { reliable: true, data: base64(`message ${i}`) }),
          { concurrency: "unbounded" }
        )
        const received = to.events.filter((event) => event.event === "message").map((event) => text(event.data ?? ""))
        assert.deepStrictEqual(received.toSorted(), numbers.map((i) => `message ${i}`).toSorted())
      }
    }))
})

describe("pings", () => {
  scenario("a probe of either side brings back the other's ack payload", (lab) =>
    Effect.gen(function*() {
      const [us, go] = yield* pair(lab, { us: { ackPayload: base64("ours") }, go: { ackPayload: base64("theirs") } })
      const completed = (name: string, payload: string) => (event: (typeof us.events)[number]) =>
        event.event === "pingComplete" && event.name === name && text(event.data ?? "") === payload
      yield* us.event("an ack with Go's payload", completed(go.name, "theirs"))
      yield* go.event("an ack with our payload", completed(us.name, "ours"))
      assert.isFalse(us.events.some((event) => event.event === "pingComplete" && event.data !== base64("theirs")))
      assert.isFalse(go.events.some((event) => event.event === "pingComplete" && event.data !== base64("ours")))
    }))

  scenario("an explicit ping is answered in both directions", (lab) =>
    Effect.gen(function*() {
      const [us, go] = yield* pair(lab)
      const micros = yield* us.ping(go.name)
      // The reference starts its clock after sending, so only its answer counts: the time may be negative.
      if (us.kind === "ts") assert.isAbove(micros, 0)
      yield* go.ping(us.name)
    }))

  scenario("our nacks keep a Go node's health whole while a member it probes is dead", (lab) =>
    Effect.gen(function*() {
      // Nobody listens at the injected member, and we are the only one Go can ask to try. Without our nack each of its
      // probes would cost Go a point of health until the next good one.
      const [us, go] = yield* pair(lab, { us: { ...askAll, ...unconfirmed }, go: { ...askAll, ...unconfirmed } })
      yield* go.call("inject", { to: go.address, count: 1 })
      const scores: Array<number> = []
      yield* until(
        "the injected member fails",
        Effect.tap(go.health, (score) => Effect.sync(() => void scores.push(score))),
        () => told(go, "failed", "fake-0000")
      )
      assert.deepStrictEqual(scores.filter((score) => score !== 0), [])
      yield* change(us, "failed", "fake-0000")
    }))

  scenario(
    "we relay: a Go node whose packets to another Go node are lost reaches it through us",
    (lab) =>
      Effect.gen(function*() {
        const [us, near, far] = yield* trio(lab)
        yield* near.call("lose", { addrs: [far.address] })
        yield* logged(near, "Failed UDP ping: far", 2)
        yield* probesAnswered(near, us.name, 2)
        yield* unsuspected("far", us, near, far)
      })
  )

  scenario(
    "Go relays for us: a Go node whose acks to us are lost is reached through another",
    (lab) =>
      Effect.gen(function*() {
        const [us, near, far] = yield* trio(lab)
        yield* far.call("lose", { addrs: [us.address] })
        // Probes take turns: between four answers of near there were three probes of far.
        yield* probesAnswered(us, "near", 4)
        yield* unsuspected("far", us, near, far)
      })
  )

  scenario(
    "a member whose packets are all lost stays alive over TCP, Go in our list and we in Go's",
    (lab) =>
      Effect.gen(function*() {
        const [us, go] = yield* pair(lab, { us: patient, go: patient })
        yield* go.call("lose", { addrs: [us.address] })
        // A probe that TCP does not save becomes a suspicion at once.
        yield* logged(go, `Was able to connect to ${us.name} over TCP but UDP probes failed`, 3)
        yield* agree(us, go)
        for (const peer of [us, go]) yield* unsuspected(peer.name, us, go)
      })
  )
})
