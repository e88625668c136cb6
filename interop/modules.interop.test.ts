/** Topics, a replicated map and typed metadata on our nodes, beside members of Go's that know nothing of them. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { isDeepStrictEqual } from "node:util"
import { agree, complaints, deliver, type Lab, patient, scenario } from "./Lab.ts"
import { type Peer, type PeerError, until } from "./Peer.ts"
import type { ModulesView, StartOptions } from "./Protocol.ts"
import * as Subject from "./Subject.ts"

const VALUES = 100
const KEY = Buffer.from("a key of 32 bytes for the members").subarray(0, 32).toString("base64")

const bytesOf = (encoded: string): Buffer => Buffer.from(encoded, "base64")

const threeOfUs = (lab: Lab, options: Partial<StartOptions> = {}) =>
  Effect.forEach(
    [1, 2, 3],
    () => lab.us({ ...patient, meta: "", modules: { syncIntervalMs: 1_000 }, ...options }),
    { concurrency: "unbounded" }
  )

const views = (ours: ReadonlyArray<Peer>) => Effect.forEach(ours, (one) => one.modules, { concurrency: "unbounded" })

/** How often each has compared what it knows with another. */
const comparisons = (ours: ReadonlyArray<Peer>): Effect.Effect<ReadonlyArray<number>, PeerError> =>
  Effect.map(views(ours), (all) => all.map(({ counters }) => counters["frame.queued:Digest"] ?? 0))

/** What each counted of frames and values that came to nothing, by what it was. */
const troubles = (all: ReadonlyArray<ModulesView>) =>
  all.map(({ counters }) => Object.entries(counters).filter(([name]) => trouble.test(name)).toSorted())

const trouble = /^(frame\.(ignored|dropped|unsent|missed)|value\.(invalid|lost)|invalid|defect|unmarked|tree\.givenUp)/

/**
 * Waits until all know who takes part; what they counted by then. One that is not in a member's list yet can ask it
 * something already, and gets no answer (`frame.unsent:UnknownMember`).
 */
const formed = (ours: ReadonlyArray<Peer>) => {
  const names = ours.map(({ name }) => name).toSorted().join()
  return Effect.map(
    until("all see all take part", views(ours), (all) => all.every((one) => one.participants.join() === names)),
    troubles
  )
}

/**
 * Publishes from all of them, writes their map and changes their metadata meanwhile, and asserts that each gets each
 * value once, with its publisher, and that their maps are equal. Returns when each has then compared what it knows with another one twice.
 */
const work = Effect.fnUntraced(function*(ours: ReadonlyArray<Peer>) {
  const names = ours.map(({ name }) => name)
  for (let first = 0; first < VALUES; first += 20) {
    yield* Effect.forEach(ours, (one, i) => {
      const numbers = Array.from({ length: 20 }, (_, k) => first + k).filter((number) => number % ours.length === i)
      return Effect.andThen(one.call("publish", { numbers }), one.call("setSlots", { slots: first + i }))
    }, { concurrency: "unbounded" })
  }
  const places = Object.fromEntries(
    Array.from({ length: VALUES }, (_, number) => [String(number), number] as const).filter(([, number]) =>
      number % 10 > 0
    )
  )
  const slots = Object.fromEntries(ours.map(({ name }, i) => [name, VALUES - 20 + i]))
  yield* until(
    "all have all values, the whole map, and all metadata",
    views(ours),
    (all) =>
      all.every((one) =>
        one.received.length >= VALUES && isDeepStrictEqual(one.places, places)
        && names.every((name) => one.slots[name] === slots[name])
      )
  )
  const before = yield* comparisons(ours)
  yield* until("all compare twice", comparisons(ours), (now) => now.every((count, i) => count >= (before[i] ?? 0) + 2))
  const expected = Array.from({ length: VALUES }, (_, number) => `${number} of ${ours[number % ours.length]?.name}`)
  for (const { received, slots: seen } of yield* views(ours)) {
    assert.deepStrictEqual(
      received.toSorted((a, b) => a.number - b.number).map(({ from, number }) => `${number} of ${from}`),
      expected
    )
    assert.deepStrictEqual(seen, slots)
  }
})

/** Asserts that since then nothing of the topic was ignored, dropped, unsent or wrong, and nobody complained. */
const untroubled = Effect.fnUntraced(function*(ours: ReadonlyArray<Peer>, before: ReturnType<typeof troubles>) {
  const all = yield* views(ours)
  assert.deepStrictEqual(troubles(all), before)
  assert.deepStrictEqual(all.map(({ counters }) => counters["value.received"]), ours.map(() => VALUES))
  assert.deepStrictEqual(ours.flatMap(complaints), [])
})

