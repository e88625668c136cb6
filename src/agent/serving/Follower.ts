/**
 * Follows the cluster for the API: since when each member has its state, which members are remembered, and the events
 * as a feed. It keeps a mirror of the list as the events tell it, so that a stream begins with exactly the state that
 * its later events change.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Member, MemberState } from "../../Member.ts"
import type { MemberEvent } from "../../MemberEvent.ts"
import { type LostMember, Memberlist } from "../../Memberlist.ts"
import type { Reachability } from "../../Reachability.ts"
import type { RecoveryEvent } from "../../RecoveryEvent.ts"
import type * as Model from "../Model.ts"
import { type Feed, Feeds, type Written } from "./Feeds.ts"
import * as Presentation from "./Presentation.ts"
import * as Sse from "./Sse.ts"
import { Tally } from "./Tally.ts"

/** What is known of a member beside what the list has. */
interface Seen {
  readonly state: MemberState
  readonly since: number
}

/** A member as text, and what this was made of beside the member, which never changes. */
interface Row {
  readonly since: number | undefined
  readonly reachability: Reachability | undefined
  readonly lostUntil: number | undefined
  readonly text: string
}

/** What a new stream begins with of one member. */
interface Mirrored {
  /** When it was there first, and the number of that event. */
  readonly joinedAt: number
  readonly id: number
  /** As events have told it. */
  member: Member
  suspected: Written | undefined
  impaired: Written | undefined
}

const nobody: ReadonlyMap<string, LostMember> = new Map()

/** Names kept beside the live ones before those that nobody remembers are dropped. */
const SPARE = 1_024

const byName = (a: Member, b: Member): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)

const stateAfter = (event: MemberEvent): MemberState | undefined => {
  switch (event._tag) {
    case "MemberJoined":
    case "MemberRecovered":
      return "alive"
    case "MemberSuspected":
      return "suspect"
    case "MemberFailed":
      return "dead"
    case "MemberLeft":
      return "left"
    case "MemberUpdated":
    case "MemberReachabilityChanged":
    case "MemberConflict":
      return undefined
  }
}

/**
 * What the agent has seen of the cluster.
 *
 * @category services
 * @since 0.1.0
 */
