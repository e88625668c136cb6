/**
 * Every way this library can refuse or fail, as tagged Schema errors. Each names the value at fault and what would be
 * right, so that its `message` is enough to fix the program or the operation. The fields are what came; the `message`
 * is for people, and shows text of others plainly (`PlainText`).
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Inspectable from "effect/Inspectable"
import * as Schema from "effect/Schema"
import { mentions, name, sentence, without } from "./base/PlainText.ts"

/** Any cause as text; some values cannot be converted, and an error must not fail to tell what it is. */
const causeText = (cause: unknown): string =>
  sentence(
    cause instanceof Error ? cause.message : typeof cause === "string" ? cause : Inspectable.toStringUnknown(cause)
  )

/** A cause without the address, which the message has already. */
const causeBeside = (address: string, cause: unknown): string => without(causeText(cause), sentence(address))

const bytesMessage = (what: string, size: number, limit: number) => `${what} is ${size} bytes; at most ${limit} fit`

/**
 * A configuration value that cannot work, alone or together with another.
 *
 * @category errors
 * @since 0.1.0
 */
export class ConfigInvalid extends Schema.TaggedError<ConfigInvalid>()("ConfigInvalid", {
  /** The field, as `MemberlistConfig` spells it. */
  field: Schema.String,
  /** The value given, as text. */
  value: Schema.String,
  /** What would be right. */
  expected: Schema.String
}) {
  override get message() {
    return `configuration field "${this.field}" is ${sentence(this.value)}; expected ${this.expected}`
  }
}

/**
 * The address or port could not be bound.
 *
 * @category errors
 * @since 0.1.0
 */
export class BindFailed extends Schema.TaggedError<BindFailed>()("BindFailed", {
  address: Schema.String,
  protocol: Schema.Literals(["udp", "tcp"]),
  kind: Schema.Literals(["AddressInUse", "AddressNotAvailable", "PermissionDenied", "Unknown"]),
  cause: Schema.Defect()
}) {
  override get message() {
    const why = {
      AddressInUse: "the port is in use; stop the other program, choose another bindPort, or use 0 for a free one",
      AddressNotAvailable: "this host has no such address; bind one that it has, or 0.0.0.0 for all",
      PermissionDenied: "permission denied; ports below 1024 need privileges",
      Unknown: causeText(this.cause)
    }[this.kind]
    return `cannot bind ${this.protocol} ${sentence(this.address)}: ${why}`
  }
}

/**
 * No address to announce to peers could be found or parsed.
 *
 * @category errors
 * @since 0.1.0
 */
export class AdvertiseAddressInvalid extends Schema.TaggedError<AdvertiseAddressInvalid>()("AdvertiseAddressInvalid", {
  value: Schema.String,
  expected: Schema.String
}) {
  override get message() {
    return `cannot advertise "${sentence(this.value)}"; expected ${this.expected}`
  }
}

/**
 * A key whose length is not an AES key's.
 *
 * @category errors
 * @since 0.1.0
 */
export class KeyInvalid extends Schema.TaggedError<KeyInvalid>()("KeyInvalid", { length: Schema.Int }) {
  override get message() {
    return `a key of ${this.length} bytes; expected 16, 24 or 32 (AES-128, AES-192, AES-256)`
  }
}

/**
 * A keyring operation that would leave the ring unusable.
 *
 * @category errors
 * @since 0.1.0
 */
export class KeyringRefused extends Schema.TaggedError<KeyringRefused>()("KeyringRefused", {
  operation: Schema.Literals(["make", "add", "use", "remove"]),
  expected: Schema.String
}) {
  override get message() {
    return `keyring: cannot ${this.operation}; expected ${this.expected}`
  }
}

/**
 * Member metadata over 512 bytes.
 *
 * @category errors
 * @since 0.1.0
 */
export class MetaTooLarge extends Schema.TaggedError<MetaTooLarge>()("MetaTooLarge", {
  size: Schema.Int,
  limit: Schema.Int
}) {
  override get message() {
    return bytesMessage("member metadata", this.size, this.limit)
  }
}

