/**
 * Our node as a peer process: the same requests, answers and events as the Go peer (see Protocol.ts). Logs go to stderr.
 * The end of stdin ends the process without a farewell, so a peer never outlives the test that drives it.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { createInterface } from "node:readline"
import {
  Delegate,
  JoinFailed,
  type KeyInvalid,
  type KeyringRefused,
  type Member,
  type MemberEvent,
  Memberlist,
  MemberlistConfig,
  MemberlistLive,
  NodeSnapshots,
  NodeTransport,
  type RecoveryEvent
} from "../src/index.ts"
import * as MemberMeta from "../src/MemberMeta.ts"
import * as ReplicatedMap from "../src/ReplicatedMap.ts"
import * as Topic from "../src/Topic.ts"
import { Generate, type MemberView, type ModulesView, type PayloadView, StartOptions } from "./Protocol.ts"

const smallPayload = 4096

const Base64 = Schema.Uint8ArrayFromBase64

const request = <const Cmd extends string, const Fields extends Schema.Struct.Fields>(cmd: Cmd, fields: Fields) =>
  Schema.Struct({ id: Schema.Number, cmd: Schema.Literal(cmd), ...fields })

const Request = Schema.Union([
  request("join", { addrs: Schema.Array(Schema.String) }),
  request("members", {}),
  request("leave", {}),
  request("shutdown", {}),
  request("updateMeta", { meta: Base64 }),
  request("setUserState", { generate: Generate }),
  request("send", {
    to: Schema.String,
    reliable: Schema.Boolean,
    data: Schema.optionalKey(Base64),
    generate: Schema.optionalKey(Generate)
  }),
  request("ping", { to: Schema.String }),
  request("keys", { op: Schema.Literals(["add", "use", "remove"]), key: Base64 }),
  request("health", {}),
  request("reachability", { of: Schema.String }),
  request("counters", {}),
  request("publish", { numbers: Schema.Array(Schema.Int) }),
  request("setSlots", { slots: Schema.Int }),
  request("modules", {})
])
type Request = typeof Request.Type

const decodeRequest = Schema.decodeUnknownEffect(Schema.fromJsonString(Request))
const decodeStart = Schema.decodeUnknownEffect(Schema.fromJsonString(
  Schema.Struct({ id: Schema.Number, cmd: Schema.Literal("start"), ...StartOptions.fields })
))
const decodeId = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ id: Schema.Number })))

const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

const tellEvent = (event: string, fields: object): void => tell({ event, at: Date.now(), ...fields })

/** The same bytes as the Go peer's `generate`. */
const generated = ({ repeat = "", seed = 0, size }: Generate): Uint8Array => {
  const bytes = new Uint8Array(size)
  const pattern = new TextEncoder().encode(repeat)
  let x = (seed | 1) >>> 0
  for (let i = 0; i < size; i++) {
    if (pattern.length > 0) {
      bytes[i] = pattern[i % pattern.length] ?? 0
      continue
    }
    x = (x ^ (x << 13)) >>> 0
    x = (x ^ (x >>> 17)) >>> 0
    x = (x ^ (x << 5)) >>> 0
    bytes[i] = x & 0xff
  }
  return bytes
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64")

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

const payloadView = (payload: Uint8Array): PayloadView => ({
  size: payload.length,
  sha256: createHash("sha256").update(payload).digest("hex"),
  ...(payload.length <= smallPayload ? { data: base64(payload) } : {})
})

const memberView = (member: Member): MemberView => {
  const { current, delegateCurrent, delegateMax, delegateMin, max, min } = member.versions
  return {
    name: member.name,
    ip: member.ip,
    addr: hex(member.addr),
    port: member.port,
    meta: base64(member.meta),
    state: member.state,
    incarnation: member.incarnation,
    versions: [min, max, current, delegateMin, delegateMax, delegateCurrent]
  }
}

const eventNames = {
  MemberJoined: "joined",
  MemberUpdated: "updated",
  MemberSuspected: "suspected",
  MemberRecovered: "recovered",
  MemberFailed: "failed",
  MemberLeft: "left"
} as const satisfies Partial<Record<MemberEvent["_tag"], string>>

const bytesOf = (text: string | undefined): Uint8Array => Uint8Array.from(Buffer.from(text ?? "", "base64"))

const presets = { local: MemberlistConfig.local, lan: MemberlistConfig.lan }

const delegateVersions = ([min, max, current]: readonly [number, number, number] = [0, 0, 0]) => ({
  delegateProtocolMin: min,
  delegateProtocolMax: max,
  delegateProtocolVersion: current
})

const settings = (options: StartOptions) => settingsOver(presets[options.preset ?? "local"], options)

const settingsOver = (preset: typeof presets[keyof typeof presets], options: StartOptions) => ({
  ...preset,
  name: options.name,
  bindAddress: options.bindAddress ?? "127.0.0.1",
  bindPort: options.bindPort ?? 0,
  advertiseAddress: options.advertiseAddress,
  label: options.label ?? preset.label,
  secretKey: options.secretKey === undefined ? undefined : Redacted.make(bytesOf(options.secretKey)),
  enableCompression: options.compression ?? preset.enableCompression,
  protocolVersion: options.protocolVersion ?? preset.protocolVersion,
  ...delegateVersions(options.delegateProtocol),
  meta: bytesOf(options.meta),
  udpBufferSize: options.udpBufferSize ?? preset.udpBufferSize,
  suspicionMult: options.suspicionMult ?? preset.suspicionMult,
  indirectChecks: options.indirectChecks ?? preset.indirectChecks,
  disableTcpPings: options.disableTcpPings ?? preset.disableTcpPings,
  probeInterval: options.probeIntervalMs ?? preset.probeInterval,
  probeTimeout: options.probeTimeoutMs ?? preset.probeTimeout,
  gossipInterval: options.gossipIntervalMs ?? preset.gossipInterval,
  pushPullInterval: options.pushPullIntervalMs ?? preset.pushPullInterval,
  tcpTimeout: options.tcpTimeoutMs ?? preset.tcpTimeout,
  recovery: options.recovery ?? preset.recovery,
  healInterval: options.healIntervalMs ?? preset.healInterval
})

/** What the application attaches and hears: as much as the Go peer's delegate. */
const makeDelegate = (options: StartOptions) => {
  let state = options.userState === undefined ? new Uint8Array(0) : generated(options.userState)
  const { ackPayload } = options
  const delegate: Delegate = {
    localState: () => Effect.sync(() => state),
    mergeRemoteState: (remote, join) => Effect.sync(() => tellEvent("remoteState", { ...payloadView(remote), join })),
    conflict: (existing, other) =>
      Effect.sync(() =>
        tellEvent("conflict", {
          name: existing.name,
          existing: hex(existing.addr),
          existingPort: existing.port,
          other: hex(other.addr),
          otherPort: other.port
        })
      ),
    ...(ackPayload === undefined ? {} : {
      ackPayload: Effect.succeed(bytesOf(ackPayload)),
      pingComplete: (member, roundTrip, payload) =>
        Effect.sync(() =>
          tellEvent("pingComplete", { name: member.name, micros: micros(roundTrip), ...payloadView(payload) })
        )
    })
  }
  return { delegate, setState: (next: Uint8Array) => void (state = next) }
}

const recoveryText = (event: RecoveryEvent): string => {
  switch (event._tag) {
    case "SplitSuspected":
      return `lost: ${event.lost.join()}; present: ${event.present.join()}`
    case "Healed":
      return `${event.member.name} is back; missing: ${event.missing.join()}`
    case "PutAside":
      return `${event.name ?? "a seed"} at ${event.address}: ${event.reason}`
  }
}

const micros = (duration: Duration.Duration): number => Math.round(Duration.toMillis(duration) * 1000)

const Parcels = Topic.make("parcels", Schema.Struct({ number: Schema.Int }))
const Places = ReplicatedMap.make("places", { key: Schema.String, value: Schema.Int })
const Worker = MemberMeta.make(Schema.Struct({ role: Schema.String, slots: Schema.Int }))

/** A topic and typed metadata on a node, and what came of them. */
const startModules = Effect.fnUntraced(function*(
  cluster: Memberlist["Service"],
  scope: Scope.Scope,
  { modules: { syncIntervalMs } = { syncIntervalMs: 10_000 }, name }: StartOptions
) {
  const context = yield* Layer.buildWithScope(
    Layer.mergeAll(
      Parcels.layer({ syncInterval: syncIntervalMs }),
      Places.layer({ syncInterval: syncIntervalMs }),
      Worker.layer({ role: name, slots: 0 })
    ).pipe(
      Layer.provide(Layer.succeed(Memberlist, cluster))
    ),
    scope
  )
  const parcels = Context.get(context, Parcels)
  const places = Context.get(context, Places)
  const workers = Context.get(context, Worker)
  const received: Array<ModulesView["received"][number]> = []
  yield* Effect.forkDetach(
    Stream.runForEach(
      parcels.subscribe,
      ({ from, value: { number } }) => Effect.sync(() => void received.push({ number, from }))
    ),
    { startImmediately: true }
  )
  const view = Effect.gen(function*(): Effect.fn.Return<ModulesView> {
    const announced = yield* workers.members
    return {
      received,
      participants: (yield* parcels.participants).map((member) => member.name).toSorted(),
      counters: Object.fromEntries(yield* parcels.counters),
      places: Object.fromEntries(yield* places.entries),
      slots: Object.fromEntries(announced.map(({ value }) => [value.role, value.slots]))
    }
  })
  /** Publishes a number, and notes it in the map; one that ends in 0 is noted and removed again. */
  const publish = Effect.fnUntraced(function*(number: number) {
    yield* parcels.publish({ number })
    yield* places.set(String(number), number)
    if (number % 10 === 0) yield* places.remove(String(number))
  })
  return { publish, workers, view }
})

/** A running node: its scope's end is its farewell. */
const startNode = Effect.fnUntraced(function*(options: StartOptions) {
  const { delegate, setState } = makeDelegate(options)
  const scope = yield* Scope.make()
  const context = yield* Layer.buildWithScope(
    MemberlistLive.pipe(
      Layer.provide(NodeTransport.layer),
      Layer.provide(MemberlistConfig.layer(settings(options))),
      Layer.provide(Layer.succeed(Delegate, delegate)),
      Layer.provide(options.snapshot === undefined ? Layer.empty : NodeSnapshots.layerFile(options.snapshot))
    ),
    scope
  )
  const cluster = Context.get(context, Memberlist)
  yield* Effect.forkDetach(
    Stream.runForEach(cluster.events, (event) =>
      Effect.sync(() => {
        if (event.missed > 0) tellEvent("missed", { count: event.missed })
        // The delegate's hook tells of conflicts, and Go knows nothing of reachability.
        if (event._tag === "MemberConflict" || event._tag === "MemberReachabilityChanged") return
        tellEvent(eventNames[event._tag], { node: memberView(event.member) })
      })),
    { startImmediately: true }
  )
  yield* Effect.forkDetach(
    Stream.runForEach(cluster.messages, ({ payload }) => Effect.sync(() => tellEvent("message", payloadView(payload)))),
    { startImmediately: true }
  )
  yield* Effect.forkDetach(
    Stream.runForEach(
      cluster.recovery,
      (event) => Effect.sync(() => tellEvent("recovery", { tag: event._tag, text: recoveryText(event) }))
    ),
    { startImmediately: true }
  )
  const modules = options.modules === undefined ? undefined : yield* startModules(cluster, scope, options)
  return { cluster, scope, setState, modules }
})
type Running = Effect.Success<ReturnType<typeof startNode>>

/** The list, and what is still remembered of those who are no longer in it. */
const table = Effect.fnUntraced(function*(cluster: Memberlist["Service"], names: ReadonlySet<string>) {
  const living = yield* cluster.members
  const known = new Set(living.map((member) => member.name))
  const others = yield* Effect.forEach([...names].filter((name) => !known.has(name)), cluster.member)
  return [...living, ...others.flatMap(Option.toArray)].map(memberView)
})

class NotGossiped extends Data.TaggedError("NotGossiped")<{ readonly message: string }> {}

class NoModules extends Data.TaggedError("NoModules")<{ readonly message: string }> {}

const modulesOf = ({ modules }: Running) =>
  modules === undefined
    ? Effect.fail(new NoModules({ message: "start the node with modules" }))
    : Effect.succeed(modules)

const run = (node: Running, names: ReadonlySet<string>, request: Request) => {
  const { cluster } = node
  switch (request.cmd) {
    case "join":
      return Effect.map(cluster.join(request.addrs), (report) => ({ contacted: report.contacted.length }))
    case "members":
      return Effect.map(table(cluster, names), (members) => ({ members }))
    case "leave":
      return cluster.leave({ timeout: "10 seconds" })
    case "shutdown":
      return Effect.as(Scope.close(node.scope, Exit.void), {})
    case "updateMeta":
      return Effect.flatMap(
        cluster.updateMeta(request.meta, { wait: "10 seconds" }),
        ({ outcome }) =>
          outcome === "Sent" || outcome === "Alone"
            ? Effect.succeed({})
            : Effect.fail(new NotGossiped({ message: "the update was not gossiped in time" }))
      )
    case "setUserState": {
      const state = generated(request.generate)
      return Effect.sync(() => {
        node.setState(state)
        return payloadView(state)
      })
    }
    case "send": {
      const payload = request.generate === undefined ? request.data ?? new Uint8Array(0) : generated(request.generate)
      return Effect.as(
        cluster.send({ name: request.to }, payload, { reliable: request.reliable }),
        payloadView(payload)
      )
    }
    case "ping":
      return Effect.map(cluster.ping({ name: request.to }), (roundTrip) => ({ micros: micros(roundTrip) }))
    case "keys":
      return Effect.as(changeKeys(cluster.keyring, request.op, request.key), {})
    case "health":
      return Effect.map(cluster.health, (score) => ({ score }))
    case "reachability":
      return Effect.map(cluster.reachability(request.of), (reachability) => ({
        reachability: Option.match(reachability, {
          onNone: () => undefined,
          onSome: ({ listed, tcp, udpIn, udpOut }) => ({ listed, tcp, udpIn, udpOut })
        })
      }))
    case "counters":
      return Effect.map(cluster.counters, (counters) => Object.fromEntries(counters))
    case "publish":
      return Effect.flatMap(
        modulesOf(node),
        ({ publish }) => Effect.as(Effect.forEach(request.numbers, publish), {})
      )
    case "setSlots":
      return Effect.flatMap(
        modulesOf(node),
        ({ workers }) => Effect.as(workers.update((own) => ({ ...own, slots: request.slots })), {})
      )
    case "modules":
      return Effect.flatMap(modulesOf(node), ({ view }) => view)
  }
}

const changeKeys = (
  ring: Memberlist["Service"]["keyring"],
  op: "add" | "use" | "remove",
  key: Uint8Array
): Effect.Effect<void, KeyInvalid | KeyringRefused> => ring[op](key)

/** An error as the protocol tells it. */
const refusal = (cause: Cause.Cause<{ readonly _tag: string; readonly message: string }>) => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (error === undefined) return { tag: "Defect", message: Cause.pretty(cause) }
  const causes = error instanceof JoinFailed ? { causes: error.failed.map((one) => one.error._tag) } : {}
  return { tag: error._tag, message: error.message, ...causes }
}

