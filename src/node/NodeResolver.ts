/**
 * The addresses of a seed's host: literals as they are, names with a dot first from the DNS server over TCP, everything
 * else, and whatever that server does not tell, from the operating system. memberlist: `resolveAddr`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Dns from "node:dns/promises"
import { ipBytes, ipText } from "../base/Address.ts"
import { SeedUnresolvable } from "../MemberlistError.ts"
import type { Transport } from "../Transport.ts"
import type * as NodeTcp from "./NodeTcp.ts"
import * as Reporting from "./Reporting.ts"
import * as ResolvConf from "./ResolvConf.ts"
import * as TcpDns from "./TcpDns.ts"

/**
 * What a resolver needs.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How connections to the DNS server are opened. */
  readonly open: NodeTcp.Tcp["open"]
  /** The file that names the DNS server; empty for the operating system alone. */
  readonly dnsConfigPath: string
  /** How long the operating system may take. */
  readonly timeout: Duration.Duration
  /** Who is told of what this does by itself. */
  readonly notify?: Reporting.Notify | undefined
  /** The operating system's answer, in its own order. */
  readonly system?: (host: string) => Promise<ReadonlyArray<string>>
}

const systemLookup = async (host: string): Promise<ReadonlyArray<string>> =>
  (await Dns.lookup(host, { all: true, order: "verbatim" })).map(({ address }) => address)

/**
 * What the first DNS server of the file says. Names without a dot are the operating system's to complete. A server that
 * fails or knows nothing is no failure: a name may stand in the hosts file, or be meant with a search domain.
 */
const overTcp = Effect.fnUntraced(
  function*({ dnsConfigPath, open }: Options, host: string) {
    if (dnsConfigPath === "" || !host.includes(".")) return []
    const [server] = yield* ResolvConf.read(dnsConfigPath)
    return server === undefined ? [] : yield* TcpDns.lookup(open, server, host)
  },
  (effect, { notify = Reporting.silent }, host) =>
    Effect.catch(effect, (error) =>
      Effect.sync(() => {
        notify({ _tag: "LookupFailed", host, detail: error.message })
        return []
      }))
)

const fromSystem = ({ system = systemLookup, timeout }: Options, host: string) => {
  const failed = (cause: unknown) => new SeedUnresolvable({ host, cause })
  return Effect.tryPromise({ try: () => system(host), catch: failed }).pipe(
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => Effect.fail(failed(new Error(`no answer within ${Duration.format(timeout)}`)))
    }),
    Effect.filterOrFail((found) => found.length > 0, () => failed(new Error("the name has no address")))
  )
}

const canonical = (address: string): string => ipText(ipBytes(address) ?? new Uint8Array()) ?? address

/**
 * Makes the `resolve` of a transport: all addresses of a host, each once.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Transport["Service"]["resolve"] => (host) => {
  const literal = ipText(ipBytes(host) ?? new Uint8Array())
  if (literal !== undefined) return Effect.succeed([literal])
  return overTcp(options, host).pipe(
    Effect.flatMap((found) => found.length > 0 ? Effect.succeed(found) : fromSystem(options, host)),
    Effect.map((found) => [...new Set(found.map(canonical))])
  )
}
