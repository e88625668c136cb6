/**
 * `keys`: which keys agents have, and how they get others. A key is shown as its fingerprint, and read from a file or
 * from standard input: on the command line other users of the machine could read it.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Model from "../../Model.ts"
import * as AgentClient from "../AgentClient.ts"
import * as Columns from "../Columns.ts"
import { type CommandFailed, failure, usage } from "../CommandFailed.ts"
import { sorted } from "../MemberText.ts"
import * as Output from "../Output.ts"

/** What all of these are called with. */
export interface Options {
  readonly http: string
  readonly json: boolean
  /** Whether every live member's agent is asked. */
  readonly all: boolean
}

/** Agents asked at the same time. */
const CONCURRENCY = 8

interface Asked<A> {
  readonly agent: string
  readonly url: string
  readonly answer: Result.Result<A, CommandFailed>
}

/**
 * Where the agent of a member listens, if it listens as the one does that was asked: at the same port, with the same
 * token. Nothing announces another address.
 */
const siblingUrl = (url: string, address: string): string => {
  const sibling = new URL(url)
  sibling.hostname = address.slice(0, address.lastIndexOf(":"))
  return sibling.href.replace(/\/$/, "")
}

/** Asks one agent, or every live member's. */
const ask = Effect.fnUntraced(function*<A>(
  { all, http }: Options,
  question: (agent: AgentClient.Agent) => Effect.Effect<A, CommandFailed>
) {
  const own = yield* AgentClient.connect(http)
  const { name } = yield* own.call(own.client.info())
  const agents = all
    ? sorted(yield* own.call(own.client.members({ query: { state: "live" } }))).map((member) => ({
      agent: member.name,
      url: member.self ? http : siblingUrl(http, member.address)
    }))
    : [{ agent: name, url: http }]
  return yield* Effect.forEach(agents, ({ agent, url }) =>
    Effect.map(
      Effect.result(Effect.flatMap(AgentClient.connect(url), question)),
      (answer): Asked<A> => ({ agent, url, answer })
    ), { concurrency: CONCURRENCY })
})

/** Fails when an agent did: what is done everywhere is not done yet. */
const complete = Effect.fnUntraced(function*<A>(asked: ReadonlyArray<Asked<A>>) {
  const failed = asked.flatMap(({ agent, answer }) =>
    Result.isFailure(answer) ? [{ agent, error: answer.failure }] : []
  )
  const [first] = failed
  if (first === undefined) return
  if (asked.length === 1) return yield* first.error
  return yield* failure(
    "NotEverywhere",
    `${failed.length} of ${asked.length} agents did not do it, first ${first.agent}: ${first.error.message}`
  )
})

const keyRows = (
  asked: ReadonlyArray<Asked<ReadonlyArray<Model.KeyView>>>
): ReadonlyArray<ReadonlyArray<Columns.Cell>> =>
  asked.flatMap(({ agent, answer }): ReadonlyArray<ReadonlyArray<Columns.Cell>> => {
    if (Result.isFailure(answer)) return [[{ text: agent }, { text: answer.failure.message, color: "red" }]]
    if (answer.success.length === 0) return [[{ text: agent }, { text: "no keys: not encrypted", color: "yellow" }]]
    return answer.success.map(({ bits, fingerprint, primary }) => [
      { text: agent },
      { text: fingerprint },
      { text: String(bits) },
      { text: primary ? "primary" : "", color: "green" }
    ])
  })

const encodeKeys = Schema.encodeSync(Schema.toCodecJson(Schema.Array(Model.KeyView)))

const jsonOf = <A>(asked: ReadonlyArray<Asked<A>>, encode: (value: A) => object) =>
  asked.map(({ agent, answer }) =>
    Result.isFailure(answer)
      ? { agent, error: answer.failure.reason, message: answer.failure.message }
      : { agent, ...encode(answer.success) }
  )

/**
 * Prints the keys of an agent, or of all.
 *
 * @category commands
 * @since 0.1.0
 */
export const list = Effect.fnUntraced(function*(options: Options) {
  const asked = yield* ask(options, ({ call, client }) => call(client.keys.list()))
  if (asked.length > 1 || asked.every(({ answer }) => Result.isSuccess(answer))) {
    yield* Output.result(
      options.json,
      () => jsonOf(asked, (keys) => ({ keys: encodeKeys(keys) })),
      (screen) => Columns.lines(screen, ["AGENT", "FINGERPRINT", "BITS", "USE"], keyRows(asked))
    )
  }
  yield* complete(asked)
})

