/**
 * The HTTP API cannot listen.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Address from "../../base/Address.ts"
import { sentence } from "../../base/PlainText.ts"

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
  cause: Schema.Defect()
}) {
  static of(host: string, port: number, cause: unknown): HttpBindFailed {
    const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "unknown"
    return new HttpBindFailed({ address: Address.format({ ip: host, port }), code, cause })
  }
  override get message() {
    const known: Readonly<Record<string, string>> = {
      EADDRINUSE: "the port is in use; stop the other program, choose another port, or use 0 for a free one",
      EADDRNOTAVAIL: "this host has no such address; expected one that it has, 127.0.0.1 for this machine alone",
      EACCES: "permission denied; ports below 1024 need privileges",
      ENOTFOUND: "there is no host of this name; expected an IP address"
    }
    const why = known[this.code] ?? (this.cause instanceof Error ? this.cause.message : this.code)
    return `cannot serve HTTP at ${sentence(this.address)}: ${sentence(why)}`
  }
}
