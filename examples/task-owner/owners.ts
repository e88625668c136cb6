/** How many owners each task had, and when: from the reports of all nodes. */
import { type Report, tasks } from "./report.ts"

/** A report of a node, or its end, which it cannot report when it is killed. */
export type Entry = { readonly name: string } & (Report | { readonly _tag: "Gone"; readonly at: number })

/** A time in which a task had no owner, or several; without an end while it lasts. */
export interface Span {
  readonly task: string
  readonly owners: number
  readonly from: number
  readonly to: number | undefined
}

export interface Owners {
  /** What each node that is there runs at the end. */
  readonly running: ReadonlyMap<string, ReadonlySet<string>>
  /** The members of the ring that all follow at the end; none while they differ. */
  readonly agreed: ReadonlyArray<string> | undefined
  /** How many tasks have none, one or several of them at the end. */
  readonly counts: { readonly none: number; readonly one: number; readonly several: number }
  readonly spans: ReadonlyArray<Span>
  /** Milliseconds in which all followed the same ring, and yet a task had two owners. */
  readonly broken: number
}

/** What entries come to, in the order of their times. All clocks are that of one machine. */
export const ownersOf = (entries: ReadonlyArray<Entry>): Owners => {
  const running = new Map<string, Set<string>>()
  const rings = new Map<string, ReadonlyArray<string>>()
  const sorted = entries.toSorted((a, b) => a.at - b.at)
  const start = sorted[0]?.at ?? 0
  const open = new Map<string, Pick<Span, "owners" | "from">>(tasks.map((task) => [task, { owners: 0, from: start }]))
  const spans: Array<Span> = []
  /** Counts its owners again. */
  const recount = (task: string, at: number) => {
    const owners = [...running.values()].filter((own) => own.has(task)).length
    const span = open.get(task)
    if (span === undefined || span.owners === owners) return
    // within a millisecond nobody knows which was first
    if (span.owners !== 1 && at > span.from) spans.push({ task, ...span, to: at })
    open.set(task, { owners, from: at })
  }
  const agreed = () => {
    const [first, ...others] = [...running.keys()].map((name) => rings.get(name))
    return others.every((ring) => ring?.join() === first?.join()) ? first : undefined
  }
  const countOf = (is: (owners: number) => boolean) => [...open.values()].filter(({ owners }) => is(owners)).length

  let broken = 0
  let before = start
  for (const entry of sorted) {
    const { at, name } = entry
    if (at > before && agreed() !== undefined && countOf((owners) => owners > 1) > 0) broken += at - before
    before = at
    const own = running.get(name) ?? new Set<string>()
    running.set(name, own)
    switch (entry._tag) {
      case "Begun":
        own.add(entry.task)
        recount(entry.task, at)
        break
      case "Ended":
        own.delete(entry.task)
        recount(entry.task, at)
        break
      case "Follows":
        rings.set(name, entry.members)
        break
      case "Gone":
        running.delete(name)
        rings.delete(name)
        for (const task of own) recount(task, at)
    }
  }
  const lasting = [...open].filter(([, { owners }]) => owners !== 1)
  return {
    running,
    agreed: agreed(),
    counts: { none: countOf((n) => n === 0), one: countOf((n) => n === 1), several: countOf((n) => n > 1) },
    spans: [...spans, ...lasting.map(([task, span]) => ({ task, ...span, to: undefined }))],
    broken
  }
}
