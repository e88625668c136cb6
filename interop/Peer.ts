/**
 * A peer in an operating system process of its own, as an Effect value: spawned in a scope, driven by requests, watched
 * through the events it tells, and killable at any moment. Its scope's end kills it.
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import {
  type Generate,
  Line,
  MemberView,
  ModulesView,
  PayloadView,
  type PeerEvent,
  Refused,
  Started,
  type StartOptions
} from "./Protocol.ts"

/** The peer answered a request with an error of its own. */
export class PeerRefused extends Data.TaggedError("PeerRefused")<{
  readonly peer: string
  readonly command: string
  readonly tag: string
  readonly message: string
  readonly causes: ReadonlyArray<string>
}> {}

/** The peer's process ended, or spoke something that is not a line of the protocol. */
export class PeerBroken extends Data.TaggedError("PeerBroken")<{ readonly peer: string; readonly message: string }> {}

/** What was waited for did not happen before the deadline. */
export class DeadlinePassed extends Data.TaggedError("DeadlinePassed")<{ readonly message: string }> {}

export type PeerError = PeerRefused | PeerBroken | DeadlinePassed

/** Which implementation runs in the process. */
export type Kind = "go" | "ts"

export interface Message {
  readonly to: string
  readonly reliable: boolean
  readonly data?: string
  readonly generate?: Generate
}

export interface Peer {
  readonly kind: Kind
  readonly name: string
  readonly ip: string
  readonly port: number
  /** `ip:port`, where the others can join. */
  readonly address: string
  /** Everything the peer told so far, oldest first. */
  readonly events: ReadonlyArray<PeerEvent>
  /** What the peer wrote to stderr so far, line by line. */
  readonly logs: ReadonlyArray<string>
  readonly join: (...addresses: ReadonlyArray<string>) => Effect.Effect<number, PeerError>
  /** The table. Go's tells the dead and the left too; ours tells those it still has, the dead and left as well. */
  readonly members: Effect.Effect<ReadonlyArray<MemberView>, PeerError>
  readonly leave: Effect.Effect<void, PeerError>
  readonly updateMeta: (meta: string) => Effect.Effect<void, PeerError>
  readonly setUserState: (state: Generate) => Effect.Effect<PayloadView, PeerError>
  readonly send: (message: Message) => Effect.Effect<PayloadView, PeerError>
  /** The round-trip time in microseconds. */
  readonly ping: (name: string) => Effect.Effect<number, PeerError>
  readonly keys: (op: "add" | "use" | "remove", key: string) => Effect.Effect<void, PeerError>
  readonly health: Effect.Effect<number, PeerError>
  /** Ours only, and only where it was started with them. */
  readonly modules: Effect.Effect<ModulesView, PeerError>
  /** The first event, told already or to come, that `matches`. */
  readonly event: (
    what: string,
    matches: (event: PeerEvent) => boolean,
    within?: Duration.Input
  ) => Effect.Effect<PeerEvent, PeerError>
  /** Any request of the protocol, its result unread. */
  readonly call: (command: string, fields?: object) => Effect.Effect<unknown, PeerError>
  /** SIGKILL: the peer has no chance to say goodbye. Returns when the process is gone. */
  readonly kill: Effect.Effect<void>
}

/** How long an answer, an event or a condition may take unless a scenario says otherwise. */
export const patience: Duration.Input = "10 seconds"

const decodeLine = Schema.decodeUnknownResult(Line)
const isRefused = Schema.is(Refused)

interface Pending {
  readonly command: string
  readonly resume: (result: Effect.Effect<unknown, PeerError>) => void
}

interface Watcher {
  readonly matches: (event: PeerEvent) => boolean
  readonly resume: (result: Effect.Effect<PeerEvent, PeerError>) => void
}

/** The process and the bookkeeping of what it said. */
class Wire {
  readonly events: Array<PeerEvent> = []
  readonly logs: Array<string> = []
  private readonly pending = new Map<number, Pending>()
  private readonly watchers = new Set<Watcher>()
  private nextId = 1
  private broken: PeerBroken | undefined
  private readonly name: string
  private readonly child: ChildProcessWithoutNullStreams

  constructor(name: string, child: ChildProcessWithoutNullStreams) {
    this.name = name
    this.child = child
    createInterface({ input: child.stdout }).on("line", (line) => this.receive(line))
    createInterface({ input: child.stderr }).on("line", (line) => this.logs.push(line))
    child.stdin.on("error", () => undefined)
    child.on("error", (error) => this.break(error.message))
    child.on("exit", (code, signal) => this.break(`the process ended: ${signal ?? `code ${code}`}`))
  }

  request(command: string, fields: object): Effect.Effect<unknown, PeerError> {
    return Effect.callback<unknown, PeerError>((resume) => {
      if (this.broken !== undefined) return resume(Effect.fail(this.broken))
      const id = this.nextId++
      this.pending.set(id, { command, resume })
      this.child.stdin.write(`${JSON.stringify({ ...fields, id, cmd: command })}\n`)
      return Effect.sync(() => void this.pending.delete(id))
    })
  }

  watch(matches: (event: PeerEvent) => boolean): Effect.Effect<PeerEvent, PeerError> {
    return Effect.callback<PeerEvent, PeerError>((resume) => {
      const told = this.events.find(matches)
      if (told !== undefined) return resume(Effect.succeed(told))
      if (this.broken !== undefined) return resume(Effect.fail(this.broken))
      const watcher = { matches, resume }
      this.watchers.add(watcher)
      return Effect.sync(() => void this.watchers.delete(watcher))
    })
  }

