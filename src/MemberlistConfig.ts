/**
 * The configuration of a node: presets equal to memberlist's, a layer from values, a layer from the environment.
 *
 * ```ts
 * import { MemberlistConfig } from "effect-memberlist"
 *
 * const ConfigLive = MemberlistConfig.layer({ ...MemberlistConfig.lan, name: "orders-1", bindPort: 0 })
 * ```
 *
 * The meaning, unit and default of each field are documented in `config/Settings`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { withoutTrace } from "./base/PlainText.ts"
import { type ConfigData, expectation, type FieldName, fieldNames, fields, isDuration } from "./config/Fields.ts"
import type { GoalInvalid, GoalUnreachable } from "./config/plan/GoalError.ts"
import type { Goals } from "./config/plan/Goals.ts"
import * as Planning from "./config/plan/Plan.ts"
import * as Rules from "./config/Rules.ts"
import type { Settings } from "./config/Settings.ts"
import * as Variables from "./config/Variables.ts"
import { HostName } from "./HostName.ts"
import { ConfigInvalid, type KeyInvalid } from "./MemberlistError.ts"

export type { Forecast, Times } from "./config/plan/Forecast.ts"
export { GoalInvalid, GoalUnreachable } from "./config/plan/GoalError.ts"
export type { Goals } from "./config/plan/Goals.ts"
export type { Plan, PlannedSettings } from "./config/plan/Plan.ts"
export type { Settings } from "./config/Settings.ts"

/**
 * A complete configuration. What each field means: `Settings`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Resolved extends ConfigData {
  /** Members that get no TCP ping, by name. A function is no data: it cannot come from the environment. */
  readonly disableTcpPingsForNode: (name: string) => boolean
  /** When a node with `Seeds` tries again. A function, too. */
  readonly joinSchedule: Schedule.Schedule<unknown>
}

/**
 * A preset: everything but the name.
 *
 * @category models
 * @since 0.1.0
 */
export type Preset = Omit<Resolved, "name">

const lan: Preset = {
  label: "",
  skipInboundLabelCheck: false,
  bindAddress: "0.0.0.0",
  bindPort: 7946,
  advertiseAddress: undefined,
  advertisePort: undefined,
  protocolVersion: 2,
  tcpTimeout: Duration.seconds(10),
  indirectChecks: 3,
  retransmitMult: 4,
  suspicionMult: 4,
  suspicionMaxTimeoutMult: 6,
  pushPullInterval: Duration.seconds(30),
  probeInterval: Duration.seconds(1),
  probeTimeout: Duration.millis(500),
  disableTcpPings: false,
  disableTcpPingsForNode: () => false,
  awarenessMaxMultiplier: 8,
  gossipInterval: Duration.millis(200),
  gossipNodes: 3,
  gossipToTheDeadTime: Duration.seconds(30),
  gossipVerifyIncoming: true,
  gossipVerifyOutgoing: true,
  enableCompression: true,
  secretKey: undefined,
  delegateProtocolVersion: 0,
  delegateProtocolMin: 0,
  delegateProtocolMax: 0,
  dnsConfigPath: "/etc/resolv.conf",
  handoffQueueDepth: 1024,
  udpBufferSize: 1400,
  deadNodeReclaimTime: Duration.zero,
  requireNodeNames: false,
  cidrsAllowed: [],
  cidrsStrict: false,
  metricLabels: {},
  queueCheckInterval: Duration.seconds(30),
  meta: new Uint8Array(0),
  leaveTimeout: Duration.seconds(5),
  eventBuffer: 1024,
  messageBuffer: 1024,
  maxMembers: 65_536,
  maxDecompressedPacket: 262_144,
  maxInboundStreams: 256,
  maxInboundBytes: 134_217_728,
  maxPushPulls: 127,
  nameConflictPolicy: "keep",
  profile: "memberlist",
  suspicionConfirmations: undefined,
  buddySystem: true,
  recovery: true,
  healInterval: Duration.seconds(10),
  maxLostPeers: 256,
  lostPeerTime: Duration.hours(24),
  decisionHookTimeout: undefined,
  packetHookTimeout: undefined,
  joinConcurrency: 4,
  joinSchedule: Schedule.jittered(Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("30 seconds")])),
  readyTimeout: undefined,
  packetBuffer: 2048
}