/**
 * A message that does not fit its carrier: a packet, a stream message, a gossip broadcast.
 *
 * @category errors
 * @since 0.1.0
 */
export class MessageTooLarge extends Schema.TaggedError<MessageTooLarge>()("MessageTooLarge", {
  carrier: Schema.Literals(["packet", "stream", "broadcast"]),
  size: Schema.Int,
  limit: Schema.Int
}) {
  override get message() {
    const advice = this.carrier === "stream" ? "" : "; send it reliably instead"
    return `${bytesMessage(`a ${this.carrier} message`, this.size, this.limit)}${advice}`
  }
}

/**
 * A seed that is not `[name/]host[:port]`.
 *
 * @category errors
 * @since 0.1.0
 */
export class SeedInvalid extends Schema.TaggedError<SeedInvalid>()("SeedInvalid", {
  seed: Schema.String,
  expected: Schema.String
}) {
  override get message() {
    return `seed "${sentence(this.seed)}"; expected ${this.expected}`
  }
}

/**
 * A seed whose host name has no address.
 *
 * @category errors
 * @since 0.1.0
 */
export class SeedUnresolvable extends Schema.TaggedError<SeedUnresolvable>()("SeedUnresolvable", {
  host: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    return `host "${sentence(this.host)}" has no address: ${causeBeside(this.host, this.cause)}`
  }
}

/**
 * The network refused or lost an operation. `scope` tells Lifeguard whose fault it is likely to be: `Remote` errors
 * (a write or a dial that the network rejected) say nothing about our own health, `Local` ones do.
 * memberlist: `failedRemote`.
 *
 * @category errors
 * @since 0.1.0
 */
export class TransportError extends Schema.TaggedError<TransportError>()("TransportError", {
  operation: Schema.Literals(["send", "receive", "open", "accept", "read", "write"]),
  kind: Schema.Literals(["Closed", "Timeout", "Refused", "Unreachable", "TooLarge", "Unknown"]),
  scope: Schema.Literals(["Local", "Remote"]),
  address: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    const why = causeBeside(this.address, this.cause)
    return `${this.operation} ${sentence(this.address)}: ${this.kind.toLowerCase()}${why === "" ? "" : ` (${why})`}`
  }
}

/**
 * A peer's stream answer that cannot be used: malformed, over a limit, encrypted with another key, or of another label.
 *
 * @category errors
 * @since 0.1.0
 */
export class ExchangeRejected extends Schema.TaggedError<ExchangeRejected>()("ExchangeRejected", {
  address: Schema.String,
  /** The reason code, one of `wire`'s rejections or `ClosedWithoutAnswer`, `UnexpectedMessage`. */
  reason: Schema.String,
  expected: Schema.String
}) {
  override get message() {
    return `exchange with ${sentence(this.address)} rejected: ${sentence(this.reason)}; expected ${
      sentence(this.expected)
    }`
  }
}

/**
 * The peer answered with an error message of its own, other than the veto of a delegate of this library.
 *
 * @category errors
 * @since 0.1.0
 */
export class RemoteRefused extends Schema.TaggedError<RemoteRefused>()("RemoteRefused", {
  address: Schema.String,
  remoteMessage: Schema.String
}) {
  override get message() {
    return `${sentence(this.address)} refused: ${sentence(this.remoteMessage)}`
  }
}

/** A member, the version it speaks, and the range that it understands. */
const Speaker = Schema.Struct({ name: Schema.String, current: Schema.Int, min: Schema.Int, max: Schema.Int })

/** Serf fixes these for its members, and so does Consul, which is made of it. */
const SERF = "Serf and Consul need 2, 5, and 4 or 5"

/**
 * A member speaks a version that a living member does not understand, so the two cannot be in one cluster.
 *
 * @category errors
 * @since 0.1.0
 */