export class Follower extends Context.Service<Follower, {
  /** A member as it is told now. */
  readonly view: (member: Member) => Effect.Effect<Model.MemberView>
  /** Members as they are told now, by name: the JSON of all of them. */
  readonly list: (members: ReadonlyArray<Member>) => Effect.Effect<string>
  /** The names of all that were seen, for as long as the node remembers them. */
  readonly names: Effect.Effect<ReadonlyArray<string>>
  /** The current members, then each change. */
  readonly events: ReturnType<Feed["answer"]>
  readonly startedAt: DateTime.Utc
}>()("effect-memberlist/agent/Follower") {
  static readonly layer: Layer.Layer<Follower, never, Memberlist | Feeds | Tally> = Layer.effect(
    this,
    Effect.gen(function*() {
      const cluster = yield* Memberlist
      const tally = yield* Tally
      const feed = (yield* Feeds).make()
      const clock = yield* Clock.Clock
      const startedAt = clock.currentTimeMillisUnsafe()
      const self = cluster.info.name
      const seen = new Map<string, Seen>()
      const mirrored = new Map<string, Mirrored>()
      let last = 0
      let limit = SPARE
      /** Events that were lost before one that nobody is told of. */
      let unsaid = 0

      const lostOf = Effect.map(cluster.lost, (all) => new Map(all.map((lost) => [lost.member.name, lost])))

      /** What is known of a member beside itself. */
      const beside = (member: Member, lost: ReadonlyMap<string, LostMember>) =>
        Effect.map(cluster.reachability(member.name), (reachability): Presentation.Beside => {
          const { name, state } = member
          const known = seen.get(name)
          const sought = state === "dead" ? lost.get(name) : undefined
          return {
            self,
            since: known?.state === state ? known.since : sought?.since.epochMilliseconds,
            reachability: Presentation.isLive(member) ? reachability : Option.none(),
            lostUntil: sought?.until.epochMilliseconds
          }
        })

      const view = (member: Member) =>
        Effect.gen(function*() {
          const lost = member.state === "dead" ? yield* lostOf : nobody
          return Presentation.member(member, yield* beside(member, lost))
        })

      /**
       * Each row is written once, until it changes: a request for 1,000 members took 10 ms of processor time without,
       * and takes 3 (`bench/agent/list.ts`, its client included).
       */
      const rows = new WeakMap<Member, Row>()
      const rowOf = (member: Member, known: Presentation.Beside): string => {
        const { lostUntil, since } = known
        const reachability = Option.getOrUndefined(known.reachability)
        const row = rows.get(member)
        const isSame = row?.since === since && row?.reachability === reachability && row?.lostUntil === lostUntil
        if (row !== undefined && isSame) return row.text
        const text = JSON.stringify(Presentation.member(member, known))
        rows.set(member, { since, reachability, lostUntil, text })
        return text
      }
      const list = (members: ReadonlyArray<Member>) =>
        Effect.gen(function*() {
          const texts: Array<string> = []
          const lost = members.every(Presentation.isLive) ? nobody : yield* lostOf
          for (const member of members.toSorted(byName)) texts.push(rowOf(member, yield* beside(member, lost)))
          return `[${texts.join(",")}]`
        })

      const past = (member: Member) =>
        Presentation.member(member, { self, since: undefined, reachability: Option.none() })

      const writtenOf = (event: MemberEvent, member: Model.MemberView, at: number, id: number): Written => {
        const told = Presentation.event(event, member, past)
        const time = DateTime.makeUnsafe(at)
        return (missed) => Sse.text(id, event._tag, { ...told, at: time, missed })
      }

      /** Once for all streams that begin with it. */
      const once = (written: Written): Written => {
        let text: string | undefined
        return () => text ??= written(0)
      }

      const reflect = (event: MemberEvent, member: Model.MemberView, at: number): void => {
        const { name } = event.member
        const known = mirrored.get(name)
        const written = once(writtenOf(event, member, at, last))
        if (known !== undefined) known.member = event.member
        switch (event._tag) {
          case "MemberJoined":
            // to the end: the beginning is in the order of time
            mirrored.delete(name)
            return void mirrored.set(name, joined(event.member, at))
          case "MemberUpdated":
            return
          case "MemberFailed":
          case "MemberLeft":
            return void mirrored.delete(name)
          case "MemberSuspected":
            if (known !== undefined) known.suspected = written
            return
          case "MemberRecovered":
            if (known !== undefined) known.suspected = undefined
            return
          case "MemberReachabilityChanged":
            if (known !== undefined) known.impaired = event.reachability.impaired ? written : undefined
            return
          case "MemberConflict":
            return
        }
      }

      const joined = (member: Member, at: number): Mirrored => ({
        joinedAt: at,
        id: last,
        member,
        suspected: undefined,
        impaired: undefined
      })

      /** Drops names that nobody remembers any more, once there may be as many of them as of others. */
      const forget = Effect.gen(function*() {
        if (seen.size <= limit) return
        for (const name of [...seen.keys()]) {
          if (Option.isNone(yield* cluster.member(name))) seen.delete(name)
        }
        limit = seen.size * 2 + SPARE
      })

      /** The agent itself lost events: what it mirrors is read again. */
      const resume = Effect.gen(function*() {
        const members = yield* cluster.members
        const live = new Set(members.map(({ name }) => name))
        for (const name of mirrored.keys()) {
          if (!live.has(name)) mirrored.delete(name)
        }
        const at = clock.currentTimeMillisUnsafe()
        for (const member of members) {
          if (seen.get(member.name)?.state !== member.state) seen.set(member.name, { state: member.state, since: at })
          const { id, joinedAt } = mirrored.get(member.name) ?? joined(member, at)
          mirrored.set(member.name, { ...joined(member, joinedAt), id })
        }
      })

      const take = (event: MemberEvent) =>
        Effect.gen(function*() {
          const at = clock.currentTimeMillisUnsafe()
          const state = stateAfter(event)
          const { name } = event.member
          // those that were there before are told of first, and were seen now
          if (state !== undefined && seen.get(name)?.state !== state) seen.set(name, { state, since: at })
          if (event.missed > 0) {
            tally.add("unsent", undefined, event.missed)
            yield* resume
          }
          unsaid += event.missed
          if (event._tag === "MemberUpdated" && Presentation.isSame(event.member, event.previous)) {
            // what topics say to each other in the metadata is no news to people
            const known = mirrored.get(name)
            if (known !== undefined) known.member = event.member
            return
          }
          const member = yield* view(event.member)
          last++
          reflect(event, member, at)
          const before = unsaid
          unsaid = 0
          const written = writtenOf(event, member, at, last)
          feed.publish((missed) => written(before + missed))
          yield* forget
        })

      const takeRecovery = (event: RecoveryEvent) =>
        Effect.sync(() => {
          const id = ++last
          const at = DateTime.makeUnsafe(clock.currentTimeMillisUnsafe())
          if (event.missed > 0) tally.add("unsent", undefined, event.missed)
          const told = Presentation.recovery(event)
          feed.publish((missed) => Sse.text(id, event._tag, { ...told, at, missed: event.missed + missed }))
        })

      yield* Effect.forkScoped(Stream.runForEach(cluster.events, take), { startImmediately: true })
      yield* Effect.forkScoped(Stream.runForEach(cluster.recovery, takeRecovery), { startImmediately: true })

      /** The members there are as they are now, each from the time on that it has been there. */
      const beginning = (current: ReadonlyMap<string, string>): ReadonlyArray<string> => {
        const texts: Array<string> = []
        for (const [name, { id, impaired, joinedAt, member, suspected }] of mirrored) {
          // one that is gone meanwhile: the next event says so
          const row = current.get(name) ?? JSON.stringify(past(member))
          const at = JSON.stringify(DateTime.makeUnsafe(joinedAt))
          texts.push(Sse.written(id, "MemberJoined", `{"member":${row},"at":${at},"missed":0}`))
          if (suspected !== undefined) texts.push(suspected(0))
          if (impaired !== undefined) texts.push(impaired(0))
        }
        return texts
      }

      return Follower.of({
        view,
        list,
        names: Effect.sync(() => [...seen.keys()]),
        events: Effect.gen(function*() {
          const current = new Map<string, string>()
          for (const member of yield* cluster.members) {
            current.set(member.name, rowOf(member, yield* beside(member, nobody)))
          }
          return yield* feed.answer(() => beginning(current))
        }),
        startedAt: DateTime.makeUnsafe(startedAt)
      })
    })
  )
}
