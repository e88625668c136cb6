/** An honest peer's pings, from outside: does a node answer, and how soon. */
import { randomBytes } from "node:crypto"
import { createSocket, type Socket } from "node:dgram"
import * as Message from "../../src/wire/message/Message.ts"
import * as Packet from "../../src/wire/packet/Packet.ts"
import type { Session } from "./Session.ts"

export interface Target {
  readonly name: string
  readonly port: number
}

/** An answer later than this counts as none, in milliseconds. */
const PATIENCE = 1_000

const NO_LABEL = new Uint8Array(0)
const LOOPBACK = new Uint8Array([127, 0, 0, 1])

export class Prober {
  private readonly socket: Socket
  private readonly key: Uint8Array | undefined
  private readonly waiting = new Map<number, () => void>()
  private port = 0
  // far from what nodes use themselves
  private nextSeqNo = 0x7000_0000

  private constructor(socket: Socket, key: Uint8Array | undefined) {
    this.socket = socket
    this.key = key
    socket.on("message", (datagram) => this.receive(datagram))
  }

  static async open(session: Session, key: Uint8Array | undefined): Promise<Prober> {
    const socket = createSocket("udp4")
    session.onEnd(() => void socket.close())
    const prober = new Prober(socket, key)
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve))
    prober.port = socket.address().port
    return prober
  }

  /** The round trip in milliseconds, `undefined` when there was no answer in time. */
  ping(target: Target): Promise<number | undefined> {
    return new Promise((resolve) => {
      const seqNo = this.nextSeqNo++
      const began = performance.now()
      const timer = setTimeout(() => finish(undefined), PATIENCE)
      const finish = (roundTrip: number | undefined) => {
        clearTimeout(timer)
        this.waiting.delete(seqNo)
        resolve(roundTrip)
      }
      this.waiting.set(seqNo, () => finish(performance.now() - began))
      const ping = Message.encode({
        _tag: "Ping",
        seqNo,
        node: target.name,
        sourceAddr: LOOPBACK,
        sourcePort: this.port,
        sourceNode: "prober"
      })
      this.socket.send(this.sealed(ping), target.port, "127.0.0.1", () => undefined)
    })
  }

  private sealed(message: Uint8Array): Uint8Array {
    return Packet.encode(message, {
      label: NO_LABEL,
      compress: false,
      crc: false,
      encryption: this.key === undefined ? undefined : { key: this.key, version: 1, nonce: randomBytes(12) }
    })
  }

  private receive(datagram: Uint8Array): void {
    const { messages } = Packet.decode(datagram, {
      label: NO_LABEL,
      skipLabelCheck: false,
      keys: this.key === undefined ? [] : [this.key],
      verifyIncoming: true
    })
    for (const message of messages) if (message._tag === "Ack") this.waiting.get(message.seqNo)?.()
  }
}
