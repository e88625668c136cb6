/**
 * A process that sends requests at planned moments, however long the answers take. How long one took is counted from
 * the planned moment: where an agent answers nothing for a second, all requests of that second have waited.
 */
import { Agent, request } from "node:http"
import { type Called, type Calls, type Order, timesOf } from "./Measured.ts"
import * as Stamp from "./Stamp.ts"

/** What is read, by turns. `NAME` is another member. */
const READS = [
  "/v1/members",
  "/v1/members/NAME",
  "/v1/info",
  "/v1/health",
  "/v1/verdicts",
  "/v1/agreement",
  "/health/ready",
  "/metrics"
]

/** Changes of each kind in a second. */
const CHANGES = 1

/** How long an answer may take before it has failed, in milliseconds. */
const PATIENCE = 10_000

/** How long a connection may lie idle: less than the agent's five seconds, or a request may meet its end. */
const IDLE = 3_000

interface Tally {
  readonly millis: Array<number>
  bytes: number
  failed: number
}

interface Call {
  readonly method: "GET" | "PUT" | "POST"
  readonly path: string
  /** As the page names it. */
  readonly name: string
  readonly body: string | undefined
}

const run = async ({ rate, seconds }: Order, url: string, member: string): Promise<Calls> => {
  const { hostname, port } = new URL(url)
  // as many connections as there are requests under way: one that waits for another would hide how long it waits
  const agent = new Agent({ keepAlive: true, timeout: IDLE })
  const tallies = new Map<string, Tally>()
  const failures: Record<string, number> = {}

  const send = ({ body, method, name, path }: Call, planned: number): Promise<void> => {
    const tally = tallies.get(name) ?? { millis: [], bytes: 0, failed: 0 }
    tallies.set(name, tally)
    return new Promise((resolve) => {
      const done = (failure: string | undefined) => {
        if (failure === undefined) tally.millis.push(performance.now() - planned)
        else {
          tally.failed++
          const why = `${name}: ${failure}`
          failures[why] = (failures[why] ?? 0) + 1
        }
        resolve()
      }
      const headers = body === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }
      const sent = request({ agent, hostname, port, method, path, headers, timeout: PATIENCE }, (response) => {
        let bytes = 0
        response.on("data", (part: Buffer) => void (bytes += part.length))
        response.on("end", () => {
          tally.bytes = Math.max(tally.bytes, bytes)
          const { statusCode = 0 } = response
          done(statusCode >= 200 && statusCode < 300 ? undefined : `status ${statusCode}`)
        })
        response.on("error", (error) => done(error.message))
      })
      sent.on("timeout", () => sent.destroy(new Error(`no answer in ${PATIENCE / 1000} s`)))
      sent.on("error", (error: NodeJS.ErrnoException) => done(error.code ?? error.message))
      sent.end(body)
    })
  }

  const reads = READS.map((path): Call => ({
    method: "GET",
    path: path.replace("NAME", encodeURIComponent(member)),
    name: `GET ${path}`,
    body: undefined
  }))
  const changes = { updates: 0, values: 0 }
  const former = { updates: Promise.resolve(), values: Promise.resolve() }
  /** One after the other: of two that are under way at once, the later may be done first. */
  const change = (kind: keyof typeof changes, planned: number): Promise<void> =>
    former[kind] = former[kind].then(() => {
      const body = JSON.stringify({ text: Stamp.write(changes[kind]++) })
      return kind === "updates"
        ? send({ method: "PUT", path: "/v1/meta", name: "PUT /v1/meta", body }, planned)
        : send({ method: "POST", path: "/v1/topics/load", name: "POST /v1/topics/TOPIC", body }, planned)
    })

  const steps = [
    { every: 1000 / rate, act: (at: number, planned: number) => send(reads[at % reads.length] as Call, planned) },
    // between two reads, and apart from each other
    { every: 1000 / CHANGES, act: (_: number, planned: number) => change("updates", planned) },
    { every: 1000 / CHANGES, act: (_: number, planned: number) => change("values", planned) }
  ].map((step, i) => ({ ...step, next: 0, offset: i * 0.37 * 1000 / CHANGES }))

  const began = performance.now()
  const end = seconds * 1000
  const waiting: Array<Promise<void>> = []
  let sent = 0
  let last = began
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsed = performance.now() - began
      for (const step of steps) {
        for (;;) {
          const moment = step.offset + step.next * step.every
          if (moment >= end || moment > elapsed) break
          waiting.push(step.act(step.next++, began + moment))
          sent++
          last = performance.now()
        }
      }
      if (elapsed < end) return
      clearInterval(timer)
      resolve()
    }, 1)
  })
  await Promise.all(waiting)
  agent.destroy()
  return {
    calls: [...tallies].map(([call, { bytes, failed, millis }]): Called => ({
      call,
      millis: timesOf(millis),
      bytes,
      failed
    })),
    rate: sent / Math.max(seconds, (last - began) / 1000),
    failures,
    ...changes
  }
}

process.once("message", ({ member, order, url }: { order: Order; url: string; member: string }) => {
  void run(order, url, member).then((calls) => process.send?.({ calls }))
})
// whoever started it was killed
process.on("disconnect", () => process.exit(1))
