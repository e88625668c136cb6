/** Messages, packets and lists, encoded and decoded: time and bytes. */
import { table as markdown } from "../../../simulate/drawing/Markdown.ts"
import type { Run, Sample } from "../../page/Results.ts"
import type { Subject } from "../../page/Results.ts"
import { cell, type Section, type Target } from "../../page/Section.ts"
import * as Statistics from "../../page/Statistics.ts"
import { type Command } from "../Child.ts"
import { type Measuring, withChildren } from "../Measuring.ts"

/** What is encoded and decoded, in the order of the page, and the share of Go's time that ours is to stay within. */
export const cases = [
  { name: "ping", title: "ping", target: 0.25 },
  { name: "ack", title: "ack", target: 0.25 },
  { name: "alive", title: "alive", target: 0.25 },
  { name: "indirectPing", title: "indirect ping", target: 0.5 },
  { name: "nack", title: "nack", target: 0.5 },
  { name: "suspect", title: "suspect", target: 0.5 },
  { name: "dead", title: "dead", target: 0.5 },
  { name: "error", title: "error", target: 0.5 },
  { name: "compound", title: "packet of 20 alive", target: 0.5 },
  { name: "sealed", title: "the same, compressed, encrypted", target: 0.5 },
  { name: "pushPull1000", title: "push/pull of 1,000", target: 0.5 },
  { name: "pushPull10000", title: "push/pull of 10,000", target: 0.5 }
] as const

export const operations = ["encode", "decode"] as const

const text =
  `Encoded and decoded again and again, by nothing but the functions that nodes use: ours built from the package's sources, Go's
\`encode\`, \`decode\`, \`makeCompoundMessage\`, \`compressPayload\`, \`encryptPayload\` and their counterparts from memberlist
itself, with structs that have the fields and tags of its own (go-msgpack v2.1.5 reads them by reflection). Packets include
their 20 messages, encoded one by one and decoded into 20 values; the encrypted one has a checksum and a fresh nonce. The
lists are written and read as \`sendLocalState\` and \`readRemoteState\` do it, in clear; ours is written in pieces of a thousand rows, and arrives in portions of 64 kB.
Addresses are of four bytes, alive messages and rows have 32 bytes of metadata. Both sides encode the same bytes; a run in
which they do not fails. A process of each side measures everything, one after the other, so that ours is compiled for all
messages and not for one. The time is processor time of the whole process, collectors included: batches of at least 20 ms,
the median of nine. Ours are timed by tinybench, because it takes that clock. Bytes are what one
operation allocates: Go's by \`runtime.MemStats.TotalAlloc\`; ours by the heap's size and that of byte arrays, before and
after many operations without a collection in between, in a process of its own that has room for that.`

const figure = (samples: ReadonlyArray<Sample>, subject: Sample["subject"], key: string) =>
  Statistics.figure(samples, subject, key)

const time = (spread: Statistics.Spread | undefined): string => {
  if (spread === undefined) return "–"
  const [unit, digits] = spread.median >= 1e6 ? [1e6, 2] : spread.median >= 1000 ? [1000, 2] : [1, 0]
  const scaled = { ...spread, median: spread.median / unit, min: spread.min / unit, max: spread.max / unit }
  return cell(scaled, digits, unit === 1e6 ? " ms" : unit === 1000 ? " µs" : " ns")
}

