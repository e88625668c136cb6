/**
 * `doctor`: looks for what keeps an agent from working, and says what to do. It changes nothing.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Dgram from "node:dgram"
import * as Dns from "node:dns/promises"
import * as Net from "node:net"
import * as PlainText from "../../../base/PlainText.ts"
import * as SeedText from "../../../base/SeedText.ts"
import type * as Model from "../../Model.ts"
import * as AgentClient from "../AgentClient.ts"
import * as Columns from "../Columns.ts"
import { type CommandFailed, failure } from "../CommandFailed.ts"
import * as Output from "../Output.ts"
import * as Diagnosis from "./Diagnosis.ts"
import * as Ways from "./Ways.ts"

/** What `doctor` was called with. */
export interface Options {
  readonly http: string
  readonly json: boolean
  /** Members to look at; none takes some by chance. */
  readonly members: ReadonlyArray<string>
  /** Names to look up. */
  readonly names: ReadonlyArray<string>
  /** What an agent would bind that does not run. */
  readonly bind: { readonly host: string; readonly port: number }
}

/** Names that are looked up at the same time. */
const CONCURRENCY = 8

/** The agent itself gives up after ten seconds. */
const CHECK_TIME = "20 seconds"

/** What an agent that answers tells. */
const ofAgent = Effect.fnUntraced(function*(
  { call, client }: AgentClient.Agent,
  { advertised, encrypted }: typeof Model.Info.Type,
  { members: names }: Options
) {
  const [health, members, [, { headers }]] = yield* Effect.all([
    call(client.health()),
    call(client.members({ query: { state: "all" } })),
    call(client.probes.live({ responseMode: "decoded-and-response" }))
  ])
  const here = yield* Clock.currentTimeMillis
  const there = Option.match(DateTime.make(headers["date"] ?? ""), {
    onNone: () => Number.NaN,
    onSome: DateTime.toEpochMillis
  })
  const checked = yield* Effect.result(
    call(client.check({ payload: names.length === 0 ? {} : { members: names } }), { timeout: CHECK_TIME })
  )
  // a name that nobody has, or the agent's own, is a mistake of who asks, and no finding
  if (Result.isFailure(checked) && (checked.failure.reason === "UnknownMember" || checked.failure.isUsage)) {
    return yield* checked.failure
  }
  return [
    Diagnosis.ofReadiness(health.readiness),
    Diagnosis.ofStates(health.members),
    Diagnosis.ofScore(health.score),
    Diagnosis.ofClock(there, here),
    ...Ways.ofCheck(checked, { members, encrypted, here: advertised, isChosen: names.length > 0 }),
    ...Diagnosis.ofCounters(health.counters)
  ]
})

const codeOf = (error: unknown): string =>
  Predicate.hasProperty(error, "code") && typeof error.code === "string" ? error.code : String(error)

/** Binds a socket and closes it: why that failed, or nothing. */
const bound = (open: (resume: (failed: string | undefined) => void) => { readonly close: () => unknown }) =>
  Effect.callback<string | undefined>((resume) => {
    const socket = open((failed) => resume(Effect.succeed(failed)))
    return Effect.sync(() => void socket.close())
  })

const tcpPort = ({ host, port }: Options["bind"]) =>
  bound((resume) => {
    const server = Net.createServer()
    server.once("error", (error) => resume(codeOf(error)))
    return server.listen({ host, port }, () => server.close(() => resume(undefined)))
  })

const udpPort = ({ host, port }: Options["bind"]) =>
  bound((resume) => {
    const socket = Dgram.createSocket(Net.isIPv6(host) ? "udp6" : "udp4")
    socket.once("error", (error) => {
      resume(codeOf(error))
      socket.close()
    })
    socket.bind({ address: host, port }, () => socket.close(() => resume(undefined)))
    // an interruption must not close it twice
    return { close: () => undefined }
  })

