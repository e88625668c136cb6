/**
 * Which implementation the scenarios examine. Normally ours; with `INTEROP_SUBJECT=go` a second Go node takes its place,
 * which checks the scenarios themselves: what the reference does not pass is a wrong scenario.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { fileURLToPath } from "node:url"
import * as GoPeer from "./GoPeer.ts"
import { type Kind, launch, type Peer, type PeerError } from "./Peer.ts"
import type { StartOptions } from "./Protocol.ts"

export const subject: Kind = process.env["INTEROP_SUBJECT"] === "go" ? "go" : "ts"

/** Our node as a peer process. */
export const program = fileURLToPath(new URL("./TsPeer.ts", import.meta.url))

export const start = (options: StartOptions): Effect.Effect<Peer, PeerError, Scope.Scope> =>
  subject === "go" ? GoPeer.start("current")(options) : launch("ts", [process.execPath, program], options)
