/**
 * Logs, metrics and traces for an OpenTelemetry collector, where the environment says where it is (`OTEL_…`).
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Otlp from "effect/observability/Otlp"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { json, withoutTrace } from "../base/PlainText.ts"
import { variable } from "../config/Fields.ts"
import { ConfigInvalid } from "../MemberlistError.ts"
import { VERSION } from "./PackageVersion.ts"

/** Where a collector may be said to be; all others follow from the first. */
const endpoints = ["", "_LOGS", "_METRICS", "_TRACES"].map((kind) => `OTEL_EXPORTER_OTLP${kind}_ENDPOINT`)

const text = (name: string) => Effect.map(Config.option(Config.String(name)), Option.getOrElse(() => ""))

const invalid = (field: string, value: string, expected: string) =>
  withoutTrace(new ConfigInvalid({ field, value, expected }))

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const expectedOf = (message: string): string => {
  const expected = message.replace(/^Expected /, "")
  return expected === "object" ? "\"key=value,key=value\", percent-encoded" : expected
}

/** What Effect's exporters find wrong is a defect, which names one variable. */
const ofDefect = Effect.fnUntraced(function*(cause: Cause.Cause<never>) {
  const error = Cause.squash(cause)
  if (!(error instanceof Config.ConfigError) || !Schema.isSchemaError(error.cause)) {
    return yield* Effect.failCause(cause)
  }
  const [issue] = formatIssues(error.cause.issue).issues
  const name = issue?.path?.map((part) => String(typeof part === "object" ? part.key : part)).join("_")
  if (issue === undefined || name === undefined) return yield* Effect.fail(error)
  // headers may have a password
  const value = /HEADERS/.test(name) ? "not understood (redacted)" : json(yield* text(name))
  return yield* Effect.fail(invalid(name, value, expectedOf(issue.message)))
})

/** How often, how much and how long: 0 would be without a pause. */
const amounts = [
  "METRIC_EXPORT_INTERVAL",
  ...["EXPORT_TIMEOUT", "MAX_EXPORT_BATCH_SIZE", "SCHEDULE_DELAY"].flatMap((name) => [`BSP_${name}`, `BLRP_${name}`])
].map((name) => `OTEL_${name}`)

const check = (
  names: ReadonlyArray<string>,
  isRight: (value: string) => boolean,
  expected: string
): Effect.Effect<void, ConfigInvalid | Config.ConfigError> =>
  Effect.forEach(
    names,
    (name) =>
      Effect.flatMap(text(name), (value) =>
        value === "" || isRight(value) ? Effect.void : Effect.fail(invalid(name, json(value), expected))),
    { discard: true }
  )

/** `localhost:4318` is a URL too, of the protocol `localhost`. */
const isUrl = (value: string): boolean => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)

/** Nothing unless the environment says where to. */
export const layer: Layer.Layer<never, ConfigInvalid | Config.ConfigError> = Layer.unwrap(Effect.gen(function*() {
  yield* check(endpoints, isUrl, "a URL, as in \"http://localhost:4318\"")
  yield* check(amounts, (value) => /^[1-9]\d{0,8}$/.test(value), "a whole number from 1 up")
  const named = yield* Config.option(Config.String(variable("name")))
  const name = Option.isSome(named) ? named : yield* Config.option(Config.String("HOSTNAME"))
  return Otlp.layerFromConfig({
    resource: {
      serviceName: "effect-memberlist-agent",
      serviceVersion: VERSION,
      attributes: Option.isSome(name) ? { "service.instance.id": name.value } : {}
    },
    loggerMergeWithExisting: true
  }).pipe(
    Layer.provide([OtlpSerialization.layerJson, FetchHttpClient.layer]),
    Layer.catchCause((cause) => Layer.effectDiscard(ofDefect(cause)))
  )
}))
