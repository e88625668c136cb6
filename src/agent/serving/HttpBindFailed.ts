/**
 * The HTTP API cannot listen.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Address from "../../base/Address.ts"
import { sentence, withoutTrace } from "../../base/PlainText.ts"

const known: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use; stop the other program, choose another port, or use 0 for a free one",
  EADDRNOTAVAIL: "this host has no such address; expected one that it has, 127.0.0.1 for this machine alone",
  EACCES: "permission denied; ports below 1024 need privileges",
  ENOTFOUND: "there is no host of this name; expected an IP address"
}

/**
 * The address of the HTTP API could not be bound.
 *
 * @category errors
 * @since 0.1.0
 */
export class HttpBindFailed extends Schema.TaggedError<HttpBindFailed>()("HttpBindFailed", {
  address: Schema.String,
  /** What Node.js calls it, `EADDRINUSE` for example. */
  code: Schema.String,
  /** What the system said. */
  reason: Schema.String
}) {
  override get message() {
    return `cannot serve HTTP at ${sentence(this.address)}: ${known[this.code] ?? sentence(this.reason)}`
  }
}

/** Returns what an error of the server's means. */
export const failed = (host: string, port: number, cause: unknown): HttpBindFailed => {
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "unknown"
  const reason = cause instanceof Error ? cause.message : String(cause)
  return withoutTrace(new HttpBindFailed({ address: Address.format({ ip: host, port }), code, reason }))
}