/** Prints what each agent did, and fails when one did not. */
const report = Effect.fnUntraced(function*(options: Options, asked: ReadonlyArray<Asked<string>>) {
  if (asked.length > 1 || asked.every(({ answer }) => Result.isSuccess(answer))) {
    yield* Output.result(
      options.json,
      () => jsonOf(asked, () => ({ done: true })),
      (screen) =>
        Columns.pairs(
          screen,
          asked.map(({ agent, answer }) => [
            agent,
            Result.isFailure(answer)
              ? { text: answer.failure.message, color: "red" }
              : { text: answer.success, color: "green" }
          ])
        )
    )
  }
  yield* complete(asked)
})

/** More is no key: the longest has 44 characters. */
const MAX_KEY_FILE = 4096

const notKey = (source: string) =>
  usage(`${source} has no key: expected 16, 24 or 32 bytes in base64, as effect-memberlist keygen writes them`)

/** The key in a file, or in standard input. What is in there is never part of an error. */
const keyOf = Effect.fnUntraced(function*(source: string) {
  const fs = yield* FileSystem.FileSystem
  const stdio = yield* Stdio.Stdio
  const bytes = source === "-" ? stdio.stdin : fs.stream(source)
  const read = yield* bytes.pipe(
    Stream.decodeText(),
    Stream.runFoldEffect(
      () => "",
      (text, part) =>
        text.length + part.length > MAX_KEY_FILE ? Effect.fail(notKey(source)) : Effect.succeed(text + part)
    ),
    Effect.catchTag(
      "PlatformError",
      (error) => Effect.fail(failure("FileUnreadable", `cannot read ${source}: ${error.reason._tag}`))
    )
  )
  const key = read.trim()
  const size = /^[A-Za-z0-9+/]+={0,2}$/.test(key) ? Buffer.from(key, "base64").length : 0
  return size === 16 || size === 24 || size === 32 ? key : yield* notKey(source === "-" ? "standard input" : source)
})

/**
 * Gives agents a key.
 *
 * @category commands
 * @since 0.1.0
 */
export const add = Effect.fnUntraced(function*(options: Options & { readonly source: string; readonly use: boolean }) {
  const key = yield* keyOf(options.source)
  const asked = yield* ask(options, ({ call, client }) =>
    Effect.map(
      call(client.keys.add({ payload: { key, use: options.use } })),
      ({ fingerprint }) => `has the key ${fingerprint}${options.use ? ", and uses it" : ""}`
    ))
  yield* report(options, asked)
})

const unknown = (given: string) =>
  failure("KeyUnknown", `no key has the fingerprint ${given}; keys list shows those there are`)

/** The key with a fingerprint that begins as was given; `undefined` where there is none. */
const meant = (keys: ReadonlyArray<Model.KeyView>, given: string): Effect.Effect<string | undefined, CommandFailed> => {
  const [found, other] = keys.filter(({ fingerprint }) => fingerprint.startsWith(given.toLowerCase()))
  return other === undefined
    ? Effect.succeed(found?.fingerprint)
    : Effect.fail(failure("KeyUnknown", `several keys have a fingerprint that begins with ${given}: give more of it`))
}

/**
 * Lets agents seal what they send with a key that they have.
 *
 * @category commands
 * @since 0.1.0
 */
export const use = Effect.fnUntraced(function*(options: Options & { readonly fingerprint: string }) {
  const asked = yield* ask(options, ({ call, client }) =>
    Effect.gen(function*() {
      const fingerprint = yield* meant(yield* call(client.keys.list()), options.fingerprint)
      if (fingerprint === undefined) return yield* unknown(options.fingerprint)
      yield* call(client.keys.use({ params: { fingerprint } }))
      return `uses the key ${fingerprint}`
    }))
  yield* report(options, asked)
})

/**
 * Takes a key from agents that use another. Of several, some may not have it, so that the command can be given again.
 *
 * @category commands
 * @since 0.1.0
 */
export const remove = Effect.fnUntraced(function*(options: Options & { readonly fingerprint: string }) {
  const absent = "does not have the key"
  const asked = yield* ask(options, ({ call, client }) =>
    Effect.gen(function*() {
      const fingerprint = yield* meant(yield* call(client.keys.list()), options.fingerprint)
      if (fingerprint === undefined) return absent
      yield* call(client.keys.remove({ params: { fingerprint } }))
      return `does not have the key ${fingerprint} any more`
    }))
  if (asked.every(({ answer }) => Result.isSuccess(answer) && answer.success === absent)) {
    return yield* unknown(options.fingerprint)
  }
  yield* report(options, asked)
})
