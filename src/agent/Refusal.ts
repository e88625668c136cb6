/**
 * The errors of the API: those of the library, and those of a request that does not get so far, each with its HTTP
 * status and with its message for people.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { name, sentence } from "../base/PlainText.ts"
import * as Errors from "../MemberlistError.ts"
import * as Meta from "../MemberMeta.ts"
import * as Topic from "../Topic.ts"
import * as Wording from "./Wording.ts"

/**
 * Returns an error as it is answered: with this status, its fields, and a message for who called the API. A client gets
 * the error itself.
 */
const answered = <Self extends Error>(
  status: number,
  error:
    & { readonly fields: Schema.Struct.Fields; new(props: never): Self }
    & Schema.Codec<Self, unknown>
): Schema.Codec<Self, unknown> => {
  type Fields = Readonly<Record<string, unknown>>
  // the fields of each error are data: none of their schemas needs a service
  const told = Schema.Struct({
    ...error.fields,
    message: Schema.String
  }) as Schema.Top as Schema.Codec<Fields, Fields>
  return told.pipe(
    Schema.decodeTo(
      Schema.toType(error),
      SchemaTransformation.transform<Self, Fields>({
        decode: ({ message: _, ...fields }) => new error(fields as never),
        encode: (self) => Object.fromEntries([...Object.entries(self), ["message", Wording.of(self, "http")]])
      })
    ),
    HttpApiSchema.status(status)
  )
}

/**
 * The request cannot be understood: a parameter, a header or the body is not what it should be.
 *
 * @category errors
 * @since 0.1.0
 */
export class RequestInvalid extends Schema.TaggedError<RequestInvalid>()("RequestInvalid", {
  reason: Schema.String
}) {
  override get message() {
    return `the request cannot be understood: ${sentence(this.reason)}`
  }
}

/**
 * The call needs a token, and came without one or with another.
 *
 * @category errors
 * @since 0.1.0
 */
export class TokenRequired extends Schema.TaggedError<TokenRequired>()("TokenRequired", {
  given: Schema.Boolean
}) {
  override get message() {
    return `${
      this.given ? "this is not the agent's token" : "the agent wants its token"
    }; expected a header "Authorization: Bearer …" with the text of MEMBERLIST_HTTP_TOKEN at the agent`
  }
}

/**
 * The request comes from a page of another site, or under a name that is not the agent's.
 *
 * @category errors
 * @since 0.1.0
 */
export class OriginRefused extends Schema.TaggedError<OriginRefused>()("OriginRefused", {
  header: Schema.Literals(["Host", "Origin", "Sec-Fetch-Site"]),
  value: Schema.String,
  expected: Schema.String
}) {
  override get message() {
    return `${this.header} is "${sentence(this.value)}"; expected ${this.expected}`
  }
}

/**
 * The body is of a kind that the API does not read.
 *
 * @category errors
 * @since 0.1.0
 */
export class ContentTypeRefused extends Schema.TaggedError<ContentTypeRefused>()("ContentTypeRefused", {
  value: Schema.String
}) {
  override get message() {
    return `Content-Type is "${sentence(this.value)}"; expected "application/json"`
  }
}

/**
 * The agent has not joined so far, gave up joining, or has left.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotServing extends Schema.TaggedError<NotServing>()("NotServing", {
  state: Schema.Literals(["Trying", "GaveUp", "Left"])
}) {
  override get message() {
    const why = {
      Trying: "nobody has been joined so far",
      GaveUp: "nobody could be joined, and it is not tried any more",
      Left: "the agent has left its cluster"
    }[this.state]
    return `not ready: ${why}; GET /v1/health tells more`
  }
}

/**
 * Something went wrong inside the agent; its log has the cause.
 *
 * @category errors
 * @since 0.1.0
 */
export class AgentDefect extends Schema.TaggedError<AgentDefect>()("AgentDefect", {}) {
  override get message() {
    return "something went wrong inside the agent; its log tells what"
  }
}

/**
 * The body is too long.
 *
 * @category errors
 * @since 0.1.0
 */
export class BodyTooLarge extends Schema.TaggedError<BodyTooLarge>()("BodyTooLarge", { limit: Schema.Int }) {
  override get message() {
    return `the body is too long; at most ${this.limit} bytes fit`
  }
}

/**
 * The agent serves as many requests or streams at once as it may.
 *
 * @category errors
 * @since 0.1.0
 */
