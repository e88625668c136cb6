/**
 * Faults as data: what can go wrong with a simulated network, and a script of what goes wrong when. Being data, a
 * script can be drawn from a seed, written to a file, shortened and played again.
 *
 * Hosts are IP addresses or names from the network's `hosts` table; `"*"` stands for every host. Durations are
 * milliseconds.
 *
 * ```ts
 * import { Fault } from "effect-memberlist/testing"
 *
 * const script: Fault.Script = [
 *   { at: 5_000, for: 20_000, fault: { _tag: "Partition", groups: [["a", "b"], ["c"]] } },
 *   { at: 10_000, for: 60_000, fault: { _tag: "Loss", from: ["*"], to: ["*"], probability: 0.3 } }
 * ]
 * ```
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

const Millis = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 86_400_000 }))
const Probability = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const Hosts = Schema.Array(Schema.NonEmptyString).check(Schema.isMinLength(1))
/** The directed links from each of some hosts to each of others. */
const links = { from: Hosts, to: Hosts }
const positive = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 0xffff_ffff }))

/**
 * What can be wrong with a network for a while. Several at once add up.
 *
 * - `Partition`: only hosts of the same group reach each other; a host in no group reaches everybody.
 * - `Cut`: nothing passes in this direction: no packets (UDP), no streams (TCP), or neither.
 * - `Loss`: each packet is lost with a probability, and so is each segment of a stream and each acknowledgement. A SYN
 *   is sent again after 1, 2, 4 … s, six times; a segment of at most 1,460 bytes after 0.2, 0.4, 0.8 … s (or twice the
 *   time to the other side and back), 15 times, then the stream breaks. Bytes keep their order: later ones wait.
 * - `Duplicate`: each packet arrives twice with a probability.
 * - `Reorder`: each packet is held back with a probability, by `min` to `max`, so that later ones overtake it.
 * - `Delay`: everything takes `min` to `max` longer, each packet its own time.
 * - `Bandwidth`: everything passes through one line, in front of which packets wait for up to `queue`.
 * - `Mtu`: packets of more bytes are dropped.
 * - `Pause`: the hosts block before each send and after each receive, as in Lifeguard's experiments; timers run on.
 * - `Processing`: each packet that arrives at the hosts takes `perMessage` to be handled, one after the other at each
 *   host. Meanwhile they wait in a buffer of so many bytes, as Linux charges them (768 for a small packet; its default
 *   buffer is 212,992); what finds it full is dropped. The hosts share so many `cores` in turn; default: each has its
 *   own. Of several such faults of a host the latest one counts.
 * - `Crash`: the hosts are off the network. `Silent`: nothing answers; `Refuse`: streams break and are refused.
 *
 * @category schemas
 * @since 0.1.0
 */
export const NetworkFault = Schema.TaggedUnion({
  Partition: { groups: Schema.Array(Hosts).check(Schema.isMinLength(1)) },
  Cut: { ...links, what: Schema.Literals(["both", "packets", "streams"]) },
  Loss: { ...links, probability: Probability },
  Duplicate: { ...links, probability: Probability },
  Reorder: { ...links, probability: Probability, min: Millis, max: Millis },
  Delay: { ...links, min: Millis, max: Millis },
  Bandwidth: { ...links, bytesPerSecond: positive, queue: Millis },
  Mtu: { ...links, bytes: positive },
  Pause: { hosts: Hosts },
  Processing: { hosts: Hosts, perMessage: Millis, buffer: positive, cores: Schema.optionalKey(positive) },
  Crash: { hosts: Hosts, mode: Schema.Literals(["Silent", "Refuse"]) }
})
/** @since 0.1.0 */
export type NetworkFault = typeof NetworkFault.Type

/**
 * What can happen to the nodes of a `SimulatedCluster`. Nodes are named.
 *
 * - `Restart`: the program dies without a goodbye and, when the time is over, starts again with nothing in its memory.
 *   (A restart that keeps the memory is a `Crash`: the program was only off the network.)
 * - `Kill`: the program dies without a goodbye, and stays dead.
 * - `Leave`: the node says goodbye, and joins again when the time is over.
 * - `Update`: the node announces other metadata. It takes no time.
 * - `Stall`: the program stands still, as one whose event loop is blocked: nothing is sent or read, and no timer fires.
 * - `Skew`: the node's clock leaps forward by `leap`, and runs `rate` times as fast until the time is over.
 *
 * @category schemas
 * @since 0.1.0
 */
export const NodeFault = Schema.TaggedUnion({
  Restart: { node: Schema.NonEmptyString },
  Kill: { node: Schema.NonEmptyString },
  Leave: { node: Schema.NonEmptyString },
  Update: { node: Schema.NonEmptyString, meta: Schema.String },
  Stall: { node: Schema.NonEmptyString },
  Skew: {
    node: Schema.NonEmptyString,
    leap: Millis,
    rate: Schema.Finite.check(Schema.isBetween({ minimum: 0.01, maximum: 100 }))
  }
})
/** @since 0.1.0 */
export type NodeFault = typeof NodeFault.Type

/**
 * @category schemas
 * @since 0.1.0
 */
export const Fault = Schema.Union([NetworkFault, NodeFault])
/** @since 0.1.0 */
export type Fault = typeof Fault.Type

const timed = <S extends Schema.Constraint>(fault: S) => Schema.Struct({ at: Millis, for: Millis, fault })

/**
 * Faults of a network and of nodes, each from `at` on for so long, counted from the script's start.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Script = Schema.Array(timed(Fault))
/** @since 0.1.0 */
export type Script = typeof Script.Type

/**
 * A script of network faults alone.
 *
 * @category schemas
 * @since 0.1.0
 */
export const NetworkScript = Schema.Array(timed(NetworkFault))
/** @since 0.1.0 */
export type NetworkScript = typeof NetworkScript.Type

/**
 * One line of a script.
 *
 * @category models
 * @since 0.1.0
 */
export type Timed = Script[number]

/**
 * Whether a fault is one of the network's.
 *
 * @category guards
 * @since 0.1.0
 */
export const isNetworkFault = (fault: Fault): fault is NetworkFault => Object.hasOwn(NetworkFault.cases, fault._tag)
