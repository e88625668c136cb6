import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { MemberState } from "../../../src/Member.ts"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import type { Change, Directive } from "../../../src/swim/membership/Directive.ts"
import type * as Entry from "../../../src/swim/membership/Entry.ts"
import type * as Membership from "../../../src/swim/membership/Membership.ts"
import { NameList } from "../../../src/swim/probing/NameList.ts"
import * as Accuse from "../../../src/swim/suspicion/Accuse.ts"
import * as Findings from "../../../src/swim/suspicion/Findings.ts"
import * as Suspicion from "../../../src/swim/suspicion/Suspicion.ts"
import { published, watch, type Watched } from "../../support/Observations.ts"
import { alive, dead, entry, env, force, ip, leave, OTHER, own, SELF, suspect } from "../../support/Rules.ts"

const bytes = (text: string) => new TextEncoder().encode(text)

const suspicion = Suspicion.start({
  incarnation: 1,
  from: "accuser",
  now: 0,
  n: 2,
  probeInterval: 1000,
  suspicionMult: 4,
  suspicionMaxTimeoutMult: 6
})

/** How long that suspicion lasts. */
const LASTS = suspicion.min

/** Lets the node learn of `other` by the rules, as it is with this state and incarnation. */
const knows = (node: Watched, state: MemberState, incarnation: number) => {
  node.rule((m) => Alive.alive(m, alive(OTHER, incarnation), env()))
  if (state === "suspect") node.rule((m) => Accuse.suspect(m, suspect(OTHER, incarnation, "accuser"), env()))
  if (state === "dead") node.rule((m) => Dead.dead(m, dead(OTHER, incarnation, "accuser"), env()))
  if (state === "left") node.rule((m) => Dead.dead(m, dead(OTHER, incarnation, OTHER), env()))
}

/** Changes the entry of a name, and publishes what is given about it. */
const change = (
  node: Watched,
  name: string,
  changes: Partial<Entry.Entry>,
  publish: (entry: Entry.Entry) => ReadonlyArray<Change> = () => [],
  more: ReadonlyArray<Directive> = [],
  now = 0
) => {
  const next = force(node.now, name, changes)
  node.see({ next, directives: [...publish(entry(next, name)).map(published), ...more], now })
}

const joined = (entry: Entry.Entry): ReadonlyArray<Change> => [{ _tag: "Joined", entry }]
const suspected = (entry: Entry.Entry): ReadonlyArray<Change> => [
  { _tag: "Suspected", entry, from: "accuser", findings: Findings.ofSuspicion(entry.name, suspicion, SELF) }
]
const failed = (from: string) => (entry: Entry.Entry): ReadonlyArray<Change> => [
  {
    _tag: "Failed",
    entry,
    from,
    accusers: [],
    findings: Findings.ofChange("Declared", entry, from, undefined, { now: 0 })
  }
]
const left = (entry: Entry.Entry): ReadonlyArray<Change> => [
  { _tag: "Left", entry, findings: Findings.ofChange("Goodbye", entry, entry.name, undefined, { now: 0 }) }
]

describe("IncarnationWentBack", () => {
  it.effect("accepts what is newer", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "alive", 1)
      change(self, OTHER, { incarnation: 2 })
      assert.deepStrictEqual(broken(), [])
    }))

  it.effect("tells of a member that is believed younger than it was", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "alive", 2)
      change(self, OTHER, { incarnation: 1 }, () => [], [], 42)
      assert.deepStrictEqual(broken(), [
        "self 42: IncarnationWentBack, other went from alive at incarnation 2 to alive at incarnation 1"
      ])
    }))

  it.effect("tells of the dead who come back as somebody they were before", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "dead", 3)
      change(self, OTHER, { state: "alive", incarnation: 2 }, joined)
      assert.deepStrictEqual(broken(), [
        "self 0: IncarnationWentBack, other went from dead at incarnation 3 to alive at incarnation 2"
      ])
    }))

  it.effect("tells of a node whose own went back", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      self.see({ next: { ...self.now, incarnation: 0 } })
      assert.deepStrictEqual(broken(), ["self 0: IncarnationWentBack, its own went from 1 to 0"])
    }))

  it.effect("accepts a lower one with a name that changed hands, which is announced", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "left", 3)
      const reclaimed: Directive = { _tag: "Reclaimed", existing: entry(self.now, OTHER), other: alive(OTHER, 1) }
      change(self, OTHER, { state: "alive", incarnation: 1, addr: ip(9) }, joined, [reclaimed])
      assert.deepStrictEqual(broken(), [])
    }))
})

