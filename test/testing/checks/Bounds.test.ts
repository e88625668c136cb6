import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { VersionedMap } from "../../../src/base/VersionedMap.ts"
import { MAX_NOTICE_BYTES, MAX_NOTICES } from "../../../src/engine/hooks/Notices.ts"
import type { Node } from "../../../src/engine/Node.ts"
import { MAX_GIVEN } from "../../../src/engine/recovery/KnownSeeds.ts"
import { MAX_USER_BROADCASTS } from "../../../src/engine/sending/Broadcasts.ts"
import { MAX_NOTED } from "../../../src/engine/telemetry/Logs.ts"
import { MAX_REPEATS } from "../../../src/engine/telemetry/Logs.ts"
import { type Kind, LIMITS } from "../../../src/engine/Work.ts"
import * as BroadcastQueue from "../../../src/swim/gossip/BroadcastQueue.ts"
import { MAX_TELLS } from "../../../src/swim/gossip/Tell.ts"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import { MAX_REPORTS } from "../../../src/swim/membership/Conflicts.ts"
import type * as Membership from "../../../src/swim/membership/Membership.ts"
import { NameList } from "../../../src/swim/probing/NameList.ts"
import * as Hearsay from "../../../src/swim/recovery/Hearsay.ts"
import * as LostPeers from "../../../src/swim/recovery/LostPeers.ts"
import * as Accuse from "../../../src/swim/suspicion/Accuse.ts"
import { MAX_LISTED } from "../../../src/swim/suspicion/Deadlines.ts"
import { type Seen, watch, type Watched } from "../../support/Observations.ts"
import { alive, entry, env, force, OTHER, remembered, row, SELF, suspect } from "../../support/Rules.ts"

/** Something that is full, or one more than that. */
interface Full {
  readonly name: string
  readonly most: number
  /** How the violation calls it. */
  readonly told: string
  /** Makes there be so many; what it returns is observed instead of the node and its table. */
  readonly fill: (node: Watched, count: number) => Effect.Effect<Seen | void>
}

const doctored = (node: Watched, changes: Partial<Node>): Effect.Effect<Seen> =>
  Effect.succeed({ node: { ...node.node, ...changes } })

/** As if it had so many fibers of a kind. */
const working = (node: Watched, kind: Kind, count: number): Effect.Effect<Seen> =>
  doctored(node, { work: { ...node.node.work, running: (asked) => asked === kind ? count : 0 } })

const next = (node: Watched, changes: Partial<Membership.Membership>): Effect.Effect<Seen> =>
  Effect.succeed({ next: { ...node.now, ...changes } })

const many = <A>(count: number, make: (i: number) => A): Array<A> => Array.from({ length: count }, (_, i) => make(i))

const queueOf = (count: number): BroadcastQueue.BroadcastQueue =>
  many(count, String).reduce<BroadcastQueue.BroadcastQueue>(
    (queue, name) => BroadcastQueue.queue(queue, { name, unique: false, message: new Uint8Array(1) })[0],
    BroadcastQueue.empty
  )

/** A queue whose only message was sent so often that it is in the last of so many tiers. */
const sentOften = (tiers: number): BroadcastQueue.BroadcastQueue =>
  many(tiers - 1, String).reduce<BroadcastQueue.BroadcastQueue>(
    (queue) => BroadcastQueue.draw(queue, { overhead: 0, limit: 100, retransmitLimit: Infinity }).queue,
    queueOf(1)
  )

const item = { message: { _tag: "User", payload: new Uint8Array(1) }, from: { ip: "10.0.0.9", port: 7946 } } as const
const request = {
  message: { _tag: "Ping", seqNo: 1, node: "", sourceAddr: new Uint8Array(), sourcePort: 0, sourceNode: "" },
  packet: { payload: new Uint8Array(), from: item.from, receivedAt: 0 }
} as const
const lostPeer = (i: number): LostPeers.LostPeer => ({
  ...remembered(`${i}`),
  lostAt: 0,
  group: 1,
  misses: 0,
  dueAt: 0
})
const unverified: Hearsay.Unverified = { row: row(OTHER, 1, 0), from: "10.0.0.9", probing: false }
const wrong: Hearsay.Refuted = { ...row(OTHER, 1, 0), until: 0 }
const named = <A>(count: number, make: (i: number) => A): VersionedMap<A> =>
  many(count, make).reduce<VersionedMap<A>>((map, value, i) => map.with(`${i}`, value), VersionedMap.empty())
const handler = { onAck: () => {}, onNack: undefined }

