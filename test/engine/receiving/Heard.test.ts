import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { TestClock } from "effect/testing"
import { Heard } from "../../../src/engine/receiving/Heard.ts"
import { type ObservedNode, Observer } from "../../../src/engine/StepObserver.ts"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import * as Membership from "../../../src/swim/membership/Membership.ts"
import * as Merge from "../../../src/swim/membership/Merge.ts"
import * as Round from "../../../src/swim/probing/Round.ts"
import * as Message from "../../../src/wire/message/Message.ts"
import * as Packet from "../../../src/wire/packet/Packet.ts"
import { clusterTest, joinAt, start } from "../../support/Cluster.ts"
import { fakePeer, introduce } from "../../support/FakePeer.ts"
import * as T from "../../support/Rules.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Few names and addresses, so that several names meet at one address. */
const Event = Schema.Struct({
  kind: Schema.Literals([
    "alive",
    "alive",
    "alive",
    "dead",
    "left",
    "merge",
    "probe",
    "note",
    "note",
    "announce",
    "leave"
  ]),
  node: int(0, 5),
  incarnation: int(0, 6),
  place: int(0, 5),
  replace: Schema.Boolean,
  passes: int(0, 40_000)
})
type Event = typeof Event.Type

const name = (node: number) => node === 0 ? T.SELF : `n${node}`
/** Two IPs with three ports each, ours among them. */
const at = (place: number) => ({ ip: `10.0.0.${place % 2 + 1}`, port: 7946 + (place >> 1) })

const rule = (m: Membership.Membership, event: Event, env: Membership.Env): Membership.Step => {
  const { incarnation, node, place } = event
  const where = { addr: T.ip(place % 2 + 1), port: at(place).port }
  const claim = T.alive(name(node), incarnation, where)
  switch (event.kind) {
    case "alive":
      return Alive.alive(m, claim, env)
    case "dead":
      return Dead.dead(m, T.dead(name(node), incarnation, "n9"), env)
    case "left":
      return Dead.dead(m, T.dead(name(node), incarnation, name(node)), env)
    case "merge":
      return Merge.merge(
        m,
        [1, 2, 3].map((i) => T.row(name((node + i) % 6), incarnation, i - 1, where)),
        env
      )
    case "announce":
      return T.announce(m, { ...T.own, ...where }, env)
    case "leave":
      return T.leave(m, env)
    default: {
      const [next, directives] = Round.nextProbe(m, env)
      return [next, directives]
    }
  }
}

/** What must be kept of each address: its members, and when it was heard from. */
const scan = (m: Membership.Membership) => {
  const places = new Map<string, Array<string>>()
  for (const { endpoint, name } of m.entries.values()) {
    const key = `${endpoint.ip}:${endpoint.port}`
    places.set(key, [...(places.get(key) ?? []), name])
  }
  return places
}

const ofOurs = (m: Membership.Membership) => m.entries.get(T.SELF)?.endpoint

/** Compares everything that can be asked with what a look through the table gives. */
const compare = (heard: Heard, m: Membership.Membership, times: ReadonlyMap<string, number>) => {
  const expected = scan(m)
  assert.deepStrictEqual(
    heard.places().map(({ first, ip, others = [], port }) => `${ip}:${port} ${[first, ...others].sort().join()}`)
      .sort(),
    Array.from(expected, ([key, names]) => `${key} ${names.sort().join()}`).sort()
  )
  let size = 0
  for (const [key, names] of expected) {
    const time = times.get(key)
    if (time !== undefined) size++
    const [ip = "", port] = key.split(":")
    assert.strictEqual(heard.heardAt({ ip, port: Number(port) }), time)
    assert.deepStrictEqual(names.map((name) => heard.has(name)), names.map(() => time !== undefined))
    const standing = names.filter((name) => heard.stands(name))
    assert.strictEqual(standing.length, time === undefined ? 0 : 1)
    for (const name of standing) assert.strictEqual(heard.any((other) => other === name, () => 0.5), name)
  }
  assert.strictEqual(heard.size, size)
}

