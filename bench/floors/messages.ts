/** Messages in bare Node.js: a connection each, or a datagram each. */
import { createSocket } from "node:dgram"
import { connect, createServer } from "node:net"
import { type Request, serve } from "../child/Commands.ts"
import * as Sending from "../child/Sending.ts"

const LOOPBACK = "127.0.0.1"

let count = 0
const latencies = new Sending.Latencies()

const socket = createSocket("udp4")
socket.on("message", (payload) => {
  count++
  latencies.note(payload)
})

// as a node would, it reads all of a message before it counts it
const server = createServer((connection) => {
  let first: Uint8Array | undefined
  connection.on("data", (payload) => {
    first ??= payload
  })
  connection.on("error", () => connection.destroy())
  connection.on("end", () => {
    count++
    if (first !== undefined) latencies.note(first)
  })
})

const start = async () => {
  const tcp = await new Promise<number>((resolve) =>
    server.listen(0, LOOPBACK, () => {
      const address = server.address()
      resolve(typeof address === "object" && address !== null ? address.port : 0)
    })
  )
  const udp = await new Promise<number>((resolve) => socket.bind(0, LOOPBACK, () => resolve(socket.address().port)))
  return { address: `${tcp}/${udp}` }
}

const write = (port: number, payload: Uint8Array) =>
  new Promise<void>((resolve, reject) => {
    const connection = connect(port, LOOPBACK, () => {
      // the system has it, and sends it and the end behind it
      connection.write(payload)
      connection.destroy()
      resolve()
    })
    connection.once("error", reject)
    connection.pause()
  })

const throwAway = (port: number, payload: Uint8Array) =>
  new Promise<void>((resolve, reject) =>
    socket.send(payload, port, LOOPBACK, (error) => (error === null ? resolve() : reject(error)))
  )

const send = async (request: Request) => {
  const { burst, count, pauseMs, reliable, size, stamped, to } = Sending.read(request)
  const [tcp = 0, udp = 0] = to.split("/").map(Number)
  const payload = Sending.text(size)
  const micros = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    if (stamped) Sending.stamp(payload)
    const before = performance.now()
    await (reliable ? write(tcp, payload) : throwAway(udp, payload))
    micros[i] = (performance.now() - before) * 1000
    if (burst > 0 && (i + 1) % burst === 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  return Sending.summary(micros)
}

serve({ start, send, received: () => ({ count }), latencies: () => latencies.take() })
