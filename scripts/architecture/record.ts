/**
 * Records what real nodes say to each other on the simulated network: three nodes in virtual time, of which one probes. Their
 * random numbers are all one half, so that a recording changes with the protocol and not with the order of drawing.
 */
import { SimulatedNetwork, VirtualTime } from "effect-memberlist/testing"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { Memberlist, MemberlistLive } from "../../src/Memberlist.ts"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"
import { Transport } from "../../src/Transport.ts"
import type * as Message from "../../src/wire/message/Message.ts"
import * as Packet from "../../src/wire/packet/Packet.ts"
import type { Sequence, Step } from "./sequence.ts"

const PROBER = "a"
const HELPER = "b"
const TARGET = "c"
const names = [PROBER, HELPER, TARGET] as const
const ips: Readonly<Record<string, string>> = { a: "10.0.0.1", b: "10.0.0.2", c: "10.0.0.3" }
const nameAt = (ip: string): string => names.find((name) => ips[name] === ip) ?? ip

/** A packet on its way. */
interface Sent {
  readonly at: number
  readonly from: string
  readonly to: string
  readonly bytes: Uint8Array
  arrived: boolean
  readonly stream: boolean
}

interface Happened {
  readonly at: number
  readonly of: string
  readonly text: string
}

const inbound: Packet.Inbound = { label: new Uint8Array(), skipLabelCheck: false, keys: [], verifyIncoming: false }

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i])

/** A transport that writes down what goes through it. */
const recorded = (name: string, inner: Transport["Service"], sent: Array<Sent>) => {
  const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)
  const note = (to: string, bytes: Uint8Array, stream: boolean) =>
    Effect.map(now, (at): Sent => {
      const packet = { at, from: name, to: nameAt(to), bytes, arrived: false, stream }
      sent.push(packet)
      return packet
    })
  return Transport.of({
    ...inner,
    send: (to, payload) => Effect.andThen(note(to.ip, payload.slice(), false), inner.send(to, payload)),
    packets: Effect.tap(inner.packets, (packets) =>
      Effect.sync(() => {
        for (const { from, payload } of packets) {
          // of several that are the same, an earlier one was lost
          const packet = sent.findLast((each) =>
            !each.arrived && !each.stream && each.to === name && each.from === nameAt(from.ip) &&
            same(each.bytes, payload)
          )
          if (packet !== undefined) packet.arrived = true
        }
      })),
    open: (to, options) =>
      Effect.flatMap(
        note(to.ip, new Uint8Array(), true),
        (stream) =>
          Effect.tap(inner.open(to, options), () =>
            Effect.sync(() => {
              stream.arrived = true
            }))
      )
  })
}

/** All numbers are one half. */
const half: Random.Random = { nextIntUnsafe: () => 0, nextDoubleUnsafe: () => 0.5 }

const told: Readonly<Record<string, string>> = {
  MemberSuspected: "suspects",
  MemberRecovered: "drops its suspicion of",
  MemberFailed: "declares dead:",
  MemberUpdated: "learns the metadata of"
}

type Service = Memberlist["Service"]

interface Stage {
  readonly network: SimulatedNetwork["Service"]
  readonly target: Service
  /** Waits until a node tells that something happened to the target. */
  readonly until: (of: string, text: string) => Effect.Effect<void>
}

interface Story {
  readonly title: string
  /** Whether news is gossiped, or rides on pings and acks alone. */
  readonly gossip: boolean
  readonly play: (stage: Stage) => Effect.Effect<void>
  /** What each of the three does. */
  readonly roles: readonly [string, string, string]
  /** Whose probes are shown. */
  readonly probed: ReadonlyArray<string>
}

/** The numbers of pings for one of these, a helper's own included: acks and nacks have only the number. */
const numbersOf = (
  messages: ReadonlyArray<Message.PacketMessage>,
  probed: ReadonlyArray<string>
): ReadonlySet<number> =>
  new Set(
    messages.flatMap((message) =>
      (message._tag === "Ping" || message._tag === "IndirectPing") && probed.includes(message.node)
        ? [message.seqNo]
        : []
    )
  )

