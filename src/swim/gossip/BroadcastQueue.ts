/**
 * What rides on the next packet. A message is sent a limited number of times; those sent least often go first, among
 * them the longest, among those the newest. (SWIM §4.1; memberlist: `TransmitLimitedQueue`.)
 *
 * The queue is an immutable value: one sorted sequence per number of transmissions.
 */
import { VersionedMap } from "../../base/VersionedMap.ts"
import * as Tier from "./Tier.ts"

/** A message to be gossiped. Add fields of your own: the queue hands back the same object when it is finished. */
export interface Broadcast {
  /**
   * A newer broadcast replaces a queued one of the same name. `undefined`: it has none. An empty name is replaced by
   * nothing. memberlist: `NamedBroadcast`.
   */
  readonly name: string | undefined
  /** Replaces nothing and is replaced by nothing; means nothing on a named one. memberlist: `UniqueBroadcast`. */
  readonly unique: boolean
  /** The encoded message. Its bytes must not change while it is queued. */
  readonly message: Uint8Array
  /** Whether this one makes a queued one pointless. Asked only between broadcasts that are neither named nor unique. */
  readonly invalidates?: ((other: Broadcast) => boolean) | undefined
}

export interface BroadcastQueue<out B extends Broadcast = Broadcast> {
  /** By number of transmissions. */
  readonly tiers: ReadonlyArray<Tier.Tier<B>>
  readonly named: VersionedMap<Tier.Queued<B>>
  readonly size: number
  readonly nextId: number
}

export const empty: BroadcastQueue<never> = { tiers: [], named: VersionedMap.empty(), size: 0, nextId: 1 }

/** The number of queued broadcasts. */
export const size = (q: BroadcastQueue): number => q.size

/** The next queue, and the broadcasts that left it without being sent again. */
export type Change<B extends Broadcast> = readonly [BroadcastQueue<B>, ReadonlyArray<B>]

/** Adds a broadcast, and removes those it replaces. memberlist: `QueueBroadcast`. */
export const queue = <B extends Broadcast>(q: BroadcastQueue<B>, broadcast: B): Change<B> => {
  const [rest, finished] = withoutReplaced(q, broadcast)
  const added: Tier.Queued<B> = { id: rest.nextId, length: broadcast.message.length, broadcast }
  const tiers = rest.tiers.slice()
  tiers[0] = Tier.insert(tiers[0] ?? Tier.empty, added)
  return [
    {
      tiers,
      named: broadcast.name ? rest.named.with(broadcast.name, added) : rest.named,
      size: rest.size + 1,
      nextId: rest.nextId + 1
    },
    finished
  ]
}

/**
 * The same as adding named broadcasts one after the other, which a push/pull does with thousands: each by itself copies
 * a part of the queue. One of 256 takes 0.5 µs where 10,000 wait, and 1.3 where 60,000 do; by itself 1.7 and 8.0, and
 * as many kilobytes. (Node.js 24, x64.)
 */
export const queueAll = <B extends Broadcast>(
  q: BroadcastQueue<B>,
  broadcasts: ReadonlyArray<B & { readonly name: string }>
): Change<B> => {
  const finished: Array<B> = []
  const added: Array<Tier.Queued<B>> = []
  const dropped = new Set<Tier.Queued<B>>()
  let { tiers } = q
  let { named } = q
  for (const [i, broadcast] of broadcasts.entries()) {
    const item: Tier.Queued<B> = { id: q.nextId + i, length: broadcast.message.length, broadcast }
    const old = broadcast.name === "" ? undefined : named.get(broadcast.name)
    if (old !== undefined) {
      finished.push(old.broadcast)
      if (old.id >= q.nextId) dropped.add(old)
      else tiers = tiers.map((tier) => Tier.remove(tier, old))
    }
    if (broadcast.name !== "") named = named.with(broadcast.name, item)
    added.push(item)
  }
  const news = Tier.inOrder(dropped.size === 0 ? added : added.filter((item) => !dropped.has(item)))
  const [first = Tier.empty, ...rest] = tiers
  return [
    {
      tiers: trim([Tier.insertAll(first, news), ...rest]),
      named,
      size: q.size + broadcasts.length - finished.length,
      nextId: q.nextId + broadcasts.length
    },
    finished
  ]
}

export interface DrawOptions {
  /** Bytes that each message costs beside its own. */
  readonly overhead: number
  /** Bytes there are in all. */
  readonly limit: number
  /** After this many transmissions a broadcast is finished; 0 or less still means one. */
  readonly retransmitLimit: number
  /** The most messages to take; unlimited by default. */
  readonly maxParts?: number | undefined
  /** The names of broadcasts that are taken before all others, if they fit. */
  readonly first?: ReadonlyArray<string> | undefined
}

export interface Drawn<B extends Broadcast = Broadcast> {
  readonly queue: BroadcastQueue<B>
  readonly messages: ReadonlyArray<Uint8Array>
  /** Bytes taken, overhead included. */
  readonly used: number
  /** Those that were sent for the last time. */
  readonly finished: ReadonlyArray<B>
}

/**
 * Takes as much as fits, each message at most once. A message that is too long for what is left is passed over and
 * stays queued. memberlist: `GetBroadcasts`.
 */
