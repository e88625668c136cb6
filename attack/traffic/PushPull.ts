/** An honest peer's push/pull: sends a list, and reads the whole answer. */
import { randomBytes } from "node:crypto"
import { connect } from "node:net"
import type * as Message from "../../src/wire/message/Message.ts"
import * as Frame from "../../src/wire/stream/Frame.ts"
import { FAKE } from "../cluster/Names.ts"

const NO_LABEL = new Uint8Array(0)
const NO_STATE = new Uint8Array(0)
const VERSIONS = new Uint8Array([1, 5, 2, 0, 0, 0])
const META = new Uint8Array(50).fill(0x6d)

export interface Exchange {
  readonly port: number
  readonly nodes?: ReadonlyArray<Message.NodeState>
  readonly key?: Uint8Array | undefined
  /** How long the answer may take, in milliseconds. */
  readonly within: number
}

/** A push/pull as it is written to a stream. */
export const request = (nodes: ReadonlyArray<Message.NodeState>, key?: Uint8Array): Uint8Array =>
  Frame.frame(Frame.encodePushPull({ join: false, nodes, userState: NO_STATE }), {
    compress: false,
    label: NO_LABEL,
    encryption: key === undefined ? undefined : { key, version: 1, nonce: randomBytes(12) }
  })

/** How long it took in milliseconds, `undefined` when there was no whole answer in time. */
export const exchange = ({ key, nodes = [], port, within }: Exchange): Promise<number | undefined> =>
  new Promise((resolve) => {
    const began = performance.now()
    const decoder = Frame.makeDecoder("initiator", {
      label: NO_LABEL,
      skipLabelCheck: false,
      keys: key === undefined ? [] : [key],
      verifyIncoming: true
    })
    const socket = connect(port, "127.0.0.1")
    const finish = (millis: number | undefined) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(millis)
    }
    const timer = setTimeout(() => finish(undefined), within)
    socket.on("connect", () => socket.write(request(nodes, key)))
    socket.on("error", () => finish(undefined))
    socket.on("end", () => finish(undefined))
    socket.on("data", (chunk) => {
      let progress = decoder.push(chunk)
      while (progress._tag === "Working") progress = decoder.resume()
      if (progress._tag === "NeedMore") return
      finish(progress._tag === "Message" ? performance.now() - began : undefined)
    })
  })

export const strangerStates = (count: number): ReadonlyArray<Message.NodeState> =>
  Array.from({ length: count }, (_, i) => ({
    name: `${FAKE}-${i}`,
    addr: new Uint8Array([127, 200, i >> 8, i]),
    port: 7946,
    meta: META,
    incarnation: 1,
    state: 0,
    vsn: VERSIONS
  }))
