/**
 * One node of this library in a process of its own, to be attacked. It is told what to do in JSON lines on its stdin, and
 * answers on its stdout; its log goes to stderr. The end of stdin ends it without a farewell.
 *
 *   node --conditions=effect-memberlist-source attack/victim.ts <checkout>
 */
import type * as EffectModule from "effect/Effect"
import type * as ScopeModule from "effect/Scope"
import { monitorEventLoopDelay } from "node:perf_hooks"
import type { MemberEvent } from "../src/MemberEvent.ts"
import type { Memberlist } from "../src/Memberlist.ts"
import { FAKE } from "./cluster/Names.ts"
import type { Report, Standing } from "./cluster/Victim.ts"
import { serve } from "./traffic/Serve.ts"
import { load } from "./victim/Library.ts"
import { delegateOf, type Misbehaviour } from "./victim/Misbehaviour.ts"

interface Start {
  readonly name: string
  readonly preset: "lan" | "local"
  readonly keys: ReadonlyArray<string>
  readonly misbehaviour?: Misbehaviour
}

type Request =
  | { readonly id: number; readonly cmd: "start" } & Start
  | { readonly id: number; readonly cmd: "join"; readonly addrs: ReadonlyArray<string> }
  | { readonly id: number; readonly cmd: "report"; readonly names: ReadonlyArray<string> }
  | { readonly id: number; readonly cmd: "forget" }
  | { readonly id: number; readonly cmd: "close" }
  | {
    readonly id: number
    readonly cmd: "visit"
    readonly name: string
    readonly addrs: ReadonlyArray<string>
    readonly closeAfter: number
  }

interface Running {
  readonly cluster: Memberlist["Service"]
  readonly scope: ScopeModule.Closeable
}

const [checkout = "."] = process.argv.slice(2)
const loaded = await load(checkout)
const { Context, Effect, Exit, Layer, Logger, Option, Redacted, Scope, Stream, library } = loaded
const { Delegate, MemberlistConfig, MemberlistLive, NodeTransport } = library

/** How fine event loop delay is measured, in milliseconds; as much is taken off what is measured. */
const RESOLUTION = 5
const delay = monitorEventLoopDelay({ resolution: RESOLUTION })
delay.enable()

const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

const logs = Logger.layer([Logger.withConsoleError(Logger.formatSimple)])

const run = <A, E>(effect: EffectModule.Effect<A, E>): Promise<A> => Effect.runPromise(Effect.provide(effect, logs))

const bytes = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, "base64"))

const eventNames: Partial<Record<MemberEvent["_tag"], string>> = {
  MemberJoined: "joined",
  MemberSuspected: "suspected",
  MemberRecovered: "recovered",
  MemberFailed: "failed",
  MemberLeft: "left"
}

const layerOf = ({ keys, misbehaviour, name, preset }: Start) => {
  const [primary] = keys
  const config = MemberlistConfig.layer({
    ...MemberlistConfig[preset],
    name,
    bindAddress: "127.0.0.1",
    bindPort: 0,
    eventBuffer: 131_072,
    secretKey: primary === undefined ? undefined : Redacted.make(bytes(primary))
  })
  return MemberlistLive.pipe(
    Layer.provide(NodeTransport.layer),
    Layer.provide(config),
    Layer.provide(Layer.succeed(Delegate, delegateOf(misbehaviour, loaded)))
  )
}

const open = async (options: Start): Promise<Running> => {
  const scope = await run(Scope.make())
  const context = await run(Layer.buildWithScope(layerOf(options), scope))
  const cluster = Context.get(context, library.Memberlist)
  for (const key of options.keys.slice(1)) await run(cluster.keyring.add(bytes(key)))
  return { cluster, scope }
}

/** Tells what happens to members; of forged ones it would only be noise. */
const tellEvents = (cluster: Memberlist["Service"]): void =>
  void Effect.runFork(Stream.runForEach(cluster.events, ({ _tag, member: { name } }) =>
    Effect.sync(() => {
      const event = eventNames[_tag]
      if (event !== undefined && !name.startsWith(FAKE)) tell({ event, at: Date.now(), node: { name } })
    })))

/** The longest stop since it was last forgotten: a report may come too late to be heard. */
let longestStop = 0

const report = async ({ cluster }: Running, names: ReadonlyArray<string>): Promise<Report> => {
  const standings: Record<string, Standing> = {}
  for (const name of names) {
    const member = Option.getOrUndefined(await run(cluster.member(name)))
    if (member !== undefined) standings[name] = { state: member.state, incarnation: member.incarnation }
  }
  const counters = Object.fromEntries(await run(cluster.counters))
  const stop = Math.max(0, delay.max / 1e6 - RESOLUTION)
  delay.reset()
  longestStop = Math.max(longestStop, stop)
  // Counting tens of thousands is work that would itself show as a stop: it is done only for who asks for nobody by name.
  const entries = names.length === 0 ? (await run(cluster.members)).length : undefined
  return { standings, entries, stop, longestStop, counters }
}

/** How long the close took, in milliseconds. */
const close = async ({ scope }: Running): Promise<{ readonly millis: number }> => {
  const began = performance.now()
  await run(Scope.close(scope, Exit.void))
  return { millis: performance.now() - began }
}

const sleep = (millis: number) => new Promise<void>((resolve) => setTimeout(resolve, millis))

/** A node that joins, and is closed so soon after that its join may not have ended. */
const visit = async (options: Start, addrs: ReadonlyArray<string>, closeAfter: number): Promise<object> => {
  const visitor = await open(options)
  const joined = run(visitor.cluster.join(addrs)).then(() => true, () => false)
  if (closeAfter > 0) await sleep(closeAfter)
  const { millis } = await close(visitor)
  return { millis, joined: await Promise.race([joined, sleep(1_000).then(() => false)]) }
}

let node: Running | undefined
let started: Start | undefined

const handle = async (request: Request): Promise<object> => {
  if (request.cmd === "start") {
    started = request
    node = await open(request)
    tellEvents(node.cluster)
    return { port: (await run(node.cluster.localMember)).port }
  }
  if (request.cmd === "visit") {
    const { addrs, closeAfter, name } = request
    return visit({ preset: "local", keys: [], ...started, name }, addrs, closeAfter)
  }
  if (node === undefined) throw new Error("not started")
  switch (request.cmd) {
    case "join":
      await run(node.cluster.join(request.addrs))
      return {}
    case "report":
      return report(node, request.names)
    case "forget":
      delay.reset()
      longestStop = 0
      return {}
    case "close":
      return close(node)
  }
}

serve(handle)
