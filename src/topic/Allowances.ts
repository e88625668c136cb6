/**
 * How much each of many senders may do: so much at once, and so much a second from then on.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Rate from "../base/Rate.ts"

/** A rate for each name. One that is full again is forgotten when there are many. */
export class Allowances {
  private readonly rates = new Map<string, Rate.Rate>()
  private readonly rate: { readonly perSecond: number; readonly burst: number }
  private readonly most: number

  constructor(rate: { readonly perSecond: number; readonly burst: number }, most: number) {
    this.rate = rate
    this.most = most
  }

  /** Takes so much of a name's allowance; false, and nothing is taken, when it is used up. */
  take(name: string, amount: number, now: number): boolean {
    return (this.rates.get(name) ?? this.begin(name, now)).take(now, amount)
  }

  private begin(name: string, now: number): Rate.Rate {
    if (this.rates.size >= this.most) {
      for (const [other, rate] of this.rates) if (rate.isFull(now)) this.rates.delete(other)
      // all are in use: the one that was begun first makes room
      const [first] = this.rates.keys()
      if (this.rates.size >= this.most && first !== undefined) this.rates.delete(first)
    }
    const rate = Rate.make(this.rate)
    this.rates.set(name, rate)
    return rate
  }
}
