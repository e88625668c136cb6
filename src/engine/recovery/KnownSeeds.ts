/**
 * The seeds that a node knows: those its joins were given, and those of its `Seeds` service, with the addresses that
 * each had when it was looked up last. Seeds that are in nobody's list are where the rest of a split cluster may be.
 *
 * @since 0.1.0
 */
import * as Ref from "effect/Ref"
import * as Address from "../../base/Address.ts"
import * as SeedText from "../../base/SeedText.ts"
import { isGone } from "../../swim/membership/Entry.ts"
import type { Membership } from "../../swim/membership/Membership.ts"
import type { Transport } from "../../Transport.ts"
import { isOwnAddress } from "../exchange/Ourselves.ts"

/** The most seeds of joins that are remembered; the newest stay. */
export const MAX_GIVEN = 64

/** The most seeds of the service that are known; the first stay. */
export const MAX_OFFERED = 1_024

/** Characters of a seed: a member's name, a host's, and a port fit. What is longer is none. */
const MAX_TEXT = 1_024

/** What became of a list of the service. */
export interface Offered {
  /** How many are no seeds, and the first of them. */
  readonly invalid: number
  readonly example: string | undefined
  /** How many were left out because there were too many. */
  readonly tooMany: number
}

export interface KnownSeeds {
  /** Remembers seeds that a join was given. What is no seed is not remembered. */
  readonly remember: (texts: ReadonlyArray<string>) => void
  /** Replaces those of the `Seeds` service. */
  readonly offer: (texts: ReadonlyArray<string>) => Offered
  /** A lookup found these addresses; it is ignored for a seed that is not known. */
  readonly found: (text: string, addresses: ReadonlyArray<Address.PeerAddress>) => void
  /** Somebody else is at that address of the seed, until a join names it again. */
  readonly putAside: (text: string, address: Address.PeerAddress) => void
  readonly isAside: (text: string, address: Address.PeerAddress) => boolean
  /** A member answered there, and its own address may be another: a service stands before it, for instance. */
  readonly answered: (text: string) => void
  readonly hasAnswered: (text: string) => boolean
  /** Those of the `Seeds` service. */
  readonly offered: () => ReadonlyArray<string>
  readonly isOffered: (text: string) => boolean
  /** Another number whenever the service has told other seeds, in whatever order; 0 until it has told any list. */
  readonly version: () => number
  /** How many are known. */
  readonly size: () => number
  /** All that are known, each once: those of the service first, then those of joins, the newest last. */
  readonly all: () => ReadonlyArray<string>
  /** The addresses of the last lookup; none for a name that was never found. */
  readonly addressesOf: (text: string) => ReadonlyArray<Address.PeerAddress>
}

const none: ReadonlyArray<Address.PeerAddress> = []

/** Knows nobody. `defaultPort` is the port of a seed that has none. */
export const make = (defaultPort: number): KnownSeeds => {
  const given = new Set<string>()
  let offered: ReadonlySet<string> = new Set()
  let version = 0
  const addresses = new Map<string, ReadonlyArray<Address.PeerAddress>>()
  const strangers = new Map<string, Set<string>>()
  const answered = new Set<string>()

  const knows = (text: string) => given.has(text) || offered.has(text)

  /** An IP literal needs no lookup. */
  const literal = (seed: SeedText.SeedText): ReadonlyArray<Address.PeerAddress> => {
    const ip = Address.ipText(Address.ipBytes(seed.host) ?? new Uint8Array())
    return ip === undefined ? none : [{ ip, port: seed.port, name: seed.name }]
  }

  /** Forgets what was found out about seeds that are not known any more. */
  const prune = () => {
    for (const about of [addresses, strangers, answered]) {
      for (const text of about.keys()) if (!knows(text)) about.delete(text)
    }
  }

  /** Adds a text as the newest; `false` when it is no seed. */
  const add = (text: string, to: Set<string>): boolean => {
    const seed = text.length > MAX_TEXT ? undefined : SeedText.parse(text, defaultPort)
    if (seed === undefined) return false
    to.delete(text)
    to.add(text)
    if (!addresses.has(text)) addresses.set(text, literal(seed))
    return true
  }

  return {
    remember: (texts) => {
      for (const text of texts.slice(-MAX_GIVEN)) {
        add(text, given)
        strangers.delete(text)
        answered.delete(text)
      }
      for (const oldest of given) {
        if (given.size <= MAX_GIVEN) break
        given.delete(oldest)
      }
      prune()
    },
    offer: (texts) => {
      const before = offered
      const next = new Set<string>()
      let at = 0
      let invalid = 0
      let example: string | undefined
      for (; at < texts.length && next.size < MAX_OFFERED; at++) {
        const text = texts[at] ?? ""
        if (add(text, next)) continue
        invalid++
        example ??= text
      }
      offered = next
      prune()
      const isOther = next.size !== before.size || [...next].some((text) => !before.has(text))
      if (isOther || version === 0) version++
      return { invalid, example, tooMany: texts.length - at }
    },
    found: (text, found) => {
      if (!knows(text)) return
      addresses.set(text, found)
      const current = new Set(found.map(Address.format))
      for (const address of strangers.get(text) ?? []) if (!current.has(address)) strangers.get(text)?.delete(address)
    },
    putAside: (text, address) => {
      if (knows(text)) strangers.set(text, (strangers.get(text) ?? new Set()).add(Address.format(address)))
    },
    isAside: (text, address) => strangers.get(text)?.has(Address.format(address)) === true,
    answered: (text) => {
      if (knows(text)) answered.add(text)
    },
    hasAnswered: (text) => answered.has(text),
    offered: () => [...offered],
    isOffered: (text) => offered.has(text),
    version: () => version,
    size: () => offered.size + given.size,
    all: () => [...new Set([...offered, ...given])],
    addressesOf: (text) => addresses.get(text) ?? none
  }
}

/** The parts of a node that are asked. */
export interface Seeded {
  readonly seeds: KnownSeeds
  readonly membership: Ref.Ref<Membership>
  readonly transport: Pick<Transport["Service"], "advertised" | "bound">
}

/** The addresses of a seed that may be another member's: not our own, and not those where somebody else is. */
export const candidates = (node: Seeded, text: string): ReadonlyArray<Address.PeerAddress> =>
  node.seeds.addressesOf(text).filter((address) =>
    !isOwnAddress(node.transport, address) && !node.seeds.isAside(text, address)
  )

/**
 * The known seeds where no live member is: those that were never found, and those of whose addresses, but for our own,
 * none is a live member's. A seed that names us alone is not among them, nor one where only somebody else is, nor, as
 * long as nobody is lost, one that has answered.
 */
export const outside = (node: Seeded): ReadonlyArray<string> => {
  const texts = node.seeds.all()
  if (texts.length === 0) return texts
  const live = new Set<string>()
  const { entries, lost } = Ref.getUnsafe(node.membership)
  for (const entry of entries.values()) {
    if (!isGone(entry)) live.add(Address.format(entry.endpoint))
  }
  return texts.filter((text) => {
    if (lost.peers.length === 0 && node.seeds.hasAnswered(text)) return false
    const addresses = node.seeds.addressesOf(text)
    const others = candidates(node, text)
    return (addresses.length === 0 || others.length > 0) &&
      !addresses.some((address) => !isOwnAddress(node.transport, address) && live.has(Address.format(address)))
  })
}
