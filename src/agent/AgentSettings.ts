/**
 * The agent's settings, as text: flags, the environment, and a JSON file, in this order. The settings of its node are
 * those of `MemberlistConfig.layerEnv` under the same names (`docs/configuration.md`), its seeds those of
 * `MEMBERLIST_SEEDS`; here is what comes beside them.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { env } from "node:process"
import { format } from "../base/Address.ts"
import { json, withoutTrace } from "../base/PlainText.ts"
import * as SeedText from "../base/SeedText.ts"
import { fieldNames, variable } from "../config/Fields.ts"
import { AGENT } from "../config/Variables.ts"
import { ConfigInvalid } from "../MemberlistError.ts"
import type * as AgentMeta from "./AgentMeta.ts"
import * as KeyFile from "./keys/KeyFile.ts"
import * as Guard from "./serving/Guard.ts"
import * as SmallFile from "./SmallFile.ts"

/**
 * Where the agent listens for HTTP unless it is told otherwise.
 *
 * @category defaults
 * @since 0.1.0
 */
export const DEFAULT_HTTP = "127.0.0.1:7980"

/** Characters of a token: a shorter one could be guessed. */
const MIN_TOKEN = 16

/** Bytes of a file with settings, a key or a token. */
const MAX_FILE = 65_536

/**
 * What the agent has beside its node.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settings {
  /** Where the HTTP API listens: an IP address or `localhost`, and a port; 0 takes a free one. */
  readonly http: { readonly host: string; readonly port: number }
  /** What callers have to know; needed on any other address than loopback. At least 16 characters. */
  readonly token?: Redacted.Redacted | undefined
  /** A DNS name whose addresses are the seeds; one that begins with `_` is that of a service (SRV). */
  readonly seedsDns?: string | undefined
  /** The file in which it remembers its peers across restarts. */
  readonly snapshot?: string | undefined
  /**
   * `section`, the default: its metadata lies beside the marks of topics. `raw`: it is the bytes as they are, for
   * programs that read them, and there are no topics.
   */
  readonly metaForm?: AgentMeta.Form | undefined
}

/**
 * What `read` finds: all of `Settings`, and how to log.
 *
 * @category models
 * @since 0.1.0
 */
export interface Complete extends Settings {
  /** The preset that the timing of its node begins with. */
  readonly preset: "lan" | "wan" | "local"
  readonly logLevel: LogLevel.LogLevel
  readonly logFormat: "pretty" | "json"
}

const invalid = (field: string, value: string, expected: string) =>
  withoutTrace(new ConfigInvalid({ field, value, expected }))

const quoted = (text: string): string => json(text)

/** Returns where the API listens. */
const addressOf = (text: string): Effect.Effect<Settings["http"], ConfigInvalid> => {
  const seed = SeedText.hasPort(text) ? SeedText.parse(text, 0) : undefined
  return seed === undefined || seed.name !== undefined
    ? Effect.fail(invalid(variable("http"), quoted(text), `"HOST:PORT", as in "${DEFAULT_HTTP}" or "[::1]:7980"`))
    : Effect.succeed({ host: seed.host, port: seed.port })
}

/**
 * Checks what cannot be said by types: that a token is there where others can reach the API, and long enough.
 *
 * @category validation
 * @since 0.1.0
 */
export const checked = (settings: Settings): Effect.Effect<Settings, ConfigInvalid> => {
  const { http, token } = settings
  const name = variable("httpToken")
  if (token !== undefined && Redacted.value(token).length < MIN_TOKEN) {
    const expected = `at least ${MIN_TOKEN} characters, such as the output of "openssl rand -hex 32"`
    return Effect.fail(invalid(name, "too short (redacted)", expected))
  }
  // it is sent in a header, and compared with what comes in one
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(Redacted.value(token))) {
    const expected = "visible characters of ASCII without spaces, such as the output of \"openssl rand -hex 32\""
    return Effect.fail(invalid(name, "of other characters (redacted)", expected))
  }
  if (token === undefined && !Guard.isLoopback(http.host)) {
    const place = format({ ip: http.host, port: http.port })
    const expected =
      `a token, because other machines reach the API at ${place} (or ${variable("httpTokenFile")}); or set `
      + `${variable("http")} to ${DEFAULT_HTTP}, for this machine alone`
    return Effect.fail(invalid(name, "not set", expected))
  }
  return Effect.succeed(settings)
}

const levels: Readonly<Record<string, LogLevel.LogLevel>> = {
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  warning: "Warn",
  error: "Error",
  none: "None"
}

/**
 * Returns the name of a level as `MEMBERLIST_LOG_LEVEL` has it. Of those that it does not have, all is `trace`, and
 * fatal is `error`.
 *
 * @category conversions
 * @since 0.1.0
 */
