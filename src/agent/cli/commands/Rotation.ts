/**
 * `keys`: which keys agents have, and how they get others. A key is shown as its fingerprint, and read from a file or
 * from standard input: on the command line other users of the machine could read it.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as PlainText from "../../../base/PlainText.ts"
import * as KeyFile from "../../keys/KeyFile.ts"
import * as Model from "../../Model.ts"
import * as SmallFile from "../../SmallFile.ts"
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

type Place = Omit<Asked<never>, "answer">

/** The one agent, or every live member's; and the names of those that are gone, as far as they are remembered. */
const places = Effect.fnUntraced(function*({ all, http }: Options) {
  const own = yield* AgentClient.connect(http)
  const { name } = yield* own.call(own.client.info())
  const agents: ReadonlyArray<Place> = [{ agent: name, url: http }]
  if (!all) return { agents, gone: [] }
  const members = sorted(yield* own.call(own.client.members({ query: { state: "all" } })))
  return {
    agents: members.filter(({ state }) => state === "alive" || state === "suspect").map((member): Place => ({
      agent: member.name,
      url: member.self ? http : siblingUrl(http, member.address)
    })),
    gone: members.filter(({ state }) => state === "dead" || state === "left").map((member) => member.name)
  }
})

/** The agent of a member. Another one may listen where it should: several on one machine have ports of their own. */
const agentOf = Effect.fnUntraced(function*({ agent, url }: Place) {
  const found = yield* AgentClient.connect(url)
  const { name } = yield* found.call(found.client.info())
  if (name === agent) return found
  return yield* failure(
    "OtherAgent",
    `at ${url} is the agent of ${PlainText.name(name)}; that of ${PlainText.name(agent)} listens at another port, and `
      + "is called by itself, with --http"
  )
})

/** Asks each of them. */
const ask = <A, B extends Place>(
  agents: ReadonlyArray<B>,
  question: (agent: AgentClient.Agent, about: B) => Effect.Effect<A, CommandFailed>
) =>
  Effect.forEach(agents, (about) =>
    Effect.map(
      Effect.result(Effect.flatMap(agentOf(about), (agent) => question(agent, about))),
      (answer): Asked<A> => ({ agent: about.agent, url: about.url, answer })
    ), { concurrency: CONCURRENCY })

/** Who has which keys, and who is gone. */
const rings = Effect.fnUntraced(function*(options: Options) {
  const { agents, gone } = yield* places(options)
  return { gone, found: yield* ask(agents, ({ call, client }) => call(client.keys.list())) }
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
  const { found: asked, gone } = yield* rings(options)
  if (asked.length > 1 || asked.every(({ answer }) => Result.isSuccess(answer))) {
    yield* Output.result(
      options.json,
      () => [
        ...jsonOf(asked, (keys) => ({ keys: encodeKeys(keys) })),
        ...gone.map((agent) => ({ agent, error: "NotThere", message: "not there" }))
      ],
      (screen) =>
        Columns.lines(screen, ["AGENT", "FINGERPRINT", "BITS", "USE"], [
          ...keyRows(asked),
          ...gone.map((agent): ReadonlyArray<Columns.Cell> => [{ text: agent }, { text: "not there", color: "yellow" }])
        ])
    )
  }
  yield* complete(asked)
})

/** What an agent did, and whether that outlives its restart. */
interface Done {
  readonly text: string
  readonly kept?: Model.Persistence
  /** Whether it was not asked to, because it cannot be. */
  readonly isLeftOut?: true
}

const done = (text: string, { persisted, reason }: Model.Persistence): Done => ({
  text,
  kept: { persisted, ...(reason === undefined ? {} : { reason }) }
})

const textOf = ({ isLeftOut, kept, text }: Done): Columns.Cell =>
  isLeftOut
    ? { text, color: "yellow" }
    : kept === undefined || kept.persisted
    ? { text, color: "green" }
    : { text: `${text}; ${kept.reason ?? "not written"}`, color: "yellow" }

