/**
 * Sends one flood of datagrams from a process of its own. Told in JSON lines: `prepare` makes the packets and opens the
 * sockets, `go` sends, and answers how much that was. The end of stdin ends it.
 */
import { createSocket, type Socket } from "node:dgram"
import { Pace } from "./traffic/Pace.ts"
import { type Aim, type FloodKind, packetsOf } from "./traffic/Packets.ts"
import { serve } from "./traffic/Serve.ts"
import { packed, strangers } from "./traffic/Strangers.ts"

export interface Flood {
  readonly kind: FloodKind | "packed strangers"
  readonly aim: Aim
  readonly rate: number
  readonly seconds: number
  /** From how many source ports. */
  readonly ports: number
}

export interface Sent {
  readonly packets: number
  readonly bytes: number
  readonly seconds: number
  /** Packets that this process was too slow to send. */
  readonly skipped: number
}

type Request = { readonly id: number } & ({ readonly cmd: "prepare"; readonly flood: Flood } | { readonly cmd: "go" })

const open = (): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = createSocket("udp4")
    socket.once("error", reject)
    socket.bind(0, "127.0.0.1", () => {
      socket.removeListener("error", reject)
      // a packet that the system refuses is one that was not sent in time
      socket.on("error", () => undefined)
      resolve(socket)
    })
  })

let flood: Flood | undefined
let packets: ReadonlyArray<Uint8Array> = []
let sockets: ReadonlyArray<Socket> = []

const prepare = async (wanted: Flood): Promise<object> => {
  flood = wanted
  packets = wanted.kind === "packed strangers" ? packed(strangers) : packetsOf(wanted.kind, wanted.aim)
  sockets = await Promise.all(Array.from({ length: wanted.ports }, open))
  return { packets: packets.length, bytes: packets[0]?.length ?? 0 }
}

const send = ({ aim, rate, seconds }: Flood): Promise<Sent> =>
  new Promise((resolve) => {
    const pace = new Pace(rate)
    const began = performance.now()
    let count = 0
    let bytes = 0
    const step = () => {
      const elapsed = (performance.now() - began) / 1000
      if (elapsed >= seconds) return resolve({ packets: count, bytes, seconds: elapsed, skipped: pace.skipped })
      const due = pace.due(elapsed)
      for (let i = 0; i < due; i++) {
        const packet = packets[count % packets.length]
        const socket = sockets[count % sockets.length]
        if (packet === undefined || socket === undefined) continue
        socket.send(packet, aim.port, "127.0.0.1")
        bytes += packet.length
        count++
      }
      if (due === 0) setTimeout(step, 1)
      else setImmediate(step)
    }
    step()
  })

const handle = async (request: Request): Promise<object> => {
  if (request.cmd === "prepare") return prepare(request.flood)
  if (flood === undefined) throw new Error("not prepared")
  return send(flood)
}

serve(handle)
