/**
 * Why a call has no result: what Effect's client says of it, as an error that names the member.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Inspectable from "effect/Inspectable"
import { RpcClientError } from "effect/rpc/RpcClientError"
import { CallBroken, CallDied, RequestTooLarge } from "./CallError.ts"
import type { Flight } from "./Flights.ts"
import { OverLimit } from "./Wiring.ts"

/** Characters kept of what a member says went wrong. */
const MAX_REASON = 1_024

/** What went wrong as text. It may come from a member, and cannot always be converted. */
const textOf = (error: unknown): string => {
  try {
    return (error instanceof Error ? error.message : Inspectable.toStringUnknown(error)).slice(0, MAX_REASON)
  } catch {
    // lists in lists, deeper than the stack
    return "what cannot be shown"
  }
}

/** An error, and what it says that it was caused by: over HTTP the system's own words come third. */
const causesOf = (error: unknown): ReadonlyArray<object> => {
  const causes: Array<object> = []
  for (let at = error; typeof at === "object" && at !== null && causes.length < MAX_CAUSES;) {
    causes.push(at)
    at = "cause" in at ? at.cause : undefined
  }
  return causes
}

const MAX_CAUSES = 5

/** Whether a connection was never open, so that nothing can have been sent: as the socket, Node.js or Undici say. */
const neverOpen = ({ reason }: RpcClientError): boolean =>
  reason._tag === "SocketOpenError"
  || causesOf(reason).some((cause) =>
    ("syscall" in cause && cause.syscall === "connect")
    || ("code" in cause && cause.code === "UND_ERR_CONNECT_TIMEOUT")
  )

/** Why a connection failed: what the system said, where it said something. */
const brokenBy = ({ message, reason }: RpcClientError): string => {
  const cause = causesOf(reason).findLast((one) => one instanceof Error)
  return cause === undefined || cause === reason ? message.slice(0, MAX_REASON) : `${reason._tag}: ${textOf(cause)}`
}

/** Returns what a call failed with, as an error of ours where it is not one of its own. */
export const explain = (
  calls: string,
  { address, member, sent }: Flight,
  cause: Cause.Cause<unknown>
): Cause.Cause<unknown> => {
  const about = { member: member.name, calls }
  for (const reason of cause.reasons) {
    if (Cause.isFailReason(reason)) {
      const { error } = reason
      // what came beside an error of the group, a defect or an interruption, is not passed on
      if (!(error instanceof RpcClientError)) return sent ? Cause.fromReasons([reason]) : cause
      const mayHaveRun = sent && !neverOpen(error)
      return Cause.fail(new CallBroken({ ...about, address, reason: brokenBy(error), mayHaveRun }))
    }
    if (Cause.isDieReason(reason)) {
      const { defect } = reason
      if (defect instanceof OverLimit) {
        return Cause.fail(new RequestTooLarge({ ...about, size: defect.size, limit: defect.limit }))
      }
      // before that it is a defect of this program: a payload that its schema does not encode
      if (!sent) break
      return Cause.fail(new CallDied({ ...about, reason: `it died there: ${textOf(defect)}`, mayHaveRun: true }))
    }
  }
  const isEmpty = cause.reasons.length === 0
  // Who interrupts this caller ends it without asking: an interruption that arrives here came from the member.
  if (!isEmpty && !Cause.hasInterruptsOnly(cause)) return cause
  return Cause.fail(
    sent
      ? new CallDied({
        ...about,
        reason: isEmpty ? "it failed there, without a reason" : "it was interrupted there",
        mayHaveRun: true
      })
      : new CallBroken({ ...about, address, reason: "the connection was given up", mayHaveRun: false })
  )
}