/** Prints what each agent did, and fails when one did not. */
const report = Effect.fnUntraced(function*(options: Options, asked: ReadonlyArray<Asked<Done>>) {
  if (asked.length > 1 || asked.every(({ answer }) => Result.isSuccess(answer))) {
    yield* Output.result(
      options.json,
      () => jsonOf(asked, ({ isLeftOut, kept }) => ({ done: isLeftOut !== true, ...kept })),
      (screen) =>
        Columns.pairs(
          screen,
          asked.map(({ agent, answer }) => [
            agent,
            Result.isFailure(answer) ? { text: answer.failure.message, color: "red" } : textOf(answer.success)
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

/** The text of standard input. */
const stdinText = Effect.flatMap(Stdio.Stdio, ({ stdin }) =>
  stdin.pipe(
    Stream.decodeText(),
    Stream.runFoldEffect(
      () => "",
      (text, part) =>
        text.length + part.length > MAX_KEY_FILE ? Effect.fail(notKey("standard input")) : Effect.succeed(text + part)
    ),
    Effect.catchTag(
      "PlatformError",
      (error) => Effect.fail(failure("FileUnreadable", `cannot read standard input: ${error.reason._tag}`))
    )
  ))

/** The key in a file, or in standard input. What is in there is never part of an error. */
const keyOf = Effect.fnUntraced(function*(source: string) {
  const text = source === "-" ? yield* stdinText : yield* Effect.mapError(
    SmallFile.read(source, MAX_KEY_FILE),
    ({ isTooLong, why }) => isTooLong ? notKey(source) : failure("FileUnreadable", `cannot read ${source}: ${why}`)
  )
  const [key, other] = KeyFile.parse(text) ?? []
  return key !== undefined && other === undefined
    ? Base64.encode(key)
    : yield* notKey(source === "-" ? "standard input" : source)
})

/**
 * Gives agents a key. With `use`, none seals with it before all have it, so that nobody is cut off on the way; an agent
 * that does not encrypt so far begins with it at once.
 *
 * @category commands
 * @since 0.1.0
 */
export const add = Effect.fnUntraced(function*(options: Options & { readonly source: string; readonly use: boolean }) {
  const key = yield* keyOf(options.source)
  const give = (use: boolean) => ({ call, client }: AgentClient.Agent) =>
    Effect.map(
      call(client.keys.add({ payload: { key, use } })),
      (change) => done(`has the key ${change.fingerprint}${use ? ", and uses it" : ""}`, change)
    )
  if (!options.all || !options.use) {
    const { agents, gone } = yield* places(options)
    return yield* report(options, [...yield* ask(agents, give(options.use)), ...absent(gone)])
  }
  const { found, gone } = yield* rings(options)
  const encrypting = found.filter(({ answer }) => Result.isFailure(answer) || answer.success.length > 0)
  const given = yield* ask(encrypting, give(false))
  if (given.some(({ answer }) => Result.isFailure(answer))) return yield* report(options, given)
  yield* report(options, [...yield* ask(found, give(true)), ...absent(gone)])
})

const unknown = (given: string) =>
  failure("KeyUnknown", `no key has the fingerprint ${given}; keys list shows those there are`)

/** The one key that a fingerprint which begins so can mean, at all agents together; `undefined` where there is none. */
const meant = (
  found: ReadonlyArray<Asked<ReadonlyArray<Model.KeyView>>>,
  given: string
): Effect.Effect<string | undefined, CommandFailed> => {
  const all = found.flatMap(({ answer }) => Result.isFailure(answer) ? [] : answer.success)
  const [first, ...others] = new Set(
    all.map(({ fingerprint }) => fingerprint).filter((fingerprint) => fingerprint.startsWith(given.toLowerCase()))
  )
  return others.length === 0
    ? Effect.succeed(first)
    : Effect.fail(failure("KeyUnknown", `several keys have a fingerprint that begins with ${given}: give more of it`))
}

/** What is wanted of a key that agents have. */
interface Wanted extends Options {
  readonly fingerprint: string
  /** Whether it is done too where members cannot be asked. */
  readonly partial: boolean
}

const names = (agents: ReadonlyArray<Place>): string => {
  const shown = agents.slice(0, 5).map(({ agent }) => PlainText.name(agent)).join(", ")
  return agents.length > 5 ? `${shown} and ${agents.length - 5} more` : shown
}

/**
 * Fails before anything is changed where not every member can be asked: one that has no agent, as Go members, or whose
 * agent does not answer.
 */
const askable = Effect.fnUntraced(function*(
  { all, partial }: Wanted,
  found: ReadonlyArray<Asked<unknown>>,
  danger: string
) {
  const silent = found.flatMap(({ agent, answer, url }) =>
    Result.isFailure(answer) ? [{ agent, url, error: answer.failure }] : []
  )
  const [first] = silent
  if (first === undefined) return
  if (!all) return yield* first.error
  if (partial) return
  return yield* failure(
    "NotEverywhere",
    `nothing was changed: ${silent.length} of ${found.length} members cannot be asked (${names(silent)}; the first: `
      + `${first.error.message}), and ${danger}; where you know that they are prepared, --partial goes on without them`
  )
})

/** What is told of those who were not asked, because they cannot be. */
const rest = (found: ReadonlyArray<Asked<unknown>>): ReadonlyArray<Asked<Done>> =>
  found.flatMap(({ agent, answer, url }) =>
    Result.isFailure(answer)
      ? [{ agent, url, answer: Result.succeed({ text: `not asked: ${answer.failure.message}`, isLeftOut: true }) }]
      : []
  )

/** Members that are gone may come back, with the keys that they had. */
const absent = (gone: ReadonlyArray<string>): ReadonlyArray<Asked<Done>> =>
  gone.map((agent) => ({
    agent,
    url: "",
    answer: Result.succeed({
      text: "not there: if it comes back with other keys than the others', it is cut off; change its key file before",
      isLeftOut: true
    })
  }))

/**
 * Lets agents seal what they send with a key that they have. With `--all`, nothing is changed unless all have it: who
 * does not is cut off from those who seal with it.
 *
 * @category commands
 * @since 0.1.0
 */
export const use = Effect.fnUntraced(function*(options: Wanted) {
  const { found, gone } = yield* rings(options)
  yield* askable(options, found, "one without the key is cut off when others use it")
  const fingerprint = yield* meant(found, options.fingerprint)
  if (fingerprint === undefined) return yield* unknown(options.fingerprint)
  const lacking = found.filter(({ answer }) =>
    Result.isSuccess(answer) && !answer.success.some((key) => key.fingerprint === fingerprint)
  )
  if (lacking.length > 0) {
    return yield* failure(
      "KeyMissing",
      `nothing was changed: ${lacking.length} of ${found.length} agents (${names(lacking)}) do not have the key `
        + `${fingerprint}, and would be cut off when others use it; give it to them first, with keys add FILE --all`
    )
  }
  const asked = yield* ask(
    found.filter(({ answer }) => Result.isSuccess(answer)),
    ({ call, client }) =>
      Effect.map(
        call(client.keys.use({ params: { fingerprint } })),
        (change) => done(`uses the key ${fingerprint}`, change)
      )
  )
  yield* report(options, [...asked, ...rest(found), ...absent(gone)])
})

/**
 * Takes a key from agents that use another. With `--all`, nothing is changed while one still seals with it. Of several,
 * some may not have it: a command that failed halfway can be given again.
 *
 * @category commands
 * @since 0.1.0
 */
export const remove = Effect.fnUntraced(function*(options: Wanted) {
  const { found, gone } = yield* rings(options)
  yield* askable(options, found, "one that still uses the key is cut off when others remove it")
  const fingerprint = yield* meant(found, options.fingerprint)
  if (fingerprint === undefined) return yield* unknown(options.fingerprint)
  const using = found.filter(({ answer }) =>
    Result.isSuccess(answer) && answer.success.some((key) => key.fingerprint === fingerprint && key.primary)
  )
  if (using.length > 0) {
    return yield* failure(
      "KeyInUse",
      `nothing was changed: ${using.length} of ${found.length} agents (${names(using)}) seal with the key `
        + `${fingerprint}; let all use another first, with keys use FINGERPRINT${options.all ? " --all" : ""}`
    )
  }
  const asked = yield* ask(
    found.filter(({ answer }) => Result.isSuccess(answer)),
    Effect.fnUntraced(function*({ call, client }, { answer }) {
      const has = Result.isSuccess(answer) && answer.success.some((key) => key.fingerprint === fingerprint)
      if (!has) return { text: "does not have the key" }
      return done(
        `does not have the key ${fingerprint} any more`,
        yield* call(client.keys.remove({ params: { fingerprint } }))
      )
    })
  )
  yield* report(options, [...asked, ...rest(found), ...absent(gone)])
})
