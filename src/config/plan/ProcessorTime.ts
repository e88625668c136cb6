/**
 * What a member costs its processor while nothing happens: what it sends in a second, times what that took where it was
 * measured. `npm run bench -- --only plan` measures it again (`docs/benchmarks.md`).
 *
 * @since 0.1.0
 */
import { pushPullScale } from "../../base/Scaling.ts"
import type { Circumstances, Tuning } from "./Circumstances.ts"
import type { Traffic } from "./Traffic.ts"

/** Milliseconds of processor time in a second that a process takes whatever its settings are, with some push/pulls. */
const PROCESS = 0.5
/** For each datagram that is sent, and the one that is received for it: a process that sleeps is woken up for it. */
const DATAGRAM = 1.08
/** What sealing the one and opening the other adds. */
const SEALED = 0.19
/** For each member of a list that is sent and compared with what is known (part `table`, "warm"). */
const ROW = 0.006

/** Returns milliseconds of processor time in a second. */
export const processorTime = (tuning: Tuning, circumstances: Circumstances, { packets }: Traffic): number => {
  const { encrypted, members } = circumstances
  const { pushPullInterval } = tuning
  // each member begins one, and somebody begins one with it
  const lists = pushPullInterval === 0 ? 0 : 2000 / pushPullScale(pushPullInterval, members)
  return PROCESS + packets * (encrypted ? DATAGRAM + SEALED : DATAGRAM) + lists * members * ROW
}
