/**
 * What scenarios are made of: members in processes and namespaces of their own, and what is asked of them.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as GoPeer from "../interop/GoPeer.ts"
import { launch, type Peer, type PeerError } from "../interop/Peer.ts"
import type { MemberChange, MemberView, RecoveryTold, StartOptions } from "../interop/Protocol.ts"
import * as Subject from "../interop/Subject.ts"
import * as Network from "./Network.ts"

/** What was asserted does not hold. */
export class Refuted extends Data.TaggedError("Refuted")<{ readonly message: string }> {}

export type Failure = PeerError | Network.NetworkFailed | Refuted

/** Ours, or HashiCorp's. */
export type Kind = "ours" | "go"

export interface Member extends Peer {
  readonly host: Network.Host
}

export type Options = Omit<Partial<StartOptions>, "name" | "bindAddress" | "bindPort">

export interface Lab {
  readonly network: Network.Network
  /** Starts a member; on a host of its own, unless one is given. */
  readonly start: (
    kind: Kind,
    name: string,
    options?: Options,
    host?: Network.Host
  ) => Effect.Effect<Member, Failure, Scope.Scope>
  /** All that were started. */
  readonly members: ReadonlyArray<Member>
}

export interface Scenario {
  readonly group: string
  /** What is asserted. */
  readonly asserted: string
  /** What differs from the LAN preset. */
  readonly settings: string
  readonly needsGo: boolean
  /** How long it takes when all is well, in seconds: the longest are begun first. */
  readonly seconds: number
  /** The answer is what was measured. */
  readonly body: (lab: Lab) => Effect.Effect<string, Failure, Scope.Scope>
}

/** The port of every member: each has an address of its own. */
const PORT = 7946

const programs: Readonly<Record<Kind, ReadonlyArray<string>>> = {
  ours: [process.execPath, Subject.program],
  go: [GoPeer.binaryOf("current")]
}

/** An empty lab. */
export const make: Effect.Effect<Lab, Failure, Scope.Scope> = Effect.gen(function*() {
  const network = yield* Network.make
  const members: Array<Member> = []
  return {
    network,
    members,
    start: (kind, name, options = {}, on) =>
      Effect.gen(function*() {
        const host = on ?? (yield* network.host)
        const peer = yield* launch(kind === "go" ? "go" : "ts", [...host.command, ...programs[kind]], {
          preset: "lan",
          ...options,
          name,
          bindAddress: host.ip,
          bindPort: PORT
        })
        const member = { ...peer, host }
        members.push(member)
        return member
      })
  }
})

/** What the members of a cluster are called, in order. */
export const NAMES = "abcdefgh"

/** Starts a member of each kind on a host of its own, named a, b, c…; the others join the first. */
export const cluster = Effect.fnUntraced(
  function*(lab: Lab, kinds: ReadonlyArray<Kind>, optionsOf?: (name: string) => Options) {
    const members = yield* Effect.forEach(kinds, (kind, i) => {
      const name = NAMES.charAt(i)
      return lab.start(kind, name, optionsOf?.(name))
    })
    const [first, ...others] = members
    if (first === undefined) return members
    for (const member of others) yield* member.join(first.address)
    yield* whole(members, 20)
    return members
  }
)

const names = (members: ReadonlyArray<{ readonly name: string }>): string =>
  members.map(({ name }) => name).sort().join()

const isPresent = ({ state }: MemberView): boolean => state === "alive" || state === "suspect"

/** Whether each has exactly these in its list, alive, each where it is. */
const isWhole = (members: ReadonlyArray<Member>): Effect.Effect<boolean, PeerError> =>
  Effect.map(
    Effect.forEach(members, (member) => member.members, { concurrency: "unbounded" }),
    (tables) =>
      tables.every((table) => {
        const present = table.filter(isPresent)
        return present.length === members.length &&
          members.every((one) => present.some((seen) => seen.name === one.name && seen.ip === one.ip))
      })
  )

/** Milliseconds between two looks, so that a figure is exact to a fifth of a second. */
const LOOK = 200

