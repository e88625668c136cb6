/**
 * Random numbers for the plan of an experiment (who is slow, which cells of a grid are run, which runs a bootstrap draws):
 * apart from those of the simulated nodes, so that two configurations meet the very same plan.
 */

/** A generator in [0, 1) from a text: FNV-1a, then mulberry32. */
export const seeded = (seed: string): () => number => {
  let state = 0x811c9dc5
  for (let i = 0; i < seed.length; i++) state = Math.imul(state ^ seed.charCodeAt(i), 0x01000193)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/** `k` different elements, uniformly at random. */
export const sample = <A>(list: ReadonlyArray<A>, k: number, random: () => number): ReadonlyArray<A> => {
  const rest = list.slice()
  const picked: Array<A> = []
  while (picked.length < k && rest.length > 0) {
    picked.push(...rest.splice(Math.floor(random() * rest.length), 1))
  }
  return picked
}
