import type * as Message from "../../src/wire/message/Message.ts"
import { bytes, packed } from "./Hex.ts"

/** The messages of the protocol's annotated examples, and their bytes. */
const nodeA = bytes("0a000001")

export const ping: Message.Ping = {
  _tag: "Ping",
  seqNo: 42,
  node: "node-b",
  sourceAddr: nodeA,
  sourcePort: 7946,
  sourceNode: "node-a"
}
export const pingHex = packed(`
  00 85 a4 4e6f6465 a6 6e6f64652d62 a5 5365714e6f 2a aa 536f7572636541646472 a4 0a000001
  aa 536f757263654e6f6465 a6 6e6f64652d61 aa 536f75726365506f7274 cd 1f0a`)

export const ack: Message.Ack = { _tag: "Ack", seqNo: 42, payload: null }
export const ackHex = packed("02 82  a7 5061796c6f6164 c0   a5 5365714e6f 2a")

export const nack: Message.Nack = { _tag: "Nack", seqNo: 42 }
export const nackHex = packed("0b 81 a5 5365714e6f 2a")

export const alive: Message.Alive = {
  _tag: "Alive",
  incarnation: 1,
  node: "node-a",
  addr: nodeA,
  port: 7946,
  meta: null,
  vsn: bytes("010502000000")
}
export const aliveHex = packed(`
  04 86 a4 41646472 a4 0a000001 ab 496e6361726e6174696f6e 01 a4 4d657461 c0 a4 4e6f6465 a6 6e6f64652d61
  a4 506f7274 cd 1f0a a3 56736e a6 01 05 02 00 00 00`)

export const suspect: Message.Suspect = { _tag: "Suspect", incarnation: 1, node: "node-c", from: "node-a" }
export const suspectHex = packed(`
  03 83 a4 46726f6d a6 6e6f64652d61 ab 496e6361726e6174696f6e 01 a4 4e6f6465 a6 6e6f64652d63`)

/** Compound of ping and suspect. */
export const compoundHex = `07020045 0027${pingHex}${suspectHex}`.replace(/\s/g, "")

/** Push/pull of one node, joining, with the user state "hello". */
export const pushPull = {
  join: true,
  nodes: [
    {
      name: "node-a",
      addr: nodeA,
      port: 7946,
      meta: null,
      incarnation: 1,
      state: 0,
      vsn: bytes("010502000000")
    } satisfies Message.NodeState
  ],
  userState: bytes("68656c6c6f")
}
export const pushPullHex = packed(`
  06 83 a4 4a6f696e c3 a5 4e6f646573 01 ac 5573657253746174654c656e 05
  87 a4 41646472 a4 0a000001 ab 496e6361726e6174696f6e 01 a4 4d657461 c0 a4 4e616d65 a6 6e6f64652d61
  a4 506f7274 cd 1f0a a5 5374617465 00 a3 56736e a6 010502000000 68656c6c6f`)
export const pushPullCompressedHex = packed(`
  09 82 a4 416c676f 00 a3 427566 da 006f
  000d0c22a5e44d1a37c34a397943a6cc9c00acaacc2923670a9d3074ca3029e3a6c0215241c89091434a010000015625
  7133268c1c3718d3bc7113805493321781917212a64d19536e189669118614943772e834fba0a094458c65008cb232c7
  8da90005049c0480a60c1b366f0202`)

/** The key and nonce of the encrypted examples. */
export const key = new TextEncoder().encode("0123456789abcdef")
export const nonce = bytes("000102030405060708090a0b")
export const label = new TextEncoder().encode("prod1")
export const noLabel = new Uint8Array(0)
