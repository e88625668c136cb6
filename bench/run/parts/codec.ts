/** Messages, packets and lists, encoded and decoded: time and bytes. */
import { cases, operations } from "../../page/Codec.ts"
import type { Subject } from "../../page/Results.ts"
import { type Command } from "../Child.ts"
import { type Measuring, withChildren } from "../Measuring.ts"

export { section } from "../../page/Codec.ts"

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
