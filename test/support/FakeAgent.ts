/** An agent that is a function: what it answers to each request, and what it was asked. */
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import * as Model from "../../src/agent/Model.ts"

/** What came: `METHOD /path?query`, the body, and the header with the token. */
export interface Request {
  readonly line: string
  readonly body: unknown
  readonly authorization: string | undefined
}

export interface Answer {
  readonly status?: number
  readonly body?: unknown
  /** Server-Sent Events. */
  readonly events?: ReadonlyArray<{ readonly id: string; readonly event: string; readonly data: string }>
}

/** Where nothing listens. */
export const nobody = "nobody"

/**
 * Answers by `METHOD /path`; with a port (`PORT METHOD /path`) for one of several agents. Of several answers each is
 * given once, and the last one from then on.
 */
export const agent = (
  answers: Readonly<Record<string, Answer | ReadonlyArray<Answer | typeof nobody>>>
) => {
  const requests: Array<Request> = []
  const given = new Map<string, number>()
  const next = (line: string): Answer | typeof nobody | undefined => {
    const all = answers[line]
    if (!Array.isArray(all)) return all as Answer | undefined
    const at = given.get(line) ?? 0
    given.set(line, at + 1)
    return all[Math.min(at, all.length - 1)]
  }
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const url = new URL(String(input))
    const headers = new Headers(init?.headers)
    const body = init?.body instanceof Uint8Array ? new TextDecoder().decode(init.body) : init?.body
    requests.push({
      line: `${init?.method} ${url.pathname}${url.search}`,
      body: typeof body === "string" && body !== "" ? JSON.parse(body) : undefined,
      authorization: headers.get("authorization") ?? undefined
    })
    const line = `${init?.method} ${url.pathname}`
    const answer = next(`${url.host} ${line}`) ?? next(line)
    if (answer === undefined || answer === nobody) {
      throw Object.assign(new TypeError("fetch failed"), { cause: { code: "ECONNREFUSED" } })
    }
    const { body: value, events, status = value === undefined && events === undefined ? 204 : 200 } = answer
    if (events !== undefined) {
      const text = events.map(({ data, event, id }) => `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`).join("")
      return new Response(text, { status, headers: { "content-type": "text/event-stream" } })
    }
    return new Response(value === undefined ? null : JSON.stringify(value), {
      status,
      headers: { "content-type": "application/json", date: new Date(0).toUTCString() }
    })
  }
  return { fetch, requests }
}

const json = <S extends Schema.Codec<unknown, unknown>>(schema: S) => (value: S["Type"]): Answer => ({
  body: Schema.encodeSync(Schema.toCodecJson(schema))(value)
})

const at = DateTime.makeUnsafe("2026-01-02T03:04:05.678Z")

export const content = (text: string): Model.Content => ({
  size: text.length,
  base64: Buffer.from(text).toString("base64"),
  text
})

export const member = (name: string, fields: Partial<Model.MemberView> = {}): Model.MemberView => ({
  name,
  address: `10.0.0.${name.length}:7946`,
  state: "alive",
  incarnation: 1,
  meta: content(""),
  versions: { min: 1, max: 5, current: 2, delegateMin: 0, delegateMax: 0, delegateCurrent: 0 },
  self: false,
  since: at,
  ...fields
})

export const info: typeof Model.Info.Type = {
  version: "0.1.0",
  name: "web-1",
  bound: "0.0.0.0:7946",
  advertised: "10.0.0.5:7946",
  http: "http://127.0.0.1:7980",
  token: "none",
  label: "",
  encrypted: false,
  seeds: "none",
  snapshot: "",
  preset: "lan",
  protocolProfile: "memberlist",
  members: 2,
  startedAt: at
}

export const health: typeof Model.HealthView.Type = {
  score: 0,
  readiness: { state: "Joined", ready: true },
  members: { alive: 2, suspect: 0, dead: 0, left: 0 },
  lost: 0,
  counters: {},
  http: {}
}

/** What a check of a member that is well finds. */
export const checked = (
  name: string,
  fields: Partial<Model.CheckView["members"][number]> = {}
): Model.CheckView["members"][number] => ({
  name,
  address: `10.0.0.${name.length}:7946`,
  state: "alive",
  ping: 0.5,
  stream: 1.25,
  udpOut: "works",
  udpIn: "works",
  tcpOut: "works",
  tcpIn: "works",
  fullOut: "works",
  fullIn: "works",
  size: 1398,
  answers: "yes",
  agent: { clock: { ahead: 0.5, within: 1 }, label: "", keys: [] },
  ...fields
})

export const check = (
  members: ReadonlyArray<Model.CheckView["members"][number]>,
  fields: Partial<Model.CheckView> = {}
): Answer => json(Model.CheckView)({ others: members.length, late: 0.4, label: "", keys: [], members, ...fields })

export const members = json(Schema.Array(Model.MemberView))
export const oneMember = json(Model.MemberView)
export const about = json(Model.Info)
export const condition = json(Model.HealthView)
export const verdicts = json(Schema.Array(Model.VerdictView))
export const keys = json(Schema.Array(Model.KeyView))
export const key = json(Model.KeyChange)
export const removed = json(Model.Persistence)
export const news = json(Model.NewsView)
export const joined = json(Model.JoinView)
export const event = Schema.encodeSync(Model.EventView)
export { at }
