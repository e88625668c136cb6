/** Joining, agreeing, changing, leaving and failing, seen from both sides. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { agree, change, complaints, gone, patient, scenario, sees, told, unconfirmed } from "./Lab.ts"
import { until } from "./Peer.ts"
import { base64, text } from "./Protocol.ts"

describe("membership", () => {
  scenario(
    "we join a Go node: both lists agree on names, addresses, metadata and versions",
    (lab) =>
      Effect.gen(function*() {
        const go = yield* lab.go()
        const us = yield* lab.us()
        assert.strictEqual(yield* us.join(go.address), 1)
        yield* agree(us, go)
        yield* change(us, "joined", go.name)
        yield* change(go, "joined", us.name)
        assert.deepStrictEqual(complaints(go), [])
        assert.deepStrictEqual(complaints(us), [])
      })
  )

  scenario(
    "a Go node joins us: both lists agree on names, addresses, metadata and versions",
    (lab) =>
      Effect.gen(function*() {
        const go = yield* lab.go()
        const us = yield* lab.us()
        assert.strictEqual(yield* go.join(us.address), 1)
        yield* agree(us, go)
        yield* change(us, "joined", go.name)
        yield* change(go, "joined", us.name)
        assert.deepStrictEqual(complaints(go), [])
        assert.deepStrictEqual(complaints(us), [])
      })
  )

  scenario(
    "five nodes, three of them Go, form one cluster through us, and nobody is suspected over six probes",
    (lab) =>
      Effect.gen(function*() {
        const probing = { ...patient, ackPayload: base64("here") }
        const ours = yield* Effect.all([lab.us(probing), lab.us(probing)], { concurrency: 2 })
        const theirs = yield* Effect.all([lab.go(probing), lab.go(probing), lab.go(probing)])
        const peers = [...ours, ...theirs]
        for (const peer of peers.slice(1)) yield* peer.join(ours[0].address)
        yield* agree(...peers)
        for (const peer of peers) {
          let probes = 0
          yield* peer.event("six answered probes", (event) => event.event === "pingComplete" && ++probes === 6)
        }
        for (const peer of peers) {
          assert.strictEqual(yield* peer.health, 0)
          for (const other of peers) assert.isFalse(told(peer, "failed", other.name))
        }
      })
  )

  scenario(
    "a Go node bound to 0.0.0.0 is accepted, and its 16-byte address is passed on unchanged",
    (lab) =>
      Effect.gen(function*() {
        const wide = yield* lab.go({ name: "wide", bindAddress: "0.0.0.0", wideAddress: true })
        const us = yield* lab.us()
        const late = yield* lab.go({ name: "late" })
        yield* wide.join(us.address)
        yield* late.join(us.address)
        yield* agree(us, wide, late)
        const seen = yield* sees(late, "wide", "alive", (member) => member.state === "alive")
        assert.strictEqual(seen.addr, "00000000000000000000ffff7f000001")
        // Another form of the same address would be a name conflict as soon as wide speaks for itself.
        yield* wide.updateMeta(base64("wide speaks"))
        yield* change(late, "updated", "wide")
        yield* change(us, "updated", "wide")
        for (const peer of [us, wide, late]) assert.isFalse(peer.events.some((event) => event.event === "conflict"))
      })
  )

  scenario("a metadata update of ours reaches Go, and one of Go's reaches us", (lab) =>
    Effect.gen(function*() {
      const go = yield* lab.go()
      const us = yield* lab.us()
      yield* us.join(go.address)
      yield* agree(us, go)
      yield* us.updateMeta(base64("ours, second edition"))
      yield* change(go, "updated", us.name)
      yield* go.updateMeta(base64("theirs, second edition"))
      yield* change(us, "updated", go.name)
      yield* agree(us, go)
      const seenByGo = yield* sees(go, us.name, "alive", (member) => member.state === "alive")
      assert.strictEqual(text(seenByGo.meta), "ours, second edition")
      assert.isAtLeast(seenByGo.incarnation, 2)
      const seenByUs = yield* sees(us, go.name, "alive", (member) => member.state === "alive")
      assert.strictEqual(text(seenByUs.meta), "theirs, second edition")
      assert.isAtLeast(seenByUs.incarnation, 2)
    }))

  scenario("metadata of 512 arbitrary bytes is carried whole, both ways", (lab) =>
    Effect.gen(function*() {
      const bytes = Buffer.from(Uint8Array.from({ length: 512 }, (_, i) => (i * 7) & 0xff))
      const go = yield* lab.go({ meta: bytes.toString("base64") })
      const us = yield* lab.us({ meta: Buffer.from(bytes.toReversed()).toString("base64") })
      yield* us.join(go.address)
      yield* agree(us, go)
    }))

  scenario("we leave: Go sees us left, not failed", (lab) =>
    Effect.gen(function*() {
      const go = yield* lab.go()
      const us = yield* lab.us()
      yield* us.join(go.address)
      yield* agree(us, go)
      yield* us.leave
      yield* change(go, "left", us.name)
      yield* us.kill
      const entry = yield* sees(go, us.name, "left", (member) => member.state === "left")
      assert.strictEqual(entry.state, "left")
      assert.isFalse(told(go, "failed", us.name))
    }))

  scenario("a Go node leaves: we see it left, not failed", (lab) =>
    Effect.gen(function*() {
      const go = yield* lab.go()
      const us = yield* lab.us()
      yield* us.join(go.address)
      yield* agree(us, go)
      yield* go.leave
      yield* change(us, "left", go.name)
      yield* go.kill
      assert.isFalse(told(us, "failed", go.name))
      assert.isFalse((yield* us.members).some((member) => member.name === go.name && member.state === "alive"))
    }))

  scenario("we shut down with a farewell: Go sees us left, not failed", (lab) =>
    Effect.gen(function*() {
      const go = yield* lab.go()
      const us = yield* lab.us()
      yield* us.join(go.address)
      yield* agree(us, go)
      // The reference's Shutdown alone is silent; the end of our layer's scope says goodbye first.
      if (us.kind === "go") yield* us.leave
      yield* us.call("shutdown")
      yield* change(go, "left", us.name)
      assert.isFalse(told(go, "failed", us.name))
    }))

  scenario(
    "a name that left is free again: we return from another port, and so does a Go node",
    (lab) =>
      Effect.gen(function*() {
        const anchorGo = yield* lab.go({ name: "anchor-go" })
        const anchorUs = yield* lab.us({ name: "anchor-us" })
        yield* anchorUs.join(anchorGo.address)
        for (const [start, anchor] of [[lab.us, anchorGo], [lab.go, anchorUs]] as const) {
          const first = yield* start({ name: "returner" })
          yield* first.join(anchor.address)
          yield* agree(first, anchorGo, anchorUs)
          yield* first.leave
          yield* first.kill
          yield* sees(anchorGo, "returner", "left", (member) => member.state === "left")
          yield* gone(anchorUs, "returner")
          const second = yield* start({ name: "returner", meta: base64("returned") })
          assert.notStrictEqual(second.port, first.port)
          yield* second.join(anchor.address)
          yield* agree(second, anchorGo, anchorUs)
          yield* second.leave
          yield* second.kill
          yield* sees(anchorGo, "returner", "left", (member) => member.state === "left")
          yield* gone(anchorUs, "returner")
        }
      })
  )
})

describe("failure detection", () => {
  scenario("we are killed: Go suspects us and declares us failed", (lab) =>
    Effect.gen(function*() {
      const go = yield* lab.go()
      const us = yield* lab.us()
      yield* us.join(go.address)
      yield* agree(us, go)
      yield* us.kill
      yield* change(go, "failed", us.name)
      yield* sees(go, us.name, "dead", (member) => member.state === "dead")
      assert.isFalse(told(go, "left", us.name))
    }))

  scenario("a Go node is killed: we suspect it and declare it failed", (lab) =>
    Effect.gen(function*() {
      const go = yield* lab.go()
      const us = yield* lab.us()
      yield* us.join(go.address)
      yield* agree(us, go)
      yield* go.kill
      if (us.kind === "ts") yield* change(us, "suspected", go.name)
      yield* change(us, "failed", go.name)
      assert.isFalse(told(us, "left", go.name))
    }))

  scenario(
    "in a mixed cluster everybody learns who was killed, and the rest stay alive",
    (lab) =>
      Effect.gen(function*() {
        const [us1, us2] = yield* Effect.all([lab.us(unconfirmed), lab.us(unconfirmed)], { concurrency: 2 })
        const [go1, go2] = yield* Effect.all([lab.go(unconfirmed), lab.go(unconfirmed)])
        for (const peer of [us2, go1, go2]) yield* peer.join(us1.address)
        yield* agree(us1, us2, go1, go2)
        yield* Effect.all([us2.kill, go2.kill], { concurrency: 2 })
        for (const survivor of [us1, go1]) {
          for (const victim of [us2, go2]) yield* change(survivor, "failed", victim.name)
        }
        yield* agree(us1, go1)
      })
  )

  scenario(
    "our suspicion and Go's confirm each other, so that a third is declared failed long before the longest wait",
    (lab) =>
      Effect.gen(function*() {
        // Three nodes: one confirmation shortens the wait from 18 to 3 seconds.
        const [us, go, victim] = yield* Effect.all([
          lab.us(patient),
          lab.go(patient),
          lab.go({ ...patient, name: "victim" })
        ])
        yield* go.join(us.address)
        yield* victim.join(us.address)
        yield* agree(us, go, victim)
        yield* victim.kill
        yield* change(us, "failed", "victim")
        yield* change(go, "failed", "victim")
      })
  )

  for (const kind of ["suspect", "dead"] as const) {
    scenario(`we refute when Go is told that we are ${kind}`, (lab) =>
      Effect.gen(function*() {
        const go = yield* lab.go()
        const us = yield* lab.us()
        yield* us.join(go.address)
        yield* agree(us, go)
        yield* go.call("accuse", { kind, to: go.address, node: us.name, from: "slanderer", incarnation: 1 })
        yield* sees(go, us.name, "alive again", (member) => member.state === "alive" && member.incarnation > 1)
        assert.strictEqual(told(go, "failed", us.name), kind === "dead")
        yield* agree(us, go)
      }))

    scenario(`a Go node refutes when we are told that it is ${kind}`, (lab) =>
      Effect.gen(function*() {
        const go = yield* lab.go()
        const us = yield* lab.us()
        yield* us.join(go.address)
        yield* agree(us, go)
        yield* go.call("accuse", { kind, to: us.address, node: go.name, from: "slanderer", incarnation: 1 })
        yield* sees(us, go.name, "alive again", (member) => member.state === "alive" && member.incarnation > 1)
        if (us.kind === "ts" && kind === "suspect") {
          yield* change(us, "suspected", go.name)
          yield* change(us, "recovered", go.name)
        }
        assert.strictEqual(told(us, "failed", go.name), kind === "dead")
        yield* agree(us, go)
      }))

    scenario(
      `we refute when we ourselves are told that we are ${kind}, and Go adopts the new incarnation`,
      (lab) =>
        Effect.gen(function*() {
          const go = yield* lab.go()
          const us = yield* lab.us()
          yield* us.join(go.address)
          yield* agree(us, go)
          yield* go.call("accuse", { kind, to: us.address, node: us.name, from: "slanderer", incarnation: 41 })
          yield* sees(go, us.name, "alive above 41", (member) => member.state === "alive" && member.incarnation === 42)
          assert.isFalse(told(go, "failed", us.name))
        })
    )
  }

  scenario(
    "killed and restarted at once at the same address, we are taken back by Go above our old incarnation",
    (lab) =>
      Effect.gen(function*() {
        const go = yield* lab.go()
        const first = yield* lab.us({ name: "phoenix" })
        yield* first.join(go.address)
        yield* first.updateMeta(base64("before"))
        yield* change(go, "updated", "phoenix")
        yield* first.kill
        const second = yield* lab.us({ name: "phoenix", bindPort: first.port, meta: base64("after") })
        yield* second.join(go.address)
        yield* agree(second, go)
        const entry = yield* sees(go, "phoenix", "alive", (member) => member.state === "alive")
        assert.strictEqual(text(entry.meta), "after")
        assert.isAbove(entry.incarnation, 2)
      })
  )

  scenario(
    "killed and restarted at once at the same address, a Go node is taken back by us",
    (lab) =>
      Effect.gen(function*() {
        const us = yield* lab.us()
        const first = yield* lab.go({ name: "phoenix" })
        yield* first.join(us.address)
        yield* first.updateMeta(base64("before"))
        yield* change(us, "updated", "phoenix")
        yield* first.kill
        const second = yield* lab.go({ name: "phoenix", bindPort: first.port, meta: base64("after") })
        yield* second.join(us.address)
        yield* agree(second, us)
        const entry = yield* sees(us, "phoenix", "alive", (member) => member.state === "alive")
        assert.strictEqual(text(entry.meta), "after")
        assert.isAbove(entry.incarnation, 2)
      })
  )

  scenario(
    "Go nodes that veto us in silence, as Serf's delegates do, leave us out, and we find that out",
    (lab) =>
      Effect.gen(function*() {
        const quick = { ...patient, pushPullIntervalMs: 500 }
        const first = yield* lab.go({ ...quick, refuses: ["guest"] })
        const second = yield* lab.go({ ...quick, refuses: ["guest"] })
        yield* second.join(first.address)
        const us = yield* lab.us({ ...quick, name: "guest" })
        // the veto stays in Go's log
        assert.strictEqual(yield* us.join(first.address), 1)
        for (const go of [first, second]) {
          yield* sees(us, go.name, "alive", (member) => member.state === "alive")
          assert.isFalse((yield* go.members).some(({ name }) => name === "guest"))
          if (us.kind === "go") continue
          yield* until(
            `we know that ${go.name} does not list us`,
            us.call("reachability", { of: go.name }),
            (answer) => JSON.stringify(answer).includes("\"listed\":\"no\""),
            "30 seconds"
          )
        }
      })
  )
})
