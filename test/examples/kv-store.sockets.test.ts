/** The nodes of the example `kv-store` in one process. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Option, References, Scope } from "effect"
import { Memberlist } from "effect-memberlist"
import { HttpServer } from "effect/http"
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import * as Node from "../../examples/kv-store/node.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(Path.join(tmpdir(), "kv-store-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

/** Starts a node, which `stop` ends before the test does. */
const start = Effect.fnUntraced(function*(name: string, settings: Partial<Node.Settings> = {}) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const built = yield* Layer.buildWithScope(
    Node.layer({
      name,
      host: "127.0.0.1",
      port: 0,
      httpPort: 0,
      seeds: [],
      folder: Option.none(),
      maxKeys: 100,
      ...settings
    }).pipe(Layer.provide(NodeServices.layer)),
    scope
  ).pipe(Effect.provideService(References.MinimumLogLevel, "Error"))
  return {
    address: (yield* Context.get(built, Memberlist).localMember).address,
    url: HttpServer.formatAddress(Context.get(built, HttpServer.HttpServer).address),
    stop: Scope.close(scope, Exit.void)
  }
})

const request = (url: string, init: RequestInit = {}) =>
  Effect.promise(async (signal) => {
    const response = await fetch(url, { signal, ...init })
    return { status: response.status, headers: response.headers, text: await response.text() }
  })
const put = (url: string, body: string | Uint8Array<ArrayBuffer> | ReadableStream, type = "text/plain") =>
  request(url, { method: "PUT", body, headers: { "content-type": type }, duplex: "half" })
const remove = (url: string) => Effect.map(request(url, { method: "DELETE" }), ({ status }) => status)
const health = (url: string) =>
  Effect.map(request(`${url}/health`), ({ status, text }) => ({ status, ...JSON.parse(text) }))
const until = <A>(effect: Effect.Effect<A>, is: (value: A) => boolean) =>
  Effect.repeat(Effect.delay(effect, "50 millis"), { until: is })

/** One that has caught up, or is alone. */
const started = Effect.fnUntraced(function*(name: string, settings: Partial<Node.Settings> = {}) {
  const node = yield* start(name, settings)
  yield* until(health(node.url), ({ status }) => status === 200)
  return node
})
const pair = Effect.gen(function*() {
  const anna = yield* started("anna")
  const bert = yield* started("bert", { seeds: [anna.address] })
  yield* until(health(anna.url), ({ members }) => members.length === 2)
  return { anna, bert }
})

/** What a watcher is told, an array that grows, until the scope or the stream ends. */
const watch = Effect.fnUntraced(function*(url: string) {
  const told: Array<string> = []
  const response = yield* Effect.promise((signal) => fetch(url, { signal }))
  const reading = Effect.promise(async () => {
    let rest = ""
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (rest + text).split("\n\n")
      rest = blocks.pop() ?? ""
      for (const block of blocks) told.push(block.replace(/^event: (.*)\ndata: /, "$1 "))
    }
  })
  const ended = yield* Effect.forkScoped(reading)
  // from then on it misses nothing
  yield* until(Effect.sync(() => told[0]), (first) => first === ": from now on")
  return { told, ended }
})

const set = (key: string, type: string, value: unknown, by: string) => `set ${JSON.stringify({ key, type, value, by })}`
const gone = (key: string, by: string) => `removed ${JSON.stringify({ key, by })}`