export class VersionMismatch extends Schema.TaggedError<VersionMismatch>()("VersionMismatch", {
  kind: Schema.Literals(["protocol", "delegate protocol"]),
  member: Speaker,
  other: Speaker
}) {
  override get message() {
    const { kind, member, other } = this
    const range = ({ max, min }: typeof Speaker.Type) => `${min} to ${max}`
    return `member "${name(member.name)}" speaks ${kind} ${member.current} and understands ${
      range(member)
    }, but member "${name(other.name)}" understands only ${range(other)} and speaks ${other.current}; ${this.advice}`
  }

  private get advice() {
    const { kind, member, other } = this
    if (kind === "protocol") return "expected a protocolVersion that every member understands"
    const unset = [member, other].find(({ max }) => max === 0)
    const example = unset === member ? other : member
    return unset === undefined || example.max === 0
      ? "expected ranges from delegateProtocolMin to delegateProtocolMax that overlap, and a delegateProtocolVersion that is "
        + `in all of them (${SERF})`
      : `on "${name(unset.name)}" set delegateProtocolMin to ${example.min}, delegateProtocolMax to ${example.max} and `
        + `delegateProtocolVersion to ${example.current} (${SERF})`
  }
}

/**
 * A delegate vetoed an admission or a merge: ours, or, when there is a `by`, that of the member at this address.
 *
 * @category errors
 * @since 0.1.0
 */
export class JoinRejected extends Schema.TaggedError<JoinRejected>()("JoinRejected", {
  reason: Schema.String,
  by: Schema.optionalKey(Schema.String)
}) {
  override get message() {
    return this.by === undefined
      ? `rejected: ${sentence(this.reason)}`
      : `rejected by ${sentence(this.by)}: ${sentence(this.reason)}`
  }
}

/**
 * Another live member already has our name at another address.
 *
 * @category errors
 * @since 0.1.0
 */
export class NameConflict extends Schema.TaggedError<NameConflict>()("NameConflict", {
  node: Schema.String,
  ours: Schema.String,
  theirs: Schema.String
}) {
  override get message() {
    return `the name "${name(this.node)}" belongs to ${sentence(this.theirs)}, we are ${
      sentence(this.ours)
    }; expected a name no live member has`
  }
}

/**
 * `requireNodeNames` is on and the address came without a name.
 *
 * @category errors
 * @since 0.1.0
 */
export class NodeNameRequired extends Schema.TaggedError<NodeNameRequired>()("NodeNameRequired", {
  address: Schema.String
}) {
  override get message() {
    return `node names are required by configuration but none was given for ${sentence(this.address)}; expected "name/${
      sentence(this.address)
    }"`
  }
}

/**
 * Why one seed could not be joined.
 *
 * @category errors
 * @since 0.1.0
 */
export const SeedError = Schema.Union([
  SeedInvalid,
  SeedUnresolvable,
  NodeNameRequired,
  TransportError,
  ExchangeRejected,
  RemoteRefused,
  VersionMismatch,
  JoinRejected,
  NameConflict
])
/** @since 0.1.0 */
export type SeedError = typeof SeedError.Type

/**
 * Nobody was joined within `readyTimeout`, after which the node goes on trying, or before the `joinSchedule` ended.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotReady extends Schema.TaggedError<NotReady>()("NotReady", {
  reason: Schema.Literals(["Timeout", "GaveUp"]),
  attempts: Schema.Int,
  /** What stood in the way last. */
  why: Schema.String,
  /** The `readyTimeout`, in milliseconds. */
  limitMillis: Schema.optionalKey(Schema.Number)
}) {
  override get message() {
    const { attempts, limitMillis, reason, why } = this
    const what = reason === "GaveUp" ? "gave up joining" : `not joined within ${limitMillis} ms`
    return `${what}, after ${attempts} ${attempts === 1 ? "try" : "tries"}: ${sentence(why)}`
  }
}

/**
 * No seed could be joined; every seed's own reason is inside.
 *
 * @category errors
 * @since 0.1.0
 */
