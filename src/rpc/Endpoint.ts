/**
 * Where a member serves calls: what it announces, and whether that may be called.
 *
 * Only IP literals. A host name would be looked up by each caller again, and what `cidrsAllowed` admits could be
 * another address than the one that is called then.
 *
 * @since 0.1.0
 */
import * as SchemaBinary from "effect/encoding/SchemaBinary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Address from "../base/Address.ts"
import { json } from "../base/PlainText.ts"
import type { Member } from "../Member.ts"
import { ConfigInvalid } from "../MemberlistError.ts"
import { EndpointInvalid, EndpointRefused } from "./CallError.ts"

/** An IP address and a port that calls go to. */
export interface Endpoint {
  readonly ip: string
  readonly port: number
}

/** What is announced: a port, and an IP address where it is not the member's own. */
export const Announced = Schema.Struct({
  port: Schema.Port.pipe(SchemaBinary.fieldId(1)),
  host: Schema.optionalKey(Schema.String).pipe(SchemaBinary.fieldId(2))
})
/** @since 0.1.0 */
export type Announced = typeof Announced.Type

const HOST = "an IP address of one machine, and no host name: 10.0.0.7, fd00::7"

/** Returns what this node announces; refused where nobody could call it. */
export const announced = (
  port: number,
  host: string | undefined
): Result.Result<Announced, ConfigInvalid> => {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    return Result.fail(
      new ConfigInvalid({ field: "MemberRpc serve port", value: json(port), expected: "a port from 1 to 65535" })
    )
  }
  if (host === undefined) return Result.succeed({ port })
  const ip = canonical(host)
  return ip === undefined
    ? Result.fail(new ConfigInvalid({ field: "MemberRpc serve host", value: json(host), expected: HOST }))
    : Result.succeed({ port, host: ip })
}

const canonical = (host: string): string | undefined => {
  const bytes = Address.ipBytes(host)
  const ip = bytes === undefined ? undefined : Address.ipText(bytes)
  return ip === undefined || Address.isUnspecified(ip) || isMulticast(ip) ? undefined : ip
}

const isMulticast = (ip: string): boolean => {
  const [first = 0] = Address.ipBytes(ip) ?? []
  return ip.includes(":") ? first === 0xff : first >= 224
}

/** Returns the endpoint as it is shown, and told apart from others. */
export const text = Address.format

/** What a node knows of where it may call. */
export interface Bounds {
  /** The IP address that this node is known by. */
  readonly own: string
  /** The cluster's: what `cidrsAllowed` admits. */
  readonly admits: (ip: string) => boolean
}

/**
 * Returns where a member is called. An address of the machine for itself is taken only where the member and this node
 * are known by such ones: another could make us call programs of our own. What a member says of itself is no better
 * than what it announces.
 */
export const resolve = (
  calls: string,
  member: Member,
  { host, port }: Announced,
  { admits, own }: Bounds
): Result.Result<Endpoint, EndpointInvalid | EndpointRefused> => {
  const value = Address.format({ ip: host ?? member.ip, port })
  const invalid = (expected: string) =>
    Result.fail(new EndpointInvalid({ member: member.name, calls, value, expected }))
  if (port === 0) return invalid("a port from 1 to 65535")
  const ip = canonical(host ?? member.ip)
  if (ip === undefined) return invalid(HOST)
  if (Address.isLoopback(ip) && !(Address.isLoopback(member.ip) && Address.isLoopback(own))) {
    return invalid(`an address that others reach: the member itself is at ${member.ip}, and this node at ${own}`)
  }
  const endpoint = { ip, port }
  return admits(ip)
    ? Result.succeed(endpoint)
    : Result.fail(new EndpointRefused({ member: member.name, calls, address: text(endpoint) }))
}
