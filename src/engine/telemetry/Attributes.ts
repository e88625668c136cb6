/**
 * What logs and spans are annotated with, as it can be shown: much of it was chosen by peers.
 *
 * @since 0.1.0
 */
import * as PlainText from "../../base/PlainText.ts"

/** Attributes that are names of members. */
const names: ReadonlySet<string> = new Set(["node", "member", "accuser"])

/** The attributes that have a value, their text made plain. */
export const plain = (attributes: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const out: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined) continue
    out[key] = typeof value !== "string" ? value : names.has(key) ? PlainText.name(value) : PlainText.sentence(value)
  }
  return out
}
