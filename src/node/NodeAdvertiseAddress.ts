/**
 * Which address a node announces to its peers. memberlist: `NetTransport.FinalAdvertiseAddr`.
 *
 * 1. The configured advertise address.
 * 2. The bound address, unless it is a wildcard.
 * 3. For `0.0.0.0` the first private IPv4 address (RFC 6890) of an interface that is up, the interface of the default
 *    route first. A public address is never announced unasked, as in the reference.
 * 4. For `::`, which the reference would announce literally: a unique local IPv6 address, else a global one, else as
 *    for `0.0.0.0`, because that socket serves IPv4 as well.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as Os from "node:os"
import { ipBytes } from "../base/Address.ts"
import { AdvertiseAddressInvalid } from "../MemberlistError.ts"
import * as NodeUdp from "./NodeUdp.ts"

/**
 * An address of an interface, as `os.networkInterfaces()` describes it.
 *
 * @category models
 * @since 0.1.0
 */
export interface InterfaceAddress {
  readonly address: string
  readonly internal: boolean
}

/** RFC 6890's special-purpose blocks, without loopback, link-local, "this network" and reserved addresses. */
const privateBlocks = [
  "10.0.0.0/8",
  "100.64.0.0/10",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24"
].map(IpNetwork.fromStringUnsafe)

const isPrivateIpv4 = (ip: NetAddress.IpAddress): boolean =>
  NetAddress.isIpv4Address(ip) && privateBlocks.some(IpNetwork.contains(ip))

const isUniqueLocal = (ip: NetAddress.IpAddress): boolean =>
  NetAddress.isIpv6Address(ip) && NetAddress.isUniqueLocal(ip)

const isGlobalIpv6 = (ip: NetAddress.IpAddress): boolean =>
  NetAddress.isIpv6Address(ip) && NetAddress.isUnicast(ip) && !NetAddress.isIpv4Mapped(ip)
  && !NetAddress.isLinkLocal(ip) && !NetAddress.isLoopback(ip) && !NetAddress.isUnspecified(ip)

const parse = (text: string): NetAddress.IpAddress | undefined => Result.getOrUndefined(NetAddress.ipFromString(text))

/** The addresses of the interfaces that peers might reach, those of the default routes first. */
const candidates = (
  interfaces: ReadonlyArray<InterfaceAddress>,
  preferred: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const all = interfaces.filter((one) => !one.internal).map((one) => one.address)
  return [...all.filter((address) => preferred.includes(address)), ...all]
}

const firstWhere = (addresses: ReadonlyArray<string>, accept: (ip: NetAddress.IpAddress) => boolean) =>
  addresses.find((address) => {
    const ip = parse(address)
    return ip !== undefined && accept(ip)
  })

const isDefined = <A>(value: A | undefined): value is A => value !== undefined

/**
 * Finds the address bytes to announce on this host: 4 for IPv4, 16 for IPv6. Its interfaces are read only when a
 * wildcard is bound and nothing else is told.
 *
 * @category constructors
 * @since 0.1.0
 */
export const find = Effect.fnUntraced(function*(options: {
  readonly advertiseAddress: string | undefined
  readonly bindAddress: string
}): Effect.fn.Return<Uint8Array, AdvertiseAddressInvalid> {
  const { advertiseAddress, bindAddress } = options
  const wildcard = ipBytes(bindAddress)?.every((byte) => byte === 0) === true
  const derive = advertiseAddress === undefined && wildcard
  const routes: ReadonlyArray<string | undefined> = derive
    ? yield* Effect.all([NodeUdp.routeSource(4), NodeUdp.routeSource(6)])
    : []
  const interfaces = derive ? yield* Effect.sync(() => Object.values(Os.networkInterfaces())) : []
  return yield* Effect.fromResult(choose({
    advertiseAddress,
    bindAddress,
    interfaces: interfaces.filter(isDefined).flat(),
    preferred: routes.filter(isDefined)
  }))
})

/**
 * Chooses among the addresses of a host.
 *
 * `preferred` are the local addresses that the default routes use, if known.
 *
 * @category constructors
 * @since 0.1.0
 */
export const choose = (options: {
  readonly advertiseAddress: string | undefined
  readonly bindAddress: string
  readonly interfaces: ReadonlyArray<InterfaceAddress>
  readonly preferred: ReadonlyArray<string>
}): Result.Result<Uint8Array, AdvertiseAddressInvalid> => {
  if (options.advertiseAddress !== undefined) return explicit(options.advertiseAddress)
  const bound = ipBytes(options.bindAddress)
  if (bound !== undefined && bound.some((byte) => byte !== 0)) return Result.succeed(bound)
  const addresses = candidates(options.interfaces, options.preferred)
  const found = bound?.length === 4
    ? firstWhere(addresses, isPrivateIpv4)
    : firstWhere(addresses, isUniqueLocal) ?? firstWhere(addresses, isGlobalIpv6) ??
      firstWhere(addresses, isPrivateIpv4)
  const bytes = found === undefined ? undefined : ipBytes(found)
  return bytes === undefined ? Result.fail(nothingToAnnounce(options.bindAddress)) : Result.succeed(bytes)
}

const explicit = (address: string): Result.Result<Uint8Array, AdvertiseAddressInvalid> => {
  const bytes = ipBytes(address)
  return bytes !== undefined && bytes.some((byte) => byte !== 0) ? Result.succeed(bytes) : Result.fail(
    new AdvertiseAddressInvalid({
      value: address,
      expected: "an IP address that peers can reach; resolve a host name first, and never announce a wildcard"
    })
  )
}

const nothingToAnnounce = (bindAddress: string) =>
  new AdvertiseAddressInvalid({
    value: bindAddress,
    expected: "an interface with a private address to announce for this wildcard, and this host has none; "
      + "set advertiseAddress, or bind the address that peers should use (127.0.0.1 for one machine)"
  })
