/**
 * The agent that a command talks to: a client derived from its API, whose errors are those of a command.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as PlainText from "../../base/PlainText.ts"
import { Api } from "../Api.ts"
import * as Refusal from "../Refusal.ts"
import * as SmallFile from "../SmallFile.ts"
import * as Wording from "../Wording.ts"
import { CommandFailed, failure, usage } from "./CommandFailed.ts"

/** An agent answers at once, unless it waits for others. */
const ANSWER_TIME: Duration.Input = "15 seconds"

/** How often an agent is asked whether it lives while a stream of it is read, and how long it may take to answer. */
const LIFE_INTERVAL: Duration.Input = "20 seconds"
const LIFE_TIME: Duration.Input = "10 seconds"

const variable = (name: string) =>
  Config.option(Config.Redacted(name)).pipe(Effect.mapError((error) => usage(error.message)))

/** More is no header that a server takes. */
const MAX_TOKEN = 4096

/** The token in a file, as an agent takes it too. */
const tokenFile = (path: string) =>
  SmallFile.read(path, MAX_TOKEN).pipe(
    Effect.mapBoth({
      onSuccess: Redacted.make,
      onFailure: ({ why }) => usage(`MEMBERLIST_HTTP_TOKEN_FILE is ${path}, which cannot be read: ${why}`)
    })
  )

/** The token of `MEMBERLIST_HTTP_TOKEN`, else that in the file of `MEMBERLIST_HTTP_TOKEN_FILE`. */
const token = Effect.gen(function*() {
  const own = yield* variable("MEMBERLIST_HTTP_TOKEN")
  const file = Option.isSome(own) ? Option.none() : yield* variable("MEMBERLIST_HTTP_TOKEN_FILE")
  const given = Option.isSome(file) ? Option.some(yield* tokenFile(Redacted.value(file.value))) : own
  // it becomes a header, which a line break would end
  if (Option.exists(given, (secret) => !/^[\x21-\x7e]{1,4096}$/.test(Redacted.value(secret)))) {
    const name = Option.isSome(file) ? "MEMBERLIST_HTTP_TOKEN_FILE" : "MEMBERLIST_HTTP_TOKEN"
    return yield* usage(
      `${name} has no token: expected at most ${MAX_TOKEN} characters of visible ASCII without spaces`
    )
  }
  return given
})

/** The code of the operating system's error, such as `ECONNREFUSED`; fetch wraps it. */
const codeOf = (error: unknown): string | undefined => {
  let at: unknown = error
  for (let depth = 0; depth < 5 && Predicate.isObjectKeyword(at); depth++) {
    if (Predicate.hasProperty(at, "code") && typeof at.code === "string") return at.code
    at = at instanceof AggregateError ? at.errors[0] : Predicate.hasProperty(at, "cause") ? at.cause : undefined
  }
  return undefined
}

const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there; start one with effect-memberlist agent, or give its address by --http",
  ENOTFOUND: "its name is not known to DNS",
  EAI_AGAIN: "its name cannot be looked up now",
  EHOSTUNREACH: "no way leads there",
  ENETUNREACH: "no way leads there",
  ECONNRESET: "it ended without a goodbye",
  UND_ERR_SOCKET: "it ended without a goodbye",
  UND_ERR_CONNECT_TIMEOUT: "nothing answers there"
}

const ofClient = (url: string, { reason }: HttpClientError.HttpClientError): CommandFailed => {
  const broken = "cause" in reason ? codeOf(reason.cause) : undefined
  // in the middle of an answer
  if (reason._tag !== "TransportError" && broken !== undefined) {
    return failure(
      "AgentUnreachable",
      `the connection to the agent at ${url} was cut: ${unreachable[broken] ?? broken}`
    )
  }
  if (reason._tag !== "TransportError") return stranger(url)
  if (/bad port/.test(String(Predicate.hasProperty(reason.cause, "cause") ? reason.cause.cause : ""))) {
    return failure("AgentUnreachable", `HTTP clients refuse the port of ${url}, which is that of another protocol`)
  }
  const code = codeOf(reason.cause)
  const why = (code === undefined ? undefined : unreachable[code]) ?? code ?? "the request failed"
  return failure("AgentUnreachable", `no agent answers at ${url}: ${why}`)
}

const stranger = (url: string): CommandFailed =>
  failure("NotAnAgent", `what answers at ${url} is no agent, or one of another version`)

/** What went wrong, for who gave the command. */
const ofError = (url: string) => (error: unknown): CommandFailed => {
  if (error instanceof CommandFailed) return error
  if (HttpClientError.isHttpClientError(error)) return ofClient(url, error)
  if (Schema.isSchemaError(error)) return stranger(url)
  if (Cause.isTimeoutError(error)) return failure("AgentSilent", `the agent at ${url} does not answer in time`)
  if (error instanceof Refusal.TokenRequired) {
    return failure(
      error._tag,
      error.given
        ? `the text of MEMBERLIST_HTTP_TOKEN is not the token of the agent at ${url}`
        : `the agent at ${url} wants its token: put it into MEMBERLIST_HTTP_TOKEN`
    )
  }
  // what the agent does not understand, no agent would do
  if (error instanceof Refusal.RequestInvalid) return usage(PlainText.sentence(error.reason))
  if (error instanceof Refusal.EncryptionOff) {
    return failure(
      error._tag,
      "the agent does not encrypt, and a first key would cut it off from those who do not either; "
        + "where that is wanted, add it with --use"
    )
  }
  if (Predicate.hasProperty(error, "_tag") && typeof error._tag === "string" && error instanceof Error) {
    return failure(error._tag, Wording.of(error, "cli"))
  }
  return failure("Unexpected", String(error))
}

/**
 * Returns the client of the agent at a URL, with its token; nothing is sent yet. `call` and
 * `read` turn the errors of a request, or of a stream, into those of a command.
 *
 * @category constructors
 * @since 0.1.0
 */
export const connect = Effect.fnUntraced(function*(url: string) {
  const secret = yield* token
  const client = yield* HttpApiClient.make(Api, {
    baseUrl: url,
    transformClient: (client) =>
      Option.isNone(secret)
        ? client
        : HttpClient.mapRequest(client, HttpClientRequest.bearerToken(secret.value))
  }).pipe(Effect.provide(FetchHttpClient.layer))
  return {
    url,
    client,
    call: <A, E>(
      request: Effect.Effect<A, E>,
      options: { readonly timeout?: Duration.Input | undefined } = {}
    ): Effect.Effect<A, CommandFailed> =>
      request.pipe(
        Effect.timeout(options.timeout ?? ANSWER_TIME),
        Effect.mapError(ofError(url))
      ),
    /**
     * A stream that ends was ended by the agent: it stops. One on which nothing comes may be that of an agent that does
     * not run any more, or that cannot be reached, so the agent is asked now and then. `opened` is run when the agent
     * has answered.
     */
    read: <A, E, E2>(
      request: Effect.Effect<Stream.Stream<A, E>, E2>,
      opened: Effect.Effect<void> = Effect.void
    ): Stream.Stream<A, CommandFailed> =>
      Stream.unwrap(Effect.tap(Effect.timeout(request, ANSWER_TIME), opened)).pipe(
        Stream.concat(Stream.fail(failure("AgentStopped", `the agent at ${url} has ended the stream: it stops`))),
        Stream.interruptWhen(
          Effect.forever(Effect.delay(Effect.timeout(client.probes.live(), LIFE_TIME), LIFE_INTERVAL))
        ),
        Stream.mapError(ofError(url))
      )
  }
})

/** @since 0.1.0 */
export type Agent = Effect.Success<ReturnType<typeof connect>>
