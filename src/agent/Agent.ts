/**
 * A node that people and programs in any language can ask: its HTTP API, in one layer with the node, with what it
 * exports by OpenTelemetry, and with a goodbye at the end.
 *
 * ```ts
 * import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
 * import { Layer } from "effect"
 * import { Agent } from "effect-memberlist/agent"
 *
 * Layer.launch(Agent.layerEnv()).pipe(NodeRuntime.runMain({ teardown: Agent.teardown }))
 * ```
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Runtime from "effect/Runtime"
import { json, name, withoutTrace } from "../base/PlainText.ts"
import * as SeedText from "../base/SeedText.ts"
import { variable } from "../config/Fields.ts"
import { Keyring } from "../Keyring.ts"
import { Memberlist } from "../Memberlist.ts"
import { MemberlistConfig, type Settings as NodeSettings } from "../MemberlistConfig.ts"
import { ConfigInvalid, KeyInvalid, SeedInvalid, type StartError } from "../MemberlistError.ts"
import { MetaFull } from "../MemberMeta.ts"
import * as NodeHostName from "../node/NodeHostName.ts"
import * as NodeSeeds from "../node/NodeSeeds.ts"
import * as NodeSnapshots from "../node/NodeSnapshots.ts"
import * as NodeTransport from "../node/NodeTransport.ts"
import { Seeds } from "../Seeds.ts"
import * as AgentMeta from "./AgentMeta.ts"
import * as AgentSettings from "./AgentSettings.ts"
import * as Exporters from "./Exporters.ts"
import type { KeyFile } from "./keys/KeyFile.ts"
import type { HttpBindFailed } from "./serving/HttpBindFailed.ts"
import * as Server from "./serving/Server.ts"

export type { HttpBindFailed } from "./serving/HttpBindFailed.ts"

/**
 * An agent with settings from values.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends AgentSettings.Settings {
  /** The settings of its node, as `NodeMemberlist.layer` takes them. */
  readonly node: NodeSettings
  /** Its seeds, where they are not those of `seedsDns`. */
  readonly seeds?: ReadonlyArray<string> | undefined
}

/** What is wrong with the settings, or what the system refuses. */
export type AgentError = StartError | SeedInvalid | MetaFull | HttpBindFailed

const both = (value: string) =>
  withoutTrace(
    new ConfigInvalid({
      field: variable("seedsDns"),
      value: json(value),
      expected: `either ${variable("seedsDns")} or ${variable("seeds")}, and not both`
    })
  )

/** What is wrong with a value is told under the name that it was given by. */
const asGiven = <A>(
  name: "seedsDns" | "snapshot",
  value: string,
  layer: Layer.Layer<A, ConfigInvalid>
): Layer.Layer<A, ConfigInvalid> =>
  Layer.catch(layer, ({ expected }) =>
    Layer.effectContext(
      Effect.fail(withoutTrace(new ConfigInvalid({ field: variable(name), value: json(value), expected })))
    ))

/** The seeds of a DNS name, `host[:port]`; one that begins with `_` is a service, which has its own ports. */
const dnsSeeds = (text: string): Layer.Layer<Seeds, ConfigInvalid> => asGiven("seedsDns", text, dnsSource(text))

const dnsSource = (text: string): Layer.Layer<Seeds, ConfigInvalid> => {
  if (text.startsWith("_")) return NodeSeeds.layerSrv({ name: text })
  const seed = SeedText.parse(text, 0)
  if (seed === undefined || seed.name !== undefined) return NodeSeeds.layerDns({ name: text })
  return NodeSeeds.layerDns({ name: seed.host, ...(SeedText.hasPort(text) ? { port: seed.port } : {}) })
}

type SeedSource<E = never> = Layer.Layer<Seeds, ConfigInvalid | SeedInvalid | E> | undefined

/** Seeds that `info` names, of those that were given. */
const MAX_NAMED = 16

/** The same seeds under their own names, so that `info` tells which they are. */
const named = <E>(layer: Layer.Layer<Seeds, E>, seeds: ReadonlyArray<string>): Layer.Layer<Seeds, E> => {
  const more = seeds.length - MAX_NAMED
  const source = [...seeds.slice(0, MAX_NAMED), ...(more > 0 ? [`${more} more`] : [])].join(", ")
  return Layer.effect(Seeds, Effect.map(Seeds, ({ changes }) => Seeds.of({ source, changes }))).pipe(
    Layer.provide(layer)
  )
}

