/**
 * Which member a key belongs to: consistent hashing over the live members of the cluster.
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Memberlist, MemberlistConfig, NodeMemberlist } from "effect-memberlist"
 * import { Ring } from "effect-memberlist/Ring"
 *
 * const RingLive = Ring.layer().pipe(
 *   Layer.provideMerge(NodeMemberlist.layer({ ...MemberlistConfig.lan, name: "cache-1" }))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const ring = yield* Ring
 *   const cluster = yield* Memberlist
 *   const owner = yield* ring.ownerOf("user/42")
 *   yield* cluster.send(owner, new TextEncoder().encode("user/42 has changed"), { reliable: true })
 * })
 * ```
 *
 * Members that see the same members, with the same weights, have the same answers. While their views differ, for
 * moments after a change and as long as a broken network lasts, two members can hold themselves for the owner of one
 * key: this is no lock. What it promises, and when something else is the better answer: `docs/ring.md`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Member } from "./Member.ts"
import { Memberlist } from "./Memberlist.ts"
import * as Points from "./ring/Points.ts"

/**
 * No live member is eligible, so a key has no owner.
 *
 * @category errors
 * @since 0.1.0
 */
export class RingEmpty extends Schema.TaggedError<RingEmpty>()("RingEmpty", {
  /** How many live members there are. */
  members: Schema.Int
}) {
  override get message() {
    return `the ring is empty: of ${this.members} live members none is eligible; expected one that "eligible" admits, `
      + "with a weight above 0"
  }
}

/**
 * A slot that has another owner, or none, than the reader was told before.
 *
 * @category models
 * @since 0.1.0
 */
export interface Moved {
  readonly slot: number
  /** The owner before, as it was last seen; none in the first batch, and where there was none. */
  readonly from: Option.Option<Member>
  /** The owner now; none where nobody is eligible any more. */
  readonly to: Option.Option<Member>
}

/**
 * Who is on the ring, from what is known of a member: name, address and metadata. Both are asked for each live member,
 * suspects and this node included, after each change of the view, and must answer the same at every member.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * How much of the ring a member has, beside the others': 0 (nothing) to 16, with 1 for an ordinary member. What is
   * outside of that is taken for the nearest bound, and what is no number for 0. Default: 1 for all.
   */
  readonly weight?: ((member: Member) => number) | undefined
  /** Whether a member is on the ring at all. Default: all are. */
  readonly eligible?: ((member: Member) => boolean) | undefined
}

/** The ring at one moment. */
interface RingView {
  readonly table: Points.Table
  /** The members of the table as they were seen last, in its order. */
  readonly members: ReadonlyArray<Member>
  /** How many live members there were, eligible or not. */
  readonly live: number
}

const ownerAt = ({ members, table }: RingView, slot: number): Member | undefined => members[table.owners[slot] ?? -1]

const byName = (a: Member, b: Member): number => a.name < b.name ? -1 : 1

/** The ring of a view. It keeps the table where nothing changed that matters to it. */
const viewOf = (
  view: ReadonlyArray<Member>,
  { eligible = () => true, weight = () => 1 }: Options,
  before: RingView | undefined
): RingView => {
  const members: Array<Member> = []
  const weighted: Array<Points.Weighted> = []
  for (const member of view.toSorted(byName)) {
    const share = eligible(member) ? Points.boundedWeight(weight(member)) : 0
    if (Points.countOf(share) === 0) continue
    members.push(member)
    weighted.push({ name: member.name, weight: share })
  }
  const kept = before !== undefined && Points.same(before.table.members, weighted)
  return { table: kept ? before.table : Points.make(weighted), members, live: view.length }
}

const every = Array.from({ length: Points.SLOTS }, (_, slot) => slot)

/** What moved from one snapshot to the next; from none at all, everything that has an owner. */
const movedBetween = (before: RingView | undefined, after: RingView): ReadonlyArray<Moved> =>
  before?.table === after.table ? [] : every.flatMap((slot): ReadonlyArray<Moved> => {
    const from = before === undefined ? undefined : ownerAt(before, slot)
    const to = ownerAt(after, slot)
    return from?.name === to?.name
      ? []
      : [{ slot, from: Option.fromUndefinedOr(from), to: Option.fromUndefinedOr(to) }]
  })

/**
 * The ring, as this node sees it.
 *
 * @category services
 * @since 0.1.0
 */
