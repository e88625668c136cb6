/** Clusters with members and messages that one side of the mixture would not make itself. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { agree, askAll, change, gone, type Lab, logged, patient, scenario, sees, told } from "./Lab.ts"
import { type Peer, type PeerError, until } from "./Peer.ts"

/** "café" as another encoding has it, which is not UTF-8. */
const rawName = Buffer.from("caf\xe9", "latin1").toString("base64")
/** Another accuser of that kind. */
const otherRawName = Buffer.from("caf\xe8", "latin1").toString("base64")

const names = (peer: Peer): Effect.Effect<ReadonlyArray<string>, PeerError> =>
  Effect.map(peer.members, (members) => members.map(({ name }) => name).sort())

/** What ours counted of this kind; nothing where a Go node takes our place. */
const counted = (peer: Peer, prefix: string): Effect.Effect<ReadonlyArray<readonly [string, number]>, PeerError> =>
  peer.kind === "go"
    ? Effect.succeed([])
    : Effect.map(
      peer.call("counters"),
      (counters) =>
        Object.entries(counters as Readonly<Record<string, number>>).filter(([name]) => name.startsWith(prefix))
    )

/** A Go member of a strange name, another Go member, and us, joined through the strange one. */
const withStrange = Effect.fnUntraced(function*(lab: Lab, options: Parameters<Lab["go"]>[0] = patient, name = rawName) {
  const strange = yield* lab.go({ ...options, rawName: name })
  const go = yield* lab.go(options)
  const us = yield* lab.us(options)
  yield* go.join(strange.address)
  assert.strictEqual(yield* us.join(strange.address), 1)
  for (const [peer, other] of [[strange, us], [go, us], [us, go], [strange, go]] as const) {
    yield* sees(peer, other.name, "alive", ({ state }) => state === "alive")
  }
  return { strange, go, us }
})

/** Asserts that nobody accused us: our incarnation is still the first. */
const unaccused = Effect.fnUntraced(function*(us: Peer, ...peers: ReadonlyArray<Peer>) {
  for (const peer of peers) {
    const { incarnation } = yield* sees(peer, us.name, "alive", ({ state }) => state === "alive")
    assert.strictEqual(incarnation, 1)
    assert.isFalse(told(peer, "failed", us.name))
  }
})

