/**
 * Calls the application's delegate. A hook runs outside the critical section; one that dies is logged and counted, and
 * the protocol goes on as if it were absent.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Address from "../Address.ts"
import { Member, type MemberState } from "../Member.ts"
import type { JoinRejected } from "../MemberlistError.ts"
import { type Alive, aliveDefect, type RemoteEntry } from "../swim/Claim.ts"
import type { Entry } from "../swim/Membership.ts"
import type { Node } from "./Node.ts"
import { memberOf } from "./Views.ts"

const noBytes = new Uint8Array(0)

/** Runs a hook; a defect becomes `fallback`. */
export const guard = <A, E>(node: Node, hook: string, effect: Effect.Effect<A, E>, fallback: A): Effect.Effect<A, E> =>
  Effect.catchCause(effect, (cause) => {
    if (!Cause.hasDies(cause)) return Effect.failCause(cause)
    node.counters.count("hook.died", hook)
    return Effect.as(Effect.logError(`the delegate's ${hook} hook died; it is treated as absent`, cause), fallback)
  })

const states: ReadonlyArray<MemberState> = ["alive", "suspect", "dead", "left"]

/** A claim, or a push/pull entry, as the member it describes. */
const describe = (claim: Omit<Alive, "_tag" | "node">, name: string, state: MemberState): Member => {
  const [min = 0, max = 0, current = 0, delegateMin = 0, delegateMax = 0, delegateCurrent = 0] = claim.vsn
  return new Member({
    name,
    addr: claim.addr,
    port: claim.port,
    meta: claim.meta ?? noBytes,
    state,
    incarnation: claim.incarnation,
    versions: { min, max, current, delegateMin, delegateMax, delegateCurrent }
  }, { disableChecks: true })
}

/** Asks whether an alive message may be considered. `undefined` when nobody has to be asked. */
export const admit = (node: Node, claim: Alive): Effect.Effect<boolean> | undefined => {
  const hook = node.delegate.admit
  // A claim that the rules refuse anyway is not shown to the application.
  if (hook === undefined || aliveDefect(claim) !== undefined) return undefined
  return guard(node, "admit", hook(describe(claim, claim.node, "alive")), undefined).pipe(
    Effect.as(true),
    Effect.catch((error: JoinRejected) => {
      node.counters.count("claim.ignored", "NotAdmitted")
      return Effect.as(
        Effect.logWarning(`the delegate did not admit ${claim.node}: ${error.reason}`),
        false
      )
    })
  )
}

/** Asks whether a joining push/pull may be merged. */
export const merge = (node: Node, remote: ReadonlyArray<RemoteEntry>): Effect.Effect<void, JoinRejected> => {
  const hook = node.delegate.merge
  if (hook === undefined) return Effect.void
  const members = remote.flatMap((entry) => {
    const state = states[entry.state]
    return state === undefined ? [] : [describe(entry, entry.name, state)]
  })
  return guard(node, "merge", hook(members), undefined)
}

export const conflict = (node: Node, existing: Entry, other: Alive): Effect.Effect<void> => {
  const otherMember = describe(other, other.node, "alive")
  node.counters.count("member.conflict")
  const report = Effect.logError(
    `two nodes claim the name ${existing.name}: ${
      Address.format(existing.endpoint)
    } keeps it, ${otherMember.address} is ignored; give one of them another name`
  )
  const hook = node.delegate.conflict
  if (hook === undefined) return report
  const call = guard(node, "conflict", hook(memberOf(existing), otherMember), undefined)
  return Effect.andThen(report, Effect.asVoid(FiberSet.run(node.tasks, call)))
}

/** What to send with an ack; `null` for nothing. */
export const ackPayload = (node: Node): Effect.Effect<Uint8Array | null> =>
  node.delegate.ackPayload === undefined
    ? Effect.succeed(null)
    : guard(node, "ackPayload", node.delegate.ackPayload, noBytes)

export const pingComplete = (
  node: Node,
  entry: Entry,
  roundTripMillis: number,
  payload: Uint8Array | null
): Effect.Effect<void> => {
  const hook = node.delegate.pingComplete
  if (hook === undefined) return Effect.void
  const call = hook(memberOf(entry), Duration.millis(Math.max(0, roundTripMillis)), payload ?? noBytes)
  return Effect.asVoid(FiberSet.run(node.tasks, guard(node, "pingComplete", call, undefined)))
}

export const localState = (node: Node, join: boolean): Effect.Effect<Uint8Array> =>
  node.delegate.localState === undefined
    ? Effect.succeed(noBytes)
    : guard(node, "localState", node.delegate.localState(join), noBytes)

export const mergeRemoteState = (node: Node, state: Uint8Array, join: boolean): Effect.Effect<void> => {
  const hook = node.delegate.mergeRemoteState
  if (hook === undefined || state.length === 0) return Effect.void
  return guard(node, "mergeRemoteState", hook(state, join), undefined)
}
