/**
 * A typed view of what members announce about themselves: values of a schema in the members' metadata.
 *
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import { MemberlistConfig, NodeMemberlist } from "effect-memberlist"
 * import * as MemberMeta from "effect-memberlist/MemberMeta"
 *
 * const Worker = MemberMeta.make(Schema.Struct({ queue: Schema.String, slots: Schema.Int }))
 *
 * const WorkerLive = Worker.layer({ queue: "mail", slots: 4 }).pipe(
 *   Layer.provideMerge(NodeMemberlist.layer({ ...MemberlistConfig.lan, name: "mail-1" }))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const workers = yield* Worker
 *   yield* workers.update((own) => ({ ...own, slots: own.slots - 1 }))
 *   return yield* workers.filter(({ queue, slots }) => queue === "mail" && slots > 0)
 * })
 * ```
 *
 * Several of them, each with a name of its own, share the 512 bytes of a member: `make(schema, { name: "calls" })`.
 * What is on the wire, and how schemas may change while members of two versions run: `docs/metadata.md`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { json, name as shownName, withoutTrace } from "./base/PlainText.ts"
import * as TakenNames from "./base/TakenNames.ts"
import type { Member } from "./Member.ts"
import { Memberlist, type NewsReport } from "./Memberlist.ts"
import { ConfigInvalid, type MemberlistClosed, type NotParticipating } from "./MemberlistError.ts"
import * as Document from "./metadata/Document.ts"
import type { MetaForeign, MetaFull, MetaInvalid, MetaUnencodable } from "./metadata/MetaErrors.ts"
import { MetaNameTaken } from "./metadata/MetaErrors.ts"
import * as OwnMeta from "./metadata/OwnMeta.ts"
import * as Readings from "./metadata/Readings.ts"
import * as SectionCodec from "./metadata/SectionCodec.ts"

export { MetaForeign, MetaFull, MetaInvalid, MetaNameTaken, MetaUnencodable } from "./metadata/MetaErrors.ts"
export type { Announced } from "./metadata/Readings.ts"

/**
 * What a change of this node's value can fail with. Nothing was announced then.
 *
 * @category errors
 * @since 0.1.0
 */
export type ChangeError = MetaUnencodable | MetaFull | MetaForeign | NotParticipating | MemberlistClosed

/**
 * The values of the cluster, as this node sees them.
 *
 * @category services
 * @since 0.1.0
 */
export interface Service<A> {
  /** What this node announced last, as the others decode it. */
  readonly self: Effect.Effect<A>
  /**
   * Announces what the function makes of this node's value. Updates at the same time follow each other, those of other
   * sections too. Where the bytes stay the same nothing is announced (`Unchanged`). With `wait`, also waits until the
   * news was gossiped, at most that long. As with `Memberlist.updateMeta`, a function that throws is a defect.
   */
  readonly update: (
    f: (current: A) => A,
    options?: { readonly wait?: Duration.Input | undefined }
  ) => Effect.Effect<NewsReport, ChangeError>
  /** The value of a member; none where it announces none, or is not known. */
  readonly get: (member: Member | { readonly name: string }) => Effect.Effect<Option.Option<A>, MetaInvalid>
  /** The live members that announce a value which decodes, suspects and this node included, by their names. */
  readonly members: Effect.Effect<ReadonlyArray<Readings.Announced<A>>>
  /** Those of `members` that the predicate holds for. */
  readonly filter: (
    predicate: (value: A, member: Member) => boolean
  ) => Effect.Effect<ReadonlyArray<Readings.Announced<A>>>
  /** The first of `members`, by their names, that the predicate holds for. */
  readonly find: (
    predicate: (value: A, member: Member) => boolean
  ) => Effect.Effect<Option.Option<Readings.Announced<A>>>
  /**
   * The list of `members` now, then again after each change of who is in it, of their values or their addresses.
   * Suspicion, and what is announced in other sections, change nothing here. A slow reader skips lists and gets the
   * newest. Ends with the service.
   */
  readonly changes: Stream.Stream<ReadonlyArray<Readings.Announced<A>>>
  /**
   * The live members whose bytes do not decode, each once, and again when it announces other bytes that do not. They
   * are counted (`memberlist.meta.invalid`), and a warning tells of them, at most one in ten seconds.
   */
  readonly invalid: Stream.Stream<MetaInvalid>
}

/**
 * The identity of the service in types: of this name, with values of this type.
 *
 * @category models
 * @since 0.1.0
 */
export interface Id<in out A, Name extends string> {
  readonly section: Name
  readonly value: (value: A) => A
}

/**
 * The key of the service, which is yielded for it, and what needs no service.
 *
 * @category models
 * @since 0.1.0
 */
export interface MemberMeta<in out A, Name extends string = string> extends Context.Service<Id<A, Name>, Service<A>> {
  /** The name of the section. */
  readonly section: Name
  /**
   * Announces this node's value while the layer lives, and then takes its section out again. Other sections stay as
   * they are.
   *
   * **Details**
   *
   * A node that was started with the same value in its configuration (`encode`) announces nothing new. Members that
   * are told of the node before the layer is built see it without a value until then.
   */
  readonly layer: (initial: A) => Layer.Layer<Id<A, Name>, MetaNameTaken | ChangeError, Memberlist>
  /** The value in a member's metadata: none without this section, and `MetaInvalid` where it does not decode. */
  readonly decode: (member: Pick<Member, "name" | "meta">) => Result.Result<Option.Option<A>, MetaInvalid>
  /** The same where it makes no difference why there is no value. */
  readonly get: (member: Pick<Member, "name" | "meta">) => Option.Option<A>
  /**
   * The metadata with a section for this value, to start a node with: `MemberlistConfig`'s `meta`. With `beside` it is
   * added to the sections that another `encode` returned.
   */
  readonly encode: (
    value: A,
    beside?: Uint8Array
  ) => Result.Result<Uint8Array, MetaUnencodable | MetaFull | MetaForeign>
}

