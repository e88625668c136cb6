/** What an encoder makes of a good message after a bad one. */
import type * as MessageModule from "../../src/wire/message/Message.ts"
import type * as FrameModule from "../../src/wire/stream/Frame.ts"

const LOOPBACK = new Uint8Array([127, 0, 0, 1])
const WRONG = undefined as unknown as string

/** The messages whose bytes are others after an encoder has thrown. */
export const afterThrow = (Message: typeof MessageModule, Frame: typeof FrameModule): ReadonlyArray<string> => {
  const state = (name: string): MessageModule.NodeState => ({
    name,
    addr: LOOPBACK,
    port: 7946,
    meta: null,
    incarnation: 1,
    state: 0,
    vsn: LOOPBACK
  })
  const pushPull = (name: string) => () =>
    Frame.encodePushPull({ join: false, nodes: [state("anna"), state(name)], userState: new Uint8Array(0) })
  const ping = (node: string) => () =>
    Message.encode({ _tag: "Ping", seqNo: 7, node, sourceAddr: LOOPBACK, sourcePort: 7946, sourceNode: "boris" })
  const suspect = (node: string) => () => Message.encode({ _tag: "Suspect", incarnation: 7, node, from: "boris" })
  const pairs = [["ping", ping], ["suspect", suspect], ["push/pull", pushPull]] as const
  return pairs.flatMap(([name, make]) => {
    const before = make("anna")()
    try {
      make(WRONG)()
    } catch {
      // it is what comes after that counts
    }
    return Buffer.compare(before, make("anna")()) === 0 ? [] : [name]
  })
}
