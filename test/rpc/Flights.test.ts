/** What ends a call, event by event: the order in which a state and the news of it arrive is chosen here. */
import { assert, describe, it } from "@effect/vitest"
import type * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Member, type MemberState } from "../../src/Member.ts"
import { type MemberEvent, MemberFailed, MemberJoined, MemberLeft } from "../../src/MemberEvent.ts"
import * as Flights from "../../src/rpc/Flights.ts"
import { Verdict } from "../../src/Verdict.ts"

const memberAt = (incarnation: number, state: MemberState = "alive", port = 7946): Member =>
  new Member({
    name: "b",
    addr: Uint8Array.of(10, 0, 0, 2),
    port,
    meta: new Uint8Array(0),
    state,
    incarnation,
    versions: { min: 1, max: 5, current: 2, delegateMin: 0, delegateMax: 0, delegateCurrent: 0 }
  })

const verdict = new Verdict({
  node: "a",
  member: "b",
  incarnation: 1,
  outcome: "failed",
  reason: "Expired",
  from: "a",
  at: DateTime.makeUnsafe(0),
  suspicion: undefined,
  probe: undefined,
  health: 0
})
const failed = (member: Member) => new MemberFailed({ member, missed: 0, from: "c", accusers: [], verdict })
const left = (member: Member) => new MemberLeft({ member, missed: 0, verdict })
const joined = (member: Member, missed = 0) => new MemberJoined({ member, missed })

/** A cluster of one member, which is what it is made to be, and whose news comes when it is sent. */
const world = Effect.gen(function*() {
  const events = yield* Queue.unbounded<MemberEvent, Cause.Done>()
  const known = new Map<string, Member>()
  const cluster = {
    events: Stream.fromQueue(events),
    member: (name: string) => Effect.sync(() => Option.fromUndefinedOr(known.get(name)))
  }
  const scope = yield* Scope.make()
  const flights = yield* Scope.provide(Flights.make("calls", cluster, ({ address }) => address), scope)
  const begin = (member: Member) => flights.begin(member, member.address)
  const news = (event: MemberEvent) =>
    Effect.andThen(
      Effect.sync(() => Queue.offerUnsafe(events, event)),
      Effect.repeat(Effect.yieldNow, { times: 20 })
    )
  return { known, begin, news, close: Scope.close(scope, Exit.void) }
})

const endOf = ({ ended }: Flights.Flight): string => {
  const poll = Deferred.isDoneUnsafe(ended) ? Effect.runSyncExit(Deferred.await(ended)) : undefined
  if (poll === undefined) return "under way"
  const error = Option.getOrUndefined(Exit.findErrorOption(poll))
  return error === undefined ? "?" : error._tag === "MemberGone" ? error.became : error._tag
}

describe("a call that is under way", () => {
  it.effect("ends with its member, and not the one to the member that came back before the news of that was read", () =>
    Effect.gen(function*() {
      const { begin, known, news } = yield* world
      known.set("b", memberAt(1))
      const before = yield* begin(memberAt(1))
      // failed and back, at the same address
      known.set("b", memberAt(3))
      const after = yield* begin(memberAt(3))
      yield* news(failed(memberAt(1, "dead")))
      assert.deepStrictEqual([endOf(before), endOf(after)], ["failed", "under way"])
      yield* news(joined(memberAt(3)))
      assert.strictEqual(endOf(after), "under way")
      yield* news(left(memberAt(3, "left")))
      assert.strictEqual(endOf(after), "left")
    }))

  it.effect("ends as it begins where its member was gone since the address was read", () =>
    Effect.gen(function*() {
      const { begin, known } = yield* world
      const ends: Array<string> = []
      for (
        const now of [
          undefined,
          memberAt(1, "dead"),
          memberAt(1, "left"),
          memberAt(2, "alive", 80),
          memberAt(1, "suspect")
        ]
      ) {
        if (now === undefined) known.delete("b")
        else known.set("b", now)
        ends.push(endOf(yield* begin(memberAt(1))))
      }
      assert.deepStrictEqual(ends, ["failed", "failed", "left", "moved", "under way"])
    }))

  it.effect("ends where the news was lost because the reader was slow", () =>
    Effect.gen(function*() {
      const { begin, known, news } = yield* world
      known.set("b", memberAt(1))
      const flight = yield* begin(memberAt(1))
      known.set("b", memberAt(1, "dead"))
      const other = new Member({ ...memberAt(1), name: "c" })
      yield* news(joined(other))
      assert.strictEqual(endOf(flight), "under way")
      yield* news(joined(other, 7))
      assert.strictEqual(endOf(flight), "failed")
    }))

  it.effect("is forgotten with its scope, and ends with the layer", () =>
    Effect.gen(function*() {
      const { begin, close, known, news } = yield* world
      known.set("b", memberAt(1))
      const over = yield* Effect.scoped(begin(memberAt(1)))
      const flight = yield* begin(memberAt(1))
      yield* close
      assert.deepStrictEqual([endOf(over), endOf(flight)], ["under way", "CallsClosed"])
      const late = yield* Effect.flip(begin(memberAt(1)))
      assert.deepInclude({ ...late }, { _tag: "CallsClosed", member: "b", mayHaveRun: false })
      yield* news(joined(memberAt(2)))
    }))
})