export const levelName = (level: LogLevel.LogLevel): string => {
  const found = Object.entries(levels).find(([, known]) => known === level)
  return found?.[0] ?? (level === "All" ? "trace" : "error")
}

/** A value that is one of few. */
const oneOf = <A>(
  name: typeof AGENT[number] | "preset",
  usual: string,
  values: Readonly<Record<string, A>>
): Effect.Effect<A, Config.ConfigError | ConfigInvalid> =>
  Effect.flatMap(Config.String(variable(name)).pipe(Config.withDefault(usual)), (text) => {
    const value = Object.hasOwn(values, text) ? values[text] : undefined
    return value === undefined
      ? Effect.fail(invalid(variable(name), quoted(text), Object.keys(values).join(", ")))
      : Effect.succeed(value)
  })

const optional = (name: typeof AGENT[number]) =>
  Effect.map(Config.option(Config.String(variable(name))), Option.getOrUndefined)

/**
 * Reads the agent's own settings from the `ConfigProvider`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const read: Effect.Effect<Complete, Config.ConfigError | ConfigInvalid> = Effect.gen(function*() {
  const token = yield* optional("httpToken")
  const settings = yield* checked({
    http: yield* addressOf((yield* optional("http")) ?? DEFAULT_HTTP),
    token: token === undefined ? undefined : Redacted.make(token),
    seedsDns: yield* optional("seedsDns"),
    snapshot: yield* optional("snapshot"),
    metaForm: yield* oneOf<AgentMeta.Form>("rawMeta", "false", { true: "raw", false: "section" })
  })
  return {
    ...settings,
    preset: yield* oneOf<Complete["preset"]>("preset", "lan", { lan: "lan", wan: "wan", local: "local" }),
    logLevel: yield* oneOf("logLevel", "info", levels),
    logFormat: yield* oneOf<Complete["logFormat"]>("logFormat", "pretty", { pretty: "pretty", json: "json" })
  }
})

type Values = Readonly<Record<string, string>>

/** Reads a small file of text. */
const fileText = (name: string, path: string) =>
  Effect.mapError(
    SmallFile.read(path, MAX_FILE),
    ({ why }) => invalid(name, quoted(path), `a file that can be read; ${why}`)
  )

/** What may stand in the file, by its name there. */
const names: ReadonlyMap<string, string> = new Map(
  ["preset", "seeds", ...AGENT.filter((name) => name !== "configFile"), ...fieldNames].map((name) => [
    name,
    variable(name)
  ])
)

/**
 * Returns the error with the place where the setting was written, as `Loaded.origin` tells it.
 *
 * @category conversions
 * @since 0.1.0
 */
export const at = (origin: (field: string) => string, { expected, field, value }: ConfigInvalid): ConfigInvalid =>
  invalid(origin(field), value, expected)

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** A value of the file as a variable has it; `undefined` for what has no such form. */
const textOf = (name: string, value: unknown): string | undefined => {
  if (typeof value === "string") return value
  if (typeof value === "number" || typeof value === "boolean") return String(value)
  if (name === "meta") return JSON.stringify(value)
  if (Array.isArray(value)) {
    return value.every((item) => typeof item === "string" && !item.includes(",")) ? value.join(",") : undefined
  }
  if (name !== "metricLabels" || !isRecord(value)) return undefined
  return Object.entries(value).map((entry) => entry.join("=")).join(",")
}

/** Reads the JSON file. */
const fileValues = (path: string) =>
  Effect.gen(function*() {
    const text = yield* fileText(variable("configFile"), path)
    const content = yield* Effect.try({
      try: (): unknown => JSON.parse(text),
      catch: (error) =>
        invalid(
          variable("configFile"),
          quoted(path),
          `a file of JSON: ${error instanceof Error ? error.message : error}`
        )
    })
    if (!isRecord(content)) {
      return yield* Effect.fail(
        invalid(
          variable("configFile"),
          quoted(path),
          "a JSON object, as in { \"name\": \"a\", \"seeds\": [\"10.0.0.5\"] }"
        )
      )
    }
    const values: Record<string, string> = {}
    for (const [name, value] of Object.entries(content)) {
      const known = names.get(name)
      if (known === undefined) {
        return yield* Effect.fail(
          invalid(
            `${name} in ${path}`,
            "no setting",
            "a name of docs/configuration.md or docs/agent.md, as in \"bindPort\""
          )
        )
      }
      const text = textOf(name, value)
      if (text === undefined) {
        return yield* Effect.fail(
          invalid(
            `${name} in ${path}`,
            "of another form",
            "text, a number, true or false, or a list of texts without commas"
          )
        )
      }
      values[known] = text
    }
    return values
  })

