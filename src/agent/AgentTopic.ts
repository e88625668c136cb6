/**
 * What agents say to each other. It is one topic, because each topic has a mark in the metadata of the node, which has
 * little room.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { Memberlist } from "../Memberlist.ts"
import * as Topic from "../Topic.ts"
import * as Digest from "./agreement/Digest.ts"

const Millis = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1e13 }))
const Id = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff }))

/** Bytes that make a packet a full one, at most. */
export const MAX_FILLER = 16_384

const Filler = Schema.Uint8Array.check(
  Schema.makeFilter((bytes) => bytes.length <= MAX_FILLER, { expected: `at most ${MAX_FILLER} bytes` })
)

/** The ways by which agents ask and answer: a small packet, one as long as packets may be, and a stream. */
export const Way = Schema.Literals(["packet", "full", "stream"])
/** @since 0.1.0 */
export type Way = typeof Way.Type

/** Keys of an agent that are told, the primary one first. */
export const MAX_KEYS = 16

/** What agents say. */
export const Message = Schema.TaggedUnion({
  /** Somebody looks at whether all see the same members, and wants to be told for a while. */
  Asked: {},
  Told: {
    digest: Schema.String.check(Schema.isPattern(Digest.pattern)),
    members: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 })),
    /** Milliseconds for which the sender has had this list; at least, where `isExact` is false. */
    age: Millis,
    isExact: Schema.Boolean
  },
  /** Tries a way, and wants answers by these. */
  Tried: { id: Id, back: Schema.Array(Way).check(Schema.isMaxLength(3)), filler: Filler },
  /** What was tried with this number has come. */
  Heard: {
    id: Id,
    /** The way that this answer takes. */
    by: Way,
    /** The sender's clock: milliseconds since 1970. */
    at: Millis,
    label: Schema.String.check(Schema.isMaxLength(255)),
    /** Fingerprints. */
    keys: Schema.Array(Schema.String.check(Schema.isPattern(/^[0-9a-f]{16}$/))).check(Schema.isMaxLength(MAX_KEYS)),
    filler: Filler
  }
})
/** @since 0.1.0 */
export type Message = typeof Message.Type

/**
 * The topic.
 *
 * @category services
 * @since 0.1.0
 */
export const Talk = Topic.make("effect-memberlist/agents", Message)

/**
 * Takes part for as long as it lives. It fails where the node's metadata cannot take the mark of a topic, because it is
 * full or in a form of somebody else's. One value, so that all parts of an agent share it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Topic.Identity<"effect-memberlist/agents">, Topic.StartError, Memberlist> = Talk.layer({
  windowMessages: 64,
  windowAge: "5 seconds",
  windowBytes: 131_072,
  maxValueBytes: 32_768
})