/** Whether this member was told of a message that has these bytes in it. */
const tells = (part: Buffer) => (peer: Peer) =>
  peer.event(
    "the message",
    (event) => event.event === "message" && event.data !== undefined && bytesOf(event.data).includes(part)
  )

// a Go node in our place has no topics
describe.skipIf(Subject.subject === "go")("topics, maps and typed metadata", () => {
  for (
    const [kind, goes, options] of [
      ["Go members", (lab: Lab) => lab.go, {}],
      ["Go members with a key and a label", (lab: Lab) => lab.go, { secretKey: KEY, label: "blue" }],
      ["Go members of 2022", (lab: Lab) => lab.oldGo, {}]
    ] as const
  ) {
    scenario(
      `${kind} get no user message of a topic or a map, carry the metadata, and reach us with messages of their own`,
      (lab) =>
        Effect.gen(function*() {
          const gos = yield* Effect.all([goes(lab)({ ...patient, ...options }), goes(lab)({ ...patient, ...options })])
          const [seed, other] = gos
          const ours = yield* threeOfUs(lab, options)
          for (const peer of [other, ...ours]) yield* peer.join(seed.address)
          const before = yield* formed(ours)
          yield* work(ours)
          yield* agree(...gos, ...ours)
          for (const one of ours) {
            yield* deliver(seed, one, { reliable: false, generate: { size: 300, seed: 31 } })
            yield* deliver(other, one, { reliable: true, generate: { size: 300, seed: 37 } })
          }
          yield* untroubled(ours, before)
          for (const go of gos) {
            const members = yield* go.members
            assert.deepStrictEqual(
              members.map(({ name }) => name).toSorted(),
              [...gos, ...ours].map(({ name }) => name).toSorted()
            )
            for (const { meta } of members.filter(({ name }) => ours.some((one) => one.name === name))) {
              assert.strictEqual(bytesOf(meta).subarray(0, 2).toString("hex"), "fe4d")
            }
            assert.deepStrictEqual(go.events.filter(({ event }) => event === "message"), [])
            assert.deepStrictEqual(complaints(go), [])
          }
        })
    )
  }

  scenario(
    "a Serf agent logs no warning, lists us alive and shows the metadata as the tag role",
    (lab) =>
      Effect.gen(function*() {
        const serf = yield* lab.serf("serf")
        const ours = yield* threeOfUs(lab, { delegateProtocol: [2, 5, 5] })
        for (const one of ours) assert.strictEqual(yield* one.join(serf.address), 1)
        const before = yield* formed(ours)
        yield* work(ours)
        const metas = yield* Effect.forEach(ours, (one) =>
          Effect.map(one.members, (all) => bytesOf(all.find(({ name }) => name === one.name)?.meta ?? "")))
        for (const meta of metas) {
          assert.strictEqual(meta.subarray(0, 2).toString("hex"), "fe4d")
        }
        yield* until(
          "Serf's list for people has the bytes themselves",
          serf.run("members"),
          (output) =>
            metas.every((meta) => output.includes(Buffer.concat([Buffer.from("role="), meta])))
        )
        const members = yield* serf.members
        assert.strictEqual(members.length, 4)
        for (const one of ours) {
          const { status, tags } = members.find(({ name }) => name === one.name) ?? {}
          assert.strictEqual(status, "alive")
          assert.deepStrictEqual(Object.keys(tags ?? {}), ["role"])
          // JSON has no bytes that are not UTF-8: each is one U+FFFD there
          assert.strictEqual(tags?.["role"]?.slice(0, 3), "\ufffdM\u0001")
        }
        yield* serf.run("event", "deploy", "serf's own payload")
        // gossip need not reach everybody
        yield* Effect.raceAll(ours.map(tells(Buffer.from("serf's own payload"))))
        for (const one of ours) {
          yield* one.event("Serf's state", (event) => event.event === "remoteState" && event.size > 0)
        }
        yield* untroubled(ours, before)
        assert.deepStrictEqual(complaints(serf), [])
      })
  )

  scenario(
    "a Serf agent calls us failed when we leave, because no message of Serf's said so",
    (lab) =>
      Effect.gen(function*() {
        const serf = yield* lab.serf("serf")
        const us = yield* lab.us({ ...patient, delegateProtocol: [2, 5, 5] })
        yield* us.join(serf.address)
        const statusOfUs = Effect.map(serf.members, (all) => all.find(({ name }) => name === us.name)?.status)
        yield* until("we are alive for Serf", statusOfUs, (status) => status === "alive")
        yield* us.leave
        assert.strictEqual(yield* until("we are gone for Serf", statusOfUs, (status) => status !== "alive"), "failed")
        assert.deepStrictEqual(complaints(serf), [])
      })
  )
})
