/** Processes that only begin: what the library costs before it does anything. */
import type { Subject } from "../../page/Results.ts"
import { resident, type Section } from "../../page/Section.ts"
import { spread } from "../../page/Statistics.ts"
import type { Child } from "../Child.ts"
import { MB, type Measuring, withChildren } from "../Measuring.ts"

export const seconds = 14

export const measure = async (measuring: Measuring): Promise<void> => {
  const turns = measuring.turns("ours", "before", "go", "bare", "effect")
  const started = new Map<Subject, Array<Child["started"]>>(turns.map((subject) => [subject, []]))
  for (let i = 0; i < measuring.amounts.imports; i++) {
    for (const subject of turns) {
      await withChildren([measuring.command(subject, "import")], async ([child]) => {
        if (child !== undefined) started.get(subject)?.push(child.started)
      })
    }
  }
  for (const [subject, each] of started) {
    measuring.record(subject, {
      cpu: spread(each.map(({ micros }) => micros / 1000))?.median,
      wall: spread(each.map(({ wallMillis }) => wallMillis))?.min,
      resident: spread(each.map(({ memory }) => memory.resident / MB))?.median
    })
  }
}

export const section: Section = {
  title: () => "Import",
  text: (amounts) =>
    `A process that imports, and says that it has: ${amounts.imports} of each a round. The fastest of a round is told, as the time from
its start, and the middle one's memory and processor time. Go's is its program's start.`,
  figures: [
    { key: "cpu", title: "CPU ms", digits: 0 },
    { key: "wall", title: "fastest, ms", digits: 0 },
    resident("resident", "resident, MB")
  ]
}
