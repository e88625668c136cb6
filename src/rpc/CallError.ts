/**
 * Every way in which a call to a member fails, as tagged Schema errors that name the member and what would be right.
 *
 * `mayHaveRun` says whether the member may have begun with the call. Where it is false, calling again does no harm.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { name, sentence } from "../base/PlainText.ts"
import { UnknownMember } from "../MemberlistError.ts"

const call = {
  /** The member that was called. */
  member: Schema.String,
  /** The name of the calls, as `MemberRpc.make` was given it. */
  calls: Schema.String
}

const doubt = (mayHaveRun: boolean) => mayHaveRun ? "it may have run there" : "it has not run there"

const what = ({ calls, member }: { readonly calls: string; readonly member: string }) =>
  `"${name(calls)}" of member "${name(member)}"`

/**
 * A live member does not announce that it serves these calls. Nothing was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotServing extends Schema.TaggedError<NotServing>()("NotServing", call) {
  override get message() {
    return `member "${name(this.member)}" does not serve "${name(this.calls)}"; expected one that builds its layer `
      + "\"serve\", and that the news of it has reached us"
  }
}

/**
 * What a member announces is no address that could be called. Nothing was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class EndpointInvalid extends Schema.TaggedError<EndpointInvalid>()("EndpointInvalid", {
  ...call,
  /** What it announces, as text. */
  value: Schema.String,
  expected: Schema.String
}) {
  override get message() {
    return `${what(this)} cannot be called at ${sentence(this.value)}; expected ${this.expected}`
  }
}

/**
 * The address that a member announces is not one that `cidrsAllowed` admits. Nothing was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class EndpointRefused extends Schema.TaggedError<EndpointRefused>()("EndpointRefused", {
  ...call,
  address: Schema.String
}) {
  override get message() {
    return `${what(this)} is not called at ${sentence(this.address)}; expected an address in the networks of `
      + "cidrsAllowed"
  }
}

/**
 * As many members are being called as `maxClients` allows. Nothing was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class ClientsFull extends Schema.TaggedError<ClientsFull>()("ClientsFull", { ...call, limit: Schema.Int }) {
  override get message() {
    return `no connection for ${what(this)}: ${this.limit} are open, and calls are under way on each; call fewer `
      + "members at once, or raise maxClients"
  }
}

/**
 * A request that is larger than a message may be. Nothing was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class RequestTooLarge extends Schema.TaggedError<RequestTooLarge>()("RequestTooLarge", {
  ...call,
  size: Schema.Int,
  limit: Schema.Int
}) {
  override get message() {
    return `a request to ${what(this)} has ${this.size} bytes or characters; at most ${this.limit} fit: send less, or `
      + "raise maxMessageSize at both ends"
  }
}

/**
 * The member was declared dead, said goodbye, or serves at another address now: whoever was to answer is gone.
 * Suspicion ends no call.
 *
 * @category errors
 * @since 0.1.0
 */
export class MemberGone extends Schema.TaggedError<MemberGone>()("MemberGone", {
  ...call,
  became: Schema.Literals(["failed", "left", "moved"]),
  mayHaveRun: Schema.Boolean
}) {
  override get message() {
    const why = { failed: "has failed", left: "has left", moved: "serves at another address now" }[this.became]
    return `a call to ${what(this)} ended, because the member ${why}; ${doubt(this.mayHaveRun)}`
  }
}

/**
 * The connection to the member could not be opened, or broke before the answer, or what came over it was no answer.
 *
 * @category errors
 * @since 0.1.0
 */
export class CallBroken extends Schema.TaggedError<CallBroken>()("CallBroken", {
  ...call,
  address: Schema.String,
  reason: Schema.String,
  mayHaveRun: Schema.Boolean
}) {
  override get message() {
    return `a call to ${what(this)} at ${sentence(this.address)} broke: ${sentence(this.reason)}; ${
      doubt(this.mayHaveRun)
    }`
  }
}

/**
 * The member answered that the call died or was interrupted there, or its answer does not decode.
 *
 * @category errors
 * @since 0.1.0
 */
export class CallDied extends Schema.TaggedError<CallDied>()("CallDied", {
  ...call,
  reason: Schema.String,
  mayHaveRun: Schema.Boolean
}) {
  override get message() {
    return `a call to ${what(this)} has no result: ${sentence(this.reason)}; ${doubt(this.mayHaveRun)}`
  }
}

/**
 * The layer was released. Calls that were under way end with it.
 *
 * @category errors
 * @since 0.1.0
 */
export class CallsClosed extends Schema.TaggedError<CallsClosed>()("CallsClosed", {
  ...call,
  mayHaveRun: Schema.Boolean
}) {
  override get message() {
    return `cannot call ${what(this)}: the layer was released; call while it lives; ${doubt(this.mayHaveRun)}`
  }
}

/**
 * A member that `all` asks has not answered until the deadline.
 *
 * @category errors
 * @since 0.1.0
 */
export class DeadlinePassed extends Schema.TaggedError<DeadlinePassed>()("DeadlinePassed", {
  ...call,
  /** Milliseconds, as the deadline was set. */
  deadline: Schema.Number,
  /** Whether its turn came before: `concurrency` are asked at once. */
  asked: Schema.Boolean
}) {
  override get message() {
    const how = this.asked ? "has not answered" : "was not asked"
    return `${what(this)} ${how} within ${this.deadline} ms; expected a longer deadline, or fewer members at once`
  }
}

/**
 * This node cannot listen for calls.
 *
 * @category errors
 * @since 0.1.0
 */
export class ListenFailed extends Schema.TaggedError<ListenFailed>()("ListenFailed", {
  calls: Schema.String,
  /** Where, as far as that is known. */
  address: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `cannot listen for "${name(this.calls)}" at ${sentence(this.address)}: ${sentence(this.reason)}; expected a `
      + "free port of an address that this machine has"
  }
}

/**
 * What a call to one member fails with, beside the errors of the call itself.
 *
 * @category errors
 * @since 0.1.0
 */
export type CallError =
  | UnknownMember
  | NotServing
  | EndpointInvalid
  | EndpointRefused
  | ClientsFull
  | RequestTooLarge
  | MemberGone
  | CallBroken
  | CallDied
  | CallsClosed

const callErrors = [
  UnknownMember,
  NotServing,
  EndpointInvalid,
  EndpointRefused,
  ClientsFull,
  RequestTooLarge,
  MemberGone,
  CallBroken,
  CallDied,
  CallsClosed
]

/**
 * Whether an error is one of a call to a member, and not one of the call itself.
 *
 * @category guards
 * @since 0.1.0
 */
export const isCallError = (error: unknown): error is CallError => callErrors.some((of) => error instanceof of)
