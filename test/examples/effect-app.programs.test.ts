/** The example `effect-app`, a file of its own because it takes some seconds of waiting. */
import { assert, describe, it, onTestFinished, vi } from "@effect/vitest"
import { createServer } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import { Program } from "../support/Program.ts"

interface Span {
  readonly instance: string
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
}

/** Of a visit that was counted, or not. */
interface Answer {
  readonly countedBy?: string
  readonly visits?: number
  readonly error?: string
  readonly owner?: string
}

/** What a collector for traces is sent, over HTTP as JSON. */
const collect = async () => {
  const spans: Array<Span> = []
  const server = createServer((request, response) => {
    let text = ""
    request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk)).on("end", () => {
      for (const { resource, scopeSpans } of JSON.parse(text).resourceSpans) {
        const { value } = resource.attributes.find(({ key }: { key: string }) => key === "service.instance.id")
        for (const scope of scopeSpans) {
          for (const span of scope.spans) spans.push({ ...span, instance: value.stringValue })
        }
      }
      response.end("{}")
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  return { spans, endpoint: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}` }
}

/** One member, and its HTTP. */
const start = async (name: string, seed: string, endpoint: string) => {
  const program = new Program("effect-app/main.ts", {
    env: {
      MEMBERLIST_PRESET: "local",
      MEMBERLIST_NAME: name,
      MEMBERLIST_BIND_ADDRESS: "127.0.0.1",
      MEMBERLIST_BIND_PORT: "0",
      MEMBERLIST_RETRANSMIT_MULT: "4",
      MEMBERLIST_PROBE_INTERVAL: "500 millis",
      MEMBERLIST_SEEDS: seed,
      HTTP_PORT: "0",
      DRAIN_TIME: "1500 millis",
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint
    }
  })
  onTestFinished(program.kill)
  const [, url = ""] = await program.prints(/Listening on (\S+)/)
  const get = async (path: string) => {
    const response = await fetch(`${url}${path}`)
    return { status: response.status, text: await response.text() }
  }
  return {
    name,
    program,
    get,
    visit: async (page: string) => {
      const response = await fetch(`${url}/visits/${encodeURIComponent(page)}`, { method: "POST" })
      const answer: Answer = JSON.parse(await response.text())
      return { status: response.status, ...answer }
    },
    isReady: async () => (await get("/health/ready")).status === 200,
    members: async (): Promise<ReadonlyArray<{ readonly name: string; readonly address: string }>> =>
      JSON.parse((await get("/members")).text)
  }
}

const soon = { timeout: 20_000, interval: 100 }

describe("effect-app", () => {
  it("is ready when it has joined, passes requests to their owners, and stops without losing one", async () => {
    const { endpoint, spans } = await collect()
    // nobody is there
    const a = await start("a", "127.0.0.1:1", endpoint)
    const alone = await a.get("/health/ready")
    assert.strictEqual(alone.status, 503)
    assert.include(alone.text, "\"_tag\":\"Trying\"")
    assert.deepStrictEqual(await a.get("/health/live"), { status: 200, text: "live\n" })

    const [own] = await a.members()
    const [b, c] = await Promise.all(["b", "c"].map((name) => start(name, own?.address ?? "", endpoint)))
    assert.isDefined(b)
    assert.isDefined(c)
    for (const node of [a, b, c]) await vi.waitUntil(node.isReady, soon)

    // each page has one counter, whoever is asked
    const pages = Array.from({ length: 12 }, (_, i) => `page ${i}/é`)
    const owners = async ({ visit }: typeof a) =>
      new Set((await Promise.all(pages.map(visit))).map(({ countedBy }) => countedBy)).size
    for (const node of [a, b, c]) await vi.waitUntil(async () => await owners(node) === 3, soon)
    const [first = ""] = pages
    const answers = [await a.visit(first), await b.visit(first), await c.visit(first)]
    const visits = answers[0]?.visits ?? 0
    const countedBy = answers[0]?.countedBy ?? ""
    assert.deepStrictEqual(answers.map((answer) => [answer.countedBy, answer.visits]), [
      [countedBy, visits],
      [countedBy, visits + 1],
      [countedBy, visits + 2]
    ])

    const { text } = await a.get("/metrics")
    assert.match(text, /^visits_passedOn [1-9]\d*$/m)
    assert.match(text, /^memberlist_node_instances\{node_state="alive"\} \d+$/m)
    for (const line of text.trimEnd().split("\n")) {
      assert.match(line, /^(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{(?:\w+="[^"]*",?)+\})? \S+)$/)
    }

    // a killed one is silent until it is declared failed; then others have its pages
    await c.program.signal("SIGKILL")
    const silent = await Promise.all(pages.map(a.visit))
    assert.isTrue(
      silent.some(({ error, owner, status }) => status === 503 && error === "OwnerSilent" && owner === "c")
    )
    for (const node of [a, b]) {
      await vi.waitUntil(
        async () => (await Promise.all(pages.map(node.visit))).every(({ status }) => status === 200),
        soon
      )
    }

    // one that is asked to stop says so, and serves on until nobody asks any more: a balancer loses no request
    const stopped = b.program.signal("SIGTERM")
    const asked = new Map([[a, 0], [b, 0]])
    for (let isOver = false; !isOver; isOver = await Promise.race([stopped.then(() => true), sleep(50, false)])) {
      const node = await b.isReady().catch(() => false) ? b : a
      asked.set(node, (asked.get(node) ?? 0) + 1)
      for (const { status } of await Promise.all(pages.map(node.visit))) assert.strictEqual(status, 200)
    }
    assert.isAbove(asked.get(a) ?? 0, 1)
    assert.strictEqual(await owners(a), 1)
    assert.strictEqual(await stopped, 0, b.program.printed)
    assert.match(b.program.printed, /not ready any more[^]*left the cluster \{ outcome: 'Sent'/)
    assert.deepStrictEqual((await a.members()).map(({ name }) => name), ["a"])

    assert.strictEqual(await a.program.signal("SIGTERM"), 0, a.program.printed)
    // a visit that was passed on is one trace over two processes
    const counts = spans.filter(({ instance, name }) => instance === "b" && name === "Visits.count")
    const joined = counts.flatMap(({ parentSpanId, traceId }) => {
      const server = spans.find(({ instance, spanId }) => instance === "b" && spanId === parentSpanId)
      const client = spans.find(({ instance, spanId }) => instance === "a" && spanId === server?.parentSpanId)
      const visit = spans.find(({ instance, spanId }) => instance === "a" && spanId === client?.parentSpanId)
      return visit?.name === "Visits.visit" && visit.traceId === traceId ? [traceId] : []
    })
    assert.isNotEmpty(joined)
    assert.isEmpty(spans.filter((span) => JSON.stringify(span).includes("/health/")))
  })
})
