/**
 * The calls that are under way, by member, and how the news of a member ends them.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Member } from "../Member.ts"
import type { Memberlist } from "../Memberlist.ts"
import { CallsClosed, MemberGone } from "./CallError.ts"

/** A call that is under way, to a member as it was when the call began. */
export interface Flight {
  readonly member: Member
  /** Where it goes, as text. */
  readonly address: string
  /** Fails when there is nobody any more who could answer. */
  readonly ended: Deferred.Deferred<never, MemberGone | CallsClosed>
  /** Whether the request was handed to the connection. */
  sent: boolean
}

/** The calls that are under way. */
export interface Flights {
  /** Begins a call, which ends with the scope. */
  readonly begin: (member: Member, address: string) => Effect.Effect<Flight, CallsClosed, Scope.Scope>
}

type Became = MemberGone["became"]

const isLive = ({ state }: Member): boolean => state === "alive" || state === "suspect"

/**
 * Follows the cluster until the scope closes, which ends all calls. `addressOf` tells where a member serves now; none
 * where that cannot be told, which ends no call: the connection shows whether the server is still there.
 */
export const make = Effect.fnUntraced(function*(
  calls: string,
  cluster: Pick<Memberlist["Service"], "events" | "member">,
  addressOf: (member: Member) => string | undefined
): Effect.fn.Return<Flights, never, Scope.Scope> {
  const flights = new Map<string, Set<Flight>>()
  let isClosed = false

  const end = (flight: Flight, became: Became) =>
    Deferred.doneUnsafe(
      flight.ended,
      Exit.fail(new MemberGone({ member: flight.member.name, calls, became, mayHaveRun: flight.sent }))
    )

  /** Ends a call whose member is, by what is known now, not where the call went. */
  const judge = (flight: Flight, found: Option.Option<Member>): void => {
    if (Option.isNone(found)) return void end(flight, "failed")
    const now = found.value
    if (!isLive(now)) return void end(flight, now.state === "left" ? "left" : "failed")
    const address = addressOf(now)
    if (address !== undefined && address !== flight.address) end(flight, "moved")
  }

  const look = (name: string) => {
    const under = flights.get(name)
    return under === undefined
      ? Effect.void
      : Effect.map(cluster.member(name), (found) => under.forEach((flight) => judge(flight, found)))
  }

  /**
   * Ends the calls that were begun before the member was gone. It may be back already, and those to the member that
   * came back go on: its incarnation is higher.
   */
  const gone = ({ incarnation, name }: Member, became: Became): void => {
    for (const flight of flights.get(name) ?? []) {
      if (flight.member.incarnation <= incarnation) end(flight, became)
    }
  }

  yield* Stream.runForEach(cluster.events, (event) =>
    Effect.suspend(() => {
      if (event._tag === "MemberFailed") gone(event.member, "failed")
      if (event._tag === "MemberLeft") gone(event.member, "left")
      return event.missed > 0
        ? Effect.forEach([...flights.keys()], look, { discard: true })
        : look(event.member.name)
    }).pipe(
      // one that is not understood must not hide those after it
      Effect.ignoreCause({ log: "Warn", message: "what happened to a member ended no call" })
    )).pipe(Effect.forkScoped({ startImmediately: true }))

  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      isClosed = true
      for (const under of flights.values()) {
        for (const { ended, member, sent } of under) {
          Deferred.doneUnsafe(ended, Exit.fail(new CallsClosed({ member: member.name, calls, mayHaveRun: sent })))
        }
      }
    })
  )

  const enter = (member: Member, address: string) =>
    Effect.suspend((): Effect.Effect<Flight, CallsClosed> => {
      if (isClosed) return Effect.fail(new CallsClosed({ member: member.name, calls, mayHaveRun: false }))
      const flight = { member, address, ended: Deferred.makeUnsafe<never, MemberGone | CallsClosed>(), sent: false }
      const under = flights.get(member.name) ?? new Set()
      flights.set(member.name, under.add(flight))
      return Effect.succeed(flight)
    })

  const leave = (flight: Flight) =>
    Effect.sync(() => {
      const under = flights.get(flight.member.name)
      under?.delete(flight)
      if (under?.size === 0) flights.delete(flight.member.name)
    })

  return {
    begin: (member, address) =>
      Effect.tap(
        Effect.acquireRelease(enter(member, address), leave),
        // what happened since the address was read was told before the call was here
        (flight) => Effect.map(cluster.member(member.name), (found) => judge(flight, found))
      )
  }
})