describe("Resurrection", () => {
  for (const state of ["dead", "left"] as const) {
    it.effect(`accepts that who is ${state} lives again at a higher incarnation`, () =>
      Effect.gen(function*() {
        const { broken, self } = yield* watch
        knows(self, state, 3)
        change(self, OTHER, { state: "alive", incarnation: 4 }, joined)
        assert.deepStrictEqual(broken(), [])
      }))

    it.effect(`tells of who is ${state} and lives again at the same incarnation`, () =>
      Effect.gen(function*() {
        const { broken, self } = yield* watch
        knows(self, state, 3)
        change(self, OTHER, { state: "alive" }, joined)
        assert.deepStrictEqual(broken(), [
          `self 0: Resurrection, other went from ${state} at incarnation 3 to alive at incarnation 3`
        ])
      }))
  }
})

describe("MetadataOfIncarnation", () => {
  const updates = (node: Watched, incarnation: number) => {
    const previous = entry(node.now, SELF)
    change(node, SELF, { meta: bytes("new"), incarnation }, (entry) => [{ _tag: "Updated", entry, previous }])
  }

  it.effect("accepts new metadata at a new incarnation", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      updates(self, 2)
      assert.deepStrictEqual(broken(), [])
    }))

  it.effect("tells of a node that says two things at one incarnation", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      updates(self, 1)
      assert.deepStrictEqual(broken(), ["self 0: MetadataOfIncarnation, it says two things at incarnation 1"])
    }))
})

describe("NeverSaid", () => {
  it.effect("accepts what the member says of itself", () =>
    Effect.gen(function*() {
      const { another, broken, self } = yield* watch
      yield* another(OTHER, { ...own, meta: bytes("blue") })
      self.rule((m) => Alive.alive(m, alive(OTHER, 1, { meta: bytes("blue") }), env()))
      assert.deepStrictEqual(broken(), [])
    }))

  it.effect("tells of metadata that the member does not have at that incarnation", () =>
    Effect.gen(function*() {
      const { another, broken, self } = yield* watch
      yield* another(OTHER, { ...own, meta: bytes("blue") })
      self.rule((m) => Alive.alive(m, alive(OTHER, 1, { meta: bytes("red") }), env()))
      assert.deepStrictEqual(broken(), ["self 0: NeverSaid, other never said what is believed of it at 1"])
    }))

  it.effect("accepts a death that its accuser declared", () =>
    Effect.gen(function*() {
      const { another, broken, self } = yield* watch
      const accuser = yield* another("accuser")
      knows(accuser, "suspect", 1)
      change(accuser, OTHER, { state: "dead", suspicion: undefined }, failed("accuser"), [], 60_000)
      knows(self, "dead", 1)
      assert.deepStrictEqual(broken(), [])
    }))

  it.effect("tells of a death that its accuser knows nothing of", () =>
    Effect.gen(function*() {
      const { another, broken, self } = yield* watch
      yield* another("accuser")
      knows(self, "dead", 1)
      assert.deepStrictEqual(broken(), ["self 0: NeverSaid, accuser never declared other dead"])
    }))

  it.effect("accepts the departure of who said goodbye", () =>
    Effect.gen(function*() {
      const { another, broken, self } = yield* watch
      const other = yield* another(OTHER)
      other.rule((m) => leave(m, env()))
      knows(self, "left", 1)
      assert.deepStrictEqual(broken(), [])
    }))

  it.effect("tells of a departure without a goodbye", () =>
    Effect.gen(function*() {
      const { another, broken, self } = yield* watch
      yield* another(OTHER)
      knows(self, "left", 1)
      assert.deepStrictEqual(broken(), ["self 0: NeverSaid, other never said goodbye at incarnation 1"])
    }))
})

describe("SelfDead", () => {
  it.effect("accepts a node that is gone because it leaves", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      self.rule((m) => leave(m, env()))
      assert.strictEqual(entry(self.now, SELF).state, "left")
      assert.deepStrictEqual(broken(), [])
    }))

  it.effect("tells of a node that believes others who say that it is dead", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      change(self, SELF, { state: "dead" }, failed(OTHER))
      assert.deepStrictEqual(broken(), ["self 0: SelfDead, it believes itself dead at incarnation 1"])
    }))

  it.effect("tells of a node that suspects itself", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      change(self, SELF, { state: "suspect", suspicion }, suspected)
      assert.deepStrictEqual(broken(), ["self 0: SelfDead, it believes itself suspect at incarnation 1"])
    }))
})