describe("strange names", () => {
  for (
    const [what, name, reason] of [
      ["is not UTF-8", rawName, "NameInvalid"],
      ["is longer than 512 bytes", Buffer.alloc(600, "n").toString("base64"), "NameTooLong"]
    ] as const
  ) {
    scenario(
      `a Go member whose name ${what} costs us no join and no push/pull, and keeps us in its list`,
      (lab) =>
        Effect.gen(function*() {
          const { go, strange, us } = yield* withStrange(lab, patient, name)
          assert.strictEqual(yield* us.join(strange.address, go.address), 2)
          assert.strictEqual(yield* go.join(us.address), 1)
          // six probes, and as many push/pulls of each
          yield* Effect.sleep("6 seconds")
          yield* unaccused(us, go, strange)
          if (us.kind === "ts") {
            assert.deepStrictEqual(yield* names(us), [go.name, us.name].sort())
            const [[, skipped] = ["", 0]] = yield* counted(us, `claim.ignored:${reason}`)
            assert.isAtLeast(skipped, 3)
          }
          for (const prefix of ["pushpull.failed", "packet.rejected", "stream.rejected"]) {
            assert.deepStrictEqual(yield* counted(us, prefix), [])
          }
        })
    )
  }

  scenario(
    "we answer the TCP pings of a Go member whose name is not UTF-8 and whose packets to us are lost",
    (lab) =>
      Effect.gen(function*() {
        const strange = yield* lab.go({ ...patient, rawName })
        const us = yield* lab.us(patient)
        yield* us.join(strange.address)
        yield* sees(strange, us.name, "alive", ({ state }) => state === "alive")
        yield* strange.call("lose", { addrs: [us.address] })
        yield* logged(strange, `Was able to connect to ${us.name} over TCP but UDP probes failed`, 3)
        yield* unaccused(us, strange)
      })
  )

  scenario("we relay for a Go member whose name is not UTF-8, and to it", (lab) =>
    Effect.gen(function*() {
      const { go, strange, us } = yield* withStrange(lab, { ...patient, ...askAll, disableTcpPings: true })
      yield* strange.call("lose", { addrs: [go.address] })
      yield* go.call("lose", { addrs: [strange.address] })
      yield* logged(strange, `Failed UDP ping: ${go.name}`, 2)
      yield* logged(go, "Failed UDP ping: caf", 2)
      yield* unaccused(go, strange)
      for (const peer of [go, strange]) assert.isFalse(peer.logs.some((line) => line.includes("Suspect ")))
      yield* sees(go, strange.name, "alive", ({ state }) => state === "alive")
      yield* unaccused(us, strange, go)
    }))

  scenario(
    "one datagram that announces a name that is not UTF-8 to a Go member costs us no join and no push/pull",
    (lab) =>
      Effect.gen(function*() {
        const go = yield* lab.go()
        yield* go.call("announce", { to: go.address, rawNode: rawName, vsn: [1, 5, 2, 0, 0, 0] })
        yield* until("the member is there", names(go), (all) => all.length === 2)
        const us = yield* lab.us()
        assert.strictEqual(yield* us.join(go.address), 1)
        yield* sees(us, go.name, "alive", ({ state }) => state === "alive")
        yield* sees(go, us.name, "alive", ({ state }) => state === "alive")
        yield* Effect.sleep("4 seconds")
        assert.strictEqual(yield* go.join(us.address), 1)
        assert.deepStrictEqual(yield* counted(us, "pushpull.failed"), [])
        if (us.kind === "ts") assert.deepStrictEqual(yield* names(us), [go.name, us.name].sort())
      })
  )

  scenario(
    "accused by a name that is not UTF-8 we refute, and so does a Go member when we are told",
    (lab) =>
      Effect.gen(function*() {
        const [go, us] = yield* Effect.all([lab.go(patient), lab.us(patient)])
        yield* us.join(go.address)
        yield* agree(us, go)
        yield* go.call("accuse", { kind: "suspect", to: us.address, node: us.name, rawFrom: rawName, incarnation: 1 })
        yield* sees(go, us.name, "alive again", ({ incarnation, state }) => state === "alive" && incarnation === 2)
        yield* go.call("accuse", { kind: "suspect", to: us.address, node: go.name, rawFrom: rawName, incarnation: 1 })
        yield* sees(us, go.name, "alive again", ({ incarnation, state }) => state === "alive" && incarnation === 2)
        yield* go.call("accuse", { kind: "dead", to: us.address, node: go.name, rawFrom: otherRawName, incarnation: 2 })
        yield* change(us, "failed", go.name)
        yield* sees(us, go.name, "alive again", ({ incarnation, state }) => state === "alive" && incarnation === 3)
        assert.deepStrictEqual(yield* counted(us, "packet.rejected"), [])
      })
  )
})

describe("rows without versions", () => {
  scenario(
    "a member without versions that Go stored costs us no join and no push/pull, as long as it is remembered",
    (lab) =>
      Effect.gen(function*() {
        const go = yield* lab.go()
        yield* go.call("announce", { to: go.address, node: "unversioned", vsn: [] })
        yield* until("the member is there", names(go), (all) => all.includes("unversioned"))
        const us = yield* lab.us()
        const joined = yield* Effect.result(us.join(go.address))
        // the reference itself cannot
        assert.strictEqual(Result.isSuccess(joined), us.kind === "ts")
        if (us.kind === "go") return
        yield* sees(us, go.name, "alive", ({ state }) => state === "alive")
        yield* sees(go, us.name, "alive", ({ state }) => state === "alive")
        yield* gone(go, "unversioned")
        yield* Effect.sleep("4 seconds")
        assert.include(yield* names(go), "unversioned")
        assert.strictEqual(yield* us.join(go.address), 1)
        assert.deepStrictEqual(yield* counted(us, "pushpull."), [])
        assert.deepStrictEqual(yield* names(us), [go.name, us.name].sort())
      })
  )
})

