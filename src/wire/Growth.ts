/**
 * Memory that grows. Small pieces are copied into larger ones; from a mebibyte on it is memory that the system extends
 * in place, because copying twenty mebibytes would hold up everything else for as many milliseconds.
 *
 * @stability unstable
 * @since 0.1.0
 */

/** Below this, copying costs less than a millisecond. */
const EXTENSIBLE_FROM = 1_048_576

/**
 * The first `used` bytes in memory of at least `needed` bytes: twice as much as before, and at most `limit`. The old
 * piece may be the same memory, and must not be used any more.
 *
 * @category constructors
 * @since 0.1.0
 */
export const grown = (
  old: Uint8Array<ArrayBuffer>,
  used: number,
  needed: number,
  limit: number
): Uint8Array<ArrayBuffer> => {
  const size = Math.min(limit, Math.max(needed, old.length * 2))
  if (old.buffer.resizable && size <= old.buffer.maxByteLength) {
    old.buffer.resize(size)
    return new Uint8Array(old.buffer, 0, size)
  }
  const next = size < EXTENSIBLE_FROM || limit === Number.POSITIVE_INFINITY
    ? new Uint8Array(size)
    : new Uint8Array(new ArrayBuffer(size, { maxByteLength: limit }), 0, size)
  next.set(old.subarray(0, used))
  return next
}
