/**
 * Which name conflicts were told lately. Both nodes of a conflict go on announcing themselves, and every gossip and
 * every push/pull brings the conflict up again; one report a minute says as much.
 */
import * as Address from "../../base/Address.ts"

/** One and the same conflict is told again after this time, in milliseconds. */
export const REPORT_INTERVAL = 60_000

/**
 * Different conflicts told within one interval. Further ones are only counted: whoever can forge claims could otherwise
 * make up a new one with every packet.
 */
export const MAX_REPORTS = 64

/** The reports of the last interval, oldest first. */
export type Conflicts = ReadonlyArray<Report>

interface Report {
  readonly name: string
  /** The two addresses in a fixed order, so that it does not matter whose claim came second. */
  readonly between: readonly [string, string]
  readonly at: number
}

/** Where one of the two is. */
interface Place {
  readonly addr: Uint8Array
  readonly port: number
}

export const none: Conflicts = []

const text = ({ addr, port }: Place): string => Address.format({ ip: Address.ipText(addr) ?? "", port })

/** What is remembered after a conflict, and whether this one is to be told. `now` is in milliseconds. */
export const note = (
  conflicts: Conflicts,
  name: string,
  one: Place,
  other: Place,
  now: number
): readonly [Conflicts, boolean] => {
  const [a, b] = [text(one), text(other)].sort()
  const between = [a ?? "", b ?? ""] as const
  const recent = conflicts.filter(({ at }) => now - at < REPORT_INTERVAL)
  const known = recent.some((report) =>
    report.name === name && report.between[0] === between[0] && report.between[1] === between[1]
  )
  if (known || recent.length >= MAX_REPORTS) return [conflicts, false]
  return [[...recent, { name, between, at: now }], true]
}
