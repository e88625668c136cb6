/** Every way of wrapping the bytes, in both join directions, and what must be refused. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { agree, alone, complaints, deliver, pair, scenario, sees, type Side, talk } from "./Lab.ts"
import type { Peer, PeerError } from "./Peer.ts"
import { base64, type StartOptions } from "./Protocol.ts"

const key = (fill: number, bytes: 16 | 24 | 32 = 32): string => Buffer.alloc(bytes, fill).toString("base64")

const wrappings: Record<string, Partial<StartOptions>> = {
  plain: { compression: false },
  compressed: { compression: true },
  encrypted: { compression: false, secretKey: key(1) },
  "encrypted and compressed": { compression: true, secretKey: key(2, 16) },
  labelled: { compression: false, label: "blue" },
  "labelled and encrypted": { compression: false, label: "blue", secretKey: key(3, 24) },
  "labelled, encrypted and compressed": { compression: true, label: "a label with spaces, ü and 😀", secretKey: key(4) }
}

const join = (joiner: Side, us: Peer, go: Peer): Effect.Effect<number, PeerError> =>
  joiner === "us" ? us.join(go.address) : go.join(us.address)

const directions = { us: "we join Go", go: "Go joins us" } as const

describe("wrappings", () => {
  for (const [name, options] of Object.entries(wrappings)) {
    for (const joiner of ["us", "go"] as const) {
      scenario(
        `${name}: ${directions[joiner]}, and everything is understood both ways`,
        (lab) =>
          Effect.gen(function*() {
            const [us, go] = yield* pair(lab, { us: options, go: options, joiner })
            yield* talk(us, go)
          })
      )
    }
  }

  scenario("compression may differ: each side understands the other's", (lab) =>
    Effect.gen(function*() {
      for (const compression of [true, false]) {
        const [us, go] = yield* pair(lab, { us: { compression }, go: { compression: !compression } })
        yield* talk(us, go)
      }
    }))

  // A node of protocol version 1 takes every announced port for its own, so both sides must have the same one: the
  // second node binds the first one's port at another loopback address.
  for (const secretKey of [undefined, key(5)]) {
    const how = secretKey === undefined ? "plain" : "encrypted in version 0"
    scenario(`a Go node of protocol version 1, ${how}, is a full member`, (lab) =>
      Effect.gen(function*() {
        const keyed = secretKey === undefined ? {} : { secretKey }
        const go = yield* lab.go({ ...keyed, protocolVersion: 1 })
        const us = yield* lab.us({ ...keyed, bindAddress: "127.0.0.2", bindPort: go.port })
        yield* us.join(go.address)
        yield* talk(us, go)
        const seen = yield* sees(us, go.name, "alive", (member) => member.state === "alive")
        assert.strictEqual(seen.versions[2], 1)
      }))

    scenario(`we speak protocol version 1, ${how}, to a Go node of today`, (lab) =>
      Effect.gen(function*() {
        const keyed = secretKey === undefined ? {} : { secretKey }
        const go = yield* lab.go(keyed)
        const us = yield* lab.us({ ...keyed, protocolVersion: 1, bindAddress: "127.0.0.2", bindPort: go.port })
        yield* us.join(go.address)
        yield* talk(us, go)
        const seen = yield* sees(go, us.name, "alive", (member) => member.state === "alive")
        assert.strictEqual(seen.versions[2], 1)
      }))
  }
})

describe("key rotation", () => {
  scenario(
    "a new key is added, used and the old one removed on a running cluster, which keeps talking throughout",
    (lab) =>
      Effect.gen(function*() {
        const [before, after] = [key(6), key(7, 16)]
        const [us, go] = yield* pair(lab, { us: { secretKey: before }, go: { secretKey: before } })
        const say = Effect.fnUntraced(function*(stage: string) {
          for (const [from, to] of [[us, go], [go, us]] as const) {
            for (const reliable of [false, true]) {
              yield* deliver(from, to, { reliable, data: base64(`${from.name} ${stage} ${reliable}`) })
            }
            yield* from.ping(to.name)
          }
        })
        yield* say("before")
        yield* us.keys("add", after)
        yield* go.keys("add", after)
        yield* say("with both keys")
        yield* us.keys("use", after)
        yield* say("we use the new key, Go the old one")
        yield* go.keys("use", after)
        yield* say("both use the new key")
        yield* us.keys("remove", before)
        yield* go.keys("remove", before)
        yield* say("the old key is gone")
        const late = yield* lab.go({ name: "late", secretKey: after })
        yield* late.join(us.address)
        yield* agree(us, go, late)
        assert.deepStrictEqual(complaints(go), [])
        assert.deepStrictEqual(complaints(us), [])
      })
  )
})

describe("refusals", () => {
  const strangers: ReadonlyArray<
    readonly [what: string, us: Partial<StartOptions>, go: Partial<StartOptions>]
  > = [
    ["another key", { secretKey: key(8) }, { secretKey: key(9) }],
    ["a key where the other has none", { secretKey: key(8) }, {}],
    ["no key where the other has one", {}, { secretKey: key(9) }],
    ["another label", { label: "blue" }, { label: "green" }],
    ["a label where the other has none", { label: "blue" }, {}],
    ["no label where the other has one", {}, { label: "green" }],
    ["another label and the same key", { label: "blue", secretKey: key(8) }, { label: "green", secretKey: key(8) }]
  ]

  for (const [what, ours, theirs] of strangers) {
    for (const joiner of ["us", "go"] as const) {
      scenario(
        `we have ${what}: ${directions[joiner]} is refused, and neither list changes`,
        (lab) =>
          Effect.gen(function*() {
            const started = Effect.all([
              lab.us(ours),
              lab.go(theirs),
              lab.go({ ...ours, name: "our-friend" }),
              lab.us({ ...theirs, name: "their-friend" })
            ], { concurrency: "unbounded" })
            const [us, go, ourFriend, theirFriend] = yield* started
            const refusal = yield* Effect.result(join(joiner, us, go))
            const error = Result.isFailure(refusal) ? refusal.failure : undefined
            assert.strictEqual(error?._tag, "PeerRefused")
            if (error?._tag === "PeerRefused" && joiner === "us" && us.kind === "ts") {
              assert.strictEqual(error.tag, "JoinFailed")
              assert.deepStrictEqual(error.causes, ["ExchangeRejected"])
            }
            // A member of the right kind still gets in on either side, and its exchange brings nobody else along.
            yield* ourFriend.join(us.address)
            yield* theirFriend.join(go.address)
            yield* agree(us, ourFriend)
            yield* agree(go, theirFriend)
            for (const peer of [us, ourFriend]) yield* alone(peer, us, ourFriend)
            for (const peer of [go, theirFriend]) yield* alone(peer, go, theirFriend)
          })
      )
    }
  }

  scenario(
    "an impostor with our name at another address is a conflict for Go, and does not displace us",
    (lab) =>
      Effect.gen(function*() {
        const [us, go] = yield* pair(lab)
        const impostor = yield* lab.go({ name: us.name, meta: base64("impostor") })
        yield* impostor.join(go.address)
        yield* go.event("the conflict", (event) => event.event === "conflict" && event.name === us.name)
        const entry = yield* sees(go, us.name, "alive", (member) => member.state === "alive")
        assert.strictEqual(entry.port, us.port)
      })
  )
})
