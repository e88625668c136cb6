/** What was planned beside what was measured, as the tables of docs/plan.md, and what is beyond its tolerance. */
import * as Arr from "effect/Array"
import { table } from "../drawing/Markdown.ts"
import { quantile } from "../measuring/Statistics.ts"
import type { Planned, Rough } from "./grid.ts"
import type { Job, Result } from "./measure.ts"

export interface Measured {
  readonly job: Job
  readonly outcome: Result
}

/** How far a measured figure may be from the planned one, as a part of it; some of that is chance with these runs. */
export const tolerances = { detection: 0.1, packets: 0.1, bytes: 0.1, news: 0.2 } as const
/** What times of news may differ by in any case, in milliseconds, and beside the tolerance, of so many changes. */
const SLACK = 30
/** Bytes of a packet that carries a rumour, about. */
const RUMOUR = 100
const chanceOf = (changes: number): number => 0.4 / Math.sqrt(changes)
/**
 * Where losses make errors frequent, the formulas are for the worst: counted is at least, and at most, so many times
 * planned.
 */
const ROUGH_SUSPICIONS = [0.6, 1.2] as const
const ROUGH_VERDICTS = [0, 2] as const

/** The share of failures that are known to all within the planned time, and the least of all of them that may be. */
const IN_TIME = 0.99
const LEAST_IN_TIME = 0.98

/** Counts differ by chance: so many standard deviations of a Poisson distribution, and this part, are none. */
const SIGMAS = 3
const COUNT_TOLERANCE = 0.25

const DAY = 86_400
const HEADERS = 28

const rounded = (value: number): string =>
  !Number.isFinite(value)
    ? "–"
    : value >= 1000
    ? Math.round(value).toLocaleString("en-GB")
    : value >= 100
    ? value.toFixed(0)
    : String(Number(value.toPrecision(2)))

const seconds = (millis: number): string =>
  Number.isFinite(millis) ? (millis / 1000).toFixed(millis < 9_995 ? 2 : 1) : "–"
const percent = (share: number): string => `${Number((100 * share).toFixed(1))} %`

/** JSON has no infinity: what never happened was written as null. */
const times = (results: ReadonlyArray<Result>, of: "first" | "all" | "half" | "known"): ReadonlyArray<number> =>
  results.flatMap((result) => result[of] as ReadonlyArray<number | null>).map((time) => time ?? Infinity)

const total = (
  results: ReadonlyArray<Result>,
  of: "packets" | "packetBytes" | "streamBytes" | "seconds" | "suspicions" | "verdicts"
): number => results.reduce((sum, result) => sum + result[of], 0)

type Plan = Extract<Planned, { readonly jobs: unknown }>

/** A cell that was measured. */
interface Row extends Plan {
  readonly results: ReadonlyArray<Result>
}

export const keyOf = ({ loss, members, quiet, seed, tuning, victims }: Job): string =>
  [members, loss, seed, victims, quiet, ...Object.values(tuning)].join("/")

const rowsOf = (cells: ReadonlyArray<Planned>, measured: ReadonlyArray<Measured>): ReadonlyArray<Row> => {
  const results = new Map(measured.map(({ job, outcome }) => [keyOf(job), outcome]))
  return cells.flatMap((cell) => {
    if ("refused" in cell) return []
    const found = cell.jobs.flatMap((job) => results.get(keyOf(job)) ?? [])
    return found.length === 0 ? [] : [{ ...cell, results: found }]
  })
}

/** One figure of a row: what was planned, what was measured, and how far apart they may be. */
interface Figure {
  readonly what: string
  readonly planned: number
  readonly measured: number
  readonly tolerance: number
  readonly slack: number
}

const middle = (values: ReadonlyArray<number>): number => quantile(values, 0.5)

/** Seconds of all members together. */
const memberSeconds = ({ members, results }: Row): number => members * total(results, "seconds")

const figures = (row: Row): Readonly<Record<"first" | "all" | "half" | "news" | "packets" | "bytes", Figure>> => {
  const { forecast, results } = row
  const { detection, packets, bytes, news } = tolerances
  const per = memberSeconds(row)
  const chance = chanceOf(times(results, "half").length)
  const sent = total(results, "packetBytes") + HEADERS * total(results, "packets") + total(results, "streamBytes")
  // a single false suspicion costs each member as many bytes, and comes by chance
  const expected = forecast.wrong.suspicions * per / DAY
  const byChance = expected === 0 ? 0 : forecast.traffic.rumours / expected * SIGMAS * Math.sqrt(Math.max(1, expected))
  const of = (what: string, planned: number, measured: number, tolerance: number, slack = 0): Figure => ({
    what,
    planned,
    measured,
    tolerance,
    slack
  })
  return {
    first: of("first verdict", forecast.detection.first.median, middle(times(results, "first")), detection),
    all: of("known to all", forecast.detection.all.median, middle(times(results, "all")), detection),
    half: of("news, half", forecast.news.half, middle(times(results, "half")), news + chance, SLACK),
    news: of("news, all", forecast.news.all.median, middle(times(results, "known")), news + chance, SLACK),
    packets: of("packets", forecast.traffic.packets, total(results, "packets") / per, packets, byChance / RUMOUR),
    bytes: of("bytes", forecast.traffic.bytes, sent / per, bytes, byChance)
  }
}

