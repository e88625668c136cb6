import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Variables from "../../src/config/Variables.ts"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"

const providing = (provider: ConfigProvider.ConfigProvider) =>
  Effect.provideService(Variables.warnings, ConfigProvider.ConfigProvider, provider)

const warnings = (env: Record<string, string>) => providing(ConfigProvider.fromEnvRecord(env))

const fromEnv = (env: Record<string, string>) =>
  Effect.provide(
    MemberlistConfig,
    MemberlistConfig.layerEnv.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(env)))),
    { local: true }
  )

describe("a variable that begins with MEMBERLIST_ and is none of ours", () => {
  const misspelt: ReadonlyArray<readonly [name: string, meant: string]> = [
    ["MEMBERLIST_PROBE_INTERVALL", "MEMBERLIST_PROBE_INTERVAL"],
    ["MEMBERLIST_PROBEINTERVAL", "MEMBERLIST_PROBE_INTERVAL"],
    ["MEMBERLIST_BINDPORT", "MEMBERLIST_BIND_PORT"],
    ["MEMBERLIST_ADVERTISE_ADDR", "MEMBERLIST_ADVERTISE_ADDRESS"],
    ["MEMBERLIST_SECRETKEY", "MEMBERLIST_SECRET_KEY"],
    ["MEMBERLIST_PRESETT", "MEMBERLIST_PRESET"],
    ["MEMBERLIST_probe_timeout", "MEMBERLIST_PROBE_TIMEOUT"]
  ]
  for (const [name, meant] of misspelt) {
    it.effect(`is warned of: ${name} with ${meant}`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* warnings({ MEMBERLIST_NAME: "a", PATH: "/bin", [name]: "secret" }), [
          `the variable ${name} is ignored: no setting has this name; set ${meant} if that is what you meant, or remove it`
        ])
      }))
  }

  it.effect("is warned of without a suggestion where nothing is like it", () =>
    Effect.gen(function*() {
      for (const name of ["MEMBERLIST_XYZZY", `MEMBERLIST_${"A_".repeat(200)}`]) {
        const [warning] = yield* warnings({ [name]: "1" })
        assert.include(warning ?? "", `${name} is ignored`)
        assert.include(warning ?? "", "docs/configuration.md")
      }
    }))

  it.effect("is found in other providers too", () =>
    Effect.gen(function*() {
      const found = yield* providing(
        ConfigProvider.fromUnknown({ MEMBERLIST_NAMES: "a", other: { MEMBERLIST_X: "b" } })
      )
      assert.strictEqual(found.length, 1)
      assert.include(found[0] ?? "", "set MEMBERLIST_NAME ")
    }))

  it.effect("is written to the log when the layer is built, and changes nothing", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
      const config = yield* fromEnv({ MEMBERLIST_NAME: "a", MEMBERLIST_BIND_PROT: "1" }).pipe(
        Effect.provide(Logger.layer([logger]))
      )
      assert.strictEqual(config.bindPort, 7946)
      assert.strictEqual(lines.length, 1)
      assert.match(lines[0] ?? "", /^Warn the variable MEMBERLIST_BIND_PROT is ignored.*MEMBERLIST_BIND_PORT/)
    }))
})

describe("no warning", () => {
  it.effect("is there for variables of ours, empty ones, and those of other prefixes", () =>
    Effect.gen(function*() {
      const env = {
        MEMBERLIST_PRESET: "wan",
        MEMBERLIST_BIND_PORT: "1",
        MEMBERLIST_OLD: "",
        MEMBERLISTS_X: "1",
        BIND: "1"
      }
      assert.deepStrictEqual(yield* warnings(env), [])
    }))

  it.effect("is there for what Kubernetes sets for a service named memberlist", () =>
    Effect.gen(function*() {
      for (const service of ["MEMBERLIST", "MEMBERLIST_GOSSIP"]) {
        const env = {
          [`${service}_SERVICE_HOST`]: "10.0.0.1",
          [`${service}_SERVICE_PORT`]: "7946",
          [`${service}_SERVICE_PORT_TCP_GOSSIP`]: "7946",
          [`${service}_PORT`]: "tcp://10.0.0.1:7946",
          [`${service}_PORT_7946_TCP`]: "tcp://10.0.0.1:7946",
          [`${service}_PORT_7946_TCP_PROTO`]: "tcp",
          [`${service}_PORT_7946_TCP_PORT`]: "7946",
          [`${service}_PORT_7946_TCP_ADDR`]: "10.0.0.1"
        }
        assert.deepStrictEqual(yield* warnings(env), [])
      }
      assert.strictEqual((yield* warnings({ MEMBERLIST_PORT: "7946" })).length, 1)
    }))
})

describe("a secret key", () => {
  it.effect("that is not base64 and one of a wrong length are told apart, and neither is shown", () =>
    Effect.gen(function*() {
      const text = yield* Effect.flip(fromEnv({ MEMBERLIST_NAME: "a", MEMBERLIST_SECRET_KEY: "hunter2!" }))
      assert.strictEqual(
        text.message,
        "configuration field \"MEMBERLIST_SECRET_KEY\" is not base64 (redacted); expected 16, 24 or 32 random bytes in base64"
      )
      const short = yield* Effect.flip(fromEnv({ MEMBERLIST_NAME: "a", MEMBERLIST_SECRET_KEY: "c2hvcnQ=" }))
      assert.strictEqual(short.message, "a key of 5 bytes; expected 16, 24 or 32 (AES-128, AES-192, AES-256)")
    }))
})

describe("a duration without a unit", () => {
  it.effect("is told that it lacks one, by the name of its variable", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(fromEnv({ MEMBERLIST_NAME: "a", MEMBERLIST_PROBE_TIMEOUT: "500" }))
      assert.strictEqual(error._tag, "ConfigInvalid")
      assert.strictEqual((error as Error).stack, `ConfigInvalid: ${error.message}`)
      assert.match(
        error.message,
        /"MEMBERLIST_PROBE_TIMEOUT" is "500"; expected a number with its unit, such as "500 mill/
      )
    }))
})