const wan: Preset = {
  ...lan,
  tcpTimeout: Duration.seconds(30),
  suspicionMult: 6,
  pushPullInterval: Duration.seconds(60),
  probeTimeout: Duration.seconds(3),
  probeInterval: Duration.seconds(5),
  gossipNodes: 4,
  gossipInterval: Duration.millis(500),
  gossipToTheDeadTime: Duration.seconds(60)
}

const local: Preset = {
  ...lan,
  tcpTimeout: Duration.seconds(1),
  indirectChecks: 1,
  retransmitMult: 2,
  suspicionMult: 3,
  pushPullInterval: Duration.seconds(15),
  probeTimeout: Duration.millis(200),
  probeInterval: Duration.seconds(1),
  gossipInterval: Duration.millis(100),
  gossipToTheDeadTime: Duration.seconds(15)
}

const presets = { lan, wan, local }

const show = (value: unknown): string =>
  typeof value === "string" ? `"${value}"` : value instanceof Uint8Array ? `${value.length} bytes` : String(value)

const invalid = (field: FieldName, value: unknown) =>
  new ConfigInvalid({ field, value: show(value), expected: expectation(field, value) })

const validators = new Map<FieldName, (value: unknown) => boolean>(
  fieldNames.map((name) => [name, Schema.is(fields[name])])
)

const durations: ReadonlySet<FieldName> = new Set(fieldNames.filter(isDuration))

/** Durations are the only fields that may be given in several forms. What is none is left to be refused. */
const normalise = (name: FieldName, value: unknown): unknown =>
  durations.has(name) ? Option.getOrElse(Duration.fromInput(value as Duration.Input), () => value) : value

/** An empty key means no key, as in the reference. */
const withoutEmptyKey = (config: ConfigData): ConfigData =>
  config.secretKey !== undefined && Redacted.value(config.secretKey).length === 0
    ? { ...config, secretKey: undefined }
    : config

const validate = (settings: Settings): Result.Result<Resolved, ConfigInvalid | KeyInvalid> => {
  const values: Record<string, unknown> = { ...lan }
  for (const field of fieldNames) {
    const given = settings[field]
    if (given !== undefined) values[field] = normalise(field, given)
    if (validators.get(field)?.(values[field]) !== true) return Result.fail(invalid(field, given ?? values[field]))
  }
  const config = withoutEmptyKey(values as unknown as ConfigData)
  const error = Rules.contradiction(config)
  if (error !== undefined) return Result.fail(error)
  return Result.succeed({
    ...config,
    meta: new Uint8Array(config.meta),
    metricLabels: { ...config.metricLabels },
    cidrsAllowed: Rules.canonicalNetworks(config.cidrsAllowed),
    disableTcpPingsForNode: settings.disableTcpPingsForNode ?? lan.disableTcpPingsForNode,
    joinSchedule: settings.joinSchedule ?? lan.joinSchedule
  })
}

const make = (settings: Settings): Effect.Effect<Resolved, ConfigInvalid | KeyInvalid> =>
  Effect.flatMap(
    HostName,
    (host) => Effect.fromResult(Result.mapError(validate({ ...settings, name: settings.name ?? host }), withoutTrace))
  )