describe("Serf and Consul", () => {
  scenario(
    "with other delegate versions we are refused and told which to set, and with those we are let in",
    (lab) =>
      Effect.gen(function*() {
        const serf = yield* lab.go({ delegateProtocol: [2, 5, 4] })
        const us = yield* lab.us()
        const refused = Result.getFailure(yield* Effect.result(us.join(serf.address)))
        assert.isTrue(Option.isSome(refused))
        if (us.kind === "ts" && Option.isSome(refused) && refused.value._tag === "PeerRefused") {
          assert.deepStrictEqual(refused.value.causes, ["VersionMismatch"])
          for (
            const part of [
              `member "${serf.name}" speaks delegate protocol 4 and understands 2 to 5`,
              `member "${us.name}" understands only 0 to 0 and speaks 0`,
              `on "${us.name}" set delegateProtocolMin to 2, delegateProtocolMax to 5 and delegateProtocolVersion to 4`
            ]
          ) assert.include(refused.value.message, part)
        }
        const four = yield* lab.us({ delegateProtocol: [2, 5, 4] })
        const five = yield* lab.us({ delegateProtocol: [2, 5, 5] })
        for (const ours of [four, five]) assert.strictEqual(yield* ours.join(serf.address), 1)
        yield* agree(serf, four, five)
      })
  )
})

describe("alarms", () => {
  scenario(
    "killed, or gone with a goodbye, and started again at the same address, we do not warn of being slow",
    (lab) =>
      Effect.gen(function*() {
        const go = yield* lab.go(patient)
        const first = yield* lab.us({ ...patient, name: "phoenix" })
        yield* first.join(go.address)
        yield* agree(first, go)
        yield* first.kill
        yield* change(go, "failed", "phoenix")
        const second = yield* lab.us({ ...patient, name: "phoenix", bindPort: first.port })
        yield* second.join(go.address)
        yield* agree(second, go)
        yield* second.leave
        yield* second.kill
        yield* sees(go, "phoenix", "left", ({ state }) => state === "left")
        const third = yield* lab.us({ ...patient, name: "phoenix", bindPort: first.port })
        yield* third.join(go.address)
        yield* agree(third, go)
        if (first.kind === "go") return
        for (const peer of [second, third]) {
          yield* logged(peer, "answered what members remember of this node from before it was restarted", 1)
          assert.deepStrictEqual(peer.logs.filter((line) => /level=(WARN|ERROR)/.test(line)), [])
        }
      })
  )

  scenario(
    "Go's nacks that come when our probe is over are counted as late, and not as refused",
    (lab) =>
      Effect.gen(function*() {
        // Go nacks 200 ms after it is asked, which is 200 ms after the ping; our probe takes 300 ms.
        const us = yield* lab.us({ probeIntervalMs: 300, probeTimeoutMs: 200, suspicionMult: 8 })
        const [go, victim] = yield* Effect.all([lab.go(patient), lab.go({ ...patient, name: "victim" })])
        yield* go.join(us.address)
        yield* victim.join(us.address)
        yield* agree(us, go, victim)
        yield* victim.kill
        yield* change(us, us.kind === "ts" ? "suspected" : "failed", "victim")
        if (us.kind === "go") return
        yield* until("a nack came late", counted(us, "packet.late:nack"), ([late]) => late !== undefined)
        assert.deepStrictEqual(yield* counted(us, "packet.rejected"), [])
      })
  )
})
