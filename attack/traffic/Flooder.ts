/** A flood's process, as seen from a case. */
import { createSocket } from "node:dgram"
import { Child, node } from "../cluster/Child.ts"
import type { Cluster } from "../cluster/Cluster.ts"
import type { Session } from "../cluster/Session.ts"
import type { Flood, Sent } from "../generator.ts"

const program = new URL("../generator.ts", import.meta.url)

/** A port where nobody listens, most likely: it was free a moment ago. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const socket = createSocket("udp4")
    socket.bind(0, "127.0.0.1", () => {
      const { port } = socket.address()
      socket.close(() => resolve(port))
    })
  })

/** Makes the packets; the answer sends them, and ends with what was sent. */
export const prepareFlood = async (
  session: Session,
  cluster: Cluster,
  flood: Omit<Flood, "aim">
): Promise<() => Promise<Sent>> => {
  const child = new Child(session, { name: "the generator", command: node(program) })
  const { name, port } = cluster.target
  const other = cluster.victims[1]?.port ?? port
  await child.ask("prepare", { flood: { ...flood, aim: { name, port, other, nowhere: await freePort() } } })
  return async () => (await child.ask("go")) as Sent
}

export const told = ({ bytes, packets, seconds, skipped }: Sent): string => {
  const rate = Math.round(packets / seconds)
  const slow = skipped > packets / 20 ? `, ${thousands(skipped)} too many for the generator` : ""
  return `${thousands(packets)} packets, ${thousands(rate)}/s, ${(bytes / seconds / 1e6).toFixed(1)} MB/s${slow}`
}

export const thousands = (count: number): string => count.toLocaleString("en-US")
