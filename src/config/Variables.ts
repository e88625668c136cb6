/**
 * The configuration as text: Effect's `ConfigProvider`, by default the environment, with variables named
 * `MEMBERLIST_…`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { withoutTrace } from "../base/PlainText.ts"
import { ConfigInvalid } from "../MemberlistError.ts"
import { expectation, type FieldName, fieldNames, fields, PREFIX, variable } from "./Fields.ts"

const PRESET = variable("preset")
const PRESETS = ["lan", "wan", "local"] as const

/** Read by `Seeds.layerEnv`, and no setting. */
const SEEDS = variable("seeds")

/**
 * What `effect-memberlist/agent` has beside the settings of its node: its variables begin as ours do.
 *
 * @category models
 * @since 0.1.0
 */
export const AGENT = [
  "configFile",
  "http",
  "httpToken",
  "httpTokenFile",
  "logFormat",
  "logLevel",
  "rawMeta",
  "secretKeyFile",
  "seedsDns",
  "snapshot"
] as const

const known = [PRESET, SEEDS, ...AGENT.map(variable), ...fieldNames.map(variable)]

/** What Kubernetes sets in every container for a service whose name begins with `memberlist`: no settings of ours. */
const serviceVariable = /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/
const serviceAddress = /^(tcp|udp|sctp):\/\//

/** How many characters must be put in, left out or replaced to make one text of the other (Levenshtein). */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** Longer names are no misspellings, and would cost much to compare. */
const MAX_NAME = 64

/** The variable that was probably meant; `undefined` when none is at all like it. */
const nearest = (name: string): string | undefined => {
  if (name.length > MAX_NAME) return undefined
  const [first] = known
    .map((other) => ({ other, cost: distance(name.slice(PREFIX.length).toUpperCase(), other.slice(PREFIX.length)) }))
    .sort((a, b) => a.cost - b.cost)
  return first === undefined || first.cost > (name.length - PREFIX.length) / 2 ? undefined : first.other
}

/**
 * All variables that begin with the prefix. A provider lists the environment's names in the parts between underscores.
 */
const list = (
  provider: ConfigProvider.ConfigProvider,
  path: ReadonlyArray<string> = []
): Effect.Effect<ReadonlyArray<readonly [name: string, value: string]>, ConfigProvider.SourceError> =>
  Effect.gen(function*() {
    const node = yield* provider.load(path)
    if (node === undefined) return []
    const name = path.join("_")
    const own = node.value === undefined || !name.startsWith(PREFIX) ? [] : [[name, node.value] as const]
    const keys = node._tag === "Record" ? [...node.keys] : []
    const inside = path.length > 0 ? keys : keys.filter((key) => `${key}_` === PREFIX || key.startsWith(PREFIX))
    return [...own, ...(yield* Effect.forEach(inside, (key) => list(provider, [...path, key]))).flat()]
  })

/**
 * What to say about variables that begin like ours and are none: they change nothing.
 *
 * @category validation
 * @since 0.1.0
 */
export const warnings: Effect.Effect<ReadonlyArray<string>, Config.ConfigError> = Effect.gen(function*() {
  const provider = yield* ConfigProvider.ConfigProvider
  const all = yield* Effect.mapError(list(provider), (cause) => new Config.ConfigError(cause))
  return all
    .filter(([name, value]) => !known.includes(name) && !serviceAddress.test(value) && !serviceVariable.test(name))
    .map(([name]) => {
      const meant = nearest(name)
      return `the variable ${name} is ignored: no setting has this name; ${
        meant === undefined
          ? "remove it, or set one of those in docs/configuration.md"
          : `set ${meant} if that is what you meant, or remove it`
      }`
    })
})

const invalid = (field: string, value: string, expected: string) =>
  withoutTrace(new ConfigInvalid({ field, value, expected }))

/** Secrets stay out of the error, whatever is wrong with them. */
const shown = (name: FieldName, text: string) => name === "secretKey" ? "not base64 (redacted)" : `"${text}"`

const expected = (name: FieldName, text: string) =>
  name === "secretKey" ? "16, 24 or 32 random bytes in base64" : expectation(name, text)

const fromText = (name: FieldName, text: string): Result.Result<unknown, ConfigInvalid> =>
  Result.mapError(
    Schema.decodeUnknownResult<Schema.ConstraintDecoder<unknown>>(fields[name])(text),
    () => invalid(variable(name), shown(name, text), expected(name, text))
  )

/** What the variables say. */
export interface Variables {
  readonly preset: typeof PRESETS[number]
  /** The fields that are set. */
  readonly values: Readonly<Record<string, unknown>>
}

const readPreset: Effect.Effect<Variables["preset"], Config.ConfigError | ConfigInvalid> = Effect.flatMap(
  Config.String(PRESET).pipe(Config.withDefault("lan")),
  (text) => {
    const preset = PRESETS.find((name) => name === text)
    return preset === undefined
      ? Effect.fail(invalid(PRESET, `"${text}"`, "lan, wan or local"))
      : Effect.succeed(preset)
  }
)

/**
 * Reads all variables. Without a name it is that of the container, `HOSTNAME`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const read: Effect.Effect<Variables, Config.ConfigError | ConfigInvalid> = Effect.gen(function*() {
  const preset = yield* readPreset
  const values: Record<string, unknown> = {}
  // container runtimes set it to the container's or the pod's name
  values["name"] = Option.getOrUndefined(yield* Config.option(Config.String("HOSTNAME")))
  for (const name of fieldNames) {
    const text = yield* Config.option(Config.String(variable(name)))
    if (Option.isSome(text)) values[name] = yield* Effect.fromResult(fromText(name, text.value.trim()))
  }
  return { preset, values }
})
