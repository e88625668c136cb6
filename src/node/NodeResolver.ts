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
import type * as DnsMessage from "./DnsMessage.ts"
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

/** The first DNS server of the file, if it is to be asked. */
const serverOf = Effect.fnUntraced(function*(dnsConfigPath: string) {
  if (dnsConfigPath === "") return undefined
  const [server] = yield* ResolvConf.read(dnsConfigPath)
  return server
})

/**
 * What the first DNS server of the file says. Names without a dot are the operating system's to complete. A server that
 * fails or knows nothing is no failure: a name may stand in the hosts file, or be meant with a search domain.
 */
const overTcp = Effect.fnUntraced(
  function*({ dnsConfigPath, open }: Options, host: string) {
    const server = host.includes(".") ? yield* serverOf(dnsConfigPath) : undefined
    return server === undefined ? [] : yield* TcpDns.lookup(open, server, host)
  },
  (effect, { notify = Reporting.silent }, host) =>
    Effect.catch(effect, (error) =>
      Effect.sync(() => {
        notify({ _tag: "LookupFailed", host, detail: error.message })
        return []
      }))
)

/** What the operating system says of a host, in time, and not nothing. */
const bounded = <A>(
  host: string,
  timeout: Duration.Duration,
  system: (host: string) => Promise<ReadonlyArray<A>>,
  nothing: string
) => {
  const failed = (cause: unknown) => new SeedUnresolvable({ host, cause })
  return Effect.tryPromise({ try: () => system(host), catch: failed }).pipe(
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => Effect.fail(failed(new Error(`no answer within ${Duration.format(timeout)}`)))
    }),
    Effect.filterOrFail((found) => found.length > 0, () => failed(new Error(nothing)))
  )
}

const fromSystem = ({ system = systemLookup, timeout }: Options, host: string) =>
  bounded(host, timeout, system, "the name has no address")

const systemServices = (name: string): Promise<ReadonlyArray<DnsMessage.Service>> => Dns.resolveSrv(name)

/**
 * All hosts of a service: from the first DNS server of the file over TCP, else from the operating system's.
 *
 * @category constructors
 * @since 0.1.0
 */
export const services = (
  { dnsConfigPath, open, timeout }: Pick<Options, "dnsConfigPath" | "open" | "timeout">,
  name: string,
  system: (name: string) => Promise<ReadonlyArray<DnsMessage.Service>> = systemServices
): Effect.Effect<ReadonlyArray<DnsMessage.Service>, SeedUnresolvable> =>
  Effect.flatMap(
    serverOf(dnsConfigPath),
    (server) => server === undefined ? Effect.succeed([]) : TcpDns.services(open, server, name)
  ).pipe(
    Effect.orElseSucceed((): ReadonlyArray<DnsMessage.Service> => []),
    Effect.flatMap((found) =>
      found.length > 0 ? Effect.succeed(found) : bounded(name, timeout, system, "the name has no services")
    )
  )

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
