/**
 * Which addresses of runners are announced by live members, and which were by members that are gone.
 *
 * @since 0.1.0
 */

/** What is known of a live member: its name, and the address of its runner where it announces one. */
export interface Announcer {
  readonly name: string
  readonly address: string | undefined
}

export interface Announcers {
  /** The addresses that live members announce. */
  readonly announced: ReadonlySet<string>
  /** By the names of live members, what each announced last, also where it announces nothing any more. */
  readonly lastOf: ReadonlyMap<string, string>
  /** Addresses whose announcer failed, left or came back elsewhere, and when that was seen; the oldest first. */
  readonly gone: ReadonlyMap<string, number>
}

/** Milliseconds for which an address is known to be gone. Whoever asks later asks the other health check. */
export const REMEMBERED = 300_000

/** How many such addresses are remembered; the oldest go first. */
export const MOST_GONE = 1_024

export const nothing: Announcers = { announced: new Set(), lastOf: new Map(), gone: new Map() }

/** Returns what is known once the live members are these. */
export const seen = (before: Announcers, live: ReadonlyArray<Announcer>, now: number): Announcers => {
  const announced = new Set<string>()
  const lastOf = new Map<string, string>()
  for (const { address, name } of live) {
    if (address !== undefined) announced.add(address)
    const last = address ?? before.lastOf.get(name)
    if (last !== undefined) lastOf.set(name, last)
  }
  const gone = new Map(before.gone)
  for (const [name, address] of before.lastOf) {
    if (lastOf.get(name) === address) continue
    // the newest last
    gone.delete(address)
    gone.set(address, now)
  }
  for (const [address, since] of gone) {
    if (announced.has(address) || now - since >= REMEMBERED) gone.delete(address)
  }
  for (const address of gone.keys()) {
    if (gone.size <= MOST_GONE) break
    gone.delete(address)
  }
  return { announced, lastOf, gone }
}

/** What membership says about an address: `unknown` where no member has announced it lately. */
export const stateOf = (
  { announced, gone }: Announcers,
  address: string,
  now: number
): "alive" | "gone" | "unknown" => {
  if (announced.has(address)) return "alive"
  const since = gone.get(address)
  return since !== undefined && now - since < REMEMBERED ? "gone" : "unknown"
}
