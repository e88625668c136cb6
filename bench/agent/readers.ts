/** A process that holds many streams of an agent open, and checks that each gets every change, once and in order. */
import { Agent, type ClientRequest, get } from "node:http"
import { type Order, type Read, timesOf } from "./Measured.ts"
import * as Stamp from "./Stamp.ts"

/** Streams that are opened in a second. */
const OPENED = 400

/** One reader in so many follows the topic. */
const TOPIC = 10

class Stream {
  readonly millis: Array<number> = []
  readers = 0
  delivered = 0
  ended = 0
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** Reads one stream; the answer comes with its first bytes. */
  open(url: string, agent: Agent, opened: Array<ClientRequest>): Promise<void> {
    return new Promise((resolve, reject) => {
      let rest = ""
      let next = 0
      const sent = get(`${url}${this.path}`, { agent }, (response) => {
        if (response.statusCode !== 200) return reject(new Error(`${this.path}: status ${response.statusCode}`))
        this.readers++
        response.setEncoding("utf8")
        response.on("data", (text: string) => {
          resolve()
          rest += text
          const events = rest.split("\n\n")
          rest = events.pop() ?? ""
          for (const event of events) {
            const change = Stamp.read(event)
            if (change === undefined) continue
            // one that is told twice, or behind a later one, is none of those that are expected
            if (change.at < next) continue
            next = change.at + 1
            this.delivered++
            this.millis.push(change.millis)
          }
        })
        response.on("close", () => this.ended++)
        response.on("error", () => {})
      })
      sent.on("error", reject)
      opened.push(sent)
    })
  }

  told(changes: number): Read {
    const { delivered, ended, millis, path, readers } = this
    return {
      stream: `GET ${path.replace("/load", "/TOPIC")}`,
      readers,
      expected: readers * changes,
      delivered,
      millis: timesOf(millis),
      ended
    }
  }
}

const events = new Stream("/v1/events")
const values = new Stream("/v1/topics/load")
const opened: Array<ClientRequest> = []

const open = async ({ clients }: Order, url: string): Promise<void> => {
  const agent = new Agent({ maxSockets: Infinity })
  const opening: Array<Promise<void>> = []
  for (let i = 0; i < clients; i++) {
    const stream = i % TOPIC === TOPIC - 1 ? values : events
    opening.push(stream.open(url, agent, opened))
    if (i % 20 === 19) await new Promise((resolve) => setTimeout(resolve, 20_000 / OPENED))
  }
  await Promise.all(opening)
}

type Request =
  | { readonly do: "open"; readonly order: Order; readonly url: string }
  | { readonly do: "tell"; readonly updates: number; readonly values: number }
  | { readonly do: "close" }

process.on("message", (request: Request) => {
  switch (request.do) {
    case "open":
      return void open(request.order, request.url).then(
        () => process.send?.({ opened: true }),
        (error: Error) => process.send?.({ error: error.message })
      )
    case "tell":
      return void process.send?.({ reads: [events.told(request.updates), values.told(request.values)] })
    case "close":
      for (const each of opened) each.destroy()
      return void process.send?.({ closed: true })
  }
})
// whoever started it was killed
process.on("disconnect", () => process.exit(1))
