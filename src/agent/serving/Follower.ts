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
import { Memberlist } from "../../Memberlist.ts"
import type { Reachability } from "../../Reachability.ts"
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
  readonly text: string
}

/** What a new stream begins with of one member. */
interface Mirrored {
  joined: Written
  suspected: Written | undefined
  impaired: Written | undefined
}

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

      /** What is known of a member beside itself. */
      const beside = (member: Member) =>
        Effect.map(cluster.reachability(member.name), (reachability): Presentation.Beside => {
          const known = seen.get(member.name)
          return {
            self,
            since: known?.state === member.state ? known.since : undefined,
            reachability: Presentation.isLive(member) ? reachability : Option.none()
          }
        })

      const view = (member: Member) => Effect.map(beside(member), (known) => Presentation.member(member, known))

      /**
       * Each row is written once, until it changes: a request for 1,000 members took 10 ms of processor time without,
       * and takes 3 (`bench/agent/list.ts`, its client included).
       */
      const rows = new WeakMap<Member, Row>()
      const rowOf = (member: Member, known: Presentation.Beside): string => {
        const { since } = known
        const reachability = Option.getOrUndefined(known.reachability)
        const row = rows.get(member)
        if (row !== undefined && row.since === since && row.reachability === reachability) return row.text
        const text = JSON.stringify(Presentation.member(member, known))
        rows.set(member, { since, reachability, text })
        return text
      }
      const list = (members: ReadonlyArray<Member>) =>
        Effect.gen(function*() {
          const texts: Array<string> = []
          for (const member of members.toSorted(byName)) texts.push(rowOf(member, yield* beside(member)))
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
        switch (event._tag) {
          case "MemberJoined":
            return void mirrored.set(name, { joined: written, suspected: undefined, impaired: undefined })
          case "MemberUpdated": {
            const joined = once((missed) =>
              Sse.text(last, "MemberJoined", { member, at: DateTime.makeUnsafe(at), missed })
            )
            return void mirrored.set(name, { suspected: undefined, impaired: undefined, ...known, joined })
          }
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
          const told = yield* view(member)
          const joined: Written = (missed) =>
            Sse.text(last, "MemberJoined", { member: told, at: DateTime.makeUnsafe(at), missed })
          mirrored.set(member.name, { joined, suspected: undefined, impaired: undefined })
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
          const member = yield* view(event.member)
          last++
          reflect(event, member, at)
          const written = writtenOf(event, member, at, last)
          feed.publish((missed) => written(event.missed + missed))
          yield* forget
        })

      yield* Effect.forkScoped(Stream.runForEach(cluster.events, take), { startImmediately: true })

      return Follower.of({
        view,
        list,
        names: Effect.sync(() => [...seen.keys()]),
        events: feed.answer(() => {
          const beginning: Array<string> = []
          for (const { impaired, joined, suspected } of mirrored.values()) {
            beginning.push(joined(0))
            if (suspected !== undefined) beginning.push(suspected(0))
            if (impaired !== undefined) beginning.push(impaired(0))
          }
          return beginning
        }),
        startedAt: DateTime.makeUnsafe(startedAt)
      })
    })
  )
}