/** The default configuration of the nodes here, and that they know nobody but themselves. */
const bounds: ReadonlyArray<Full> = [
  {
    name: "the handoff queue for alive messages",
    most: 1024,
    told: "alive messages in the handoff queue",
    fill: ({ node }, count) => Effect.sync(() => void node.handoff.alives.push(...many(count, () => item)))
  },
  {
    name: "the handoff queue for accusations",
    most: 1024,
    told: "accusations in the handoff queue",
    fill: ({ node }, count) => Effect.sync(() => void node.handoff.accusations.push(...many(count, () => item)))
  },
  {
    name: "the handoff queue for user messages",
    most: 1024,
    told: "user messages in the handoff queue",
    fill: ({ node }, count) => Effect.sync(() => void node.handoff.user.push(...many(count, () => item)))
  },
  {
    name: "the requests of members",
    most: 256,
    told: "requests of members to be answered",
    fill: ({ node }, count) => Effect.sync(() => void node.requests.members.push(...many(count, () => request)))
  },
  {
    name: "the requests of strangers",
    most: 256,
    told: "requests of strangers to be answered",
    fill: ({ node }, count) => Effect.sync(() => void node.requests.strangers.push(...many(count, () => request)))
  },
  {
    name: "the addresses whose key is known",
    most: 4096,
    told: "addresses with a known key",
    fill: (node, count) => doctored(node, { keys: { ...node.node.keys, remembered: () => count } })
  },
  {
    name: "the buffer of a subscriber to events",
    most: 1024,
    told: "events that wait for a subscriber",
    fill: (node, count) => doctored(node, { changes: { ...node.node.changes, waiting: () => count } })
  },
  {
    name: "the buffer of a subscriber to messages",
    most: 1024,
    told: "messages that wait for a subscriber",
    fill: (node, count) => doctored(node, { messages: { ...node.node.messages, waiting: () => count } })
  },
  {
    name: "the buffer of a subscriber to recovery",
    most: 1024,
    told: "recovery events that wait for a subscriber",
    fill: (node, count) => doctored(node, { recoveries: { ...node.node.recoveries, waiting: () => count } })
  },
  {
    name: "the memory of lost members",
    most: 256,
    told: "lost members remembered",
    fill: (node, count) => next(node, { lost: { ...LostPeers.none, peers: many(count, lostPeer) } })
  },
  {
    name: "the memory of splits",
    most: 256,
    told: "splits told of",
    fill: (node, count) => next(node, { lost: { ...LostPeers.none, told: many(count, (i) => i) } })
  },
  {
    name: "the memory of what is said about unknown members",
    most: Hearsay.MAX_UNVERIFIED,
    told: "unverified members",
    fill: (node, count) => next(node, { hearsay: { ...Hearsay.none, unverified: named(count, () => unverified) } })
  },
  {
    name: "the memory of what nothing confirmed",
    most: Hearsay.MAX_REFUTED,
    told: "members that were not confirmed",
    fill: (node, count) => next(node, { hearsay: { ...Hearsay.none, refuted: named(count, () => wrong) } })
  },
  {
    name: "the set of probes of unknown members",
    most: LIMITS.hearsay,
    told: "probes of unknown members",
    fill: (node, count) => working(node, "hearsay", count)
  },
  {
    name: "the memory of seeds",
    most: MAX_GIVEN,
    told: "seeds of joins remembered",
    fill: (node, count) =>
      doctored(node, { seeds: { ...node.node.seeds, all: () => many(count + 3, String), offered: () => ["", "", ""] } })
  },
  {
    name: "the tries to heal of the first moment",
    most: 2,
    told: "tries to heal a split",
    fill: ({ node }, count) => Effect.sync(() => void (node.tries.current = count))
  },
  {
    name: "the log's queue",
    most: MAX_NOTED,
    told: "log entries noted",
    fill: (node, count) => doctored(node, { logs: { ...node.node.logs, noted: () => count } })
  },
  {
    name: "the log's table of repetitions",
    most: MAX_REPEATS,
    told: "kinds of log entries remembered",
    fill: (node, count) => doctored(node, { logs: { ...node.node.logs, remembered: () => count } })
  },
  ...(["conflict", "pingComplete", "mergeRemoteState"] as const).flatMap((hook): ReadonlyArray<Full> => [
    {
      name: `the queue of the ${hook} hook`,
      most: MAX_NOTICES,
      told: `notices to the ${hook} hook`,
      fill: ({ node }, count) =>
        Effect.sync(() => ({
          node: {
            ...node,
            notices: { ...node.notices, [hook]: { ...node.notices[hook], waiting: () => count } }
          }
        }))
    },
    {
      name: `what the queue of the ${hook} hook holds, when it is more than one notice,`,
      most: MAX_NOTICE_BYTES,
      told: `bytes of notices to the ${hook} hook`,
      fill: ({ node }, count) =>
        Effect.sync(() => ({
          node: {
            ...node,
            notices: { ...node.notices, [hook]: { ...node.notices[hook], waiting: () => 2, bytes: () => count } }
          }
        }))
    }
  ]),
  {
    name: "the table of name conflicts",
    most: MAX_REPORTS,
    told: "name conflicts remembered",
    fill: (node, count) => next(node, { conflicts: many(count, (i) => ({ name: `${i}`, between: ["a", "b"], at: 0 })) })
  },
  {
    name: "the memory of what was told",
    most: 2 * MAX_TELLS,
    told: "claims told lately",
    fill: (node, count) =>
      next(node, { told: many(count, (i) => ({ member: `${i}`, about: "a", at: 0, firstHand: false })) })
  },
  {
    name: "the list of when suspicions end",
    most: MAX_LISTED,
    told: "deadlines of suspicions listed",
    fill: (node, count) =>
      next(node, { deadlines: { soonest: many(count, (i) => ({ name: `${i}`, at: 0 })), horizon: Infinity } })
  },
  {
    name: "the user broadcast queue",
    most: MAX_USER_BROADCASTS,
    told: "user broadcasts queued",
    fill: ({ node }, count) => Effect.sync(() => void (node.user.current = queueOf(count)))
  },
  {
    name: "the rumour queue, of one name and our address,",
    most: 2,
    told: "rumours queued",
    fill: ({ node }, count) => Effect.sync(() => void (node.gossip.current = queueOf(count)))
  },
  {
    name: "how often a rumour is sent",
    most: 4,
    told: "transmissions of a rumour",
    fill: ({ node }, count) => Effect.sync(() => void (node.gossip.current = sentOften(count)))
  },
  {
    name: "how often a user broadcast is sent",
    most: 4,
    told: "transmissions of a user broadcast",
    fill: ({ node }, count) => Effect.sync(() => void (node.user.current = sentOften(count)))
  },
  {
    name: "the set of relays",
    most: LIMITS.relay,
    told: "relayed pings",
    fill: (node, count) => working(node, "relay", count)
  },
  {
    name: "the set of acks that wait for hooks",
    most: LIMITS.ack,
    told: "acks that wait for hooks",
    fill: (node, count) => working(node, "ack", count)
  },
  {
    name: "the set of claims on their way",
    most: LIMITS.claim,
    told: "claims being sent straight to somebody",
    fill: (node, count) => working(node, "claim", count)
  },
  {
    name: "the set of calls of hooks",
    most: LIMITS.hook,
    told: "calls of hooks",
    fill: (node, count) => working(node, "hook", count)
  },
  {
    name: "the set of deadlines of such calls",
    most: LIMITS.deadline,
    told: "deadlines of calls of hooks",
    fill: (node, count) => working(node, "deadline", count)
  },
  {
    name: "the ledger of inbound streams",
    most: 256,
    told: "inbound streams being served",
    fill: (node, count) => doctored(node, { places: { ...node.node.places, taken: () => count } })
  },
  {
    name: "the budget of inbound streams",
    most: 134_217_728,
    told: "bytes that inbound streams hold",
    fill: (node, count) => doctored(node, { places: { ...node.node.places, bytes: () => count } })
  },
  {
    name: "push/pulls of peers",
    most: 127,
    told: "push/pulls being answered",
    fill: (node, count) => doctored(node, { places: { ...node.node.places, exchanges: () => count } })
  },
  {
    name: "the map of waits, with a probe, a try to heal, two relays, three pings and an unknown member,",
    most: 8,
    told: "waits for an ack",
    fill: ({ node }, count) =>
      Effect.gen(function*() {
        for (const i of many(count, (i) => i)) node.acks.register(i, handler)
        for (let i = 0; i < 2; i++) node.work.start("relay", Effect.never)
        node.work.start("hearsay", Effect.never)
        node.pings.current = 3
      })
  },
  {
    name: "local health",
    most: 7,
    told: "points of local health",
    fill: ({ node }, count) => Effect.sync(() => void (node.health.current = count))
  }
]

