/**
 * How much each of many senders may do: so much at once, and so much a second from then on.
 *
 * @stability unstable
 * @since 0.1.0
 */

interface Bucket {
  tokens: number
  at: number
}

/** Buckets by name. One that is full again is forgotten when there are many. */
export class TokenBuckets {
  private readonly buckets = new Map<string, Bucket>()
  private readonly perSecond: number
  private readonly burst: number
  private readonly most: number

  constructor(options: { readonly perSecond: number; readonly burst: number; readonly most: number }) {
    this.perSecond = options.perSecond
    this.burst = options.burst
    this.most = options.most
  }

  /** Takes tokens, if there are as many; more than a burst counts as a burst. */
  take(name: string, cost: number, now: number): boolean {
    const bucket = this.buckets.get(name) ?? this.begin(name, now)
    bucket.tokens = this.filled(bucket, now)
    bucket.at = now
    const price = Math.min(cost, this.burst)
    if (bucket.tokens < price) return false
    bucket.tokens -= price
    return true
  }

  private filled(bucket: Bucket, now: number): number {
    return Math.min(this.burst, bucket.tokens + (now - bucket.at) / 1000 * this.perSecond)
  }

  private begin(name: string, now: number): Bucket {
    if (this.buckets.size >= this.most) {
      for (const [other, bucket] of this.buckets) {
        if (this.filled(bucket, now) >= this.burst) this.buckets.delete(other)
      }
      // all are in use: the one that was begun first makes room
      const [first] = this.buckets.keys()
      if (this.buckets.size >= this.most && first !== undefined) this.buckets.delete(first)
    }
    const bucket = { tokens: this.burst, at: now }
    this.buckets.set(name, bucket)
    return bucket
  }
}
