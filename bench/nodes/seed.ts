/**
 * Answers whoever joins through it with a list of so many members, and does nothing else: this is how the tables get as
 * large as they are to be. It is not measured. It listens where nobody of the list is, and nobody on the list answers.
 */
import { createServer } from "node:net"
import type * as Message from "../../src/wire/message/Message.ts"
import { type Request, serve } from "../child/Commands.ts"
import { inside } from "../child/Inside.ts"

const { Frame: frames } = await inside

const LOOPBACK = "127.0.0.1"

/** Nobody listens there: what is sent to the members of the list is refused by this machine at once. */
const NOBODY = 1

const meta = new TextEncoder().encode("zone=eu-1,role=orders,build=4711")
const vsn = Uint8Array.of(1, 5, 2, 0, 0, 0)
const label = new Uint8Array(0)

const row = (i: number): Message.NodeState => ({
  name: `member-${String(i).padStart(5, "0")}`,
  addr: Uint8Array.of(127, 1 + (i >> 16), i >> 8, i),
  port: NOBODY,
  meta,
  incarnation: i % 7 + 1,
  state: 0,
  vsn
})

const start = async ({ key, rows }: Request) => {
  const list = frames.encodePushPull({
    join: false,
    nodes: Array.from({ length: Number(rows) }, (_, i) => row(i)),
    userState: label
  })
  const secret = key === undefined ? undefined : new Uint8Array(Buffer.from(String(key), "hex"))
  const answer = () => {
    const nonce = crypto.getRandomValues(new Uint8Array(12))
    const encryption = secret === undefined ? undefined : { key: secret, version: 1, nonce } as const
    return frames.frame(list, { compress: false, encryption, label })
  }
  const server = createServer((connection) => {
    connection.on("error", () => connection.destroy())
    connection.once("data", () => connection.end(answer()))
    connection.resume()
  })
  const port = await new Promise<number>((resolve) =>
    server.listen(0, LOOPBACK, () => {
      const address = server.address()
      resolve(typeof address === "object" && address !== null ? address.port : 0)
    })
  )
  return { address: `${LOOPBACK}:${port}` }
}

serve({ start })