const logged = (warnings: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.forEach(warnings, (warning) => Effect.logWarning(warning), { discard: true })

/** The service's value, with its warnings logged once, where it is built. */
const makeLogged = (settings: Settings): Effect.Effect<Resolved, ConfigInvalid | KeyInvalid> =>
  Effect.tap(make(settings), (config) => logged(Rules.warnings(config)))

/**
 * The configuration service.
 *
 * @category services
 * @since 0.1.0
 */
export class MemberlistConfig extends Context.Service<MemberlistConfig, Resolved>()(
  "effect-memberlist/MemberlistConfig"
) {
  /** For one network with round trips of about a millisecond. memberlist: `DefaultLANConfig`. */
  static readonly lan: Preset = lan
  /** For members far apart. memberlist: `DefaultWANConfig`. */
  static readonly wan: Preset = wan
  /** For members on one machine. memberlist: `DefaultLocalConfig`. */
  static readonly local: Preset = local

  /** Completes and checks a configuration. */
  static readonly make: (settings: Settings) => Effect.Effect<Resolved, ConfigInvalid | KeyInvalid> = make

  /**
   * Plans a configuration by what it is to give: how soon failures are known, at which cost, in which network.
   *
   * **Details**
   *
   * Answers with settings for `layer`, which leave the name, addresses, keys and all else to you, and with what they
   * will give, by formulas that were checked against the simulator (`docs/plan.md`). Times of the forecast are
   * milliseconds, counts are per member. Every member of a cluster should run with the same settings.
   *
   * `GoalInvalid` names a goal that is none, the value and what would be right; `GoalUnreachable` the goal that
   * cannot be had together with the others, what stands in its way and what could be had.
   *
   * **Example**
   *
   * ```ts
   * import { MemberlistConfig } from "effect-memberlist"
   * import * as Effect from "effect/Effect"
   * import * as Layer from "effect/Layer"
   *
   * const ConfigLive = Layer.unwrap(Effect.gen(function*() {
   *   const { forecast, settings } = yield* MemberlistConfig.plan({ members: 200, detect: "5 seconds", loss: 0.01 })
   *   yield* Effect.log(`each member sends ${Math.round(forecast.traffic.bytes)} bytes a second`)
   *   return MemberlistConfig.layer({ ...settings, name: "orders-1" })
   * }))
   * ```
   *
   * SWIM §3 and §5, Lifeguard §IV; memberlist `util.go`.
   */
  static readonly plan = (goals: Goals): Effect.Effect<Planning.Plan, GoalInvalid | GoalUnreachable> =>
    Effect.suspend(() => Effect.fromResult(Result.mapError(Planning.plan(goals), withoutTrace)))

  /** What works but is probably not wanted. The layers log these. */
  static readonly warnings: (config: ConfigData) => ReadonlyArray<string> = Rules.warnings

  /**
   * The configuration from values. `ConfigInvalid` names the field, the value and what would be right; `KeyInvalid` is
   * a secret key of the wrong length.
   */
  static readonly layer = (settings: Settings): Layer.Layer<MemberlistConfig, ConfigInvalid | KeyInvalid> =>
    Layer.effect(MemberlistConfig, makeLogged(settings))

  /**
   * The configuration from Effect's `ConfigProvider`, by default the environment: `MEMBERLIST_PRESET` (`lan`, `wan`,
   * `local`), then every data field under its name, such as `MEMBERLIST_NAME`, `MEMBERLIST_BIND_PORT`,
   * `MEMBERLIST_PROBE_INTERVAL="1 second"`, `MEMBERLIST_CIDRS_ALLOWED="10.0.0.0/8,fd00::/8"`,
   * `MEMBERLIST_SECRET_KEY` in base64. Empty variables count as absent; without `MEMBERLIST_NAME` the name is
   * `HOSTNAME`, which container runtimes set, and without that the `HostName` that is provided. Other variables that
   * begin with `MEMBERLIST_` are warned of, with the name that was probably meant.
   */
  static readonly layerEnv: Layer.Layer<MemberlistConfig, Config.ConfigError | ConfigInvalid | KeyInvalid> = Layer
    .effect(
      this,
      Effect.gen(function*() {
        yield* logged(yield* Variables.warnings)
        const { preset, values } = yield* Variables.read
        return yield* makeLogged({ ...presets[preset], ...values })
      })
    )
}