export const draw = <B extends Broadcast>(q: BroadcastQueue<B>, options: DrawOptions): Drawn<B> => {
  const { limit, maxParts = Infinity, overhead, retransmitLimit } = options
  const messages: Array<Uint8Array> = []
  const finished: Array<B> = []
  const tiers = q.tiers.slice()
  let named = q.named
  let used = 0
  const finish = (item: Tier.Queued<B>) => {
    finished.push(item.broadcast)
    named = forget(named, item)
  }
  const favoured: Array<Favoured<B>> = []
  for (const name of new Set(options.first)) {
    const item = q.named.get(name)
    if (item === undefined || messages.length >= maxParts || used + overhead + item.length > limit) continue
    favoured.push({ item, sent: takeOut(tiers, item) })
    messages.push(item.broadcast.message)
    used += overhead + item.length
  }
  // What was taken from the tier before. It joins this tier only after this tier was drawn from, so that it is not
  // taken twice.
  let held: ReadonlyArray<Tier.Queued<B>> = []
  for (let t = 0; t < q.tiers.length || held.length > 0; t++) {
    const before = tiers[t] ?? Tier.empty
    const [rest, taken] = Tier.take(before, limit - used, overhead, maxParts - messages.length)
    for (const { broadcast, length } of taken) {
      messages.push(broadcast.message)
      used += overhead + length
    }
    tiers[t] = Tier.insertAll(rest, held)
    const isLast = t + 1 >= retransmitLimit
    held = isLast ? [] : taken
    if (isLast) { for (const item of taken) finish(item) }
  }
  for (const { item, sent } of favoured) {
    if (sent + 1 < retransmitLimit) {
      while (tiers.length <= sent + 1) tiers.push(Tier.empty)
      tiers[sent + 1] = Tier.insert(tiers[sent + 1] ?? Tier.empty, item)
    } else finish(item)
  }
  if (messages.length === 0) return { queue: q, messages, used, finished }
  return { queue: resized(q, trim(tiers), named, finished.length), messages, used, finished }
}

/** One that was taken before the others, and how often it had been sent. */
interface Favoured<out B extends Broadcast> {
  readonly item: Tier.Queued<B>
  readonly sent: number
}

/** Takes a queued broadcast out of its tier; the tier it was in. */
const takeOut = <B extends Broadcast>(tiers: Array<Tier.Tier<B>>, item: Tier.Queued<B>): number => {
  for (const [sent, tier] of tiers.entries()) {
    const rest = Tier.remove(tier, item)
    if (rest === tier) continue
    tiers[sent] = rest
    return sent
  }
  return 0
}

/**
 * Removes broadcasts until `max` are left, those that were sent most often first, among them the shortest, among those
 * the oldest. memberlist: `Prune`.
 */
export const prune = <B extends Broadcast>(q: BroadcastQueue<B>, max: number): Change<B> => {
  const finished: Array<B> = []
  const tiers = q.tiers.slice()
  let named = q.named
  for (let t = tiers.length - 1; t >= 0; t--) {
    let tier = tiers[t] ?? Tier.empty
    for (let item = Tier.last(tier); item !== undefined && q.size - finished.length > max; item = Tier.last(tier)) {
      finished.push(item.broadcast)
      named = forget(named, item)
      tier = Tier.remove(tier, item)
    }
    tiers[t] = tier
  }
  return finished.length === 0 ? [q, finished] : [resized(q, trim(tiers), named, finished.length), finished]
}

/** Removes the broadcast of a name, if there is one. */
export const remove = <B extends Broadcast>(q: BroadcastQueue<B>, name: string): Change<B> => {
  const item = q.named.get(name)
  return item === undefined ? [q, []] : [without(q, item), [item.broadcast]]
}

/** Removes everything. memberlist: `Reset`. */
export const reset = <B extends Broadcast>(q: BroadcastQueue<B>): Change<B> => [
  { ...empty, nextId: q.nextId },
  q.tiers.flatMap(Tier.broadcasts)
]

const withoutReplaced = <B extends Broadcast>(q: BroadcastQueue<B>, broadcast: B): Change<B> => {
  if (broadcast.name) {
    const old = q.named.get(broadcast.name)
    return old === undefined ? [q, []] : [without(q, old), [old.broadcast]]
  }
  if (broadcast.name === undefined && broadcast.unique) return [q, []]
  return broadcast.invalidates === undefined ? [q, []] : withoutInvalidated(q, broadcast.invalidates)
}

const withoutInvalidated = <B extends Broadcast>(
  q: BroadcastQueue<B>,
  invalidates: (other: Broadcast) => boolean
): Change<B> => {
  const finished: Array<B> = []
  const tiers = q.tiers.map((tier) =>
    Tier.filter(tier, ({ broadcast }) => {
      if (broadcast.name !== undefined || broadcast.unique || !invalidates(broadcast)) return true
      finished.push(broadcast)
      return false
    })
  )
  return finished.length === 0 ? [q, finished] : [resized(q, trim(tiers), q.named, finished.length), finished]
}

const without = <B extends Broadcast>(q: BroadcastQueue<B>, item: Tier.Queued<B>): BroadcastQueue<B> =>
  resized(q, trim(q.tiers.map((tier) => Tier.remove(tier, item))), forget(q.named, item), 1)

const forget = <B extends Broadcast>(named: BroadcastQueue<B>["named"], item: Tier.Queued<B>) =>
  item.broadcast.name ? named.with(item.broadcast.name, undefined) : named

const resized = <B extends Broadcast>(
  q: BroadcastQueue<B>,
  tiers: BroadcastQueue<B>["tiers"],
  named: BroadcastQueue<B>["named"],
  gone: number
): BroadcastQueue<B> => ({ tiers, named, size: q.size - gone, nextId: q.nextId })

const trim = <B>(tiers: Array<Tier.Tier<B>>): ReadonlyArray<Tier.Tier<B>> => {
  while (tiers.length > 0 && tiers[tiers.length - 1]?.length === 0) tiers.pop()
  return tiers
}
