/**
 * What an agent is asked to do: `join`, `leave`, `update-meta`, `publish`, `send`, `ping`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as PlainText from "../../../base/PlainText.ts"
import * as Model from "../../Model.ts"
import * as AgentClient from "../AgentClient.ts"
import * as Columns from "../Columns.ts"
import { failure, usage } from "../CommandFailed.ts"
import * as Output from "../Output.ts"

/** What all of these are called with. */
export interface Options {
  readonly http: string
  readonly json: boolean
}

/** A join waits for other members, and for names to be looked up. */
const JOIN_TIME = "2 minutes"

const count = (amount: number, one: string): string => `${amount} ${one}${amount === 1 ? "" : "s"}`

/**
 * Joins through seeds.
 *
 * @category commands
 * @since 0.1.0
 */
export const join = Effect.fnUntraced(function*(
  { http, json, seeds: [first, ...others] }: Options & { readonly seeds: ReadonlyArray<string> }
) {
  if (first === undefined) return yield* usage("SEED is missing")
  const { call, client } = yield* AgentClient.connect(http)
  const report = yield* call(client.join({ payload: { seeds: [first, ...others] } }), { timeout: JOIN_TIME })
  yield* Output.result(
    json,
    () => Schema.encodeSync(Schema.toCodecJson(Model.JoinView))(report),
    (screen) =>
      [
        ...report.contacted.map(({ address, seed }) => ({ seed, told: `joined ${address}`, color: "green" as const })),
        ...report.ourselves.map(({ address, seed }) => ({ seed, told: `is this agent, ${address}`, color: undefined })),
        ...report.failed.map(({ message, seed }) => ({ seed, told: message, color: "red" as const }))
      ].flatMap(({ color, seed, told }) => Columns.pairs(screen, [[seed, { text: told, color }]])).concat(
        `${count(report.members, "member")}, this agent included`
      )
  )
})

const outcomes: Readonly<Record<typeof Model.NewsView.Type["outcome"], string>> = {
  Sent: "sent",
  Unreached: "not sent to everybody: some could not be reached",
  Queued: "announced, and on its way by gossip",
  Superseded: "replaced by newer news before it was sent",
  Alone: "announced; there is nobody else to tell",
  AlreadyLeft: "had left before",
  Unchanged: "not announced: nothing changed"
}

const newsText = ({ confirmed, members, outcome, sent }: typeof Model.NewsView.Type): string => {
  const told = sent === 0 ? "" : ` (${sent} times, ${count(members, "member")}, ${confirmed} confirmed)`
  return `${outcomes[outcome]}${told}`
}

const encodeNews = Schema.encodeSync(Schema.toCodecJson(Model.NewsView))

/**
 * Leaves the cluster. The agent goes on, and can join again.
 *
 * @category commands
 * @since 0.1.0
 */
export const leave = Effect.fnUntraced(function*({ http, json }: Options) {
  const { call, client } = yield* AgentClient.connect(http)
  const news = yield* call(client.leave(), { timeout: JOIN_TIME })
  yield* Output.result(json, () => encodeNews(news), () => [`goodbye: ${newsText(news)}`])
})

/**
 * Replaces the agent's metadata.
 *
 * @category commands
 * @since 0.1.0
 */
export const updateMeta = Effect.fnUntraced(function*(
  { http, json, meta }: Options & { readonly meta: Schema.Json }
) {
  const { call, client } = yield* AgentClient.connect(http)
  const news = yield* call(client.updateMeta({ payload: { json: meta } }))
  yield* Output.result(json, () => encodeNews(news), () => [`metadata: ${newsText(news)}`])
})

/** What a body of the agent's API holds in base64, beside what else is in it: more is not even read. */
const MAX_INPUT = (Model.MAX_BODY - 1024) * 3 / 4

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const isText = (bytes: Uint8Array): boolean => {
  try {
    decoder.decode(bytes)
    return true
  } catch {
    return false
  }
}

/** Bytes without the line break that ends a text; what is no text is kept as it is. */
const withoutBreak = (bytes: Uint8Array): Uint8Array => {
  if (bytes.at(-1) !== 0x0a || !isText(bytes)) return bytes
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1)
}

const EMPTY = "the message is empty: give it as text, or by standard input"

/**
 * The text given, or what comes by standard input, where that is no terminal. The line break that ends a text there is
 * none of the message.
 */
const contentOf = Effect.fnUntraced(function*(text: Option.Option<string>) {
  if (Option.isSome(text)) return text.value === "" ? yield* usage(EMPTY) : { text: text.value }
  const stdio = yield* Stdio.Stdio
  if (yield* stdio.stdinIsTerminal) return yield* usage("MESSAGE is missing: give it as text, or by standard input")
  const chunks: Array<Uint8Array> = []
  let size = 0
  yield* Stream.runForEach(stdio.stdin, (chunk) => {
    chunks.push(chunk)
    size += chunk.length
    return size > MAX_INPUT
      ? Effect.fail(failure("MessageTooLarge", `standard input is too long: an agent takes at most ${MAX_INPUT} bytes`))
      : Effect.void
  }).pipe(Effect.catchTag("PlatformError", (error) => Effect.fail(failure("StdinUnreadable", error.message))))
  const bytes = withoutBreak(Buffer.concat(chunks))
  return bytes.length === 0 ? yield* usage(EMPTY) : { base64: Base64.encode(bytes) }
})

/**
 * Publishes a value to a topic.
 *
 * @category commands
 * @since 0.1.0
 */
export const publish = Effect.fnUntraced(function*(
  { http, json, message, topic }: Options & { readonly topic: string; readonly message: Option.Option<string> }
) {
  const { call, client } = yield* AgentClient.connect(http)
  const payload = yield* contentOf(message)
  const { others } = yield* call(client.topics.publish({ params: { topic }, payload }))
  const told = others === 0
    ? "nobody else takes part"
    : `${others} ${others === 1 ? "other takes" : "others take"} part`
  yield* Output.result(json, () => ({ topic, published: true, others }), () => [`published to ${topic}: ${told}`])
})

/**
 * Sends a message to one member.
 *
 * @category commands
 * @since 0.1.0
 */
export const send = Effect.fnUntraced(function*(
  { http, json, message, name, reliable }: Options & {
    readonly name: string
    readonly message: Option.Option<string>
    readonly reliable: boolean
  }
) {
  const { call, client } = yield* AgentClient.connect(http)
  const content = yield* contentOf(message)
  yield* call(client.send({ params: { name }, payload: { content, reliable } }), { timeout: JOIN_TIME })
  const how = reliable ? "over a stream, in full" : "in one packet, which may be lost"
  yield* Output.result(json, () => ({ name, sent: true, reliable }), () => [`sent to ${PlainText.name(name)} ${how}`])
})

/**
 * Pings a member, some times.
 *
 * @category commands
 * @since 0.1.0
 */
export const ping = Effect.fnUntraced(function*(
  { count: times, http, json, name }: Options & { readonly name: string; readonly count: number }
) {
  const { call, client } = yield* AgentClient.connect(http)
  for (let i = 0; i < times; i++) {
    if (i > 0) yield* Effect.sleep("1 second")
    const { millis } = yield* call(client.ping({ params: { name } }))
    yield* Output.result(json, () => ({ name, millis }), () => [`${name}: ${millis.toFixed(2)} ms`])
  }
})
