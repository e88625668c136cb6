/**
 * Where scenarios run: starts peers with quick timings, and when a scenario fails, shows what each peer logged and told.
 * `us` is the implementation under examination, `go` the reference.
 */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as GoPeer from "./GoPeer.ts"
import { type Peer, type PeerError, until } from "./Peer.ts"
import type { Generate, MemberChange, MemberView, PayloadView, PeerEvent, StartOptions } from "./Protocol.ts"
import { base64 } from "./Protocol.ts"
import * as SerfAgent from "./SerfAgent.ts"
import * as Subject from "./Subject.ts"

/**
 * The Local preset, with everything that a scenario waits for sped up: a silent member is suspected within a second and
 * dead 1.5 s later. Each rumour is only told twice by each node, which in a cluster of five leaves somebody out one time
 * in sixteen, so that the periodic push/pull has to be quick as well.
 */
const quick = {
  probeIntervalMs: 500,
  probeTimeoutMs: 200,
  gossipIntervalMs: 50,
  pushPullIntervalMs: 1000,
  tcpTimeoutMs: 2000
} satisfies Partial<StartOptions>

type Start = (options?: Partial<StartOptions>) => Effect.Effect<Peer, PeerError, Scope.Scope>

export interface Lab {
  readonly us: Start
  readonly go: Start
  /** The reference as it was in 2022. */
  readonly oldGo: Start
  readonly serf: (name: string) => Effect.Effect<SerfAgent.SerfAgent, PeerError, Scope.Scope>
}

/** Whoever runs in a process of its own and logs. */
type Logging = Pick<Peer | SerfAgent.SerfAgent, "name" | "kind" | "address" | "logs" | "events">

const show = (peer: Logging): string => {
  const lines = [
    ...peer.logs.slice(-40).map((line) => `  log   ${line}`),
    ...peer.events.slice(-40).map((event) => `  event ${JSON.stringify(event)}`)
  ]
  return [`--- ${peer.name} (${peer.kind}, ${peer.address})`, ...lines].join("\n")
}

/** A test in real time over real sockets and processes. */
export const scenario = (
  name: string,
  body: (lab: Lab) => Effect.Effect<void, PeerError, Scope.Scope>,
  timeoutMillis = 40_000
): void =>
  it.live(name, () => {
    const peers: Array<Logging> = []
    const starting = (prefix: string, start: (options: StartOptions) => ReturnType<Start>): Start => {
      let count = 0
      return (options = {}) =>
        Effect.tap(
          start({ name: `${prefix}-${++count}`, ...quick, meta: base64(`meta of ${prefix}-${count}`), ...options }),
          (peer) => Effect.sync(() => void peers.push(peer))
        )
    }
    const lab = {
      us: starting("us", Subject.start),
      go: starting("go", GoPeer.start("current")),
      oldGo: starting("old-go", GoPeer.start("old")),
      serf: (name: string) => Effect.tap(SerfAgent.start(name), (agent) => Effect.sync(() => void peers.push(agent)))
    }
    return Effect.tapCause(
      body(lab),
      () => Effect.sync(() => process.stderr.write(`${[`✗ ${name}`, ...peers.map(show)].join("\n")}\n`))
    )
  }, timeoutMillis)

const named = (name: string) => (member: MemberView) => member.name === name

/** What every peer must say alike about a member. State and incarnation are compared where a scenario is about them. */
export const identity = ({ addr, meta, name, port, versions }: MemberView): string =>
  `${name} ${addr}:${port} meta=${meta} versions=${versions.join(".")}`

const alive = (members: ReadonlyArray<MemberView>): ReadonlyArray<MemberView> =>
  members.filter((member) => member.state === "alive")

const roster = (members: ReadonlyArray<MemberView>): string => alive(members).map(identity).sort().join("\n")

/** Waits until every peer's list holds exactly these peers, alive, and all the lists say the same about each of them. */
export const agree = Effect.fnUntraced(function*(...peers: ReadonlyArray<Peer>) {
  const expected = peers.map((peer) => peer.name).sort().join()
  yield* until(
    `${expected} agree on who is a member`,
    Effect.forEach(peers, (peer) => peer.members, { concurrency: "unbounded" }),
    (tables) => {
      const [first = "", ...others] = tables.map(roster)
      const names = tables.map((table) => alive(table).map((member) => member.name).sort().join())
      return names.every((list) => list === expected) && others.every((other) => other === first)
    }
  )
})

/** Asserts that `peer`'s table has entries about these peers only, whatever their state. */
export const alone = Effect.fnUntraced(function*(peer: Peer, ...expected: ReadonlyArray<Peer>) {
  const names = (yield* peer.members).map((member) => member.name)
  assert.deepStrictEqual(names.toSorted(), expected.map((one) => one.name).toSorted())
})

/** Who opens the exchange. */
export type Side = "us" | "go"