/** Returns the table of all messages, packets and lists, or nothing where none was measured. */
export const table = (samples: ReadonlyArray<Sample>): string => {
  const rows = cases.flatMap(({ name, target, title }) =>
    operations.flatMap((operation) => {
      const key = (what: string) => `${name}.${operation}.${what}`
      const ours = figure(samples, "ours", key("nanos"))
      if (ours === undefined) return []
      const ratio = Statistics.ratio(samples, key("nanos"), ["ours", "go"])
      const before = Statistics.ratio(samples, key("nanos"), ["ours", "before"])
      const bytes = Statistics.ratio(samples, key("bytes"), ["ours", "go"])
      const verdict = ratio === undefined ? "–" : `${target}: ${ratio.median <= target ? "met" : "missed"}`
      return [[
        `${title}, ${operation}`,
        cell(figure(samples, "ours", key("size")), 0),
        time(ours),
        time(figure(samples, "go", key("nanos"))),
        cell(ratio, 2, "×"),
        verdict,
        cell(figure(samples, "ours", key("bytes")), 0),
        cell(figure(samples, "go", key("bytes")), 0),
        cell(bytes, 2, "×"),
        ...(before === undefined ? [] : [cell(before, 2, "×")])
      ]]
    })
  )
  const head = ["", "bytes", "ours", "Go", "ours ÷ Go", "target", "ours allocates", "Go allocates", "ours ÷ Go"]
  return markdown(rows.some((row) => row.length > head.length) ? [...head, "ours ÷ before"] : head, rows)
}

/** The target of several messages: the one that is furthest from it decides. */
const worst = (work: string, chosen: (target: number) => boolean, times: number): Target => ({
  work,
  demanded: `each ≤ ${times} × Go`,
  judge: ({ samples }: Run) => {
    const found = cases.filter(({ target }) => chosen(target)).flatMap(({ name, title }) =>
      operations.flatMap((operation) => {
        const key = `${name}.${operation}.nanos`
        const ratio = Statistics.ratio(samples, key, ["ours", "go"])
        return ratio === undefined ? [] : [{ key, ratio, title: `${title}, ${operation}` }]
      })
    )
    const [last] = found.toSorted((a, b) => b.ratio.median - a.ratio.median)
    return last && {
      ours: `${last.title}: ${time(figure(samples, "ours", last.key))}`,
      beside: time(figure(samples, "go", last.key)),
      ratio: cell(last.ratio, 2, "×"),
      isMet: last.ratio.median <= times
    }
  }
})

export const seconds = 35

/** A batch lasts so long, and the median of so many is taken. */
const BATCH = { millis: 20, samples: 9 }

/** Room for what is allocated while it is counted. */
const ROOM = ["--min-semi-space-size=128", "--max-semi-space-size=128"]

/** Answers of Go have both figures; ours need another process for the second. */
const commands = (subject: Subject, command: Command): ReadonlyArray<Command> => {
  const [program, ...args] = command
  return subject === "go" ? [command] : [command, [program, ...ROOM, ...args]]
}

/** What differs between two encodings: nothing, or where a nonce is among them, nothing but that may differ. */
const check = (name: string, ours: string | undefined, theirs: string): void => {
  if (ours === undefined || name === "sealed") return
  if (ours !== theirs) throw new Error(`${name}: both sides encode other bytes: ${ours} and ${theirs}`)
}

export const measure = async (measuring: Measuring): Promise<void> => {
  const encoded = new Map<string, string>()
  for (const subject of measuring.turns("ours", "before", "go")) {
    const figures: Record<string, number> = {}
    await withChildren(commands(subject, measuring.command(subject, "codec")), async ([timing, counting]) => {
      if (timing === undefined) return
      for (const { name } of cases) {
        for (const operation of operations) {
          measuring.say(`${subject}, ${operation} ${name}`)
          const request = { case: name, operation, ...BATCH }
          const { bytes, hex, nanos, size } = await timing.ask("codec", request)
          const counted = await counting?.ask("codec", { ...request, allocations: true })
          check(name, encoded.get(name), String(hex))
          encoded.set(name, String(hex))
          const key = `${name}.${operation}`
          figures[`${key}.nanos`] = Number(nanos)
          figures[`${key}.bytes`] = Number(counted?.["bytes"] ?? bytes)
          figures[`${key}.size`] = Number(size)
        }
      }
    })
    measuring.record(subject, figures)
  }
}

export const section: Section = {
  title: () => "One message, one packet, one list",
  text: () => text,
  figures: [],
  body: ({ samples }) => table(samples),
  targets: [
    worst("codec: ping, ack and alive", (target) => target === 0.25, 0.25),
    worst("codec: everything", () => true, 0.5)
  ]
}
