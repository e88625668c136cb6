/**
 * Traces of the few things that take long and matter by themselves: joins, push/pulls, probes. Nothing on the path of a
 * packet is traced. No stack traces are taken, so a span costs about a microsecond, and less when tracing is off.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Tracer from "effect/Tracer"
import type { Node } from "../Node.ts"
import * as Attributes from "./Attributes.ts"

type Given = Readonly<Record<string, string | number | boolean>>

/** A span that continues the trace of whoever asked for the work. */
export const asked =
  (node: Node, name: string, kind: "internal" | "client", attributes: Given) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Tracer.ParentSpan>> =>
    Effect.withSpan(effect, `memberlist.${name}`, {
      kind,
      attributes: Attributes.plain({ node: node.name, ...attributes }),
      captureStackTrace: false
    })

/** A span that begins a trace: nobody but the protocol asked for the work. */
export const own =
  (node: Node, name: string, kind: "client" | "server", attributes: Given) =>
  <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    !node.isTraced ? effect : Effect.withSpan(effect, `memberlist.${name}`, {
      root: true,
      kind,
      attributes: Attributes.plain({ node: node.name, ...attributes }),
      captureStackTrace: false
    })

/** How the traced work ended. */
export const outcome = (value: string): Effect.Effect<void> => Effect.annotateCurrentSpan("outcome", value)