/**
 * What a node needs to know before it starts: all settings are checked before an address is taken. It announces as
 * agents do.
 */
const prepared = <E, E2 = never>(
  settings: AgentSettings.Settings,
  config: Layer.Layer<MemberlistConfig, E>,
  seeds: SeedSource<E2>
): Layer.Layer<MemberlistConfig, ConfigInvalid | SeedInvalid | MetaFull | E | E2> => {
  const announcing = Layer.effect(
    MemberlistConfig,
    Effect.gen(function*() {
      const config = yield* MemberlistConfig
      const meta = yield* Effect.fromResult(AgentMeta.initial(settings.metaForm ?? "section", config.meta))
      return MemberlistConfig.of({ ...config, meta })
    })
  ).pipe(Layer.provide(config), Layer.provide(NodeHostName.layer))
  return seeds === undefined ? announcing : Layer.merge(announcing, seeds)
}

/** The node of an agent. The layers are made for each: one value would be one node. */
const nodeOf = (
  settings: AgentSettings.Settings,
  keyFile?: KeyFile
): Layer.Layer<Memberlist, StartError, MemberlistConfig> => {
  const bare = Layer.provide(Memberlist.layer, NodeTransport.layer)
  const [primary, ...keys] = keyFile?.keys ?? []
  // all of the file's; the primary one is the node's `secretKey` too
  const node = primary === undefined ? bare : Layer.provide(bare, Keyring.layer({ primary, keys }))
  const { snapshot } = settings
  return snapshot === undefined
    ? node
    : Layer.provide(node, asGiven("snapshot", snapshot, NodeSnapshots.layerFile(snapshot)))
}

/** Says goodbye, and waits until it is out. */
const goodbye = Layer.fresh(Layer.effectDiscard(Effect.gen(function*() {
  const cluster = yield* Memberlist
  yield* Effect.addFinalizer(() =>
    cluster.leave().pipe(
      Effect.flatMap(({ outcome }) =>
        Effect.log(outcome === "AlreadyLeft" ? "stopped" : "left the cluster, and stopped")
      ),
      Effect.catch((error) => Effect.logWarning(`could not leave the cluster: ${error.message}`))
    )
  )
})))

/**
 * The agent.
 *
 * @category services
 * @since 0.1.0
 */
export class Agent extends Context.Service<Agent, {
  /** Where its API is: `http://ip:port`, with the real port. */
  readonly url: string
}>()("effect-memberlist/agent/Agent") {
  /**
   * For `NodeRuntime.runMain`: exit code 0 where a signal has ended the agent. Effect says 130, as a shell would; but
   * it was asked to stop, and did so.
   */
  static readonly teardown: Runtime.Teardown = (exit, onExit) =>
    Runtime.defaultTeardown(exit, (code) => onExit(code === 130 ? 0 : code))

  /**
   * The HTTP API of a node that is there: that of your own program. On any other address than loopback it needs a
   * token. When it is released, streams end, and requests that are open get two seconds.
   */
  static readonly layerHttp = (
    settings: AgentSettings.Settings
  ): Layer.Layer<Agent, ConfigInvalid | HttpBindFailed, Memberlist> =>
    Layer.provide(serving(settings), listening(settings))

  /** A whole agent from values: node, goodbye and API. */
  static readonly layer = (options: Options): Layer.Layer<Agent | Memberlist, AgentError> => {
    const { seeds, seedsDns } = options
    if (seeds !== undefined && seedsDns !== undefined) return Layer.effectContext(Effect.fail(both(seedsDns)))
    const given = seeds === undefined ? undefined : named(Seeds.layerStatic(seeds), seeds)
    const source: SeedSource = seedsDns === undefined ? given : dnsSeeds(seedsDns)
    return serving(options).pipe(
      Layer.provide(goodbye),
      Layer.provideMerge(nodeOf(options)),
      Layer.provide(listening(options)),
      Layer.provide(prepared(options, MemberlistConfig.layer(options.node), source))
    )
  }

  /**
   * A whole agent from flags, the environment and a file (`AgentSettings.load`). It logs as they say, and exports
   * logs, metrics and traces where `OTEL_EXPORTER_OTLP_ENDPOINT` says where to.
   */
  static readonly layerEnv = (
    flags: Readonly<Record<string, string | undefined>> = {}
  ): Layer.Layer<Agent | Memberlist, AgentError | KeyInvalid | Config.ConfigError> =>
    Layer.unwrap(
      Effect.map(
        AgentSettings.load(flags),
        (loaded) => Layer.fresh(Layer.provide(fromProvider(loaded), ConfigProvider.layer(loaded.provider)))
      )
    )
}