const record = ({ gossip, play, probed, roles, title }: Story): Sequence => {
  const sent: Array<Sent> = []
  const happened: Array<Happened> = []
  const program = Effect.gen(function*() {
    const network = yield* SimulatedNetwork
    const services = new Map<string, Service>()
    for (const name of names) {
      const transport = Layer.effect(Transport, Effect.map(Transport, (inner) => recorded(name, inner, sent))).pipe(
        Layer.provide(SimulatedNetwork.transport(ips[name] ?? ""))
      )
      const live = MemberlistLive.pipe(
        Layer.provide(transport),
        Layer.provide(MemberlistConfig.layer({
          ...MemberlistConfig.lan,
          name,
          enableCompression: false,
          pushPullInterval: 0,
          ...(name === PROBER ? {} : { probeInterval: 0 }),
          ...(gossip ? {} : { gossipInterval: 0 })
        }))
      )
      const service = Context.get(yield* Layer.build(live), Memberlist)
      services.set(name, service)
      yield* service.events.pipe(
        Stream.runForEach((event) =>
          Effect.map(Clock.monotonicTimeNanos, (nanos) => {
            const text = told[event._tag]
            if (text === undefined || event.member.name !== TARGET || name === TARGET) return
            happened.push({ at: Number(nanos) / 1e6, of: name, text: `${text} ${TARGET}` })
          })
        ),
        Effect.forkScoped({ startImmediately: true })
      )
      if (name !== PROBER) yield* Effect.orDie(service.join(ips[PROBER] === undefined ? [] : [ips[PROBER]]))
    }
    yield* Effect.sleep("1 minute")
    sent.length = 0
    happened.length = 0
    const target = services.get(TARGET)
    if (target === undefined) throw new Error(`there is no ${TARGET}`)
    const until = (of: string, text: string): Effect.Effect<void> =>
      Effect.suspend(() =>
        happened.some((each) => each.of === of && each.text === text)
          ? Effect.void
          : Effect.andThen(Effect.sleep(1), until(of, text))
      )
    yield* play({ network, target, until })
    // what was just sent arrives; the goodbyes at the end are no part of the story
    yield* Effect.sleep(5)
    return stepsOf(sent, happened, probed)
  }).pipe(
    Effect.scoped,
    Effect.provide(Layer.fresh(SimulatedNetwork.layer({ latency: [1, 1], seed: 1 }))),
    Effect.provideService(Random.Random, half),
    Effect.provide(Logger.layer([]))
  )
  const exit = VirtualTime.run(program, { seed: 1, limit: "1 hour" })
  if (Exit.isFailure(exit)) throw new Error(`${title}: ${String(exit.cause)}`)
  return { title, lanes: names.map((name, i) => [name, roles[i] ?? ""]), steps: exit.value }
}

const stepsOf = (
  sent: ReadonlyArray<Sent>,
  happened: ReadonlyArray<Happened>,
  probed: ReadonlyArray<string>
): ReadonlyArray<Step> => {
  const decoded = sent.map((packet) => ({ ...packet, messages: Packet.decode(packet.bytes, inbound).messages }))
  const numbers = numbersOf(decoded.flatMap(({ messages }) => messages), probed)
  const seen = new Set<string>()
  const arrows = decoded.flatMap(({ arrived, at, from, messages, stream, to }): ReadonlyArray<Step> => {
    const words = stream
      ? ["TCP ping"]
      : messages.flatMap((message) => titleOf(message, numbers) ?? [])
    const text = [...new Set(words)].join(" + ")
    // gossip repeats itself; the first time tells it all
    const key = `${from} ${to} ${text} ${arrived}`
    if (text === "" || seen.has(key)) return []
    seen.add(key)
    return [{ _tag: "Arrow", from, to, label: text, at, lost: !arrived, stream }]
  })
  const notes = happened.map(({ at, of, text }): Step => ({ _tag: "Note", of, text, at }))
  const steps = [...arrows, ...notes].sort((a, b) => a.at - b.at)
  const start = steps[0]?.at ?? 0
  return steps.map((step) => ({ ...step, at: step.at - start }))
}

/** What a message is called; `undefined` when it is no part of the story. */
const titleOf = (message: Message.PacketMessage, numbers: ReadonlySet<number>): string | undefined => {
  switch (message._tag) {
    case "Ping":
      return numbers.has(message.seqNo) ? "ping" : undefined
    case "IndirectPing":
      return message.node === TARGET ? "indirect ping: ask c" : undefined
    case "Ack":
      return numbers.has(message.seqNo) ? "ack" : undefined
    case "Nack":
      return numbers.has(message.seqNo) ? "nack: no answer yet" : undefined
    case "Alive":
      return message.node === TARGET ? `alive c, incarnation ${message.incarnation}` : undefined
    case "Suspect":
      return message.node === TARGET ? `suspect c, incarnation ${message.incarnation}` : undefined
    case "Dead":
      return message.node === TARGET ? "dead c" : undefined
    default:
      return undefined
  }
}

const both = (from: string, to: string, network: SimulatedNetwork["Service"]) =>
  Effect.andThen(network.cut(ips[from] ?? "", ips[to] ?? ""), network.cut(ips[to] ?? "", ips[from] ?? ""))

/** The stories, by the name of their picture. */
export const stories: Readonly<Record<string, () => Sequence>> = {
  probe: () =>
    record({
      title: "Probes: news of c rides on its ack, and on the next ping",
      gossip: false,
      roles: ["probes", "is probed", "is probed, has news"],
      probed: [HELPER, TARGET],
      play: ({ target, until }) =>
        Effect.andThen(
          Effect.orDie(target.updateMeta(Uint8Array.of(1))),
          until(HELPER, `learns the metadata of ${TARGET}`)
        )
    }),
  "indirect-probe": () =>
    record({
      title: "An indirect probe: a and c cannot reach each other, b reaches both",
      gossip: false,
      roles: ["probes", "helps", "is probed"],
      probed: [TARGET],
      play: ({ network }) => Effect.andThen(both(PROBER, TARGET, network), Effect.sleep("2500 millis"))
    }),
  refutation: () =>
    record({
      title: "A suspicion and its refutation: nobody reaches c for a while",
      gossip: true,
      roles: ["probes", "helps", "is probed"],
      probed: [TARGET],
      play: ({ network, until }) =>
        Effect.gen(function*() {
          yield* both(PROBER, TARGET, network)
          yield* both(HELPER, TARGET, network)
          yield* until(HELPER, `suspects ${TARGET}`)
          yield* network.heal()
          yield* until(PROBER, `drops its suspicion of ${TARGET}`)
          yield* until(HELPER, `drops its suspicion of ${TARGET}`)
        })
    })
}
