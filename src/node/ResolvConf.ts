/**
 * The DNS servers that a file in the form of resolv.conf names.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { toStringUnknown } from "effect/Inspectable"
import * as Fs from "node:fs/promises"
import * as Net from "node:net"
import type { PeerAddress } from "../base/Address.ts"

const DNS_PORT = 53

/** A larger file is not one of these. */
const MAX_FILE = 65_536

/** `ip`, `ip:port` or `[ip]:port`, the IPv6 ones with a zone or without; `undefined` for anything else. */
const server = (text: string): PeerAddress | undefined => {
  const [, ip = text, port = String(DNS_PORT)] = /^\[(.+)\](?::(\d{1,5}))?$/.exec(text)
    ?? /^([^:]+):(\d{1,5})$/.exec(text)
    ?? []
  const number = Number(port)
  return Net.isIP(ip) === 0 || number < 1 || number > 65_535 ? undefined : { ip, port: number }
}

/** The servers in order. What is not understood is skipped, as every reader of these files does. */
export const servers = (text: string): ReadonlyArray<PeerAddress> =>
  text.split("\n").flatMap((line) => {
    const [keyword, address] = line.replace(/[#;].*/, "").trim().split(/\s+/)
    return keyword === "nameserver" && address !== undefined ? server(address) ?? [] : []
  })

/** The file cannot be read, or is not a list of servers. */
export class DnsConfigUnreadable extends Data.TaggedError("DnsConfigUnreadable")<{
  readonly path: string
  readonly cause: unknown
}> {
  override get message() {
    return `${this.path} cannot be read as a list of DNS servers: ${toStringUnknown(this.cause)}`
  }
}

/** Reads the servers of a file. */
export const read = (path: string): Effect.Effect<ReadonlyArray<PeerAddress>, DnsConfigUnreadable> =>
  Effect.tryPromise({
    try: async (signal) => {
      const { size } = await Fs.stat(path)
      // Not an exception, which is what the system's own failures are.
      if (size > MAX_FILE) return `it has ${size} bytes, and such a file at most ${MAX_FILE}`
      return servers(await Fs.readFile(path, { encoding: "utf8", signal }))
    },
    catch: (cause) => new DnsConfigUnreadable({ path, cause: cause instanceof Error ? cause.message : cause })
  }).pipe(
    Effect.flatMap((result) =>
      typeof result === "string"
        ? Effect.fail(new DnsConfigUnreadable({ path, cause: result }))
        : Effect.succeed(result)
    )
  )
