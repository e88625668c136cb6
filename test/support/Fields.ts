/** Shared by the tests of single configuration fields. */
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { ipBytes } from "../../src/base/Address.ts"
import { joinAt, type TestNode } from "./Cluster.ts"
import type { FakePeer } from "./FakePeer.ts"

/** What a node counted under `name` or `name:reason`; 0 when nothing. */
export const counted = (node: TestNode, key: string): Effect.Effect<number> =>
  Effect.map(node.cluster.counters, (totals) => new Map<string, number>(totals).get(key) ?? 0)

/** Everything a node counted of one kind, whatever the reason. */
export const countedInAll = (node: TestNode, name: string): Effect.Effect<number> =>
  Effect.map(
    node.cluster.counters,
    (totals) =>
      [...totals].filter(([key]) => key === name || key.startsWith(`${name}:`)).reduce((sum, [, n]) => sum + n, 0)
  )

/** The errors of a join of which nothing came, as `tag`. */
export const refusals = (node: TestNode, ...seeds: ReadonlyArray<string>) =>
  Effect.map(Effect.flip(joinAt(node, ...seeds)), ({ failed }) => failed.map(({ error }) => error._tag))

/** The bytes of an IP literal. */
export const address = (ip: string): Uint8Array => ipBytes(ip) ?? new Uint8Array()

/** Packets may overtake each other; this lets all that were sent arrive. */
export const arrive = TestClock.adjust("10 millis")

/** Makes a fake peer known to a node. */
export const introduce = (peer: FakePeer, node: TestNode, vsn?: Uint8Array) =>
  Effect.andThen(peer.send(node, peer.alive(vsn === undefined ? {} : { vsn })), arrive)

export const text = (payload: Uint8Array): string => new TextDecoder().decode(payload)
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
