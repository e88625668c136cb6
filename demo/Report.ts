/**
 * What the demo shows: for people, a table of what each member sees; for programs, one JSON value a line.
 *
 * @since 0.1.0
 */
import * as Console from "effect/Console"
import type * as Effect from "effect/Effect"
import * as PlainText from "../src/base/PlainText.ts"
import type { MemberState } from "../src/Member.ts"
import type { EventName } from "./Line.ts"
import type { Observation, State } from "./World.ts"
import * as World from "./World.ts"

export interface Summary {
  readonly nodes: number
  readonly killed: { readonly member: string; readonly suspectedAfter: Seconds; readonly failedAfter: Seconds }
  readonly left: { readonly member: string; readonly seenAfter: Seconds }
  readonly survivors: ReadonlyArray<string>
}

/** Seconds, by observer. */
export type Seconds = Readonly<Record<string, number>>

export interface Report {
  /** A step of the story. */
  readonly step: (at: number, text: string) => Effect.Effect<void>
  readonly observed: (observation: Observation) => Effect.Effect<void>
  readonly table: (at: number, state: State) => Effect.Effect<void>
  readonly summary: (summary: Summary) => Effect.Effect<void>
}

const seconds = (millis: number): string => `${(millis / 1000).toFixed(1).padStart(5)} s`

type Paint = (text: string, color: "green" | "yellow" | "red" | "dim" | "bold") => string

const codes = { green: 32, yellow: 33, red: 31, dim: 2, bold: 1 }
const painted: Paint = (text, color) => `\u001b[${codes[color]}m${text}\u001b[0m`
const plain: Paint = (text) => text

const stateColor = { alive: "green", suspect: "yellow", dead: "red", left: "dim" } as const
const stateText = (state: MemberState | undefined, paint: Paint): string =>
  state === undefined ? paint("-".padEnd(8), "dim") : paint(state.padEnd(8), stateColor[state])

const eventText: Readonly<Record<EventName, string>> = {
  MemberJoined: "joined",
  MemberUpdated: "updated",
  MemberSuspected: "is suspected",
  MemberRecovered: "recovered",
  MemberFailed: "failed",
  MemberLeft: "left",
  MemberReachabilityChanged: "is reached in another way",
  MemberConflict: "is claimed twice"
}

const span = (times: Seconds): string => {
  const values = Object.values(times)
  return `${Math.min(...values).toFixed(1)}‥${Math.max(...values).toFixed(1)} s on ${values.length} survivors`
}

const rows = (state: State, paint: Paint): ReadonlyArray<string> => {
  const names = World.names(state)
  const width = Math.max(8, ...names.map((name) => name.length)) + 2
  const header = `${"sees".padEnd(width)}${names.map((name) => name.padEnd(width)).join("")}`
  const lines = names.map((observer) => {
    const fate = state.fates.get(observer)
    if (fate !== "running") return `${observer.padEnd(width)}${paint(`(${fate})`, "dim")}`
    const seen = state.views.get(observer) ?? []
    const cells = names.map((name) =>
      `${stateText(seen.find((member) => member.name === name)?.state, paint)}${" ".repeat(width - 8)}`
    )
    return `${observer.padEnd(width)}${cells.join("").trimEnd()}`
  })
  return [paint(header.trimEnd(), "bold"), ...lines]
}

/** For a person. Colours only where they are understood. */
export const text = (colours: boolean): Report => {
  const paint = colours ? painted : plain
  return {
    step: (at, line) => Console.log(`${seconds(at)}  ${paint(line, "bold")}`),
    observed: ({ at, event, member, observer }) =>
      Console.log(`${seconds(at)}  ${observer}: ${PlainText.name(member)} ${eventText[event]}`),
    table: (at, state) => Console.log(`\n${seconds(at)}  members\n${rows(state, paint).join("\n")}`),
    summary: (summary) =>
      Console.log([
        "",
        paint("Every survivor agrees.", "green"),
        `  ${summary.killed.member} was killed: suspected after ${span(summary.killed.suspectedAfter)},`,
        `    failed after ${span(summary.killed.failedAfter)}`,
        `  ${summary.left.member} said goodbye: seen as left, not failed, after ${span(summary.left.seenAfter)}`,
        `  ${summary.survivors.length} of ${summary.nodes} remain: ${summary.survivors.join(", ")}`
      ].join("\n"))
  }
}

const jsonLine = (type: string, at: number | undefined, value: object) =>
  Console.log(PlainText.json({ type, ...(at === undefined ? {} : { seconds: at / 1000 }), ...value }))

/** For a program. */
export const json: Report = {
  step: (at, line) => jsonLine("step", at, { text: line }),
  observed: ({ at, event, member, observer }) => jsonLine("event", at, { observer, event, member }),
  table: (at, state) =>
    jsonLine("members", at, { views: Object.fromEntries(state.views), fates: Object.fromEntries(state.fates) }),
  summary: (summary) => jsonLine("summary", undefined, summary)
}
