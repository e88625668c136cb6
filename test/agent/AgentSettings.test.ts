import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as LogLevel from "effect/LogLevel"
import * as Redacted from "effect/Redacted"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import * as AgentSettings from "../../src/agent/AgentSettings.ts"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"

type Texts = Readonly<Record<string, string>>

const read = (flags: Texts, environment: Texts = {}) =>
  Effect.flatMap(
    AgentSettings.load(flags, environment),
    ({ provider }) => Effect.provideService(AgentSettings.read, ConfigProvider.ConfigProvider, provider)
  )

/** Why settings are refused: the field, and what is expected. */
const refused = (flags: Texts) =>
  Effect.map(
    Effect.flip(read(flags)),
    (error) => error._tag === "ConfigInvalid" ? `${error.field}: ${error.expected}` : error._tag
  )

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(Path.join(tmpdir(), "agent-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

const file = (name: string, content: string) =>
  Effect.map(folder, (path) => {
    const at = Path.join(path, name)
    writeFileSync(at, content)
    return at
  })

describe("defaults", () => {
  it.effect("the API is for this machine alone, without a token", () =>
    Effect.gen(function*() {
      const settings = yield* read({})
      assert.deepStrictEqual(settings.http, { host: "127.0.0.1", port: 7980 })
      assert.deepInclude(settings, { token: undefined, metaForm: "section", logLevel: "Info", logFormat: "pretty" })
    }))
})

describe("what is refused", () => {
  const bad: ReadonlyArray<readonly [name: string, flags: Texts, expected: RegExp]> = [
    ["an address without a port", { MEMBERLIST_HTTP: "127.0.0.1" }, /^MEMBERLIST_HTTP: "HOST:PORT"/],
    ["a URL", { MEMBERLIST_HTTP: "http://127.0.0.1:1" }, /^MEMBERLIST_HTTP: "HOST:PORT"/],
    ["a port that is none", { MEMBERLIST_HTTP: "127.0.0.1:99999" }, /^MEMBERLIST_HTTP: "HOST:PORT"/],
    ["an address of others without a token", { MEMBERLIST_HTTP: "0.0.0.0:7980" }, /^MEMBERLIST_HTTP_TOKEN: a token/],
    ["the same of IPv6", { MEMBERLIST_HTTP: "[::]:7980" }, /^MEMBERLIST_HTTP_TOKEN: a token/],
    ["a host name without a token", { MEMBERLIST_HTTP: "myhost:7980" }, /^MEMBERLIST_HTTP_TOKEN: a token/],
    ["a short token", { MEMBERLIST_HTTP_TOKEN: "secret" }, /^MEMBERLIST_HTTP_TOKEN: at least 16/],
    [
      "a token that no header has",
      { MEMBERLIST_HTTP_TOKEN: "päßwörter-0123456789" },
      /^MEMBERLIST_HTTP_TOKEN: visible/
    ],
    ["a token of two lines", { MEMBERLIST_HTTP_TOKEN: "0123456789abcdef\n0123" }, /^MEMBERLIST_HTTP_TOKEN: visible/],
    ["an unknown level", { MEMBERLIST_LOG_LEVEL: "loud" }, /^MEMBERLIST_LOG_LEVEL: trace, debug/],
    ["an unknown format", { MEMBERLIST_LOG_FORMAT: "xml" }, /^MEMBERLIST_LOG_FORMAT: pretty, json/],
    ["a file that is missing", { MEMBERLIST_CONFIG_FILE: "/nowhere" }, /^MEMBERLIST_CONFIG_FILE: a file that can/],
    ["a key file that is missing", { MEMBERLIST_SECRET_KEY_FILE: "/no" }, /^MEMBERLIST_SECRET_KEY_FILE: a file that/],
    [
      "a token twice",
      { MEMBERLIST_HTTP_TOKEN_FILE: "/some", MEMBERLIST_HTTP_TOKEN: "0123456789abcdef" },
      /^MEMBERLIST_HTTP_TOKEN_FILE: either/
    ]
  ]
  for (const [name, flags, expected] of bad) {
    it.effect(name, () => Effect.map(refused(flags), (text) => assert.match(text, expected)))
  }

  it.effect("a token is not shown where it is refused", () =>
    Effect.map(Effect.flip(read({ MEMBERLIST_HTTP_TOKEN: "hunter2" })), (error) => {
      assert.notInclude(String(error.message), "hunter2")
    }))
})

describe("the file", () => {
  it.effect("flags come before the environment, and that before the file", () =>
    Effect.gen(function*() {
      const path = yield* file(
        "agent.json",
        JSON.stringify({
          name: "from-file",
          preset: "local",
          http: "127.0.0.1:1",
          seeds: ["10.0.0.5", "10.0.0.6:7947"],
          bindPort: 1,
          meta: { role: "db" },
          metricLabels: { cluster: "orders" },
          logFormat: "json"
        })
      )
      const { provider } = yield* AgentSettings.load(
        { MEMBERLIST_CONFIG_FILE: path, MEMBERLIST_HTTP: "127.0.0.1:3" },
        { MEMBERLIST_HTTP: "127.0.0.1:2", MEMBERLIST_BIND_PORT: "2", MEMBERLIST_NAME: "", HOSTNAME: "pod-1" }
      )
      const within = Effect.provideService(ConfigProvider.ConfigProvider, provider)
      const settings = yield* within(AgentSettings.read)
      assert.deepStrictEqual(settings.http.port, 3)
      assert.strictEqual(settings.logFormat, "json")
      const node = yield* within(
        Effect.provide(Effect.map(MemberlistConfig, (config) => config), MemberlistConfig.layerEnv)
      )
      assert.deepInclude(node, { name: "from-file", bindPort: 2, metricLabels: { cluster: "orders" } })
      assert.strictEqual(new TextDecoder().decode(node.meta), "{\"role\":\"db\"}")
    }).pipe(Effect.scoped))

  const bad: ReadonlyArray<readonly [name: string, content: string, expected: RegExp]> = [
    ["no JSON", "{", /^MEMBERLIST_CONFIG_FILE: a file of JSON/],
    ["no object", "[]", /^MEMBERLIST_CONFIG_FILE: a JSON object/],
    ["an unknown name", "{\"nmae\":\"a\"}", /^nmae in .*: a name of docs/],
    ["a value of another form", "{\"name\":{}}", /^name in .*: text, a number/],
    ["a list with commas", "{\"seeds\":[\"a,b\"]}", /^seeds in .*: text, a number/],
    ["a file that names another", "{\"configFile\":\"x\"}", /^configFile in .*: a name of docs/]
  ]
  for (const [name, content, expected] of bad) {
    it.effect(
      name,
      () =>
        Effect.scoped(
          Effect.flatMap(file("agent.json", content), (path) =>
            Effect.map(refused({ MEMBERLIST_CONFIG_FILE: path }), (text) => assert.match(text, expected)))
        )
    )
  }
})

describe("secrets", () => {
  it.effect("a file without a key, or with something else, is no wish to send in clear", () =>
    Effect.gen(function*() {
      const text = Buffer.alloc(31, 7).toString("base64")
      for (const content of ["", "\n", "no key", text]) {
        const path = yield* file("key", content)
        const error = yield* Effect.flip(read({ MEMBERLIST_SECRET_KEY_FILE: path }))
        assert.match(error.message, /MEMBERLIST_SECRET_KEY_FILE.*expected a file with a key in each line: 16, 24 or 32/)
        assert.notInclude(error.message, text)
      }
    }).pipe(Effect.scoped))

  it.effect("a file of several keys is a ring, whose first one is the node's key", () =>
    Effect.gen(function*() {
      const keys = [2, 1].map((byte) => new Uint8Array(16).fill(byte))
      const path = yield* file("key", keys.map((key) => `${Buffer.from(key).toString("base64")}\n`).join(""))
      const { keyFile, provider } = yield* AgentSettings.load(
        { MEMBERLIST_NAME: "a", MEMBERLIST_SECRET_KEY_FILE: path },
        {}
      )
      assert.deepStrictEqual(keyFile?.keys, keys)
      const node = yield* Effect.map(MemberlistConfig, (config) => config).pipe(
        Effect.provide(MemberlistConfig.layerEnv),
        Effect.provideService(ConfigProvider.ConfigProvider, provider)
      )
      assert.deepStrictEqual(Redacted.value(node.secretKey ?? Redacted.make(new Uint8Array())), keys[0])
    }).pipe(Effect.scoped))

  it.effect("a token and a key come from files", () =>
    Effect.gen(function*() {
      const token = yield* file("token", "0123456789abcdef\n")
      const key = yield* file("key", `${Buffer.alloc(32, 7).toString("base64")}\n`)
      const { provider } = yield* AgentSettings.load({
        MEMBERLIST_NAME: "a",
        MEMBERLIST_HTTP: "0.0.0.0:0",
        MEMBERLIST_HTTP_TOKEN_FILE: token,
        MEMBERLIST_SECRET_KEY_FILE: key
      }, {})
      const within = Effect.provideService(ConfigProvider.ConfigProvider, provider)
      const settings = yield* within(AgentSettings.read)
      assert.strictEqual(Redacted.value(settings.token ?? Redacted.make("")), "0123456789abcdef")
      const node = yield* within(
        Effect.provide(Effect.map(MemberlistConfig, (config) => config), MemberlistConfig.layerEnv)
      )
      assert.deepStrictEqual(
        Redacted.value(node.secretKey ?? Redacted.make(new Uint8Array())),
        new Uint8Array(32).fill(7)
      )
    }).pipe(Effect.scoped))

  it.effect("a secret of the environment comes before that of the file, however either is given", () =>
    Effect.gen(function*() {
      const token = yield* file("token", "of-the-environment")
      const settings = yield* file("settings.json", JSON.stringify({ httpToken: "of-the-settings-file" }))
      const { provider } = yield* AgentSettings.load({}, {
        MEMBERLIST_NAME: "a",
        MEMBERLIST_HTTP_TOKEN_FILE: token,
        MEMBERLIST_CONFIG_FILE: settings
      })
      const read = yield* Effect.provideService(AgentSettings.read, ConfigProvider.ConfigProvider, provider)
      assert.strictEqual(Redacted.value(read.token ?? Redacted.make("")), "of-the-environment")
    }).pipe(Effect.scoped))
})

describe("what is wrong", () => {
  const token = "short"
  /** The field that the error names, with these flags, variables, and this file. */
  const field = (flags: Texts, environment: Texts, content: unknown) =>
    Effect.scoped(Effect.gen(function*() {
      const path = yield* file("agent.json", JSON.stringify(content))
      const error = yield* Effect.flip(
        Effect.flatMap(
          AgentSettings.load({ ...flags, MEMBERLIST_CONFIG_FILE: path }, environment),
          ({ origin, provider }) =>
            Effect.mapError(
              Effect.provideService(AgentSettings.read, ConfigProvider.ConfigProvider, provider),
              (error) => error._tag === "ConfigInvalid" ? AgentSettings.at(origin, error) : error
            )
        )
      )
      assert(error._tag === "ConfigInvalid")
      return error.field.replace(Path.dirname(path), "FOLDER")
    }))

  it.effect("is named where it was written: in a flag's variable, in the environment, in the file", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* field({}, { MEMBERLIST_LOG_LEVEL: "loud" }, {}), "MEMBERLIST_LOG_LEVEL")
      assert.strictEqual(yield* field({}, {}, { logLevel: "loud" }), "logLevel in FOLDER/agent.json")
      assert.strictEqual(
        yield* field({ MEMBERLIST_LOG_LEVEL: "loud" }, {}, { logLevel: "info" }),
        "MEMBERLIST_LOG_LEVEL"
      )
      assert.strictEqual(yield* field({}, {}, { httpToken: token }), "httpToken in FOLDER/agent.json")
      assert.strictEqual(yield* field({}, {}, { secretKeyFile: "/no" }), "secretKeyFile in FOLDER/agent.json")
      // nobody wrote it
      assert.strictEqual(yield* field({}, {}, { http: "0.0.0.0:1" }), "MEMBERLIST_HTTP_TOKEN")
      const path = yield* file("token", token)
      assert.strictEqual(yield* field({}, { MEMBERLIST_HTTP_TOKEN_FILE: path }, {}), `the token in ${path}`)
    }).pipe(Effect.scoped))

  it.effect("is named by its variable where a rule of the library names the setting", () =>
    Effect.map(AgentSettings.load({ MEMBERLIST_BIND_PORT: "1" }, {}), ({ origin }) => {
      assert.deepStrictEqual([origin("bindPort"), origin("MEMBERLIST_BIND_PORT"), origin("bindPort in x")], [
        "MEMBERLIST_BIND_PORT",
        "MEMBERLIST_BIND_PORT",
        "bindPort in x"
      ])
    }))
})

describe("log levels", () => {
  it.effect("have the same names on the command line and in the environment", () =>
    Effect.gen(function*() {
      for (const level of LogLevel.values) {
        const { logLevel } = yield* read({ MEMBERLIST_LOG_LEVEL: AgentSettings.levelName(level) })
        assert.strictEqual(logLevel, { All: "Trace", Fatal: "Error" }[String(level)] ?? level)
      }
    }))
})
