import { afterEach, assert, it } from "@effect/vitest"
import { once } from "node:events"
import type { Server } from "node:http"
import { type AddressInfo, connect } from "node:net"
import * as Listener from "../../../src/agent/serving/Listener.ts"

const servers: Array<Server> = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

const listening = async (onError: (error: Error) => void = () => {}) => {
  const server = Listener.make(onError)
  servers.push(server)
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return { server, port: (server.address() as AddressInfo).port }
}

/** What is answered to a request until the server ends the connection. */
const answer = async (port: number, text: string) => {
  const socket = connect(port, "127.0.0.1").setEncoding("utf8")
  socket.write(text)
  let answered = ""
  socket.on("data", (data: string) => {
    answered += data
  })
  await once(socket, "close")
  return answered
}

it("a request that asks for another protocol is answered as one that does not, within the same bounds", async () => {
  const { port, server } = await listening()
  server.on("request", (_, response) => response.end("of HTTP"))
  // as Effect's server has one
  server.on("upgrade", (_, socket) => socket.write("no bounds any more"))
  const text = await answer(
    port,
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, close\r\nUpgrade: another\r\n\r\n"
  )
  assert.match(text, /^HTTP\/1.1 200 OK\r\n[^]*of HTTP/)
})

it("a client that reads nothing of its answer is let go when nothing moves any more", async () => {
  const { port, server } = await listening()
  // longer than a join may take, which the command waits for
  assert.isAbove(server.timeout, 120_000)
  server.timeout = 100
  server.on("request", (_, response) => response.end(Buffer.alloc(50_000_000)))
  const socket = connect(port, "127.0.0.1").pause()
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
  const [accepted] = await once(server, "connection")
  await once(accepted, "close")
  socket.destroy()
})

it("an error of the system while it listens is told, and does not end the process", async () => {
  const told: Array<string> = []
  const { server } = await listening((error) => told.push(error.message))
  server.emit("error", new Error("accept ENFILE"))
  assert.deepStrictEqual(told, ["accept ENFILE"])
})

it("connections above the bound are not taken, and counted", async () => {
  const { port, server } = await listening()
  const refused: Array<Listener.Reason> = []
  server.onRefused((reason) => refused.push(reason))
  server.maxConnections = 1
  const first = connect(port, "127.0.0.1")
  await once(server, "connection")
  assert.strictEqual(await answer(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").catch(() => ""), "")
  first.destroy()
  assert.deepStrictEqual(refused, ["TooManyConnections"])
})

it("requests that do not wait for an answer are refused, and end their connection", async () => {
  const { port, server } = await listening()
  const refused: Array<Listener.Reason> = []
  server.onRefused((reason) => refused.push(reason))
  const early: Array<boolean> = []
  server.on("request", (request, response) => {
    early.push(Listener.isEarly(request))
    if (early.length === 2) response.end("second")
  })
  const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
  assert.strictEqual(await answer(port, request.repeat(1000)), "")
  assert.deepStrictEqual(early, [false, true])
  assert.deepStrictEqual(refused, ["AnswersNotAwaited"])
})

it("requests that wait for their answers follow each other on one connection", async () => {
  const { port, server } = await listening()
  const early: Array<boolean> = []
  server.on("request", (request, response) => {
    early.push(Listener.isEarly(request))
    response.end(Buffer.alloc(early.length === 50 ? 1 : 200_000, "."))
  })
  const socket = connect(port, "127.0.0.1")
  let wanted = 0
  for (let i = 1; i <= 50; i++) {
    const answered = once(socket, "done")
    let size = 0
    const read = (part: Buffer) => {
      size += part.length
      if (part.toString().endsWith(".") && size > (i === 50 ? 1 : 200_000)) socket.emit("done")
    }
    socket.on("data", read)
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await answered
    socket.off("data", read)
    wanted++
  }
  socket.destroy()
  assert.deepStrictEqual(early, Array.from({ length: wanted }, () => false))
})
