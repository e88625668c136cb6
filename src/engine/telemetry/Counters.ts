/**
 * Counts of what was done, refused and dropped, by reason. Synchronous, because they are counted inside the packet
 * path. Effect's `Metric` registry has each as `memberlist.<name>`, with the reason and the configured labels as
 * attributes, and reads it when somebody looks: telling it of each count takes three times as long.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type { Delegate } from "../../Delegate.ts"
import type { SeedError, SnapshotFailed, TransportError } from "../../MemberlistError.ts"
import type { SeedSourceFailed } from "../../Seeds.ts"
import type { Untold } from "../../swim/membership/Directive.ts"
import type { IgnoreReason } from "../../swim/membership/Directive.ts"
import type { RejectionReason } from "../../wire/message/Rejection.ts"
import type { Reason as SnapshotReason } from "../../wire/SnapshotFormat.ts"

/** The counters, and what each counts. The first ten are memberlist's own, under its names. */
export const descriptions = {
  "tcp.accept": "inbound streams",
  "tcp.connect": "outbound streams opened for a push/pull",
  "tcp.sent": "bytes of stream messages written, compressed and encrypted, without the label header",
  "udp.sent": "bytes of packets sent, compressed and encrypted, without the label header",
  "udp.received": "bytes of packets received",
  "msg.alive": "alive claims accepted or refuted, our own announcements included",
  "msg.suspect": "members that became suspect",
  "msg.dead": "members that became dead or left",
  "degraded.probe": "probes with an interval stretched by bad local health",
  "degraded.timeout": "suspicions that expired with fewer confirmations than hoped for",
  "activity.left_out": "probes, gossip packets and push/pulls that a subscriber of `activity` was not told of",
  "broadcast.dropped": "messages of the delegate that did not fit into the packet they were asked for",
  "broadcast.pruned": "broadcasts of the application that made room for newer ones",
  "claim.ignored": "claims about members that changed nothing",
  "claim.told": "refutations sent straight to the accuser, and accusations to the accused, beside the gossip",
  "claim.untold": "those that were left to gossip, because too many would have been sent",
  "event.lost": "member events that a slow subscriber lost",
  "fiber.died": "pieces of work that died and were not done, by what they were",
  "fiber.refused": "pieces of work that were not begun, because as much of their kind as may be was under way",
  "fiber.restarted": "loops that died and were restarted, by loop",
  "hearsay.confirmed": "unknown members that somebody told of, and that a probe or somebody else confirmed, by how",
  "heal.tried": "lost members and seeds that were contacted to heal a split, by how it ended",
  "hook.died": "calls of the delegate that died, by hook",
  "hook.dropped": "notices to the delegate that made room for newer ones, by hook",
  "hook.late": "calls of the delegate that were given up because they took too long, by hook",
  "hook.reentered": "calls of the delegate that were not made because they came from inside the same hook, by hook",
  "hook.stuck": "calls of the delegate that had not ended when the node closed, although interrupted, by hook",
  "join.failed": "seeds, or single addresses of a seed, that could not be joined",
  "leave.timeout": "goodbyes that were not sent as often as they should have been in the time given",
  "log.dropped": "log entries dropped because too many were waiting to be written",
  "member.conflict": "name conflicts that were told; every single claim is counted by claim.ignored:AddressConflict",
  "member.evicted": "members that nothing ever came from, which made place for newcomers in a full table",
  "member.reaped": "dead and departed members forgotten",
  "message.lost": "messages of applications that a slow subscriber lost",
  "message.unheard": "messages of applications that nobody here subscribed to",
  "packet.dropped": "packets and messages dropped because there were too many, or because it was too late",
  "packet.late": "acks and nacks that came when the wait for them was over",
  "packet.rejected": "packets, or parts of them, that were refused",
  "probe.failed": "probes that nobody answered",
  "probe.tcp_only": "probes answered over TCP but not over UDP",
  "pushpull.failed": "periodic push/pulls, started here, that failed",
  "pushpull.refused": "push/pulls, started by peers, whose list was refused",
  "pushpull.user_state": "user states left out of a push/pull",
  "rejoin.failed": "peers of the snapshot that could not be joined after a restart",
  "seeds.failed": "failures of the source of the seeds, which is asked again, by its kind",
  "seeds.refused": "seeds of the source that are not used, because they are none or there are too many",
  "send.failed": "packets and pings that could not be sent, by what they were",
  "send.refused": "packets and streams that the configuration forbids to send",
  "snapshot.failed": "snapshots that could not be read, written or moved away",
  "snapshot.refused": "snapshots that were moved away because of what is in them",
  "snapshot.unreserved": "incarnations announced before a snapshot that reserves them was written",
  "snapshot.written": "snapshots written",
  "stream.failed": "inbound streams that broke or took too long",
  "stream.evicted": "inbound streams that were ended to make room for others",
  "stream.rejected": "streams, or answers on them, that were refused",
  "tcp.refused": "inbound streams closed at once because the transport had too many open",
  "udp.dropped": "packets dropped because the receive buffer (packetBuffer) was full",
  "verdict.held": "suspicions of ours that were over and went on once, because nobody at all was heard meanwhile"
} as const

