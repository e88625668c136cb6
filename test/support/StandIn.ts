/**
 * The status page over a real socket, and behind it an agent that says what it is told to: for what clusters do rarely.
 */
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import type * as Conclusion from "../../src/agent/agreement/Conclusion.ts"
import * as Model from "../../src/agent/Model.ts"
import { html, policy } from "../../src/agent/page/Page.ts"
import * as FakeAgent from "./FakeAgent.ts"

export interface StandIn {
  readonly url: string
  /** What it says of members from now on, to those who ask. */
  readonly members: Map<string, Model.MemberView>
  /** Lets members fail, all at the same moment, and tells it. */
  readonly fail: (names: ReadonlyArray<string>) => void
  /** Answers nothing more, as a process that is stopped; what it returns lets it go on, and answer what came. */
  readonly stop: () => () => void
  readonly close: () => void
}

const agreement: Conclusion.Agreement = {
  digest: "0".repeat(16),
  members: 1,
  unchangedFor: 0,
  same: 1,
  other: 0,
  silent: 0,
  unknown: 0,
  differences: [],
  silentNames: [],
  unknownNames: []
}

/**
 * Its clock is so many milliseconds ahead of this machine's. Members that are dead failed when their state says, and it
 * has verdicts of that.
 */
export const start = async (members: ReadonlyArray<Model.MemberView>, ahead = 0): Promise<StandIn> => {
  const now = () => Date.now() + ahead
  const events = new Set<ServerResponse>()
  let sent = 0
  const verdictOf = (member: string, at: DateTime.Utc): Model.VerdictView => ({
    member,
    node: "self",
    outcome: "failed",
    reason: "Expired",
    from: "self",
    at,
    incarnation: 1,
    health: 0,
    suspicion: { accuser: "self", confirmations: [], hoped: 3, due: 4_000, lasted: 3_300 },
    text: `${member} failed`
  })
  const answers: Readonly<Record<string, () => unknown>> = {
    "/v1/info": () => FakeAgent.about({ ...FakeAgent.info, name: "self", startedAt: DateTime.makeUnsafe(now()) }).body,
    "/v1/members": () => FakeAgent.members([...standIn.members.values()]).body,
    "/v1/verdicts": () =>
      FakeAgent.verdicts(
        members.flatMap(({ name, since, state }) =>
          state === "dead" && since !== undefined ? [verdictOf(name, since)] : []
        )
      ).body,
    "/v1/health": () => FakeAgent.condition(FakeAgent.health).body,
    "/v1/agreement": () => agreement
  }
  let waiting: Array<() => void> | undefined
  const server = createServer((request, response) => {
    if (waiting === undefined) answer(request.url ?? "", response)
    else waiting.push(() => answer(request.url ?? "", response))
  })
  const answer = (url: string, response: ServerResponse) => {
    const path = url.replace(/\?.*/, "")
    response.setHeader("date", new Date(now()).toUTCString())
    if (path === "/") {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": policy })
      return response.end(html)
    }
    const known = answers[path]
    if (known !== undefined) {
      response.writeHead(200, { "content-type": "application/json" })
      return response.end(JSON.stringify(known()))
    }
    response.writeHead(200, { "content-type": "text/event-stream" }).write(":\n\n")
    if (path !== "/v1/events") return
    events.add(response)
    response.on("close", () => events.delete(response))
  }
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  const standIn: StandIn = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    members: new Map(members.map((member) => [member.name, member])),
    fail: (names) => {
      const at = DateTime.makeUnsafe(now())
      for (const name of names) {
        const member: Model.MemberView = { ...FakeAgent.member(name), state: "dead", since: at }
        standIn.members.set(name, member)
        const { data, event, id } = Schema.encodeSync(Model.EventView)({
          id: String(++sent),
          event: "MemberFailed",
          data: { member, from: "self", accusers: [], verdict: verdictOf(name, at), at, missed: 0 }
        })
        for (const response of events) response.write(`id: ${id}\nevent: ${event}\ndata: ${data}\n\n`)
      }
    },
    stop: () => {
      const stopped: Array<() => void> = []
      waiting = stopped
      return () => {
        waiting = undefined
        for (const go of stopped) go()
      }
    },
    close: () => {
      server.closeAllConnections()
      server.close()
    }
  }
  return standIn
}
