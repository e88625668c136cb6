/**
 * Node's HTTP server with bounds for what any client can do, known or not: how long it may take, how many connections
 * there are, and one request at a time on each.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"

/** Requests at once. */
export const MAX_REQUESTS = 256

/** Streams at once. */
export const MAX_STREAMS = 1_024

/** Connections that may be open beside those of requests and streams: such that are kept for the next request. */
const SPARE_CONNECTIONS = 256

/** Milliseconds for which nothing may move on a connection that is waited for. */
const QUIET = 180_000

/** Requests that came before the one before them on their connection was answered. */
const early = new WeakSet<object>()

/**
 * Whether a request came before the one before it was answered. Clients that want more at once open connections; who
 * writes thousands of requests in one go would have them all read and answered at once, and the answers kept.
 */
export const isEarly = (source: object): boolean => early.has(source)

/** Why a connection ended, or was not taken, without an answer. */
export type Reason = "TooManyConnections" | "AnswersNotAwaited"

/** The server of an API. */
export class Listener extends Server {
  #told: (reason: Reason) => void = () => {}

  /** Tells of each connection that was refused, from now on. */
  onRefused(told: (reason: Reason) => void): void {
    this.#told = told
  }

  refused(reason: Reason): void {
    this.#told(reason)
  }

  /** What is not answered yet, by connection. */
  readonly #open = new WeakMap<Socket, number>()

  /** Lets a request in, unless there was one too many on its connection before. */
  #isLetIn(request: IncomingMessage, response: ServerResponse): boolean {
    const { socket } = request
    if (socket.destroyed) return false
    const open = this.#open.get(socket) ?? 0
    if (open > 1) {
      this.refused("AnswersNotAwaited")
      socket.destroy()
      return false
    }
    if (open === 1) {
      early.add(request)
      response.shouldKeepAlive = false
    }
    this.#open.set(socket, open + 1)
    response.once("close", () => this.#open.set(socket, (this.#open.get(socket) ?? 1) - 1))
    return true
  }

  override emit(event: string, ...about: ReadonlyArray<unknown>): boolean {
    const [request, response] = about
    return request instanceof IncomingMessage && response instanceof ServerResponse && !this.#isLetIn(request, response)
      ? false
      : Reflect.apply(super.emit, this, [event, ...about])
  }
}

/** The listener that there is, for those who count. */
export class Here extends Context.Service<Here, Listener>()("effect-memberlist/agent/Listener") {}

/** Returns a server. An error of the system after it listens is told, and does not end the process. */
export const make = (onError: (error: Error) => void): Listener => {
  const server = new Listener({
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 5_000,
    connectionsCheckingInterval: 5_000
  })
  // a client that reads nothing of its answer; a join waits for less, and streams are sent something all the time
  server.timeout = QUIET
  server.maxConnections = MAX_REQUESTS + MAX_STREAMS + SPARE_CONNECTIONS
  // an upgraded connection would leave these bounds. Without a listener the header is passed over, as it may be
  server.on("connection", () => server.removeAllListeners("upgrade"))
  server.on("drop", () => server.refused("TooManyConnections"))
  server.on("error", (error) => {
    // until then it is an error of the start
    if (server.listening) onError(error)
  })
  return server
}
