/**
 * Keeps what the sockets have to tell until the node listens: it starts after they are open.
 *
 * @since 0.1.0
 */
import type { Transport, TransportNotice } from "../Transport.ts"

/** Notices that wait for a listener; when there are more, the oldest make room. */
export const MAX_WAITING = 64

/** Tells of something. Synchronous, so that what is counted by it is counted at once. */
export type Notify = (notice: TransportNotice) => void

/** Tells nobody. */
export const silent: Notify = () => {}

export interface Notices {
  readonly notify: Notify
  readonly onNotice: NonNullable<Transport["Service"]["onNotice"]>
}

/** Makes the place where a transport and its node meet. */
export const make = (): Notices => {
  let waiting: Array<TransportNotice> = []
  let listener: Notify | undefined
  return {
    notify: (notice) => {
      if (listener !== undefined) return listener(notice)
      if (waiting.length === MAX_WAITING) waiting.shift()
      waiting.push(notice)
    },
    onNotice: (next) => {
      listener = next
      const before = waiting
      waiting = []
      for (const notice of before) next(notice)
    }
  }
}
