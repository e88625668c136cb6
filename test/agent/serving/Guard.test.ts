import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as Guard from "../../../src/agent/serving/Guard.ts"

const TOKEN = "0123456789abcdef0123"
const token = Redacted.make(TOKEN)

const local = Guard.policyOf("127.0.0.1", undefined)
const guarded = Guard.policyOf("127.0.0.1", token)
const open = Guard.policyOf("0.0.0.0", token)

const bearer = { authorization: `Bearer ${TOKEN}` }

/** The tag of a refusal, with its header. */
const refusal = (policy: Guard.Policy, text: string, headers: Readonly<Record<string, string>> = {}) => {
  const [method = "", url = ""] = text.split(" ")
  const error = Guard.objection(policy, { method, url, headers: { host: "127.0.0.1:7980", ...headers } })
  return error === undefined ? "allowed" : error._tag === "OriginRefused" ? error.header : error._tag
}

const table = (cases: ReadonlyArray<readonly [policy: Guard.Policy, text: string, headers: object, outcome: string]>) =>
  cases.map(([policy, text, headers]) => refusal(policy, text, headers as Record<string, string>))

const check = (
  cases: ReadonlyArray<readonly [policy: Guard.Policy, text: string, headers: object, outcome: string]>
) => assert.deepStrictEqual(table(cases), cases.map(([, , , outcome]) => outcome))

describe("addresses", () => {
  it("loopback is what no other machine reaches", () => {
    const yes = ["127.0.0.1", "127.9.9.9", "::1", "localhost"]
    const no = ["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example", "localhost.example", "", "fe80::1"]
    assert.deepStrictEqual([...yes, ...no].filter(Guard.isLoopback), yes)
  })
})

describe("the token", () => {
  it("is not asked for where there is none", () => {
    check([[local, "GET /v1/info", {}, "allowed"], [local, "POST /v1/leave", {}, "allowed"]])
  })

  it("is asked for by each call that changes something", () => {
    check([
      [guarded, "GET /v1/info", {}, "allowed"],
      [guarded, "POST /v1/leave", {}, "TokenRequired"],
      // who reads a topic takes part in it
      [guarded, "GET /v1/topics/t", {}, "TokenRequired"],
      [guarded, "GET //v1//topics/t?x", {}, "TokenRequired"],
      [guarded, "GET /v1/%74opics/t", {}, "TokenRequired"],
      [guarded, "GET /v1/%74opics/%ff", {}, "TokenRequired"],
      [guarded, "PUT /v1/meta", {}, "TokenRequired"],
      [guarded, "DELETE /v1/keys/ab", {}, "TokenRequired"],
      [guarded, "OPTIONS /v1/leave", {}, "TokenRequired"],
      [guarded, "POST /", {}, "TokenRequired"],
      [guarded, "POST /v1/leave", bearer, "allowed"]
    ])
  })

  it("is asked for by reads too where other machines can ask, but for what probes and browsers need", () => {
    check([
      [open, "GET /v1/info", {}, "TokenRequired"],
      [open, "GET /v1/events", {}, "TokenRequired"],
      [open, "GET /metrics", {}, "TokenRequired"],
      [open, "GET /health/live", {}, "allowed"],
      [open, "GET /health/ready?x=1", {}, "allowed"],
      [open, "GET /", {}, "allowed"],
      [open, "HEAD /v1/info", {}, "TokenRequired"],
      [open, "GET //v1/info", {}, "TokenRequired"],
      [open, "GET /health/../v1/info", {}, "TokenRequired"],
      [open, "GET /v1/info", bearer, "allowed"]
    ])
  })

  it("is another where one character, its length or its scheme is", () => {
    check([
      [open, "GET /v1/info", { authorization: `Bearer ${TOKEN}x` }, "TokenRequired"],
      [open, "GET /v1/info", { authorization: `Bearer ${TOKEN.slice(1)}` }, "TokenRequired"],
      [open, "GET /v1/info", { authorization: `Basic ${TOKEN}` }, "TokenRequired"],
      [open, "GET /v1/info", { authorization: TOKEN }, "TokenRequired"],
      [open, "GET /v1/info", { authorization: "Bearer " }, "TokenRequired"],
      [open, "GET /v1/info", { authorization: `bearer  ${TOKEN}` }, "allowed"]
    ])
  })
})

it("probes are those for one word, and nothing that is only called so", () => {
  const probes = ["GET /health/live", "HEAD /health/ready?x", "POST /health/live", "GET /v1/health", "GET /healthy"]
  assert.deepStrictEqual(
    probes.filter((text) => {
      const [method = "", url = ""] = text.split(" ")
      return Guard.isProbe({ method, url })
    }),
    probes.slice(0, 2)
  )
})

describe("browsers", () => {
  it("a name that somebody points at this machine is refused", () => {
    check([
      [local, "GET /v1/info", { host: "evil.example" }, "Host"],
      [local, "GET /v1/info", { host: "evil.example:7980" }, "Host"],
      [local, "GET /v1/info", { host: "127.0.0.1.evil.example" }, "Host"],
      [local, "GET /v1/info", { host: "" }, "Host"],
      [local, "GET /health/live", { host: "evil.example" }, "Host"],
      [local, "GET /v1/info", { host: "localhost:9" }, "allowed"],
      [local, "GET /v1/info", { host: "LOCALHOST" }, "allowed"],
      [local, "GET /v1/info", { host: "[::1]:7980" }, "allowed"],
      // whoever has the token is no page of somebody else
      [guarded, "GET /v1/info", { host: "evil.example", ...bearer }, "allowed"],
      // behind a name of its own it needs the token anyway
      [open, "GET /health/live", { host: "agent-0.agents.svc" }, "allowed"]
    ])
  })

  it("a page of another site can neither change nor read anything", () => {
    const elsewhere = { origin: "http://evil.example", "sec-fetch-site": "cross-site" }
    check([
      [local, "POST /v1/leave", elsewhere, "Origin"],
      [local, "POST /v1/leave", { origin: "null" }, "Origin"],
      [local, "GET /v1/info", elsewhere, "Origin"],
      [local, "GET /v1/topics/t", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }, "Sec-Fetch-Site"],
      [local, "GET /v1/topics/t", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }, "Sec-Fetch-Site"],
      [local, "POST /v1/leave", { "sec-fetch-site": "same-site" }, "Sec-Fetch-Site"],
      // another port of this machine is another site
      [local, "POST /v1/leave", { origin: "http://127.0.0.1:3000" }, "Origin"],
      [local, "GET /", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }, "allowed"],
      [local, "POST /v1/leave", { origin: "http://127.0.0.1:7980", "sec-fetch-site": "same-origin" }, "allowed"]
    ])
  })

  it("what a form of another site can send is not read", () => {
    check([
      [local, "POST /v1/leave", { "content-type": "text/plain" }, "ContentTypeRefused"],
      [local, "POST /v1/join", { "content-type": "application/x-www-form-urlencoded" }, "ContentTypeRefused"],
      [local, "POST /v1/join", { "content-type": "application/jsonp" }, "ContentTypeRefused"],
      [open, "POST /v1/join", { "content-type": "text/plain", ...bearer }, "ContentTypeRefused"],
      [local, "POST /v1/join", { "content-type": "application/json; charset=utf-8" }, "allowed"],
      [local, "POST /v1/leave", {}, "allowed"]
    ])
  })
})
