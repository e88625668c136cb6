/**
 * From which members' addresses anything came first-hand, and when. Claims about a member prove nothing: anybody can
 * make up ten thousand. A packet from its address is at least from somebody who can send from there.
 *
 * An address counts when a packet from it was read (with encryption on: opened), or when it answered on a stream that
 * we opened. Streams that others open do not count: their port is not the member's. Nor does our own address.
 *
 * What is known of the ways to an address is kept with it.
 *
 * Bounded by the member table: only addresses of its entries are kept. It follows the table by what each step
 * publishes, which a property test compares with the table itself; looking through the table for each packet would be
 * too slow.
 *
 * @since 0.1.0
 */
import type { PeerAddress } from "../../base/Address.ts"
import type { FirstHand } from "../../swim/gossip/FirstHand.ts"
import type { Directive } from "../../swim/membership/Directive.ts"
import type { Entry } from "../../swim/membership/Entry.ts"
import { isGone } from "../../swim/membership/Entry.ts"
import * as Paths from "../../swim/probing/Paths.ts"

/** Members that were heard from before a node began, as far as it is told (`Heard.adopt`). */
export interface Adopted {
  readonly names: ReadonlyArray<string>
  readonly entries: ReadonlyMap<string, Entry>
  /** Who has an IP; nobody shares one. */
  readonly byIp: ReadonlyMap<string, string>
  /** When a packet last came from any of them, in monotonic milliseconds. */
  readonly at: number
}

/** The rank of one that was adopted: it was heard from, and is not in the list. */
const ADOPTED = -2

/** An address that entries of the table have. Several may: who forges claims can give all of them one address. */
export interface Place {
  readonly ip: string
  readonly port: number
  /** The entries that have it: one, and perhaps others. */
  readonly first: string
  readonly others: ReadonlySet<string> | undefined
  /**
   * When a packet last came from there, in monotonic milliseconds; `undefined`: nothing ever came, `-Infinity`: only on
   * streams.
   */
  readonly heardAt: number | undefined
  readonly paths: Paths.Paths
}

class Held implements Place {
  readonly ip: string
  readonly port: number
  first: string
  others: Set<string> | undefined = undefined
  heardAt: number | undefined = undefined
  paths: Paths.Paths = Paths.unknown
  /** Its place in the list of those heard from; -1: it is not there; `ADOPTED`: among those adopted. */
  rank = -1

  constructor({ ip, port }: PeerAddress, first: string) {
    this.ip = ip
    this.port = port
    this.first = first
  }

  add(name: string): void {
    this.others ??= new Set()
    this.others.add(name)
  }

  /** Whether somebody is left. */
  remove(name: string): boolean {
    if (name !== this.first) {
      this.others?.delete(name)
      return true
    }
    for (const next of this.others ?? []) {
      this.first = next
      this.others?.delete(next)
      return true
    }
    return false
  }
}

const none: ReadonlyArray<string> = []

export class Heard implements FirstHand {
  private readonly self: string
  /** When a packet last came from any member, in monotonic milliseconds; `-Infinity`: never. */
  latest = -Infinity
  /**
   * By IP, and where one has several ports by port: two look-ups of strings and numbers there are cost less than one
   * text.
   */
  private readonly byIp = new Map<string, Held | Map<number, Held>>()
  private readonly byName = new Map<string, Held>()
  private readonly heard: Array<Held> = []
  private adopted: Adopted | undefined
  /** Of those adopted, who has moved or gone since. */
  private readonly strayed = new Set<string>()

  constructor(self: string) {
    this.self = self
  }

  /**
   * Begins with these members, as if they had been followed and heard from. For the simulator, where ten thousand nodes
   * share one such list: nobody takes memory of a node's own until somebody asks for it.
   */
  adopt(adopted: Adopted): void {
    this.adopted = adopted
    this.latest = adopted.at
  }

  /** Notes that a packet came from there now, in monotonic milliseconds; whether a member has that address. */
  note(from: PeerAddress, now: number): boolean {
    const place = this.find(from)
    if (place === undefined) return false
    if (this.list(place)) {
      place.heardAt = now
      this.latest = now
    }
    return true
  }

  /** Notes that an answer came from there on a stream that we opened; the name of a member that has the address. */
  noteStream(from: PeerAddress): string | undefined {
    const place = this.find(from)
    if (place === undefined || !this.list(place)) return undefined
    place.heardAt ??= -Infinity
    return place.first
  }

  /** Notes that the member answered what only it was asked, wherever its answer came from. */
  noteMember(name: string, now: number): void {
    const place = this.named(name)
    if (place !== undefined) this.note(place, now)
  }

  /** The member that has that address; of several, the one that stands for all. */
  nameAt(from: PeerAddress): string | undefined {
    return this.find(from)?.first
  }

  /** Whether an entry of the table has that address. Who also wants to `note` it should use its answer instead. */
  isMember(from: PeerAddress): boolean {
    return this.find(from) !== undefined
  }

  /**
   * When a packet last came from there; `undefined`: nothing ever came, as far as it is remembered, or no member has
   * that address; `-Infinity`: only on streams.
   */
  heardAt(from: PeerAddress): number | undefined {
    return this.find(from)?.heardAt
  }

  /** When a packet last came from the address that the member has; `-Infinity`: never. */
  packetAt(name: string): number {
    return this.named(name)?.heardAt ?? -Infinity
  }

  /** What is known of the ways to the member. */
  paths(name: string): Paths.Paths {
    return this.named(name)?.paths ?? Paths.unknown
  }