export type CounterName = keyof typeof descriptions

/** What a packet that could not be sent was. */
export type SendKind =
  | "ack"
  | "claim"
  | "gossip"
  | "indirect ping"
  | "nack"
  | "ping"
  | "relayed ack"
  | "relayed ping"
  | "TCP ping"

/** The reasons of the counters that have any. */
export interface Reasons {
  readonly "activity.left_out": "Rate" | "Slow"
  readonly "broadcast.dropped": "DoesNotFit"
  readonly "claim.ignored": IgnoreReason | "NotAdmitted"
  readonly "fiber.died":
    | "ack"
    | "claim"
    | "goodbye"
    | "hearsay"
    | "idle"
    | "late"
    | "lateness"
    | "relay"
    | "stream"
    | "TCP ping"
  readonly "fiber.refused": "ack" | "claim" | "deadline" | "goodbye" | "hearsay" | "hook" | "idle" | "late" | "relay"
  readonly "claim.untold": Untold["reason"]
  /** The name of the loop. */
  readonly "fiber.restarted": string
  readonly "hearsay.confirmed": "Answered" | "Relayed" | "TcpOnly" | "SecondSource"
  readonly "heal.tried": "Answered" | "NoAnswer" | "PutAside"
  readonly "hook.died": keyof Delegate
  readonly "hook.dropped": keyof Delegate
  readonly "hook.late": keyof Delegate
  readonly "hook.reentered": keyof Delegate
  readonly "hook.stuck": keyof Delegate
  readonly "join.failed": SeedError["_tag"]
  readonly "packet.dropped":
    | "AliveQueueFull"
    | "AskedFirst"
    | "DecryptionTime"
    | "QueueFull"
    | "RequestTooLate"
    | "TooManyRequests"
    | "TooManyStrangers"
  readonly "packet.late": "ack" | "nack"
  readonly "packet.rejected":
    | RejectionReason
    | "AnswerNotAllowed"
    | "InvalidAddress"
    | "PingForAnother"
    | "SourceNotAllowed"
    | "TargetNotAllowed"
    | "TooManyRelays"
    | "TooManyRequests"
    | "UnexpectedAck"
    | "UnexpectedNack"
  readonly "pushpull.failed": SeedError["_tag"]
  readonly "pushpull.refused": "JoinRejected" | "VersionMismatch"
  readonly "pushpull.user_state": "TooLarge"
  readonly "rejoin.failed": SeedError["_tag"] | "AnotherMember"
  readonly "seeds.failed": SeedSourceFailed["kind"] | "Died"
  readonly "seeds.refused": "SeedInvalid" | "TooMany"
  readonly "send.failed": SendKind
  readonly "send.refused": "NodeNameRequired"
  readonly "snapshot.failed": SnapshotFailed["operation"]
  readonly "snapshot.refused": SnapshotReason
  readonly "stream.evicted": "BytesNeeded" | "ExchangeNeeded" | "PlaceNeeded"
  readonly "stream.failed": TransportError["kind"]
  readonly "stream.rejected":
    | RejectionReason
    | "ClosedWithoutAnswer"
    | "EmptyUserMessage"
    | "PingForAnother"
    | "SourceNotAllowed"
    | "TooManyPushPulls"
    | "UnexpectedMessage"
}

