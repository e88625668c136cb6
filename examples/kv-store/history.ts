/** What was written, and whether what is there can come from it. */

/** A value that was written to a key at a node, or its removal. Times are milliseconds of this machine's clock. */
export interface Write {
  readonly node: string
  readonly key: string
  /** Nothing for a removal. */
  readonly value: string | undefined
  readonly sent: number
  /** When it was acknowledged; nothing while it is not, or never was. */
  answered: number | undefined
}

/** The keys of a node, with their values. */
export type Content = ReadonlyMap<string, string>

export interface Judged {
  /** Keys that are not the same at all nodes. */
  readonly differ: ReadonlyArray<string>
  /** What is there, or is not, although a later write was acknowledged, or nobody wrote it. */
  readonly wrong: ReadonlyArray<string>
}

/**
 * What may be there: all that was not overwritten. A write is overwritten when another one of its key was sent after it
 * had been acknowledged, and was acknowledged as well. Of two at the same time either may be the later one, and what was
 * never acknowledged may be there or not.
 */
const lastOf = (writes: ReadonlyArray<Write>): ReadonlySet<string | undefined> => {
  const begun = Math.max(...writes.map(({ answered, sent }) => answered === undefined ? -Infinity : sent))
  const last = new Set(
    writes.flatMap(({ answered, value }) => answered !== undefined && answered < begun ? [] : [value])
  )
  // nothing of it may have arrived
  if (begun === -Infinity) last.add(undefined)
  return last
}

/** What the nodes have, compared with each other and with what was written. */
export const judge = (writes: ReadonlyArray<Write>, contents: ReadonlyMap<string, Content>): Judged => {
  const byKey = new Map<string, Array<Write>>()
  for (const write of writes) {
    const known = byKey.get(write.key)
    if (known === undefined) byKey.set(write.key, [write])
    else known.push(write)
  }
  const keys = new Set([...byKey.keys(), ...[...contents.values()].flatMap((content) => [...content.keys()])])
  const differ: Array<string> = []
  const wrong: Array<string> = []
  for (const key of keys) {
    const last = lastOf(byKey.get(key) ?? [])
    const found = [...contents].map(([node, content]) => ({ node, value: content.get(key) }))
    if (new Set(found.map(({ value }) => value)).size > 1) differ.push(key)
    for (const { node, value } of found) {
      if (last.has(value)) continue
      const expected = [...last].map((value) => value ?? "nothing").join(" or ")
      wrong.push(`${node} has ${value ?? "nothing"} for ${key}, and not ${expected}`)
    }
  }
  return { differ, wrong }
}