describe("IllegalChange", () => {
  const states = ["alive", "suspect", "dead", "left"] as const
  const legal = new Set([
    "alive alive",
    "alive suspect",
    "alive dead",
    "alive left",
    "suspect suspect",
    "suspect alive",
    "suspect dead",
    "suspect left",
    "dead dead",
    "dead alive",
    "left left",
    "left alive",
    "unknown alive"
  ])
  const illegal = (broken: ReadonlyArray<string>) => broken.filter((line) => line.includes("IllegalChange"))

  for (const before of [...states, "unknown"] as const) {
    for (const after of states) {
      const accepted = legal.has(`${before} ${after}`)
      it.effect(`${accepted ? "accepts" : "tells of"} a change from ${before} to ${after}`, () =>
        Effect.gen(function*() {
          const { broken, self } = yield* watch
          const then = { state: after, suspicion: after === "suspect" ? suspicion : undefined }
          if (before === "unknown") {
            const [table] = Alive.alive(self.now, alive(OTHER, 2), env())
            self.see({ next: force(table, OTHER, then) })
          } else {
            knows(self, before, 1)
            change(self, OTHER, { ...then, incarnation: 2 })
          }
          const was = before === "unknown" ? "unknown" : `${before} at incarnation 1`
          assert.deepStrictEqual(
            illegal(broken()),
            accepted ? [] : [`self 0: IllegalChange, other went from ${was} to ${after} at incarnation 2`]
          )
        }))
    }
  }

  it.effect("tells of a suspect without a suspicion", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "alive", 1)
      change(self, OTHER, { state: "suspect" }, suspected)
      assert.deepStrictEqual(broken(), [
        "self 0: IllegalChange, other went from alive at incarnation 1 to suspect at incarnation 1"
      ])
    }))

  it.effect("tells of a suspicion against somebody who is alive", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "alive", 1)
      change(self, OTHER, { suspicion })
      assert.deepStrictEqual(broken(), [
        "self 0: IllegalChange, other went from alive at incarnation 1 to alive at incarnation 1"
      ])
    }))
})

describe("OverdueSuspicion", () => {
  it.effect("accepts whoever is suspect for as long as the suspicion lasts, and a little longer where the clock leapt", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "suspect", 1)
      self.see({ now: LASTS + 1 })
      self.see({ now: LASTS + 20_001 })
      assert.deepStrictEqual(broken(), [])
    }))

  it.effect("accepts it of a program that stood still when the time was over", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "suspect", 1)
      self.see({ now: LASTS + 3_600_000 })
      self.see({ now: LASTS + 3_620_000 })
      assert.deepStrictEqual(broken(), [])
    }))

  it.effect("tells once of whoever is suspect after that", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "suspect", 1)
      self.see({ now: LASTS + 1 })
      self.see({ now: LASTS + 20_002 })
      self.see({ now: LASTS + 30_000 })
      assert.deepStrictEqual(broken(), [
        `self ${LASTS + 20_002}: OverdueSuspicion, other is suspect 20002 ms after its time was over`
      ])
    }))

  it.effect("says nothing of a suspicion that ended in time", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "suspect", 1)
      self.rule((m) => Alive.alive(m, alive(OTHER, 2), env()))
      self.see({ now: 1e9 })
      assert.deepStrictEqual(broken(), [])
    }))

  it.effect("tells of a suspicion whose end nobody waits for", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "suspect", 1)
      // beyond the horizon it will be looked for
      self.see({ next: { ...self.now, deadlines: { soonest: [], horizon: LASTS } } })
      assert.deepStrictEqual(broken(), [])
      self.see({ next: { ...self.now, deadlines: { soonest: [], horizon: LASTS + 1 } } })
      assert.deepStrictEqual(broken(), [
        `self 0: OverdueSuspicion, other is suspect until ${LASTS}, which nobody waits for`
      ])
    }))
})

