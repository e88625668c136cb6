/**
 * From which members' addresses anything came first-hand, and when. Claims about a member prove nothing: anybody can make
 * up ten thousand. A packet from its address is at least from somebody who can send from there.
 *
 * An address counts when a packet from it was read (with encryption on: opened), or when it answered on a stream that we
 * opened. Streams that others open do not count: their port is not the member's.
 *
 * Bounded by the member table: only addresses of its entries are kept. It follows the table by what each step publishes,
 * which a property test compares with the table itself; looking through the table for each packet would be too slow.
 *
 * @since 0.1.0
 */
import type { PeerAddress } from "../../Address.ts"
import type { Directive } from "../../swim/Directive.ts"
import type { Entry } from "../../swim/Membership.ts"

/** An address that entries of the table have. Several may: who forges claims can give all of them one address. */
export interface Place {
  readonly key: string
  /** How many entries have it, at least 1. */
  readonly entries: number
  /** When something last came from there, in monotonic milliseconds; `undefined`: never. */
  readonly heardAt: number | undefined
}

class Held implements Place {
  readonly key: string
  entries = 0
  heardAt: number | undefined = undefined

  constructor(key: string) {
    this.key = key
  }
}

/** One string per address; text for people has brackets, which only cost time here. */
const keyOf = ({ ip, port }: PeerAddress): string => `${ip} ${port}`

export class Heard {
  private readonly byAddress = new Map<string, Held>()
  private readonly byName = new Map<string, Held>()

  /** Notes that something came from there now, in monotonic milliseconds; whether a member has that address. */
  note(from: PeerAddress, now: number): boolean {
    const place = this.byAddress.get(keyOf(from))
    if (place === undefined) return false
    place.heardAt = now
    return true
  }

  /** Whether an entry of the table has that address. Who also wants to `note` it should use its answer instead. */
  isMember(from: PeerAddress): boolean {
    return this.byAddress.has(keyOf(from))
  }

  /** When something last came from there; `undefined`: never, as far as it is remembered, or no member has that address. */
  heardAt(from: PeerAddress): number | undefined {
    return this.byAddress.get(keyOf(from))?.heardAt
  }

  /** The same of a member's address, by the member's name. Cheaper, because no text is made. */
  memberHeardAt(name: string): number | undefined {
    return this.byName.get(name)?.heardAt
  }

  /** The addresses of the table, in no particular order. */
  places(): ReadonlyArray<Place> {
    return Array.from(this.byAddress.values())
  }

  /**
   * Follows one directive of a step, in order. An entry comes, returns or moves with what is published about it, and goes
   * with `Reaped`; nothing else changes where anybody is.
   */
  follow(directive: Directive): void {
    if (directive._tag === "Reaped") this.forget(directive.entry.name)
    else if (directive._tag === "Publish") this.settle(directive.change.entry)
  }

  private settle({ endpoint, name }: Entry): void {
    const key = keyOf(endpoint)
    const before = this.byName.get(name)
    if (before?.key === key) return
    if (before !== undefined) this.forget(name)
    let place = this.byAddress.get(key)
    if (place === undefined) {
      place = new Held(key)
      this.byAddress.set(key, place)
    }
    place.entries++
    this.byName.set(name, place)
  }

  private forget(name: string): void {
    const place = this.byName.get(name)
    if (place === undefined) return
    this.byName.delete(name)
    place.entries--
    if (place.entries === 0) this.byAddress.delete(place.key)
  }
}