  private receive(line: string): void {
    const decoded = decodeLine(line)
    if (Result.isFailure(decoded)) return this.break(`not a line of the protocol: ${line.slice(0, 200)}`)
    const said = decoded.success
    if ("event" in said) return this.tell(said)
    const pending = this.pending.get(said.id)
    if (pending === undefined) return
    this.pending.delete(said.id)
    if (!isRefused(said)) return pending.resume(Effect.succeed(said.result))
    const { causes = [], message, tag } = said.error
    pending.resume(Effect.fail(new PeerRefused({ peer: this.name, command: pending.command, tag, message, causes })))
  }

  private tell(event: PeerEvent): void {
    this.events.push(event)
    for (const watcher of [...this.watchers]) {
      if (!watcher.matches(event)) continue
      this.watchers.delete(watcher)
      watcher.resume(Effect.succeed(event))
    }
  }

  private break(message: string): void {
    if (this.broken !== undefined) return
    const broken = new PeerBroken({ peer: this.name, message })
    this.broken = broken
    for (const waiting of [...this.pending.values(), ...this.watchers]) waiting.resume(Effect.fail(broken))
    this.pending.clear()
    this.watchers.clear()
  }
}

const ended = (child: ChildProcessWithoutNullStreams): boolean => child.exitCode !== null || child.signalCode !== null

const kill = (child: ChildProcessWithoutNullStreams): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (ended(child) || child.pid === undefined) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })

const withDeadline = <A, E, R>(
  what: string,
  within: Duration.Input,
  effect: Effect.Effect<A, E, R>,
  detail: () => string = () => ""
) =>
  Effect.timeoutOrElse(effect, {
    duration: within,
    orElse: () => {
      const limit = Duration.format(Duration.fromInputUnsafe(within))
      return Effect.fail(new DeadlinePassed({ message: `${what}: not within ${limit}${detail()}` }))
    }
  })

/** Node's compile cache halves the start of our peers, of which a run starts more than a hundred. */
const env = {
  ...process.env,
  NODE_COMPILE_CACHE: fileURLToPath(new URL("../node_modules/.cache/interop", import.meta.url))
}

/** Runs `command` as a peer and starts its node; the end of the scope kills it. */
export const launch = Effect.fnUntraced(function*(
  kind: Kind,
  command: ReadonlyArray<string>,
  options: StartOptions
): Effect.fn.Return<Peer, PeerError, Scope.Scope> {
  const [program = "", ...args] = command
  const child = yield* Effect.acquireRelease(Effect.sync(() => spawn(program, args, { stdio: "pipe", env })), kill)
  const wire = new Wire(options.name, child)
  const call = (command: string, fields: object = {}) =>
    withDeadline(`${options.name}: the answer to ${command}`, "20 seconds", wire.request(command, fields))
  const read = <S extends Schema.ConstraintDecoder<unknown, never>>(schema: S) => {
    const decode = Schema.decodeUnknownEffect(schema)
    return (result: unknown) =>
      Effect.mapError(decode(result), (error) => new PeerBroken({ peer: options.name, message: error.message }))
  }
  const ask = <S extends Schema.ConstraintDecoder<unknown, never>>(schema: S, command: string, fields?: object) =>
    Effect.flatMap(call(command, fields), read(schema))

  const started = yield* ask(Started, "start", options)
  return {
    ...started,
    kind,
    address: `${started.ip}:${started.port}`,
    events: wire.events,
    logs: wire.logs,
    call,
    kill: kill(child),
    join: (...addrs) => Effect.map(ask(Contacted, "join", { addrs }), (answer) => answer.contacted),
    members: Effect.map(ask(Members, "members"), (answer) => answer.members),
    leave: Effect.asVoid(call("leave")),
    updateMeta: (meta) => Effect.asVoid(call("updateMeta", { meta })),
    setUserState: (generate) => ask(PayloadView, "setUserState", { generate }),
    send: (message) => ask(PayloadView, "send", message),
    ping: (to) => Effect.map(ask(RoundTrip, "ping", { to }), (answer) => answer.micros),
    keys: (op, key) => Effect.asVoid(call("keys", { op, key })),
    health: Effect.map(ask(Health, "health"), (answer) => answer.score),
    modules: ask(ModulesView, "modules"),
    event: (what, matches, within = patience) => withDeadline(`${options.name}: ${what}`, within, wire.watch(matches))
  }
})

const Contacted = Schema.Struct({ contacted: Schema.Number })
const Members = Schema.Struct({ members: Schema.Array(MemberView) })
const RoundTrip = Schema.Struct({ micros: Schema.Number })
const Health = Schema.Struct({ score: Schema.Number })

/**
 * Asks again and again, every 25 ms, until the answer satisfies `holds`; the last answer is in the error when the
 * deadline passes first.
 */
export const until = <A, E>(
  what: string,
  ask: Effect.Effect<A, E>,
  holds: (answer: A) => boolean,
  within: Duration.Input = patience
): Effect.Effect<A, E | DeadlinePassed> =>
  Effect.suspend(() => {
    let last: A | undefined
    const poll: Effect.Effect<A, E> = Effect.flatMap(ask, (answer) => {
      last = answer
      return holds(answer) ? Effect.succeed(answer) : Effect.andThen(Effect.sleep("25 millis"), poll)
    })
    return withDeadline(what, within, poll, () => `; last seen: ${JSON.stringify(last)?.slice(0, 2000)}`)
  })
