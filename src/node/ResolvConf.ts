/**
 * The DNS servers that a file in the form of resolv.conf names.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fs from "node:fs/promises"
import * as Net from "node:net"
import type { PeerAddress } from "../Address.ts"

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

/** Reads the servers of a file. A file that cannot be read fails with the system's reason. */
export const read = (path: string): Effect.Effect<ReadonlyArray<PeerAddress>, Error> =>
  Effect.tryPromise({
    try: async (signal) => {
      const { size } = await Fs.stat(path)
      if (size > MAX_FILE) throw new Error(`${path} has ${size} bytes; a list of DNS servers has at most ${MAX_FILE}`)
      return servers(await Fs.readFile(path, { encoding: "utf8", signal }))
    },
    catch: (cause) => cause instanceof Error ? cause : new Error(String(cause))
  })
