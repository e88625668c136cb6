/**
 * A few random peers: relays, gossip targets, the partner of a push/pull.
 */

/**
 * Up to `k` different elements of `list` that are `eligible`, uniformly at random. Fewer only when there are no more; this
 * is stricter than memberlist's `kRandomNodes`, which in a small cluster can miss the one eligible member.
 *
 * @param random a number in [0, 1)
 */
export const kRandom = <A>(
  k: number,
  list: ReadonlyArray<A>,
  eligible: (a: A) => boolean,
  random: () => number
): ReadonlyArray<A> => {
  if (k <= 0) return []
  if (list.length < 3 * k) return exhaustive(k, list, eligible, random)
  const picked = picks(k, list, eligible, random)
  // Everything picked so far is symmetric in the elements, so starting over keeps the choice uniform.
  return picked.length === k ? picked : exhaustive(k, list, eligible, random)
}

/** Random picks with replacement, which touch only a few elements of a long list. */
const picks = <A>(
  k: number,
  list: ReadonlyArray<A>,
  eligible: (a: A) => boolean,
  random: () => number
): ReadonlyArray<A> => {
  const picked = new Map<number, A>()
  for (let tries = 3 * list.length; tries > 0 && picked.size < k; tries--) {
    const index = Math.floor(random() * list.length)
    const candidate = list[index]
    if (candidate !== undefined && !picked.has(index) && eligible(candidate)) picked.set(index, candidate)
  }
  return Array.from(picked.values())
}

/** A shuffle that stops when it has found enough. */
const exhaustive = <A>(
  k: number,
  list: ReadonlyArray<A>,
  eligible: (a: A) => boolean,
  random: () => number
): ReadonlyArray<A> => {
  const rest = list.filter(eligible)
  const picked: Array<A> = []
  while (picked.length < k && rest.length > 0) {
    const index = Math.floor(random() * rest.length)
    const candidate = rest[index]
    const last = rest.pop()
    if (candidate === undefined || last === undefined) break
    picked.push(candidate)
    if (index < rest.length) rest[index] = last
  }
  return picked
}