/** Secrets come by a file too, so that they stand neither in `ps` nor in a container's environment. */
const secretFile = (values: Values, name: "secretKey" | "httpToken") =>
  Effect.gen(function*() {
    const [own, file] = [variable(name), variable(`${name}File`)]
    const path = values[file]
    if (path === undefined) return undefined
    if (values[own] !== undefined) {
      return yield* Effect.fail(invalid(file, quoted(path), `either ${file} or ${own}, and not both`))
    }
    return { own, file, path, text: yield* fileText(file, path) }
  })

/** An empty file is no wish to send in clear. */
const keyFileOf = (values: Values) =>
  Effect.gen(function*() {
    const found = yield* secretFile(values, "secretKey")
    if (found === undefined) return undefined
    const keys = KeyFile.parse(found.text)
    // what is in it is not told: it may be a key, misspelt
    if (keys === undefined) return yield* Effect.fail(invalid(found.file, quoted(found.path), KeyFile.EXPECTED))
    return KeyFile.make(yield* FileSystem.FileSystem, found.path, keys)
  })

const present = (values: Readonly<Record<string, string | undefined>>): Values =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => value === undefined || value.trim() === "" ? [] : [[name, value]])
  )

/** What the file adds to what was given: nothing where that has the same secret, by itself or by a file of its own. */
const beside = (given: Values, inFile: Values): Values => {
  const decided = new Set(
    (["secretKey", "httpToken"] as const).map((name) => [variable(name), variable(`${name}File`)])
      .filter((pair) => pair.some((name) => given[name] !== undefined)).flat()
  )
  return Object.fromEntries(Object.entries(inFile).filter(([name]) => !decided.has(name)))
}

/** What OpenTelemetry's specification says where nothing else is said, and Effect does not. */
const exporters: Values = { OTEL_LOGS_EXPORTER: "otlp", OTEL_METRICS_EXPORTER: "otlp", OTEL_TRACES_EXPORTER: "otlp" }

/**
 * Returns what the setting of a variable is called in the file; `undefined` where it cannot stand there.
 *
 * @category getters
 * @since 0.1.0
 */
export const nameInFile = (variable: string): string | undefined =>
  names.has(written.get(variable) ?? "")
    ? written.get(variable)
    : undefined

/** All settings together, the file that the keys came from, and where each was written. */
export interface Loaded {
  readonly provider: ConfigProvider.ConfigProvider
  readonly keyFile: KeyFile.KeyFile | undefined
  /** Returns how to name a setting, or its variable, to who wrote it, such as `bindPort in agent.json`. */
  readonly origin: (field: string) => string
}

/** The names of settings by their variables. */
const written: ReadonlyMap<string, string> = new Map(
  [...names, ["configFile", variable("configFile")] as const].map(([name, known]) => [known, name])
)

/**
 * Returns all settings together, for `read`, `MemberlistConfig.layerEnv` and `Seeds.layerEnv`: the flags, which have
 * the names of the variables, before the environment, and that before the file that `MEMBERLIST_CONFIG_FILE` names.
 *
 * @category constructors
 * @since 0.1.0
 */
export const load = (
  flags: Readonly<Record<string, string | undefined>> = {},
  environment: Readonly<Record<string, string | undefined>> = env
): Effect.Effect<Loaded, ConfigInvalid> =>
  Effect.gen(function*() {
    const given = { ...present(environment), ...present(flags) }
    const path = given[variable("configFile")]
    const inFile = beside(given, path === undefined ? {} : present(yield* fileValues(path)))
    const values = { ...inFile, ...given }
    const origin = (field: string): string => {
      const name = names.get(field) ?? field
      const isThere = given[name] === undefined && inFile[name] !== undefined
      return isThere ? `${written.get(name) ?? name} in ${path}` : written.has(name) ? name : field
    }
    const named = Effect.mapError((error: ConfigInvalid) => at(origin, error))
    const keyFile = yield* named(keyFileOf(values))
    const token = yield* named(secretFile(values, "httpToken"))
    return {
      keyFile,
      // what is wrong with a token in a file is found later
      origin: (field: string) =>
        token !== undefined && field === token.own ? `the token in ${token.path}` : origin(field),
      provider: ConfigProvider.fromEnvRecord({
        ...exporters,
        ...values,
        ...(keyFile === undefined ? {} : { [variable("secretKey")]: KeyFile.format(keyFile.keys.slice(0, 1)).trim() }),
        ...(token === undefined ? {} : { [variable("httpToken")]: token.text })
      })
    }
  }).pipe(Effect.provide(NodeFileSystem.layer))