describe("HastySuspicion", () => {
  const dies = (node: Watched, now: number) =>
    change(node, OTHER, { state: "dead", suspicion: undefined }, failed(SELF), [], now)

  it.effect("accepts a death whose suspicion has run its time", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "alive", 1)
      change(self, OTHER, { state: "suspect", suspicion }, suspected)
      dies(self, LASTS)
      assert.deepStrictEqual(broken(), [])
    }))

  it.effect("tells of a death before that, and how much too early it was", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "alive", 1)
      change(self, OTHER, { state: "suspect", suspicion }, suspected)
      dies(self, LASTS - 100)
      assert.deepStrictEqual(broken(), [
        `self ${LASTS - 100}: HastySuspicion, it declared other dead, which was suspect at incarnation 1, 100 ms early`
      ])
    }))

  it.effect("tells of a death that nobody had suspected", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "alive", 1)
      dies(self, LASTS)
      assert.deepStrictEqual(broken(), [
        `self ${LASTS}: HastySuspicion, it declared other dead, which was alive at incarnation 1, Infinity ms early`
      ])
    }))
})

describe("Forgotten", () => {
  const without = (m: Membership.Membership, name: string): Membership.Membership => ({
    ...m,
    entries: m.entries.with(name, undefined),
    ring: { ...m.ring, names: NameList.of([...m.ring.names].filter((other) => other !== name)) }
  })
  const forgets = (node: Watched, name: string, now: number) =>
    node.see({ next: without(node.now, name), directives: [{ _tag: "Reaped", entry: entry(node.now, name) }], now })

  it.effect("accepts that the dead are forgotten after gossipToTheDeadTime", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "dead", 1)
      forgets(self, OTHER, 30_000)
      assert.deepStrictEqual(broken(), [])
    }))

  it.effect("tells of the dead who are forgotten before that", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "dead", 1)
      forgets(self, OTHER, 29_000)
      assert.deepStrictEqual(broken(), [
        "self 29000: Forgotten, other, dead at incarnation 1, was forgotten too early"
      ])
    }))

  it.effect("tells of an entry that goes without anybody saying so", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "dead", 1)
      self.see({ next: without(self.now, OTHER), now: 30_000 })
      assert.deepStrictEqual(broken(), [
        "self 30000: Forgotten, other, dead at incarnation 1, was forgotten too early"
      ])
    }))

  it.effect("tells of the living who are forgotten, and of the events that do not say so", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "alive", 1)
      forgets(self, OTHER, 60_000)
      assert.deepStrictEqual(broken(), [
        "self 60000: Forgotten, other, alive at incarnation 1, was forgotten too early",
        "self 60000: Events, the events give 2 members, the table has 1"
      ])
    }))
})

describe("Events", () => {
  it.effect("accepts changes that give the member list when they are replayed", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "suspect", 1)
      self.rule((m) => Alive.alive(m, alive(OTHER, 2, { meta: bytes("new") }), env()))
      self.rule((m) => Dead.dead(m, dead(OTHER, 2, "accuser"), env()))
      self.rule((m) => Alive.alive(m, alive(OTHER, 3), env()))
      assert.deepStrictEqual(broken(), [])
    }))

  it.effect("tells of a change that was not published", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "alive", 1)
      change(self, OTHER, { state: "suspect", suspicion })
      assert.deepStrictEqual(broken(), ["self 0: Events, by the events, other is alive; it is suspect in the table"])
    }))

  it.effect("tells of metadata that was not published", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "alive", 1)
      change(self, OTHER, { incarnation: 2, meta: bytes("new") })
      assert.deepStrictEqual(broken(), ["self 0: Events, the events do not tell other's metadata"])
    }))

  it.effect("tells of a departure that was not published", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "alive", 1)
      change(self, OTHER, { state: "left" })
      assert.deepStrictEqual(broken(), [
        "self 0: Events, the events do not tell that other is gone",
        "self 0: Events, the events give 2 members, the table has 1"
      ])
    }))

  it.effect("tells of a change that cannot follow those before it", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "alive", 1)
      change(self, OTHER, { incarnation: 2 }, joined)
      assert.deepStrictEqual(broken(), ["self 0: Events, Joined other was published while it was alive"])
    }))

  it.effect("tells of a departure that was published twice", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "left", 1)
      change(self, OTHER, { incarnation: 2 }, left)
      assert.deepStrictEqual(broken(), ["self 0: Events, Left other was published while it was absent"])
    }))
})

describe("the list of what was broken", () => {
  it.effect("ends with the hundredth entry", () =>
    Effect.gen(function*() {
      const { broken, self } = yield* watch
      knows(self, "alive", 1)
      for (let i = 0; i < 150; i++) change(self, OTHER, { incarnation: 2 + i }, joined)
      assert.strictEqual(broken().length, 100)
    }))
})