/** Answers a request, whatever becomes of it. */
const answer = <A>(id: number, effect: Effect.Effect<A, { readonly _tag: string; readonly message: string }>) =>
  Effect.matchCause(effect, {
    onFailure: (cause) => tell({ id, ok: false, error: refusal(cause) }),
    onSuccess: (result) => tell({ id, ok: true, result })
  })

const idOf = (line: string): number => Option.match(decodeId(line), { onNone: () => 0, onSome: ({ id }) => id })

const serve = Effect.fnUntraced(function*(lines: Queue.Queue<string>) {
  const first = yield* Queue.take(lines)
  const { cmd: _, id, ...options } = yield* decodeStart(first)
  const node = yield* Effect.tapCause(
    startNode(options),
    (cause) => Effect.sync(() => tell({ id, ok: false, error: refusal(cause) }))
  )
  const own = yield* node.cluster.localMember
  tell({ id, ok: true, result: { name: own.name, ip: own.ip, port: own.port } })

  const names = new Set<string>()
  yield* Effect.forkDetach(
    Stream.runForEach(node.cluster.events, (event) => Effect.sync(() => void names.add(event.member.name))),
    { startImmediately: true }
  )
  while (true) {
    const line = yield* Queue.take(lines)
    // A fiber each: a join or a leave may take seconds and must not hold up the other commands.
    const handle = Effect.flatMap(decodeRequest(line), (request) =>
      Effect.ensuring(
        answer(request.id, run(node, names, request)),
        request.cmd === "shutdown" ? Effect.sync(() => process.exit(0)) : Effect.void
      ))
    yield* Effect.forkDetach(Effect.catch(handle, (error) => answer(idOf(line), Effect.fail(error))))
  }
})

const main = Effect.gen(function*() {
  const lines = yield* Queue.unbounded<string>()
  const input = createInterface({ input: process.stdin })
  input.on("line", (line) => Queue.offerUnsafe(lines, line))
  input.on("close", () => process.exit(0))
  return yield* serve(lines)
}).pipe(
  Effect.provide(Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)])),
  Effect.provideService(References.MinimumLogLevel, "Debug")
)

NodeRuntime.runMain(main, { disableErrorReporting: true })
