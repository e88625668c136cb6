/** How many packets are due, so that a rate is really kept: in bursts of at most two milliseconds' worth. */

export class Pace {
  private readonly perSecond: number
  private readonly burst: number
  /** Packets that were due and never will be sent, because the sender was too slow for them. */
  skipped = 0
  private sent = 0

  constructor(perSecond: number) {
    this.perSecond = perSecond
    this.burst = Math.max(1, Math.ceil(perSecond / 500))
  }

  /** How many to send now, `seconds` after the start. */
  due(seconds: number): number {
    let behind = Math.floor(seconds * this.perSecond) - this.sent - this.skipped
    // a tenth of a second that was lost is not made up for: the flood would be another one
    const most = Math.max(1, Math.ceil(this.perSecond / 10))
    if (behind > most) {
      this.skipped += behind - most
      behind = most
    }
    const now = Math.max(0, Math.min(this.burst, behind))
    this.sent += now
    return now
  }
}
