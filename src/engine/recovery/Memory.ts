/**
 * What this node remembers across restarts, kept by the `Snapshots` that were provided: read once at the start, written
 * by one loop. A node that cannot read or write runs all the same, and says so.
 *
 * Incarnations are reserved ahead: none is announced before one at least as high is written, as far as that is within
 * reach. A refutation cannot wait for a disk, so a write begins when half of the reserve is used up. Should refutations
 * use up the rest before it ends, they are announced all the same, and counted: until the write ends, a crash would
 * cost what it costs a node without a snapshot, one more refutation after its start.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Result from "effect/Result"
import { isSame, type KnownPeer, type Snapshot } from "../../base/Snapshot.ts"
import { SnapshotFailed } from "../../MemberlistError.ts"
import { Snapshots } from "../../Snapshots.ts"
import type { FirstHand } from "../../swim/gossip/FirstHand.ts"
import * as KnownPeers from "../../swim/life/KnownPeers.ts"
import { isOutside } from "../../swim/life/Stage.ts"
import { MAX_INCARNATION } from "../../swim/membership/Claim.ts"
import type { Membership } from "../../swim/membership/Membership.ts"
import * as SnapshotFormat from "../../wire/SnapshotFormat.ts"
import * as Signal from "../Signal.ts"
import type { Counters } from "../telemetry/Counters.ts"
import type { Logs } from "../telemetry/Logs.ts"

/** How many incarnations are reserved with a write. */
export const RESERVE = 64

/** When fewer than this many are left, a write begins at once. */
export const LOW = RESERVE / 2

/** The least time between the beginnings of two writes, in milliseconds, also of those that begin at once. */
export const LEAST_PAUSE = 100

/** The longest pause after writes that failed, in milliseconds. */
export const LONGEST_PAUSE = 60_000

/** Who was heard from, and how late it is, is looked at again after this time, in milliseconds. */
export const LOOK_AGAIN = 10_000

/** How long the start, a leave and the end of the layer each wait for the storage. */
export const PATIENCE = Duration.seconds(5)

/** A write that takes longer is told of. */
const LATE = Duration.seconds(10)

/** What a node found at its start. */
export interface Restored {
  readonly peers: ReadonlyArray<KnownPeer>
  /** It had left, and is not to return by itself. */
  readonly left: boolean
}

export interface Memory {
  /** Where snapshots are kept; empty: nowhere. */
  readonly place: string
  /** Reads the snapshot and reserves incarnations. Returns the one to start above. */
  readonly begin: Effect.Effect<number>
  /** What was found at the start, until this node leaves. */
  readonly restored: () => Restored | undefined
  /** Follows one step. Synchronous: it is called inside the step, and never runs anything. */
  readonly follow: (previous: Membership, next: Membership) => void
  /** Forgets a peer: it said goodbye, or somebody else is at its address. Synchronous, and may be called in a step. */
  readonly forget: (name: string) => void
  /** Writes what has changed now, and waits for that, at most `PATIENCE`. */
  readonly settle: Effect.Effect<void>
  /** Writes what has changed, forever. */
  readonly loop: Effect.Effect<never>
}