const noBytes = new Uint8Array(0)

/** The names that layers announce, by their node. */
const taken = TakenNames.make()

const claim = (cluster: object, section: string) =>
  Effect.acquireRelease(
    Effect.suspend(() => taken.take(cluster, section) ? Effect.void : Effect.fail(new MetaNameTaken({ section }))),
    () => Effect.sync(() => taken.release(cluster, section))
  )

const codecOf = <A, I>(schema: Schema.Codec<A, I>): SectionCodec.SectionCodec<A> => {
  try {
    return SectionCodec.make(schema)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new ConfigInvalid({
      field: "MemberMeta.make schema",
      value: "a schema without a binary form",
      expected: `one that effect/encoding/SchemaBinary can encode (${why})`
    })
  }
}

const checkedName = <Name extends string>(name: Name): Name => {
  const expected = name === Document.TOPICS
    ? `another name: "${name}" is the section of the topics that a member takes part in`
    : Document.nameObjection(name)
  if (expected === undefined) return name
  throw withoutTrace(new ConfigInvalid({ field: "MemberMeta.make name", value: json(name), expected }))
}

/** Metadata that does not decode, by the section. */
const invalidMembers = Metric.counter("memberlist.meta.invalid", {
  description: "changes of a member's metadata that left a section which does not decode",
  incremental: true
})

/** Milliseconds in which one warning is enough. */
const QUIET = 10_000

/**
 * Makes the typed view of a section of the members' metadata. One schema for each name: all members that have the name
 * are read with it.
 *
 * **Details**
 *
 * The schema needs no services, and encodes and decodes without waiting. Its name is 1 to 255 bytes, which each member
 * announces with its value, and `app` where none is given; `t` is that of `Topic`.
 *
 * **Gotchas**
 *
 * A schema that has no binary form, and a name that cannot be announced, are defects of the program: `ConfigInvalid` is
 * thrown.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A, I, const Name extends string = "app">(
  schema: Schema.Codec<A, I>,
  options?: { readonly name?: Name | undefined }
): MemberMeta<A, Name> => {
  // what `Name` is where no name is given
  const section = checkedName(options?.name ?? "app" as Name)
  const codec = codecOf(schema)
  const key = Context.Service<Id<A, Name>, Service<A>>(`effect-memberlist/MemberMeta/${section}`)
  const readings = Readings.make(section, codec)
  const { decode, listOf } = readings
  const written = (value: A, meta: Uint8Array) => OwnMeta.including(meta, section, value, codec)

  const invalidOf = (cluster: Memberlist["Service"]): Stream.Stream<MetaInvalid> =>
    Stream.mapAccum(cluster.changes, Readings.nothing, readings.news)

  /** Counts what does not decode, and tells of it now and then. */
  const watch = (cluster: Memberlist["Service"]) => {
    let quietUntil = -Infinity
    let untold = 0
    const count = Metric.withAttributes(invalidMembers, { section })
    return Stream.runForEach(invalidOf(cluster), (error) =>
      Effect.gen(function*() {
        yield* Metric.update(count, 1)
        const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        if (now < quietUntil) {
          untold++
          return
        }
        quietUntil = now + QUIET
        const more = untold === 0 ? "" : ` (and ${untold} more like it since the last of these warnings)`
        untold = 0
        yield* Effect.annotateLogs(Effect.logWarning(`${error.message}${more}`), {
          node: cluster.info.name,
          member: shownName(error.member),
          section
        })
      }))
  }

  const layer = (initial: A) =>
    Layer.effect(
      key,
      Effect.gen(function*() {
        const cluster = yield* Memberlist
        let own = initial

        const announce = (f: (current: A) => A, options?: { readonly wait?: Duration.Input | undefined }) =>
          cluster.updateMeta((meta) =>
            Result.map(written(f(own), meta), ({ meta, value }) => {
              own = value
              return meta
            }), options).pipe(
              // measured before
              Effect.catchTag("MetaTooLarge", Effect.die)
            )

        yield* claim(cluster, section)
        yield* Effect.acquireRelease(
          announce((value) => value),
          () => Effect.ignore(cluster.updateMeta(OwnMeta.without(section)))
        )
        yield* Effect.forkScoped(watch(cluster))

        const members = Effect.map(cluster.members, listOf)
        const fromResult = (member: Member) => Effect.fromResult(decode(member))
        return key.of({
          self: Effect.sync(() => own),
          update: announce,
          get: (member) =>
            "meta" in member
              ? fromResult(member)
              : Effect.flatMap(
                cluster.member(member.name),
                Option.match({ onNone: () => Effect.succeedNone, onSome: fromResult })
              ),
          members,
          filter: (predicate) =>
            Effect.map(members, (list) => list.filter(({ member, value }) => predicate(value, member))),
          find: (predicate) =>
            Effect.map(members, (list) =>
              Option.fromUndefinedOr(list.find(({ member, value }) => predicate(value, member)))),
          changes: Stream.changesWith(Stream.map(cluster.changes, listOf), readings.same),
          invalid: invalidOf(cluster)
        })
      })
    )

  return Object.assign(key, {
    section,
    layer,
    decode,
    get: (member: Pick<Member, "name" | "meta">) => Option.flatten(Result.getSuccess(decode(member))),
    encode: (value: A, beside: Uint8Array = noBytes) => Result.map(written(value, beside), ({ meta }) => meta)
  })
}
