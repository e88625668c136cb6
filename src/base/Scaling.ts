/**
 * What depends on the size of the cluster: how long a suspicion lasts, how often a rumour is sent, how often tables are
 * exchanged. The rules act by these formulas, and a plan forecasts by them.
 *
 * @since 0.1.0
 */

/**
 * The shortest time a suspect gets: `mult × max(1, log10 n) × interval`, the logarithm cut to three decimals. `n` is
 * the number of members we know, whatever their state. memberlist: `suspicionTimeout`.
 */
export const suspicionTimeout = (mult: number, n: number, interval: number): number => {
  const scale = Math.max(1, Math.log10(Math.max(1, n)))
  return mult * Math.floor(scale * 1000) * interval / 1000
}

/**
 * How much of a suspicion is left after `confirmations` independent ones out of the `k` hoped for (`k` ≥ 1): it falls
 * logarithmically from `max` to `min`, in whole milliseconds. Negative when it should have ended already.
 * memberlist: `remainingSuspicionTime`; Lifeguard §IV-B.
 *
 * @param elapsed milliseconds since the suspicion started, like `min` and `max`
 */
export const remainingTime = (
  confirmations: number,
  k: number,
  elapsed: number,
  min: number,
  max: number
): number => {
  const fraction = Math.log(confirmations + 1) / Math.log(k + 1)
  // In seconds first, like the reference: the floor below is sensitive to the order of the operations.
  const seconds = max / 1000 - fraction * (max / 1000 - min / 1000)
  return Math.max(Math.floor(1000 * seconds), min) - elapsed
}

/**
 * How often a broadcast is sent before it is finished: `mult × ⌈log10(n + 1)⌉`, where `n` is the number of members we
 * know, whatever their state. 0 and below still mean once. memberlist: `retransmitLimit`.
 */
export const retransmitLimit = (mult: number, n: number): number => mult * Math.ceil(Math.log10(n + 1))

/** Up to this many members push/pull runs at its configured interval. */
const SCALE_THRESHOLD = 32

/**
 * The time between two push/pulls, in the unit of `interval`: once more the interval each time the cluster doubles
 * beyond 32 members, because every exchange carries the whole table. `n` is the number of members we know, whatever
 * their state. memberlist: `pushPullScale`.
 */
export const pushPullScale = (interval: number, n: number): number =>
  n <= SCALE_THRESHOLD ? interval : interval * (Math.ceil(Math.log2(n) - Math.log2(SCALE_THRESHOLD)) + 1)
