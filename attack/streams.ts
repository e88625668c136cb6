/**
 * Attacks over TCP, from a process of its own. Told in JSON lines: `prepare` makes what is sent, `go` opens the
 * connections and keeps them, `stop` closes them and answers how much that was. The end of stdin ends it.
 */
import { randomBytes } from "node:crypto"
import { connect, type Socket } from "node:net"
import { MAX_DECOMPRESSED_BYTES } from "../src/base/Limits.ts"
import * as Compression from "../src/wire/Compression.ts"
import * as Message from "../src/wire/message/Message.ts"
import * as Frame from "../src/wire/stream/Frame.ts"
import { unknownKeys } from "./traffic/Packets.ts"
import { request } from "./traffic/PushPull.ts"
import { serve } from "./traffic/Serve.ts"

export type StreamKind =
  /** A byte now and then of a push/pull. */
  | "slow"
  /** The head of a sealed frame of 20 MiB, and a part of it. */
  | "sealed"
  /** A push/pull whose answer is never read. */
  | "unread"
  /** A small message that decompresses to 40 MiB. */
  | "bombs"
  /** A small push/pull that decompresses to millions of unknown keys. */
  | "keys"

export interface StreamAttack {
  readonly kind: StreamKind
  readonly port: number
  readonly connections: number
  /** Whether a connection that was closed is opened again. */
  readonly reopen: boolean
  /** Bytes of each sealed body that are really sent. */
  readonly body?: number
}

export interface Streamed {
  readonly opened: number
  readonly bytes: number
}

type Request =
  & { readonly id: number }
  & (
    | { readonly cmd: "prepare"; readonly attack: StreamAttack }
    | { readonly cmd: "go" }
    | { readonly cmd: "stop" }
  )

const SEALED_BYTES = 20 << 20
const SLOW_EVERY = 2_000

let attack: StreamAttack | undefined
let payload: Uint8Array = new Uint8Array(0)
let isOver = false
let opened = 0
let bytes = 0
const sockets = new Set<Socket>()

/** A user message of zeros: the smallest that decompresses to the largest. */
const bomb = (): Uint8Array => {
  const plain = new Uint8Array(MAX_DECOMPRESSED_BYTES)
  plain.set(Frame.encodeUser(new Uint8Array(SEALED_BYTES)).subarray(0, 32))
  return Compression.wrap(plain)
}

const sealed = (size: number): Uint8Array => {
  const out = randomBytes(5 + size)
  out[0] = Message.MessageType.Encrypt
  out.writeUInt32BE(SEALED_BYTES, 1)
  out[5] = 1
  return out
}

const payloadOf = ({ body = 0, kind }: StreamAttack): Uint8Array => {
  switch (kind) {
    case "slow":
      return Frame.encodePushPull({ join: false, nodes: [], userState: new Uint8Array(10_000) })
    case "sealed":
      return sealed(body)
    case "unread":
      return request([])
    case "bombs":
      return bomb()
    case "keys":
      return Compression.wrap(
        unknownKeys(Message.MessageType.PushPull, Math.floor((MAX_DECOMPRESSED_BYTES - 6) / 3))
      )
  }
}

const write = (socket: Socket, part: Uint8Array): void => {
  bytes += part.length
  socket.write(part)
}

/** A byte at a time, at a different moment for each connection. */
const drip = (socket: Socket): void => {
  let at = 0
  const step = () => {
    write(socket, payload.subarray(at, at + 1))
    at++
  }
  step()
  const timer = setInterval(step, SLOW_EVERY * (0.5 + Math.random()))
  socket.on("close", () => clearInterval(timer))
}

const open = ({ kind, port, reopen }: StreamAttack): void => {
  if (isOver || attack === undefined) return
  const socket = connect(port, "127.0.0.1")
  sockets.add(socket)
  socket.on("connect", () => {
    opened++
    if (kind === "slow") drip(socket)
    else write(socket, payload)
    // what is not read keeps the other side's buffers full
    if (kind !== "unread") socket.resume()
  })
  socket.on("error", () => undefined)
  socket.on("close", () => {
    sockets.delete(socket)
    if (reopen) setTimeout(() => attack === undefined ? undefined : open(attack), 50)
  })
}

const handle = async (request: Request): Promise<object> => {
  switch (request.cmd) {
    case "prepare":
      attack = request.attack
      payload = payloadOf(attack)
      return { bytes: payload.length }
    case "go":
      if (attack === undefined) throw new Error("not prepared")
      for (let i = 0; i < attack.connections; i++) open(attack)
      return {}
    case "stop":
      isOver = true
      for (const socket of sockets) socket.destroy()
      return { opened, bytes } satisfies Streamed
  }
}

serve(handle)