const deviation = ({ measured, planned }: Figure): number => measured / planned - 1

const isBeyond = ({ measured, planned, slack, tolerance }: Figure): boolean =>
  !(Math.abs(measured - planned) <= Math.max(slack, tolerance * planned))

const beside = (show: (value: number) => string) => (figure: Figure): ReadonlyArray<string> => [
  show(figure.planned),
  `${show(figure.measured)}${isBeyond(figure) ? " (!)" : ""}`
]

const name = ({ detect, loss, members }: Planned): string => `${members} members, ${detect} s, ${percent(loss)} lost`

const sizesOf = (rows: ReadonlyArray<Row>): ReadonlyArray<number> => [...new Set(rows.map(({ members }) => members))]

const inTime = (row: Row): readonly [within: number, of: number] => {
  const all = times(row.results, "all")
  return [all.filter((time) => time <= row.forecast.detection.all.p99).length, all.length]
}

const sum = (rows: ReadonlyArray<Row>, of: (row: Row) => number): number => rows.reduce((all, row) => all + of(row), 0)

/** What a rough cluster did, beside its forecast; nothing when it was not run. */
const errorsOf = ({ forecast, job, members }: Rough, measured: ReadonlyArray<Measured>) => {
  const found = measured.find((each) => keyOf(each.job) === keyOf(job))?.outcome
  if (found === undefined) return []
  const days = members * found.seconds / DAY
  const { suspicions, verdicts } = forecast.wrong
  return [{
    suspicions: [suspicions * days, found.suspicions],
    verdicts: [verdicts * days, found.verdicts]
  }] as const
}

const isWithin = ([planned, counted]: readonly [number, number], [low, high]: readonly [number, number]): boolean => {
  const chance = SIGMAS * Math.sqrt(planned)
  return counted >= low * planned - chance && counted <= high * planned + chance
}

const roughName = ({ loss, members }: Rough): string => `${members} members, ${percent(loss)} lost, careless settings`

/** What is beyond its tolerance, in words. */
export const beyond = (
  cells: ReadonlyArray<Planned>,
  measured: ReadonlyArray<Measured>,
  rough: ReadonlyArray<Rough> = []
): ReadonlyArray<string> => {
  const rows = rowsOf(cells, measured)
  const found = rows.flatMap((row) =>
    Object.values(figures(row)).filter(isBeyond).map((figure) =>
      `${name(row)}: ${figure.what} is ${percent(deviation(figure))} off`
    )
  )
  const within = sum(rows, (row) => inTime(row)[0])
  const of = sum(rows, (row) => inTime(row)[1])
  if (of > 0 && within / of < LEAST_IN_TIME) {
    found.push(
      `${percent(within / of)} of ${of} failures were known to all in the planned time, not ${percent(IN_TIME)}`
    )
  }
  const expected = sum(rows, (row) => row.forecast.wrong.suspicions * memberSeconds(row) / DAY)
  const counted = sum(rows, ({ results }) => total(results, "suspicions"))
  if (Math.abs(counted - expected) > SIGMAS * Math.sqrt(expected) + COUNT_TOLERANCE * expected) {
    found.push(`${counted} suspicions of live members, and ${rounded(expected)} planned`)
  }
  const wrong = sum(rows, (row) => row.forecast.wrong.verdicts * memberSeconds(row) / DAY)
  const verdicts = sum(rows, ({ results }) => total(results, "verdicts"))
  if (verdicts > wrong + SIGMAS * Math.sqrt(wrong) + 1) {
    found.push(`${verdicts} verdicts about live members, and ${rounded(wrong)} planned`)
  }
  for (const each of rough) {
    for (const { suspicions, verdicts } of errorsOf(each, measured)) {
      if (!isWithin(suspicions, ROUGH_SUSPICIONS)) found.push(`${roughName(each)}: ${suspicions[1]} suspicions`)
      if (!isWithin(verdicts, ROUGH_VERDICTS)) found.push(`${roughName(each)}: ${verdicts[1]} verdicts`)
    }
  }
  return found
}