describe("Bounds", () => {
  for (const { fill, most, name, told } of bounds) {
    it.effect(`accepts that ${name} is full`, () =>
      Effect.gen(function*() {
        const { broken, self } = yield* watch
        self.see((yield* fill(self, most)) ?? {})
        assert.deepStrictEqual(broken(), [])
      }))

    it.effect(`tells of one too many in ${name.replace(/,$/, "")}`, () =>
      Effect.gen(function*() {
        const { broken, self } = yield* watch
        self.see((yield* fill(self, most + 1)) ?? {})
        assert.deepStrictEqual(broken(), [`self 0: Bounds, ${most + 1} ${told}, at most ${most} are allowed`])
      }))
  }

  it.effect("accepts a single notice that is larger than all may be together", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      const { conflict } = self.node.notices
      conflict.offer({ call: () => Effect.void, size: 2 * MAX_NOTICE_BYTES, over: () => {} })
      self.see({})
      assert.deepStrictEqual(broken(), [])
    }))

  it.effect("accepts a try to heal in each 40 % of the interval, and no more", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      self.see({})
      self.node.tries.current = 5
      self.see({ now: 12_000 })
      assert.deepStrictEqual(broken(), [])
      self.see({ now: 11_999 })
      assert.deepStrictEqual(broken(), ["self 11999: Bounds, 5 tries to heal a split, at most 4 are allowed"])
    }))

  it.effect("tells of a try to heal, and of a lost member, where recovery is switched off", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      const { settings } = self.node
      const next = { ...self.now, lost: { ...LostPeers.none, peers: [lostPeer(1)] } }
      self.node.tries.current = 1
      self.see({ next })
      assert.deepStrictEqual(broken(), [])
      Object.assign(self.node, { settings: { ...settings, rules: { ...settings.rules, recovery: false } } })
      self.see({ now: 60_000 })
      assert.deepStrictEqual(broken(), [
        "self 60000: Bounds, 1 lost members remembered, at most 0 are allowed",
        "self 60000: Bounds, 1 tries to heal a split, at most 0 are allowed"
      ])
    }))

  it.effect("tells of a bound once, however long it stays broken", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      Object.assign(self.node.places, { exchanges: () => 128 })
      for (let i = 0; i < 10; i++) self.see({})
      self.node.health.current = 8
      self.see({ now: 9 })
      assert.deepStrictEqual(broken(), [
        "self 0: Bounds, 128 push/pulls being answered, at most 127 are allowed",
        "self 9: Bounds, 8 points of local health, at most 7 are allowed"
      ])
    }))
})

