import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AgentSettings from "../../src/agent/AgentSettings.ts"
import * as Exporters from "../../src/agent/Exporters.ts"

/** Why the exporters do not start with these variables; `started` where they do. */
const outcome = (environment: Readonly<Record<string, string>>) =>
  Effect.gen(function*() {
    const { provider } = yield* AgentSettings.load({}, environment)
    yield* Layer.build(Exporters.layer).pipe(Effect.provideService(ConfigProvider.ConfigProvider, provider))
    return "started"
  }).pipe(Effect.scoped, Effect.catch((error) => Effect.succeed(`${error._tag}: ${error.message}`)))

const endpoint = "http://127.0.0.1:9"

describe("the exporters", () => {
  it.effect("start without a collector, and switched off", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* outcome({}), "started")
      assert.strictEqual(
        yield* outcome({ OTEL_SDK_DISABLED: "true", OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }),
        "started"
      )
    }))

  it.effect("refuse each variable that is none with its name, its value, and what would be right", () =>
    Effect.gen(function*() {
      const refused = (name: string, value: string) => outcome({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, [name]: value })
      const said = (name: string, value: string, expected: string) =>
        `ConfigInvalid: configuration field "${name}" is "${value}"; expected ${expected}`
      for (
        const [name, value, expected] of [
          ["OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318", "a URL, as in \"http://localhost:4318\""],
          ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector", "a URL, as in \"http://localhost:4318\""],
          ["OTEL_METRIC_EXPORT_INTERVAL", "often", "a whole number from 1 up"],
          ["OTEL_METRIC_EXPORT_INTERVAL", "-1", "a whole number from 1 up"],
          ["OTEL_BSP_SCHEDULE_DELAY", "0", "a whole number from 1 up"],
          ["OTEL_RESOURCE_ATTRIBUTES", "a=%%%", "\"key=value,key=value\", percent-encoded"]
        ] as const
      ) assert.strictEqual(yield* refused(name, value), said(name, value, expected))
      assert.match(
        yield* refused("OTEL_SDK_DISABLED", "perhaps"),
        /^ConfigInvalid: .*"OTEL_SDK_DISABLED" is "perhaps"; expected "true"/
      )
    }))

  it.effect("do not tell headers, which may have a password", () =>
    Effect.gen(function*() {
      const said = yield* outcome({
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
        OTEL_EXPORTER_OTLP_HEADERS: "authorization=secret%%"
      })
      assert.match(said, /"OTEL_EXPORTER_OTLP_HEADERS" is not understood/)
      assert.notInclude(said, "secret")
    }))
})
