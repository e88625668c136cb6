/**
 * A peer made of bytes: an address on the simulated network that sends whatever a test wants, well-formed or not, and
 * keeps whatever it is sent. It has no protocol of its own, so a test sees what a node does on the wire.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { ipBytes } from "../../src/base/Address.ts"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import { type Connection, Transport } from "../../src/Transport.ts"
import * as Message from "../../src/wire/message/Message.ts"
import * as Compound from "../../src/wire/packet/Compound.ts"
import * as Packet from "../../src/wire/packet/Packet.ts"
import * as Frame from "../../src/wire/stream/Frame.ts"
import { passing, type TestNode } from "./Cluster.ts"

type PacketMessage = Message.PacketMessage
type Tagged<Tag extends PacketMessage["_tag"]> = Extract<PacketMessage, { readonly _tag: Tag }>

/** A message that arrived, in the datagram it came in. */
export interface Heard {
  readonly message: PacketMessage
  readonly datagram: Uint8Array
  /** Virtual milliseconds. */
  readonly at: number
}

/** The target of a packet: a node of the test, or another fake peer. */
export interface To {
  readonly ip: string
}

export interface FakePeerOptions {
  /** What it understands; plaintext without a label by default. */
  readonly inbound?: Partial<Packet.Inbound>
  /** What it does about each message; by default it answers pings for its name. `none`: it only listens. */
  readonly onMessage?: ((peer: FakePeer, message: PacketMessage, from: To) => Effect.Effect<void>) | "none"
  /** What it does with each stream; by default it accepts and says nothing. */
  readonly onStream?: (connection: Connection) => Effect.Effect<void>
}

export interface FakePeer extends To {
  readonly name: string
  readonly port: number
  /** Every datagram so far, in order of arrival. */
  readonly datagrams: ReadonlyArray<Uint8Array>
  /** Every message in them. */
  readonly heard: ReadonlyArray<Heard>
  /** The messages of one kind. */
  readonly all: <Tag extends PacketMessage["_tag"]>(tag: Tag) => ReadonlyArray<Tagged<Tag>>
  /** Forgets what it heard. */
  readonly forget: () => void
  /** Sends bytes as they are. */
  readonly sendBytes: (to: To, datagram: Uint8Array) => Effect.Effect<void>
  /** Sends plain messages, several in a compound. */
  readonly send: (to: To, ...messages: ReadonlyArray<PacketMessage>) => Effect.Effect<void>
  /** Its own alive message. */
  readonly alive: (more?: Partial<Message.Alive>) => Message.Alive
  /** Its own row of a push/pull. */
  readonly row: (more?: Partial<Message.NodeState>) => Message.NodeState
  /** A ping from it. */
  readonly ping: (seqNo: number, node?: string) => Message.Ping
  /** Opens a stream that stays open while the scope does. */
  readonly dial: (to: To) => Effect.Effect<Connection, never, Scope.Scope>
  /** Opens a stream, writes the bytes, and answers what comes back, or `closed`; virtual time passes. */
  readonly ask: (to: To, bytes: Uint8Array) => Effect.Effect<Frame.StreamMessage | "closed">
}

/** Protocol versions 1‥5, speaking 2, as a current release announces them. */
export const VSN = Uint8Array.of(1, 5, 2, 0, 0, 0)

const PORT = 7946

/** Reads one message; `closed` when the stream ends first, or what comes is refused. */
export const readMessage = Effect.fnUntraced(function*(
  connection: Connection,
  role: Frame.Role,
  inbound: Packet.Inbound = plain
): Effect.fn.Return<Frame.StreamMessage | "closed"> {
  const decoder = Frame.makeDecoder(role, inbound)
  for (;;) {
    const chunk = yield* Effect.orElseSucceed(connection.pull, () => undefined)
    let progress = chunk === undefined ? undefined : decoder.push(chunk)
    while (progress?._tag === "Working") progress = decoder.resume()
    if (progress === undefined || progress._tag === "Rejected") return "closed"
    if (progress._tag === "Message") return progress.message
  }
})

const plain: Packet.Inbound = {
  label: new Uint8Array(),
  skipLabelCheck: false,
  keys: [],
  verifyIncoming: false,
  acceptsFirstCipher: true
}

const answerPings = (peer: FakePeer, message: PacketMessage, from: To): Effect.Effect<void> =>
  message._tag === "Ping" && (message.node === "" || message.node === peer.name)
    ? peer.send(from, { _tag: "Ack", seqNo: message.seqNo, payload: null })
    : Effect.void