describe("who was heard from", () => {
  it.prop(
    "is kept for exactly the addresses of the table, whatever was claimed, and never for our own",
    [Arbitrary.array(Arbitrary.schema(Event), { maxLength: 60 }), int(0, 1_000_000)],
    ([events, seed]) => {
      const random = T.seeded(seed)
      const heard = new Heard(T.SELF)
      const times = new Map<string, number>()
      let m = Membership.make(T.SELF)
      let now = 0
      for (const event of events) {
        now += event.passes
        const place = at(event.place)
        const key = `${place.ip}:${place.port}`
        if (event.kind === "note") {
          const known = scan(m).has(key)
          assert.strictEqual(heard.isMember(place), known)
          assert.strictEqual(heard.note(place, now), known)
          const ours = ofOurs(m)
          if (known && (ours?.ip !== place.ip || ours.port !== place.port)) times.set(key, now)
        } else {
          const rules = {
            maxMembers: 5,
            deadNodeReclaimTime: 5000,
            nameConflictPolicy: event.replace ? "replace" : "keep"
          } as const
          const env = { ...T.env({ now, random, rules }), firstHand: heard }
          const [next, directives] = rule(m, event, env)
          for (const directive of directives) heard.follow(directive)
          m = next
        }
        const left = scan(m)
        const ours = ofOurs(m)
        for (const key of times.keys()) if (!left.has(key) || key === `${ours?.ip}:${ours?.port}`) times.delete(key)
        compare(heard, m, times)
      }
    },
    { arbitrary: { runs: 250, size: 60 } }
  )

  it("is nothing about strangers, however much they send", () => {
    const heard = new Heard("a")
    for (let port = 1; port <= 1000; port++) assert.isFalse(heard.note({ ip: "10.0.0.1", port }, port))
    assert.deepStrictEqual(heard.places(), [])
    assert.isUndefined(heard.any(() => true, () => 0))
    assert.strictEqual(heard.latest, -Infinity)
  })
})

/** No traffic but what a test causes. */
const quiet = { gossipInterval: 0, pushPullInterval: 0, probeInterval: 0 } as const

/** Runs a test with the inside of the nodes that it starts, by name. */
const inside = <A, E, R>(body: (nodes: Map<string, ObservedNode>) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const nodes = new Map<string, ObservedNode>()
    return Effect.provideService(body(nodes), Observer, ({ node }) => void nodes.set(node.name, node))
  })

const times = (nodes: Map<string, ObservedNode>, name: string, ip: string) =>
  nodes.get(name)?.heard.heardAt({ ip, port: 7946 })

describe("a member", () => {
  clusterTest(
    "is heard from when a packet comes from its address, not when others speak of it",
    inside((nodes) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: quiet })
        const [p, q] = [yield* fakePeer("p", "10.0.0.8"), yield* fakePeer("q", "10.0.0.9")]
        yield* p.send(node, p.alive(), q.alive())
        yield* TestClock.adjust("1 second")
        yield* p.send(node, q.alive({ incarnation: 2 }))
        yield* TestClock.adjust("20 millis")
        const [ofP, ofQ] = [times(nodes, "a", p.ip), times(nodes, "a", q.ip)]
        assert.isAtLeast(ofP ?? 0, 1000)
        assert.isUndefined(ofQ)
        yield* q.sendBytes(node, Uint8Array.of(255))
        yield* TestClock.adjust("20 millis")
        assert.isUndefined(times(nodes, "a", q.ip))
      })
    )
  )

  clusterTest(
    "is not heard from in what no key opens",
    inside((nodes) =>
      Effect.gen(function*() {
        const key = new Uint8Array(16).fill(7)
        const node = yield* start("a", "10.0.0.1", { config: { ...quiet, secretKey: Redacted.make(key) } })
        const [p, q] = [yield* fakePeer("p", "10.0.0.8"), yield* fakePeer("q", "10.0.0.9")]
        const sealed = (message: Message.PacketMessage, key: Uint8Array) =>
          Packet.encode(Message.encode(message), {
            label: new Uint8Array(),
            compress: false,
            crc: false,
            encryption: { key, version: 1, nonce: new Uint8Array(12) }
          })
        yield* q.sendBytes(node, sealed(p.alive(), key))
        yield* TestClock.adjust("1 second")
        assert.isTrue(nodes.get("a")?.heard.isMember(p))
        yield* p.send(node, p.ping(1))
        yield* p.sendBytes(node, sealed(p.ping(1), new Uint8Array(16).fill(8)))
        yield* TestClock.adjust("20 millis")
        assert.isUndefined(times(nodes, "a", p.ip))
        yield* p.sendBytes(node, sealed(p.ping(1), key))
        yield* TestClock.adjust("20 millis")
        assert.isDefined(times(nodes, "a", p.ip))
      })
    )
  )

  clusterTest(
    "is heard from when it answers our stream, not when it opens one",
    inside((nodes) =>
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", { config: quiet })
        const b = yield* start("b", "10.0.0.2", { config: quiet })
        yield* joinAt(b, a.address)
        assert.isDefined(times(nodes, "b", a.ip))
        assert.isUndefined(times(nodes, "a", b.ip))
      })
    )
  )

  clusterTest(
    "that moves or is forgotten takes its address along",
    inside((nodes) =>
      Effect.gen(function*() {
        const config = { ...quiet, probeInterval: "1 second", gossipToTheDeadTime: "2 seconds" } as const
        const node = yield* start("a", "10.0.0.1", { config: { ...config, nameConflictPolicy: "replace" } })
        const p = yield* fakePeer("p", "10.0.0.8")
        yield* introduce(node, p)
        yield* TestClock.adjust("2 seconds")
        assert.isDefined(times(nodes, "a", p.ip))
        const moved = yield* fakePeer("p", "10.0.0.9")
        yield* introduce(node, { ...moved, alive: () => moved.alive({ incarnation: 2 }) })
        assert.isFalse(nodes.get("a")?.heard.isMember(p))
        assert.isTrue(nodes.get("a")?.heard.isMember(moved))
        yield* moved.send(node, { _tag: "Dead", incarnation: 2, node: "p", from: "p" })
        yield* TestClock.adjust("10 seconds")
        assert.isFalse(nodes.get("a")?.heard.isMember(moved))
      })
    )
  )
})