/** The tables of the page. */
export const tables = (
  cells: ReadonlyArray<Planned>,
  measured: ReadonlyArray<Measured>,
  rough: ReadonlyArray<Rough> = []
): string => {
  const rows = rowsOf(cells, measured)
  const goal = ({ detect, loss, members }: Planned) => [String(members), `${detect} s`, percent(loss)]
  const settings = table(
    [
      "members",
      "detect",
      "loss",
      "`probeInterval`",
      "`probeTimeout`",
      "`suspicionMult`",
      "`indirectChecks`",
      "`retransmitMult`",
      "`gossipInterval`"
    ],
    cells.map((cell) =>
      "refused" in cell ? [...goal(cell), "refused", "", "", "", "", ""] : [
        ...goal(cell),
        `${cell.tuning.probeInterval} ms`,
        `${cell.tuning.probeTimeout} ms`,
        String(cell.tuning.suspicionMult),
        String(cell.tuning.indirectChecks),
        String(cell.tuning.retransmitMult),
        `${cell.tuning.gossipInterval} ms`
      ]
    ),
    3
  )
  const detection = table(
    ["members", "detect", "loss", "first", "measured", "all", "measured", "99 % of all", "in that time"],
    rows.map((row) => {
      const { all, first } = figures(row)
      const [within, of] = inTime(row)
      return [
        ...goal(row),
        ...beside(seconds)(first),
        ...beside(seconds)(all),
        seconds(row.forecast.detection.all.p99),
        `${within} of ${of}`
      ]
    }),
    3
  )
  const cost = table(
    [
      "members",
      "detect",
      "loss",
      "packets",
      "measured",
      "bytes",
      "measured",
      "news, half",
      "measured",
      "news, all",
      "measured"
    ],
    rows.map((row) => {
      const { bytes, half, news, packets } = figures(row)
      return [
        ...goal(row),
        ...beside(rounded)(packets),
        ...beside(rounded)(bytes),
        ...beside(seconds)(half),
        ...beside(seconds)(news)
      ]
    }),
    3
  )
  const losses = [...new Set(rows.map(({ loss }) => loss))]
  const errors = table(
    ["loss", "member-hours", "suspicions planned", "counted", "verdicts planned", "counted"],
    losses.map((loss) => {
      const own = rows.filter((row) => row.loss === loss)
      return [
        percent(loss),
        rounded(sum(own, memberSeconds) / 3600),
        rounded(sum(own, (row) => row.forecast.wrong.suspicions * memberSeconds(row) / DAY)),
        String(sum(own, ({ results }) => total(results, "suspicions"))),
        rounded(sum(own, (row) => row.forecast.wrong.verdicts * memberSeconds(row) / DAY)),
        String(sum(own, ({ results }) => total(results, "verdicts")))
      ]
    })
  )
  const together = table(
    ["members", "failures", "known to all in the planned time", "half of them within … of it", "99 % within"],
    sizesOf(rows).map((members) => {
      const own = rows.filter((row) => row.members === members)
      const relative = own.flatMap((row) =>
        times(row.results, "all").map((time) => time / row.forecast.detection.all.p99)
      )
      const within = sum(own, (row) => inTime(row)[0])
      return [
        String(members),
        String(relative.length),
        percent(within / relative.length),
        percent(quantile(relative, 0.5)),
        percent(quantile(relative, 0.99))
      ]
    })
  )
  const careless = table(
    [
      "members",
      "loss",
      "`indirectChecks`",
      "`retransmitMult`",
      "suspicions planned",
      "counted",
      "verdicts planned",
      "counted"
    ],
    rough.flatMap((each) =>
      errorsOf(each, measured).map(({ suspicions, verdicts }) => [
        String(each.members),
        percent(each.loss),
        String(each.tuning.indirectChecks),
        String(each.tuning.retransmitMult),
        rounded(suspicions[0]),
        String(suspicions[1]),
        rounded(verdicts[0]),
        String(verdicts[1])
      ])
    ),
    4
  )
  const off = beyond(cells, measured, rough)
  const reasons = Arr.groupBy(cells.flatMap((cell) => "refused" in cell ? [cell] : []), ({ refused }) => refused)
  const refusals = Object.entries(reasons).map(([refused, same]) => `${same.map(name).join("; ")}: ${refused}`)
  return [
    "### Settings",
    settings,
    ...(refusals.length === 0 ? [] : [refusals.map((each) => `- ${each}`).join("\n")]),
    "### Seconds until a failure is known",
    detection,
    "All sizes, goals and losses together:",
    together,
    "### Packets and bytes a member sends in a second, and seconds until news is known",
    cost,
    "### Wrong about live members",
    errors,
    ...(rough.length === 0
      ? []
      : ["With settings that nobody would plan, so that there is something to count:", careless]),
    "### Beyond the tolerances",
    off.length === 0 ? "Nothing." : off.map((each) => `- ${each}`).join("\n")
  ].join("\n\n")
}