/** A fake peer at port 7946 of `ip`; it lives as long as the test. */
export const fakePeer = Effect.fnUntraced(function*(name: string, ip: string, options: FakePeerOptions = {}) {
  const context = yield* Layer.build(SimulatedNetwork.transport(ip))
  const transport = Context.get(context, Transport)
  const inbound = { ...plain, ...options.inbound }
  const addr = ipBytes(ip) ?? new Uint8Array()
  const datagrams: Array<Uint8Array> = []
  const heard: Array<Heard> = []
  const sendBytes = (to: To, datagram: Uint8Array) => Effect.orDie(transport.send({ ip: to.ip, port: PORT }, datagram))
  const dial = (to: To) => Effect.orDie(transport.open({ ip: to.ip, port: PORT }, { timeout: Duration.seconds(10) }))
  const peer: FakePeer = {
    name,
    ip,
    port: PORT,
    datagrams,
    heard,
    all: <Tag extends PacketMessage["_tag"]>(tag: Tag) =>
      heard.map(({ message }) => message).filter((message): message is Tagged<Tag> => message._tag === tag),
    forget: () => {
      datagrams.length = 0
      heard.length = 0
    },
    sendBytes,
    send: (to, ...messages) => {
      const parts = messages.map((message) => Message.encode(message))
      const [first] = parts
      return sendBytes(to, parts.length === 1 && first !== undefined ? first : Compound.make(parts))
    },
    alive: (more) => ({
      _tag: "Alive",
      incarnation: 1,
      node: name,
      addr,
      port: PORT,
      meta: null,
      vsn: VSN,
      ...more
    }),
    row: (more) => ({ name, addr, port: PORT, meta: null, incarnation: 1, state: 0, vsn: VSN, ...more }),
    ping: (seqNo, node = "") => ({
      _tag: "Ping",
      seqNo,
      node,
      sourceAddr: addr,
      sourcePort: PORT,
      sourceNode: name
    }),
    dial,
    ask: (to, bytes) =>
      passing(Effect.scoped(Effect.gen(function*() {
        const connection = yield* dial(to)
        yield* Effect.ignore(connection.write(bytes))
        return yield* readMessage(connection, "initiator", inbound)
      })))
  }
  const onMessage = options.onMessage ?? answerPings
  const receive = Effect.gen(function*() {
    for (;;) {
      for (const { from, payload, receivedAt } of yield* transport.packets) {
        datagrams.push(payload)
        for (const message of Packet.decode(payload, inbound).messages) {
          heard.push({ message, datagram: payload, at: receivedAt })
          if (onMessage !== "none") yield* onMessage(peer, message, from)
        }
      }
    }
  })
  yield* Effect.forkScoped(Effect.ignore(receive))
  const { onStream } = options
  if (onStream !== undefined) yield* Effect.forkScoped(Effect.ignore(transport.serve(onStream)))
  return peer
})

/** Answers its pings, and asked to help it says that it got no answer. */
export const nacking: FakePeerOptions = {
  onMessage: (peer, message, from) =>
    message._tag === "Ping"
      ? peer.send(from, { _tag: "Ack", seqNo: message.seqNo, payload: null })
      : message._tag === "IndirectPing" && message.nack
      ? peer.send(from, { _tag: "Nack", seqNo: message.seqNo })
      : Effect.void
}

/** Answers its pings and nothing else. */
export const mute: FakePeerOptions = {
  onMessage: (peer, message, from) =>
    message._tag === "Ping" ? peer.send(from, { _tag: "Ack", seqNo: message.seqNo, payload: null }) : Effect.void
}

/** Tells a node about everybody, and waits until it knows. */
export const introduce = Effect.fnUntraced(function*(node: TestNode, ...peers: ReadonlyArray<FakePeer>) {
  for (const peer of peers) yield* peer.send(node, peer.alive())
  yield* TestClock.adjust("20 millis")
})

/** How a stream's message is framed without compression, encryption or a label. */
export const plainly = { compress: false, encryption: undefined, label: new Uint8Array() }

/** Gives its list to whoever asks for it, and `then` does what the peer does with a list that it is sent. */
export const asked =
  (peer: () => FakePeer, then: (connection: Connection) => Effect.Effect<void>) => (connection: Connection) =>
    Effect.gen(function*() {
      const message = yield* readMessage(connection, "responder")
      if (message === "closed" || message._tag !== "PushPull") return
      if (message.nodes.length > 0) return yield* then(connection)
      const answer = Frame.encodePushPull({ join: false, nodes: [peer().row()], userState: new Uint8Array() })
      yield* Effect.ignore(connection.write(Frame.frame(answer, plainly)))
    })