/** One of each, joined and agreed. */
export const pair = Effect.fnUntraced(function*(
  lab: Lab,
  options: { us?: Partial<StartOptions>; go?: Partial<StartOptions>; joiner?: Side } = {}
) {
  const go = yield* lab.go(options.go)
  const us = yield* lab.us(options.us)
  yield* options.joiner === "go" ? go.join(us.address) : us.join(go.address)
  yield* agree(us, go)
  return [us, go] as const
})

/** Waits until `peer` holds an entry about `name` for which `holds`. */
export const sees = (
  peer: Peer,
  name: string,
  what: string,
  holds: (member: MemberView) => boolean
): Effect.Effect<MemberView, PeerError> =>
  Effect.flatMap(
    until(`${peer.name} sees ${name} ${what}`, peer.members, (members) => members.filter(named(name)).some(holds)),
    (members) => Effect.fromOption(Option.fromNullishOr(members.find(named(name)))).pipe(Effect.orDie)
  )

/** Waits until `peer` no longer counts `name` among the living: forgotten, dead or left. */
export const gone = (peer: Peer, name: string): Effect.Effect<void, PeerError> =>
  Effect.asVoid(until(
    `${peer.name} sees ${name} gone`,
    peer.members,
    (members) => !members.filter(named(name)).some(({ state }) => state === "alive" || state === "suspect")
  ))

/** The event `tag` about `name`, told already or to come. */
export const change = (peer: Peer, tag: MemberChange["event"], name: string): Effect.Effect<PeerEvent, PeerError> =>
  peer.event(`${name} ${tag}`, isChange(tag, name))

export const isChange = (tag: MemberChange["event"], name: string) => (event: PeerEvent): boolean =>
  event.event === tag && event.node.name === name

export const told = (peer: Peer, tag: MemberChange["event"], name: string): boolean =>
  peer.events.some(isChange(tag, name))

/** Waits until a peer has logged this so many times. */
export const logged = (peer: Peer, line: string, times: number) =>
  until(
    `${peer.name} logs "${line}" ${times} times`,
    Effect.sync(() => peer.logs.filter((one) => one.includes(line)).length),
    (seen) => seen >= times
  )

/** Sends a user message and waits until the other side tells of the same bytes. */
export const deliver = Effect.fnUntraced(
  function*(from: Peer, to: Peer, message: { reliable: boolean; data?: string; generate?: Generate }) {
    const sent = yield* from.send({ to: to.name, ...message })
    yield* to.event(`a message of ${sent.size} bytes from ${from.name}`, isMessage(sent))
    return sent
  }
)

/** Everything that crosses the wire in either direction: push/pull, gossip, packets, acks and stream messages. */
export const talk = Effect.fnUntraced(function*(us: Peer, go: Peer) {
  yield* agree(us, go)
  for (const [from, to] of [[us, go], [go, us]] as const) {
    yield* deliver(from, to, { reliable: false, generate: { size: 700, repeat: "best effort " } })
    yield* deliver(from, to, { reliable: false, generate: { size: 700, seed: 23 } })
    yield* deliver(from, to, { reliable: true, generate: { size: 64 * kilobyte, repeat: "reliable " } })
    yield* deliver(from, to, { reliable: true, generate: { size: 64 * kilobyte, seed: 29 } })
    yield* from.ping(to.name)
    yield* from.updateMeta(base64(`news of ${from.name}`))
    yield* change(to, "updated", from.name)
  }
  assert.deepStrictEqual(complaints(go), [])
  assert.deepStrictEqual(complaints(us), [])
})

const isMessage = (sent: PayloadView) => (event: PeerEvent): boolean =>
  event.event === "message" && event.size === sent.size && event.sha256 === sent.sha256

/**
 * What a peer complained about. The reference logs as an error every message that it cannot read; ours logs those that it
 * rejects for debugging. That somebody was slow to answer, or to run, is the machine's doing, and no complaint about the
 * bytes.
 */
export const complaints = (peer: Pick<Logging, "kind" | "logs">): ReadonlyArray<string> =>
  peer.logs.filter((line) => complaint[peer.kind].test(line) && !slowness.test(line))

const complaint = {
  go: /\[(ERR|WARN)\]/,
  serf: /\[(ERR|WARN)\]/,
  ts: /\blevel=(ERROR|WARN|FATAL)\b|rejected a (packet|stream)/
}

const slowness =
  /this node was late|fallback TCP ping: timeout|over TCP but UDP probes failed|refut(ed|ing) a? ?suspect message/i

/** Timings with which a process that is held up for a moment on a busy machine is not suspected. */
export const patient = { probeIntervalMs: 1000, probeTimeoutMs: 400 } satisfies Partial<StartOptions>

/**
 * Three relays are more than there are, so every eligible one is asked: with fewer, a Go node in a table of three picks
 * at random and now and then picks nobody.
 */
export const askAll = { indirectChecks: 3 } satisfies Partial<StartOptions>

/** A suspicion that nobody has to confirm: whoever notices a death also declares it, however the gossip went. */
export const unconfirmed = { suspicionMult: 2 } satisfies Partial<StartOptions>

export const kilobyte = 1024
export const megabyte = 1024 * 1024