/** What it needs of a node. */
export interface Parts {
  readonly name: string
  readonly label: string
  readonly membership: Ref.Ref<Membership>
  readonly heard: FirstHand
  readonly counters: Counters
  readonly logs: Logs
  readonly clock: Clock.Clock
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/** The memory of a node without a place to keep it. */
const none: Memory = {
  place: "",
  begin: Effect.succeed(0),
  restored: () => undefined,
  follow: () => {},
  forget: () => {},
  settle: Effect.void,
  loop: Effect.never
}

/** Makes a node's memory, which does nothing where no `Snapshots` were provided. */
export const make = Effect.fnUntraced(function*(parts: Parts): Effect.fn.Return<Memory> {
  const snapshots = Option.getOrUndefined(yield* Effect.serviceOption(Snapshots))
  return snapshots === undefined ? none : kept(parts, snapshots, yield* Signal.make)
})

/** A defect of a storage of the application's own is a failure like others. */
const guarded = <A>(
  snapshots: Snapshots["Service"],
  operation: SnapshotFailed["operation"],
  effect: Effect.Effect<A, SnapshotFailed>
): Effect.Effect<A, SnapshotFailed> =>
  Effect.catchDefect(
    effect,
    (cause) => Effect.fail(new SnapshotFailed({ operation, place: snapshots.place, cause }))
  )

const kept = (parts: Parts, snapshots: Snapshots["Service"], signal: Signal.Signal): Memory => {
  const { clock, counters, label, logs, membership, name, now } = parts
  const pause = Duration.toMillis(snapshots.pause)
  const peer = snapshots.place

  /** What is kept, as far as we know; `undefined`: nothing, or we do not know. */
  let saved: Snapshot | undefined
  /** The incarnation that is written. */
  let reserved = 0
  let peers: ReadonlyArray<KnownPeer> = []
  let left = false
  let restored: Restored | undefined
  /** There may be something that could not be read, and must not be written over. */
  let unread = false
  let begun = false
  let wanted: "Nothing" | "Soon" | "Now" = "Nothing"
  let waiting: Array<Deferred.Deferred<void>> = []
  let failures = 0
  let lastBegan = Number.NEGATIVE_INFINITY

  const want = (when: "Soon" | "Now") => {
    if (wanted === "Now" || wanted === when) return
    wanted = when
    signal.notify()
  }

  const isLow = (incarnation: number) => reserved - incarnation < LOW && reserved < MAX_INCARNATION

  /** The wall clock, which may be a clock of anybody's, in whole milliseconds. */
  const today = () => Math.max(0, Math.floor(clock.currentTimeMillisUnsafe()))

  /** What is to be remembered now. */
  const current = (): Snapshot => {
    const m = Ref.getUnsafe(membership)
    if (left && m.stage._tag === "Present") left = KnownPeers.isAlone(m)
    if (!left) peers = KnownPeers.remember(peers, m, parts.heard, today(), snapshots.maxPeers)
    const used = begun ? Math.max(m.incarnation, 0) : reserved
    const incarnation = isLow(used) ? Math.min(used + RESERVE, MAX_INCARNATION) : reserved
    return { name, label, incarnation, left, peers }
  }

  const failed = (error: SnapshotFailed, entry: "SnapshotUnread" | "SnapshotUnwritten") => {
    counters.count("snapshot.failed", error.operation)
    return logs.write(entry, { peer, reason: error.operation, detail: error.message })
  }

  /** Tells of a write that takes long, while it goes on. */
  const watched = (write: Effect.Effect<void, SnapshotFailed>): Effect.Effect<void, SnapshotFailed> =>
    Effect.raceFirst(
      write,
      Effect.sleep(LATE).pipe(Effect.andThen(logs.write("SnapshotLate", { peer })), Effect.andThen(Effect.never))
    )

  const moveAway = guarded(snapshots, "move", snapshots.moveAway)

  const write = Effect.fnUntraced(function*(snapshot: Snapshot): Effect.fn.Return<void> {
    lastBegan = now()
    if (unread) yield* Effect.ignore(moveAway)
    unread = false
    const exit = yield* Effect.result(
      watched(guarded(snapshots, "write", snapshots.write(SnapshotFormat.encode(snapshot))))
    )
    if (Result.isSuccess(exit)) {
      failures = 0
      saved = snapshot
      reserved = snapshot.incarnation
      counters.count("snapshot.written")
      return
    }
    failures++
    saved = undefined
    want("Soon")
    yield* failed(exit.failure, "SnapshotUnwritten")
  })

  /** How long the next write has to wait, in milliseconds from now. */
  const due = (): number => {
    if (waiting.length > 0) return 0
    const after = failures > 0
      ? Math.min(LONGEST_PAUSE, pause * 2 ** Math.min(failures, 16))
      : LEAST_PAUSE
    return lastBegan + after - now()
  }

  /** Until something is to be written, and may be. */
  const turn = Effect.fnUntraced(function*(): Effect.fn.Return<void> {
    if (wanted === "Nothing") yield* Effect.timeoutOption(signal.wait, Duration.millis(LOOK_AGAIN))
    const began = now()
    for (;;) {
      const collecting = wanted === "Now" || waiting.length > 0 ? 0 : began + pause - now()
      const wait = Math.max(collecting, due())
      if (wait <= 0) return
      yield* Effect.timeoutOption(signal.wait, Duration.millis(Math.max(1, Math.ceil(wait))))
    }
  })

  const loop = Effect.gen(function*() {
    for (;;) {
      yield* turn()
      if (!begun && waiting.length === 0) continue
      wanted = "Nothing"
      const those = waiting
      waiting = []
      const snapshot = current()
      if (saved === undefined || !isSame(snapshot, saved)) yield* write(snapshot)
      for (const one of those) yield* Deferred.succeed(one, undefined)
    }
  })

  const settle = Effect.suspend(() => {
    const done = Deferred.makeUnsafe<void>()
    waiting.push(done)
    signal.notify()
    return Effect.flatMap(Effect.timeoutOption(Deferred.await(done), PATIENCE), (ended) => {
      if (Option.isSome(ended)) return Effect.void
      waiting = waiting.filter((one) => one !== done)
      return logs.write("SnapshotLate", { peer })
    })
  })

  /** Takes over what was read, or moves it away. */
  const take = Effect.fnUntraced(function*(bytes: Uint8Array): Effect.fn.Return<void> {
    const read = SnapshotFormat.decode(bytes, { name, label })
    if (Result.isSuccess(read)) {
      saved = read.success
      reserved = saved.incarnation
      peers = saved.peers
      left = saved.left
      restored = { peers, left }
      yield* logs.write("SnapshotRead", { peer, incarnation: reserved, detail: `${peers.length} peers` })
      return
    }
    const { detail, reason } = read.failure
    counters.count("snapshot.refused", reason)
    const where = yield* Effect.result(moveAway)
    yield* logs.write("SnapshotRefused", {
      peer,
      reason,
      detail: Result.isSuccess(where) ? `${detail}; it is now at ${where.success}` : detail
    })
    if (Result.isFailure(where)) yield* failed(where.failure, "SnapshotUnread")
  })

  const read = Effect.gen(function*() {
    const found = yield* Effect.result(guarded(snapshots, "read", snapshots.read))
    if (Result.isSuccess(found)) {
      if (found.success !== undefined) yield* take(found.success)
      return
    }
    unread = true
    yield* failed(found.failure, "SnapshotUnread")
  })

  return {
    place: snapshots.place,
    begin: Effect.gen(function*() {
      if (Option.isNone(yield* Effect.timeoutOption(read, PATIENCE))) {
        unread = true
        yield* logs.write("SnapshotLate", { peer })
      }
      const floor = reserved
      yield* settle
      begun = true
      return floor
    }),
    restored: () => restored,
    follow: (previous, next) => {
      if (next.incarnation !== previous.incarnation) {
        if (next.incarnation > reserved) counters.count("snapshot.unreserved")
        if (isLow(next.incarnation)) want("Now")
      }
      if (next.stage !== previous.stage) {
        if (isOutside(next.stage)) restored = undefined
        if (next.stage._tag === "Left" && !left) {
          left = true
          want("Now")
        }
      }
      if (next.entries !== previous.entries || next.stage !== previous.stage) want("Soon")
    },
    forget: (gone) => {
      const isGone = ({ name }: KnownPeer) => name === gone
      if (!peers.some(isGone) && restored?.peers.some(isGone) !== true) return
      const others = (all: ReadonlyArray<KnownPeer>) => all.filter(({ name }) => name !== gone)
      peers = others(peers)
      if (restored !== undefined) restored = { ...restored, peers: others(restored.peers) }
      want("Soon")
    },
    settle,
    loop
  }
}
