/**
 * `doctor`: looks for what keeps an agent from working, and says what to do. It changes nothing.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Dgram from "node:dgram"
import * as Dns from "node:dns/promises"
import * as Net from "node:net"
import * as PlainText from "../../../base/PlainText.ts"
import * as AgentClient from "../AgentClient.ts"
import * as Columns from "../Columns.ts"
import { type CommandFailed, failure } from "../CommandFailed.ts"
import { sorted } from "../MemberText.ts"
import * as Output from "../Output.ts"
import * as Diagnosis from "./Diagnosis.ts"

/** What `doctor` was called with. */
export interface Options {
  readonly http: string
  readonly json: boolean
  /** Names to look up. */
  readonly names: ReadonlyArray<string>
  /** What an agent would bind that does not run. */
  readonly bind: { readonly host: string; readonly port: number }
}

/** Requests for how fast the agent answers. */
const ASKED = 5

/** Pings at the same time. */
const CONCURRENCY = 8

/** What an agent that answers tells. */
const ofAgent = Effect.fnUntraced(function*({ call, client }: AgentClient.Agent) {
  const [health, members] = yield* Effect.all([
    call(client.health()),
    call(client.members({ query: { state: "live" } }))
  ])
  const delays: Array<number> = []
  let there = Number.NaN
  for (let i = 0; i < ASKED; i++) {
    const [taken, { headers }] = yield* Effect.timed(call(client.probes.live({ responseMode: "response-only" })))
    delays.push(Duration.toMillis(taken))
    there = Option.match(DateTime.make(headers["date"] ?? ""), {
      onNone: () => Number.NaN,
      onSome: DateTime.toEpochMillis
    })
  }
  const here = yield* Clock.currentTimeMillis
  const others = sorted(members).filter(({ self }) => !self)
  const pinged = yield* Effect.forEach(others, (member) =>
    Effect.map(
      Effect.result(call(client.ping({ params: { name: member.name } }))),
      (answer): Diagnosis.Pinged => ({ member, answer: Result.map(answer, ({ millis }) => millis) })
    ), { concurrency: CONCURRENCY })
  return [
    Diagnosis.ofReadiness(health.readiness),
    Diagnosis.ofStates(health.members),
    Diagnosis.ofScore(health.score),
    Diagnosis.ofDelays(delays),
    Diagnosis.ofClock(there, here),
    ...Diagnosis.ofMembers(pinged),
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

const lookedUp = (name: string) =>
  Effect.tryPromise({
    try: () => Dns.lookup(name, { all: true, order: "verbatim" }),
    catch: (error) => `it cannot be looked up: ${codeOf(error)}`
  }).pipe(
    Effect.map((found) => [...new Set(found.map(({ address }) => address))]),
    Effect.timeoutOrElse({ duration: "10 seconds", orElse: () => Effect.fail("no answer in 10 s") }),
    Effect.result,
    Effect.map((answer) => Diagnosis.ofName(name, answer))
  )

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
      ...yield* ofAgent(agent)
    ]
  const names = yield* Effect.forEach(options.names, lookedUp, { concurrency: CONCURRENCY })
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