export class TooMany extends Schema.TaggedError<TooMany>()("TooMany", {
  what: Schema.Literals(["requests", "requests on one connection", "streams", "topics", "checks"]),
  limit: Schema.Int
}) {
  override get message() {
    const what = this.limit === 1 ? this.what.replace(/s$/, "") : this.what
    return `the agent has ${this.limit} ${what} at once already; try again later`
  }
}

/**
 * There is nothing at this path.
 *
 * @category errors
 * @since 0.1.0
 */
export class PathUnknown extends Schema.TaggedError<PathUnknown>()("PathUnknown", {
  method: Schema.String,
  path: Schema.String
}) {
  override get message() {
    return `nothing is at ${this.method} ${sentence(this.path)}; /openapi.json lists all there is`
  }
}

/**
 * The member is known, and the agent knows nothing of it that would need a reason.
 *
 * @category errors
 * @since 0.1.0
 */
export class VerdictUnknown extends Schema.TaggedError<VerdictUnknown>()("VerdictUnknown", {
  member: Schema.String
}) {
  override get message() {
    return `there is no verdict about "${name(this.member)}": this agent has not seen it suspected, failed or leaving, `
      + "or has forgotten that since"
  }
}

/**
 * No key of the ring has this fingerprint.
 *
 * @category errors
 * @since 0.1.0
 */
export class KeyUnknown extends Schema.TaggedError<KeyUnknown>()("KeyUnknown", { fingerprint: Schema.String }) {
  override get message() {
    return `no key of the ring has the fingerprint "${sentence(this.fingerprint)}"; GET /v1/keys lists those there are`
  }
}

/**
 * The ring has no keys, and a first one would cut the agent off from members that do not seal what they send.
 *
 * @category errors
 * @since 0.1.0
 */
export class EncryptionOff extends Schema.TaggedError<EncryptionOff>()("EncryptionOff", {}) {
  override get message() {
    return "the agent does not encrypt, and a first key would cut it off from those who do not either; expected "
      + "{ \"key\": …, \"use\": true } where that is wanted (docs/configuration.md has the way without a gap)"
  }
}

/** 400: what was asked for cannot be. */
export const requestInvalid = answered(400, RequestInvalid)
/** 400 */
export const addressInvalid = answered(400, Errors.AddressInvalid)
/** 400 */
export const keyInvalid = answered(400, Errors.KeyInvalid)
/** 400 */
export const nodeNameRequired = answered(400, Errors.NodeNameRequired)
/** 400 */
export const topicInvalid = answered(400, Topic.TopicInvalid)
/** 401 */
export const tokenRequired = answered(401, TokenRequired)
/** 403 */
export const originRefused = answered(403, OriginRefused)
/** 404 */
export const unknownMember = answered(404, Errors.UnknownMember)
/** 404 */
export const verdictUnknown = answered(404, VerdictUnknown)
/** 404 */
export const keyUnknown = answered(404, KeyUnknown)
/** 404 */
export const pathUnknown = answered(404, PathUnknown)
/** 409: not in the state that the node is in. */
export const notParticipating = answered(409, Errors.NotParticipating)
/** 409 */
export const keyringRefused = answered(409, Errors.KeyringRefused)
/** 409 */
export const encryptionOff = answered(409, EncryptionOff)
/** 409 */
export const metaForeign = answered(409, Topic.MetaForeign)
/** 415 */
export const contentTypeRefused = answered(415, ContentTypeRefused)
/** 500 */
export const agentDefect = answered(500, AgentDefect)
/** 413 */
export const bodyTooLarge = answered(413, BodyTooLarge)
/** 409 */
export const topicTaken = answered(409, Topic.TopicTaken)
/** 413 */
export const metaTooLarge = answered(413, Errors.MetaTooLarge)
/** 413 */
export const metaFull = answered(413, Meta.MetaFull)
/** 413 */
export const messageTooLarge = answered(413, Errors.MessageTooLarge)
/** 413 */
export const valueTooLarge = answered(413, Topic.ValueTooLarge)
/** 429 */
export const tooMany = answered(429, TooMany)
/** 502: another member, or the network, is in the way. */
export const transportError = answered(502, Errors.TransportError)
/** 502 */
export const joinFailed = answered(502, Errors.JoinFailed)
/** 503 */
export const memberlistClosed = answered(503, Errors.MemberlistClosed)
/** 503 */
export const topicClosed = answered(503, Topic.TopicClosed)
/** 503 */
export const notServing = answered(503, NotServing)
/** 504 */
export const pingTimeout = answered(504, Errors.PingTimeout)
