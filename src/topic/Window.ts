/**
 * The recent messages that a member keeps for those who lack them: bounded in number, in bytes and in age. An immutable
 * value; the oldest go first.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { VersionedMap } from "../base/VersionedMap.ts"
import * as Ranges from "./Ranges.ts"
import type { Kept, Message, Span } from "./TopicFrame.ts"

/** How much is kept. */
export interface Bounds {
  readonly messages: number
  readonly bytes: number
  /** Milliseconds. */
  readonly age: number
}

export interface Entry {
  readonly message: Message
  /** Who sent it first; nobody for our own. */
  readonly from: string | undefined
  /** Whether it was passed on along the tree. */
  readonly isPushed: boolean
  /** When it was published, as far as that is known, by our clock. */
  readonly at: number
  readonly place: number
}

export interface Window {
  readonly byId: VersionedMap<Entry>
  /** The same by the order in which they came. */
  readonly byPlace: VersionedMap<Entry>
  readonly first: number
  readonly next: number
  readonly bytes: number
}

export const empty: Window = {
  byId: VersionedMap.empty(),
  byPlace: VersionedMap.empty(),
  first: 0,
  next: 0,
  bytes: 0
}

/** What identifies the messages of one life of a publisher. */
export const streamOf = ({ epoch, origin }: { readonly origin: string; readonly epoch: number }): string =>
  `${epoch}/${origin}`

/** What identifies a message. */
export const idOf = (message: { readonly origin: string; readonly epoch: number; readonly sequence: number }): string =>
  `${message.sequence}/${streamOf(message)}`

/** What a message takes, beside its payload. */
const OVERHEAD = 64
const costOf = ({ payload }: Message): number => payload.length + OVERHEAD

/** Removes what is too old, and the oldest of what is too much. */
export const trimmed = (window: Window, bounds: Bounds, now: number): Window => {
  let { byId, byPlace, bytes, first } = window
  for (; first < window.next; first++) {
    const key = String(first)
    const entry = byPlace.get(key)
    if (entry === undefined) continue
    const isKept = byId.size <= bounds.messages && bytes <= bounds.bytes && now - entry.at <= bounds.age
    if (isKept) break
    byPlace = byPlace.with(key, undefined)
    byId = byId.with(idOf(entry.message), undefined)
    bytes -= costOf(entry.message)
  }
  return first === window.first ? window : { ...window, byId, byPlace, bytes, first }
}

/** Adds a message that is not in it. */
export const added = (window: Window, entry: Omit<Entry, "place">, bounds: Bounds, now: number): Window => {
  const placed = { ...entry, place: window.next }
  return trimmed(
    {
      byId: window.byId.with(idOf(entry.message), placed),
      byPlace: window.byPlace.with(String(window.next), placed),
      first: window.first,
      next: window.next + 1,
      bytes: window.bytes + costOf(entry.message)
    },
    bounds,
    now
  )
}

/** Notes that a message in it was passed on along the tree. */
export const pushed = (window: Window, entry: Entry): Window => {
  const next = { ...entry, isPushed: true }
  return {
    ...window,
    byId: window.byId.with(idOf(entry.message), next),
    byPlace: window.byPlace.with(String(entry.place), next)
  }
}

/** Those in it that some spans have, or lack. */
export const select = (
  { byPlace }: Window,
  spans: ReadonlyArray<Span>,
  which: "named" | "lacking",
  { age, now }: { readonly age: number; readonly now: number }
): ReadonlyArray<Kept> => {
  const sets = new Map<string, Array<Ranges.Ranges>>()
  for (const span of spans) {
    const stream = streamOf(span)
    const known = sets.get(stream)
    if (known === undefined) sets.set(stream, [span.ranges])
    else known.push(span.ranges)
  }
  // one set for each, because a frame may have thousands of spans of one publisher, and each entry is looked for
  const named = new Map(Array.from(sets, ([stream, each]) => [stream, Ranges.union(each)] as const))
  const isNamed = ({ message }: Entry) => Ranges.has(named.get(streamOf(message)) ?? [], message.sequence)
  return byPlace.values()
    // what was caught up on may be older than what came before it
    .filter((entry) => now - entry.at <= age && isNamed(entry) === (which === "named"))
    .map(({ at, message }) => ({ message, age: Math.max(0, Math.round(now - at)) }))
}