describe("when anybody was last heard", () => {
  it("is the time of a packet from a member's address, and of no stranger's, of no stream's, and not of our own", () => {
    const heard = new Heard(T.SELF)
    const m = T.cluster(T.OTHER)
    const self = { ...T.entry(m, T.SELF), endpoint: { ip: "10.0.0.1", port: 7946, name: T.SELF } }
    const other = { ...T.entry(m, T.OTHER), endpoint: { ip: "10.0.0.2", port: 7946, name: T.OTHER } }
    for (const entry of [self, other]) heard.follow(Membership.publish({ _tag: "Joined", entry }))
    heard.note({ ip: "192.0.2.1", port: 7946 }, 1)
    heard.note(self.endpoint, 2)
    heard.noteStream(other.endpoint)
    assert.strictEqual(heard.latest, -Infinity)
    heard.note(other.endpoint, 3)
    assert.strictEqual(heard.latest, 3)
    heard.noteMember(T.OTHER, 4)
    assert.strictEqual(heard.latest, 4)
  })
})

describe("who is adopted", () => {
  const joined = (node: string, last: number) => {
    const [m] = Alive.alive(T.started(), T.alive(node, 1, { addr: T.ip(last) }), T.env())
    return T.entry(m, node)
  }
  const follow = (heard: Heard, entry: ReturnType<typeof joined>) =>
    heard.follow({ _tag: "Publish", change: { _tag: "Joined", entry } })

  it("counts as who was followed and heard from, and strays as they do", () => {
    const entries = new Map(["n1", "n2", "n3"].map((name, i) => [name, joined(name, i + 2)]))
    const own = T.entry(T.started(), T.SELF)
    const followed = new Heard(T.SELF)
    follow(followed, own)
    for (const entry of entries.values()) {
      follow(followed, entry)
      followed.note(entry.endpoint, 5)
    }
    const adopting = new Heard(T.SELF)
    follow(adopting, own)
    const all = new Map([...entries, [T.SELF, own]])
    const byIp = new Map(Array.from(all.values(), ({ endpoint, name }) => [endpoint.ip, name]))
    adopting.adopt({ names: [...all.keys()], entries: all, byIp, at: 5 })

    const places = [1, 2, 3, 4, 9].map((last) => ({ ip: `10.0.0.${last}`, port: own.endpoint.port }))
    const seen = (heard: Heard) => ({
      size: heard.size,
      latest: heard.latest,
      names: [T.SELF, "n1", "n2", "n3", "n4"].map((name) => [
        heard.has(name),
        heard.stands(name),
        heard.packetAt(name),
        heard.any((other) => other === name, () => 0.9)
      ]),
      places: places.map((place) => [heard.nameAt(place), heard.heardAt(place), heard.isMember(place)]),
      elsewhere: heard.isMember({ ip: "10.0.0.2", port: 1 })
    })
    assert.deepStrictEqual(seen(adopting), seen(followed))
    for (
      const act of [
        (heard: Heard) => void heard.note({ ip: "10.0.0.3", port: own.endpoint.port }, 8),
        (heard: Heard) => follow(heard, joined("n1", 9)),
        (heard: Heard) => heard.follow({ _tag: "Reaped", entry: joined("n2", 3) }),
        (heard: Heard) => follow(heard, joined("n4", 3)),
        (heard: Heard) => heard.noteMember("n4", 9),
        (heard: Heard) => follow(heard, joined("n1", 2))
      ]
    ) {
      act(followed)
      act(adopting)
      assert.deepStrictEqual(seen(adopting), seen(followed))
    }
  })
})
