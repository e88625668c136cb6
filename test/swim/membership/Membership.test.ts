/**
 * What must hold after any sequence of events, however senseless.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { isOutside } from "../../../src/swim/life/Stage.ts"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import type { Change, Directive } from "../../../src/swim/membership/Directive.ts"
import type * as Entry from "../../../src/swim/membership/Entry.ts"
import * as Membership from "../../../src/swim/membership/Membership.ts"
import { merge } from "../../../src/swim/membership/Merge.ts"
import { nextProbe } from "../../../src/swim/probing/Round.ts"
import * as Accuse from "../../../src/swim/suspicion/Accuse.ts"
import * as Expiry from "../../../src/swim/suspicion/Expiry.ts"
import * as Suspicion from "../../../src/swim/suspicion/Suspicion.ts"
import * as T from "../../support/Rules.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Few names, incarnations and addresses, so that they meet often. Node 0 is ourselves. */
const Subject = { node: int(0, 4), incarnation: int(0, 6) }
const AliveEvent = Schema.Struct({
  kind: Schema.Literal("alive"),
  ...Subject,
  addr: int(1, 2),
  meta: int(0, 2),
  sound: Schema.Literals([true, true, true, false])
})
const Accusation = Schema.Struct({ kind: Schema.Literals(["suspect", "dead"]), ...Subject, from: int(0, 4) })
const Merge = Schema.Struct({
  kind: Schema.Literal("merge"),
  rows: Schema.Array(Schema.Struct({ ...Subject, addr: int(1, 2), state: int(0, 4) }))
})
const Expire = Schema.Struct({ kind: Schema.Literal("expire"), passes: int(0, 20_000) })
const Own = Schema.Struct({ kind: Schema.Literals(["announce", "leave"]), meta: int(0, 2) })
const Probe = Schema.Struct({ kind: Schema.Literal("probe"), passes: int(0, 20_000) })
const Event = Schema.Union([AliveEvent, AliveEvent, AliveEvent, Accusation, Accusation, Merge, Expire, Own, Probe])
type Event = typeof Event.Type

const name = (node: number): string => node === 0 ? T.SELF : `n${node}`
const meta = (n: number): Uint8Array | null => n === 0 ? null : Uint8Array.of(n)
const rules = { maxMembers: 4, deadNodeReclaimTime: 5000 }

interface World {
  readonly m: Membership.Membership
  readonly now: number
}

const step = (world: World, event: Event, random: () => number): readonly [World, ReadonlyArray<Directive>] => {
  const now = world.now + (event.kind === "probe" || event.kind === "expire" ? event.passes : 10)
  const env = T.env({ now, random, rules })
  const { m } = world
  const stepped = ([next, directives]: Membership.Step) => [{ m: next, now }, directives] as const
  switch (event.kind) {
    case "alive":
      return stepped(Alive.alive(
        m,
        T.alive(name(event.node), event.incarnation, {
          addr: T.ip(event.addr),
          meta: meta(event.meta),
          vsn: event.sound ? T.VSN : new Uint8Array(5)
        }),
        env
      ))
    case "suspect":
      return stepped(Accuse.suspect(m, T.suspect(name(event.node), event.incarnation, name(event.from)), env))
    case "dead":
      return stepped(Dead.dead(m, T.dead(name(event.node), event.incarnation, name(event.from)), env))
    case "merge":
      return stepped(merge(
        m,
        event.rows.map((row) => T.row(name(row.node), row.incarnation, row.state, { addr: T.ip(row.addr) })),
        env
      ))
    case "expire":
      return stepped(Expiry.expire(m, env))
    case "announce":
      return stepped(T.announce(m, { ...T.own, meta: meta(event.meta) }, env))
    case "leave":
      return stepped(T.leave(m, env))
    case "probe": {
      const [next, directives] = nextProbe(m, env)
      return [{ m: next, now }, directives]
    }
  }
}

/** Runs the events and looks at every step. */
const explore = (
  events: ReadonlyArray<Event>,
  seed: number,
  check: (
    before: Membership.Membership,
    after: Membership.Membership,
    directives: ReadonlyArray<Directive>,
    event: Event,
    now: number
  ) => void
) => {
  const random = T.seeded(seed)
  let world: World = { m: Membership.make(T.SELF), now: 0 }
  for (const event of events) {
    const [next, directives] = step(world, event, random)
    check(world.m, next.m, directives, event, next.now)
    world = next
  }
}

const changes = (directives: ReadonlyArray<Directive>, of: string): ReadonlyArray<Change> =>
  directives.flatMap((directive) =>
    directive._tag === "Publish" && directive.change.entry.name === of ? [directive.change] : []
  )

const gone = (entry: Entry.Entry | undefined) => entry === undefined || entry.state === "dead" || entry.state === "left"

const find = (m: Membership.Membership, name: string) => T.has(m, name) ? T.entry(m, name) : undefined

const sameMeta = (a: Entry.Entry, b: Entry.Entry) => (a.meta?.[0] ?? 0) === (b.meta?.[0] ?? 0)

/** The tags that one change of one entry must publish, in order. */
const expectedChanges = (before: Entry.Entry | undefined, after: Entry.Entry | undefined) => {
  if (after === undefined) return []
  if (gone(after)) return gone(before) ? [] : [after.state === "left" ? "Left" : "Failed"]
  if (after.state === "suspect") return before?.state === "suspect" ? [] : ["Suspected"]
  if (before === undefined || gone(before)) return ["Joined"]
  return [...(before.state === "suspect" ? ["Recovered"] : []), ...(sameMeta(before, after) ? [] : ["Updated"])]
}

