/**
 * The codec of a checkout, in a process of its own: what single messages cost its decoder, and what its encoder makes of
 * a message after one that could not be encoded. `search` and `encoder` are told in JSON lines.
 *
 *   node --conditions=effect-memberlist-source attack/codec.ts <checkout>
 */
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type * as MessageModule from "../src/wire/message/Message.ts"
import type * as PacketModule from "../src/wire/packet/Packet.ts"
import type * as FrameModule from "../src/wire/stream/Frame.ts"
import { afterThrow } from "./codec/Encoder.ts"
import { datagrams, streams } from "./codec/Shapes.ts"
import { serve } from "./traffic/Serve.ts"

export interface Cost {
  readonly shape: string
  /** Bytes on the wire. */
  readonly size: number
  /** What the decoder took, in milliseconds: the fastest of a few times, for what else runs here is not its cost. */
  readonly millis: number
}

export interface Searched {
  readonly datagrams: ReadonlyArray<Cost>
  /** The time of the longest single push of 16 KiB; a message may take many. */
  readonly streams: ReadonlyArray<Cost>
}

const [checkout = "."] = process.argv.slice(2)
const wire = (name: string): Promise<unknown> => import(pathToFileURL(join(checkout, "src", "wire", `${name}.ts`)).href)
const Packet = (await wire("packet/Packet")) as typeof PacketModule
const Frame = (await wire("stream/Frame")) as typeof FrameModule
const Message = (await wire("message/Message")) as typeof MessageModule

const inbound = { label: new Uint8Array(0), skipLabelCheck: false, keys: [], verifyIncoming: true }
const CHUNK = 16_384
const TIMES = 3

const fastest = (once: () => number): number => Math.min(...Array.from({ length: TIMES }, once))

const timed = (action: () => void): number => {
  const began = performance.now()
  action()
  return performance.now() - began
}

const longestPush = (bytes: Uint8Array): number => {
  const decoder = Frame.makeDecoder("responder", inbound)
  let longest = 0
  for (let at = 0; at < bytes.length; at += CHUNK) {
    longest = Math.max(longest, timed(() => void decoder.push(bytes.subarray(at, at + CHUNK))))
  }
  return longest
}

const rounded = (millis: number): number => Math.round(millis * 100) / 100

const search = (): Searched => ({
  datagrams: [...datagrams()].map(({ bytes, shape }) => ({
    shape,
    size: bytes.length,
    millis: rounded(fastest(() => timed(() => void Packet.decode(bytes, inbound))))
  })),
  streams: [...streams()].map(({ bytes, shape }) => ({
    shape,
    size: bytes.length,
    millis: rounded(longestPush(bytes))
  }))
})

type Request = { readonly id: number; readonly cmd: "search" | "encoder" }

serve(async (request: Request) => request.cmd === "search" ? search() : { different: afterThrow(Message, Frame) })
