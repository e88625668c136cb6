/**
 * Whether an address can be reached from outside of private networks.
 *
 * @since 0.1.0
 */
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as Address from "../../base/Address.ts"

/** The special-purpose registries of RFC 6890 and its successors. */
const special = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "240.0.0.0/4",
  "::/127",
  "100::/64",
  "2001:db8::/32",
  "fc00::/7",
  "fe80::/10"
].map(IpNetwork.fromStringUnsafe)

/** Whether the address bytes are of a public address: in no special-purpose network. */
export const isPublic = (addr: Uint8Array): boolean => {
  const ip = Result.getOrUndefined(NetAddress.ipFromString(Address.ipText(addr) ?? ""))
  return ip !== undefined && !special.some(IpNetwork.contains(ip))
}