const inputs = [Arbitrary.array(Arbitrary.schema(Event), { maxLength: 80 }), int(0, 1_000_000)] as const
const options = { arbitrary: { runs: 300, size: 80 } }

describe("Membership", () => {
  it.prop(
    "the ring names exactly the entries, once each",
    [...inputs],
    ([events, seed]) =>
      explore(events, seed, (_, m) => {
        assert.deepStrictEqual([...m.ring.names].sort(), m.entries.values().map(({ name }) => name).sort())
        assert.isTrue(m.ring.index >= 0 && m.ring.index <= m.ring.names.length)
        assert.isTrue(m.entries.size <= rules.maxMembers)
      }),
    options
  )

  it.prop(
    "an incarnation falls only when a free name moves to another address",
    [...inputs],
    ([events, seed]) =>
      explore(events, seed, (before, after, directives) => {
        for (const entry of after.entries.values()) {
          const previous = find(before, entry.name)
          if (previous === undefined || entry.incarnation >= previous.incarnation) continue
          const moved = directives.some((directive) =>
            directive._tag === "Reclaimed" && directive.existing.name === entry.name
          )
          assert.isTrue(moved, `${entry.name} fell from ${previous.incarnation} to ${entry.incarnation}`)
        }
        assert.isTrue(after.incarnation >= before.incarnation)
      }),
    options
  )

  it.prop(
    "we are alive in our own eyes, at the incarnation we announced, unless we left",
    [...inputs],
    ([events, seed]) =>
      explore(events, seed, (before, m) => {
        if (T.has(before, T.SELF)) assert.isTrue(T.has(m, T.SELF))
        if (!T.has(m, T.SELF)) return
        const self = T.entry(m, T.SELF)
        assert.strictEqual(self.state, isOutside(m.stage) ? "left" : "alive")
        if (!isOutside(m.stage)) assert.strictEqual(self.incarnation, m.incarnation)
      }),
    options
  )

  it.prop(
    "every change of one member is published once, and nothing else is",
    [...inputs],
    ([events, seed]) =>
      explore(events, seed, (before, after, directives, event) => {
        if (event.kind === "merge") return
        for (const node of [0, 1, 2, 3, 4]) {
          const [was, is] = [find(before, name(node)), find(after, name(node))]
          const published = changes(directives, name(node))
          assert.deepStrictEqual(published.map((change) => change._tag), expectedChanges(was, is))
          for (const change of published) assert.strictEqual(change.entry, is)
        }
      }),
    options
  )

  it.prop("replaying what is published gives the member list", [...inputs], ([events, seed]) => {
    const list = new Map<string, Entry.Entry["state"]>()
    explore(events, seed, (_, after, directives) => {
      for (const directive of directives) {
        if (directive._tag !== "Publish") continue
        const { _tag, entry } = directive.change
        const listed = list.get(entry.name)
        if (_tag === "Joined") assert.isUndefined(listed)
        else assert.isDefined(listed)
        if (_tag === "Suspected") assert.strictEqual(listed, "alive")
        if (_tag === "Recovered") assert.strictEqual(listed, "suspect")
        if (_tag === "Failed" || _tag === "Left") list.delete(entry.name)
        else list.set(entry.name, entry.state)
      }
      const members = Membership.members(after).map((entry) => [entry.name, entry.state] as const)
      assert.deepStrictEqual(new Map(Array.from(list).sort()), new Map(members.slice().sort()))
    })
  }, options)

  it.prop(
    "no suspicion ends before the next expiry, and whoever expires leaves none that is over",
    [...inputs],
    ([events, seed]) =>
      explore(events, seed, (before, after, directives, event, now) => {
        const ends: Array<number> = []
        for (const { state, suspicion } of after.entries.values()) {
          assert.strictEqual(suspicion !== undefined, state === "suspect")
          if (suspicion === undefined) continue
          assert.isAtMost(suspicion.accusers.length, suspicion.k + 1)
          ends.push(Suspicion.expiry(suspicion))
        }
        assert.isAtMost(Expiry.nextExpiry(after), Math.min(...ends))
        if (event.kind !== "expire") return
        assert.isTrue(ends.every((end) => end > now))
        assert.isAbove(Expiry.nextExpiry(after), now)
        const over = before.entries.values().filter(({ suspicion }) =>
          suspicion !== undefined && Suspicion.expiry(suspicion) <= now
        )
        assert.strictEqual(directives.filter(({ _tag }) => _tag === "Publish").length, over.length)
      }),
    options
  )

  it.prop(
    "a claim changes the table and is broadcast, or is ignored with a reason and changes no entry",
    [...inputs],
    ([
      events,
      seed
    ]) =>
      explore(events, seed, (before, after, directives, event) => {
        if (event.kind === "merge" || event.kind === "probe" || event.kind === "expire") return
        if (event.kind === "leave" && before.stage._tag !== "Present") {
          return assert.deepStrictEqual(directives, [])
        }
        const ignored = directives.filter((directive) => directive._tag === "Ignored").length
        const broadcasts = directives.filter((directive) => directive._tag === "Broadcast").length
        assert.strictEqual(ignored + broadcasts, 1)
        if (ignored === 1) assert.strictEqual(after.entries, before.entries)
      }),
    options
  )

  it("lists the living, ourselves included", () => {
    const [m] = T.run(
      T.cluster("a", "b", "c", "d"),
      (m) => Accuse.suspect(m, T.suspect("a", 1, "d"), T.env()),
      (m) => Dead.dead(m, T.dead("b", 1, "d"), T.env()),
      (m) => Dead.dead(m, T.dead("c", 1, "c"), T.env())
    )
    assert.deepStrictEqual(Membership.members(m).map((entry) => entry.name).sort(), ["a", "d", T.SELF])
  })
})
