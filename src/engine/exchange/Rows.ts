/**
 * Our table as the rows of a push/pull, encoded once for as long as the table stays as it is. Anybody can ask for it,
 * with a message of a few bytes, and a table of sixty thousand takes a tenth of a second to encode: a hundred such
 * requests at once would stop everything else. It costs the memory of one encoded table: 60 to 130 bytes a member.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { Entry } from "../../swim/membership/Entry.ts"
import type { NodeState } from "../../wire/message/Message.ts"
import * as Frame from "../../wire/stream/Frame.ts"
import * as Turns from "../sending/Turns.ts"

/** The rows of one moment. */
export interface Encoded {
  readonly count: number
  readonly pieces: ReadonlyArray<Uint8Array>
}

/** A version of the table. */
interface Entries {
  readonly values: () => Iterable<Entry>
}

export interface Rows {
  /** The rows of the table that `current` gives. */
  readonly encode: (current: () => Entries) => Effect.Effect<Encoded>
}

const stateNumber = { alive: 0, suspect: 1, dead: 2, left: 3 } as const

const nodeState = (entry: Entry): NodeState => ({
  name: entry.name,
  addr: entry.addr,
  port: entry.port,
  meta: entry.meta,
  incarnation: entry.incarnation,
  state: stateNumber[entry.state],
  vsn: entry.vsn
})

/** Nothing encoded yet. */
export const make = (turns: Turns.Turns): Effect.Effect<Rows> =>
  Effect.map(Semaphore.make(1), (encoder) => {
    // Weak, because an older version of the table keeps all that has changed since alive.
    const known = new WeakMap<Entries, Encoded>()
    const encodeNow = (entries: Entries): Effect.Effect<Encoded> => {
      const rows = Array.from(entries.values())
      return Effect.map(Turns.inSlices(turns, Frame.encodeRows(rows, nodeState)), (pieces) => {
        const encoded = { count: rows.length, pieces }
        known.set(entries, encoded)
        return encoded
      })
    }
    return {
      // one after the other: who waited finds what the first has encoded
      encode: (current) =>
        encoder.withPermits(1)(Effect.suspend(() => {
          const entries = current()
          const encoded = known.get(entries)
          return encoded === undefined ? encodeNow(entries) : Effect.succeed(encoded)
        }))
    }
  })