// They mostly wait, so they wait at the same time.
describe.concurrent("a node of the key/value store", () => {
  it.live("keeps texts and JSON as they were sent, for all nodes", () =>
    Effect.gen(function*() {
      const { anna, bert } = yield* pair
      // a semicolon, a slash and a percent sign are as good as any character
      const name = encodeURIComponent("a/b c;d?e#f%é")
      assert.strictEqual((yield* put(`${anna.url}/keys/${name}`, "héllo")).status, 204)
      assert.strictEqual(
        (yield* put(`${anna.url}/keys/json`, "{\"n\": 1.0}", "application/json; charset=utf-8")).status,
        204
      )
      assert.strictEqual((yield* put(`${anna.url}/keys/empty`, "")).status, 204)
      const there = yield* until(request(`${bert.url}/keys/empty`), ({ status }) => status === 200)
      assert.strictEqual(there.text, "")
      const text = yield* request(`${bert.url}/keys/${name}`)
      assert.deepStrictEqual([text.status, text.text], [200, "héllo"])
      assert.strictEqual(text.headers.get("content-type"), "text/plain; charset=utf-8")
      const json = yield* request(`${bert.url}/keys/json`)
      assert.deepStrictEqual([json.status, json.text], [200, "{\"n\": 1.0}"])
      assert.strictEqual(json.headers.get("content-type"), "application/json")
      assert.deepStrictEqual([yield* remove(`${bert.url}/keys/json`), yield* remove(`${bert.url}/keys/json`)], [
        204,
        404
      ])
      yield* until(request(`${anna.url}/keys/json`), ({ status }) => status === 404)
      const { entries } = JSON.parse((yield* request(`${anna.url}/keys`)).text)
      assert.deepStrictEqual(entries, [
        { key: "a/b c;d?e#f%é", type: "text", value: "héllo" },
        { key: "empty", type: "text", value: "" }
      ])
    }))

  it.live("lists the keys with a prefix, page by page", () =>
    Effect.gen(function*() {
      const { url } = yield* started("anna")
      for (const key of ["b2", "a", "b1", "b3", "c", "b"]) {
        yield* put(`${url}/keys/${key}`, `"${key}"`, "application/json")
      }
      const list = (query: string) =>
        Effect.map(request(`${url}/keys?${query}`), ({ text }) => {
          const { after, entries } = JSON.parse(text)
          return [
            ...entries.map(({ key, value }: { key: string; value: string }) => key === value ? key : value),
            after
          ]
        })
      assert.deepStrictEqual(yield* list(""), ["a", "b", "b1", "b2", "b3", "c", undefined])
      assert.deepStrictEqual(yield* list("prefix=b&limit=3"), ["b", "b1", "b2", "b2"])
      assert.deepStrictEqual(yield* list("prefix=b&limit=3&after=b2"), ["b3", undefined])
      assert.deepStrictEqual(yield* list("prefix=b&limit=4"), ["b", "b1", "b2", "b3", undefined])
      assert.deepStrictEqual(yield* list("prefix=nothing"), [undefined])
      // more bytes than an answer has
      for (let i = 0; i < 20; i++) {
        yield* put(`${url}/keys/large-${String(i).padStart(2, "0")}`, "x".repeat(65_536))
      }
      const page = yield* list("prefix=large")
      assert.lengthOf(page, 17)
      assert.strictEqual(page.at(-1), "large-15")
    }))

  it.live("lists and tells JSON as it is, however deep it goes and wherever its lines end", () =>
    Effect.gen(function*() {
      const { url } = yield* started("anna")
      const { told } = yield* watch(`${url}/watch`)
      const deep = "[".repeat(30_000) + "]".repeat(30_000)
      assert.strictEqual((yield* put(`${url}/keys/deep`, deep, "application/json")).status, 204)
      assert.strictEqual((yield* put(`${url}/keys/lines`, "{\n\"n\":\r\n1.0}", "application/json")).status, 204)
      yield* until(Effect.sync(() => told.length), (length) => length === 3)
      const lines = `"key":"lines","type":"json","value":{ "n":  1.0}`
      assert.strictEqual(told[2], `set {${lines},"by":"anna"}`)
      assert.include(told[1] ?? "", deep)
      const list = yield* request(`${url}/keys`)
      assert.strictEqual(list.status, 200)
      assert.strictEqual(list.text, `{"entries":[{"key":"deep","type":"json","value":${deep}},{${lines}}]}`)
    }))

  it.live("refuses what it cannot keep, and says why", () =>
    Effect.gen(function*() {
      const { url } = yield* started("anna", { maxKeys: 2 })
      const refused: Record<string, string> = {}
      const tell = (what: string, { status, text }: { readonly status: number; readonly text: string }) => {
        refused[what] = `${status} ${text === "" ? "" : JSON.parse(text).error}`
      }
      tell("nothing there", yield* request(`${url}/keys/a`))
      tell("no content type", yield* request(`${url}/keys/a`, { method: "PUT", body: new Uint8Array(1) }))
      tell("a form", yield* put(`${url}/keys/a`, "a=1", "application/x-www-form-urlencoded"))
      tell("no JSON", yield* put(`${url}/keys/a`, "{", "application/json"))
      tell("no UTF-8", yield* put(`${url}/keys/a`, new Uint8Array([0xff])))
      tell("a byte too many", yield* put(`${url}/keys/a`, "é".repeat(32_768) + "a"))
      const endless = ReadableStream.from(Array.from({ length: 100 }, () => new Uint8Array(65_536)))
      tell("no length", yield* put(`${url}/keys/a`, endless))
      tell("a long key", yield* put(`${url}/keys/${"k".repeat(257)}`, "a"))
      tell("a very long key", yield* put(`${url}/keys/${"k".repeat(10_000)}`, "a"))
      tell("a semicolon", yield* put(`${url}/keys/a;b`, "a"))
      tell("no key", yield* put(`${url}/keys/%zz`, "a"))
      for (const ttl of ["x", "0", "-1", "Infinity", "1e12", ""]) {
        tell(`ttl ${ttl}`, yield* put(`${url}/keys/a?ttl=${ttl}`, "a"))
      }
      for (const limit of ["0", "1001", "1.5", "x"]) {
        tell(`limit ${limit}`, yield* request(`${url}/keys?limit=${limit}`))
      }
      assert.deepStrictEqual((yield* health(url)).keys, 0)
      yield* put(`${url}/keys/a`, "é".repeat(32_768))
      yield* put(`${url}/keys/${"k".repeat(256)}`, "b")
      tell("a key too many", yield* put(`${url}/keys/c`, "c"))
      assert.strictEqual((yield* put(`${url}/keys/a`, "again")).status, 204)
      assert.deepStrictEqual(refused, {
        "nothing there": "404 NotThere",
        "no content type": "415 TypeUnsupported",
        "a form": "415 TypeUnsupported",
        "no JSON": "400 BodyInvalid",
        "no UTF-8": "400 BodyInvalid",
        "a byte too many": "413 MapValueTooLarge",
        "no length": "413 MapValueTooLarge",
        "a long key": "400 MapKeyInvalid",
        "a very long key": "400 MapKeyInvalid",
        "a semicolon": "400 MapKeyInvalid",
        "no key": "404 ",
        "ttl x": "400 QueryInvalid",
        "ttl 0": "400 MapTtlInvalid",
        "ttl -1": "400 MapTtlInvalid",
        "ttl Infinity": "400 QueryInvalid",
        "ttl 1e12": "400 MapTtlInvalid",
        "ttl ": "400 MapTtlInvalid",
        "limit 0": "400 QueryInvalid",
        "limit 1001": "400 QueryInvalid",
        "limit 1.5": "400 QueryInvalid",
        "limit x": "400 QueryInvalid",
        "a key too many": "507 MapFull"
      })
    }))

  it.live("tells watchers what changes at any node, and what expires", () =>
    Effect.gen(function*() {
      const { anna, bert } = yield* pair
      yield* put(`${anna.url}/keys/a-before`, "1")
      yield* until(request(`${bert.url}/keys/a-before`), ({ status }) => status === 200)
      const [ofBert, ofAnna, ofNone] = yield* Effect.all([
        watch(`${bert.url}/watch?prefix=a`),
        watch(`${anna.url}/watch`),
        watch(`${anna.url}/watch?prefix=none`)
      ])
      const untilTold = (told: ReadonlyArray<string>, what: string) =>
        until(Effect.sync(() => told), (told) => told.includes(what))
      yield* put(`${anna.url}/keys/a`, "1", "application/json")
      yield* put(`${anna.url}/keys/b`, "2")
      yield* untilTold(ofBert.told, set("a", "json", 1, "anna"))
      yield* put(`${anna.url}/keys/a?ttl=0.5`, "soon gone")
      yield* until(request(`${bert.url}/keys/b`), ({ status }) => status === 200)
      assert.strictEqual(yield* remove(`${bert.url}/keys/b`), 204)
      // by both, before it is there again
      for (const { told } of [ofAnna, ofBert]) yield* untilTold(told, gone("a", "anna"))
      yield* put(`${bert.url}/keys/a`, "3")
      const expiring = set("a", "text", "soon gone", "anna")
      const ofA = [set("a", "json", 1, "anna"), expiring, gone("a", "anna"), set("a", "text", "3", "bert")]
      for (const { told } of [ofAnna, ofBert]) yield* untilTold(told, set("a", "text", "3", "bert"))
      // on a busy machine it may be over before it is at another node
      const ofBoth = ofBert.told.includes(expiring) ? ofA : ofA.filter((told) => told !== expiring)
      assert.deepStrictEqual(ofBert.told, [": from now on", ...ofBoth])
      assert.sameMembers(ofAnna.told, [": from now on", ...ofA, set("b", "text", "2", "anna"), gone("b", "bert")])
      yield* anna.stop
      yield* Effect.exit(Fiber.join(ofNone.ended))
      assert.deepStrictEqual(ofNone.told, [": from now on"])
    }))

  it.live("begins with what its folder keeps, beside what a node that was killed has begun to write there", () =>
    Effect.gen(function*() {
      const path = yield* folder
      const settings = { folder: Option.some(path) }
      const before = yield* started("anna", settings)
      for (let i = 0; i < 20; i++) yield* put(`${before.url}/keys/${i}`, `value ${i}`)
      yield* remove(`${before.url}/keys/7`)
      yield* before.stop
      const kept = readdirSync(path)
      assert.isAbove(kept.length, 5)
      for (const file of kept) writeFileSync(Path.join(path, `${file}.new`), "half of it")
      const after = yield* started("anna", settings)
      const { entries } = JSON.parse((yield* request(`${after.url}/keys`)).text)
      assert.lengthOf(entries, 19)
      assert.strictEqual((yield* request(`${after.url}/keys/7`)).status, 404)
      assert.strictEqual((yield* request(`${after.url}/keys/19`)).text, "value 19")
    }))

  it.live("answers with 503 until it has joined, where it has somebody to join", () =>
    Effect.gen(function*() {
      const { url } = yield* start("anna", { seeds: ["127.0.0.1:9"] })
      const answers = yield* Effect.all([
        put(`${url}/keys/a`, "a"),
        request(`${url}/keys`),
        request(`${url}/watch`)
      ])
      for (const { headers, status, text } of answers) {
        assert.deepStrictEqual([status, headers.get("retry-after"), JSON.parse(text).error], [503, "1", "NotReady"])
      }
      assert.deepInclude(yield* health(url), { status: 503, isReady: false, name: "anna", keys: 0 })
    }))
})