/** The reason a counter is split by; `never` for one that is not. */
export type ReasonOf<N extends CounterName> = N extends keyof Reasons ? Reasons[N] : never

/** `name`, or `name:reason` for the counters that have reasons. */
export type CounterKey = {
  readonly [N in CounterName]: N extends keyof Reasons ? `${N}:${Reasons[N]}` : N
}[CounterName]

/** Attributes of every metric, from the configuration. */
export type Labels = Readonly<Record<string, string>>

/** What a series of a registry comes to. */
interface Total {
  count: number
  /** Whether the registry still has the series: anybody may remove it. */
  readonly isListed: () => boolean
}

interface Cell {
  readonly key: CounterKey
  readonly attributes: Labels
  /** Of this node. */
  total: number
  /** Of all nodes with the same attributes. */
  all: Total
}

/** The totals behind the states that were read: the registry alone knows which nodes have a series in common. */
const totals = new WeakMap<object, Total>()

const ignore = () => {}

/** Returns the total behind a series of the context's registry, and puts the series there if it is the first. */
const totalOf = (context: Context.Context<never>, name: CounterName, attributes: Labels): Total => {
  const metric = Metric.counter(`memberlist.${name}`, {
    description: descriptions[name],
    attributes,
    incremental: true
  })
  const before = metric.valueUnsafe(context)
  const found = totals.get(before)
  if (found !== undefined) return found
  const registry = Context.get(context, Metric.MetricRegistry)
  const get = () => {
    const state = { count: total.count, incremental: true }
    totals.set(state, total)
    return state
  }
  Metric.registerUnsafe(metric, context, { get, update: ignore, modify: ignore })
  const [key, series] = [...registry].find(([, { hooks }]) => hooks.get === get) ?? ["", undefined]
  // an application's own counter of that name may count in bigints
  const total: Total = { count: Number(before.count), isListed: () => registry.get(key) === series }
  return total
}

/** The series of one counter: the plain one, or one for each reason met. */
interface Series {
  plain: Cell | undefined
  readonly byReason: Map<string, Cell>
}

export interface Counters {
  /** Adds `by` (1 if absent) to a counter, under the reason if it has reasons. */
  readonly count: <N extends CounterName>(
    name: N,
    ...how: [ReasonOf<N>] extends [never] ? [reason?: undefined, by?: number] : [reason: ReasonOf<N>, by?: number]
  ) => void
  /** All totals so far. */
  readonly totals: () => ReadonlyMap<CounterKey, number>
}

/** Makes counters that report to the metric registry of `context`. */
export const make = (context: Context.Context<never>, labels: Labels): Counters => {
  const all = new Map<CounterName, Series>()
  const cells: Array<Cell> = []

  const cell = (name: CounterName, reason: string | undefined): Cell => {
    const attributes = reason === undefined ? labels : { ...labels, reason }
    const made: Cell = {
      key: (reason === undefined ? name : `${name}:${reason}`) as CounterKey,
      attributes,
      total: 0,
      all: totalOf(context, name, attributes)
    }
    cells.push(made)
    return made
  }

  const seriesOf = (name: CounterName): Series => {
    let series = all.get(name)
    if (series === undefined) all.set(name, series = { plain: undefined, byReason: new Map() })
    return series
  }

  const cellOf = (name: CounterName, reason: string | undefined): Cell => {
    const series = seriesOf(name)
    if (reason === undefined) return series.plain ??= cell(name, undefined)
    let found = series.byReason.get(reason)
    if (found === undefined) series.byReason.set(reason, found = cell(name, reason))
    return found
  }

  return {
    // named parameters: a list of them is made anew for each packet
    count: (name: CounterName, reason?: string, amount?: number) => {
      const by = amount ?? 1
      const cell = cellOf(name, reason)
      cell.total += by
      if (!cell.all.isListed()) cell.all = totalOf(context, name, cell.attributes)
      cell.all.count += by
    },
    totals: () => new Map(cells.map(({ key, total }) => [key, total]))
  }
}