/** What can be found out without an agent: whether one could be started here. */
const withoutAgent = Effect.fnUntraced(function*(error: CommandFailed, { bind }: Options) {
  const at = `${Net.isIPv6(bind.host) ? `[${bind.host}]` : bind.host}:${bind.port}`
  const [udp, tcp] = yield* Effect.all([udpPort(bind), tcpPort(bind)])
  return [
    Diagnosis.finding("agent", "failure", error.message, "the other checks need one that answers"),
    Diagnosis.ofPort("UDP", at, udp),
    Diagnosis.ofPort("TCP", at, tcp)
  ]
})

/** A host's addresses, or where a service is, whose name begins with `_`: as an agent takes `--seeds-dns`. */
const answersOf = (name: string): Promise<ReadonlyArray<string>> => {
  if (name.startsWith("_")) {
    return Dns.resolveSrv(name).then((records) => records.map(({ name, port }) => `${name}:${port}`))
  }
  const { host } = SeedText.parse(name, 0) ?? { host: name }
  return Dns.lookup(host, { all: true, order: "verbatim" }).then((found) => found.map(({ address }) => address))
}

const lookedUp = (name: string) =>
  Effect.tryPromise({
    try: () => answersOf(name),
    catch: (error) => `it cannot be looked up: ${codeOf(error)}`
  }).pipe(
    Effect.map((found) => [...new Set(found)]),
    Effect.timeoutOrElse({ duration: "10 seconds", orElse: () => Effect.fail("no answer in 10 s") }),
    Effect.result,
    Effect.map((answer) => Diagnosis.ofName(name, answer))
  )

/** The name that the agent's own seeds come from, where it is one of DNS. */
const ownName = ({ seeds }: typeof Model.Info.Type): ReadonlyArray<string> => {
  const [, name] = /^DNS (?:SRV )?(\S+)$/.exec(seeds) ?? []
  return name === undefined ? [] : [name]
}

const marks = {
  ok: { text: "ok", color: "green" },
  warning: { text: "warning", color: "yellow" },
  failure: { text: "failure", color: "red" },
  unknown: { text: "unknown", color: "dim" }
} as const

const linesOf = (screen: Columns.Screen, findings: ReadonlyArray<Diagnosis.Finding>): ReadonlyArray<string> => [
  ...Columns.lines(
    // a long sentence is wrapped by the terminal, and not cut: it is what the command is for
    screen.columns === undefined ? screen : { ...screen, columns: Number.POSITIVE_INFINITY },
    ["CHECK", "RESULT", "FOUND"],
    findings.map(({ check, found, status }) => [{ text: check }, marks[status], { text: found }])
  ),
  ...findings.flatMap(({ advice, check, status }) =>
    advice === "" ? [] : [Columns.paint(screen, marks[status].color, PlainText.sentence(`${check}: ${advice}`))]
  )
]

/**
 * Prints what was found. It fails where something keeps the agent from working.
 *
 * @category commands
 * @since 0.1.0
 */
export const doctor = Effect.fnUntraced(function*(options: Options) {
  const agent = yield* AgentClient.connect(options.http)
  const about = yield* Effect.result(agent.call(agent.client.info()))
  const main = Result.isFailure(about)
    ? yield* withoutAgent(about.failure, options)
    : [
      Diagnosis.finding("agent", "ok", `${about.success.name}, version ${about.success.version}`),
      ...yield* ofAgent(agent, about.success, options)
    ]
  const wanted = new Set([...options.names, ...Result.isSuccess(about) ? ownName(about.success) : []])
  const names = yield* Effect.forEach(wanted, lookedUp, { concurrency: CONCURRENCY })
  const findings = [...main, ...names]
  yield* Output.result(options.json, () => findings, (screen) => linesOf(screen, findings))
  const failed = findings.filter(({ status }) => status === "failure")
  if (failed.length > 0) {
    return yield* failure(
      "Unwell",
      `${failed.length} of ${findings.length} checks failed: ${failed.map(({ check }) => check).join(", ")}`
    )
  }
})
