/**
 * A DNS server on the loopback for tests: everything over TCP, and over UDP no more than three addresses, without
 * saying that there are more, as servers of service discovery do.
 */
import * as DnsPacket from "dns-packet"
import * as Effect from "effect/Effect"
import * as Dgram from "node:dgram"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import * as Path from "node:path"

const MOST_OVER_UDP = 3

export interface DnsServer {
  /** A file in the form of resolv.conf that names this server. */
  readonly path: string
  readonly port: number
  /** The questions so far, as `tcp A name`. */
  readonly asked: ReadonlyArray<string>
}

/** What the server does with a question over TCP: bytes to send, or nothing and the end. */
export type OnTcp = (question: DnsPacket.DecodedPacket, socket: Net.Socket) => void

type Records = Readonly<Record<string, ReadonlyArray<DnsPacket.Answer>>>

/** `count` addresses of a name, in 10.1.0.0/16. */
export const manyA = (name: string, count: number): ReadonlyArray<DnsPacket.StringAnswer> =>
  Array.from({ length: count }, (_, i) => ({ type: "A", name, ttl: 1, data: `10.1.${i >> 8}.${i & 255}` }))

const answerTo = (query: DnsPacket.DecodedPacket, records: Records, limit: number): DnsPacket.Packet => {
  const [question] = query.questions ?? []
  const all = records[question?.name ?? ""] ?? []
  const matching = all.filter(({ type }) => type === question?.type || type === "CNAME")
  return {
    type: "response",
    id: query.id ?? 0,
    flags: DnsPacket.RECURSION_AVAILABLE | (all.length === 0 ? 3 : 0),
    questions: query.questions ?? [],
    answers: matching.slice(0, limit)
  }
}

/** A packet; `undefined` when it is none. */
const decode = (bytes: Buffer): DnsPacket.DecodedPacket | undefined => {
  try {
    return DnsPacket.decode(bytes)
  } catch {
    return undefined
  }
}

/** Complete questions at the front of what arrived; `rest` is what is left. */
const split = (bytes: Buffer): { readonly queries: ReadonlyArray<DnsPacket.DecodedPacket>; readonly rest: Buffer } => {
  const queries: Array<DnsPacket.DecodedPacket> = []
  let rest = bytes
  while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
    const end = 2 + rest.readUInt16BE(0)
    const query = decode(rest.subarray(2, end))
    if (query !== undefined) queries.push(query)
    rest = rest.subarray(end)
  }
  return { queries, rest }
}

const start = (records: Records, onTcp: OnTcp | undefined, address: string) =>
  new Promise<DnsServer & { readonly close: () => void }>((resolve) => {
    const asked: Array<string> = []
    const note = (protocol: string, query: DnsPacket.DecodedPacket) =>
      query.questions?.forEach(({ name, type }) => asked.push(`${protocol} ${type} ${name}`))
    const sockets = new Set<Net.Socket>()
    const tcp = Net.createServer((socket) => {
      sockets.add(socket)
      let buffered = Buffer.alloc(0)
      socket.on("error", () => socket.destroy())
      socket.on("data", (chunk) => {
        const { queries, rest } = split(Buffer.concat([buffered, chunk]))
        buffered = Buffer.from(rest)
        for (const query of queries) {
          note("tcp", query)
          if (onTcp === undefined) socket.write(DnsPacket.streamEncode(answerTo(query, records, Infinity)))
          else onTcp(query, socket)
        }
      })
    })
    const udp = Dgram.createSocket(address.includes(":") ? "udp6" : "udp4")
    udp.on("message", (bytes, from) => {
      const query = decode(bytes)
      if (query === undefined) return
      note("udp", query)
      udp.send(DnsPacket.encode(answerTo(query, records, MOST_OVER_UDP)), from.port, from.address)
    })
    tcp.listen(0, address, () => {
      const bound = tcp.address()
      const port = typeof bound === "object" && bound !== null ? bound.port : 0
      udp.bind(port, address, () => {
        const folder = mkdtempSync(Path.join(tmpdir(), "dns-"))
        const path = Path.join(folder, "resolv.conf")
        writeFileSync(path, `# for a test\nsearch test\nnameserver [${address}]:${port}\n`)
        resolve({
          path,
          port,
          asked,
          close: () => {
            for (const socket of sockets) socket.destroy()
            tcp.close()
            udp.close()
            rmSync(folder, { recursive: true })
          }
        })
      })
    })
  })

/** Runs until the test ends. */
export const dnsServer = (records: Records, onTcp?: OnTcp, address = "127.0.0.1") =>
  Effect.acquireRelease(
    Effect.promise(() => start(records, onTcp, address)),
    ({ close }) => Effect.sync(close)
  )
