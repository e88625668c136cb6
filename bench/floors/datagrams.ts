/** Pings and acks in bare Node.js: sockets that ping one another every second and answer, and know nothing else. */
import { createSocket, type Socket } from "node:dgram"
import { type Request, serve } from "../child/Commands.ts"

const INTERVAL = 1000

/** About what a ping with two addresses and a name measures. */
const SIZE = 60

const PING = Buffer.alloc(SIZE, 1)
const ACK = Buffer.alloc(SIZE, 2)

const sockets: Array<Socket> = []

const bind = () =>
  new Promise<number>((resolve, reject) => {
    const socket = createSocket("udp4")
    socket.once("error", reject)
    socket.on("message", (message, { address, port }) => {
      if (message[0] === PING[0]) socket.send(ACK, port, address)
    })
    socket.bind(0, "127.0.0.1", () => resolve(socket.address().port))
    sockets.push(socket)
  })

const start = async ({ names }: Request) => {
  const ports: Array<number> = []
  for (let i = 0; i < (names as ReadonlyArray<string>).length; i++) ports.push(await bind())
  return { ports }
}

/**
 * Each socket pings `pings` of the ports every second: at a moment of its own, as nodes do, or, `together`, all at the same,
 * which shows how much of the cost is in waking up.
 */
const ping = (request: Request) => {
  const ports = request["ports"] as ReadonlyArray<number>
  const pings = Number(request["pings"])
  const ticks = sockets.map((socket) => {
    const others = ports.filter((port) => port !== socket.address().port)
    return () => {
      for (let i = 0; i < pings; i++) socket.send(PING, others[Math.floor(Math.random() * others.length)], "127.0.0.1")
    }
  })
  if (request["together"] === true) setInterval(() => ticks.forEach((tick) => tick()), INTERVAL)
  else for (const tick of ticks) setTimeout(() => setInterval(tick, INTERVAL), Math.random() * INTERVAL)
  return {}
}

serve({ start, ping })