/** The address of the API, once the settings are known to be good. */
const listening = (settings: AgentSettings.Settings) =>
  Layer.unwrap(Effect.map(AgentSettings.checked(settings), ({ http }) => Server.listening(http)))

const serving = (
  { http, metaForm = "section", token }: AgentSettings.Settings,
  known: { readonly keyFile?: KeyFile | undefined; readonly preset?: string | undefined } = {}
) =>
  Layer.effect(
    Agent,
    Effect.gen(function*() {
      const { address } = yield* HttpServer.HttpServer
      const { info } = yield* Memberlist
      const url = HttpServer.formatAddress(address)
      const needed = token === undefined ? "no token" : "with a token"
      yield* Effect.log(`agent ${name(info.name)}: members reach it at ${info.advertised}, HTTP at ${url} (${needed})`)
      return Agent.of({ url })
    })
  ).pipe(Layer.provide(Server.layer({ ...http, token, meta: metaForm, ...known })))

/** What is wrong with a setting, under the name and at the place that it was written with. */
const placed =
  ({ origin }: AgentSettings.Loaded) => <E extends { readonly _tag: string }>(error: E): E | ConfigInvalid => {
    const one = (name: string, value: string, expected: string) =>
      withoutTrace(new ConfigInvalid({ field: origin(variable(name)), value, expected }))
    if (error instanceof ConfigInvalid) return AgentSettings.at(origin, error)
    if (error instanceof KeyInvalid) {
      return one("secretKey", `of ${error.length} bytes (redacted)`, "16, 24 or 32 bytes in base64")
    }
    if (error instanceof SeedInvalid) return one("seeds", json(error.seed), error.expected)
    if (error instanceof MetaFull) {
      return one(
        "meta",
        `${error.size - error.limit} bytes too long`,
        "metadata that has a place beside the agent's own"
      )
    }
    return error
  }

const fromProvider = (
  loaded: AgentSettings.Loaded
): Layer.Layer<Agent | Memberlist, AgentError | KeyInvalid | Config.ConfigError> =>
  Layer.unwrap(
    Effect.gen(function*() {
      const { keyFile } = loaded
      const settings = yield* AgentSettings.read
      const { logFormat, logLevel, preset, seedsDns } = settings
      const seeds = yield* Config.option(Config.String(variable("seeds")))
      if (seedsDns !== undefined && Option.isSome(seeds)) return yield* Effect.fail(both(seedsDns))
      const given = Option.map(
        seeds,
        (text) => text.split(",").map((seed) => seed.trim()).filter((seed) => seed !== "")
      )
      const fromList = Option.isNone(given) ? undefined : named(Seeds.layerEnv, given.value)
      const source: SeedSource<Config.ConfigError> = seedsDns === undefined ? fromList : dnsSeeds(seedsDns)
      const logging = Layer.merge(
        Logger.layer([logFormat === "json" ? Logger.consoleJson : Logger.consolePretty()]),
        Layer.succeed(References.MinimumLogLevel, logLevel)
      )
      // warnings about settings are logged as they say
      const ready = Layer.effectContext(
        Effect.mapError(Layer.build(prepared(settings, MemberlistConfig.layerEnv, source)), placed(loaded))
      )
      return serving(settings, { keyFile, preset }).pipe(
        Layer.provide(goodbye),
        Layer.provideMerge(nodeOf(settings, keyFile)),
        Layer.provide(listening(settings)),
        Layer.provide(ready),
        Layer.provide(Layer.provideMerge(Exporters.layer, logging))
      )
    }).pipe(Effect.mapError(placed(loaded)))
  )