  /** Remembers what is known of the ways to the member, for as long as it is at its address, and is not gone. */
  setPaths(name: string, paths: Paths.Paths): void {
    const place = this.named(name)
    if (place !== undefined) place.paths = paths
  }

  /** The members of which something is known to fail, and what. */
  impaired(): ReadonlyArray<readonly [name: string, paths: Paths.Paths]> {
    return this.places().flatMap(({ first, paths }) => Paths.isImpaired(paths) ? [[first, paths] as const] : [])
  }

  /** The names of the members that do not list us. */
  unlisting(): ReadonlyArray<string> {
    return this.places().flatMap(({ first, paths }) => paths.listed === "no" ? [first] : [])
  }

  /** How many addresses were heard from. */
  get size(): number {
    const { adopted, self, strayed } = this
    if (adopted === undefined) return this.heard.length
    return this.heard.length + adopted.names.length - strayed.size - (adopted.entries.has(self) ? 1 : 0)
  }

  /** Whether anything came from the address that the member has. */
  has(name: string): boolean {
    return this.named(name)?.heardAt !== undefined
  }

  /** The same, and of the members that share the address it is the one that stands for all. */
  stands(name: string): boolean {
    const place = this.named(name)
    return place?.heardAt !== undefined && place.first === name
  }

  /** A random member of those that `stands` is true of, if one is `eligible`. */
  any(eligible: (name: string) => boolean, random: () => number): string | undefined {
    const adopted = this.adopted?.names ?? none
    const { length } = this.heard
    const all = length + adopted.length
    const start = Math.floor(random() * all)
    for (let i = 0; i < all; i++) {
      const at = (start + i) % all
      const name = at < length ? this.heard[at]?.first : this.inPlace(adopted[at - length])
      if (name !== undefined && eligible(name)) return name
    }
    return undefined
  }

  /** The addresses of the table, in no particular order. */
  places(): ReadonlyArray<Place> {
    return Array.from(this.byIp.values()).flatMap((at) => at instanceof Held ? [at] : Array.from(at.values()))
  }

  /**
   * Follows one directive of a step, in order. An entry comes, returns or moves with what is published about it, and
   * goes with `Reaped` or `Evicted`; nothing else changes where anybody is.
   */
  follow(directive: Directive): void {
    if (directive._tag === "Reaped" || directive._tag === "Evicted") this.forget(directive.entry.name)
    else if (directive._tag === "Publish") this.settle(directive.change.entry)
  }

  private find({ ip, port }: PeerAddress): Held | undefined {
    const at = this.byIp.get(ip)
    if (at === undefined) return this.adopted === undefined ? undefined : this.findAdopted(ip, port)
    if (at instanceof Held) return at.port === port ? at : undefined
    return at.get(port)
  }

  private named(name: string): Held | undefined {
    return this.byName.get(name) ?? (this.adopted === undefined ? undefined : this.take(name))
  }

  private findAdopted(ip: string, port: number): Held | undefined {
    const name = this.adopted?.byIp.get(ip)
    const place = name === undefined ? undefined : this.take(name)
    return place?.port === port ? place : undefined
  }

  /** One of those adopted that is where it was. */
  private inPlace(name: string | undefined): string | undefined {
    return name === this.self || name === undefined || this.strayed.has(name) ? undefined : name
  }

  /** Takes one of those adopted among our own. */
  private take(name: string): Held | undefined {
    const entry = this.inPlace(name) === undefined ? undefined : this.adopted?.entries.get(name)
    if (entry === undefined || this.adopted === undefined) return undefined
    const place = new Held(entry.endpoint, name)
    place.heardAt = this.adopted.at
    place.rank = ADOPTED
    this.put(place)
    this.byName.set(name, place)
    return place
  }

  /** Puts the address on the list of those heard from; not our own. */
  private list(place: Held): boolean {
    if (place.rank !== -1) return true
    if (place === this.named(this.self)) return false
    place.rank = this.heard.push(place) - 1
    return true
  }

  private settle(entry: Entry): void {
    const { endpoint, name } = entry
    const before = this.named(name)
    if (before?.ip === endpoint.ip && before.port === endpoint.port) {
      if (isGone(entry)) before.paths = Paths.unknown
      return
    }
    if (before !== undefined) this.forget(name)
    let place = this.find(endpoint)
    if (place === undefined) {
      place = new Held(endpoint, name)
      this.put(place)
    } else place.add(name)
    this.byName.set(name, place)
    if (name === this.self) this.unhear(place)
  }

  private put(place: Held): void {
    const at = this.byIp.get(place.ip)
    if (at === undefined) this.byIp.set(place.ip, place)
    else if (at instanceof Held) this.byIp.set(place.ip, new Map([[at.port, at], [place.port, place]]))
    else at.set(place.port, place)
  }

  private forget(name: string): void {
    const place = this.named(name)
    if (place === undefined) return
    this.byName.delete(name)
    if (name !== this.self && this.adopted?.entries.has(name) === true) this.strayed.add(name)
    if (place.remove(name)) return
    this.unhear(place)
    const at = this.byIp.get(place.ip)
    if (at instanceof Map && at.size > 1) at.delete(place.port)
    else this.byIp.delete(place.ip)
  }

  private unhear(place: Held): void {
    place.heardAt = undefined
    const last = this.heard[this.heard.length - 1]
    if (place.rank < 0 || last === undefined) return
    this.heard[place.rank] = last
    last.rank = place.rank
    place.rank = -1
    this.heard.pop()
  }
}
