/**
 * Where peers may be found. With this service below its layer a node joins by itself, and keeps trying until somebody
 * answers.
 *
 * ```ts
 * import { Layer } from "effect"
 * import { MemberlistConfig, NodeMemberlist, NodeSeeds } from "effect-memberlist"
 *
 * const ClusterLive = NodeMemberlist.layer({ ...MemberlistConfig.lan, name: "orders-1" }).pipe(
 *   Layer.provide(NodeSeeds.layerDns({ name: "orders.default.svc.cluster.local", port: 7946 }))
 * )
 * ```
 *
 * A list that is fixed, one from the environment and one from a `Stream` of your own are here; DNS and files, which
 * need a platform, are in `NodeSeeds`. memberlist has nothing like it: its users call `Join` again and again.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { sentence, withoutTrace } from "./base/PlainText.ts"
import * as SeedText from "./base/SeedText.ts"
import { SeedInvalid } from "./MemberlistError.ts"

/**
 * A source could not tell its seeds. Those of before stay, and it is asked again.
 *
 * @category errors
 * @since 0.1.0
 */
export class SeedSourceFailed extends Schema.TaggedError<SeedSourceFailed>()("SeedSourceFailed", {
  /** What the service says it is. */
  source: Schema.String,
  kind: Schema.Literals(["Lookup", "File", "Stream"]),
  cause: Schema.Defect()
}) {
  override get message() {
    const { cause } = this
    const text = cause instanceof Error
      ? cause.message
      : typeof cause === "string"
      ? cause
      : Inspectable.toStringUnknown(cause)
    return `no seeds from ${sentence(this.source)}: ${sentence(text)}`
  }
}

/** The variable that `Seeds.layerEnv` reads. */
const VARIABLE = "MEMBERLIST_SEEDS"

/** The seeds, or the first text that is none. What a port may be without one is the node's to say. */
const checked = (seeds: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>, SeedInvalid> => {
  const wrong = seeds.find((seed) => SeedText.parse(seed, 0) === undefined)
  return wrong === undefined
    ? Effect.succeed(seeds)
    : Effect.fail(withoutTrace(new SeedInvalid({ seed: wrong, expected: SeedText.expected })))
}

/** A list that never changes. */
const fixed = (source: string, seeds: ReadonlyArray<string>) =>
  Effect.map(checked([...seeds]), (list) => Seeds.of({ source, changes: Stream.succeed(list) }))

/**
 * A source of seeds, each `[name/]host[:port]`. A node asks it while it takes part in its cluster, and asks again when
 * it fails; the seeds that it told last stay.
 *
 * **Details**
 *
 * A node takes the first 1,024 seeds of a list. What is above, or is no seed, is counted by `seeds.refused` and logged.
 *
 * @category services
 * @since 0.1.0
 */
export class Seeds extends Context.Service<Seeds, {
  /** What it is, in a few words: for the log, and for `Memberlist.info`. */
  readonly source: string
  /**
   * The whole list now, then again whenever it may have changed. Each node runs it once, from the beginning after a
   * failure. When it ends, its last list stays.
   */
  readonly changes: Stream.Stream<ReadonlyArray<string>, SeedSourceFailed>
}>()("effect-memberlist/Seeds") {
  /**
   * Always the same seeds. None at all is a node that is alone by configuration. A text that is no seed fails the
   * layer; a host that cannot be looked up is tried again.
   */
  static readonly layerStatic = (seeds: ReadonlyArray<string>): Layer.Layer<Seeds, SeedInvalid> =>
    Layer.effect(Seeds, fixed("static", seeds))

  /**
   * The seeds of the variable `MEMBERLIST_SEEDS`, separated by commas, read from Effect's `ConfigProvider` when the
   * layer is built. An empty or missing variable is no seeds.
   */
  static readonly layerEnv: Layer.Layer<Seeds, Config.ConfigError | SeedInvalid> = Layer.effect(
    this,
    Effect.gen(function*() {
      const text = yield* Config.option(Config.String(VARIABLE))
      const seeds = Option.getOrElse(text, () => "").split(",").map((seed) => seed.trim())
      return yield* fixed(VARIABLE, seeds.filter((seed) => seed !== ""))
    })
  )

  /**
   * The lists of a stream of your own. A failure of it keeps the last list, is counted and logged with its reason, and
   * the stream is run again, after a second at first and after half a minute at most.
   */
  static readonly layerStream = <E, R>(
    changes: Stream.Stream<ReadonlyArray<string>, E, R>,
    options: { readonly source?: string | undefined } = {}
  ): Layer.Layer<Seeds, never, R> =>
    Layer.effect(
      Seeds,
      Effect.map(Effect.context<R>(), (context) => {
        const source = options.source ?? "stream"
        return Seeds.of({
          source,
          changes: Stream.mapError(
            Stream.provideContext(changes, context),
            (cause) => new SeedSourceFailed({ source, kind: "Stream", cause })
          )
        })
      })
    )
}