export class JoinFailed extends Schema.TaggedError<JoinFailed>()("JoinFailed", {
  failed: Schema.Array(Schema.Struct({ seed: Schema.String, error: SeedError }))
}) {
  override get message() {
    const seeds = new Set(this.failed.map(({ seed }) => seed))
    const all = this.failed.map(({ error, seed }) => {
      const shown = sentence(seed)
      return mentions(error.message, shown) ? error.message : `${shown}: ${error.message}`
    })
    return `could not join through ${seeds.size === 1 ? "the seed" : `any of ${seeds.size} seeds`}: ${all.join("; ")}`
  }
}

/**
 * A text that is no address to send to.
 *
 * @category errors
 * @since 0.1.0
 */
export class AddressInvalid extends Schema.TaggedError<AddressInvalid>()("AddressInvalid", { address: Schema.String }) {
  override get message() {
    return `"${
      sentence(this.address)
    }" is no address; expected "[name/]ip:port", an IPv6 address in brackets, and no host `
      + "name, which only join looks up"
  }
}

/**
 * A name that no member this node knows has.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnknownMember extends Schema.TaggedError<UnknownMember>()("UnknownMember", { target: Schema.String }) {
  override get message() {
    return `no member "${sentence(this.target)}"; expected { name: "…" } with a current member's name, `
      + "or { address: \"ip:port\" }"
  }
}

/**
 * A ping that was not answered in time. memberlist: `NoPingResponseError`.
 *
 * @category errors
 * @since 0.1.0
 */
export class PingTimeout extends Schema.TaggedError<PingTimeout>()("PingTimeout", {
  node: Schema.String,
  timeoutMillis: Schema.Number
}) {
  override get message() {
    return `no response from node ${name(this.node)} within ${this.timeoutMillis} ms`
  }
}

/**
 * The operation needs a node that takes part in the cluster, and this one has left it.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotParticipating extends Schema.TaggedError<NotParticipating>()("NotParticipating", {
  operation: Schema.String
}) {
  override get message() {
    return `cannot ${this.operation}: this node has left the cluster; join again first`
  }
}

/**
 * The call came after the layer of this node was released, or was under way then.
 *
 * @category errors
 * @since 0.1.0
 */
export class MemberlistClosed extends Schema.TaggedError<MemberlistClosed>()("MemberlistClosed", {
  operation: Schema.String
}) {
  override get message() {
    return `cannot ${this.operation}: this node was stopped, because its layer was released; call it while the layer lives`
  }
}

/**
 * A snapshot could not be read, written or moved away. The node runs without: this is logged, and fails nothing.
 *
 * @category errors
 * @since 0.1.0
 */
export class SnapshotFailed extends Schema.TaggedError<SnapshotFailed>()("SnapshotFailed", {
  operation: Schema.Literals(["read", "write", "move"]),
  /** The file, or the key of the store. */
  place: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    return `cannot ${this.operation} the snapshot ${sentence(this.place)}: ${causeText(this.cause)}`
  }
}

/**
 * Everything that building `MemberlistLive` can fail with.
 *
 * @category errors
 * @since 0.1.0
 */
export const StartError = Schema.Union([
  ConfigInvalid,
  BindFailed,
  AdvertiseAddressInvalid,
  KeyInvalid,
  KeyringRefused,
  MetaTooLarge,
  JoinRejected
])
/** @since 0.1.0 */
export type StartError = typeof StartError.Type

/**
 * Any error of this library.
 *
 * @category errors
 * @since 0.1.0
 */
export const MemberlistError = Schema.Union([
  ...StartError.members,
  ...SeedError.members,
  JoinFailed,
  NotReady,
  MessageTooLarge,
  AddressInvalid,
  UnknownMember,
  PingTimeout,
  NotParticipating,
  MemberlistClosed,
  SnapshotFailed
])
/** @since 0.1.0 */
export type MemberlistError = typeof MemberlistError.Type
