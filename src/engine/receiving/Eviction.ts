/**
 * Which inbound stream has to go when places or bytes run out. Pure.
 *
 * Members may share an address (behind one NAT or sidecar), so no address has a limit of its own: the one that takes
 * most loses first, and of its streams the one that has been idle longest, so that whoever does nothing pays for it.
 *
 * @since 0.1.0
 */

/** What the choice depends on. */
export interface Candidate {
  /** Where it comes from, without the port. */
  readonly ip: string
  /** When it last made progress, in monotonic milliseconds. */
  readonly activeAt: number
  /** Bytes that it holds. */
  readonly bytes: number
  /** Whether one of our keys opened its message. */
  readonly authenticated: boolean
  /** Whether its request is there as a whole, and is being served. */
  readonly complete: boolean
}

const longestIdle = <A extends Candidate>(streams: ReadonlyArray<A>): A | undefined => {
  let found: A | undefined
  for (const stream of streams) if (found === undefined || stream.activeAt < found.activeAt) found = stream
  return found
}

/** The streams of the address that weighs most; of all such addresses when several weigh the same. */
const ofHeaviest = <A extends Candidate>(
  streams: ReadonlyArray<A>,
  weight: (stream: A) => number
): ReadonlyArray<A> => {
  const weights = new Map<string, number>()
  let most = 0
  for (const stream of streams) {
    const sum = (weights.get(stream.ip) ?? 0) + weight(stream)
    weights.set(stream.ip, sum)
    most = Math.max(most, sum)
  }
  return streams.filter(({ ip }) => weights.get(ip) === most)
}

const one = () => 1

/**
 * Whose place a newcomer gets: of the address that has most, the longest idle stream, those first whose request is not
 * there yet. Streams that a key of ours authenticated go only when there are no others.
 */
export const forPlace = <A extends Candidate>(streams: ReadonlyArray<A>): A | undefined => {
  const strangers = streams.filter(({ authenticated }) => !authenticated)
  const heaviest = ofHeaviest(strangers.length > 0 ? strangers : streams, one)
  const waiting = heaviest.filter(({ complete }) => !complete)
  return longestIdle(waiting.length > 0 ? waiting : heaviest)
}

/**
 * Whose bytes are given up: of the address that holds most, the longest idle stream among those that hold at least half
 * of what its streams hold on average. So small streams of members survive beside large ones from the same address;
 * half, because of streams that hold about the same, a newcomer's few bytes more would make it the only large one.
 */
export const forBytes = <A extends Candidate>(streams: ReadonlyArray<A>): A | undefined => {
  const heaviest = ofHeaviest(streams.filter(({ bytes }) => bytes > 0), ({ bytes }) => bytes)
  let sum = 0
  for (const { bytes } of heaviest) sum += bytes
  return longestIdle(heaviest.filter(({ bytes }) => 2 * bytes * heaviest.length >= sum))
}
