/** A document of which a command writes a part: what stands between two marks. */
import { readFileSync, writeFileSync } from "node:fs"

/** Replaces what stands between two marks of a file; throws where they are not in it, in this order. */
export const writePart = (file: string, begin: string, end: string, part: string): void => {
  const text = readFileSync(file, "utf8")
  const from = text.indexOf(begin)
  const to = from < 0 ? -1 : text.indexOf(end, from + begin.length)
  if (to < 0) throw new Error(`${file} has no part between ${begin} and ${end}`)
  writeFileSync(file, `${text.slice(0, from)}${begin}\n\n${part}\n\n${text.slice(to)}`)
}