describe("Bounds of the table", () => {
  const learned = (self: Watched, ...names: ReadonlyArray<string>) => {
    for (const name of names) self.rule((m) => Alive.alive(m, alive(name, 1), env()))
  }

  it.effect("accepts one that is full", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      learned(self, OTHER)
      const { settings } = self.node
      self.see({ node: { ...self.node, settings: { ...settings, rules: { ...settings.rules, maxMembers: 2 } } } })
      assert.deepStrictEqual(broken(), [])
    }))

  it.effect("tells of one entry too many", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      learned(self, OTHER, "third")
      const { settings } = self.node
      self.see({ node: { ...self.node, settings: { ...settings, rules: { ...settings.rules, maxMembers: 2 } } } })
      assert.deepStrictEqual(broken(), ["self 0: Bounds, 3 entries in the table, at most 2 are allowed"])
    }))

  it.effect("tells of a name that is twice in the probe ring", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      self.see({ next: { ...self.now, ring: { names: NameList.of([SELF, SELF]), index: 0 } } })
      assert.deepStrictEqual(broken(), ["self 0: Bounds, 2 places in the probe ring, at most 1 are allowed"])
    }))

  it.effect("tells of an entry that is not in the probe ring, and would never be probed", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      self.see({ next: { ...self.now, ring: { names: NameList.of([]), index: 0 } } })
      assert.deepStrictEqual(broken(), [
        "self 0: Bounds, 1 entries without a place in the probe ring, at most 0 are allowed"
      ])
    }))

  it.effect("tells of a suspicion that counts more accusers than it hopes for", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      learned(self, OTHER)
      self.rule((m) => Accuse.suspect(m, suspect(OTHER, 1, "a"), env()))
      const { suspicion } = entry(self.now, OTHER)
      assert.deepStrictEqual(suspicion?.accusers, ["a"])
      assert.deepStrictEqual(broken(), [])
      const accusers = ["a", "b"]
      self.see({ next: force(self.now, OTHER, { suspicion: { ...suspicion!, accusers } }) })
      assert.deepStrictEqual(broken(), ["self 0: Bounds, 2 accusers of other, at most 1 are allowed"])
    }))
})
