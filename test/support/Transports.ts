/** Helpers for tests with real sockets. */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { MemberlistConfig, type Settings } from "../../src/MemberlistConfig.ts"
import type { StartError } from "../../src/MemberlistError.ts"
import * as NodeTransport from "../../src/node/NodeTransport.ts"
import { type Connection, type Packet, Transport } from "../../src/Transport.ts"

/** A transport on the loopback and a free port, unless told otherwise. */
export const transport = (
  settings: Settings = {}
): Effect.Effect<Transport["Service"], StartError, Scope.Scope> =>
  Effect.map(
    Layer.build(
      NodeTransport.layer.pipe(
        Layer.provide(MemberlistConfig.layer({ name: "a", bindAddress: "127.0.0.1", bindPort: 0, ...settings }))
      )
    ),
    (context) => Context.get(context, Transport)
  )

/** The next packets, at least this many. */
export const take = Effect.fnUntraced(function*(from: Transport["Service"], count: number) {
  const all: Array<Packet> = []
  while (all.length < count) all.push(...(yield* from.packets))
  return all
})

/** Everything a connection brings until it ends. */
export const readToEnd = (connection: Connection): Effect.Effect<Buffer> =>
  Effect.gen(function*() {
    const parts: Array<Uint8Array> = []
    const pull = connection.pull
    for (;;) {
      const part = yield* Effect.catch(pull, () => Effect.succeed(undefined))
      if (part === undefined) return Buffer.concat(parts)
      parts.push(part)
    }
  })

/** Serves in the background; the result of the first stream's handler is the deferred. */
export const serveOnce = Effect.fnUntraced(function*<A>(
  on: Transport["Service"],
  handler: (connection: Connection) => Effect.Effect<A>
) {
  const result = yield* Deferred.make<A>()
  yield* Effect.forkScoped(
    on.serve((connection) => Effect.asVoid(Effect.flatMap(handler(connection), (a) => Deferred.succeed(result, a))))
  )
  return result
})

/** Answers with what it gets until the peer ends. */
export const echo = (connection: Connection): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (;;) yield* connection.write(yield* connection.pull)
  }).pipe(Effect.ignore)