export class Ring extends Context.Service<Ring, {
  /** How many slots the ring is divided in; every key is in one of them, always the same. */
  readonly slots: number
  /** The slot of a key, 0 to 4,095. */
  readonly slotOf: (key: string) => number
  /** The owner of a key, which is that of its slot. */
  readonly ownerOf: (key: string) => Effect.Effect<Member, RingEmpty>
  /**
   * Up to so many different members, the owner first, then those whose points follow on the ring: who would own the key
   * if the ones before were gone. Fewer where there are fewer, and none where nobody is eligible.
   */
  readonly ownersOf: (key: string, count: number) => Effect.Effect<ReadonlyArray<Member>>
  /** Whether this node is the owner of a key. */
  readonly isMine: (key: string) => Effect.Effect<boolean>
  /** The owner of each slot, by its number. */
  readonly owners: Effect.Effect<ReadonlyArray<Option.Option<Member>>>
  /** The slots that this node owns. */
  readonly mine: Effect.Effect<ReadonlyArray<number>>
  /**
   * All slots that have an owner now, then in one batch for each change of the view those whose owner is another.
   * A slow reader is given one batch for several changes, with what they came to. Ends with the service.
   *
   * **Gotchas**
   *
   * Owners are told apart by their names: a member that restarts before anybody noticed moves nothing.
   */
  readonly moved: Stream.Stream<ReadonlyArray<Moved>>
}>()("effect-memberlist/Ring") {
  /** How many slots a ring has. */
  static readonly slots = Points.SLOTS

  /** The slot of a key, 0 to 4,095: the first 12 bits of its MurmurHash3. */
  static readonly slotOf = Points.slotOf

  /**
   * A ring for as long as the scope lives, for programs that need several of them.
   *
   * **Gotchas**
   *
   * `weight` and `eligible` are the program's own: where one of them throws, the calls and the streams die with that
   * defect, until the view changes so that it no longer does.
   */
  static readonly make = Effect.fnUntraced(function*(
    options: Options = {}
  ): Effect.fn.Return<Ring["Service"], never, Memberlist | Scope.Scope> {
    const cluster = yield* Memberlist
    const self = cluster.info.name
    let last: RingView | undefined
    const compute = (view: ReadonlyArray<Member>): Exit.Exit<RingView> => {
      try {
        return Exit.succeed(last = viewOf(view, options, last))
      } catch (defect) {
        return Exit.die(defect)
      }
    }
    let current = compute(yield* cluster.members)
    // one waits for each reader, the newest; who comes later is given what there is
    const published = yield* Effect.acquireRelease(
      PubSub.sliding<Exit.Exit<RingView>>({ capacity: 1, replay: 1 }),
      PubSub.shutdown
    )
    yield* PubSub.publish(published, current)
    yield* Effect.forkScoped(Stream.runForEach(cluster.changes, (view) =>
      Effect.suspend(() => {
        current = compute(view)
        return PubSub.publish(published, current)
      })))

    const snapshot = Effect.suspend(() => current)
    const find = (key: string) => Effect.map(snapshot, (now) => ownerAt(now, Points.slotOf(key)))
    return Ring.of({
      slots: Points.SLOTS,
      slotOf: Points.slotOf,
      ownerOf: (key) =>
        Effect.flatMap(snapshot, (now) => {
          const owner = ownerAt(now, Points.slotOf(key))
          return owner === undefined ? Effect.fail(new RingEmpty({ members: now.live })) : Effect.succeed(owner)
        }),
      ownersOf: (key, count) =>
        Effect.map(
          snapshot,
          ({ members, table }) => table.walk(Points.slotOf(key), Math.floor(count)).flatMap((at) => members[at] ?? [])
        ),
      isMine: (key) => Effect.map(find(key), (owner) => owner?.name === self),
      owners: Effect.map(snapshot, (now) => every.map((slot) => Option.fromUndefinedOr(ownerAt(now, slot)))),
      mine: Effect.map(snapshot, (now) => every.filter((slot) => ownerAt(now, slot)?.name === self)),
      moved: Stream.fromPubSub(published).pipe(
        Stream.mapEffect((exit) => exit),
        Stream.mapAccum((): RingView | undefined => undefined, (before, after) => {
          const moved = movedBetween(before, after)
          return [after, before === undefined || moved.length > 0 ? [moved] : []]
        })
      )
    })
  })

  /** The ring of a node. */
  static readonly layer = (options?: Options): Layer.Layer<Ring, never, Memberlist> =>
    Layer.effect(this, Ring.make(options))
}