/** Asks again and again; the seconds it took. */
export const within = <E, R>(
  what: string,
  seconds: number,
  ask: Effect.Effect<boolean, E, R>
): Effect.Effect<number, E | Refuted, R> =>
  Effect.suspend(() => {
    const began = Date.now()
    const look: Effect.Effect<number, E | Refuted, R> = Effect.flatMap(ask, (holds) => {
      const passed = (Date.now() - began) / 1000
      if (holds) return Effect.succeed(passed)
      if (passed > seconds) return Effect.fail(new Refuted({ message: `not ${what} within ${seconds} s` }))
      return Effect.andThen(Effect.sleep(LOOK), look)
    })
    return look
  })

/** Waits until each has exactly these in its list; the seconds it took. */
export const whole = (members: ReadonlyArray<Member>, seconds: number): Effect.Effect<number, PeerError | Refuted> =>
  within(`whole (${names(members)})`, seconds, isWhole(members))

/** Fails, with the reason, unless it holds. */
export const claim = (holds: boolean, otherwise: string): Effect.Effect<void, Refuted> =>
  holds ? Effect.void : Effect.fail(new Refuted({ message: otherwise }))

/** Who is in the list, by name. */
export const present = (member: Member): Effect.Effect<string, PeerError> =>
  Effect.map(member.members, (table) => names(table.filter(isPresent)))

const Counters = Schema.Record(Schema.String, Schema.Number)
const isCounters = Schema.is(Counters)

/** What a member has counted. */
export const counters = (member: Member): Effect.Effect<Readonly<Record<string, number>>, PeerError> =>
  Effect.map(member.call("counters"), (answer) => isCounters(answer) ? answer : {})

/** The sum of all counters whose names begin so, of all these members. */
export const counted = (members: ReadonlyArray<Member>, prefix: string): Effect.Effect<number, PeerError> =>
  Effect.map(
    Effect.forEach(members, counters),
    (all) =>
      all.flatMap((of) => Object.entries(of)).reduce((sum, [name, n]) => name.startsWith(prefix) ? sum + n : sum, 0)
  )

/** How often they tried to find back somebody, or a seed. */
export const tries = (members: ReadonlyArray<Member>): Effect.Effect<number, PeerError> =>
  counted(members, "heal.tried")

/** Changes of members since a point in time. */
export const changes = (member: Member, tag: MemberChange["event"], since = 0): ReadonlyArray<MemberChange> =>
  member.events.filter((event): event is MemberChange => event.event === tag && event.at >= since)

/** What ours has told of recovery. */
export const told = (member: Member, tag: RecoveryTold["tag"]): ReadonlyArray<string> =>
  member.events.flatMap((event) => event.event === "recovery" && event.tag === tag ? [event.text] : [])

const suspicions = (members: ReadonlyArray<Member>): Effect.Effect<ReadonlyArray<number>, PeerError> =>
  Effect.forEach(members, (member) =>
    member.kind === "go"
      ? counted([member], "memberlist.msg.suspect")
      : Effect.succeed(changes(member, "suspected").length))

/** From now on: suspicions and failures, although all are well, and how often somebody tried to heal. */
export const watch = Effect.fnUntraced(function*(members: ReadonlyArray<Member>) {
  const since = Date.now()
  const before = yield* suspicions(members)
  const triesBefore = yield* tries(members)
  return Effect.gen(function*() {
    const after = yield* suspicions(members)
    const sum = (kind: Peer["kind"]) =>
      members.reduce((all, member, i) => member.kind === kind ? all + (after[i] ?? 0) - (before[i] ?? 0) : all, 0)
    const failed = members.flatMap((member) =>
      changes(member, "failed", since).map(({ at, node }) => `${node.name} at ${member.name} after ${at - since} ms`)
    )
    return { ours: sum("ts"), go: sum("go"), failed, tries: (yield* tries(members)) - triesBefore }
  })
})

export const seconds = (value: number): string => `${value.toFixed(1)} s`
