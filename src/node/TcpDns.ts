/**
 * Asks a DNS server for all addresses of a name over TCP. Over UDP an answer may be cut to a few hundred bytes, and
 * some servers (those of service discovery among them) cut it without saying so: a cluster of a hundred seeds would
 * look like one of three. Node.js has no way to ask its resolver for TCP. memberlist: `tcpLookupIP`.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Host from "effect/net/Host"
import * as Random from "effect/Random"
import { format, type PeerAddress } from "../base/Address.ts"
import type { Connection } from "../Transport.ts"
import * as DnsMessage from "./DnsMessage.ts"
import type * as NodeTcp from "./NodeTcp.ts"

/** How long connecting and both answers may take together. As in the reference. */
const TIMEOUT = Duration.seconds(2)

/** Why a lookup gave nothing. */
export class TcpDnsFailed extends Data.TaggedError("TcpDnsFailed")<{ readonly server: string; readonly why: string }> {
  override get message() {
    return `DNS over TCP at ${this.server}: ${this.why}`
  }
}

/**
 * The kinds of address records, each asked for by a question of its own: servers may refuse to answer ANY (RFC 8482).
 */
const ADDRESSES = ["A", "AAAA"] as const

/** Length-prefixed messages, as they arrive in whatever pieces. */
const messages = (connection: Connection) => {
  let buffered: Buffer = Buffer.alloc(0)
  return {
    /** The next message; at most 64 KiB, which its length field cannot exceed. */
    next: Effect.gen(function*() {
      for (;;) {
        const length = buffered.length < 2 ? undefined : buffered.readUInt16BE(0)
        if (length !== undefined && buffered.length >= 2 + length) {
          const message = buffered.subarray(2, 2 + length)
          buffered = buffered.subarray(2 + length)
          return message
        }
        buffered = Buffer.concat([buffered, yield* connection.pull])
      }
    })
  }
}

/** Asks a question for each of the types, and reads as many answers. */
const exchange = Effect.fnUntraced(function*(
  open: NodeTcp.Tcp["open"],
  server: PeerAddress,
  host: string,
  types: ReadonlyArray<DnsMessage.RecordType>
) {
  const failed = (why: string) => new TcpDnsFailed({ server: format(server), why })
  // also spells what is not ASCII as DNS does
  const name = yield* Effect.mapError(
    Effect.fromResult(Host.domainNameFromString(host)),
    (error) => failed(error.message)
  )
  const first = yield* Random.nextIntBetween(0, 0xffff)
  const connection = yield* open(server, { timeout: TIMEOUT })
  yield* connection.write(
    Buffer.concat(types.map((type, i) => DnsMessage.question((first + i) % 0x1_0000, type, name)))
  )
  const incoming = messages(connection)
  const found: Array<DnsMessage.Answer> = []
  let records = 0
  for (let answered = 0; answered < types.length; answered++) {
    // a server that ends after one answer has given what it gives
    const bytes = yield* records === 0
      ? Effect.catchIf(incoming.next, Cause.isDone, () => Effect.fail(failed("it ended the connection unanswered")))
      : Effect.orElseSucceed(incoming.next, () => undefined)
    if (bytes === undefined) break
    const answer = DnsMessage.answer(bytes)
    if (answer === undefined) return yield* failed("an answer that is malformed")
    if ((answer.id - first + 0x1_0000) % 0x1_0000 >= types.length) {
      return yield* failed("an answer to something that was not asked")
    }
    found.push(answer)
    records += answer.addresses.length + answer.services.length
  }
  return found
})

/** All addresses of a host, IPv4 first; none when the server knows none. */
export const lookup = (
  open: NodeTcp.Tcp["open"],
  server: PeerAddress,
  host: string
): Effect.Effect<ReadonlyArray<string>, TcpDnsFailed> =>
  Effect.map(
    asked(open, server, host, ADDRESSES),
    (answers) => answers.flatMap(({ addresses }) => addresses)
  )

/** All hosts of a service; none when the server knows none. */
export const services = (
  open: NodeTcp.Tcp["open"],
  server: PeerAddress,
  name: string
): Effect.Effect<ReadonlyArray<DnsMessage.Service>, TcpDnsFailed> =>
  Effect.map(
    asked(open, server, name, ["SRV"]),
    (answers) => answers.flatMap((answer) => answer.services)
  )

const asked = (
  open: NodeTcp.Tcp["open"],
  server: PeerAddress,
  host: string,
  types: ReadonlyArray<DnsMessage.RecordType>
): Effect.Effect<ReadonlyArray<DnsMessage.Answer>, TcpDnsFailed> => {
  const failed = (why: string) => new TcpDnsFailed({ server: format(server), why })
  return Effect.scoped(exchange(open, server, host, types)).pipe(
    Effect.catchTag("TransportError", (error) => Effect.fail(failed(error.message))),
    Effect.timeoutOrElse({
      duration: TIMEOUT,
      orElse: () => Effect.fail(failed(`no answer within ${Duration.format(TIMEOUT)}`))
    })
  )
}
