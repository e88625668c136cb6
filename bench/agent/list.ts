/**
 * `npm exec -- node bench/agent/list.ts [members] [requests]`: the processor time that one request takes where the list
 * is long, that of the client in the same process included. The API serves a node whose list is made up: as many
 * members as were asked for, each with some metadata.
 */
import { Effect, Layer, Option, Stream } from "effect"
import { Memberlist, MemberlistConfig, NodeMemberlist } from "effect-memberlist"
import { Agent } from "effect-memberlist/agent"
import { request } from "node:http"
import { table } from "../../simulate/drawing/Markdown.ts"
import { Member } from "../../src/Member.ts"
import { MemberJoined } from "../../src/MemberEvent.ts"
import { Reachability } from "../../src/Reachability.ts"

const [members = 1_000, requests = 100] = process.argv.slice(2).map(Number)
const encoder = new TextEncoder()
const others = Array.from({ length: members - 1 }, (_, i) =>
  new Member({
    name: `member-${i}.example.internal`,
    addr: Uint8Array.of(10, 0, i >> 8, i & 255),
    port: 7946,
    meta: encoder.encode(JSON.stringify({ role: "worker", zone: "abc"[i % 3], version: "1.24.3" })),
    state: "alive",
    incarnation: 1 + (i % 7),
    versions: { min: 1, max: 5, current: 2, delegateMin: 0, delegateMax: 0, delegateCurrent: 0 }
  }))
const byName = new Map(others.map((member) => [member.name, member]))
const works = Option.some(new Reachability({ udpOut: "works", udpIn: "works", tcp: "unknown", listed: "unknown" }))

/** A node that believes in many more members than there are. */
const crowded = Layer.effect(
  Memberlist,
  Effect.map(Memberlist, (node) =>
    Memberlist.of({
      ...node,
      members: Effect.map(node.members, (own) => [...own, ...others]),
      member: (name) => {
        const other = byName.get(name)
        return other === undefined ? node.member(name) : Effect.succeed(Option.some(other))
      },
      reachability: (name) => byName.has(name) ? Effect.succeed(works) : node.reachability(name),
      events: Stream.concat(
        Stream.fromIterable(others.map((member) => new MemberJoined({ member, missed: 0 }))),
        node.events
      )
    }))
).pipe(
  Layer.provide(NodeMemberlist.layer({ ...MemberlistConfig.local, name: "a", bindAddress: "127.0.0.1", bindPort: 0 }))
)

/** Reads an answer, or of a stream its beginning: until nothing comes for a moment. */
const read = (url: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const sent = request(url, (response) => {
      let bytes = 0
      let quiet: NodeJS.Timeout | undefined
      const isStream = response.headers["content-type"] === "text/event-stream"
      response.on("data", (part: Buffer) => {
        bytes += part.length
        if (!isStream) return
        clearTimeout(quiet)
        quiet = setTimeout(() => {
          sent.destroy()
          resolve(bytes)
        }, 20)
      })
      response.on("end", () => resolve(bytes))
      response.on("error", () => {})
    })
    sent.on("error", reject)
    sent.end()
  })

const paths = ["/health/ready", "/v1/members", "/v1/members?state=all", "/v1/health", "/v1/agreement", "/v1/events"]

const program = Effect.gen(function*() {
  const { url } = yield* Agent
  const rows: Array<ReadonlyArray<string>> = []
  for (const path of paths) {
    for (let i = 0; i < requests / 4; i++) yield* Effect.promise(() => read(url + path))
    const before = process.threadCpuUsage()
    let bytes = 0
    for (let i = 0; i < requests; i++) bytes = yield* Effect.promise(() => read(url + path))
    const { system, user } = process.threadCpuUsage(before)
    rows.push([`\`GET ${path}\``, bytes.toLocaleString("en-US"), ((system + user) / 1000 / requests).toFixed(2)])
  }
  process.stdout.write(`${table(["request", "bytes", "processor time, ms"], rows)}\n`)
})

const agent = Agent.layerHttp({
  http: { host: "127.0.0.1", port: 0 },
  token: undefined,
  metaForm: "raw",
  seedsDns: undefined,
  snapshot: undefined
}).pipe(Layer.provide(crowded))
await Effect.runPromise(Effect.provide(program, agent))
