/**
 * `agent`: runs an agent until a signal ends it. Flags are settings of the environment under shorter names, and come
 * before it.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import { Agent } from "../../Agent.ts"
import * as AgentSettings from "../../AgentSettings.ts"
import { CommandFailed } from "../CommandFailed.ts"
import { Signalled } from "../Signalled.ts"

type Flag = Option.Option<string>
type Place = Option.Option<{ readonly host: string; readonly port: number }>

/** What `agent` was called with. */
export interface Options {
  readonly name: Flag
  readonly bind: Place
  readonly advertise: Place
  readonly join: ReadonlyArray<string>
  readonly seedsDns: Flag
  readonly profile: Flag
  readonly encryptFile: Flag
  readonly label: Flag
  readonly meta: Flag
  readonly http: Flag
  readonly snapshot: Flag
  readonly logLevel: Option.Option<LogLevel.LogLevel>
  readonly logFormat: Flag
  readonly config: Flag
}

/**
 * Returns the variables that flags stand for.
 *
 * @category conversions
 * @since 0.1.0
 */
export const variables = (options: Options) => {
  const text = Option.getOrUndefined<string>
  const bind = Option.getOrUndefined(options.bind)
  const advertise = Option.getOrUndefined(options.advertise)
  return {
    MEMBERLIST_NAME: text(options.name),
    MEMBERLIST_BIND_ADDRESS: bind?.host,
    MEMBERLIST_BIND_PORT: bind?.port.toString(),
    MEMBERLIST_ADVERTISE_ADDRESS: advertise?.host,
    MEMBERLIST_ADVERTISE_PORT: advertise?.port.toString(),
    MEMBERLIST_SEEDS: options.join.length === 0 ? undefined : options.join.join(","),
    MEMBERLIST_SEEDS_DNS: text(options.seedsDns),
    MEMBERLIST_PRESET: text(options.profile),
    MEMBERLIST_SECRET_KEY_FILE: text(options.encryptFile),
    MEMBERLIST_LABEL: text(options.label),
    MEMBERLIST_META: text(options.meta),
    MEMBERLIST_HTTP: text(options.http),
    MEMBERLIST_SNAPSHOT: text(options.snapshot),
    MEMBERLIST_LOG_LEVEL: Option.getOrUndefined(Option.map(options.logLevel, AgentSettings.levelName)),
    MEMBERLIST_LOG_FORMAT: text(options.logFormat),
    MEMBERLIST_CONFIG_FILE: text(options.config)
  } satisfies Readonly<Record<string, string | undefined>>
}

const isFlag = (variable: string): variable is keyof typeof flags => Object.hasOwn(flags, variable)

/**
 * The flags of `agent` by the variables that they stand for.
 *
 * @category models
 * @since 0.1.0
 */
export const flags: Readonly<Record<keyof ReturnType<typeof variables>, string>> = {
  MEMBERLIST_NAME: "name",
  MEMBERLIST_BIND_ADDRESS: "bind",
  MEMBERLIST_BIND_PORT: "bind",
  MEMBERLIST_ADVERTISE_ADDRESS: "advertise",
  MEMBERLIST_ADVERTISE_PORT: "advertise",
  MEMBERLIST_SEEDS: "join",
  MEMBERLIST_SEEDS_DNS: "seeds-dns",
  MEMBERLIST_PRESET: "profile",
  MEMBERLIST_SECRET_KEY_FILE: "encrypt-file",
  MEMBERLIST_LABEL: "label",
  MEMBERLIST_META: "meta",
  MEMBERLIST_HTTP: "http",
  MEMBERLIST_SNAPSHOT: "snapshot",
  MEMBERLIST_LOG_LEVEL: "log-level",
  MEMBERLIST_LOG_FORMAT: "log-format",
  MEMBERLIST_CONFIG_FILE: "config"
}

/** Settings that cannot work are a mistake of who calls it; what the system refuses is a failure. */
const usageErrors = new Set([
  "ConfigInvalid",
  "ConfigError",
  "KeyInvalid",
  "SeedInvalid",
  "MetaFull",
  "NodeNameRequired"
])

/** The error of a setting names its variable; who wrote a flag reads the flag's name. */
const ofStart =
  (given: ReturnType<typeof variables>) =>
  (error: { readonly _tag: string; readonly message: string }): CommandFailed => {
    const named = (whole: string, variable: string): string =>
      isFlag(variable) && given[variable] !== undefined ? `--${flags[variable]}` : whole
    const message = error.message.replace(/configuration field "(MEMBERLIST_\w+)"/, named)
    return new CommandFailed({ reason: error._tag, message, isUsage: usageErrors.has(error._tag) })
  }

/**
 * Runs an agent. A signal is how it is meant to end: it leaves the cluster, and the exit code is 0.
 *
 * @category commands
 * @since 0.1.0
 */
export const serve = Effect.fnUntraced(function*(options: Options) {
  const signalled = yield* Signalled
  signalled.exitCode = 0
  const given = variables(options)
  return yield* Effect.mapError(Layer.launch(Agent.layerEnv(given)), ofStart(given))
})
