/** Compares what was measured with the budget. */

/** What is kept in budget.json: what was measured when somebody looked at it last. */
export interface Figures {
  /** By its name, each times the reference. */
  readonly works: Readonly<Record<string, number>>
  /** Of a simulated cluster, by name. */
  readonly counts: Readonly<Record<string, number>>
  /** Processor time of importing the package, in that of the Effect modules it imports. */
  readonly import: Readonly<Record<string, number>>
  /** Bytes of a minified bundle. */
  readonly bundle: Readonly<Record<string, number>>
}

export const groups = ["works", "counts", "import", "bundle"] as const
export type Group = typeof groups[number]

/**
 * How much above the budget is still no failure. Each is wider than what was seen of a machine of two processors with a
 * load of 6 to 17 (bench/README.md has the figures), and narrower than most paths that became 1.75 times as slow.
 */
export const tolerance: Readonly<Record<Group, number>> = { works: 0.4, counts: 0.1, import: 0.25, bundle: 0.03 }

export interface Verdict {
  readonly group: Group
  readonly name: string
  readonly measured: number
  /** Undefined where the budget has no such figure. */
  readonly budget: number | undefined
  /** `high`: above what is allowed. `low`: so far below that the budget would let it become 1.5 times as much. */
  readonly is: "ok" | "high" | "low" | "unknown"
}

const SLOWER = 1.5

/** Returns the most that a figure may be, where it has a budget. */
export const most = (group: Group, budget: number | undefined): number | undefined =>
  budget === undefined ? undefined : budget * (1 + tolerance[group])

/** Returns a verdict on each figure that was measured. */
export const judge = (measured: Partial<Figures>, budget: Figures): ReadonlyArray<Verdict> =>
  groups.flatMap((group) =>
    Object.entries(measured[group] ?? {}).map(([name, value]): Verdict => {
      const allowed = budget[group][name]
      const limit = most(group, allowed)
      if (limit === undefined) return { group, name, measured: value, budget: undefined, is: "unknown" }
      const is = value > limit ? "high" : value * SLOWER <= limit ? "low" : "ok"
      return { group, name, measured: value, budget: allowed, is }
    })
  )

/** Whether it ends with a failure: also when a figure has no budget, or a budget no figure. */
export const failures = (verdicts: ReadonlyArray<Verdict>): ReadonlyArray<Verdict> =>
  verdicts.filter(({ is }) => is === "high" || is === "unknown")

/** What the budget names and nobody has measured. */
export const missing = (measured: Figures, budget: Figures): ReadonlyArray<string> =>
  groups.flatMap((group) =>
    Object.keys(budget[group]).filter((name) => measured[group][name] === undefined).map((name) => `${group}: ${name}`)
  )

const digits = (value: number): string => value >= 100 ? value.toFixed(0) : value.toPrecision(3)

const words = { ok: "", high: "  ABOVE THE BUDGET", low: "  lower the budget", unknown: "  NOT IN THE BUDGET" }

/** One line for each. */
export const table = (verdicts: ReadonlyArray<Verdict>): string =>
  verdicts.map(({ budget, group, is, measured, name }) => {
    const share = budget === undefined ? "" : `${((measured / budget - 1) * 100).toFixed(0)} %`
    return [
      group.padEnd(7),
      name.padEnd(52),
      digits(measured).padStart(9),
      (budget === undefined ? "" : digits(budget)).padStart(9),
      share.padStart(7)
    ].join(" ") + words[is]
  }).join("\n")
