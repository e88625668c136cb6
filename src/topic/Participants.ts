/**
 * Who takes part: live members whose metadata has the topic's mark, and those that frames come from, until their
 * metadata changes without one, or they are silent for a while. Also the mark in our own metadata.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { sameBytes } from "../base/Address.ts"
import * as TakenNames from "../base/TakenNames.ts"
import type { Member } from "../Member.ts"
import type { MemberEvent } from "../MemberEvent.ts"
import type { Memberlist } from "../Memberlist.ts"
import type { MemberlistClosed, MetaTooLarge, NotParticipating } from "../MemberlistError.ts"
import type { MetaForeign } from "../metadata/MetaErrors.ts"
import * as Overlay from "./Overlay.ts"
import { TopicTaken } from "./TopicError.ts"
import * as TopicMark from "./TopicMark.ts"

/** The topics that layers of a node have. */
const taken = TakenNames.make()

/** Whether a layer of this node has a topic of this name. */
export const isOurs = (cluster: Memberlist["Service"], topic: string): boolean => taken.isTaken(cluster, topic)

/** The mark follows whether the topic is ours when it is written: the layer may have been released meanwhile. */
const write = (cluster: Memberlist["Service"], topic: string) =>
  cluster.updateMeta((meta) => TopicMark.written(TopicMark.hashOf(topic), isOurs(cluster, topic))(meta))

/** Marks this node, unless it is. */
export const mark = (
  cluster: Memberlist["Service"],
  topic: string
): Effect.Effect<void, MetaForeign | MetaTooLarge | NotParticipating | MemberlistClosed> =>
  Effect.asVoid(write(cluster, topic))

/** Marks this node until the scope closes. */
export const marked = (cluster: Memberlist["Service"], topic: string) =>
  Effect.acquireRelease(
    Effect.suspend(
      (): Effect.Effect<void, TopicTaken | MetaForeign | MetaTooLarge | NotParticipating | MemberlistClosed> => {
        if (!taken.take(cluster, topic)) return Effect.fail(new TopicTaken({ topic }))
        return mark(cluster, topic).pipe(Effect.onError(() => Effect.sync(() => taken.release(cluster, topic))))
      }
    ),
    () =>
      Effect.andThen(
        Effect.sync(() => taken.release(cluster, topic)),
        // a node that has left, or whose metadata somebody replaced, has no mark to take back
        Effect.ignore(write(cluster, topic))
      )
  )

/** How long a member without the mark counts as one that takes part after a frame of it came, in milliseconds. */
const UNMARKED_TIME = 60_000

/** The live members, and who of them takes part. */
export class Participants {
  /** Those that take part, this node included. */
  readonly ring = new Overlay.Overlay()
  /** Their metadata, by name. */
  private readonly live = new Map<string, Uint8Array>()
  /** When the last frame came from those that have no mark. */
  private readonly unmarked = new Map<string, number>()
  private readonly hash: number
  private readonly self: string

  constructor(topic: string, self: string) {
    this.hash = TopicMark.hashOf(topic)
    this.self = self
    this.ring.add(self)
  }

  isLive(name: string): boolean {
    return this.live.has(name)
  }

  /** Takes a change; whether it changed who takes part. */
  take({ _tag, member }: MemberEvent): boolean {
    switch (_tag) {
      case "MemberJoined":
      case "MemberUpdated":
      case "MemberRecovered":
        return this.lives(member)
      case "MemberFailed":
      case "MemberLeft":
        return this.ends(member.name)
      default:
        return false
    }
  }

  /** Takes the whole list, after changes were missed. */
  replace(members: ReadonlyArray<Member>): boolean {
    const names = new Set(members.map(({ name }) => name))
    const gone = [...this.live.keys()].filter((name) => !names.has(name)).map((name) => this.ends(name))
    return [...gone, ...members.map((member) => this.lives(member))].includes(true)
  }

  /** A frame came from a member; whether it is the first sign that it takes part. */
  heard(name: string, now: number): boolean {
    const meta = this.live.get(name)
    if (meta === undefined) return false
    const isNew = this.ring.add(name)
    // it may be about to get its mark; or the frame was late, or in its name
    if (isNew || this.unmarked.has(name)) this.unmarked.set(name, now)
    return isNew
  }

  /** Takes out those without the mark that are silent; whether there were any. */
  forget(now: number): boolean {
    const silent = [...this.unmarked].filter(([, heard]) => now - heard > UNMARKED_TIME)
    for (const [name] of silent) {
      this.unmarked.delete(name)
      this.ring.remove(name)
    }
    return silent.length > 0
  }

  private lives({ meta, name }: Member): boolean {
    if (name === this.self) return false
    const known = this.live.get(name)
    if (known !== undefined && sameBytes(known, meta)) return false
    this.live.set(name, meta)
    this.unmarked.delete(name)
    return TopicMark.has(meta, this.hash) ? this.ring.add(name) : this.ring.remove(name)
  }

  private ends(name: string): boolean {
    this.unmarked.delete(name)
    return name !== this.self && this.live.delete(name) && this.ring.remove(name)
  }
}
