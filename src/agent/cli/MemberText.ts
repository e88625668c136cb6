/**
 * Members as people read them: their states, their ways, their metadata, and a table of them.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import type * as Model from "../Model.ts"
import * as Columns from "./Columns.ts"

const colors = { alive: "green", suspect: "yellow", dead: "red", left: "dim" } as const

/**
 * Returns the state as a cell.
 *
 * @category conversions
 * @since 0.1.0
 */
export const stateCell = (state: Model.MemberView["state"]): Columns.Cell => ({ text: state, color: colors[state] })

/**
 * Returns how long ago something was, in one unit: `12 s`, `3 min`, `5 h`, `2 d`.
 *
 * @category conversions
 * @since 0.1.0
 */
export const ago = (millis: number): string => {
  const seconds = Math.max(0, Math.round(millis / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/**
 * Returns bytes as a text: their own, or base64.
 *
 * @category conversions
 * @since 0.1.0
 */
export const contentText = ({ base64, size, text }: Model.Content): string =>
  size === 0 ? "" : text ?? `base64:${base64}`

/**
 * Returns in a few words which ways lead to a member.
 *
 * @category conversions
 * @since 0.1.0
 */
export const waysCell = ({ lostUntil, reachability, self }: Model.MemberView): Columns.Cell => {
  if (self) return { text: "this agent", color: "dim" }
  if (lostUntil !== undefined) return { text: "looked for", color: "dim" }
  if (reachability === undefined) return { text: "-", color: "dim" }
  const ways = [["UDP out", reachability.udpOut], ["UDP in", reachability.udpIn], ["TCP", reachability.tcp]] as const
  const failing = ways.filter(([, way]) => way === "fails").map(([name]) => `${name} fails`)
  if (reachability.listed === "no") failing.push("does not list this agent")
  if (failing.length > 0) return { text: failing.join(", "), color: "red" }
  const known = ways.filter(([, way]) => way === "works").map(([name]) => name)
  return known.length === 0
    ? { text: "not heard yet", color: "yellow" }
    : {
      text: known.length === ways.length ? "all work" : `${known.join(", ")} ${known.length === 1 ? "works" : "work"}`
    }
}

const { compare } = new Intl.Collator("en", { numeric: true })

/**
 * Returns members in the order in which people look for them: by name, with numbers in the order of numbers.
 *
 * @category conversions
 * @since 0.1.0
 */
export const sorted = (members: ReadonlyArray<Model.MemberView>): ReadonlyArray<Model.MemberView> =>
  members.toSorted((a, b) => compare(a.name, b.name))

/**
 * Returns since when something is: how long on a terminal, the time for programs.
 *
 * @category conversions
 * @since 0.1.0
 */
export const sinceText = (screen: Columns.Screen, now: number, since: DateTime.Utc | undefined): string => {
  if (since === undefined) return "-"
  return screen.columns === undefined
    ? DateTime.formatIso(since)
    : ago(now - since.epochMilliseconds)
}

/**
 * Returns the table of members.
 *
 * @category conversions
 * @since 0.1.0
 */
export const memberLines = (
  screen: Columns.Screen,
  now: number,
  members: ReadonlyArray<Model.MemberView>
): ReadonlyArray<string> =>
  Columns.lines(
    screen,
    ["NAME", "ADDRESS", "STATE", "SINCE", "WAYS", "METADATA"],
    members.map((member) => [
      { text: member.name, color: member.self ? "bold" : undefined },
      { text: member.address },
      stateCell(member.state),
      { text: sinceText(screen, now, member.since) },
      waysCell(member),
      { text: contentText(member.meta) }
    ])
  )
